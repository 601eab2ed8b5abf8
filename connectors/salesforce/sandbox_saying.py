"""What programs say on a case of the sandbox: case comments, posts in its feed, and e-mails that are really sent."""

from collections.abc import Callable
from typing import Any

from connectors.salesforce.sandbox_org import Org, Record
from connectors.salesforce.sandbox_people import People, commented, mentioning
from connectors.salesforce.sandbox_refusals import Refused, no_column, short_enough
from connectors.salesforce.sandbox_soql import stamp
from connectors.sandbox import Answer

OF_COMMENT = frozenset({"ParentId", "CommentBody", "IsPublished"})
OF_POST = frozenset({"ParentId", "Body", "Visibility", "Type", "IsRichText", "Title"})
OF_MAIL = frozenset({"emailAddresses", "emailSubject", "emailBody", "senderType", "senderAddress", "sendRichBody"})
OF_MAIL |= {"relatedRecordId", "logEmailOnSend", "addThreadingTokenToSubject", "addThreadingTokenToBody"}
OF_ELEMENT = frozenset({"body", "feedElementType", "subjectId", "visibility"})
AUDIENCES = ("AllUsers", "InternalUsers")


class Saying:
    """`outbox` is all that left by e-mail; an address in `refused` gets nothing. `addresses` may be written from."""

    def __init__(self, org: Org, users: People, took_effect: Callable[..., None]) -> None:
        self._org, self._users, self._took_effect = org, users, took_effect
        self.outbox: list[dict[str, Any]] = []
        self.addresses = {"support@acme.example"}

    def made(self, table: str, values: dict[str, Any]) -> Answer:
        known = OF_COMMENT if table == "CaseComment" else OF_POST
        if unknown := values.keys() - known:
            raise no_column(unknown.pop(), table)
        short_enough(values)
        case = self._case(values.get("ParentId"))
        return self._commented(case, values) if table == "CaseComment" else self._posted(case, values)

    def element(self, asked: dict[str, Any]) -> Answer:
        """A post in segments. Whoever is mentioned is told, where they can be."""
        if unknown := asked.keys() - OF_ELEMENT:
            raise Refused(400, "JSON_PARSER_ERROR", f"Unrecognized field {unknown.pop()}")
        case, seen = self._case(asked.get("subjectId")), asked.get("visibility") or "AllUsers"
        segments = [self._segment(one) for one in asked["body"]["messageSegments"]]
        done = self._org.transaction(self._users.api)
        body = "".join(one["text"] for one in segments)
        post = done.add("CaseFeed", ParentId=case["Id"], Type="TextPost", Body=body, Visibility=seen)
        self._org.store(done)
        self._org.segments[post["Id"]] = segments
        called = [self._org.truly("User", one["record"]["id"])["Email"] for one in segments if one["type"] == "Mention"]
        self._took_effect("reply" if seen == "AllUsers" else "note", str(case["Id"]), id=post["Id"], body=body, called=called)
        return Answer(status=201, body=self._element(post["Id"], body))

    def _segment(self, one: dict[str, Any]) -> dict[str, Any]:
        if one["type"] == "Text":
            return {"type": "Text", "text": one["text"]}
        user = self._org.get("User", one["id"])
        if user is None:
            raise Refused(400, "INVALID_ID_FIELD", f"Invalid id: {one['id']}")
        return mentioning(user)

    def elements(self, ids: list[str]) -> Answer:
        found = [(id, self._org.get("CaseFeed", id)) for id in ids]
        results = [
            {"statusCode": 200, "result": self._element(id, post["Body"])}
            if post is not None
            else {"statusCode": 404, "result": [{"errorCode": "NOT_FOUND"}]}
            for id, post in found
        ]
        return Answer(body={"hasErrors": any(post is None for _, post in found), "results": results})

    def _element(self, id: str, body: str) -> dict[str, Any]:
        segments = self._org.segments.get(id) or [{"type": "Text", "text": body}]
        return {"id": id, "feedElementType": "FeedItem", "body": {"text": body, "isRichText": False, "messageSegments": segments}}

    def _case(self, key: Any) -> Record:
        if not key:
            raise Refused(400, "REQUIRED_FIELD_MISSING", "Required fields are missing: [ParentId]", ["ParentId"])
        case = self._org.get("Case", key)
        if case is None or case["IsDeleted"]:
            raise Refused(400, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", [])
        return case

    def _commented(self, case: Record, values: dict[str, Any]) -> Answer:
        public = bool(values.get("IsPublished"))
        done = self._org.transaction(self._users.api)
        comment = commented(done, case["Id"], values.get("CommentBody"), public=public)
        self._org.store(done)
        return self._said(case, comment, comment["CommentBody"], public=public)

    def _posted(self, case: Record, values: dict[str, Any]) -> Answer:
        """A post without an audience is for all users."""
        seen = values.get("Visibility") or "AllUsers"
        if seen not in AUDIENCES:
            raise Refused(400, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", f"Visibility: bad value for restricted picklist field: {seen}")
        if not values.get("Body"):
            raise Refused(400, "REQUIRED_FIELD_MISSING", "Required fields are missing: [Body]", ["Body"])
        done = self._org.transaction(self._users.api)
        post = done.add("CaseFeed", ParentId=case["Id"], Type="TextPost", Body=values["Body"], Visibility=seen)
        self._org.store(done)
        return self._said(case, post, post["Body"], public=seen == "AllUsers")

    def _said(self, case: Record, made: Record, body: str, *, public: bool) -> Answer:
        self._took_effect("reply" if public else "note", str(case["Id"]), id=made["Id"], body=body)
        return Answer(status=201, body={"id": made["Id"], "errors": [], "success": True})

    def mailed(self, asked: dict[str, Any]) -> Answer:
        """Sends each; what is to be logged stands among the e-mails of its case. The answer names none of them."""
        inputs = asked.get("inputs")
        if not isinstance(inputs, list) or not inputs:
            raise Refused(400, "JSON_PARSER_ERROR", "inputs is required")
        for one in inputs:
            self._mail(one)
        said = {"actionName": "emailSimple", "errors": None, "isSuccess": True, "outputValues": None}
        return Answer(body=[said for _ in inputs])

    def _mail(self, one: dict[str, Any]) -> None:
        if unknown := one.keys() - OF_MAIL:
            raise Refused(400, "INVALID_API_INPUT", f"The input parameter {unknown.pop()} isn't one of emailSimple")
        if not one.get("emailAddresses") or not one.get("emailBody") or not one.get("emailSubject"):
            raise Refused(400, "REQUIRED_FIELD_MISSING", "Missing required input parameter: emailAddresses, emailSubject or emailBody")
        if one.get("senderType") == "OrgWideEmailAddress" and one.get("senderAddress") not in self.addresses:
            raise Refused(400, "INVALID_API_INPUT", "senderAddress is no verified organization-wide address")
        self.outbox.append(one)
        if one.get("logEmailOnSend"):
            self._logged(self._case(one.get("relatedRecordId")), one)

    def _logged(self, case: Record, one: dict[str, Any]) -> None:
        done = self._org.transaction(self._users.api)
        sender = one.get("senderAddress") or "ticketgate@acme.example"
        what = {"Subject": one["emailSubject"], "TextBody": one["emailBody"], "FromAddress": sender, "ToAddress": one["emailAddresses"]}
        mail = done.add("EmailMessage", ParentId=case["Id"], Incoming=False, Status="3", MessageDate=stamp(done.at), **what)
        done.add("CaseFeed", ParentId=case["Id"], Type="EmailMessageEvent", Body=one["emailBody"], Visibility="AllUsers")
        self._org.store(done)
        self._took_effect("reply", str(case["Id"]), id=mail["Id"], body=one["emailBody"])
