"""What is known of every rule at once: where it stands, how often it matched, whether it is paused."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from gateway.store import hits, pausing
from gateway.store.hits import Hits
from gateway.store.pausing import Paused
from rules.bundle import Bundle, Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """One rule. `hits` is None for one that was never in force here."""

    rule: Rule
    hits: Hits | None = None
    paused: Paused | None = None

    @property
    def matched(self) -> int:
        return self.hits.matched if self.hits else 0

    def unused_since(self, moment: datetime) -> bool:
        return self.rule.mode != "disabled" and self.hits is not None and self.hits.unused_since(moment)


def known(db: sa.Connection | None, bundle: Bundle) -> Iterator[Known]:
    """Every rule in its order; without a store nothing has matched yet."""
    counted: Mapping[str, Hits] = hits.all_of(db) if db is not None else {}
    stopped = {paused.rule: paused for paused in pausing.all_of(db)} if db is not None else {}
    for ruleset in bundle.rulesets:
        for rule in ruleset.rules:
            yield Known(rule=rule, hits=counted.get(rule.id), paused=stopped.get(rule.id))
