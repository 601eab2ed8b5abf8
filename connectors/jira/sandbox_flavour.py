"""What differs between the deployments that the sandbox serves, as one value: text, stamps of the index, and what an answer tells."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from connectors.jira.sandbox_issues import as_document, is_document, plain
from connectors.jira.sandbox_site import People, Users

LIVELY = re.compile(r"\\\\\s?|\\([^\w\s]|_)|&(#92|amp);")


@dataclass(frozen=True, slots=True)
class Flavour:
    """`is_text` is what is taken as text, `plain` what people read in it, `typed` what they typed as it is kept,
    `size` what its limit counts.

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
)
