"""`ticketgate reload` and `rollback`: a person changes the rules that the daemon judges by."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.ending import Code, Ended
from gateway.cli.options import VERSION_LINE, Options, line, options
from gateway.cli.person import who
from gateway.cli.stored import store
from gateway.clock import now

if TYPE_CHECKING:
    from gateway.desk import Loaded
    from gateway.store.bundles import Force
    from gateway.store.opening import Store
    from gateway.store.reloading import Standing

PATIENCE = 60.0
"""Seconds after which a daemon that gives signs of life should have answered."""


def add_to(app: typer.Typer) -> None:
    app.command("reload")(reload)
    app.command("rollback")(rollback)


def reload(
    context: typer.Context,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check the files, run their tests, show what would change; ask nobody.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Take them over even where the guard of `reload:` holds them.")] = False,
) -> None:
    """Has the running daemon take the files on disk over now. They are checked and their tests run first, here and there.

    Ends with 3 when they are not fit, with 7 when a pin or the guard keeps them out, with 5 when no daemon answers.
    """
    from gateway.fitness import fit
    from gateway.settings import running
    from gateway.store import audits, reloading

    chosen = options(context)
    loaded = running(chosen.desk, chosen.config)
    bundle = fit(loaded)
    with store(chosen) as (kept, _):
        with kept.reading() as db:
            standing = reloading.standing(db)
        _shown(chosen, kept, loaded)
        if standing.pinned is not None:
            draw = chosen.command("rollback --unpin")
            raise Ended(Code.UNSAFE, f"The rules are pinned to {standing.pinned[:7]} by {standing.pinned_by}. To draw the pin: {draw}")
        if dry_run:
            _held(chosen, kept, loaded)
            return
        asked_at = now()
        with kept.writing() as db:
            reloading.asked(db, who(), asked_at, yes=bundle.hash if yes else None)
            audits.noted(db, asked_at, who(), "reload asked", bundle.hash + (" (--yes)" if yes else ""))
        answer = _answered(kept, lambda found: found.answered_at is not None and found.answered_at >= asked_at)
    _ended(chosen, answer, "the next start takes the files over")


def _held(chosen: Options, kept: "Store", loaded: "Loaded") -> None:
    """Ends with 7 when the guard would hold these rules."""
    from gateway.cli.connecting import clock_of
    from gateway.cli.daemon import guard_of

    if loaded.config is not None and loaded.bundle is not None:
        why = guard_of(kept, loaded.config, clock_of())(loaded.bundle)
        if why:
            say = chosen.command("reload --yes")
            raise Ended(Code.UNSAFE, f"They would be held: {why}\nTo take them over all the same: {say}")


def _ended(chosen: Options, answer: "Standing | None", otherwise: str) -> None:
    if answer is None:
        raise Ended(Code.UNREACHABLE, f"No daemon answered; {otherwise}.")
    if answer.state == "held":
        say = chosen.command("reload --yes")
        raise Ended(Code.UNSAFE, f"The new rules are held: {answer.reason}\nTo take them over all the same: {say}")
    if answer.state == "refused":
        raise Ended(Code.NOT_LOADED, f"The daemon refused them: {answer.reason}")
    chosen.err().print("They are in force.")


def _shown(chosen: Options, kept: "Store", loaded: "Loaded") -> None:
    """What comes, goes and changes, against the rules in force."""
    from gateway.in_force import running
    from gateway.rule_texts import difference

    with kept.reading() as db:
        before = running(db, chosen.desk)
    old, new = before.bundle if before else None, loaded.bundle
    if new is None:
        return
    same = old is not None and old.hash == new.hash
    what = difference(before, loaded) if before is not None else None
    if chosen.as_json:
        line(VERSION_LINE)
        parts = {"added": what.added, "removed": what.removed, "changed": what.changed} if what else {}
        line({"type": "reload", "from": old.hash if old else None, "to": new.hash, "same": same, **parts})
    elif same:
        chosen.out().print(f"The rules in force are these already ({new.short}).")
    else:
        chosen.out().print(f"{old.short if old else 'nothing'} → {new.short}   {what or 'the first rules'}")


def _answered(kept: "Store", there: "Callable[[Standing], bool]") -> "Standing | None":
    """The daemon's answer. None when there is none to ask, or it is silent."""
    from gateway.store import reloading

    end = time.monotonic() + PATIENCE
    while True:
        with kept.reading() as db:
            found = reloading.standing(db)
        if there(found):
            return found
        if not found.alive(now()) or time.monotonic() > end:
            return None
        time.sleep(0.2)


