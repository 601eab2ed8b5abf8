"""The one place that talks to Salesforce: simple-salesforce's session and endpoints over our seam, tokens and bytes by us.

The SDK never signs in by itself: when it does so after a 401, it repeats the request without its headers, `If-Unmodified-Since`
among them, and on some paths without end. It is given a token, and a refused one is fetched anew here, once.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, closing
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import orjson
import requests
from jwt import PyJWTError
from simple_salesforce import Salesforce
from simple_salesforce.exceptions import SalesforceAuthenticationFailed, SalesforceError
from simple_salesforce.login import SalesforceLogin

from connectors.errors import ConnectorError, NotFound, Rejected, Transient, Unauthorized, Unreadable
from connectors.files import Sink
from connectors.granting import token_of
from connectors.inventory import Pulse
from connectors.salesforce.forms import Form
from connectors.salesforce.secrecy import shows_nothing
from connectors.salesforce.settings import SalesforceSettings
from connectors.secrecy import saying
from connectors.shared import Shared
from connectors.tokens import Bearer, Token, as_it_is
from connectors.transport import asking, decoded, error_for, handed, mounted, pulse, said_by

Meaning: TypeAlias = Callable[[int, str, str], ConnectorError | None]  # status, Salesforce's error code, what was said

OUT_OF_CALLS = 900.0  # seconds; Salesforce names none, and calls come free over a rolling day
FIELDS_OF_ITS_OWN = (
    "set tags_field, external_id_field, group_field, emails and the fields of the rules to what this organization has, "
    "and see that our user may read and edit them"
)
FIX = "check sign_in, and that the app may use this flow and has a user to run as"
TOO_MANY_AT_ONCE = 20.0  # seconds; the calls in the way are those that take longer than this


class Session:
    """Asks Salesforce and hands back decoded JSON; raises only our errors. Signs in when first asked, and once more after a 401."""

    def __init__(self, connection: str, settings: SalesforceSettings, *, read_only: bool = False, shared: Shared | None = None) -> None:
        self._connection, self._settings = connection, settings
        shared = shared or Shared()
        self._http = mounted(requests.Session(), connection, settings, read_only=read_only, meter=shared.meter)
        self._http.auth = as_it_is  # else requests would let a netrc entry replace the token
        self._http.hooks["response"].append(self._hear)
        self._answer: requests.Response | None = None
        self._sf: Salesforce | None = None
        self._bearer = Bearer(shared.tokens, self._granted)

    def query(
        self, what: str, soql: str, *, deleted: bool = False, size: int = 2000, read: Callable[[bytes], Any] = orjson.loads
    ) -> dict[str, Any]:
        """One page of a query, its records as `read` makes them. Raises `Unreadable` for an answer that is none."""
        options = {"Sforce-Query-Options": f"batchSize={min(max(size, 200), 2000)}"}  # a hint; a page may be smaller
        path = "queryAll/" if deleted else "query/"
        return self._paged(what, self.ask(what, "GET", path, headers=options, params={"q": soql}, read=read))

    def all(self, what: str, soql: str, read: Callable[[bytes], Any] = orjson.loads) -> list[Any]:
        """All records of a query that no case has too many of."""
        page = self.query(what, soql, read=read)
        records = page["records"]
        while not page["done"]:
            path = str(page.get("nextRecordsUrl", "")).rpartition("/")[2]
            page = self._paged(what, self.ask(what, "GET", f"query/{path}", read=read))
            records += page["records"]
        return list(records)

    def me(self) -> str | None:
        """The id of the user that we are signed in as."""
        return self._bearer.token().account

    def ask(
        self,
        what: str,
        method: str,
        path: str,
        *,
        body: Any = None,
        form: Form | None = None,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        meaning: Meaning | None = None,
        read: Callable[[bytes], Any] = orjson.loads,
    ) -> Any:
        """The answer as `read` decodes it; `meaning` may say what a refusal means here. A 401 is answered once with a new token."""
        data = form if body is None else orjson.dumps(body)
        kind = {"Content-Type": form.type} if form else {}
        sent = {"headers": {**(headers or {}), **kind, "X-PrettyPrint": "0"}, "params": params, "data": data}
        answer = self._renewed(what, method, path, sent, meaning)
        return decoded(self._connection, what, answer, writing=method != "GET", read=read)

    def download(self, what: str, path: str, into: Sink, *, pages: bool) -> None:
        """Hands the bytes of an answer to `into` as they come. `pages`: an HTML page is what was asked for."""
        with closing(self._renewed(what, "GET", path, {"headers": {"Accept": "*/*"}, "stream": True}, None)) as answer:
            handed(self._connection, what, answer, into, pages=pages)

    def _renewed(self, what: str, method: str, path: str, sent: Mapping[str, Any], meaning: Meaning | None) -> requests.Response:
        try:
            return self._once(what, method, path, sent)
        except _Refused as refused:
            if refused.answer.status_code != 401:
                raise self._error(what, method, refused.answer, meaning) from None
        self._bearer.renew()
        self._sf = None
        try:
            return self._once(what, method, path, sent)
        except _Refused as refused:
            raise self._error(what, method, refused.answer, meaning) from None

    def saying(self, *, public: bool) -> AbstractContextManager[None]:
        """Around the sending of a comment: of one that is not public, nothing leaves that a customer could see."""
        return saying(self._http, shows_nothing, public=public)

    def pulse(self) -> Pulse:
        return pulse(self._http)

    def close(self) -> None:
        self._http.close()

    def _hear(self, answer: requests.Response, **_: Any) -> None:
        self._answer = answer  # the SDK's exceptions keep neither headers nor bytes

    def _once(self, what: str, method: str, path: str, sent: Mapping[str, Any]) -> requests.Response:
        sf = self._signed_in()
        if isinstance(sent.get("data"), Form):
            sent["data"].rewind()
        with asking(self._connection, what, writing=method != "GET"):
            try:
                answer: requests.Response = sf._call_salesforce(method, sf.base_url + path, **sent)
            except SalesforceError:
                raise _Refused(self._heard()) from None
        return answer

    def _heard(self) -> requests.Response:
        if self._answer is None:
            raise Unreadable(self._connection, "the SDK refused without an answer")
        return self._answer

    def _paged(self, what: str, answer: Any) -> dict[str, Any]:
        if isinstance(answer, dict) and isinstance(answer.get("records"), list) and isinstance(answer.get("done"), bool):
            return answer
        raise Unreadable(self._connection, f"{what}: the answer is no page of a query (records, done)")

    def _error(self, what: str, method: str, answer: requests.Response, meaning: Meaning | None) -> ConnectorError:
        status, code = answer.status_code, code_of(answer)
        said = f"{what}: {status} {said_by(answer)}"
        found = (meaning and meaning(status, code, said)) or self._usual(status, code, said)
        return found or error_for(self._connection, what, answer, writing=method != "GET")

    def _usual(self, status: int, code: str, said: str) -> ConnectorError | None:
        """What Salesforce's error codes mean wherever they come up."""
        match status, code:
            case 403, "REQUEST_LIMIT_EXCEEDED":
                return Transient(self._connection, said, TOO_MANY_AT_ONCE if "Concurrent" in said else OUT_OF_CALLS)
            case _, "UNABLE_TO_LOCK_ROW":
                return Transient(self._connection, f"{said} (nothing was changed)", 2.0)
            case _, "SERVER_UNAVAILABLE" | "INVALID_QUERY_LOCATOR":
                return Transient(self._connection, said)
            case _, "ENTITY_IS_DELETED":
                return NotFound(self._connection, said)
        return self._for_people(status, code, said)

    def _for_people(self, status: int, code: str, said: str) -> ConnectorError | None:
        """Refusals that only a person can put right, with the remedy."""
        match status, code:
            case 403, "API_DISABLED_FOR_ORG" | "API_CURRENTLY_DISABLED" | "INVALID_SESSION_ID":
                return Unauthorized(self._connection, said)
            case 400, "INVALID_FIELD" | "INVALID_TYPE":
                return Rejected(self._connection, f"{said}; {FIELDS_OF_ITS_OWN}")
            case 300, _:
                return Rejected(self._connection, f"{said}; more than one case has this key: make external_id_field unique")
        return None

    # signing in

    def _signed_in(self) -> Salesforce:
        """The SDK with a token that we hold; it has nothing with which it could fetch one itself."""
        if self._sf is None:
            token = self._bearer.token()
            self._sf = Salesforce(
                instance_url=self._instance(token),
                session_id=token.access,
                session=self._http,
                version=self._settings.api_version,
                object_pairs_hook=None,
            )
        return self._sf

    def _instance(self, token: Token) -> str:
        """Where Salesforce says that the organization is served; only by https."""
        said = token.instance or ""
        return said if urlsplit(said).scheme == "https" else self._settings.url

    def _granted(self, _refresh: str | None) -> Token:
        """Neither of the two ways in has a refresh token: the secret, or the key, is asked with again."""
        what = f"signing in at {self._settings.url}/services/oauth2/token"
        with asking(self._connection, what, writing=False):
            answer = self._asked_for_token(what)
        return token_of(self._connection, what, answer, None, FIX)

    def _asked_for_token(self, what: str) -> requests.Response:
        """Our own call for client credentials; for JWT bearer the SDK's, which makes the signed assertion."""
        sign_in = self._settings.sign_in
        if sign_in.private_key is not None:
            return self._by_assertion(what, sign_in.private_key.get_secret_value())
        secret = sign_in.client_secret.get_secret_value() if sign_in.client_secret else ""
        return self._http.post(
            f"{self._settings.url}/services/oauth2/token",
            data={"grant_type": "client_credentials"},
            auth=requests.auth.HTTPBasicAuth(sign_in.client_id, secret),
        )

    def _by_assertion(self, what: str, key: str) -> requests.Response:
        sign_in, host = self._settings.sign_in, urlsplit(self._settings.url).hostname or ""
        self._answer = None
        try:
            SalesforceLogin(
                session=self._http,
                username=sign_in.username,
                consumer_key=sign_in.client_id,
                privatekey=key,
                domain=sign_in.audience,
                instance_url=host.removesuffix(".salesforce.com"),
            )
        except (SalesforceAuthenticationFailed, UserWarning):
            pass  # the answer itself says more
        except (ValueError, KeyError, TypeError, PyJWTError) as error:
            if self._answer is None:
                reason = f"{what}: private_key is not a private key in PEM form ({type(error).__name__})"
                raise Unauthorized(self._connection, reason) from None
        return self._heard()


class _Refused(Exception):
    """An answer that is no success."""

    def __init__(self, answer: requests.Response) -> None:
        super().__init__(f"status {answer.status_code}")
        self.answer = answer


def code_of(answer: requests.Response) -> str:
    """Salesforce's or OAuth's own code for a refusal; empty where the answer is of another shape."""
    try:
        said = orjson.loads(answer.content)
    except orjson.JSONDecodeError:
        return ""
    first = said[0] if isinstance(said, list) and said else said
    found = (first.get("errorCode") or first.get("error")) if isinstance(first, dict) else None
    return found if isinstance(found, str) else ""
