"""The one HTTP seam below every SDK: deadlines, the loopback detour, the write guard, and errors by what to do about them."""

import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urljoin, urlsplit, urlunsplit

import orjson
import requests
import urllib3

from connectors.allowance import Meter, allowance_of, closed_for, retry_after
from connectors.base import ConnectorSettings
from connectors.deadline import Punctual
from connectors.errors import (
    ConnectorError,
    InDoubt,
    NotFound,
    Redirected,
    Rejected,
    Stale,
    Transient,
    Unauthorized,
    Untrusted,
    WriteRefused,
)
from connectors.files import Sink
from connectors.inventory import Pulse, pulse_of

MAX_ANSWER = 64 * 1024 * 1024  # bytes; the largest documented page is a hundredth of it
TOKENS = ("/oauth/token", "/oauth/tokens", "/oauth_token.do", "/services/oauth2/token")
READING_POSTS = (*TOKENS, "/rest/api/3/search/jql", "/rest/api/3/search/approximate-count", "/rest/api/3/issue/bulkfetch")


class Seam(Punctual):
    """Mounted on an SDK's session: every request passes here, whatever the SDK thinks of timeouts or hosts.

    Sends the bytes to `via` where there is one and leaves the URL that the SDK sees alone (zenpy looks for its own host in it);
    refuses writes when `read_only`; asks the `meter` whether a request may leave, and tells it what the answer allows; follows no
    redirect (`Redirected`).
    """

    def __init__(self, connection: str, settings: ConnectorSettings, *, read_only: bool = False, meter: Meter | None = None) -> None:
        self._connection, self._settings, self._read_only = connection, settings, read_only
        self._meter = meter
        self._to = urlsplit(settings.via) if settings.via else None
        self.may_leave: Callable[[str, str, bytes], bool] | None = None  # while a note is being sent: see `secrecy.py`
        self.heard: Mapping[str, str] = {}  # the headers of the last answer
        super().__init__(settings.total_timeout, pool_maxsize=8, max_retries=0)

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:  # type: ignore[override]
        writing, in_parts = self._guarded(request), bool(kwargs.get("stream"))
        limits = self._settings
        kwargs |= {"timeout": (limits.connect_timeout, limits.read_timeout), "stream": True}
        if self._meter is not None:
            self._meter.before(writing=writing)
        answer = super().send(self._moved(request), **kwargs)
        if self._meter is not None:
            self._meter.after(allowance_of(answer.headers), closed_for(answer.status_code, answer.headers))
        answer.request, answer.url = request, request.url or ""
        self.heard = answer.headers
        if not (in_parts and answer.status_code == 200):
            self._read_whole(answer)
        if answer.is_redirect:
            to = urljoin(answer.url, answer.headers["location"])
            said = f"the system answered with a redirect to {urlsplit(to).hostname}, which is not followed"
            raise Redirected(self._connection, said, to)
        return answer

    def _guarded(self, request: requests.PreparedRequest) -> bool:
        """Whether it is a write. Refuses that of a dry run, and one that might show to a customer what is meant as internal."""
        method, path = request.method or "GET", urlsplit(request.url or "").path
        if not is_write(method, path):
            return False
        if self._read_only:
            raise WriteRefused(self._connection, f"a dry run does not write ({method} {path})")
        if self.may_leave is not None and not self.may_leave(method, path, _bytes(request.body)):
            raise Rejected(self._connection, f"a note must not leave as what a customer could see ({method} {path}); nothing was sent")
        return True

    def close(self) -> None:
        super().close()
        if self._meter is not None:
            self._meter.close()

    def _moved(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request if self._to is None else moved(request, self._to.scheme, self._to.netloc)

    def _read_whole(self, answer: requests.Response) -> None:
        """The body within the size limit, as it comes."""
        parts, size = [], 0
        answer.raw.decode_content = True
        while part := _some(answer):
            parts.append(part)
            size += len(part)
            if size > MAX_ANSWER:
                answer.close()
                raise requests.exceptions.ContentDecodingError("the answer is larger than 64 MiB")
        answer._content = b"".join(parts)


def moved(request: requests.PreparedRequest, scheme: str, netloc: str) -> requests.PreparedRequest:
    """The same request to another door: whoever is there is told which host was asked for."""
    other, url = request.copy(), urlsplit(request.url or "")
    other.url = urlunsplit((scheme, netloc, url.path, url.query, ""))
    other.headers["Host"] = url.netloc
    return other


def parts(answer: requests.Response) -> Iterator[bytes]:
    """The body of an answer that was asked for with `stream=True`, as it comes."""
    answer.raw.decode_content = True
    while part := _some(answer):
        yield part


def handed(connection: str, what: str, answer: requests.Response, into: Sink, *, pages: bool, most: int | None = None) -> None:
    """Hands the body of a good answer on, up to so many bytes. Raises `Rejected` for a page for people.

    `pages`: a page is what was asked for.
    """
    if "html" in answer.headers.get("content-type", "") and not pages:
        raise Rejected(connection, f"{what}: a page for people came instead of the file")
    size = 0
    with asking(connection, what, writing=False):
        for part in parts(answer):
            size += len(part)
            if most is not None and size > most:
                raise Rejected(connection, f"{what}: more than {most} bytes came, which is no file of this system")
            into(part)


def _bytes(body: Any) -> bytes:
    """What a request sends; nothing for what is sent piece by piece, which cannot be read beforehand."""
    return body.encode() if isinstance(body, str) else body if isinstance(body, bytes) else b""


def _some(answer: requests.Response) -> bytes:
    """The next bytes of the body, none at its end; what urllib3 raises is said as `requests` says it."""
    try:
        part: bytes = answer.raw.read1(65536) or b""
    except urllib3.exceptions.ReadTimeoutError as error:
        raise requests.exceptions.ReadTimeout(error) from error
    except urllib3.exceptions.HTTPError as error:
        raise requests.exceptions.ChunkedEncodingError(error) from error
    return part


def is_write(method: str, path: str) -> bool:
    """Whether a request could change anything: all but GET and the reads that a vendor takes by POST, each listed."""
    return method.upper() not in ("GET", "HEAD", "OPTIONS") and not path.endswith(READING_POSTS)


def mounted(
    session: requests.Session,
    connection: str,
    settings: ConnectorSettings,
    *,
    read_only: bool = False,
    meter: Meter | None = None,
) -> requests.Session:
    """The session with our seam below everything it does. `trust_env` is off: no netrc entry replaces a token."""
    seam = Seam(connection, settings, read_only=read_only, meter=meter)
    session.mount("https://", seam)
    session.mount("http://", seam)
    session.trust_env = settings.via is None
    return session


def pulse(session: requests.Session) -> Pulse:
    """What the last answer to this session said besides."""
    heard: Mapping[str, str] = next((a.heard for a in session.adapters.values() if isinstance(a, Seam) and a.heard), {})
    return pulse_of(heard)


@contextmanager
def asking(connection: str, what: str, *, writing: bool) -> Iterator[None]:
    """Turns what `requests` raises into our errors: a read may be asked again, a write whose answer was lost is in doubt."""
    try:
        yield
    except ConnectorError:
        raise
    except requests.exceptions.SSLError as error:
        if (doubt := _doubt_of(error)) is not None:
            raise Untrusted(connection, f"{what}: nothing was sent, because the certificate there does not hold: {doubt}") from None
        raise Transient(connection, f"{what}: could not connect ({_short(error)})") from None
    except requests.exceptions.ConnectTimeout as error:
        raise Transient(connection, f"{what}: could not connect ({_short(error)})") from None
    except requests.exceptions.RequestException as error:
        if _never_sent(error):
            raise Transient(connection, f"{what}: could not connect ({_short(error)})") from None
        lost = f"{what}: the answer was lost ({_short(error)})"
        if writing:
            raise InDoubt(connection, lost) from None
        raise Transient(connection, lost) from None


def _never_sent(error: Exception) -> bool:
    return "NewConnectionError" in repr(error) or "NameResolutionError" in repr(error)


def _doubt_of(error: BaseException) -> str | None:
    """What is wrong with a certificate, in the words of TLS; None where the failure is none of a certificate's.

    The cause stands several wrappings deep: requests around urllib3 around `ssl`.
    """
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ssl.SSLCertVerificationError):
            return seen.verify_message
        within = getattr(seen, "reason", None) or next((a for a in seen.args if isinstance(a, BaseException)), None)
        seen = within if isinstance(within, BaseException) else None
    return None


