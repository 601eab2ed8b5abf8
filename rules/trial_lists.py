"""What a test may expect as a list of names: how each thing that happened is called, and what is wrong when it was called for otherwise."""

from collections.abc import Callable, Iterable, Iterator, Mapping

from rules.literal import read_plain
from rules.plan import AddComment
from rules.world import Happened


def compared(name: str, entries: tuple[str, ...], happened: Happened, exactly: bool) -> Iterator[str]:
    """What is wrong with this list, a line each. No entries: nothing may have happened."""
    if name == "not_fired":
        yield from _not_fired(entries, happened)
        return
    wanted = tuple(" ".join(entry.split()) for entry in entries) if name in _OF_TEXTS else entries
    for wrong in _listed(name, wanted, _NAMES[name](happened), exactly):
        said = name in _OF_TEXTS and happened.remarks and "expected" in wrong
        yield f"{wrong} ({'; '.join(happened.remarks)})" if said else wrong


def called(happened: Happened) -> dict[str, list[str]]:
    """What happened by the names that a test would expect, the fullest of each."""
    return {name: list(dict.fromkeys(names[0] for names in of(happened))) for name, of in _NAMES.items()}


def _listed(what: str, entries: tuple[str, ...], found: list[tuple[str, ...]], exactly: bool) -> Iterator[str]:
    """`found` has the names by which each thing may be called, the fullest first."""
    missing = [entry for entry in entries if not any(entry in names for names in found)]
    beyond = [names[0] for names in found if not any(entry in names for entry in entries)]
    if missing:
        yield f"{what}: expected {_joined(missing)}; there {'was' if len(found) == 1 else 'were'} {_joined(names[0] for names in found)}"
    if beyond and (exactly or not entries):
        yield f"{what}: {_joined(beyond)} {'was' if len(beyond) == 1 else 'were'} not expected"


def _not_fired(entries: tuple[str, ...], happened: Happened) -> Iterator[str]:
    for names in _NAMES["fired"](happened):
        if any(entry in names for entry in entries):
            yield f"not_fired: {names[0]} fired"


def _rule(rule: str, stage: str | None) -> tuple[str, ...]:
    return (f"{rule} {stage}", rule) if stage else (rule,)


def _comment(comment: AddComment) -> tuple[str, ...]:
    text = " ".join(read_plain(comment.body).split())
    return (f"{comment.template} ({comment.language})", comment.template, text) if comment.template else (text,)


def _joined(names: Iterable[str]) -> str:
    return ", ".join(f"'{name}'" for name in names) or "none"


_OF_TEXTS = frozenset({"replies", "notes"})
_NAMES: Mapping[str, Callable[[Happened], list[tuple[str, ...]]]] = {
    "fired": lambda happened: [_rule(rule, stage) for rule, stage in happened.fired],
    "replies": lambda happened: [_comment(comment) for comment in happened.replies],
    "notes": lambda happened: [_comment(comment) for comment in happened.notes],
    "notified": lambda happened: [*((one.asked_for, one.to) for one in happened.notified), *((name,) for name in happened.untold)],
    "paged": lambda happened: [(page.to,) for page in happened.paged],
    "synced": lambda happened: [(connection,) for connection in happened.synced],
    "linked": lambda happened: [(join.relation, join.ticket.connection, str(join.to)) for join in happened.linked],
    "approvals": lambda happened: [(question.ask, question.to) for question in happened.approvals],
    "webhooks": lambda happened: [(request.to,) for request in happened.webhooks],
}
