"""The tokens of OAuth: what a system granted, who keeps it so that one refresh serves every worker, and what a session sends of it."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TypeAlias

from connectors.errors import Unauthorized

if TYPE_CHECKING:
    import requests


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """What was granted. Its secrets are in no `repr`. `instance` and `account`: where the system serves us, and as whom, if it says so."""

    access: str = field(repr=False)
    refresh: str | None = field(default=None, repr=False)
    instance: str | None = None
    account: str | None = None


Grant: TypeAlias = Callable[[str | None], Token]
"""Asks the system for a token, with the refresh token in force where there is one. Raises `Unauthorized` where it gives none."""


class Tokens(Protocol):
    """Who keeps the token of one connection."""

    def instead_of(self, refused: str | None, grant: Grant) -> Token:
        """The token in force: another worker's, where that is not the `refused` one any more; else what `grant` is given, once.

        Raises what `grant` raises. After an `Unauthorized` nobody who waited for it asks again.
        """


class InMemory:
    """Keeps a token for the threads of one process that has no store."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: Token | None = None
        self._no: Unauthorized | None = None

    def instead_of(self, refused: str | None, grant: Grant) -> Token:
        with self._lock:
            if self._held is not None and self._held.access != refused:
                return self._held
            if self._no is not None:
                raise self._no
            try:
                self._held = grant(self._held.refresh if self._held else None)
            except Unauthorized as error:
                self._no = error
                raise
            return self._held


class Bearer:
    """What one session sends: a token, fetched when first needed and renewed when the system refuses it."""

    def __init__(self, tokens: Tokens, grant: Grant) -> None:
        self._tokens, self._grant = tokens, grant
        self._held: Token | None = None

    def token(self) -> Token:
        """Raises `Unauthorized` where none is granted."""
        if self._held is None:
            self._held = self._tokens.instead_of(None, self._grant)
        return self._held

    def renew(self) -> Token:
        """After the system refused what was sent last."""
        self._held = self._tokens.instead_of(self._held.access if self._held else None, self._grant)
        return self._held

    def signed(self, request: "requests.PreparedRequest") -> "requests.PreparedRequest":
        """For the `auth` of a session of `requests`."""
        request.headers["Authorization"] = f"Bearer {self.token().access}"
        return request


def renewed(bearer: Bearer | None, ask: "Callable[[], requests.Response]") -> "requests.Response":
    """What `ask` brings, asked once again with a new token where it brings a 401 and tokens are what signs. Raises what `ask` raises."""
    answer = ask()
    if answer.status_code == 401 and bearer is not None:
        bearer.renew()
        answer = ask()
    return answer


def as_it_is(request: "requests.PreparedRequest") -> "requests.PreparedRequest":
    """An `auth` for requests that sign themselves: else `requests` would let a netrc entry replace what they bear."""
    return request
