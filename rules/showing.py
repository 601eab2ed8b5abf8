"""Values as a person reads them."""

from datetime import datetime

from rules.ticket import Value


def shown_value(value: Value, longest: int = 80) -> str:
    """A field's value as a person reads it: 'silver', [gold, vip], 2026-03-02 10:00 UTC, (empty)."""
    if value is None:
        return "(empty)"
    if isinstance(value, frozenset):
        return f"[{', '.join(sorted(value))}]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M %Z")
    text = " ".join(str(value).split())
    text = text if len(text) <= longest else f"{text[: longest - 1]}…"
    return f"'{text}'" if isinstance(value, str) else text
