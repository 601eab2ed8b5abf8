"""New rules for a running daemon: the files on disk when they changed and are fit, a bundle that a person returned to, or nothing."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import structlog

from gateway.clock import Clock
from gateway.desk import Loaded
from gateway.desk_texts import READ
from gateway.fitness import fit
from gateway.in_force import rebuilt
from gateway.store import bundles, reloading
from gateway.store.opening import Store
from gateway.store.reloading import Standing
from rules.bundle import Bundle

Guard: TypeAlias = Callable[[Bundle], str]
"""Why a bundle must wait for a person's yes; empty when it need not."""
Told: TypeAlias = Callable[[Exception], str]
"""A failure in words that may be written down."""


def nothing_to_say(bundle: Bundle) -> str:
    """No guard."""
    return ""


@dataclass(frozen=True, slots=True)
class Taken:
    """Rules that take the place of those in force; `how` and `who` as `bundles.Force` has them."""

    bundle: Bundle
    how: str
    who: str


class Reloader:
    """Asked every few seconds. What is wrong with changed files is logged and written down once for each change."""

    def __init__(
        self,
        store: Store,
        desk: tuple[Path, Path],
        read: Callable[[], Loaded],
        clock: Clock,
        told: Told,
        *,
        guard: Guard = nothing_to_say,
        seen: object = None,
    ) -> None:
        """`desk` is its folder and its `ticketgate.yaml`; `read` reads it as it would run; `seen` is the stamp of files judged already."""
        self._store, self._desk, self._read = store, desk, read
        self._clock, self._told, self._guard, self._seen = clock, told, guard, seen
        self._log = structlog.get_logger()

    def __call__(self, running: Bundle) -> Taken | None:
        """The rules to judge by from now on; None: those that run."""
        with self._store.reading() as db:
            asked = reloading.standing(db)
        if asked.pinned is not None:
            return self._returned_to(asked, running)
        stamp = stamp_of(*self._desk)
        if stamp == self._seen and not asked.waits:
            return None
        self._seen = stamp
        return self._judged(asked, running)

    def _returned_to(self, asked: Standing, running: Bundle) -> Taken | None:
        """The pinned bundle, unless it runs already; one that can no longer be read is said so, once."""
        if asked.pinned is None or not (asked.waits or asked.pinned != running.hash):
            return None
        if asked.pinned == running.hash:
            self._answer("ok", "", running.hash)
            return None
        with self._store.reading() as db:
            kept = rebuilt(db, self._desk[0], asked.pinned)
        if kept is None or kept.bundle is None:
            if asked.waits:
                self._answer("refused", f"the pinned rules {asked.pinned[:7]} cannot be read by this release", asked.pinned)
            return None
        self._answer("ok", "", asked.pinned)
        return Taken(kept.bundle, "rollback", asked.pinned_by or "")

    def _judged(self, asked: Standing, running: Bundle) -> Taken | None:
        try:
            loaded = self._read()
            bundle = fit(loaded)
        except Exception as error:  # half-written files, mistakes, failed tests, a folder that is gone: the last good rules stay
            self._refused(self._told(error))
            return None
        if bundle.hash == running.hash:
            self._answer("ok", "", bundle.hash)
            return None
        why = "" if asked.yes == bundle.hash else self._guard(bundle)
        with self._store.writing() as db:
            bundles.keep(db, bundle.hash, loaded.sources, self._clock(), str(loaded.folder.absolute()))
        if why:
            self._answer("held", why, bundle.hash)
            self._log.warning("changed rules wait for a person's yes; the last good ones stay in force", reason=why)
            return None
        self._answer("ok", "", bundle.hash)
        return Taken(bundle, "reload" if asked.waits else "files", (asked.asked_by or "") if asked.waits else "daemon")

    def _refused(self, reason: str) -> None:
        self._answer("refused", reason, None)
        self._log.error("changed rules are not taken over; the last good ones stay in force", reason=reason)

    def _answer(self, state: reloading.State, reason: str, candidate: str | None) -> None:
        with self._store.writing() as db:
            reloading.answered(db, state, reason, candidate, self._clock())


def stamp_of(folder: Path, config: Path) -> tuple[tuple[str, int, int], ...]:
    """What tells a changed folder: names, times and sizes of the files that are read."""
    found = []
    for path in (config, *(path for pattern in READ for path in sorted(folder.glob(pattern)))):
        try:
            stat = path.stat()
        except OSError:
            continue
        found.append((path.as_posix(), stat.st_mtime_ns, stat.st_size))
    return tuple(found)


def ended_stages(before: Bundle, after: Bundle) -> list[str]:
    """Stages that the new rules no longer have: the clocks that ran towards them end. All others go on where they are."""
    there = set(_stages(after))
    return [name for name in _stages(before) if name not in there]


def _stages(bundle: Bundle) -> list[str]:
    rules = (rule for ruleset in bundle.rulesets for rule in ruleset.rules if rule.mode != "disabled")
    return [f"{rule.id} {stage.name}" for rule in rules for stage in rule.stages]
