"""The composition root: a desk that was read becomes a gateway. The one file that reads all the others and is read by none."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import connectors
from connectors.base import Connector, ConnectorSettings, Custom
from connectors.errors import Transient
from connectors.shared import Shared
from gateway import failpoint
from gateway.backfill import Backfill
from gateway.brake import Brake
from gateway.budget import StoredMeter
from gateway.carrying import Carrier
from gateway.clock import Clock, real
from gateway.clock import now as wall_now
from gateway.config import Config
from gateway.cycle import Cycle, House, OnPass
from gateway.daemon import Daemon, Reload
from gateway.desk import Loaded, database
from gateway.gathering import Gatherer
from gateway.guarded import one_at_a_time
from gateway.holding import Holds
from gateway.ledger import Ledger, Points
from gateway.notify import Notifier
from gateway.outbound import Outbound
from gateway.pager import Pager
from gateway.posting import Poster
from gateway.retrying import Patience, probed
from gateway.rulebook import Rulebook
from gateway.saved import Saved
from gateway.sending import NONE, Sender
from gateway.signals import Signals
from gateway.store import bundles, connections
from gateway.store.leases import LASTS
from gateway.store.opening import Store, opened
from gateway.tokens import StoredTokens
from gateway.webhooks import Hearing
from rules.bundle import Bundle

AT_LENGTH = Patience(longest=60.0, budget=120.0)
"""For long work: a limit by the minute is waited for; in all it is shorter than a lease."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """Everything put together. Close it."""

    config: Config
    store: Store
    connectors: Mapping[str, Connector]
    house: House
    cycle: Cycle
    signals: Signals
    brake: Brake
    backfill: Backfill
    saved: Saved
    hearing: Hearing
    pager: Pager
    outbound: Outbound

    def daemon(self, reload: Reload | None = None) -> Daemon:
        """`reload` is asked for new rules every few seconds; None from it means: no news, or nothing that is fit to run."""
        polls = {name: connection.poll for name, connection in self.config.connections.items()}
        return Daemon(
            self.house,
            self.cycle,
            self.signals,
            self.brake,
            polls,
            reload,
            self.config.retention.traces,
            pager=self.pager,
            outbound=self.outbound,
        )

    def close(self) -> None:
        for connector in self.connectors.values():
            connector.close()
        self.store.close()


@contextmanager
def assembled(
    loaded: Loaded,
    *,
    read_only: bool = False,
    long: bool = False,
    clock: Clock | None = None,
    on_pass: OnPass | None = None,
    patience: Patience | None = None,
) -> Iterator[Gateway]:
    """A gateway for a desk without errors, closed at the end. `read_only`: every connector refuses to write below its SDK.

    `long`: for work on many tickets at once, that leaves a reserve of each system's requests to the daemon, and waits its turn.
    What may write keeps the rules it judges by; that they are in force only the daemon says.

    Raises `WrongStore` when the database cannot be used, and `ImportError` when a connection's SDK is not installed.
    """
    if loaded.bundle is None or loaded.config is None:
        raise ValueError("a desk with mistakes cannot be assembled; `ticketgate check` lists them")
    opened_ = {name: connector_of(loaded, name, read_only=read_only, long=long) for name in loaded.connections}
    patience = patience or (AT_LENGTH if long else Patience())
    desk = (loaded.config, loaded.bundle, opened_, loaded.folder)
    gateway = put_together(*desk, clock or real(), on_pass, patience, people=loaded.connections)
    try:
        with gateway.store.writing() as db:
            if not read_only:  # a dry run leaves nothing behind
                bundles.keep(db, loaded.bundle.hash, loaded.sources, gateway.house.clock(), str(loaded.folder.absolute()))
            for name in () if read_only else opened_:
                connections.started(db, name)
        yield gateway
    finally:
        gateway.close()


def put_together(
    config: Config,
    bundle: Bundle,
    there: Mapping[str, Connector],
    folder: Path,
    clock: Clock,
    on_pass: OnPass | None = None,
    patience: Patience | None = None,
    wall: Clock = wall_now,
    points: Points | None = None,
    lease: float = LASTS,
    people: Mapping[str, ConnectorSettings] = NONE,
) -> Gateway:
    """As `assembled`, with connectors that are open already. `lease`: seconds for which a ticket in hand is held unrenewed; `people`:
    the settings by which somebody is found in each system."""
    store = opened(database(folder, config))
    holds = Holds(store, lease)
    guarded = {name: one_at_a_time(connector, holds.fit, partial(_said, store, name)) for name, connector in there.items()}
    points = points or failpoint.points()
    carrier = Carrier(store, guarded, holds, clock, points)
    sender = Sender(guarded, _notifier(config, folder, clock), Poster(config.endpoints, wall), people, carrier)
    house = _house(store, guarded, sender, holds, patience or Patience(), clock, wall, points)
    brake, cycle = Brake(config.brake.tickets), Cycle(house, Rulebook(bundle), on_pass)
    return Gateway(
        config=config,
        store=store,
        connectors=guarded,
        house=house,
        cycle=cycle,
        signals=Signals(house),
        brake=brake,
        backfill=Backfill(house, cycle, brake),
        saved=Saved(house, cycle, brake),
        hearing=Hearing(store, there, wall),
        pager=Pager(house, cycle, config.on_call),
        outbound=Outbound(house, cycle),
    )


def _said(store: Store, name: str, error: Transient) -> Transient:
    with store.reading() as db:
        return probed(connections.standing(db, name), error)


def _notifier(config: Config, folder: Path, clock: Clock) -> Notifier:
    called = {name: one.url for name, one in config.on_call.items() if one.url is not None}
    return Notifier({name: channel.url for name, channel in config.channels.items()}, folder, clock, called)


def _house(
    store: Store,
    there: Mapping[str, Connector],
    sender: Sender,
    holds: Holds,
    patience: Patience,
    clock: Clock,
    wall: Clock,
    points: Points,
) -> House:
    return House(
        store=store,
        connectors=there,
        ledger=Ledger(store, sender, patience, holds, clock=clock, wall=wall, points=points),
        gatherer=Gatherer(store, there, clock, patience, wall),
        patience=patience,
        holds=holds,
        clock=clock,
        wall=wall,
        points=points,
    )


def connector_of(loaded: Loaded, name: str, *, read_only: bool = False, long: bool = False) -> Connector:
    """One connection of a desk without errors, opened; nothing is sent yet. `long` work leaves a part of its requests to live work.

    Raises `ImportError` when its SDK is not installed.
    """
    return connector_with(loaded, name, loaded.connections[name], read_only=read_only, long=long)


def connector_with(loaded: Loaded, name: str, settings: ConnectorSettings, *, read_only: bool, long: bool = False) -> Connector:
    """The same with settings in hand, such as those that have their secrets."""
    if loaded.bundle is None or loaded.config is None:
        raise ValueError("a desk with mistakes cannot be assembled; `ticketgate check` lists them")
    kind = connectors.load(loaded.config.connections[name].system)
    store = database(loaded.folder, loaded.config)
    shared = Shared(StoredTokens(store, name, settings), StoredMeter(store, name, long=long))
    return kind.opened(name, settings, _custom(loaded.bundle, name), read_only=read_only, shared=shared)


def _custom(bundle: Bundle, connection: str) -> tuple[Custom, ...]:
    """The installation's own fields as this connection calls them."""
    mine = (field for field in bundle.fields.values() if connection in field.remote)
    return tuple(Custom(f.name, f.remote[connection], "text" if f.type == "reference" else f.type) for f in mine)
