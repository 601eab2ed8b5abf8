"""The sandbox's Attachment API: raw bytes in and out, and the rows of `sys_attachment` that tell of them."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from connectors.sandbox import Answer, Deed, Request
from connectors.sandbox_files import attached_by, detail_of, kept, parts_of
from connectors.servicenow.sandbox_tables import ATTACHMENT, Tables, stable_id

PATH = re.compile(r"/api/now/attachment/([0-9a-f]{32})/file")
UPLOAD = "/api/now/attachment/file"


class Files:
    """The files of one instance. `took_effect` is told of what came by the interface."""

    def __init__(self, tables: Tables, took_effect: Callable[..., None]) -> None:
        self._tables, self._took_effect = tables, took_effect
        self._held: dict[str, dict[str, Any]] = {}

    def of(self, key: str) -> list[dict[str, Any]]:
        """What judges see."""
        rows = self._tables["sys_attachment"].records
        return [detail_of(file) for id, file in self._held.items() if rows[id]["table_sys_id"] == key]

    def by_people(self, key: str, deed: Deed, by: str, at: str) -> None:
        self._put(key, attached_by(deed), by, at)

    def answer(self, request: Request, by: str, at: str) -> Answer | None:
        """None for what is no request for files."""
        if (request.method, request.path) == ("POST", UPLOAD):
            return self._uploaded(request, by, at)
        found = PATH.fullmatch(request.path)
        return self._downloaded(found[1]) if found and request.method == "GET" else None

    def _uploaded(self, request: Request, by: str, at: str) -> Answer:
        asked, key = request.query, request.query.get("table_sys_id", "")
        table = asked.get("table_name", "")
        if table != "incident" or key not in self._tables[table].records or not asked.get("file_name"):
            return Answer(status=404, body={"error": {"message": "No Record found", "detail": "Record doesn't exist"}, "status": "failure"})
        kind = request.headers.get("content-type", "")
        made = self._put(key, kept(asked["file_name"], request.body, type=kind), by, at)
        self._took_effect("attach", key, **detail_of(made))
        return Answer(status=201, body={"result": dict(self._tables["sys_attachment"].records[made["id"]])})

    def _put(self, key: str, file: Mapping[str, Any], by: str, at: str) -> dict[str, Any]:
        id = stable_id("sys_attachment", f"{key}/{len(self._held)}")
        self._held[id] = made = {**file, "id": id, "public": True}
        size = "" if file["declared"] is None else str(file["declared"])
        told = {"file_name": file["name"], "size_bytes": size, "content_type": file["type"], "sys_created_on": at, "sys_created_by": by}
        state = "not_available" if file["infected"] else "available"
        self._tables["sys_attachment"].put(
            {**ATTACHMENT, **told, "sys_id": id, "table_name": "incident", "table_sys_id": key, "state": state}
        )
        return made

    def _downloaded(self, id: str) -> Answer:
        file = self._held.get(id)
        if file is None or file["vanished"]:
            return Answer(status=404, body={"error": {"message": "No Record found", "detail": "Record doesn't exist"}, "status": "failure"})
        return Answer(body=parts_of(file), headers={"content-type": file["served_as"] or file["type"]})
