"""`ticketgate demo`: the main job, shown, without an account anywhere."""

from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.ending import Code, Ended
from gateway.cli.options import options

FOLDER = Path(".ticketgate") / "demo"


def add_to(app: typer.Typer) -> None:
    app.command("demo")(demo)


def demo(
    context: typer.Context,
    once: Annotated[
        bool, typer.Option("--once", help="End by itself when the story is told; code 1 when part of it did not happen.")
    ] = False,
    seed: Annotated[int, typer.Option("--seed", help="Other numbers make other tickets.")] = 1,
) -> None:
    """Sandboxes of four ticket systems with some 300 tickets, the sample desk, and people who act: you see what rules do, and why."""
    from gateway.demo.play import Asked, play
    from gateway.demo.screen import Screen

    chosen = options(context)
    told = play(Asked(FOLDER, once, seed), Screen(chosen.out()))
    raise Ended(Code.DONE if told or not once else Code.FINDINGS)
