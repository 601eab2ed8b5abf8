"""A real `yaml-language-server`, spoken to over its standard input and output as an editor does."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

VARIABLE = "TICKETGATE_YAML_LANGUAGE_SERVER"


def command() -> list[str] | None:
    """How it is started: what the variable names, else what lies on the path; None where it or node is absent."""
    named = os.environ.get(VARIABLE) or shutil.which("yaml-language-server")
    if not named or not Path(named).exists() or not shutil.which("node"):
        return None
    return [named, "--stdio"]


class Editor:
    """One open desk."""

    def __init__(self, started: list[str], folder: Path) -> None:
        self._folder, self._number = folder, 0
        self._said: list[dict[str, Any]] = []
        self._server = subprocess.Popen(started, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=folder)
        capabilities = {"textDocument": {"completion": {"completionItem": {"snippetSupport": False}}, "hover": {}}, "workspace": {}}
        self.ask("initialize", {"processId": os.getpid(), "rootUri": folder.as_uri(), "capabilities": capabilities})
        self._tell("initialized", {})
        settings = {"yaml": {"completion": True, "validate": True, "hover": True, "schemaStore": {"enable": False}}}
        self._tell("workspace/didChangeConfiguration", {"settings": settings})

    def opened(self, name: str, text: str) -> str:
        """The file as it stands in the editor; its address."""
        address = (self._folder / name).as_uri()
        document = {"uri": address, "languageId": "yaml", "version": 1, "text": text}
        self._tell("textDocument/didOpen", {"textDocument": document})
        return address

    def completions(self, address: str, line: int, column: int) -> list[str]:
        """What is offered at a place, counted from 0."""
        at = {"textDocument": {"uri": address}, "position": {"line": line, "character": column}}
        answer = self.ask("textDocument/completion", at)
        items = answer["items"] if isinstance(answer, dict) else answer
        return [item["label"] for item in items]

    def complaints(self, address: str) -> list[str]:
        """What it says of a file, once it has looked."""
        while True:
            for said in self._said:
                if said.get("method") == "textDocument/publishDiagnostics" and said["params"]["uri"] == address:
                    self._said.remove(said)
                    return [one["message"] for one in said["params"]["diagnostics"]]
            self._said.append(self._heard())

    def ask(self, method: str, params: dict[str, Any]) -> Any:
        self._number += 1
        number = self._number
        self._send({"id": number, "method": method, "params": params})
        while True:
            heard = self._heard()
            if heard.get("id") == number and "method" not in heard:
                assert "error" not in heard, heard
                return heard["result"]
            self._said.append(heard)

    def close(self) -> None:
        self._server.kill()
        self._server.communicate()

    def _tell(self, method: str, params: dict[str, Any]) -> None:
        self._send({"method": method, "params": params})

    def _send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self._server.stdin is not None
        self._server.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self._server.stdin.flush()

    def _heard(self) -> dict[str, Any]:
        """The next message; what the server asks of an editor is answered with nothing."""
        assert self._server.stdout is not None
        length = 0
        while (line := self._server.stdout.readline().strip()) or not length:
            assert line or self._server.poll() is None, "the language server ended"
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        message: dict[str, Any] = json.loads(self._server.stdout.read(length))
        if "method" in message and "id" in message:
            wanted = len(message["params"].get("items", ())) if message["method"] == "workspace/configuration" else 0
            self._send({"id": message["id"], "result": [{} for _ in range(wanted)] if wanted else None})
        return message
