"""What `ticketgate.yaml` says about a Zendesk connection."""

from typing import Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from connectors.base import ConnectorSettings

WAYS = (
    "sign_in needs client_id and client_secret (an OAuth client, recommended; with refresh_token where a person authorized it), "
    "or oauth_token, or email and token (stops on 2027-04-30)"
)
API_TOKENS_END = (
    "Zendesk's API tokens stop on 2027-04-30: make an OAuth client (Admin Center, Apps and integrations, APIs, OAuth clients) "
    "and write sign_in: { client_id, client_secret }"
)


class SignIn(BaseModel):
    """OAuth first: API tokens can no longer be made and stop on 2027-04-30. Each refresh token serves once; the newest is in the store."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, defer_build=True)

    client_id: str | None = None
    client_secret: SecretStr | None = None
    scope: str = "read write"
    refresh_token: SecretStr | None = None
    oauth_token: SecretStr | None = None
    email: str | None = None
    token: SecretStr | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        app = {"client_id", "client_secret"}
        given = {name for name in (*app, "refresh_token", "oauth_token", "email", "token") if getattr(self, name) is not None}
        if given not in (app, {*app, "refresh_token"}, {"oauth_token"}, {"email", "token"}):
            raise ValueError(WAYS)
        return self


class ZendeskSettings(ConnectorSettings):
    """`url` is the account's own address, such as https://acme.zendesk.com. `page_size` is that of an export."""

    model_config = ConfigDict(hide_input_in_errors=True)  # a mistake in sign_in must not print the secret beside it

    sign_in: SignIn
    page_size: int = Field(default=1000, ge=1, le=1000)

    def notices(self) -> tuple[str, ...]:
        return (API_TOKENS_END,) if self.sign_in.token is not None else ()

    @field_validator("url")
    @classmethod
    def _an_account(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme != "https" or "." not in (parts.hostname or "") or parts.path not in ("", "/") or parts.query:
            raise ValueError("url is the account's address and nothing behind it: https://acme.zendesk.com")
        return url.rstrip("/")
