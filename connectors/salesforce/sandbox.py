"""Salesforce's REST API for cases, served locally, with its weaknesses.

* A change has its stamps before it is committed: with `commit_delay`, what people do is seen only later, below stored cursors.
* Stamps are whole seconds, and `If-Unmodified-Since` cannot tell two changes of one second apart.
* Comments, posts and e-mails do not touch their case; the feed tells the first and the last once more.
* A page may be smaller than was asked for (`pages.most`), and its locator runs out (`pages.life`, `pages.expire()`).
* Over `daily_limit` calls in 24 hours everything is refused with 403, without a word on how long to wait.
"""

import re
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, ClassVar
from urllib.parse import unquote

from connectors.salesforce.sandbox_files import TABLES, Files
from connectors.salesforce.sandbox_org import Org, Record
from connectors.salesforce.sandbox_pages import Pages, Shape
from connectors.salesforce.sandbox_people import People, case_of, changes_of, merged, said, true_state
from connectors.salesforce.sandbox_refusals import Refused, no_column, short_enough
from connectors.salesforce.sandbox_saying import Saying
from connectors.salesforce.sandbox_schema import PICKLISTS, SCHEMA, WRITABLE, described, summed_up
from connectors.salesforce.sandbox_sign_in import Door
from connectors.salesforce.sandbox_soql import Malformed, parsed, stamp
from connectors.sandbox import Answer, Clock, Deed, Request, Sample, Sandbox

VERSIONS = range(31, 69)
HERE = re.compile(r"/services/data/v(\d+)\.0/(.*?)/?")


