"""Files that lie at another host than their system's own: where a download is sent on to is followed by hand, under our rules.

Over https alone, to a host that is known to hold the vendor's files or that an administrator named, at an address that was looked up once,
is nobody's within, and is the one that is connected to; without a sign-in or a cookie of ours, over few hops, up to a size. `via` leads a
sandbox's files where it leads the sandbox. Where the environment names a proxy, that one looks the name up and decides about addresses.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from socket import gaierror
from typing import Any
from urllib.parse import SplitResult, urljoin, urlsplit, urlunsplit

import requests
from requests.utils import select_proxy

from connectors import addresses
from connectors.addresses import Address, Resolve, public, resolved
from connectors.allowance import retry_after
from connectors.base import ConnectorSettings
from connectors.deadline import Punctual
from connectors.errors import ConnectorError, NotFound, Rejected, Transient, Untrusted
from connectors.files import Sink
from connectors.transport import asking, handed, moved

HOPS = 3
HTTPS = 443
HEADERS = {"Accept": "*/*", "Accept-Encoding": "identity", "User-Agent": "ticketgate"}
NAME = re.compile(r"[a-z0-9.-]+")


class Elsewhere:
    """Where the files of one connection lie. `hosts` are the vendor's own, `most` the bytes of the largest file that it keeps.

    Raises `Rejected` for what a rule forbids or the host refuses, `NotFound` for a file that is no more, `Transient` for what may pass.
    It never raises `Unauthorized`: that a host of files refuses us says nothing of the system, which would be asked no more.
    """

    def __init__(
        self,
        connection: str,
        settings: ConnectorSettings,
        hosts: tuple[str, ...],
        *,
        most: int,
        resolve: Resolve = resolved,
        may: Callable[[Address], bool] = public,
    ) -> None:
        self._connection, self._settings, self._most = connection, settings, most
        self._hosts = (urlsplit(settings.url).netloc.lower(), *hosts, *settings.content_hosts)
        self._resolve, self._may = resolve, may

    def fetch(self, what: str, at: str, into: Sink, *, pages: bool) -> None:
        """Hands the bytes of the file at this address to `into` as they come. `pages`: an HTML page is what was asked for."""
        for _ in range(HOPS):
            url = self._checked(what, at)
            with self._asked(what, url) as answer:
                if not answer.is_redirect:
                    self._judge(what, url, answer)
                    handed(self._connection, what, answer, into, pages=pages, most=self._most)
                    return
                at = urljoin(at, answer.headers["location"])
        raise self._no(what, f"it was sent on more than {HOPS} times, at last to {urlsplit(at).hostname}")

    def _checked(self, what: str, at: str) -> SplitResult:
        """The address made anew of its host, path and query, so that nobody downstream can read another host in it."""
        try:
            url = urlsplit(at)
            host, port = url.hostname or "", url.port or HTTPS
        except ValueError:
            raise self._no(what, "it lies at an address that is none") from None
        place = host if port == HTTPS else f"{host}:{port}"
        if url.scheme != "https":
            raise self._no(what, f"it lies at {url.scheme}://{host}, and files are fetched over https alone")
        if not NAME.fullmatch(host) or not is_among(place, self._hosts):
            remedy = f"if it is right, add content_hosts: ['{place}'] to this connection"
            raise self._no(what, f"it lies at {place}, which is not known to hold this system's files; {remedy}")
        return urlsplit(urlunsplit(("https", place, url.path or "/", url.query, "")))

    @contextmanager
    def _asked(self, what: str, url: SplitResult) -> Iterator[requests.Response]:
        """The answer, while it is read. No session: nothing of ours could be in it, and nothing is kept."""
        request = requests.Request("GET", url.geturl(), headers=HEADERS).prepare()
        adapter, sent, how = self._way(what, url, request)
        limits = (self._settings.connect_timeout, self._settings.read_timeout)
        try:
            with (
                asking(self._connection, f"{what}, at {url.hostname}", writing=False),
                closing(adapter.send(sent, stream=True, timeout=limits, **how)) as answer,
            ):
                yield answer
        except Untrusted as error:
            raise Rejected(self._connection, error.message) from None
        finally:
            adapter.close()

    def _way(
        self, what: str, url: SplitResult, request: requests.PreparedRequest
    ) -> tuple[Punctual, requests.PreparedRequest, Mapping[str, Any]]:
        """Through the detour, through the proxy of the environment, or straight to the checked address."""
        within = self._settings.total_timeout
        if self._settings.via is not None:
            to = urlsplit(self._settings.via)
            return Punctual(within, max_retries=0), moved(request, to.scheme, to.netloc), {}
        known = requests.Session().merge_environment_settings(url.geturl(), {}, True, True, None)
        how = {"verify": known["verify"], "proxies": known["proxies"]}
        if select_proxy(url.geturl(), known["proxies"]):
            return Punctual(within, max_retries=0), request, how
        return At(url.hostname or "", within), moved(request, "https", self._address(what, url)), {**how, "proxies": {}}

    def _address(self, what: str, url: SplitResult) -> str:
        """Looked up once; every address of the host must be one that may be reached."""
        host, port = url.hostname or "", url.port or HTTPS
        try:
            found = self._resolve(host, port)
        except (gaierror, UnicodeError) as error:
            raise Transient(self._connection, f"{what}: '{host}', where it lies, has no address now ({error})") from None
        if not found:
            raise Transient(self._connection, f"{what}: '{host}', where it lies, has no address now")
        for address in found:
            if not self._may(addresses.read(address)):
                raise self._no(what, f"it lies at '{host}', which is at {address}, an address within, where no file is fetched from")
        return f"[{found[0]}]:{port}" if ":" in found[0] else f"{found[0]}:{port}"

    def _judge(self, what: str, url: SplitResult, answer: requests.Response) -> None:
        status, said = answer.status_code, f"{what}: {url.hostname}, where it lies, answered {answer.status_code}"
        if status in (404, 410):
            raise NotFound(self._connection, said)
        if status in (408, 425, 429) or status >= 500:
            raise Transient(self._connection, said, retry_after(answer.headers.get("retry-after"), answer.headers.get("date")))
        if status != 200:
            raise Rejected(self._connection, f"{said}; the link may have run out, or want a sign-in that nobody gets from us")

    def _no(self, what: str, why: str) -> ConnectorError:
        return Rejected(self._connection, f"{what}: {why}; nothing was asked there")


class At(Punctual):
    """Connects to whatever address stands in the URL, and takes nobody there for `host` who cannot prove to be it."""

    def __init__(self, host: str, within: float) -> None:
        self._host = host
        super().__init__(within, max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs, server_hostname=self._host)


def is_among(place: str, hosts: tuple[str, ...]) -> bool:
    """Whether a host, with `:PORT` unless that is 443, is one of these; `*.acme.com` are all below acme.com, and not that itself."""
    return any(place == one or (one.startswith("*.") and place.endswith(one[1:])) for one in hosts)
