"""The verb `sync`: which fields of a pair of tickets are kept in step, from whom, and who wins."""

from rules.bundle import Sync, SyncField, SyncFiles
from rules.nodes import Entry, Map, Node, Scalar
from rules.reader_context import Reading
from rules.reader_files import files_of
from rules.reader_texts import compile_text, has_placeholders
from rules.templates import Template
from rules.ticket import replace

_KEYS = ("with", "if_missing", "create", "status", "comments", "attachments", "fields", "conflict")


def read_sync(r: Reading, value: Node) -> Sync | None:
    node = r.map(value, "'sync'", _KEYS)
    partner = r.need(node, "with", "'sync'", help="add with: and a connection") if node else None
    if node is None or partner is None:
        return None
    name = r.connection(partner, "'with'")
    missing = r.choice(m, "'if_missing'", ("create", "skip")) if (m := node.get("if_missing")) else "skip"
    conflict = _conflict(r, c) if (c := node.get("conflict")) else "ask"
    fields = _fields(r, node, conflict)
    create = read_create(r, node, missing)
    comments, public_only = _comments(r, c, conflict) if (c := node.get("comments")) else (None, True)
    files = _files(r, entry) if (entry := node.entries.get("attachments")) else None
    if missing != "create" and not any(key in node for key in ("status", "comments", "attachments", "fields")):
        r.wrong(node, "TG206", "this sync keeps nothing in step", help="add status:, comments: or fields:, or if_missing: create")
    if name is None:
        return None
    return Sync(
        partner=name,
        create_missing=missing == "create",
        create=create,
        fields=fields,
        comments=comments,
        public_comments_only=public_only,
        attachments=files,
    )


def read_create(r: Reading, node: Map, missing: str | None) -> dict[str, str | Template]:
    entry = node.entries.get("create")
    if entry is None:
        return {}
    if missing == "skip":
        r.wrong(entry.key, "TG206", "'create' wants 'if_missing: create' beside it", help="add if_missing: create")
    made: dict[str, str | Template] = {}
    values = r.map(entry.value, "'create'")
    for name, field in values.entries.items() if values else ():
        text = r.text(field.value, f"'{name}'")
        if text is not None and isinstance(field.value, Scalar):
            template = compile_text(r, field.value) if has_placeholders(text) else text
            if template is not None:
                made[name] = template
    return made


def _fields(r: Reading, node: Map, conflict: str) -> dict[str, SyncField]:
    made: dict[str, SyncField] = {}
    status = node.get("status")
    if status is not None and (kept := _direction(r, status, "'status'", conflict)):
        made["status"] = kept
    given = node.get("fields")
    wanted = r.map(given, "'fields'") if given is not None else None
    for name, entry in wanted.entries.items() if wanted else ():
        spec = r.field_spec(entry.key)
        if spec is None:
            continue
        if name == "status" and status is not None:
            r.wrong(entry.key, "TG207", "'status' stands both beside and below 'fields'", help="keep one of the two")
        elif not spec.writable and name != "tags":
            r.wrong(entry.key, "TG204", f"'{name}' cannot be kept in step", help="name a field that can be set")
        elif kept := _field(r, entry.value, name, conflict):
            made[name] = kept
    return made


def _field(r: Reading, node: Node, name: str, conflict: str) -> SyncField | None:
    if isinstance(node, Map) and "direction" in node:
        r.map(node, f"'{name}'", ("direction", "conflict"))
        own = _conflict(r, c) if (c := node.get("conflict")) else conflict
        return _direction(r, node.entries["direction"].value, f"'{name}'", own)
    return _direction(r, node, f"'{name}'", conflict)


def _comments(r: Reading, node: Node, conflict: str) -> tuple[SyncField | None, bool]:
    if isinstance(node, Map) and "owner" not in node:
        r.map(node, "'comments'", ("direction", "only"))
        direction = r.need(node, "direction", "'comments'", help="write both_ways, or { owner: CONNECTION }")
        only = r.choice(o, "'only'", ("public", "all")) if (o := node.get("only")) else "public"
        return (_direction(r, direction, "'comments'", conflict) if direction else None), only != "all"
    return _direction(r, node, "'comments'", conflict), True


def _files(r: Reading, entry: Entry) -> SyncFiles | None:
    """A direction alone, or one with limits."""
    node, place = entry.value, r.spot(entry.key)
    if not (isinstance(node, Map) and "owner" not in node):
        kept = _direction(r, node, "'attachments'", "ask")
        return SyncFiles(owner=kept.owner, place=place) if kept else None
    limits = files_of(r, node)
    direction = r.need(node, "direction", "'attachments'", help="write both_ways, or { owner: CONNECTION }")
    kept = _direction(r, direction, "'attachments'", "ask") if direction else None
    return replace(limits, owner=kept.owner, place=place) if kept else None


def _direction(r: Reading, node: Node, what: str, conflict: str) -> SyncField | None:
    if isinstance(node, Map):
        owner = _owner(r, node, what)
        return SyncField(owner=owner, conflict=conflict) if owner else None
    if isinstance(node, Scalar) and node.text in r.desk.connections:
        r.wrong(node, "TG205", f"{what} wants both_ways or an owner", help=f"write {{ owner: {node.text} }}")
        return None
    return SyncField(conflict=conflict) if r.choice(node, what, ("both_ways",)) else None


def _owner(r: Reading, node: Map, what: str) -> str | None:
    r.map(node, what, ("owner",))
    owner = r.need(node, "owner", what, help="write both_ways, or { owner: CONNECTION }")
    return r.connection(owner, "'owner'") if owner is not None else None


def _conflict(r: Reading, node: Node) -> str:
    """`ask`, `newest_wins`, or the connection that wins."""
    if isinstance(node, Map):
        return _owner(r, node, "'conflict'") or "ask"
    return r.choice(node, "'conflict'", ("ask", "newest_wins")) or "ask"
