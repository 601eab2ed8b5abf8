"""What a Jira connection says in `ticketgate.yaml`."""

import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, SecretStr, field_validator, model_validator
from pydantic import Field as Setting

from connectors.base import ConnectorSettings, Thing
from rules.ticket import Level, Status, Type

OUR_WORDS: Mapping[str, type[StrEnum]] = {"status": Status, "priority": Level, "type": Type}

LINK_TYPES = {"problem": "Problem/Incident", "duplicate": "Duplicate", "parent": "Relates"}
"""As Jira itself names them; the first comes with Jira Service Management."""

MOST_OF_CLOUD = 100  # issues on a page with fields
CLOUD_API = "https://api.atlassian.com/ex/jira/"

KEY = r"^[A-Z][A-Z0-9_]*$"


def _key(said: str) -> str:
    if not re.match(KEY, said):
        raise ValueError("a project is named by its key such as HELP, in capital letters")
    return said


ProjectKey = Annotated[str, AfterValidator(_key), Setting(json_schema_extra={"pattern": KEY})]

WAYS = (
    "sign_in needs email and token (an API token), or token alone (a personal access token), or client_id and client_secret "
    "(a service account's OAuth 2.0 credential), and refresh_token as well where a person authorized the app"
)
CLOUD = "Atlassian serves this sign_in at api.atlassian.com only: say which site it is with cloud_id"


class JiraSignIn(BaseModel):
    """`{email, token}`: an API token. `{token}` alone: a personal access token, or an access token that somebody else renews, as Bearer.

    `{client_id, client_secret}`: a service account's OAuth 2.0 credential. `refresh_token` beside them: OAuth 2.0 in a person's name;
    each refresh token serves once, and the newest is kept in the store.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, defer_build=True)

    email: str | None = None
    token: SecretStr | None = None
    client_id: str | None = None
    client_secret: SecretStr | None = None
    refresh_token: SecretStr | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        app = {"client_id", "client_secret"}
        given = {name for name in (*app, "email", "token", "refresh_token") if getattr(self, name) is not None}
        if given not in ({"email", "token"}, {"token"}, app, {*app, "refresh_token"}):
            raise ValueError(WAYS)
        return self


class JiraSettings(ConnectorSettings):
    """`deployment` is where the site runs: Atlassian's cloud, or a Data Center (`url` with its context path, a personal access token).

    `project` limits what is read to these projects (none: all that the account sees).

    `group_field` is the id or name of the field that holds the group (none: the custom field called Group, where there is one).
    `transition_fields` answers what a transition's screen requires, as `{resolution: Done}`. `accounts` is `{e-mail: accountId}`
    (a Data Center's: `{e-mail: user name}`)
    for people whose address Jira hides. `link_types` is `{problem: Causes}`, the site's own name for a type of link between issues.
    `origins` are the words of links that lead to what an issue was split or copied from, such as `[clones, split from]`: with them every
    issue is read with its links (none: they are not asked for).
    `cloud_id` names the site at api.atlassian.com, where scoped tokens, service accounts and
    OAuth 2.0 are served; `site` is what people open in a browser, where `url` itself is that address. `overlap` is how far behind
    the watermark a poll starts, in seconds: longer than the search index ever lags.
    """

    sign_in: JiraSignIn
    deployment: Literal["cloud", "data_center"] = "cloud"
    project: Annotated[tuple[ProjectKey, ...], BeforeValidator(lambda said: (said,) if isinstance(said, str) else said)] = ()
    group_field: str | None = None
    transition_fields: Mapping[str, Any] = Setting(default_factory=dict)
    accounts: Mapping[str, str] = Setting(default_factory=dict)
    link_types: Mapping[Literal["problem", "duplicate", "parent"], str] = Setting(default_factory=dict)
    origins: tuple[str, ...] = ()
    cloud_id: str | None = Setting(default=None, pattern=r"^[A-Za-z0-9-]+$")
    site: str | None = None
    overlap: float = Setting(default=300.0, ge=0)
    page_size: int = Setting(default=100, ge=1, le=1000)

    @property
    def reads_besides(self) -> frozenset[str]:
        return frozenset({"split_from"}) if self.origins else frozenset()

    def named(self) -> Iterator[tuple[str, Thing, str]]:
        yield from super().named()
        for key in self.project:
            yield "project", "project", key
        if self.group_field:
            yield "group_field", "field", self.group_field

    @property
    def api(self) -> str:
        """Where requests go."""
        return f"{CLOUD_API}{self.cloud_id}" if self.cloud_id else self.url.rstrip("/")

    @property
    def links(self) -> Mapping[str, str]:
        """The name of the type of link by relation."""
        return {**LINK_TYPES, **{str(relation): name for relation, name in self.link_types.items()}}

    @model_validator(mode="after")
    def _of_its_deployment(self) -> Self:
        if self.deployment == "cloud":
            if self.page_size > MOST_OF_CLOUD:
                raise ValueError(f"page_size: Jira Cloud gives {MOST_OF_CLOUD} issues at once and no more")
            return self
        if self.cloud_id or re.match(r"https?://([^/]+\.)?(atlassian\.net|jira\.com|api\.atlassian\.com)(/|:|$)", self.url):
            raise ValueError("a Data Center has its own address and no cloud_id; leave deployment out for a site of Atlassian's cloud")
        if self.sign_in.token is None or self.sign_in.email:
            raise ValueError("a Data Center takes a personal access token: sign_in: { token } and nothing beside it")
        return self

    @model_validator(mode="after")
    def _where_it_is_served(self) -> Self:
        there = self.url.startswith(CLOUD_API)
        if there and self.cloud_id:
            raise ValueError(f"url is the site itself beside cloud_id, such as https://acme.atlassian.net, not {CLOUD_API}..")
        if self.sign_in.client_id and not there and not self.cloud_id:
            raise ValueError(CLOUD)
        return self

    @field_validator("url")
    @classmethod
    def _a_site(cls, url: str) -> str:
        if not re.match(r"https?://[^/\s?#]+[^\s?#]*$", url):
            raise ValueError("url is the site's whole address, such as https://acme.atlassian.net or https://jira.example.com/jira")
        return url

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
