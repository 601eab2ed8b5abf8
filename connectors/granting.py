"""How the answer of a token endpoint is read, whatever system it is of."""

import re

import orjson
import requests

from connectors.errors import ConnectorError, Transient, Unauthorized, Unreadable
from connectors.tokens import Token
from connectors.transport import decoded, error_for

A_CODE = re.compile(r"[A-Za-z_]{1,40}")  # OAuth's own word for a refusal, such as invalid_grant; nothing else of it is repeated


def token_of(connection: str, what: str, answer: requests.Response, before: str | None, fix: str) -> Token:
    """The token in an answer; the refresh token is the one from before where the system did not send another.

    A refusal is told without the system's sentence, which may repeat what was sent; `fix` says what a person can do.
    """
    if answer.status_code >= 300:
        raise _no_token(connection, what, answer, fix)
    said = decoded(connection, what, answer)
    found = {name: said.get(name) for name in ("access_token", "refresh_token", "instance_url", "id")} if isinstance(said, dict) else {}
    access = found.get("access_token")
    if not isinstance(access, str) or not access:
        raise Unreadable(connection, f"{what}: the answer holds no access_token")
    known = {name: value for name, value in found.items() if isinstance(value, str) and value}
    account = known.get("id", "").rpartition("/")[2] or None
    return Token(access=access, refresh=known.get("refresh_token", before), instance=known.get("instance_url"), account=account)


def _no_token(connection: str, what: str, answer: requests.Response, fix: str) -> ConnectorError:
    status = answer.status_code
    if status == 429 or status >= 500:
        waited = error_for(connection, what, answer, writing=False)
        return Transient(connection, f"{what}: {status}", getattr(waited, "retry_after", None))
    return Unauthorized(connection, f"{what}: {' '.join((str(status), _code(answer))).strip()}; {fix}")


def _code(answer: requests.Response) -> str:
    try:
        said = orjson.loads(answer.content)
    except orjson.JSONDecodeError:
        return ""
    found = said.get("error") if isinstance(said, dict) else None
    return found if isinstance(found, str) and A_CODE.fullmatch(found) else ""
