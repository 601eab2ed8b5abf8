"""Whether something that happened is the event that somebody named."""

from rules.bundle import On
from rules.observation import Event, Kind
from rules.text import fold
from rules.ticket import Value


def means(on: On, event: Event) -> bool:
    """Whether this is the event named: of `changed`, its field and values as well. Whom `manual` names is the caller's question."""
    if on.kind is not event.kind:
        return False
    change = event.change
    if on.kind is not Kind.CHANGED or change is None:
        return True
    return on.field in (None, change.field) and _one_of(on.was, change.before) and _one_of(on.to, change.after)


def _one_of(wanted: frozenset[str], value: Value) -> bool:
    if not wanted:
        return True
    members = (
        value if isinstance(value, frozenset) else () if value is None else (str(value).lower() if isinstance(value, bool) else str(value),)
    )
    return any(fold(member) in wanted for member in members)
