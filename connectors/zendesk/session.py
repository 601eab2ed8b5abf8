"""The one place that talks to Zendesk: zenpy's sign-in and session, our seam below it, and bytes decoded by us."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, closing
from typing import Any, TypeAlias
from urllib.parse import urlencode, urlsplit, urlunsplit

import orjson
import requests
from zenpy import Zenpy

from connectors.elsewhere import Elsewhere
from connectors.errors import ConnectorError, InDoubt, Redirected, Unreadable
from connectors.files import Sink, Upload
from connectors.granting import token_of
from connectors.inventory import Pulse
from connectors.secrecy import saying
from connectors.shared import Shared
from connectors.tokens import Bearer, Token, as_it_is
from connectors.transport import asking, decoded, error_for, handed, mounted, pulse
from connectors.zendesk.directory import NOTHING, Decoded, Meaning, Query
from connectors.zendesk.secrecy import shows_nothing
from connectors.zendesk.settings import ZendeskSettings

Call: TypeAlias = Callable[[], requests.Response]

HOSTS = ("*.zendesk.com", "*.zdusercontent.com")
"""Where Zendesk keeps files: the account's own address sends a download on to there."""
FILES = "/attachments/token/"
MOST = 1024 * 1024 * 1024
"""Bytes; Zendesk takes 50 MB, and more of what comes by other channels."""
JSON = {"Content-Type": "application/json"}
ANY = {"Accept": "*/*"}
AGAIN = "the refresh token ran out, was used by somebody else or was revoked: authorize the OAuth client anew and set refresh_token"
CREDENTIALS = "check client_id and client_secret, and that the OAuth client may use client_credentials"


class Refused(Exception):
    """An answer that is no success, raised below zenpy: above this line it would sleep through a 429 or trip over its header."""

    def __init__(self, answer: requests.Response) -> None:
        super().__init__(f"status {answer.status_code}")
        self.answer = answer


