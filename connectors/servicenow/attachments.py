"""The files of ServiceNow's records: listed by the Table API (`sys_attachment`), read and sent as bytes by the Attachment API.

A file belongs to the record, not to a journal's entry: whoever sees the record sees it, the caller among them. So each counts as
public, and none is ever attached that must not be.
"""

from typing import TYPE_CHECKING
from urllib.parse import quote

from connectors.base import Connector
from connectors.errors import InDoubt, Rejected, Unreadable
from connectors.files import Sink, Upload
from connectors.servicenow.query import moment
from rules.plan import Receipt
from rules.ticket import Attachment

if TYPE_CHECKING:
    from connectors.servicenow.session import ServiceNowSession
    from connectors.servicenow.settings import ServiceNowSettings

API = "/api/now/attachment"
ASKED = "sys_id,file_name,size_bytes,content_type,sys_created_on,state"
MOST = 1000  # of one record


class WithFiles(Connector):
    """The part of the connector that has to do with files."""

    _session: "ServiceNowSession"
    _settings: "ServiceNowSettings"

    def attachments(self, key: str) -> tuple[Attachment, ...]:
        what = f"listing the files of {key}"
        if not key.isalnum():
            raise Rejected(self.connection, f"{what}: that is no sys_id")
        query = f"table_name={self._settings.table}^table_sys_id={key}^ORDERBYsys_created_on^ORDERBYsys_id"
        rows = self._session.rows(what, "sys_attachment", query, ASKED, MOST)
        try:
            return tuple(map(_attachment, rows))
        except (ValueError, KeyError, TypeError) as error:
            raise Unreadable(self.connection, f"{what}: a file is not as documented ({type(error).__name__})") from None

    def download(self, key: str, file: Attachment, into: Sink) -> None:
        what = f"downloading a file of {key}"
        is_page = (file.type or "").startswith("text/html")
        self._session.download(what, f"{API}/{quote(file.id, safe='')}/file", into, pages=is_page)

    def attach(self, key: str, file: Upload, *, public: bool, mark: str) -> Receipt:
        """Without a guard: a file is added beside the record, whatever its version."""
        what = f"attaching a file to {key}"
        if not public:
            raise Rejected(self.connection, f"{what}: it is internal, and the caller may see whatever is attached to the record")
        where = {"table_name": self._settings.table, "table_sys_id": key, "file_name": file.name}
        made = self._session.upload(what, f"{API}/file", where, file).get("result")
        if not isinstance(made, dict) or not made.get("sys_id"):
            raise InDoubt(self.connection, f"{what}: the answer names no file")
        return Receipt(id=str(made["sys_id"]))


def _attachment(row: dict[str, str]) -> Attachment:
    state = row.get("state") or "available"
    return Attachment(
        id=row["sys_id"],
        name=row["file_name"],
        at=moment(row["sys_created_on"]),
        public=True,
        size=int(row["size_bytes"]) if row.get("size_bytes") else None,
        type=row.get("content_type") or None,
        withheld=None if state == "available" else f"its state is {state}",
    )
