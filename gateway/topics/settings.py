"""The keys of `ticketgate.yaml`: meaning and an example value."""

from collections.abc import Mapping

from gateway.topics.words import Word

W = Word

SETTINGS: Mapping[str, Word] = {
    "version": W("the version of the file, always 1", 1),
    "database": W("where the store lies, relative to the desk", "sqlite:///.ticketgate/desk.db"),
    "default_language": W("the last resort of language: auto, and what notes and notifications are in", "en"),
    "default_calendar": W("for business time where nothing nearer names a calendar", "support-emea"),
    "connections": W(
        "one entry for each system that is read; the names are yours",
        {
            "zendesk-eu": {
                "system": "zendesk",
                "url": "https://acme.zendesk.com",
                "sign_in": {"client_id": "ticketgate", "client_secret": "${secret:zendesk}"},
            }
        },
    ),
    "channels": W("where notify goes: an apprise address as a secret, or file:PATH", {"vip-alerts": {"url": "${secret:chat_url}"}}),
    "groups": W("teams, and the lead whom team-lead means", {"billing": {"lead": "lena@example.com"}}),
    "figures": W(
        "where report finds what a system keeps in fields of its own, and what counts as a repeat",
        {"resolved_at": "custom.resolved", "repeat": {"match": ["requester.email", "product"], "within": "30d"}},
    ),
    "brake": W("a batch that would change more tickets than this stops", {"tickets": 500}),
    "pii": W("the countries whose national ids contains_pii knows", {"national_id": ["DE", "FR"]}),
    "on_call": W("who is called out by page", {"support-oncall": {"url": "${secret:pager_url}"}}),
    "endpoints": W("where webhook goes", {"erp": {"url": "https://erp.example.com/hook", "secret": "${secret:erp}"}}),
    "server": W("the address of the pages", {"host": "127.0.0.1", "port": 8080}),
    "retention": W("how long things are kept", {"traces": "90d"}),
    "reload": W(
        "replays what happened with new rules, and holds them when too many tickets would end differently",
        {"replay": "24h", "stop_if_changed": "20%"},
    ),
}


def setting(name: str) -> Word:
    """What is said of a key; of one that nobody described yet, that the guide has it."""
    return SETTINGS.get(name) or Word(f"{name}: see config/README.md", None)
