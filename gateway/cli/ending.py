"""How a command ends: the exit codes, what each failure means, and the words for it."""

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
    INTERRUPTED = 130
    STOPPED = 143


class Ended(Exception):
    """The command is over: `code`, and a message for standard error (empty: all has been said)."""

    def __init__(self, code: Code, message: str = "") -> None:
        super().__init__(message)
        self.code, self.message = code, message


def code_of(error: Exception) -> Code | None:
    """The code for a failure that reached the top; None for one that is a defect of ours."""
    if isinstance(error, Ended):
        return error.code
    by_name = {
        "Mistakes": Code.NOT_LOADED,
        "Unauthorized": Code.REFUSED_BY_REMOTE,
        "Rejected": Code.REFUSED_BY_REMOTE,
        "Transient": Code.UNREACHABLE,
        "InDoubt": Code.UNREACHABLE,
        "Unreadable": Code.UNREACHABLE,
        "NotFound": Code.NO_SUCH,
        "OperationalError": Code.UNREACHABLE,
        "WrongStore": Code.UNREACHABLE,
        "Refused": Code.UNSAFE,
    }
    names = (kind.__name__ for kind in type(error).__mro__)
    return next((by_name[name] for name in names if name in by_name), None)  # by name: `check` imports neither SQLAlchemy nor a connector
