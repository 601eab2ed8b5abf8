"""Recordings of conversations: where they lie, and how they are cleaned as they are written.

A recording names the vendor's public host, never the loopback address at which its sandbox stood, and holds no secret: not in a
header, not in a body, not in the Base64 of a Basic sign-in.
"""

import json
import re
from base64 import b64encode
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import vcr

FOLDER = Path(__file__).parent.parent / "cassettes"
MATCH = ("method", "scheme", "host", "path", "query", "body")
KEPT_OF_REQUESTS = ("content-type", "accept", "idempotency-key")
KEPT_OF_ANSWERS = ("content-type", "content-length", "location", "link", "retry-after")
SECRET = "scrubbed"  # what stands in place of one
BOUNDARY, BETWEEN = re.compile(r'boundary="?([^";]+)"?'), "part-of-a-form"
IN_JSON = ("access_token", "refresh_token", "id_token", "signature", "client_secret", "password")
IN_FORMS = ("password", "client_secret", "assertion", "refresh_token", "code")


def tape(public: str, *, recording: bool) -> vcr.VCR:
    """Records anew, or plays and refuses whatever was not recorded. `public` is the address that stands on the tape."""
    return vcr.VCR(
        record_mode="once" if recording else "none",
        match_on=MATCH,
        decode_compressed_response=True,
        before_record_request=lambda request: cleaned_request(request, public),
        before_record_response=cleaned_answer,
    )


def cleaned_request(request: Any, public: str) -> Any:
    """Runs when recording and when matching, so that both see the same."""
    url, real = urlsplit(request.uri), urlsplit(public)
    if url.hostname in ("127.0.0.1", "localhost"):
        request.uri = urlunsplit((real.scheme, real.netloc, url.path, url.query, ""))
    request.headers = {name: value for name, value in request.headers.items() if name.lower() in KEPT_OF_REQUESTS}
    said = _bound_alike(whole(request.body), request.headers)
    request._was_file = request._was_iter = False  # a file goes onto the tape as what was in it
    request.body = scrubbed(said, request.headers)
    return request


def whole(body: Any) -> Any:
    """What is sent from a file, at once."""
    return body if body is None or isinstance(body, bytes | str) else body.read() if hasattr(body, "read") else b"".join(body)


def _bound_alike(body: Any, headers: dict[str, str]) -> Any:
    """The parts of a form are parted by chance, anew each time."""
    for name, value in headers.items():
        found = BOUNDARY.search(str(value)) if name.lower() == "content-type" else None
        if found is not None and isinstance(body, bytes):
            headers[name] = str(value).replace(found[1], BETWEEN)
            body = body.replace(found[1].encode(), BETWEEN.encode())
    return body


def cleaned_answer(answer: Any) -> Any:
    """Runs when recording: the live client still gets the true token."""
    headers = {name: value for name, value in answer["headers"].items() if name.lower() in KEPT_OF_ANSWERS}
    body = scrubbed(answer["body"]["string"], headers) or b""
    lengths = {name: [str(len(body))] for name in headers if name.lower() == "content-length"}
    return {**answer, "headers": {**headers, **lengths}, "body": {"string": body}}


def scrubbed(body: Any, headers: Mapping[str, Any]) -> Any:
    """The body without secrets, in JSON and in forms; untouched where there is none."""
    if not body:
        return body
    raw = body if isinstance(body, bytes) else str(body).encode()
    kind = next((str(value) for name, value in headers.items() if name.lower() == "content-type"), "")
    if "form-urlencoded" in kind:
        pairs = parse_qsl(raw.decode(), keep_blank_values=True)
        return urlencode([(name, SECRET if name in IN_FORMS else value) for name, value in pairs]).encode()
    names = "|".join(IN_JSON)
    return re.sub(rf'("(?:{names})"\s*:\s*")[^"]*'.encode(), rf"\g<1>{SECRET}".encode(), raw)


def told_by(text: str, secrets: Mapping[str, str], people: Iterable[str] = ()) -> list[str]:
    """Which secrets can be read in a recording: as they are, in JSON's or a form's spelling, or in a Basic sign-in."""
    values = [value for value in secrets.values() if value]
    spelled = {*values, *(json.dumps(v)[1:-1] for v in values), *(urlencode({"": v})[1:] for v in values)}
    basic = {b64encode(f"{name}:{secret}".encode()).decode() for name in [*values, *people] for secret in values}
    return sorted(found for found in spelled | basic if found in text)
