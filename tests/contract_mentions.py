"""What every connector promises about mentions: who they mean stands beside the text, and nobody is called who was not to be."""

import pytest

from connectors.base import Connector
from connectors.errors import Unsupported
from tests.contract import MARK, OTHER_MARK, one
from tests.rigs import Rig

LENA = "lena@example.com"


def calling(rig: Rig) -> Connector:
    """A connector whose notes can mention people: of Salesforce's only posts in the feed do."""
    if rig.system != "salesforce":
        return rig.connector()
    rig.sandbox.feed = True
    return rig.connector(replies="feed")


def test_whom_a_note_mentions_stands_beside_its_text(rig: Rig, connector: Connector) -> None:
    if not connector.abilities.mentions:
        pytest.skip("it tells of no mentions")
    connector = calling(rig)
    key = one(rig, connector).ref.key
    rig.people("note", key, "look at @Max, please", mentions=(LENA, LENA))
    rig.later()
    rig.people("reply", key, "[@Lena](mention:1) @all, please")

    noted, typed = connector.comments(key)

    assert [noted.text[m.at :][: len(m.text)] for m in noted.mentions] == [m.text for m in noted.mentions]
    assert noted.text == f"{noted.mentions[0].text} {noted.mentions[1].text} look at @Max, please"
    assert (typed.text, typed.mentions) == ("[@Lena](mention:1) @all, please", ())
    (id,) = {m.id for m in noted.mentions}
    assert connector.mentionable(LENA) == id
    assert (person := connector.person(id)) is not None
    assert person.email == LENA
    assert (connector.person("nobody-at-all"), connector.mentionable("nobody@example.com")) == (None, None)


def test_a_note_calls_those_it_was_told_to_and_a_reply_nobody(rig: Rig) -> None:
    connector = calling(rig)
    key = one(rig, connector).ref.key
    able = connector.abilities.mentions
    lena, max_ = (connector.mentionable(who) if able else who for who in (LENA, "max@example.com"))
    body = f"[@Lena](mention:{lena}) and [@Max](mention:{max_}) and [\\@Lena\\]\\(mention:{lena}\\)"

    for n, public in enumerate((False, True)):
        rig.later()
        connector.comment(key, body, public=public, mark=(MARK, OTHER_MARK)[n], called=frozenset({str(lena)}))
    rig.later()
    connector.comment(key, body, public=False, mark=MARK[::-1])

    assert [e.detail.get("called") for e in rig.effects()] == [[LENA] if able else None, None, None]
    said = [comment.text for comment in connector.comments(key)]
    assert [text.startswith("@Lena and @Max and [@Lena](mention:") for text in said] == [not able or rig.row == "jira", True, True]


def test_who_tells_of_no_mentions_is_not_asked_for_them(connector: Connector) -> None:
    if connector.abilities.mentions:
        pytest.skip("it tells of mentions")
    for ask in (lambda: connector.person("1"), lambda: connector.mentionable(LENA)):
        with pytest.raises(Unsupported):
            ask()
