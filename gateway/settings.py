"""The environment over the file: any setting of `ticketgate.yaml` can come as `TICKETGATE_...`, which wins."""

from pathlib import Path
from typing import Any

from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from gateway.config import Config
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
    """The file's values with the environment's over them. Raises pydantic's `ValidationError`."""
    return Settings(**values)


def running(folder: Path, config: Path | None = None) -> Loaded:
    """A desk that is fit to run: with the environment over the file and its secrets filled in. Raises `Unfit` with every mistake."""
    loaded = load(folder, config, resolve=Environment(secret_folders(folder)), settle=with_environment)
    if loaded.bundle is None:
        raise Unfit(loaded)
    return loaded