class SalesforceSandbox(Sandbox):
    """One organization. Its settings may be changed while it runs: `door`, `daily_limit`, `org.commit_delay`, `pages`."""

    system: ClassVar[str] = "salesforce"
    can = frozenset({"merge"})

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.org = Org(clock)
        self.users = People(self.org, clock() - timedelta(days=365))
        self.pages = Pages(self.org)
        self.door = Door(clock, self.sign_in(), self.url())
        self.daily_limit = 1_000_000
        self.unique_external_id = True
        self.saying = Saying(self.org, self.users, self.took_effect)
        self.files = Files(self.org, self.users, self.took_effect)
        self.feed = False  # people write posts instead of comments
        self.frozen: set[str] = set()  # fields that our user may see, and not edit
        self._calls: deque[datetime] = deque()
        self._cases = 0

    @classmethod
    def sign_in(cls) -> dict[str, str]:
        return {"client_id": "ticketgate", "client_secret": "salesforce-sandbox-only"}

    @classmethod
    def url(cls) -> str:
        return "https://acme.my.salesforce.com"

    def forbidden(self, why: str) -> Answer:
        return Refused(403, "INSUFFICIENT_ACCESS_OR_READONLY", f"insufficient access rights: {why}").answer

    def forget_cursors(self) -> None:
        self.pages.expire()

    # people

    def load(self, samples: Iterable[Sample]) -> list[str]:
        return [self._loaded(sample) for sample in samples]

    def _loaded(self, sample: Sample) -> str:
        values = case_of(sample, self.users)
        done = self.org.transaction(values["CreatedById"], sample.created_at)
        case = done.add("Case", CaseNumber=self._number(sample.key), **values)
        if sample.updated_at is not None:
            case["LastModifiedDate"] = case["SystemModstamp"] = stamp(sample.updated_at)
        done.add("CaseHistory", CaseId=case["Id"], Field="created")
        self.org.store(done)
        return str(case["Id"])

    def _number(self, given: str | None = None) -> str:
        self._cases += 1
        return given or f"{self._cases + 1000:08d}"

    def people(self, deed: Deed) -> str:
        self.org.settle()
        if deed.kind == "create":
            return self._created(deed)
        case = self.org.truly("Case", deed.key or "")
        contact = self.org.get("Contact", case["ContactId"])
        customer = self.users.portal_user(contact["Name"], contact["Email"]) if contact else self.users.nobody
        done = self.org.transaction(customer if deed.by == "customer" else self.users.agent("lena@example.com"))
        match deed.kind:
            case "set":
                done.change("Case", case, changes_of(deed.fields, case, self.users))
            case "delete":
                done.change("Case", case, {"IsDeleted": True})
            case "attach":
                self.files.by_people(done, case["Id"], deed, done.by)
            case "merge":
                merged(done, self.org, case, self.org.truly("Case", deed.into))
            case "move" | "clone":
                raise ValueError(f"cases have no {deed.kind} in Salesforce that says where one came from")
            case _:
                said(done, self.org, self.users, deed, case, feed=self.feed)
        self.org.store(done, late=True)
        return str(case["Id"])

    def _created(self, deed: Deed) -> str:
        if deed.sample is None:
            raise KeyError("a deed that creates needs a sample")
        values = case_of(deed.sample, self.users)
        done = self.org.transaction(values["CreatedById"])
        case = done.add("Case", CaseNumber=self._number(deed.sample.key), **values)
        done.add("CaseHistory", CaseId=case["Id"], Field="created")
        self.org.store(done, late=True)
        return str(case["Id"])

    def shown(self, key: str) -> dict[str, Any]:
        self.org.settle()
        return {**true_state(self.org, self.users, key), "files": self.files.of(key)}

    def keys(self) -> list[str]:
        self.org.settle()
        return [c["Id"] for c in sorted(self.org.all("Case"), key=lambda c: (c["CreatedDate"], c["Id"]))]

    # the interface

    def answer(self, request: Request) -> Answer:
        self.org.settle()
        try:
            if request.path == "/services/oauth2/token":
                return self.door.token(request, self.users.api)
            if not self.door.holds(request):
                raise Refused(401, "INVALID_SESSION_ID", "Session expired or invalid")
            self._counted()
            answer = self._routed(request)
        except Refused as refusal:
            answer = refusal.answer
        except Malformed as error:
            answer = Answer(status=400, body=[{"message": str(error), "errorCode": error.code}])
        usage = {"Sforce-Limit-Info": f"api-usage={len(self._calls)}/{self.daily_limit}"}
        return Answer(status=answer.status, body=answer.body, headers={**answer.headers, **usage})

    def _counted(self) -> None:
        now = self.clock()
        while self._calls and now - self._calls[0] > timedelta(hours=24):
            self._calls.popleft()
        if len(self._calls) >= self.daily_limit:
            raise Refused(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
        self._calls.append(now)

    def _routed(self, request: Request) -> Answer:
        if request.path.rstrip("/") == "/services/data":
            return Answer(body=[{"version": f"{n}.0", "url": f"/services/data/v{n}.0", "label": f"Version {n}"} for n in VERSIONS])
        found = HERE.fullmatch(request.path)
        if found is None or int(found[1]) not in VERSIONS:
            raise _missing()
        version, rest = found[1] + ".0", found[2].split("/")
        match request.method, rest:
            case "GET", ["query" | "queryAll" as how]:
                return self._query(request, version, deleted=how == "queryAll")
            case "GET", ["query" | "queryAll", locator]:
                return self._more(request, locator, version)
            case "GET", ["sobjects"]:
                objects = [summed_up(table, version) for table in SCHEMA]
                return Answer(body={"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": objects})
            case "GET", ["limits"]:
                left = self.daily_limit - len(self._calls)
                return Answer(body={"DailyApiRequests": {"Max": self.daily_limit, "Remaining": left}})
            case _, ["sobjects", table, *more] if table in (*SCHEMA, "FeedItem"):
                file = self.files.answer(request, table, more) if table in TABLES else None
                return file or self._record(request, table, [unquote(part) for part in more], version)
        return self._acted(request, rest)

    def _acted(self, request: Request, rest: list[str]) -> Answer:
        match request.method, rest:
            case "POST", ["chatter", "feed-elements"]:
                return self.saying.element(_fields(request))
            case "GET", ["chatter", "feed-elements", "batch", ids]:
                return self.saying.elements(unquote(ids).split(","))
        if request.method != "POST" or rest != ["actions", "standard", "emailSimple"]:
            raise _missing()
        return self.saying.mailed(_fields(request))

    def _query(self, request: Request, version: str, *, deleted: bool) -> Answer:
        query = parsed(request.query.get("q", ""))
        if query.table == "Network" and not self.files.site:
            raise Malformed("sObject type 'Network' is not supported.", "INVALID_TYPE")
        rows = self.org.found(query, deleted=deleted)
        return Answer(body=self.pages.first(rows, query, _batch(request), version, deleted=deleted))

    def _more(self, request: Request, locator: str, version: str) -> Answer:
        page = self.pages.after(locator, _batch(request), version)
        if page is None:
            raise Refused(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
        return Answer(body=page)

    def _record(self, request: Request, asked: str, more: list[str], version: str) -> Answer:
        """A post is made under one name and read under another."""
        table = "CaseFeed" if asked == "FeedItem" else asked
        match request.method, more:
            case "GET", ["describe"]:
                return Answer(body={**described(table, version, self.frozen, self.files.denied), "name": asked})
            case "GET", [id]:
                return Answer(body=self._whole(table, self._existing(table, id), version))
            case "GET", [by, value]:
                return Answer(body=self._whole(table, self._one_by(table, by, value), version))
            case "POST", []:
                return self._made(asked, _fields(request))
            case "PATCH", [id]:
                return self._patched(request, self._existing(table, id), table)
            case "PATCH", [by, value]:
                return self._upserted(request, table, by, value)
            case "DELETE", [id]:
                return self._deleted(table, self._existing(table, id))
        raise _missing()

    def _whole(self, table: str, record: Record, version: str) -> dict[str, Any]:
        return Shape.of(table, tuple((name,) for name in SCHEMA[table].fields)).said(self.org, record, version)

    def _existing(self, table: str, id: str) -> Record:
        record = self.org.get(table, id)
        if record is None:
            raise Refused(404, "NOT_FOUND", f"Provided external ID field does not exist or is not accessible: {id}")
        if record.get("IsDeleted"):
            raise Refused(404, "ENTITY_IS_DELETED", "entity is deleted", [])
        return record

    def _same(self, table: str, by: str, value: str) -> list[Record]:
        if by != "Ticketgate_Key__c" or table != "Case":
            raise Refused(404, "NOT_FOUND", f"Provided external ID field does not exist or is not accessible: {by}")
        return [r for r in self.org.all(table) if r[by] == value and not r["IsDeleted"]]

    def _one_by(self, table: str, by: str, value: str) -> Record:
        found = self._same(table, by, value)
        if not found:
            raise _missing()
        return found[0]

    # writes

    def _made(self, table: str, values: dict[str, Any]) -> Answer:
        if table in ("CaseComment", "FeedItem"):
            return self.saying.made(table, values)
        if table != "Case":
            raise Refused(400, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", f"entity type {table} does not support create", [])
        return Answer(status=201, body={"id": self._new_case(values), "errors": [], "success": True})

    def _new_case(self, values: dict[str, Any]) -> str:
        self._checked(values)
        key = values.get("Ticketgate_Key__c")
        if key and self.unique_external_id and self._same("Case", "Ticketgate_Key__c", key):
            raise Refused(400, "DUPLICATE_VALUE", "duplicate value found: Ticketgate_Key__c duplicates value on record", [])
        first = {"Status": "New", "OwnerId": self.users.nobody, "CaseNumber": self._number(), **values}
        done = self.org.transaction(self.users.api)
        case = done.add("Case", **first, IsClosed=first["Status"] == "Closed")
        done.add("CaseHistory", CaseId=case["Id"], Field="created")
        self.org.store(done)
        self.took_effect("create", str(case["Id"]), subject=values.get("Subject"), fields=values)
        return str(case["Id"])

    def _patched(self, request: Request, case: Record, table: str) -> Answer:
        if table != "Case":
            raise Refused(400, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", f"entity type {table} does not support update", [])
        _unmodified(request, case)
        self._change(case, _fields(request))
        return Answer(status=204)

    def _change(self, case: Record, values: dict[str, Any]) -> None:
        self._checked(values)
        if self.org.locked(case["Id"]):
            raise Refused(400, "UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record", [])
        closes = {"IsClosed": values["Status"] == "Closed"} if "Status" in values else {}
        done = self.org.transaction(self.users.api)
        done.change("Case", case, {**values, **closes})
        self.org.store(done)
        self.took_effect("update", str(case["Id"]), fields=values)

    def _upserted(self, request: Request, table: str, by: str, value: str) -> Answer:
        same, values = self._same(table, by, value), _fields(request)
        if len(same) > 1:
            return Answer(status=300, body=[f"/services/data/v62.0/sobjects/Case/{r['Id']}" for r in same])
        if same:
            self._change(same[0], values)
            return Answer(body={"id": same[0]["Id"], "errors": [], "success": True})
        return Answer(status=201, body={"id": self._new_case({**values, by: value}), "errors": [], "success": True})

    def _deleted(self, table: str, case: Record) -> Answer:
        if table != "Case":
            raise Refused(400, "INSUFFICIENT_ACCESS_OR_READONLY", "insufficient access rights on object id", [])
        done = self.org.transaction(self.users.api)
        done.change("Case", case, {"IsDeleted": True})
        self.org.store(done)
        self.took_effect("update", str(case["Id"]), fields={"IsDeleted": True})
        return Answer(status=204)

    def _checked(self, values: Mapping[str, Any]) -> None:
        for name, value in values.items():
            if name not in SCHEMA["Case"].fields:
                raise no_column(name, "Case")
            if name not in WRITABLE or name in self.frozen:
                message = f"Unable to create/update fields: {name}. Please check the security settings of this field."
                raise Refused(400, "INVALID_FIELD_FOR_INSERT_UPDATE", message, [name])
            if name in PICKLISTS and value is not None and value not in PICKLISTS[name]:
                message = f"{name}: bad value for restricted picklist field: {value}"
                raise Refused(400, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", message, [name])
            _of_its_kind(name, value)
        short_enough(values)
        self._refers(values)

    def _refers(self, values: Mapping[str, Any]) -> None:
        if "OwnerId" in values and values["OwnerId"] is None:
            raise Refused(400, "INVALID_CROSS_REFERENCE_KEY", "Owner ID: owner cannot be blank", ["OwnerId"])
        if values.get("OwnerId") and self.org.owner(values["OwnerId"]) is None:
            raise Refused(400, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", ["OwnerId"])
        if values.get("ContactId") and self.org.get("Contact", values["ContactId"]) is None:
            raise Refused(400, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", ["ContactId"])
        if values.get("ParentId") and (self.org.get("Case", values["ParentId"]) or {"IsDeleted": True})["IsDeleted"]:
            raise Refused(400, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", ["ParentId"])


SOUND: dict[str, Callable[[Any], bool]] = {
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "date": lambda value: isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", value) is not None,
    "flag": lambda value: isinstance(value, bool),
}


def _of_its_kind(name: str, value: Any) -> None:
    kind = SCHEMA["Case"].fields[name]
    if value is not None and kind in SOUND and not SOUND[kind](value):
        raise Refused(400, "JSON_PARSER_ERROR", f"Cannot deserialize instance of {kind} from value {value!r} of field {name}")


def _batch(request: Request) -> int:
    """The page size that was asked for, within Salesforce's own bounds."""
    asked = re.search(r"batchSize=(\d+)", request.headers.get("sforce-query-options", ""))
    return min(max(int(asked[1]), 200), 2000) if asked else 2000


def _fields(request: Request) -> dict[str, Any]:
    try:
        fields = request.json()
    except ValueError:
        raise Refused(400, "JSON_PARSER_ERROR", "Unexpected end of input") from None
    if not isinstance(fields, dict):
        raise Refused(400, "JSON_PARSER_ERROR", "The HTTP entity body is required, and must be an object")
    return fields


def _unmodified(request: Request, case: Record) -> None:
    """412 when the case changed after the header's second; a second change within it goes unnoticed, as with the vendor."""
    since = request.headers.get("if-unmodified-since")
    if since is None:
        return
    try:
        limit = parsedate_to_datetime(since)
    except ValueError:
        raise Refused(400, "INVALID_HEADER", f"invalid date in If-Unmodified-Since: {since}") from None
    if datetime.fromisoformat(case["LastModifiedDate"]) > limit.astimezone(UTC):
        raise Refused(412, "PRECONDITION_FAILED", "The record was modified after the given date")


def _missing() -> Refused:
    return Refused(404, "NOT_FOUND", "The requested resource does not exist")
