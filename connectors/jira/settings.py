"""What a Jira connection says in `ticketgate.yaml`."""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, SecretStr, field_validator
from pydantic import Field as Setting

from connectors.base import ConnectorSettings, Thing
from rules.ticket import Level, Status, Type

OUR_WORDS: Mapping[str, type[StrEnum]] = {"status": Status, "priority": Level, "type": Type}

ProjectKey = Annotated[str, Setting(pattern=r"^[A-Z][A-Z0-9_]*$")]


class JiraSignIn(BaseModel):
    """`{email, token}`: an API token. `{token}` alone: an OAuth access token or a personal one, sent as Bearer."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    email: str | None = None
    token: SecretStr


class JiraSettings(ConnectorSettings):
    """`project` limits what is read to these projects (none: all that the account sees).

    `group_field` is the id or name of the field that holds the group (none: the custom field called Group, where there is one).
    `transition_fields` answers what a transition's screen requires, as `{resolution: Done}`. `accounts` is `{e-mail: accountId}`
    for people whose address Jira hides. `site` is what people open in a browser, where `url` is api.atlassian.com. `overlap` is
    how far behind the watermark a poll starts, in seconds: longer than the search index ever lags.
    """

    sign_in: JiraSignIn
    project: Annotated[tuple[ProjectKey, ...], BeforeValidator(lambda said: (said,) if isinstance(said, str) else said)] = ()
    group_field: str | None = None
    transition_fields: Mapping[str, Any] = Setting(default_factory=dict)
    accounts: Mapping[str, str] = Setting(default_factory=dict)
    site: str | None = None
    overlap: float = Setting(default=300.0, ge=0)
    page_size: int = Setting(default=100, ge=1, le=100)

    def named(self) -> Iterator[tuple[str, Thing, str]]:
        for key in self.project:
            yield "project", "project", key
        if self.group_field:
            yield "group_field", "field", self.group_field

    @field_validator("words")
    @classmethod
    def _known(cls, words: Mapping[str, Mapping[str, str]]) -> Mapping[str, Mapping[str, str]]:
        for field, pairs in words.items():
            if field not in OUR_WORDS:
                raise ValueError(f"there are no words to declare for '{field}'; there are status, priority and type")
            wrong = next((ours for ours in pairs.values() if ours not in set(OUR_WORDS[field])), None)
            if wrong is not None:
                raise ValueError(f"'{wrong}' is not a {field}; write one of {', '.join(OUR_WORDS[field])}")
        return words
