"""The sandbox's gate: API tokens at the site itself; scoped tokens and what Atlassian granted at api.atlassian.com, by cloud id.

Before a Data Center, personal access tokens.
"""

import base64
from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qsl

from connectors.jira.sandbox_site import ACCOUNT
from connectors.sandbox import Answer, Clock, Request
from connectors.sandbox_tokens import Grants

CLOUD_ID = "5b10a284-4c20-4165-8070-0ede21900000"
SCOPED = "sandbox-jira-scoped-token"  # of the same account, or of a service account
APP = {"client_id": "sandbox-jira-client", "client_secret": "sandbox-jira-secret"}
REFRESH = "sandbox-jira-refresh-0"
CLOUD = f"/ex/jira/{CLOUD_ID}"
PAT = "sandbox-jira-personal-access-token"


class Gate:
    """Who may come in, and by which address. `grants` is Atlassian's token desk."""

    def __init__(self, clock: Clock) -> None:
        self.grants = Grants(clock, timedelta(hours=1), "sandbox-jira", REFRESH)

    def token(self, request: Request) -> Answer | None:
        """The answer of auth.atlassian.com; None for a request that is not for it."""
        if (request.method, request.path) != ("POST", "/oauth/token"):
            return None
        said = _form(request)
        if {name: said.get(name) for name in APP} != APP:
            return Answer(status=401, body={"error": "access_denied", "error_description": "Unauthorized"})
        if said.get("grant_type") not in ("refresh_token", "client_credentials"):
            return Answer(status=403, body={"error": "unsupported_grant_type"})
        given = self.grants.given(said.get("refresh_token", "") if said["grant_type"] == "refresh_token" else None)
        if given is None:
            return Answer(status=403, body={"error": "invalid_grant", "error_description": "Unknown or invalid refresh token."})
        return Answer(body={**given, "scope": "read:jira-work write:jira-work", "token_type": "Bearer"})

    def admitted(self, request: Request) -> Request | None:
        """The request as the site itself takes it; None for one that is not signed in where it came in."""
        header = request.headers.get("authorization", "")
        if request.path.startswith(f"{CLOUD}/"):
            good = header == _basic(SCOPED) or self.grants.holds(header.removeprefix("Bearer "))
            return replace(request, path=request.path.removeprefix(CLOUD)) if good else None
        return request if header in (_basic(ACCOUNT["token"]), f"Bearer {ACCOUNT['token']}") else None


CONTEXT = "/jira"
CAPTCHA = "CAPTCHA_CHALLENGE; login-url=https://jira.example.com/jira/login.jsp"


class InsideGate(Gate):
    """Data Center's: a personal access token as Bearer, and nothing else, behind the context path. `captcha` wants a sign-in by hand."""

    captcha = False

    def token(self, request: Request) -> Answer | None:
        return None

    def admitted(self, request: Request) -> Request | None:
        good = request.headers.get("authorization") == f"Bearer {PAT}" and not self.captcha
        return replace(request, path=request.path.removeprefix(CONTEXT)) if good else None


def _basic(token: str) -> str:
    pair = f"{ACCOUNT['email']}:{token}"
    return f"Basic {base64.b64encode(pair.encode()).decode()}"


def _form(request: Request) -> dict[str, str]:
    if "json" in request.headers.get("content-type", ""):
        try:
            said = request.json()
        except ValueError:
            return {}
        return {str(k): str(v) for k, v in said.items()} if isinstance(said, dict) else {}
    return dict(parse_qsl(request.body.decode("utf-8", "replace")))
