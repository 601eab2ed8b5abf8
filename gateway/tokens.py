"""One token for each connection, kept in the store: one refresh at a time, whatever the number of workers and processes."""

import hashlib
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property

import orjson
import sqlalchemy as sa
from pydantic import SecretStr

from connectors.base import ConnectorSettings
from connectors.errors import Transient, Unauthorized
from connectors.tokens import Grant, Token
from gateway.clock import Clock, Sleep, steady
from gateway.clock import now as wall_now
from gateway.store import leases, sign_ins
from gateway.store.leases import Hold
from gateway.store.opening import Store, WrongStore, opened
from rules.ticket import TicketRef

WAIT = 0.05  # seconds between two looks whether somebody else's refresh has ended
THE_SIGN_IN = ":sign-in"
"""Stands in the place of a ticket's key in the lease on a connection's token."""


class StoredTokens:
    """Keeps what one connection was granted. The store is opened only when a token is wanted: by keys that never run out, never.

    A refresh token that serves once is in the store before it is used here. What remains: a process that ends between the
    system's answer and our commit loses it, and the connection stops until somebody authorizes it anew.
    """

    def __init__(self, url: str, connection: str, settings: ConnectorSettings, wall: Clock = wall_now, sleep: Sleep = time.sleep) -> None:
        self._url, self._connection, self._settings = url, connection, settings
        self._wall, self._sleep = wall, sleep
        self._refusals_before: int | None = None
        self._unsaved: Token | None = None

    def instead_of(self, refused: str | None, grant: Grant) -> Token:
        """The token in force, fetched by `grant` in its turn where it is still the `refused` one.

        Raises what `grant` raises; after a refusal those who run already are not let ask again, a new start is.
        """
        with self._open() as store:
            while True:
                found = self._ours(store, refused)
                if found is not None:
                    return found
                hold = self._turn(store, refused)
                if hold is None:
                    self._sleep(WAIT)
                    continue
                try:
                    return self._granted(store, grant)
                finally:
                    with store.unfenced() as db:
                        leases.give_back(db, hold)

    @contextmanager
    def _open(self) -> Iterator[Store]:
        try:
            store = opened(self._url)
        except WrongStore as error:
            raise Transient(self._connection, f"signing in: its token cannot be kept: {error}") from None
        try:
            yield store
        finally:
            store.close()

    def _ours(self, store: Store, refused: str | None) -> Token | None:
        """What is in force and not refused. Raises `Unauthorized` where another was refused while we ran."""
        if self._unsaved is not None:
            self._save(store, self._unsaved)
        with store.reading() as db:
            kept = sign_ins.of(db, self._connection, self._made_of)
        if self._refusals_before is None:
            self._refusals_before = kept.refusals
        token = self._unsaved or kept.token
        if token is not None and token.access != refused:
            return token
        if kept.refusals > self._refusals_before:
            raise Unauthorized(self._connection, kept.reason or "the sign-in was refused")
        return None

    def _turn(self, store: Store, refused: str | None) -> Hold | None:
        """Whether nobody else is asking for a token, and nobody has got one just now."""
        ref = TicketRef(self._connection, THE_SIGN_IN)
        with store.unfenced() as db:
            kept = sign_ins.of(db, self._connection, self._made_of)
            news = kept.refusals != self._refusals_before or (kept.token is not None and kept.token.access != refused)
            return None if news else leases.take(db, [ref], leases.holder(f"sign-in {threading.get_ident()}"), steady())

    def _granted(self, store: Store, grant: Grant) -> Token:
        with store.reading() as db:
            kept = sign_ins.of(db, self._connection, self._made_of).token
        try:
            token = grant(kept.refresh if kept else None)
        except Unauthorized as error:
            with store.unfenced() as db:
                sign_ins.refused(db, self._connection, self._made_of, error.message, self._wall())
            raise
        self._save(store, token)
        return token

    def _save(self, store: Store, token: Token) -> None:
        """Where the disk is full the token serves this process on, and is saved when it is asked for next."""
        self._unsaved = token
        try:
            with store.unfenced() as db:
                sign_ins.granted(db, self._connection, self._made_of, token, self._wall())
        except sa.exc.OperationalError as error:
            import structlog

            structlog.get_logger().error("a new token could not be kept", connection=self._connection, reason=str(error.orig))
            return
        self._unsaved = None

    @cached_property
    def _made_of(self) -> str:
        """A print of the settings that a token is granted to: with another secret, what was kept is worth nothing."""
        sign_in = getattr(self._settings, "sign_in", None)
        said = {} if sign_in is None else {name: _plain(getattr(sign_in, name)) for name in type(sign_in).model_fields}
        told = orjson.dumps({"url": self._settings.url, **said}, option=orjson.OPT_SORT_KEYS)
        return hashlib.scrypt(told, salt=self._connection.encode(), n=2**12, r=8, p=1, dklen=16).hex()


def _plain(value: object) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)
