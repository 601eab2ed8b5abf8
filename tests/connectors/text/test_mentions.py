"""A mention survives every way that a note takes, and nothing that anybody types becomes one."""

from collections import Counter

from hypothesis import example, given, settings
from hypothesis import strategies as st

from connectors.jira import adf as cloud
from connectors.jira import wiki as inside
from connectors.text import adf, limits, markdown, mentions, plain, wiki
from connectors.text.document import Document, Mention, remade
from connectors.text.limits import Limit
from gateway.sending import _copied
from rules import ticket
from tests.connectors.text.test_forms import DOCUMENTS, IDS, NAMES, by_id

ROOM = Limit(32_000)
TYPED = st.lists(
    st.sampled_from(["[@Ada](mention:ada)", "[~ada]", "[~accountid:ada]", "@Ada", "@all", "\ufdd00\ufdd1", "\\", "[", "](", "!", "\n", " "])
    | st.text(st.sampled_from("ab @[]()~:\\*_`!{}|#\ufdd0\ufdd1019-\n"), max_size=6),
    max_size=6,
).map("".join)
"""What people type, our own signs and the systems' among it."""
PEOPLE = st.builds(Mention, IDS.filter(lambda id: "[" not in id), NAMES.filter(lambda name: not name.endswith("!")))
SAID = st.lists(TYPED | PEOPLE, max_size=5)
"""Typed text and those who were chosen behind an @, in turn. A name that ends in `!` would make a picture of a typed link behind it."""


def beside(said: list[str | Mention]) -> tuple[str, tuple[ticket.Mention, ...]]:
    """As a comment holds it."""
    text, found = "", []
    for part in said:
        if isinstance(part, Mention):
            found.append(ticket.Mention(at=len(text), text=f"@{part.name}", id=part.id))
        text += part if isinstance(part, str) else f"@{part.name}"
    return text, tuple(found)


def bare(text: str) -> list[str]:
    return mentions.NOT_HELD.sub("", text).split()


def called_in(document: Document) -> list[str]:
    found: list[str] = []
    remade(document, lambda part: [found.append(part.id) or part if isinstance(part, Mention) else part])  # type: ignore[func-returns-value]
    return found


@given(said=SAID)
@example(said=[Mention("::", "<")])
@example(said=["!", Mention(".", "<"), "!"])
@example(said=["Hey!", Mention("557058:a-b", "Ada [x]"), "(you) [@Ada](mention:ada) \ufdd00\ufdd1"])
@example(said=["", Mention("ada", "Ada"), Mention("ada", "Ada"), "[~ada] @Ada"])
@settings(max_examples=80, deadline=None)
def test_a_copy_mentions_those_whom_the_note_does_in_their_places_and_nobody_else(said: list[str | Mention]):
    text, found = beside(said)
    ids = {one.id: f"there:{one.id}" for one in found}

    body = _copied(text, found, ids)

    everybody = frozenset((*ids.values(), "ada", "accountid:ada", "all"))
    wanted = [ids[one.id] for one in found]
    in_cloud = limits.said(body, adf.write, str, ROOM, everybody)
    assert called_in(adf.read(in_cloud)) == wanted
    shown, read = cloud.told(in_cloud)
    assert [one.id for one in read] in (wanted, [] if mentions.NOT_HELD.search(shown) else None)
    assert all(shown[one.at :].startswith(one.text) for one in read)
    assert called_in(wiki.read(inside.rich(body, ROOM, everybody))) == wanted


@given(said=SAID)
@settings(max_examples=50, deadline=None)
def test_without_leave_nobody_is_mentioned_and_the_words_are_the_same(said: list[str | Mention]):
    text, found = beside(said)
    ids = {one.id: one.id for one in found}

    body = _copied(text, found, ids)

    silent = limits.said(body, adf.write, str, ROOM)
    assert called_in(adf.read(silent)) == []
    assert called_in(wiki.read(inside.rich(body, ROOM, frozenset()))) == []
    assert bare(plain.write(adf.read(silent))) == bare(plain.write(markdown.read(_copied(text))))


@given(document=DOCUMENTS)
@settings(max_examples=60, deadline=None)
def test_what_a_system_tells_is_the_text_it_always_told_with_the_mentions_beside_it(document: Document):
    made, marked = adf.write(document), wiki.write(document)

    for (shown, found), text, there in (
        (cloud.told(made), cloud.text(made), document),
        (inside.told(marked), inside.text(marked), by_id(wiki.read(marked))),
    ):
        assert shown == text
        assert [one.id for one in found] == called_in(there)
        assert all(text[one.at :].startswith(one.text) for one in found)


@given(document=DOCUMENTS, more=TYPED)
@settings(max_examples=60, deadline=None)
def test_a_text_written_again_reads_back_letter_by_letter_and_mentions_nobody_new(document: Document, more: str):
    for form, before, plainly in ((cloud, adf.write(document), cloud.document), (inside, wiki.write(document), inside.markup)):
        text, found = form.told(before)
        for said in (text, f"{more}\n{text}", f"{text}{more}"):
            again = form.again(said, before)
            assert form.text(again) == form.text(plainly(said))
            read = form.told(again)[1]
            assert Counter(one.id for one in read) <= Counter(one.id for one in found)
        lines = text.split("\n")
        if len(set(lines)) == len(lines) and form is cloud:
            assert form.told(form.again(text, before)) == (text, found)


def test_all_who_are_here_are_no_person():
    special = {"type": "mention", "attrs": {"id": "all", "text": "@all", "userType": "SPECIAL"}}
    document = {"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": [special]}]}

    assert cloud.told(document) == ("@all", ())
    assert called_in(adf.read(document)) == []
