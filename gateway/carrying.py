"""Carries a file from one system to another: through a file of its own on disk, within its limit, once by its content.

The bytes go to a temporary file that has no name and only we can read, because the checksum must be known before anything is sent:
what the partner has already is never sent to it again, and a process that is killed between two parts leaves nothing behind.
"""

import hashlib
import tempfile
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, BinaryIO

from connectors.base import Connector
from connectors.errors import NotFound, Rejected
from connectors.files import Upload
from gateway.clock import Clock
from gateway.clock import now as wall_now
from gateway.failpoint import never
from gateway.holding import Holds
from gateway.retrying import Patience, not_while_it_rests
from gateway.store import carried, connections
from gateway.store.opening import Store
from rules.attaching import sized
from rules.plan import Attach, Receipt
from rules.ticket import Attachment, TicketRef

ANY = "application/octet-stream"
ONCE = Patience(tries=1)
"""A file is large: what cannot be had now is tried again later, and nothing waits for it."""
RESTS = timedelta(seconds=30)
"""After which it is tried again; twice as long after each time, up to half an hour."""


class Carrier:
    """Raises what the connectors raise; `Rejected` for what may not be carried."""

    def __init__(self, store: Store, connectors: Mapping[str, Connector], holds: Holds, clock: Clock, points: Any = never) -> None:
        self._store, self._connectors, self._holds, self._clock, self._points = store, connectors, holds, clock, points

    def carry(self, what: Attach) -> Receipt:
        """Downloads, writes the intent down by its checksum, uploads. What is there already is not sent."""
        self._ready(what.source)
        with tempfile.TemporaryFile(prefix="ticketgate-") as spool:
            sha256, size = self._fetched(what, spool)
            with self._store.writing() as db:
                intent = carried.intend(db, what.target, sha256, what.key, size, self._clock())
            self._points("file-intended")
            there = intent.made or self._there(what.target, sha256, size)
            receipt = Receipt(id=there) if there else self._sent(what, spool, size)
        with self._store.writing() as db:
            carried.made(db, what.target, sha256, receipt.id)
        return receipt

    def found(self, what: Attach) -> Receipt | None:
        """By its content: a system keeps no mark of ours beside a file."""
        with self._store.reading() as db:
            intent = carried.of_action(db, what.key)
        if intent is None:
            return None
        there = intent.made or self._there(what.target, intent.sha256, intent.size)
        if there is not None:
            with self._store.writing() as db:
                carried.made(db, what.target, intent.sha256, there)
        return Receipt(id=there) if there else None

    def _ready(self, source: TicketRef) -> None:
        with self._store.reading() as db:
            standing = connections.standing(db, source.connection)
        not_while_it_rests(standing, wall_now())

    def _fetched(self, what: Attach, spool: BinaryIO) -> tuple[str, int]:
        """The checksum and the size of what is now on disk; cut off at the limit, whatever was declared."""
        digest, size = hashlib.sha256(), 0

        def into(part: bytes) -> None:
            nonlocal size
            size += len(part)
            if size > what.largest:
                raise Rejected(what.source.connection, f"{what.name} of {what.source} has more than the {sized(what.largest)} of 'largest'")
            digest.update(part)
            spool.write(part)

        try:
            self._connectors[what.source.connection].download(what.source.key, what.file, into)
        except NotFound as error:
            raise Rejected(error.connection, f"{what.name} of {what.source} was there when it was listed, and is no more") from None
        declared = what.file.size
        if declared is not None and declared != size:
            raise Rejected(
                what.source.connection, f"{what.name} of {what.source} has {sized(size)} instead of the {sized(declared)} declared"
            )
        return digest.hexdigest(), size

    def _sent(self, what: Attach, spool: BinaryIO, size: int) -> Receipt:
        spool.seek(0)
        self._holds.fit()
        kind = (what.file.type or ANY).partition(";")[0].strip() or ANY
        file = Upload(name=what.name, type=kind, size=size, content=spool)
        receipt = self._connectors[what.target.connection].attach(what.target.key, file, public=what.public, mark=what.mark)
        self._points("file-sent")
        return receipt

    def _there(self, ref: TicketRef, sha256: str, size: int) -> str | None:
        """The id of a file of the ticket that has this content; only those of the same size are read for it."""
        at = self._connectors[ref.connection]
        alike = (file for file in at.attachments(ref.key) if file.size == size and file.withheld is None)
        return next((file.id for file in alike if self._says(at, ref, file, size) == sha256), None)

    def _says(self, at: Connector, ref: TicketRef, file: Attachment, size: int) -> str | None:
        """The checksum of a file: the system's own word, else worked out. None for one that cannot be read, or grew meanwhile."""
        if file.checksum is not None and file.checksum.startswith("sha256:"):
            return file.checksum.removeprefix("sha256:").casefold()
        digest, read = hashlib.sha256(), 0

        def into(part: bytes) -> None:
            nonlocal read
            read += len(part)
            if read > size:
                raise Rejected(ref.connection, f"a file of {ref} is larger than it says")
            digest.update(part)

        try:
            at.download(ref.key, file, into)
        except (NotFound, Rejected):
            return None
        return digest.hexdigest()
