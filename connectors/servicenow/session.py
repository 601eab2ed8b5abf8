"""pysnow's sign-in, session and address; our own parameters, bytes decoded by us.

pysnow's `resource` is not used: it sends `sysparm_query` with writes and Python's `False`, keeps one call's parameters for the next,
and passes over an `error` in a 200. Its `Client` and the session in it are sound.
"""

import warnings
from base64 import b64encode
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, closing
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import orjson
import requests
from msgspec import Struct

from connectors.allowance import until_reset
from connectors.errors import ConnectorError, InDoubt, Transient, Unauthorized, Unreadable
from connectors.files import Sink, Upload
from connectors.granting import token_of
from connectors.inventory import Pulse
from connectors.secrecy import saying
from connectors.servicenow.query import table_path
from connectors.servicenow.secrecy import shows_nothing
from connectors.shared import Shared
from connectors.tokens import Bearer, Token, as_it_is, renewed
from connectors.transport import asking, decoded, error_for, handed, mounted, pulse, said_by

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # old pytz, and libmagic, which only its attachment upload wants
    import pysnow

if TYPE_CHECKING:
    from connectors.servicenow.settings import ServiceNowSettings

READ = {"sysparm_exclude_reference_link": "true", "sysparm_no_count": "true", "sysparm_suppress_pagination_header": "true"}
AGAIN = "the refresh token ran out (100 days by default) or was revoked: sign in anew and set refresh_token"
CREDENTIALS = "check client_id and client_secret (and user and password), and that the instance allows this grant"


