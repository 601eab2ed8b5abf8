"""What `ticketgate.yaml` says about a Salesforce connection."""

import re
from collections.abc import Iterator
from typing import Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from connectors.base import ConnectorSettings, Thing

WAYS = "sign_in needs client_id and client_secret (client credentials), or username, client_id and private_key (JWT bearer)"
SOAP = (
    "username with password and security_token signs in through SOAP login(), which is off in new organizations and ends with "
    f"Summer '27; {WAYS}"
)
NAME = re.compile(r"[A-Za-z]\w*")  # of a field: it becomes part of a query


class SignIn(BaseModel):
    """One of two ways in, both OAuth. `audience` is for JWT bearer: `test` for a Salesforce sandbox organization."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, defer_build=True)

    client_id: str
    client_secret: SecretStr | None = None
    username: str | None = None
    private_key: SecretStr | None = None
    audience: Literal["login", "test"] = "login"

    @model_validator(mode="before")
    @classmethod
    def _no_password(cls, said: Any) -> Any:
        if isinstance(said, dict) and said.keys() & {"password", "security_token"}:
            raise ValueError(SOAP)
        return said

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        given = {name for name in ("client_secret", "username", "private_key") if getattr(self, name) is not None}
        if given not in ({"client_secret"}, {"username", "private_key"}):
            raise ValueError(WAYS)
        return self


class SalesforceSettings(ConnectorSettings):
    """`url` is the organization's My Domain. The fields named here are this organization's own, on Case.

    `tags_field` holds tags, with semicolons between them; `external_id_field` (External ID, Unique) holds the mark of what we made;
    `group_field` remembers the group while a person owns the case; each may be null. `nobody` names the users or queues, first the
    one to write, that own the cases which nobody has taken: a case always has an owner. `marks`: our comments end with a line by
    which we know them again. `emails`: the organization has Email-to-Case; `feed`: what people post in the feed of a case is read.
    `replies` says what our replies are; with `feed` our notes are internal posts. E-mails are sent from `reply_address`, an
    organization-wide address, else from our user's. `site`: customers see their cases, and the files linked for them, in a site; None: the
    organization is asked. `overlap` is how long, in seconds, a transaction may
    take from its stamp to its commit.
    """

    sign_in: SignIn
    api_version: str = Field(default="62.0", pattern=r"^\d\d\.0$")
    tags_field: str | None = "Tags__c"
    external_id_field: str | None = "Ticketgate_Key__c"
    group_field: str | None = None
    nobody: tuple[str, ...] = ("Default Case Owner",)
    marks: bool = True
    emails: bool = True
    feed: bool = False
    replies: Literal["comment", "feed", "email"] = "comment"
    site: bool | None = None
    reply_address: str | None = Field(default=None, pattern=r"^[^@\s,]+@[^@\s,]+$")
    overlap: float = Field(default=300.0, ge=0, le=86_400)
    page_size: int = Field(default=2000, ge=1, le=2000)

    def named(self) -> Iterator[tuple[str, Thing, str]]:
        yield from super().named()
        own = {key: getattr(self, key) for key in ("tags_field", "external_id_field", "group_field")}
        yield from ((key, "field", name) for key, name in own.items() if name)

    @property
    def reads_feed(self) -> bool:
        return self.feed or self.replies == "feed"

    @model_validator(mode="after")
    def _can_mail(self) -> Self:
        """A reply that left by e-mail is found again among the case's e-mails, by our mark alone."""
        if self.replies == "email" and not (self.emails and self.marks):
            raise ValueError("replies: email needs emails: true and marks: true, or a reply whose answer was lost could not be found again")
        if self.reply_address is not None and self.replies != "email":
            raise ValueError("reply_address is what e-mails are sent from; write replies: email beside it")
        return self

    @field_validator("url")
    @classmethod
    def _my_domain(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme != "https" or "." not in (parts.hostname or "") or parts.path not in ("", "/") or parts.query:
            raise ValueError("url is the organization's My Domain and nothing behind it: https://acme.my.salesforce.com")
        if parts.hostname in ("login.salesforce.com", "test.salesforce.com"):
            raise ValueError("url is the organization's own My Domain, such as https://acme.my.salesforce.com, not the login page")
        return url.rstrip("/")

    @field_validator("tags_field", "external_id_field", "group_field")
    @classmethod
    def _a_field(cls, name: str | None) -> str | None:
        if name is not None and not NAME.fullmatch(name):
            raise ValueError(f"'{name}' is not the API name of a field, such as Tags__c; write null for none")
        return name

    @model_validator(mode="after")
    def _token_host(self) -> Self:
        """The SDK signs assertions only for hosts of that domain."""
        if self.sign_in.private_key is not None and not (urlsplit(self.url).hostname or "").endswith(".salesforce.com"):
            raise ValueError("JWT bearer needs a url that ends in .salesforce.com; use client_id and client_secret here")
        return self
