"""The shapes of the sandbox's small answers, and how lists are said in a query."""

from collections.abc import Mapping
from typing import Any

from connectors.sandbox import Answer, Request


def fault(status: int, *messages: str, headers: Mapping[str, str] | None = None) -> Answer:
    return Answer(status=status, body={"errorMessages": list(messages), "errors": {}}, headers=headers or {})


def property_of(held: Mapping[str, Any], name: str) -> Answer:
    if name not in held:
        return fault(404, f"The property with key {name} does not exist.")
    return Answer(body={"key": name, "value": held[name]})


def put_property(request: Request, held: dict[str, Any], name: str) -> Answer:
    existed, held[name] = name in held, request.json()
    return Answer(status=200 if existed else 201, body={})


def words(said: str) -> list[str]:
    return [word for word in said.split(",") if word]


def flat(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)
