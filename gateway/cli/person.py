"""Who sits at the command line, for the audit trail."""

import getpass


def who() -> str:
    """The name of the account; `somebody` where the system has none for it."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run under a number without a name
        return "somebody"
