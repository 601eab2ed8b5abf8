"""`python -m gateway` is `ticketgate`."""

from gateway.cli import main

main()