class Session:
    """Asks Zendesk and hands back decoded JSON; raises only our errors. Signs in when first asked, and once more after a 401."""

    def __init__(self, connection: str, settings: ZendeskSettings, *, read_only: bool = False, shared: Shared | None = None) -> None:
        self._connection, self._settings = connection, settings
        shared = shared or Shared()
        self._http = mounted(requests.Session(), connection, settings, read_only=read_only, meter=shared.meter)
        self._http.hooks["response"].append(_refuse)
        self._elsewhere = Elsewhere(connection, settings, HOSTS, most=MOST)
        self._zenpy: Zenpy | None = None
        self._bearer = Bearer(shared.tokens, self._granted) if settings.sign_in.client_id else None

    def get(
        self, what: str, path: str, query: Query = NOTHING, meaning: Meaning | None = None, read: Decoded = orjson.loads
    ) -> dict[str, Any]:
        """The answer to a GET of `path` under /api/v2, as `read` decodes it.

        `what` says in an error what was attempted; `meaning` may know a status better.
        """
        url = self._url(path) + (f"?{urlencode(query)}" if query else "")
        answer = self._asked(what, lambda: self._signed_in().tickets._get(url, raw_response=True), meaning, writing=False, read=read)
        if not isinstance(answer, dict):
            raise Unreadable(self._connection, f"{what}: the answer is not an object")
        return answer

    def send(self, what: str, method: str, path: str, body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> dict[str, Any]:
        """The answer to a write. It is never repeated but after a 401, which proves that nothing happened."""
        url, data = self._url(path), orjson.dumps(body)

        def call() -> requests.Response:
            http: requests.Session = self._signed_in().tickets.session
            return http.request(method, url, data=data, headers={**JSON, **(headers or {})})

        answer = self._asked(what, call, None, writing=True)
        if not isinstance(answer, dict):
            raise InDoubt(self._connection, f"{what}: the answer is not an object")
        return answer

    def upload(self, what: str, path: str, query: Query, file: Upload) -> dict[str, Any]:
        """Sends a file's bytes as they are, under its real media type. Nobody sees it until a comment names it: one lost is sent anew."""
        url = f"{self._url(path)}?{urlencode(query)}"

        def call() -> requests.Response:
            file.content.seek(0)
            http: requests.Session = self._signed_in().tickets.session
            return http.post(url, data=file.content, headers={"Content-Type": file.type})

        answer = self._asked(what, call, None, writing=False)
        if not isinstance(answer, dict):
            raise Unreadable(self._connection, f"{what}: the answer is not an object")
        return answer

    def download(self, what: str, at: str, into: Sink, *, pages: bool) -> None:
        """Hands the bytes of a file to `into` as they come. Our sign-in goes to the account's own address alone, whoever `at` names."""
        own = self._at_home(at)
        if own is None:
            self._elsewhere.fetch(what, at, into, pages=pages)
            return
        try:
            answer = self._answered(what, lambda: self._signed_in().tickets.session.get(own, stream=True, headers=ANY), None, writing=False)
        except Redirected as moved:
            self._elsewhere.fetch(what, moved.to, into, pages=pages)
            return
        with closing(answer):
            handed(self._connection, what, answer, into, pages=pages, most=MOST)

    def _at_home(self, at: str) -> str | None:
        """A file's address at the account's own host, which has it under every name that a brand or a mapped host gives it."""
        url, home = urlsplit(at), urlsplit(self._settings.url)
        return urlunsplit((home.scheme, home.netloc, url.path, url.query, "")) if url.path.startswith(FILES) else None

    def saying(self, *, public: bool) -> AbstractContextManager[None]:
        """Around the sending of a comment: of one that is not public, nothing leaves that a customer could see."""
        return saying(self._http, shows_nothing, public=public)

    def pulse(self) -> Pulse:
        return pulse(self._http)

    def close(self) -> None:
        self._http.close()

    def _url(self, path: str) -> str:
        return f"{self._settings.url.rstrip('/')}/api/v2/{path}.json"

    def _asked(self, what: str, call: Call, meaning: Meaning | None, *, writing: bool, read: Decoded = orjson.loads) -> Any:
        return decoded(self._connection, what, self._answered(what, call, meaning, writing=writing), writing=writing, read=read)

    def _answered(self, what: str, call: Call, meaning: Meaning | None, *, writing: bool) -> requests.Response:
        """Signs in anew after a 401 when it can, once: a token that stays refused is not asked for again and again."""
        try:
            return self._once(what, call, writing=writing)
        except Refused as refused:
            if refused.answer.status_code != 401 or self._bearer is None:
                raise self._error(what, refused.answer, meaning, writing=writing) from None
        self._bearer.renew()
        self._zenpy = None
        try:
            return self._once(what, call, writing=writing)
        except Refused as refused:
            raise self._error(what, refused.answer, meaning, writing=writing) from None

    def _once(self, what: str, call: Call, *, writing: bool) -> requests.Response:
        with asking(self._connection, what, writing=writing):
            return call()

    def _error(self, what: str, answer: requests.Response, meaning: Meaning | None, *, writing: bool) -> ConnectorError:
        status = answer.status_code
        if status < 400:
            return Unreadable(self._connection, f"{what}: status {status}, which Zendesk does not document")
        return (meaning and meaning(status)) or error_for(self._connection, what, answer, writing=writing)

    def _signed_in(self) -> Zenpy:
        """zenpy over our session. An access token is fetched here when there is none yet; zenpy itself never fetches one."""
        if self._zenpy is None:
            self._zenpy = self._zenpy_with(self._credentials())
        return self._zenpy

    def _zenpy_with(self, credentials: Mapping[str, str]) -> Zenpy:
        subdomain, _, domain = (urlsplit(self._settings.url).hostname or "").partition(".")
        if "oauth_token" in credentials:
            self._http.auth = as_it_is  # else requests would let a netrc entry replace the token
        return Zenpy(subdomain=subdomain, domain=domain, session=self._http, disable_cache=True, **credentials)

    def _credentials(self) -> dict[str, str]:
        sign_in = self._settings.sign_in
        if self._bearer is not None:
            return {"oauth_token": self._bearer.token().access}
        if sign_in.email is not None and sign_in.token is not None:
            return {"email": sign_in.email, "token": sign_in.token.get_secret_value()}
        return {"oauth_token": sign_in.oauth_token.get_secret_value() if sign_in.oauth_token else ""}

    def _granted(self, refresh: str | None) -> Token:
        """A token for the OAuth client's own account, or, with a refresh token, for whoever authorized it: each serves once."""
        what, own = "sign in at /oauth/tokens", self._settings.sign_in
        refresh = refresh or (own.refresh_token.get_secret_value() if own.refresh_token else None)
        grant = {"grant_type": "refresh_token", "refresh_token": refresh} if refresh else {"grant_type": "client_credentials"}
        secret = own.client_secret.get_secret_value() if own.client_secret else ""
        body = orjson.dumps({**grant, "client_id": own.client_id, "client_secret": secret, "scope": own.scope})
        self._http.headers.pop("Authorization", None)
        url = f"{self._settings.url.rstrip('/')}/oauth/tokens"
        with asking(self._connection, what, writing=False):
            try:
                answer = self._http.post(url, data=body, headers=JSON, auth=as_it_is)
            except Refused as refused:
                answer = refused.answer
        return token_of(self._connection, what, answer, refresh, AGAIN if refresh else CREDENTIALS)


def _refuse(answer: requests.Response, **_: Any) -> None:
    if answer.status_code >= 300 and not answer.is_redirect:
        raise Refused(answer)
