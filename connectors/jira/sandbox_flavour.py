"""What differs between the deployments that the sandbox serves, as one value: text, stamps of the index, and what an answer tells."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from typing import Any

from connectors.jira.sandbox_issues import as_document, called, calling, is_document, plain
from connectors.jira.sandbox_site import API, URL, Json, People, Users

MENTIONED = re.compile(r"(?<!\\)\[~([^\[\]\n]+)\]")
LIVELY = re.compile(r"\\\\\s?|\\([^\w\s]|_)|&(#92|amp);")


def media_id(file: Json) -> str:
    """By which the cloud's documents name a file: not its id."""
    digits = sha256(f"media/{file['id']}".encode()).hexdigest()
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:32]))


def media(files: Iterable[Json]) -> Json:
    """As the cloud's editor keeps a picture and any other file; `alt` is the file's name."""

    def one(file: Json) -> Json:
        attributes = {"type": "file", "id": media_id(file), "collection": "", "alt": file["name"], "width": 200, "height": 183}
        return {"type": "media", "attrs": attributes}

    kind = {True: "mediaSingle", False: "mediaGroup"}
    content = [{"type": kind[is_picture(file)], "content": [one(file)]} for file in files]
    return {"type": "doc", "version": 1, "content": content}


def is_picture(file: Json) -> bool:
    return str(file["type"]).startswith("image/")


def marked_up(files: Iterable[Json]) -> str:
    return " ".join(f"!{file['name']}|thumbnail!" if is_picture(file) else f"[^{file['name']}]" for file in files)


@dataclass(frozen=True, slots=True)
class Flavour:
    """`is_text` is what is taken as text, `plain` what people read in it, `typed` what they typed as it is kept,
    `size` what its limit counts, `showing` a text that shows files, `calling` one that begins with a mention, `called` whom one mentions,
    as a write names them; `content` is the address of a file's bytes.

    `step` is the finest moment that the search's index knows. `people` keeps the accounts in the deployment's own shape. `told_internal`:
    a comment says in `jsdPublic` who sees it; `field_ids`: a changelog names the id of the field; `links_once`: the same link again is
    taken for the one that is there.
    """

    is_text: Callable[[Any], bool] = is_document
    plain: Callable[[Any], str] = plain
    typed: Callable[[str], Any] = as_document
    size: Callable[[Any], int] = lambda said: len(plain(said))
    wanted: str = "an Atlassian Document (see the Atlassian Document Format)"
    step: timedelta = field(default=timedelta(milliseconds=1))
    people: type[People] = People
    told_internal: bool = True
    field_ids: bool = True
    links_once: bool = True
    showing: Callable[[Iterable[Json]], Any] = media
    calling: Callable[[Json, Any], Any] = calling
    called: Callable[[Any], list[str]] = called
    content: str = f"{API}/attachment/content/{{id}}"


def _read(found: re.Match[str]) -> str:
    if found[0].startswith("\\\\"):
        return "\n"
    return found[1] or {"#92": "\\", "amp": "&"}[found[2]]


def unescaped(markup: str) -> str:
    """What people read in wiki markup that is nothing but escaped text; written apart from the connector's reader."""
    return LIVELY.sub(_read, markup)


CLOUD = Flavour()
DATA_CENTER = Flavour(
    is_text=lambda said: isinstance(said, str),
    plain=unescaped,
    typed=str,
    size=len,
    wanted="a string",
    step=timedelta(seconds=1),
    people=Users,
    told_internal=False,
    field_ids=False,
    links_once=False,
    showing=marked_up,
    calling=lambda person, said: f"[~{person['name']}] {said}",
    called=MENTIONED.findall,
    content=f"{URL}/secure/attachment/{{id}}/{{name}}",
)
