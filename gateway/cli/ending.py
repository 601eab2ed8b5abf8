"""How a command ends: the exit codes, what each failure means, and the words for it."""

from collections.abc import Sequence
from enum import IntEnum


class Code(IntEnum):
    """Codes are added, never re-used; one that is not here is to be treated as failure."""

    DONE = 0
    FINDINGS = 1
    USAGE = 2
    NOT_LOADED = 3
    REFUSED_BY_REMOTE = 4
    UNREACHABLE = 5
    PARTLY = 6
    UNSAFE = 7
    NO_SUCH = 8
    PENDING = 10
    DEFECT = 70
    INTERRUPTED = 130
    STOPPED = 143


CODES = {
    "Halted": Code.UNSAFE,
    "Mistakes": Code.NOT_LOADED,
    "FailedTests": Code.NOT_LOADED,
    "ImportError": Code.NOT_LOADED,
    "Unauthorized": Code.REFUSED_BY_REMOTE,
    "Rejected": Code.REFUSED_BY_REMOTE,
    "Transient": Code.UNREACHABLE,
    "InDoubt": Code.UNREACHABLE,
    "Unreadable": Code.UNREACHABLE,
    "NotFound": Code.NO_SUCH,
    "Stale": Code.PARTLY,
    "ConnectorError": Code.UNREACHABLE,
    "DatabaseError": Code.UNREACHABLE,
    "WrongStore": Code.UNREACHABLE,
    "OSError": Code.UNREACHABLE,
    "Refused": Code.UNSAFE,
}
"""By name of the class, so that `check` imports neither SQLAlchemy nor a connector."""

REMEDIES = {
    "Untrusted": "Has it run out, or does something in between answer? An authority of your own is named by REQUESTS_CA_BUNDLE=FILE.",
    "Unauthorized": "Check its sign_in: in ticketgate.yaml, the secret, and what that account may do there; `ticketgate doctor` tries it.",
    "Transient": "Is its address right, and does it answer at all? Nothing is lost; try again later. `ticketgate doctor` asks it.",
    "Unreadable": "Does its url: lead to that system, or does something in between answer in its place? `ticketgate doctor` tries it.",
    "InDoubt": "The next run asks that system whether it took effect, and does not repeat it blindly.",
    "DatabaseError": "Is the disk full, or the file not ours to write? `ticketgate doctor` looks.",
}


EXTRAS = {"jira": "jira", "pysnow": "servicenow", "zenpy": "zendesk", "simple_salesforce": "salesforce"}


class Ended(Exception):
    """The command is over: `code`, and a message for standard error (empty: all has been said)."""

    def __init__(self, code: Code, message: str = "") -> None:
        super().__init__(message)
        self.code, self.message = code, message


def code_of(error: Exception) -> Code | None:
    """The code for a failure that reached the top; None for one that is a defect of ours."""
    if isinstance(error, Ended):
        return error.code
    return next((CODES[name] for name in _kinds(error) if name in CODES), None)


def remedy(error: Exception) -> str:
    """What a person can do about a failure; empty where its own words say so."""
    if isinstance(error, ImportError):
        extra = EXTRAS.get((error.name or "").partition(".")[0], "all")
        return f"A package that this desk needs is not installed: pip install 'ticketgate[{extra}]' brings it."
    return next((REMEDIES[name] for name in _kinds(error) if name in REMEDIES), "")


def in_words(error: Exception) -> str:
    """What went wrong, and below it what to do. Never a statement to the database, which may hold what a customer wrote."""
    kinds = _kinds(error)
    if "DatabaseError" in kinds:
        said = f"the database could not be used: {getattr(error, 'orig', error)}"
    elif isinstance(error, OSError) and error.strerror:
        said = f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    else:
        said = str(error)
    notes = getattr(error, "__notes__", [])
    return "\n".join(part.rstrip() for part in (said, *notes, remedy(error)) if part)


def worst(errors: Sequence[Exception]) -> Code:
    """The code for several connections that failed: refused before unreachable."""
    codes = {code_of(error) or Code.UNREACHABLE for error in errors}
    return Code.REFUSED_BY_REMOTE if Code.REFUSED_BY_REMOTE in codes else min(codes)


def _kinds(error: Exception) -> list[str]:
    return [kind.__name__ for kind in type(error).__mro__]
