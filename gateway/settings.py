"""The environment over the file: any setting of `ticketgate.yaml` can come as `TICKETGATE_...`, which wins."""

import os
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, SettingsError

from gateway.config import Config
from gateway.config_file import FromOutside, told
from gateway.desk import Loaded, Unfit, load
from gateway.placeholders import Environment, secret_folders


class Settings(Config, BaseSettings):
    """`TICKETGATE_DATABASE`, `TICKETGATE_BRAKE__TICKETS=50`, `TICKETGATE_CONNECTIONS='{"zendesk-eu": {"poll": "5s"}}'`."""

    model_config = SettingsConfigDict(env_prefix="TICKETGATE_", env_nested_delimiter="__", extra="forbid", frozen=True)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return env_settings, init_settings


def with_environment(values: dict[str, Any]) -> Config:
    """The file's values with the environment's over them.

    Raises pydantic's `ValidationError`, and `FromOutside` when it is the environment that cannot be read.
    """
    _known_variables()
    try:
        return Settings(**values)
    except SettingsError as error:
        raise FromOutside(f"a TICKETGATE_... variable is not JSON: {error}") from None
    except ValidationError as error:
        there = _wrong_in_the_file(values)
        wrong = [detail for detail in error.errors() if tuple(detail["loc"]) not in there]
        if not wrong:
            raise
        raise FromOutside("; ".join(f"{_variable(detail['loc'])}: {told(detail)}" for detail in wrong)) from None


OURS = frozenset({"CONFIG", "CLOCK", "FAILPOINT", "SECRETS_DIR", "REAL_DATA", "SLA_VECTORS", "RULE_BENCH", "YAML_LANGUAGE_SERVER"})
"""Variables that are no settings of a desk."""


def _known_variables() -> None:
    """Raises `FromOutside` for a TICKETGATE_ variable that sets nothing: a slip of the pen must not be a setting that is not in force."""
    names = [name.removeprefix("TICKETGATE_") for name in os.environ if name.startswith("TICKETGATE_")]
    settings = {field.upper() for field in Config.model_fields}
    for name in names:
        setting = name.partition("__")[0]
        if setting not in settings and name not in OURS and not name.startswith("SECRET_"):
            near = get_close_matches(setting, settings | OURS, 1)
            help = f"did you mean TICKETGATE_{near[0]}?" if near else "config/README.md lists the settings"
            raise FromOutside(f"the variable TICKETGATE_{name} sets nothing; {help}")


def _wrong_in_the_file(values: dict[str, Any]) -> set[tuple[int | str, ...]]:
    """Where the file alone would be wrong as well: that has its own place."""
    try:
        Config.model_validate(values)
    except ValidationError as error:
        return {tuple(detail["loc"]) for detail in error.errors()}
    return set()


def _variable(loc: tuple[int | str, ...]) -> str:
    """The variable behind a place in the settings: the longest name that is set."""
    names = ["TICKETGATE_" + "__".join(str(step).upper() for step in loc[:n]) for n in range(len(loc), 0, -1)]
    return next((name for name in names if name in os.environ), names[-1])


TO_PEOPLE = frozenset({"channels", "on_call", "endpoints"})
"""Keys whose secrets nobody needs who only reads."""

TO_SYSTEMS = frozenset({"connections"})
"""Keys whose secrets nobody needs who asks no system."""


def running(folder: Path, config: Path | None = None, *, reading: bool = False, asking: bool = True) -> Loaded:
    """A desk that is fit to run, with `reading` to be read by, without `asking` to be looked at: the environment is over the file.

    Raises `Unfit` with every mistake.
    """
    unneeded = (TO_PEOPLE if reading else frozenset[str]()) | (frozenset[str]() if asking else TO_SYSTEMS)
    loaded = load(folder, config, resolve=Environment(secret_folders(folder)), settle=with_environment, unneeded=unneeded)
    if loaded.bundle is None:
        raise Unfit(loaded)
    return loaded
