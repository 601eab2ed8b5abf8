"""The language page's eight rules and a desk in which nothing is found about them."""

from rules.bundle import Desk
from tests.rules.page import FILES as PAGE

_LATER = "  - id: vip-escalation\n"
_ESCALATION = PAGE["rules/40-escalation.yaml"]
assert _LATER in _ESCALATION
FILES = {
    **PAGE,
    "rules/40-escalation.yaml": _ESCALATION.replace(_LATER, f"  # ticketgate: allow TG405 because the VIP desk takes them over\n{_LATER}"),
}
DESK = Desk(
    connections={"zendesk-eu": "zendesk", "jira-core": "jira"},
    channels=frozenset({"people", "trust-leads", "vip-alerts", "sla-alerts", "problem-managers"}),
    groups={"billing-dach": "lena@example.com"},
    on_call=frozenset({"support-oncall", "duty-manager"}),
    default_calendar="support-emea",
)
