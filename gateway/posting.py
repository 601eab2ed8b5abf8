"""Signed requests to other programs: JSON by POST to the endpoints of a desk, at an address that was checked before it is connected to.

A receiver verifies `X-Ticketgate-Signature`, base64 of HMAC-SHA256 over the timestamp and the raw body with the shared secret, and
knows a repetition by `Idempotency-Key`, which is the action's own and the same at every try, as is `webhook-id`.
"""

import hashlib
import hmac
import ssl
import threading
from base64 import b64encode
from collections.abc import Mapping
from socket import gaierror
from urllib.parse import urlsplit

import httpx

from connectors import addresses
from connectors.addresses import Resolve, public, resolved
from connectors.allowance import retry_after
from connectors.errors import ConnectorError, InDoubt, Rejected, Transient
from gateway.clock import Clock
from gateway.config import EndpointConfig
from rules.plan import Receipt, Webhook

CONNECT, READ = 5.0, 10.0
"""Seconds for a connection, and between two parts of an answer."""
TOTAL = 30.0
"""Seconds for the whole of it: a byte every few seconds trips no other limit."""
MOST = 65_536
"""Bytes of an answer that are read; nothing in it is of use."""


class Poster:
    """Knows the endpoints of a desk. Raises what connectors raise; `webhook:NAME` stands for the connection."""

    def __init__(self, endpoints: Mapping[str, EndpointConfig], wall: Clock, resolve: Resolve = resolved, read: float = READ) -> None:
        self._endpoints, self._wall, self._resolve, self._read = endpoints, wall, resolve, read

    def repeats(self, name: str) -> bool:
        """Whether a request that may have arrived is sent again: its receiver knows a repetition."""
        return name in self._endpoints and self._endpoints[name].on_doubt == "retry"

    def post(self, what: Webhook) -> Receipt:
        """Sends it, once."""
        name, endpoint = f"webhook:{what.to}", self._endpoints.get(what.to)
        if endpoint is None:
            raise Rejected(name, "there is no such endpoint any more; look at endpoints: in ticketgate.yaml")
        address = self._checked(name, endpoint)
        doubt = Transient if endpoint.on_doubt == "retry" else InDoubt
        try:
            status, headers = _sent(endpoint, address, self._headers(what, endpoint), what.payload.encode(), self._read)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise _not_connected(name, error) from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise doubt(name, f"the request went out and its answer was lost ({type(error).__name__})") from None
        _judge(name, status, headers, doubt)
        return Receipt(id=what.id)

    def _checked(self, name: str, endpoint: EndpointConfig) -> str:
        """The address that is connected to, resolved once; every address of the host must be one that may be reached."""
        url = urlsplit(endpoint.url)
        host, port = url.hostname or "", url.port or (443 if url.scheme == "https" else 80)
        try:
            found = self._resolve(host, port)
        except (gaierror, UnicodeError) as error:
            raise Transient(name, f"'{host}' has no address now ({error})") from None
        if not found:
            raise Transient(name, f"'{host}' has no address now")
        for address in found:
            if not endpoint.allow_private and not public(addresses.read(address)):
                raise Rejected(name, f"'{host}' is at {address}, an address within; allow_private: true lets it through")
        return found[0]

    def _headers(self, what: Webhook, endpoint: EndpointConfig) -> dict[str, str]:
        """Nothing of a ticket stands in them."""
        timestamp = str(int(self._wall().timestamp()))
        return {
            "Host": urlsplit(endpoint.url).netloc,
            "Content-Type": "application/json",
            "User-Agent": "ticketgate",
            "Idempotency-Key": what.key,
            "webhook-id": what.id,
            "X-Ticketgate-Timestamp": timestamp,
            "X-Ticketgate-Signature": signature(endpoint.secret.get_secret_value(), timestamp, what.payload.encode()),
        }


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """What the receiver compares with, in constant time."""
    return b64encode(hmac.new(secret.encode(), timestamp.encode() + body, hashlib.sha256).digest()).decode()


def _sent(endpoint: EndpointConfig, address: str, headers: Mapping[str, str], body: bytes, read: float) -> tuple[int, httpx.Headers]:
    """The status of the answer. It goes to the address, without a proxy; the certificate is the host's; no redirect is followed."""
    url = httpx.URL(endpoint.url)
    to = url.copy_with(host=address)
    limits = httpx.Timeout(read, connect=CONNECT)
    trusted = httpx.create_ssl_context()  # the usual authorities, or those of SSL_CERT_FILE or SSL_CERT_DIR
    with httpx.Client(timeout=limits, follow_redirects=False, trust_env=False, verify=trusted) as client:
        late = threading.Timer(TOTAL, client.close)
        late.start()
        try:
            request = client.build_request("POST", to, headers=dict(headers), content=body, extensions={"sni_hostname": url.host})
            answer = client.send(request, stream=True)
            size = 0
            for part in answer.iter_raw():
                size += len(part)
                if size > MOST:
                    break
            answer.close()
        except RuntimeError as error:  # closed under our hands: its time was over
            raise httpx.ReadTimeout(str(error)) from None
        finally:
            late.cancel()
    return answer.status_code, answer.headers


def _not_connected(name: str, error: Exception) -> ConnectorError:
    """Nothing was sent. A certificate that is not the host's is no passing trouble."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return Rejected(name, f"its certificate was refused: {cause.verify_message}")
        cause = cause.__cause__ or cause.__context__
    return Transient(name, f"could not connect ({type(error).__name__})")


def _judge(name: str, status: int, headers: httpx.Headers, doubt: type[ConnectorError]) -> None:
    if 200 <= status < 300:
        return
    if status in (408, 425, 429) or (status == 503 and "retry-after" in headers):
        raise Transient(name, f"the endpoint answered {status}", retry_after(headers.get("retry-after"), headers.get("date")))
    if status >= 500:
        raise doubt(name, f"the endpoint answered {status}")
    why = "a redirect, which is not followed" if 300 <= status < 400 else "it was refused"
    raise Rejected(name, f"the endpoint answered {status}: {why}")
