"""Jira Cloud. Quirks: a status changes by transition only, the search lags behind its writes, and no write can be guarded."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from pydantic import BaseModel, ConfigDict, Field as Setting, SecretStr, field_validator

from connectors.base import NO_TAGS, Abilities, Connector, ConnectorSettings, Cursor, Custom, Page
from connectors.errors import ConnectorError, InDoubt, NotFound, Rejected, Stale, Transient, Unreadable
from connectors.jira import adf, fields as own_fields, paths, reading
from connectors.jira.moving import CATEGORIES, Mover, status_of
from connectors.jira.watermark import OVERLAP, Watermark, pages
from connectors.mapping import Field, Record, Unwritable, Words, declared, moment, payload, reader
from rules.plan import Draft, Receipt, TagChange
from rules.ticket import Change, Comment, Level, Status, Ticket, TicketRef, Type, Value

if TYPE_CHECKING:
    from connectors.jira.session import JiraSession


class JiraSignIn(BaseModel):
    """`{email, token}`: an API token. `{token}`: an OAuth access token or a personal one, sent as Bearer."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    email: str | None = None
    token: SecretStr
