"""The files of two tickets about one matter: which of them go to the other side, under which name, and why one does not."""

import re
import unicodedata
from collections.abc import Iterator
from fnmatch import fnmatchcase

from rules.bundle import SyncFiles
from rules.doing import Doing
from rules.observation import Link
from rules.plan import Attach, file_name, from_a_third, key_of
from rules.ticket import Attachment, Ticket
from rules.working import Asker

NAME_BYTES = 120
"""The longest name that is given to a file, in UTF-8: well below what any file system or vendor takes."""
_UNSAFE = re.compile(r'[<>:"|?*]')
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})  # control and format characters: NUL, line ends, turned writing


def attach(doing: Doing, asker: Asker, files: SyncFiles, link: Link, mirrored: frozenset[str]) -> Iterator[str]:
    """Asks for the files that either side has and the other lacks; yields the names of those that are settled by it."""
    here, there = doing.observation.ticket, link.partner
    ways = ((here, there, doing.observation.attachments), (there, here, link.attachments))
    for source, target, found in ways:
        if files.owner in (None, source.ref.connection):
            yield from _one_way(doing, asker, files, source, target, found, mirrored)


def _one_way(
    doing: Doing,
    asker: Asker,
    files: SyncFiles,
    source: Ticket,
    target: Ticket,
    found: tuple[Attachment, ...],
    mirrored: frozenset[str],
) -> Iterator[str]:
    theirs = sorted((file for file in found if not file.ours or from_a_third(file.copies, target.ref)), key=lambda file: (file.at, file.id))
    for number, file in enumerate(theirs):
        name = file_name(source.ref, file.id)
        if name in mirrored or (files.public_only and not file.public):
            continue
        why = _why_not(doing, files, file, target, number)
        if why is not None:
            doing.note(f"{safe_name(file.name)} of {source.ref} was not attached to {target.ref}: {why}")
        elif _asked(doing, asker, files, file, source, target):
            yield name


def _why_not(doing: Doing, files: SyncFiles, file: Attachment, target: Ticket, number: int) -> str | None:
    """What keeps a file here; None where nothing does."""
    if doing.withheld.kinds:
        return "the ticket is restricted, and nobody knows what a file holds"
    if file.withheld is not None:
        return f"its system withholds it ({file.withheld})"
    if file.size is not None and file.size > files.largest:
        return f"it has {sized(file.size)}, more than the {sized(files.largest)} of 'largest'"
    if not fits(file, files.types):
        return f"its type ({file.type or 'unknown'}) is not among 'types'"
    if number >= files.at_most:
        return f"the ticket has more than the {files.at_most} files of 'at_most'"
    return _cannot(doing, file, target.ref.connection)


def _cannot(doing: Doing, file: Attachment, connection: str) -> str | None:
    """An internal file goes only where it stays internal. A connection of which nothing is known may anything."""
    desk = doing.bundle.desk
    can = desk.attaches.get(connection, frozenset[str]()) if connection in desk.writes else frozenset({"public", "internal"})
    if not can:
        return f"{connection} takes no files"
    if not file.public and "internal" not in can:
        return f"it is internal, and {connection} would show it to customers"
    return None


def _asked(doing: Doing, asker: Asker, files: SyncFiles, file: Attachment, source: Ticket, target: Ticket) -> bool:
    """Asks for it; False where that was done before."""
    key = key_of("attach", file_name(source.ref, file.id), str(target.ref))
    if key in doing.observation.done:
        return False
    doing.wanted.actions.append(
        Attach(
            key=key,
            target=target.ref,
            version=target.version,
            source=source.ref,
            file=file,
            name=safe_name(file.name),
            public=file.public,
            largest=files.largest,
            rule=asker.rule,
            place=str(asker.place),
        )
    )
    return True


def fits(file: Attachment, types: tuple[str, ...]) -> bool:
    """Whether the file is of one of these types: `image/*` by its declared type, `.log` by the end of its name. None named: any is."""
    kind, name = (file.type or "").partition(";")[0].strip().casefold(), file.name.casefold()
    return not types or any(name.endswith(one) if one.startswith(".") else fnmatchcase(kind, one) for one in types)


def safe_name(name: str) -> str:
    """The name of a file without folders, control characters and what a file system gives a meaning, cut to `NAME_BYTES` before its ending.

    `../../etc/passwd` is `passwd`. A name of which nothing is left is `file`.
    """
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", name))[-1]
    plain = "".join(" " if unicodedata.category(letter) in _HIDDEN else letter for letter in last)
    plain = " ".join(_UNSAFE.sub("_", plain).split()).strip(". ")
    stem, dot, ending = plain.rpartition(".")
    if not dot or len(ending.encode()) > 16:
        return _cut(plain, NAME_BYTES).rstrip(". ") or "file"
    return (_cut(stem, NAME_BYTES - len(f"{dot}{ending}".encode())) + dot + ending) or "file"


def _cut(text: str, longest: int) -> str:
    return text.encode()[:longest].decode("utf-8", "ignore")


def sized(count: int) -> str:
    """An amount of bytes as people say it: `20 MB`, `512 KB`, `17 bytes`."""
    for unit, of in (("MB", 1024 * 1024), ("KB", 1024)):
        if count >= of:
            return f"{count / of:.1f}".removesuffix(".0") + f" {unit}"
    return f"{count} bytes"