class ServiceNowSession:
    """Asks one instance. Every failure is one of `connectors.errors`; a token that has run out is fetched anew once."""

    def __init__(self, connection: str, settings: "ServiceNowSettings", *, read_only: bool = False, shared: Shared | None = None) -> None:
        self.connection, self._sign_in = connection, settings.sign_in
        shared = shared or Shared()
        self._bearer = Bearer(shared.tokens, self._granted) if settings.sign_in.client_id else None
        session = mounted(requests.Session(), connection, settings, read_only=read_only, meter=shared.meter)
        session.auth = self._signed
        parts = urlsplit(settings.url)
        self._client = pysnow.Client(host=parts.netloc, use_ssl=parts.scheme == "https", session=session)
        self.total: int | None = None  # how many records there are for the last query, where its answer said so
        self.date: str | None = None  # the system's own moment, as its last answer gave it

    def rows(
        self, what: str, table: str, query: str, fields: str, limit: int, read: Callable[[bytes], Any] = orjson.loads
    ) -> list[dict[str, Any]]:
        """Records of a table, references as bare sys_ids; as `read` decodes them."""
        asked = {"sysparm_query": query, "sysparm_fields": fields, "sysparm_limit": str(limit), **READ}
        found = self._result(what, self.ask(what, "GET", table_path(table), asked, read=read))
        if not isinstance(found, list) or any(not issubclass(kind, (dict, Struct)) for kind in {*map(type, found)}):
            raise Unreadable(self.connection, f"{what}: the answer holds no list of records")
        return found

    def count(self, what: str, table: str, query: str) -> int | None:
        """How many records of a table the system says there are for a query."""
        self.ask(what, "GET", table_path(table), {"sysparm_query": query, "sysparm_fields": "sys_id", "sysparm_limit": "1"})
        return self.total

    def record(self, what: str, method: str, path: str, fields: str, body: Mapping[str, str] | None = None) -> dict[str, Any]:
        """One record as it stands after the request."""
        links = {"sysparm_exclude_reference_link": "true"} if method in ("GET", "POST") else {}  # PATCH has no such parameter
        found = self._result(what, self.ask(what, method, path, {"sysparm_fields": fields, **links}, body))
        if not isinstance(found, dict):
            raise self._odd(what, method)
        return found

    def delete(self, what: str, path: str) -> None:
        """A record that is gone already is no failure."""
        answer = renewed(self._bearer, lambda: self._sent(what, "DELETE", path, {}, None))
        if answer.status_code >= 400 and answer.status_code != 404:
            raise refused(self.connection, what, answer, writing=True)

    def ask(
        self,
        what: str,
        method: str,
        path: str,
        params: Mapping[str, str],
        body: Mapping[str, str] | None = None,
        read: Callable[[bytes], Any] = orjson.loads,
    ) -> Any:
        """The answer, as `read` decodes it. `what` is said in errors: what was attempted, on which ticket."""
        writing = method != "GET"
        data = None if body is None else orjson.dumps(body)
        answer = renewed(self._bearer, lambda: self._sent(what, method, path, params, data))
        self.date, total = answer.headers.get("date"), answer.headers.get("x-total-count", "")
        self.total = int(total) if total.isdigit() else None
        if answer.status_code >= 400:
            raise refused(self.connection, what, answer, writing=writing)
        said = decoded(self.connection, what, answer, writing=writing, read=read)
        if isinstance(said, dict) and said.get("error"):
            failed = f"{what}: the system broke off ({_words(said)})"
            raise InDoubt(self.connection, failed) if writing else Transient(self.connection, failed)
        if not isinstance(said, dict):
            raise self._odd(what, method)
        return said

    def download(self, what: str, path: str, into: Sink, *, pages: bool) -> None:
        """Hands the bytes of an answer to `into` as they come. `pages`: an HTML page is what was asked for."""
        answer = renewed(self._bearer, lambda: self._sent(what, "GET", path, {}, None, stream=True, headers={"Accept": "*/*"}))
        with closing(answer):
            if answer.status_code >= 400:
                raise refused(self.connection, what, answer, writing=False)
            handed(self.connection, what, answer, into, pages=pages)

    def upload(self, what: str, path: str, params: Mapping[str, str], file: Upload) -> dict[str, Any]:
        """Sends a file's bytes as they are, under its real media type."""

        def sent() -> requests.Response:
            file.content.seek(0)
            return self._sent(what, "POST", path, params, file.content, headers={"Content-Type": file.type})

        answer = renewed(self._bearer, sent)
        if answer.status_code >= 400:
            raise refused(self.connection, what, answer, writing=True)
        said = decoded(self.connection, what, answer, writing=True)
        if not isinstance(said, dict):
            raise self._odd(what, "POST")
        return said

    def saying(self, *, public: bool) -> AbstractContextManager[None]:
        """Around the sending of a comment: of one that is not public, nothing leaves that a customer could see."""
        return saying(self._client.session, shows_nothing, public=public)

    def pulse(self) -> Pulse:
        return pulse(self._client.session)

    def close(self) -> None:
        self._client.session.close()

    def _result(self, what: str, said: Mapping[str, Any]) -> Any:
        if "result" not in said:
            raise Unreadable(self.connection, f"{what}: the answer holds no result")
        return said["result"]

    def _odd(self, what: str, method: str) -> ConnectorError:
        kind = Unreadable if method == "GET" else InDoubt
        return kind(self.connection, f"{what}: the answer is not what the Table API documents")

    def _sent(self, what: str, method: str, path: str, params: Mapping[str, str], data: Any, **how: Any) -> requests.Response:
        with asking(self.connection, what, writing=method != "GET"):
            try:
                answer: requests.Response = self._client.session.request(
                    method, self._client.base_url + path, params=params, data=data, **how
                )
            except Unreadable as error:  # the only thing that the seam itself cannot read is a redirect
                raise Unauthorized(self.connection, f"{what}: {error.message}; the sign-in has probably run out") from None
        return answer

    def _signed(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Basic, an API key, or Bearer with a token that is fetched when there is none."""
        own = self._sign_in
        if self._bearer is not None:
            return self._bearer.signed(request)
        if own.api_key is not None:
            request.headers["x-sn-apikey"] = own.api_key.get_secret_value()
            return request
        pair = f"{own.user}:{own.password.get_secret_value() if own.password else ''}"
        request.headers["Authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
        return request

    def _granted(self, refresh: str | None) -> Token:
        what, grant = "signing in at /oauth_token.do", self._grant(refresh)
        with asking(self.connection, what, writing=False):
            answer = self._client.session.post(
                f"{self._client.base_url}/oauth_token.do",
                data=grant,
                headers={"content-type": "application/x-www-form-urlencoded"},
                auth=as_it_is,
            )
        return token_of(self.connection, what, answer, grant.get("refresh_token"), AGAIN if "refresh_token" in grant else CREDENTIALS)

    def _grant(self, refresh: str | None) -> dict[str, str]:
        """A refresh token only where there is no password, which never runs out of use by being used."""
        own = self._sign_in
        secret = own.client_secret.get_secret_value() if own.client_secret else ""
        client = {"client_id": own.client_id or "", "client_secret": secret}
        if own.refresh_token is not None:
            return {"grant_type": "refresh_token", **client, "refresh_token": refresh or own.refresh_token.get_secret_value()}
        if own.user is None or own.password is None:
            return {"grant_type": "client_credentials", **client}
        return {"grant_type": "password", **client, "username": own.user, "password": own.password.get_secret_value()}


def refused(connection: str, what: str, answer: requests.Response, *, writing: bool) -> ConnectorError:
    """The error for a refusal, in the system's own words and with its own waiting time."""
    error = error_for(connection, what, answer, writing=writing)
    said = f"{what}: {answer.status_code} {_said(answer)}"
    if isinstance(error, Transient):
        return Transient(connection, said, error.retry_after if error.retry_after is not None else until_reset(answer.headers))
    return type(error)(connection, said)


def _said(answer: requests.Response) -> str:
    try:
        return _words(orjson.loads(answer.content)) or said_by(answer)
    except (orjson.JSONDecodeError, AttributeError):
        return said_by(answer)


def _words(said: Mapping[str, Any]) -> str:
    error = said.get("error")
    parts = (error.get("message"), error.get("detail")) if isinstance(error, Mapping) else (error, said.get("error_description"))
    return ": ".join(str(part) for part in parts if part)[:500]
