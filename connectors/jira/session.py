"""The `jira` SDK's sign-in, session and addresses; bytes decoded by us, its retries off, its exceptions kept in this file."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, closing
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import orjson
import requests
from jira import JIRA
from jira.exceptions import JIRAError
from requests_toolbelt import MultipartEncoder

from connectors.allowance import until_reset
from connectors.elsewhere import Elsewhere
from connectors.errors import ConnectorError, Redirected, Rejected, Transient, Unauthorized
from connectors.files import Sink, Upload
from connectors.granting import token_of
from connectors.inventory import Pulse
from connectors.jira.dialect import Dialect
from connectors.jira.secrecy import shows_nothing
from connectors.secrecy import saying
from connectors.shared import Shared
from connectors.tokens import Bearer, Token, as_it_is, renewed
from connectors.transport import asking, decoded, error_for, handed, is_write, mounted, pulse, said_by

if TYPE_CHECKING:
    from connectors.jira.settings import JiraSettings

TOKEN_URL = "https://auth.atlassian.com/oauth/token"  # noqa: S105 - an address
AGAIN = "the refresh token ran out, was used by somebody else or was revoked: authorize the app anew and set refresh_token"
MOST = 2 * 1024**3
"""Bytes of a file that are taken from the host of files: what a site takes in the first place is its administrator's to say."""
CREDENTIALS = "check client_id and client_secret, and that the service account's OAuth 2.0 credential is still there"


class JiraSession:
    """Asks one site. Paths stand behind `/rest/api/VERSION/` of its dialect; every failure is one of `connectors.errors`."""

    def __init__(
        self, connection: str, settings: "JiraSettings", dialect: Dialect, *, read_only: bool = False, shared: Shared | None = None
    ) -> None:
        self.connection, self._sign_in = connection, settings.sign_in
        self._sdk = JIRA(
            server=settings.api,
            options={"rest_api_version": dialect.version},
            max_retries=0,  # the SDK would repeat POSTs and sleep in this thread
            timeout=(settings.connect_timeout, settings.read_timeout),
            get_server_info=False,
            logging=False,
            **_signed_in(settings),
        )
        self._sdk.deploymentType = dialect.sdk
        self._sdk._fields_cache_value = {"_": "_"}  # without it the SDK reads /field before its first search
        self._elsewhere = Elsewhere(connection, settings, dialect.sent_on, most=MOST) if dialect.sent_on is not None else None
        shared = shared or Shared()
        mounted(self._sdk._session, connection, settings, read_only=read_only, meter=shared.meter)
        self._bearer = Bearer(shared.tokens, self._granted) if settings.sign_in.client_id else None
        if self._bearer is not None:
            self._sdk._session.auth = self._bearer.signed

    def ask(
        self,
        what: str,
        method: str,
        path: str,
        params: Mapping[str, Any] | None = None,
        body: Any = None,
        base: str = JIRA.JIRA_BASE_URL,
        read: Callable[[bytes], Any] = orjson.loads,
    ) -> Any:
        """The answer as `read` decodes it; a 401 is answered once with a new token.

        `what` is said in errors: what was attempted, on which ticket; `base` is another interface of the site.
        """
        url = _with(self._sdk._get_url(path, base), params)
        data = None if body is None else orjson.dumps(body)
        headers = {} if body is None else {"Content-Type": "application/json"}
        answer = renewed(self._bearer, lambda: self._sent(what, method, url, data, headers))
        return self._told(what, method, url, answer, read)

    def get(self, what: str, path: str, read: Callable[[bytes], Any] = orjson.loads, **params: Any) -> Any:
        return self.ask(what, "GET", path, params, read=read)

    def download(self, what: str, path: str, into: Sink, params: Mapping[str, str], base: str, *, pages: bool) -> None:
        """Hands the bytes of an answer to `into` as they come. `pages`: an HTML page is what was asked for.

        Where the site sends us on, our sign-in does not go there; a Data Center does so for people only, to sign in: `Unauthorized`.
        """
        try:
            self._handed(what, _with(self._sdk._get_url(path, base), params), into, pages=pages)
        except Redirected as moved:
            if self._elsewhere is None:
                raise Unauthorized(self.connection, f"{moved.message}; the sign-in has probably run out") from None
            self._elsewhere.fetch(what, moved.to, into, pages=pages)

    def _handed(self, what: str, url: str, into: Sink, *, pages: bool) -> None:
        with closing(renewed(self._bearer, lambda: self._streamed(what, url))) as answer:
            if answer.status_code >= 400:
                raise refused(self.connection, what, answer, writing=False)
            handed(self.connection, what, answer, into, pages=pages)

    def upload(self, what: str, path: str, file: Upload, base: str = JIRA.JIRA_BASE_URL) -> Any:
        """Sends a file as the part `file` of a form, under its real media type, read as it is sent."""
        url = self._sdk._get_url(path, base)

        def sent() -> requests.Response:
            file.content.seek(0)
            form = MultipartEncoder({"file": (file.name, file.content, file.type)})
            return self._sent(what, "POST", url, form, {"Content-Type": form.content_type, "X-Atlassian-Token": "no-check"})

        return self._told(what, "POST", url, renewed(self._bearer, sent), orjson.loads)

    def saying(self, *, public: bool) -> AbstractContextManager[None]:
        """Around the sending of a comment: of one that is not public, nothing leaves that a customer could see."""
        return saying(self._sdk._session, shows_nothing, public=public)

    def pulse(self) -> Pulse:
        return pulse(self._sdk._session)

    def close(self) -> None:
        self._sdk._session.close()

    def _told(self, what: str, method: str, url: str, answer: requests.Response, read: Callable[[bytes], Any]) -> Any:
        writing = is_write(method, url)
        if answer.status_code >= 400:
            raise refused(self.connection, what, answer, writing=writing)
        return decoded(self.connection, what, answer, writing=writing, read=read)

    def _sent(self, what: str, method: str, url: str, data: Any, headers: Mapping[str, str], **how: Any) -> requests.Response:
        with asking(self.connection, what, writing=is_write(method, url)):
            try:
                answer: requests.Response = self._sdk._session.request(method, url, data=data, headers=headers, **how)
            except JIRAError as error:
                if error.response is None:
                    raise requests.exceptions.ConnectionError("no answer") from None
                answer = error.response
        return answer

    def _streamed(self, what: str, url: str) -> requests.Response:
        """Past the SDK's own `request`, which looks how long each good answer is and reads it whole for that."""
        session = self._sdk._session
        with asking(self.connection, what, writing=False):
            return requests.Session.request(session, "GET", url, headers={"Accept": "*/*"}, stream=True)

    def _granted(self, refresh: str | None) -> Token:
        """A token of Atlassian's, which every refresh token buys once: the answer brings the next one."""
        own, what = self._sign_in, f"signing in at {TOKEN_URL}"
        first = own.refresh_token.get_secret_value() if own.refresh_token else None
        refresh = refresh or first
        secret = own.client_secret.get_secret_value() if own.client_secret else ""
        grant = {"grant_type": "refresh_token", "refresh_token": refresh} if refresh else {"grant_type": "client_credentials"}
        body = orjson.dumps({**grant, "client_id": own.client_id, "client_secret": secret})
        headers = {"Content-Type": "application/json"}
        answer = self._sent(what, "POST", TOKEN_URL, body, headers, auth=as_it_is)
        return token_of(self.connection, what, answer, refresh, AGAIN if refresh else CREDENTIALS)


