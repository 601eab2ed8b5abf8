"""The verb `link`: what a ticket is joined to, and what is made where that is missing."""

from typing import Any

from rules.bundle import Link
from rules.nodes import Node
from rules.reader_context import Reading
from rules.reader_sync import read_create


def read_link(r: Reading, value: Node) -> Link | None:
    node = r.map(value, "'link'", ("to", "if_missing", "create"))
    to = r.need(node, "to", "'link'", help="add to: problem, duplicate or parent") if node else None
    if node is None or to is None:
        return None
    relation: Any = r.choice(to, "'to'", ("problem", "duplicate", "parent"))
    missing = r.choice(m, "'if_missing'", ("create", "skip")) if (m := node.get("if_missing")) else "skip"
    if relation == "duplicate" and missing == "create":
        r.wrong(
            node.entries["if_missing"].value,
            "TG205",
            "the original of a duplicate cannot be made",
            help="write if_missing: skip; the original is the first of the tickets that are alike",
        )
    create = read_create(r, node, missing)
    return Link(to=relation, create_missing=missing == "create", create=create) if relation else None
