"""The command line: one file for one group of commands, and the one place where failures become exit codes."""

import gc
import os
import signal
import sys


def main() -> None:
    """Runs the command line and ends the process with a code of `yaml_language.md` section 18's table."""
    gc.disable()  # until a command begins: `collecting.begun`
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # we have none; to look through every installed package for one takes time
    try:
        from gateway.cli.app import app, ended_with
        from gateway.cli.streams import flushed, made_safe

        made_safe()
        code = flushed(ended_with(app))
    except KeyboardInterrupt:
        code = 130
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # it is over; a late Ctrl-C must not make a failure of it
    gc.freeze()  # the process gives back all it has; Python would look through it for garbage first, for a fifth of a check's time
    sys.exit(code)