def rollback(
    context: typer.Context,
    hash: Annotated[str | None, typer.Argument(metavar="[HASH]", help="The beginning of a bundle's hash; else the one before.")] = None,
    unpin: Annotated[bool, typer.Option("--unpin", help="Draw the pin: what lies on disk is taken over again.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change.")] = False,
) -> None:
    """Returns to rules that were in force before, and pins them: files on disk are not taken over until --unpin.

    The pin holds for starts too. Ends with 5 when no daemon answers: the next start goes by it.
    """
    from gateway.in_force import rebuilt
    from gateway.store import audits, reloading

    chosen = options(context)
    if unpin and (hash or dry_run):
        raise Ended(Code.USAGE, "--unpin goes alone: it draws the pin, whichever bundle it holds.")
    with store(chosen) as (kept, _):
        if unpin:
            _unpinned(chosen, kept)
            return
        target = _chosen(chosen, kept, hash)
        with kept.reading() as db:
            loaded = rebuilt(db, chosen.desk, target)
        _fit_still(loaded, target)
        if loaded is not None:
            _shown(chosen, kept, loaded)
        if dry_run:
            return
        asked_at = now()
        with kept.writing() as db:
            reloading.pinned(db, target, who(), asked_at)
            audits.noted(db, asked_at, who(), "rollback", f"pinned to {target}")
        answer = _answered(kept, lambda found: found.answered_at is not None and found.answered_at >= asked_at)
    _ended(chosen, answer, f"the next start goes by {target[:7]}, which is pinned")


def _fit_still(loaded: "Loaded | None", hash: str) -> None:
    """Ends with 3 when this release reads the old texts as mistakes."""
    from gateway.desk import Unfit

    if loaded is None:
        raise Ended(Code.NOT_LOADED, f"The texts of {hash[:7]} are not in the store.")
    if loaded.bundle is None:
        raise Unfit(loaded)


def _chosen(chosen: Options, kept: "Store", prefix: str | None) -> str:
    """The bundle meant. Ends with 8 for one that is not there, with 2 for a beginning that several have."""
    from gateway.store import bundles

    with kept.reading() as db:
        history = bundles.history(db, 1000)
        found = bundles.named(db, prefix) if prefix else _before(history)
    if len(found) != 1:
        known = ", ".join(dict.fromkeys(f"{one.short} ({one.at:%Y-%m-%d %H:%M}Z)" for one in history[:8]))
        said = (
            f"There is no bundle {prefix}"
            if prefix and not found
            else f"{prefix} could be several"
            if prefix
            else "There is no bundle before"
        )
        raise Ended(Code.USAGE if found else Code.NO_SUCH, f"{said}. In force were, newest first: {known or 'none'}.")
    return found[0]


def _before(history: "list[Force]") -> list[str]:
    """The one in force before the present one."""
    hashes = [one.hash for one in history]
    return next(([hash] for hash in hashes if hash != hashes[0]), [])


def _unpinned(chosen: Options, kept: "Store") -> None:
    from gateway.store import audits, reloading

    asked_at = now()
    with kept.writing() as db:
        was = reloading.unpinned(db, who(), asked_at)
        if was:
            audits.noted(db, asked_at, who(), "pin drawn")
    if not was:
        chosen.err().print("Nothing is pinned.")
        return
    answer = _answered(kept, lambda found: found.answered_at is not None and found.answered_at >= asked_at)
    _ended(chosen, answer, "the pin is drawn, and the next start goes by the files on disk")
