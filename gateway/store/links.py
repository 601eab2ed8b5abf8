"""Pairs of tickets kept in step: what both sides agreed on last, and which comments have their copy."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import orjson
import sqlalchemy as sa

from gateway.store.codec import to_json, values_from
from gateway.store.putting import insert_or_replace
from gateway.store.schema import link
from rules.plan import Agreement
from rules.ticket import TicketRef, Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """`made` is the side that ticketgate itself created."""

    left: TicketRef
    right: TicketRef
    agreed: Mapping[str, Value]
    mirrored: frozenset[str]
    made: TicketRef | None = None

    def partner_of(self, ref: TicketRef) -> TicketRef:
        return self.right if ref == self.left else self.left


def of_ticket(db: sa.Connection, ref: TicketRef) -> tuple[Pair, ...]:
    return tuple(_pair(row) for row in db.execute(_OF_TICKET, {"named": str(ref)}).mappings())


_NAMED = sa.or_(link.c.left == sa.bindparam("named"), link.c.right == sa.bindparam("named"))
_OF_TICKET = sa.select(link).where(_NAMED).order_by(link.c.left, link.c.right)


def of_tickets(db: sa.Connection, refs: list[TicketRef]) -> dict[TicketRef, list[Pair]]:
    """The pairs of a page of tickets, for those that have any."""
    names = [str(ref) for ref in refs]
    rows = db.execute(sa.select(link).where(sa.or_(link.c.left.in_(names), link.c.right.in_(names)))).mappings()
    found: dict[TicketRef, list[Pair]] = {}
    for pair in map(_pair, rows):
        for ref in (pair.left, pair.right):
            found.setdefault(ref, []).append(pair)
    return found


def elsewhere(db: sa.Connection, ref: TicketRef, pairs: Sequence[Pair]) -> frozenset[str]:
    """The connections of a ticket's partners, of their partners, and so on: where its matter is known. `pairs` are its own."""
    found, left = {ref}, [pair.partner_of(ref) for pair in pairs]
    while left:
        one = left.pop()
        if one not in found:
            found.add(one)
            left += [pair.partner_of(one) for pair in of_ticket(db, one)]
    return frozenset(each.connection for each in found - {ref})


def count(db: sa.Connection) -> int:
    return int(db.execute(_COUNT).scalar_one())


_COUNT = sa.select(sa.func.count()).select_from(link)


def all_of(db: sa.Connection) -> list[Pair]:
    return [_pair(row) for row in db.execute(sa.select(link).order_by(link.c.left, link.c.right)).mappings()]


def joined(db: sa.Connection, one: TicketRef, made: TicketRef, agreed: Mapping[str, Value], at: datetime) -> None:
    """A partner was made: the two are a pair from now on."""
    left, right = sorted((one, made))
    row = {"left": str(left), "right": str(right), "made": str(made), "agreed": to_json(agreed), "mirrored": b"[]", "overruled": b"{}"}
    insert_or_replace(db, link, [{**row, "at": at}])


def agreed(db: sa.Connection, what: Agreement, at: datetime) -> None:
    """Both sides agree on these fields now; what they agreed on besides stays."""
    pair = _between(db, what.left, what.right)
    before = pair.agreed if pair else {}
    mirrored = (pair.mirrored if pair else frozenset()) | what.mirrored
    left, right = sorted((what.left, what.right))
    row = {
        "left": str(left),
        "right": str(right),
        "made": str(pair.made) if pair and pair.made else None,
        "agreed": to_json({**before, **what.fields}),
        "mirrored": orjson.dumps(sorted(mirrored)),
        "overruled": orjson.dumps(dict(what.overruled)),
        "at": at,
    }
    insert_or_replace(db, link, [row])


def mirrored(db: sa.Connection, one: TicketRef, other: TicketRef, comments: frozenset[str], at: datetime) -> None:
    """These comments, of either side, have their copy on the other."""
    agreed(db, Agreement(left=one, right=other, fields={}, mirrored=comments), at)


def _between(db: sa.Connection, one: TicketRef, other: TicketRef) -> Pair | None:
    left, right = sorted((one, other))
    row = db.execute(sa.select(link).where(link.c.left == str(left), link.c.right == str(right))).mappings().first()
    return _pair(row) if row else None


def _pair(row: sa.RowMapping) -> Pair:
    return Pair(
        left=TicketRef.parse(row["left"]),
        right=TicketRef.parse(row["right"]),
        agreed=values_from(row["agreed"]),
        mirrored=frozenset(orjson.loads(row["mirrored"])),
        made=TicketRef.parse(row["made"]) if row["made"] else None,
    )