def _short(error: Exception) -> str:
    return type(error).__name__


def decoded(
    connection: str, what: str, answer: requests.Response, *, writing: bool = False, read: Callable[[bytes], Any] = orjson.loads
) -> Any:
    """The JSON of a good answer, as `read` decodes it; raises the error that says what the caller can do about any other.

    `read` raises `ValueError` for what is no JSON.
    """
    if answer.status_code >= 400:
        raise error_for(connection, what, answer, writing=writing)
    if answer.status_code == 204 or not answer.content:
        return None
    if "json" not in answer.headers.get("content-type", "json"):
        raise Unauthorized(
            connection, f"{what}: the system answered a page for people (HTML) instead of data; the sign-in has probably run out"
        )
    try:
        return read(answer.content)
    except ValueError:
        if writing:
            raise InDoubt(connection, f"{what}: the answer was cut short") from None
        raise Transient(connection, f"{what}: the answer was cut short") from None


def error_for(connection: str, what: str, answer: requests.Response, *, writing: bool) -> ConnectorError:
    """What a refused request means for the caller, by its status; a vendor's own exceptions to this are the connector's."""
    status, said = answer.status_code, f"{what}: {answer.status_code} {said_by(answer)}"
    match status:
        case 401:
            return Unauthorized(connection, said)
        case 404:
            return NotFound(connection, said)
        case 409 | 412:
            return Stale(connection, said)
        case 429:
            return Transient(connection, said, _wait(answer))
        case 503 if answer.headers.get("retry-after"):
            return Transient(connection, said, _wait(answer))
        case _ if status >= 500:
            return InDoubt(connection, said) if writing else Transient(connection, said)
        case _:
            return Rejected(connection, said)


def said_by(answer: requests.Response) -> str:
    """The vendor's own words for a refusal, cut to a line; HTML is only named."""
    if "html" in answer.headers.get("content-type", ""):
        return "(a page of HTML)"
    return " ".join(answer.content[:2000].decode("utf-8", "replace").split())[:300]


def _wait(answer: requests.Response) -> float | None:
    return retry_after(answer.headers.get("retry-after"), answer.headers.get("date"))
