"""The command line: one file for one group of commands, and the one place where failures become exit codes."""

import sys


def main() -> None:
    """Runs the command line and ends the process with a code of `yaml_language.md` section 18's table."""
    from gateway.cli.app import app, ended_with

    sys.exit(ended_with(app))
