"""The tables, as SQLAlchemy Core sees them. A new store is made of them, an older one by the migrations: a test holds the two together."""

import sqlalchemy as sa

from gateway.store.columns import Moment, metadata, ref, texts
from gateway.store.schema_gone import alias as alias
from gateway.store.schema_gone import identity as identity
from gateway.store.schema_gone import swept as swept
from gateway.store.schema_systems import budget as budget
from gateway.store.schema_systems import sign_in as sign_in

SCHEMA = "0016"
"""The revision that this program writes and reads; the newest file of `migrations/versions`."""


# What was last seen, as our plan left it. `looked`: the live path has judged it (a backfill alone has not);
# `heard`: its comments and history until then are in `happening`; `run`: the last backfill that counted it.
ticket = sa.Table(
    "ticket",
    metadata,
    *ref(),
    sa.Column("seen", sa.LargeBinary, nullable=False),
    sa.Column("version", sa.Text, nullable=False),
    sa.Column("status", sa.Text),
    sa.Column("seen_at", Moment, nullable=False),
    sa.Column("adopted", sa.Boolean, nullable=False),
    sa.Column("looked", sa.Boolean, nullable=False),
    sa.Column("heard", sa.Boolean, nullable=False),
    sa.Column("gone_at", Moment),
    sa.Column("run", sa.Text),
)

# Known comments and changes of a ticket; `id` is the vendor's, or made of what changed and when.
happening = sa.Table(
    "happening",
    metadata,
    *ref(),
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("at", Moment, nullable=False),
    sa.Column("what", sa.LargeBinary, nullable=False),
)

# Signals that wait: look at this ticket. `ticket` where a poll has it in hand; `brake` is empty or `held`.
inbox = sa.Table(
    "inbox",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    *ref(primary=False),
    sa.Column("unique_key", sa.Text, nullable=False, unique=True),
    sa.Column("signal", sa.Text, nullable=False),
    sa.Column("ticket", sa.LargeBinary),
    sa.Column("arrived_at", Moment, nullable=False),
    sa.Column("due_at", Moment, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False, default=0),
    sa.Column("brake", sa.Text, nullable=False, default=""),
    sa.Index("inbox_due", "connection", "due_at"),
    sa.Index("inbox_ref", "connection", "key"),
)

# How far each connection was read, and how it is.
cursor = sa.Table(
    "cursor",
    metadata,
    sa.Column("connection", sa.Text, primary_key=True),
    sa.Column("cursor", sa.Text),
    sa.Column("watermark", Moment),
    sa.Column("connected_at", Moment),
    sa.Column("polled_at", Moment),
    sa.Column("state", sa.Text, nullable=False, default="ok"),
    sa.Column("paused_until", Moment),
    sa.Column("error", sa.Text),
    sa.Column("error_at", Moment),
)

# The ledger: intent before, outcome after. `connection` and `key` are the ticket's that was judged, `target` whom it is sent to.
action = sa.Table(
    "action",
    metadata,
    sa.Column("action_key", sa.Text, primary_key=True),
    *ref(primary=False),
    sa.Column("target", sa.Text, nullable=False),
    sa.Column("target_key", sa.Text),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("pass_id", sa.Text, nullable=False),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("run", sa.Text),
    sa.Column("rules", sa.Text, nullable=False),
    sa.Column("payload", sa.LargeBinary, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False, default=0),
    sa.Column("reason", sa.Text),
    sa.Column("receipt", sa.LargeBinary),
    sa.Column("made", sa.Text),
    sa.Column("echoed", sa.Boolean, nullable=False, default=False),
    sa.Column("planned_at", Moment, nullable=False),
    sa.Column("sent_at", Moment),
    sa.Column("ended_at", Moment),
    sa.Index("action_ref", "connection", "key"),
    sa.Index("action_target", "target", "target_key"),
    sa.Index("action_state", "state"),
    sa.Index("action_pass", "pass_id"),
    sa.Index("action_run", "run"),
)

# Messages that wait for business hours; their action rows are `delayed` until then.
_key, _at = sa.Column("action_key", sa.Text, primary_key=True), sa.Column("at", Moment, nullable=False)
delayed = sa.Table("delayed", metadata, _key, *ref(primary=False), _at, sa.Index("delayed_at", "at"))

alarm = sa.Table("alarm", metadata, *ref(), sa.Column("at", Moment, nullable=False), sa.Index("alarm_at", "at"))

