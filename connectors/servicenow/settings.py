"""What `ticketgate.yaml` says about a ServiceNow connection."""

from collections.abc import Iterator, Mapping
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from connectors.base import ConnectorSettings, Thing

WAYS = (
    "sign_in needs user and password, or api_key, or client_id and client_secret "
    "(and user and password as well for the password grant, or refresh_token)"
)

MATRIX = {"1,1": "1", "1,2": "2", "2,1": "2", "1,3": "3", "2,2": "3", "3,1": "3", "2,3": "4", "3,2": "4", "3,3": "5"}
"""The product's own priority lookup, `impact,urgency: priority`. An installation may have changed any line of it."""


class SignIn(BaseModel):
    """Basic, an API key, or OAuth: with a user by the password grant, with a refresh token by that, with neither by client credentials.

    Client credentials must be allowed by an admin, and an API key needs a REST API access policy on the Table API.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, defer_build=True)

    user: str | None = None
    password: SecretStr | None = None
    api_key: SecretStr | None = None
    client_id: str | None = None
    client_secret: SecretStr | None = None
    refresh_token: SecretStr | None = None

    @model_validator(mode="after")
    def _a_way_in(self) -> Self:
        person, app = {"user", "password"}, {"client_id", "client_secret"}
        given = {name for name in (*person, *app, "api_key", "refresh_token") if getattr(self, name) is not None}
        if given not in (person, {"api_key"}, app, person | app, {*app, "refresh_token"}):
            raise ValueError(WAYS)
        return self


class ServiceNowSettings(ConnectorSettings):
    """`url` is the instance, such as https://acme.service-now.com. All words here are this installation's own.

    `query` narrows what `changed` reads (an encoded query, without ORDERBY and ^NQ). `overlap` is how many seconds before the
    last watermark a poll begins. `close_code` and `close_notes` are written on resolving where the incident has none,
    `on_hold_reason` with the status `on_hold`. `tags` are either in `tags_field`, separated by commas, or the product's own `labels`,
    whose tables an administrator must open to us first. `priority_matrix` names the lines of the priority lookup that differ from the
    product's own.
    """

    sign_in: SignIn
    table: str = Field(default="incident", pattern=r"^[a-z][a-z0-9_]*$")
    page_size: int = Field(default=1000, ge=1, le=10_000)
    overlap: int = Field(default=5, ge=0, le=3600)
    query: str = ""
    deletions: bool = True
    tags: Literal["field", "labels"] = "field"
    tags_field: str = Field(default="u_tags", pattern=r"^[a-z][a-z0-9_]*$")
    close_code: str = "Solved (Permanently)"
    close_notes: str = "Resolved by ticketgate."
    on_hold_reason: str = "4"
    priority_matrix: Mapping[str, str] = Field(default_factory=lambda: dict(MATRIX))

    def named(self) -> Iterator[tuple[str, Thing, str]]:
        yield from super().named()
        if not self.labelled:
            yield "tags_field", "field", self.tags_field

    @property
    def labelled(self) -> bool:
        return self.tags == "labels"

    @model_validator(mode="after")
    def _one_home_of_tags(self) -> Self:
        if self.labelled and "tags_field" in self.model_fields_set:
            raise ValueError("tags are either labels or in tags_field: leave one of the two out")
        return self

    @field_validator("url")
    @classmethod
    def _an_instance(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme != "https" or "." not in (parts.hostname or "") or parts.path not in ("", "/") or parts.query:
            raise ValueError("url is the instance's address and nothing behind it: https://acme.service-now.com")
        return url.rstrip("/")

    @field_validator("query")
    @classmethod
    def _one_plain_query(cls, query: str) -> str:
        if "ORDERBY" in query or "^NQ" in query:
            raise ValueError("query may hold neither ORDERBY nor ^NQ: the order and the paging are ours")
        return query.strip("^")

    @field_validator("priority_matrix")
    @classmethod
    def _a_matrix(cls, matrix: Mapping[str, str]) -> Mapping[str, str]:
        if not matrix or any(len(pair.split(",")) != 2 for pair in matrix):
            raise ValueError('priority_matrix is written as { "1,1": "1", "1,2": "2" }: impact,urgency and the priority they make')
        return {**MATRIX, **{pair.replace(" ", ""): str(priority) for pair, priority in matrix.items()}}
