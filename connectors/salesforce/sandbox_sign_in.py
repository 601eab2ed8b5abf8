"""The sandbox's door: tokens for an app with its secret, or for an assertion that it signed."""

import base64
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qsl, unquote

import orjson

from connectors.sandbox import Answer, Clock, Request

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"


class _NoGrant(Exception):
    """A token is not given; OAuth's word for the reason, and Salesforce's sentence."""


class Door:
    """Gives tokens out and knows those that still hold. `expire()` makes all of them run out, `revoke()` the app as well."""

    def __init__(self, clock: Clock, app: Mapping[str, str], instance: str) -> None:
        self.life = timedelta(hours=2)
        self.public_key: str | None = None  # of the app's certificate; None: only the form of an assertion is checked
        self.issued, self.refused = 0, 0
        self._clock, self._app, self._instance = clock, app, instance
        self._tokens: dict[str, datetime] = {}

    def token(self, request: Request, user: str) -> Answer:
        form = dict(parse_qsl(request.body.decode("utf-8", "replace")))
        try:
            if form.get("grant_type") == "client_credentials":
                self._is_client(request, form)
            elif form.get("grant_type") == JWT_BEARER:
                self._is_signed(form.get("assertion", ""))
            else:
                raise _NoGrant("unsupported_grant_type", "grant type not supported")
        except _NoGrant as refusal:
            self.refused += 1
            return Answer(status=400, body={"error": refusal.args[0], "error_description": refusal.args[1]})
        return Answer(body=self._given(user))

    def holds(self, request: Request) -> bool:
        """Whether the request bears a token that has not run out."""
        given = self._tokens.get(request.headers.get("authorization", "").removeprefix("Bearer "))
        return given is not None and self._clock() - given <= self.life

    def expire(self) -> None:
        self._tokens.clear()

    def revoke(self) -> None:
        self.expire()
        self._app = {"client_id": "", "client_secret": ""}

    def _is_client(self, request: Request, form: Mapping[str, str]) -> None:
        given = form.get("client_id"), form.get("client_secret")
        scheme, _, word = request.headers.get("authorization", "").partition(" ")
        if scheme == "Basic":
            given = _basic(word)
        if given[0] != self._app["client_id"]:
            raise _NoGrant("invalid_client_id", "client identifier invalid")
        if given[1] != self._app["client_secret"]:
            raise _NoGrant("invalid_client", "invalid client credentials")

    def _is_signed(self, assertion: str) -> None:
        """The form of the assertion always, its signature where the certificate is known. Whether it ran out is not checked:
        the sandbox's clock may run fast."""
        try:
            claims = _verified(assertion, self.public_key) if self.public_key else _claims(assertion)
        except ValueError:
            raise _NoGrant("invalid_grant", "invalid assertion") from None
        if claims.get("iss") != self._app["client_id"]:
            raise _NoGrant("invalid_client_id", "client identifier invalid")
        if not claims.get("sub") or not str(claims.get("aud", "")).startswith("https://") or not claims.get("exp"):
            raise _NoGrant("invalid_grant", "invalid assertion")

    def _given(self, user: str) -> dict[str, str]:
        self.issued += 1
        word, now = sha256(f"token {self.issued}".encode()).hexdigest(), self._clock()
        token = f"00D5g0000000001!{word}"
        self._tokens[token] = now
        return {
            "id": f"https://login.salesforce.com/id/00D5g0000000001EAA/{user}",
            "issued_at": str(int(now.timestamp() * 1000)),
            "instance_url": self._instance,
            "signature": base64.b64encode(sha256(word.encode()).digest()).decode(),
            "access_token": token,
        }


def _basic(word: str) -> tuple[str, str]:
    try:
        name, _, secret = base64.b64decode(word).decode("utf-8", "replace").partition(":")
    except ValueError:
        return "", ""
    return unquote(name), unquote(secret)


def _claims(assertion: str) -> dict[str, Any]:
    """Raises `ValueError` for what is not three parts with JSON in the first two."""
    parts = assertion.split(".")
    if len(parts) != 3 or not parts[2]:
        raise ValueError("not a signed assertion")
    header, claims = (orjson.loads(base64.urlsafe_b64decode(p + "=" * (-len(p) % 4))) for p in parts[:2])
    if not isinstance(header, dict) or header.get("alg") != "RS256" or not isinstance(claims, dict):
        raise ValueError("not a signed assertion")
    return claims


def _verified(assertion: str, public_key: str) -> dict[str, Any]:
    import jwt  # comes with the SDK, and is wanted only where a test gives a certificate

    decode: Callable[..., dict[str, Any]] = jwt.decode
    try:
        return decode(assertion, public_key, algorithms=["RS256"], options={"verify_aud": False, "verify_exp": False})
    except jwt.InvalidTokenError as error:
        raise ValueError("the signature is wrong") from error