# Pairs kept in step: both sides in byte order of their names. `made`: the side that ticketgate itself created.
link = sa.Table(
    "link",
    metadata,
    sa.Column("left", sa.Text, primary_key=True),
    sa.Column("right", sa.Text, primary_key=True),
    sa.Column("made", sa.Text),
    sa.Column("agreed", sa.LargeBinary, nullable=False),
    sa.Column("mirrored", sa.LargeBinary, nullable=False),
    sa.Column("overruled", sa.LargeBinary, nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Index("link_right", "right"),
)

# Promises that were broken, each with the target it was judged against; never changed, never taken back.
breach = sa.Table(
    "breach",
    metadata,
    *ref(),
    sa.Column("climb", sa.Text, primary_key=True),
    sa.Column("due_at", Moment, primary_key=True),
    sa.Column("policy", sa.Text, nullable=False),
    sa.Column("metric", sa.Text, nullable=False),
    sa.Column("target", sa.Text, nullable=False),
    sa.Column("at", Moment, nullable=False),
)

# What the systems themselves say of their SLAs, as last read.
_said = sa.Column("said", sa.LargeBinary, nullable=False)
native_sla = sa.Table("native_sla", metadata, *ref(), _said, sa.Column("at", Moment, nullable=False))

stage = sa.Table(
    "stage",
    metadata,
    *ref(),
    sa.Column("stage_key", sa.Text, primary_key=True),
    sa.Column("rule", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("ran", sa.Boolean, nullable=False),
    sa.Column("why", sa.Text, nullable=False),
    sa.Column("at", Moment, nullable=False),
)

used = sa.Table(
    "used",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("limit_key", sa.Text, nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Index("used_key", "limit_key", "at"),
)

# What was seen and decided, so that `why` can judge it again. Named `pass_` in Python only.
pass_ = sa.Table(
    "pass",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    *ref(primary=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("bundle", sa.Text, nullable=False),
    sa.Column("run", sa.Text),
    sa.Column("events", sa.Text, nullable=False),
    sa.Column("observation", sa.LargeBinary, nullable=False),
    sa.Column("plan", sa.LargeBinary, nullable=False),
    sa.Index("pass_ref", "connection", "key", "at"),
)

bundle = sa.Table(
    "bundle",
    metadata,
    sa.Column("hash", sa.Text, primary_key=True),
    sa.Column("sources", sa.LargeBinary, nullable=False),
    sa.Column("loaded_at", Moment, nullable=False),
    sa.Column("origin", sa.Text, nullable=False, server_default=""),
)

# Every coming into force of a bundle; the newest row is the one that runs.
force = sa.Table(
    "force",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("hash", sa.Text, nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("who", sa.Text, nullable=False),
    sa.Column("how", sa.Text, nullable=False),
)

# What stands between the files on disk and the rules in force; one row.
reload = sa.Table(
    "reload",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    *(sa.Column(name, sa.Text) for name in ("candidate", "pinned", "pinned_by", "asked_by", "yes")),
    *(sa.Column(name, Moment) for name in ("pinned_at", "asked_at", "answered_at", "beat_at")),
)

# Rules that do not act until a person resumes them.
paused_rule = sa.Table(
    "paused_rule",
    metadata,
    sa.Column("rule", sa.Text, primary_key=True),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("who", sa.Text, nullable=False),
    sa.Column("at", Moment, nullable=False),
)

# How often a rule matched, by what came of it; `since`: when it first came into force.
hit = sa.Table(
    "hit",
    metadata,
    sa.Column("rule", sa.Text, primary_key=True),
    sa.Column("since", Moment, nullable=False),
    *(sa.Column(name, sa.Integer, nullable=False) for name in ("live", "shadow", "limited", "failed")),
    sa.Column("last_at", Moment),
    sa.Column("last_ref", sa.Text),
)

run = sa.Table(
    "run",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("options", sa.LargeBinary, nullable=False),
    sa.Column("counts", sa.LargeBinary, nullable=False),
    sa.Column("checkpoint", sa.LargeBinary, nullable=False),
    sa.Column("started_at", Moment, nullable=False),
    sa.Column("ended_at", Moment),
)

# What needs a person besides actions: tickets that could not be read or judged, status words that nobody declared, held batches.
parked = sa.Table(
    "parked",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    *ref(primary=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("version", sa.Text),
    sa.Column("times", sa.Integer, nullable=False, default=1),
    sa.Column("at", Moment, nullable=False),
    sa.UniqueConstraint("connection", "key", "kind", name="parked_once"),
)

# Writing that a person has stopped; an empty connection: everywhere.
halt = sa.Table(
    "halt",
    metadata,
    sa.Column("connection", sa.Text, primary_key=True),
    *texts("reason", "who"),
    sa.Column("at", Moment, nullable=False),
)

# Who is being called out: `made` calls so far, the next one at `next_at`. `state`: open | acknowledged | ended | unanswered.
page = sa.Table(
    "page",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    *ref(primary=False),
    *texts("rule", "to", "urgency", "text", "place", "state"),
    sa.Column("made", sa.Integer, nullable=False),
    sa.Column("opened_at", Moment, nullable=False),
    sa.Column("next_at", Moment),
    sa.Column("ended_at", Moment),
    sa.Column("by", sa.Text),
    sa.Column("why", sa.Text, nullable=False),
    sa.Index("page_ref", "connection", "key"),
    sa.Index("page_due", "state", "next_at"),
)

# Questions to people. `state`: open | approved | denied | no_answer | ended; `handled`: a look has done what waited for the answer.
approval = sa.Table(
    "approval",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    *ref(primary=False),
    *texts("rule", "step", "ask", "to", "question", "state"),
    sa.Column("opened_at", Moment, nullable=False),
    sa.Column("due_at", Moment, nullable=False),
    sa.Column("answered_at", Moment),
    sa.Column("by", sa.Text),
    sa.Column("comment", sa.Text),
    sa.Column("handled", sa.Boolean, nullable=False),
    sa.Index("approval_ref", "connection", "key"),
    sa.Index("approval_due", "state", "due_at"),
)

# Who has a ticket in hand; without a key, who reads the connection. `until` is in seconds of the machine's steady clock.
lease = sa.Table(
    "lease",
    metadata,
    *ref(),
    sa.Column("holder", sa.Text, nullable=False),
    sa.Column("token", sa.Integer, nullable=False),
    sa.Column("until", sa.Float, nullable=False),
)

# Webhooks that were heard, by the name that their system gives each.
delivery = sa.Table(
    "delivery",
    metadata,
    sa.Column("connection", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("at", Moment, nullable=False, index=True),
)

audit = sa.Table(
    "audit",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("at", Moment, nullable=False),
    sa.Column("who", sa.Text, nullable=False),
    sa.Column("what", sa.Text, nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
)

# Tickets whose personal data of these kinds (names with commas) leave us no more.
restricted = sa.Table(
    "restricted",
    metadata,
    *ref(),
    sa.Column("kinds", sa.Text, nullable=False),
    sa.Column("rule", sa.Text, nullable=False),
    sa.Column("at", Moment, nullable=False),
)

# A ticket and what it was joined to by `link`: `relation` is problem, duplicate or parent, `other` that ticket's name.
joined = sa.Table(
    "joined",
    metadata,
    *ref(),
    sa.Column("relation", sa.Text, primary_key=True),
    sa.Column("other", sa.Text, nullable=False),
    sa.Column("rule", sa.Text, nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Index("joined_other", "other"),
)

# How many turns `round_robin` of a rule has given out.
turn = sa.Table("turn", metadata, sa.Column("rule", sa.Text, primary_key=True), sa.Column("taken", sa.Integer, nullable=False))

# Known tickets by what a question of the rules compares, so that it is answered without reading any; `at`: when the ticket was made.
alike = sa.Table(
    "alike",
    metadata,
    sa.Column("question", sa.Text, primary_key=True),
    *ref(),
    sa.Column("value", sa.Text, nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Index("alike_value", "question", "value", "at"),
)

# The questions for which `alike` holds every known ticket.
question = sa.Table("question", metadata, sa.Column("question", sa.Text, primary_key=True), sa.Column("since", Moment, nullable=False))

# What was, or is to be, attached to a ticket, by its content: `made` is the file's id there, none until the system has named it.
carried = sa.Table(
    "carried",
    metadata,
    *ref(),
    sa.Column("sha256", sa.Text, primary_key=True),
    sa.Column("action_key", sa.Text, nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("made", sa.Text),
    sa.Column("at", Moment, nullable=False),
    sa.Index("carried_action", "action_key"),
)
