"""Whom posts in the feed of a case mention, read and written as the segments of Connect REST: a query tells a post's bare text alone.

"Feed Elements, Batch Get", "Post a Feed Item", "Message Segment: Mention" and "Feed Item Input" of the Connect REST API Developer Guide
(https://developer.salesforce.com/docs/atlas.en-us.chatterapi.meta/chatterapi/). Case comments and e-mails mention nobody.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from connectors.errors import InDoubt, NotFound, Rejected
from connectors.mapping import Record
from connectors.salesforce.answers import reading
from connectors.salesforce.reading import USER
from rules.ticket import Comment, Mention, replace

if TYPE_CHECKING:
    from connectors.salesforce.session import Session

AT_ONCE = 100  # posts in one question, of the 500 that it may name: their ids must fit into an address
MOST = 25  # mentions that one post may have


def beside(connection: str, session: "Session", what: str, posts: Sequence[Comment]) -> tuple[Comment, ...]:
    """The posts with those whom they mention; only the notes with an `@` are asked for. Without Chatter nobody is mentioned."""
    asked = [post.id for post in posts if not post.public and "@" in post.text]
    found: dict[str, list[Record]] = {}
    try:
        for at in range(0, len(asked), AT_ONCE):
            answer = session.ask(what, "GET", f"chatter/feed-elements/batch/{','.join(asked[at : at + AT_ONCE])}")
            with reading(connection, what):
                found |= dict(_segments(answer))
    except (NotFound, Rejected):
        return tuple(posts)
    with reading(connection, what):
        return tuple(replace(post, mentions=tuple(_placed(post.text, found.get(post.id, ())))) for post in posts)


def _segments(answer: Any) -> Iterator[tuple[str, list[Record]]]:
    """By the id of each post that we may see."""
    for one in answer["results"]:
        if one["statusCode"] == 200:
            yield str(one["result"]["id"]), one["result"]["body"]["messageSegments"]


def _placed(text: str, segments: Iterable[Record]) -> Iterator[Mention]:
    """Mentions of users, as long as the segments say what the text does: it may end before them, where our mark was."""
    at = 0
    for one in segments:
        said = str(one.get("text") or "")
        if not text.startswith(said, at):
            return
        id = str((one.get("record") or {}).get("id") or "")
        if one.get("type") == "Mention" and said and id.startswith(USER):
            yield Mention(at=at, text=said, id=id)
        at += len(said)


def post(case: str, text: str, mentions: Sequence[Mention]) -> dict[str, Any]:
    """A post for internal users that mentions people; those beyond the most that Salesforce takes are names."""
    said = {"messageSegments": list(_said(text, mentions[:MOST]))}
    return {"body": said, "feedElementType": "FeedItem", "subjectId": case, "visibility": "InternalUsers"}


def _said(text: str, mentions: Iterable[Mention]) -> Iterator[dict[str, str]]:
    at = 0
    for one in mentions:
        if at < one.at:
            yield {"type": "Text", "text": text[at : one.at]}
        yield {"type": "Mention", "id": one.id}
        at = one.at + len(one.text)
    if text[at:]:
        yield {"type": "Text", "text": text[at:]}


def made(connection: str, what: str, answer: Any) -> str:
    """The id of the post. Raises `InDoubt` for an answer that does not say."""
    if isinstance(answer, dict) and isinstance(answer.get("id"), str):
        return str(answer["id"])
    raise InDoubt(connection, f"{what}: the answer does not say what was posted")
