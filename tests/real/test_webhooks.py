"""Every real webhook body gives the key of its ticket, or the reason why it gives none."""

import hashlib
import hmac
from datetime import UTC, datetime
from pathlib import Path

from pydantic import SecretStr

from connectors.jira import pushes
from connectors.pushes import Push, PushSettings
from tests.real.files import content, every

SETTINGS = PushSettings(secret=SecretStr("canary"))


@every("jira/webhooks/*.json")
def test_a_webhook_of_jira_gives_the_key_that_it_holds_or_says_why_not(path: Path) -> None:
    body, said = path.read_bytes(), content(path)
    signature = "sha256=" + hmac.new(b"canary", body, hashlib.sha256).hexdigest()
    sent_at = datetime.fromtimestamp(said["timestamp"] / 1000, UTC)

    heard = pushes.heard(Push({"x-hub-signature": signature}, body, sent_at), SETTINGS)

    if "issue" in said:
        assert heard.keys == (said["issue"]["key"],)
    else:
        assert heard.keys == ()
        assert heard.known
        assert heard.ignored is not None
        assert "names no issue" in heard.ignored
