"""The limits of `attachments` of a `sync`: how large a file may be, how many a ticket, of which types."""

import re

from rules.bundle import SyncFiles
from rules.nodes import Map, Node
from rules.reader_context import Reading

KEYS = ("direction", "only", "largest", "at_most", "types")
LARGEST, MOST = 2 * 1024**3, 1000
SIZE_HELP = "write a number and KB, MB or GB, up to 2 GB, like 20 MB"
TYPE_HELP = "write a media type like image/* or application/pdf, or the end of a name like .log"
_SIZE = re.compile(r"(\d{1,9}) ?(KB|MB|GB)", re.IGNORECASE)
_UNIT = {"kb": 1024, "mb": 1024**2, "gb": 1024**3}
_TYPE = re.compile(r"\.[a-z0-9]+(\.[a-z0-9]+)*|[a-z0-9.+-]+/([a-z0-9.+-]+|\*)")


def files_of(r: Reading, node: Map) -> SyncFiles:
    """What the map says besides its direction; the defaults for what it does not say, or says wrongly."""
    r.map(node, "'attachments'", KEYS)
    usual = SyncFiles()
    only = r.choice(o, "'only'", ("public", "all")) if (o := node.get("only")) else "public"
    largest = _size(r, v) if (v := node.get("largest")) else None
    most = r.integer(v, "'at_most'", 1, MOST) if (v := node.get("at_most")) else None
    types = _types(r, v) if (v := node.get("types")) else ()
    return SyncFiles(public_only=only != "all", largest=largest or usual.largest, at_most=most or usual.at_most, types=types)


def _size(r: Reading, node: Node) -> int | None:
    """An amount of bytes, a KB being 1024 of them; TG205 else."""
    text = r.text(node, "'largest'", help=SIZE_HELP)
    found = _SIZE.fullmatch(text.strip()) if text is not None else None
    amount = int(found[1]) * _UNIT[found[2].casefold()] if found else 0
    if text is not None and not 0 < amount <= LARGEST:
        r.wrong(node, "TG205", f"'{text}' is not the size of a file", help=SIZE_HELP)
        return None
    return amount


def _types(r: Reading, node: Node) -> tuple[str, ...]:
    made = []
    for one in r.scalars(node, "'types'"):
        word = one.text.strip().casefold()
        if _TYPE.fullmatch(word):
            made.append(word)
        else:
            r.wrong(one, "TG205", f"'{one.text}' is not a type of file", help=TYPE_HELP)
    return tuple(made)