def _with(url: str, params: Mapping[str, Any] | None) -> str:
    """As `requests` would write it, in a quarter of the time."""
    return f"{url}?{urlencode({name: value for name, value in params.items() if value is not None}, doseq=True)}" if params else url


def _signed_in(settings: "JiraSettings") -> dict[str, Any]:
    """With an e-mail address an API token goes out as Basic, without one a token goes out as Bearer (OAuth, PAT)."""
    own = settings.sign_in
    if own.token is None:
        return {}
    token = own.token.get_secret_value()
    return {"basic_auth": (own.email, token)} if own.email else {"token_auth": token}


def refused(connection: str, what: str, answer: requests.Response, *, writing: bool) -> ConnectorError:
    """The error for a refusal, in Jira's own words: all of `errorMessages` and `errors`, and which limit was hit."""
    said = f"{what}: {answer.status_code} {_words(answer)}"
    if answer.status_code in (401, 403) and "x-authentication-denied-reason" in answer.headers:
        return Unauthorized(connection, f"{said} (Jira wants a sign-in by hand first: {answer.headers['x-authentication-denied-reason']})")
    if answer.status_code == 410:
        return Rejected(connection, f"{said} (Jira has removed this address: a newer ticketgate is needed)")
    kind = error_for(connection, what, answer, writing=writing)
    if isinstance(kind, Transient):
        wait = kind.retry_after if kind.retry_after is not None else until_reset(answer.headers)
        return Transient(connection, said + _limit(answer), wait)
    return type(kind)(connection, said)


def _words(answer: requests.Response) -> str:
    """`errorMessages` and `errors` in one line; what a gateway in front of Jira says in its own shape, cut short."""
    try:
        said = orjson.loads(answer.content)
        found = [*map(str, said.get("errorMessages") or ()), *(f"{k}: {v}" for k, v in (said.get("errors") or {}).items())]
    except (orjson.JSONDecodeError, AttributeError, TypeError):
        return said_by(answer)
    return "; ".join(found)[:500] or said_by(answer)


def _limit(answer: requests.Response) -> str:
    reason = answer.headers.get("ratelimit-reason")
    return f" (limit: {reason})" if reason else ""
