"""`ticketgate connector webhooks`: what to set up in each system so that it tells us of changes, and what a recorded body says.

It describes and registers nothing: to make a webhook takes an administrator's permission there, which the sign-in that reads and writes
tickets should not have, and a system that registers anew at each start keeps every one of them.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

import typer

from gateway.cli.ending import Code, Ended
from gateway.cli.options import Options, line
from gateway.placeholders import UNSET

if TYPE_CHECKING:
    from connectors.base import Connector
    from connectors.pushes import Heard, Hooks, PushSettings
    from gateway.desk import Loaded

BASE = "https://YOUR-PROXY"
Base = Annotated[str, typer.Option("--base", metavar="URL", help="What stands before /webhooks/ where the systems reach you.")]
Test = Annotated[Path | None, typer.Option("--test", metavar="FILE", help="A body as it came: which ticket it speaks of, or why none.")]
Header = Annotated[
    list[str] | None, typer.Option("--header", metavar="'NAME: VALUE'", help="With --test: came with it; then its proof is checked, too.")
]


def described(chosen: Options, loaded: "Loaded", name: str, hooks: "Hooks", base: str) -> bool:
    """Says what to set up for one connection; false where the desk itself lacks something for it."""
    said = {
        "address": f"{base.rstrip('/')}/webhooks/{name}",
        "where": hooks.where,
        "events": list(hooks.events),
        "body": hooks.body,
        "signed_by": hooks.signed_by,
        "headers": list(hooks.headers),
        "notes": list(hooks.notes),
    }
    missing = [*_missing(loaded, name)]
    if chosen.as_json:
        line({"type": "webhooks", "connection": name, **said, "by_secret": _by_secret(loaded, name), "missing": missing})
    else:
        for text in _lines(name, said, missing):
            chosen.out().print(text, markup=False, soft_wrap=True)
    return not missing


def _pushes(loaded: "Loaded", name: str) -> "PushSettings | None":
    return loaded.connections[name].pushes


def _by_secret(loaded: "Loaded", name: str) -> bool:
    found = _pushes(loaded, name)
    return found is not None and found.by_secret


def _missing(loaded: "Loaded", name: str) -> Iterator[str]:
    pushes = _pushes(loaded, name)
    if pushes is not None and pushes.secret.get_secret_value() == UNSET:
        yield f"the secret under pushes: of {name} is given nowhere; ticketgate secret list names it"
    if pushes is None:
        yield f'write pushes: {{ secret: "${{secret:hook}}" }} under {name}, and the secret by: ticketgate secret set hook'
    if loaded.config is None or loaded.config.server is None:
        yield "write server: { host: 127.0.0.1, port: 8080 } into ticketgate.yaml: the daemon listens nowhere yet"


def _lines(name: str, said: Mapping[str, Any], missing: Sequence[str]) -> Iterator[str]:
    yield name
    yield f"  address  {said['address']} (by POST, with TLS before it)"
    yield f"  where    {said['where']}"
    yield f"  events   {'; '.join(said['events'])}"
    if said["body"]:
        yield f"  body     {said['body']}"
    yield f"  proof    {', '.join(said['headers'])}: {said['signed_by']}"
    yield from (f"           {note}" for note in said["notes"])
    yield from (f"  missing  {one}" for one in missing)


def tried(chosen: Options, there: "Connector", hooks: "Hooks", file: Path, headers: Sequence[str]) -> Code:
    """What a recorded body says. Ends with 1 where no one can tell, or where its proof is none."""
    from connectors.pushes import LONGEST, Forged, Garbled, Push
    from gateway.clock import now

    try:
        body = file.read_bytes()
    except OSError as error:
        raise Ended(Code.USAGE, f"{file} cannot be read: {error.strerror}.") from None
    push = Push(_named(headers), body, now())
    try:
        if len(body) > LONGEST:
            raise Garbled(f"the body is longer than the {LONGEST} bytes that are taken")
        heard = there.heard(push) if headers else hooks.told(push)
    except (Forged, Garbled) as error:
        return _say(chosen, there.connection, (), str(error), proved=False)
    return _told(chosen, there.connection, heard, proved=bool(headers))


def _told(chosen: Options, name: str, heard: "Heard", *, proved: bool) -> Code:
    code = _say(chosen, name, heard.keys, heard.ignored, proved=proved)
    return Code.DONE if heard.keys or heard.known else code


def _say(chosen: Options, name: str, keys: Sequence[str], reason: str | None, *, proved: bool) -> Code:
    if chosen.as_json:
        line({"type": "heard", "connection": name, "keys": list(keys), "reason": reason, "proved": proved})
    else:
        beside = "" if proved or not keys else " (its proof was not looked at: give its headers by --header)"
        chosen.out().print(f"{name}: {', '.join(keys) or reason}{beside}", markup=False, soft_wrap=True)
    return Code.DONE if keys else Code.FINDINGS


def _named(headers: Sequence[str]) -> dict[str, str]:
    parts = [header.partition(":") for header in headers]
    if any(not colon for _, colon, _ in parts):
        raise Ended(Code.USAGE, "--header is written as 'NAME: VALUE'.")
    return {name.strip().lower(): value.strip() for name, _, value in parts}


def base_of(text: str) -> str:
    """Ends with 2 for what is no address."""
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.query or parts.fragment or text.split() != [text]:
        raise Ended(Code.USAGE, "--base is an address such as https://hooks.example.com.")
    return text
