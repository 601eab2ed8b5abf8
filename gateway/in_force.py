"""Rules that the store keeps, read again: those that run, or any that ran before."""

from pathlib import Path

import sqlalchemy as sa

from gateway.desk import Loaded, from_texts
from gateway.placeholders import Resolver, untouched
from gateway.settings import with_environment
from gateway.store import bundles
from rules.bundle import Bundle
from rules.ticket import replace


def rebuilt(db: sa.Connection, folder: Path, hash: str, *, resolve: Resolver = untouched) -> Loaded | None:
    """The desk as it was under that hash, which its bundle bears again; None for one that was never kept.

    Its `bundle` is None where this release reads the old texts as mistakes.
    """
    sources = bundles.sources(db, hash)
    if sources is None:
        return None
    loaded = from_texts(folder, sources, resolve=resolve, settle=with_environment)
    if loaded.bundle is None:
        return loaded
    # another release, or other variables of the environment, make another hash of the same texts
    return replace(loaded, bundle=replace(loaded.bundle, hash=hash))


def running(db: sa.Connection, folder: Path, *, resolve: Resolver = untouched) -> Loaded | None:
    """The desk by which the daemon judges, or judged last; None before its first start."""
    force = bundles.running(db)
    return rebuilt(db, folder, force.hash, resolve=resolve) if force else None


def ran_before(db: sa.Connection, hash: str) -> Bundle | None:
    """The rules in force last, when they were others than those of that hash and can still be read."""
    force = bundles.running(db)
    found = rebuilt(db, Path(), force.hash) if force is not None and force.hash != hash else None
    return found.bundle if found is not None else None
