"""One thread at a time for each connector, as they ask: its poll, its worker and its partners' workers take turns, call by call."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import RLock
from typing import Any, TypeAlias, cast

from connectors.base import Connector
from connectors.errors import Transient

Said: TypeAlias = Callable[[Transient], Transient]


def one_at_a_time(connector: Connector, fit: Callable[[], None] = lambda: None, said: Said = lambda error: error) -> Connector:
    """The same connector; each call, and each page of `changed`, waits until the one before it has ended.

    `fit` is asked when its turn has come, right before it leaves, and may refuse it by raising; a `Transient` is told as `said` puts it.
    """
    return cast(Connector, _Guarded(connector, fit, said))


class _Guarded:
    def __init__(self, connector: Connector, fit: Callable[[], None], said: Said) -> None:
        self._connector, self._fit, self._said, self._lock = connector, fit, said, RLock()

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._connector, name)
        if not callable(found) or isinstance(found, type):
            return found
        return self._pages(found) if name == "changed" else self._call(found)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        with self._lock:
            self._fit()
            try:
                yield
            except Transient as error:
                raise self._said(error) from None

    def _call(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def waiting(*args: Any, **kwargs: Any) -> Any:
            with self._turn():
                return method(*args, **kwargs)

        return waiting

    def _pages(self, changed: Callable[..., Iterator[Any]]) -> Callable[..., Iterator[Any]]:
        def waiting(*args: Any, **kwargs: Any) -> Iterator[Any]:
            pages = changed(*args, **kwargs)
            while True:
                with self._turn():
                    page = next(pages, None)
                if page is None:
                    return
                yield page

        return waiting
