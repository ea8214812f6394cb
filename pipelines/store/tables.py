"""The tables. Ids are the contracts' own; times are UTC; whole contracts are kept as JSON text beside their columns."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Float,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    text,
)

metadata = MetaData()


class Moment(TypeDecorator[datetime]):
    """A time with its zone, kept as UTC: SQLite knows no zones."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Return the time as UTC without its zone."""
        return None if value is None else value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Return the time with its zone."""
        return None if value is None else value.replace(tzinfo=UTC)


def _id(name: str, **options: Any) -> Column[str]:
    return Column(name, String(1024), **options)


calls = Table(
    "calls",
    metadata,
    _id("call_id", primary_key=True),
    _id("agent_id"),
    Column("agent_name", Text),
    Column("team", Text),
    Column("customer_name", Text),
    Column("language", Text),
    Column("started_at", Moment),
    Column("filled_at", Moment, nullable=False),
    Column("sampled", Boolean, nullable=False, default=False),
    _id("read_by"),
    Column("read_at", Moment),
    Column("purged_at", Moment),
    Index(
        "calls_sampled", "sampled", "read_at", "call_id", sqlite_where=text("sampled"), postgresql_where=text("sampled")
    ),
    Index("calls_agent", "agent_id", "filled_at"),
    Index("calls_filled", "filled_at"),
)

turns = Table(
    "turns",
    metadata,
    _id("call_id", primary_key=True),
    _id("turn_id", primary_key=True),
    Column("position", BigInteger, nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("speaker", String(16), nullable=False),
    _id("agent_id"),
    Column("words", Text, nullable=False),
    Column("start_ms", BigInteger),
    Column("end_ms", BigInteger),
)

decisions = Table(
    "decisions",
    metadata,
    _id("decision_id", primary_key=True),
    _id("call_id", nullable=False),
    _id("agent_id"),
    Column("team", Text),
    Column("behaviour", String(64), nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("before", String(16)),
    Column("score", Float, nullable=False),
    Column("stake", Float, nullable=False),
    Column("state", String(16), nullable=False),
    Column("happened_at", Moment, nullable=False),
    Column("value", Text, nullable=False),
    Index("decisions_call", "call_id"),
    Index("decisions_queue", "state", "behaviour", "stake"),
    Index("decisions_team", "state", "team", "behaviour", "stake"),
    Index("decisions_agent", "state", "agent_id", "behaviour", "stake"),
    Index("decisions_outcome", "state", "outcome", "behaviour", "stake"),
    Index(
        "decisions_changed",
        "state",
        "stake",
        sqlite_where=text("before IS NOT NULL"),
        postgresql_where=text("before IS NOT NULL"),
    ),
    Index("decisions_time", "state", "happened_at"),
    Index("decisions_volume", "behaviour", "happened_at", "outcome"),
)

scorecards = Table(
    "scorecards",
    metadata,
    _id("call_id", primary_key=True),
    _id("agent_id"),
    Column("value", Text, nullable=False),
    Index("scorecards_agent", "agent_id"),
)

reward_events = Table(
    "reward_events",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    _id("event_id", unique=True, nullable=False),
    _id("call_id", nullable=False),
    _id("agent_id", nullable=False),
    Column("behaviour", String(64), nullable=False),
    Column("value", Text, nullable=False),
    Index("reward_events_call", "call_id", "agent_id", "behaviour"),
)

verdicts = Table(
    "verdicts",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    _id("verdict_id", unique=True, nullable=False),
    _id("decision_id", nullable=False),
    _id("call_id", nullable=False),
    _id("turn_id", nullable=False),
    _id("agent_id"),
    Column("behaviour", String(64), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("note", Text, nullable=False),
    Column("start", Integer),
    Column("end", Integer),
    Column("score", Float),
    Column("outcome", String(16)),
    Column("sampled", Boolean, nullable=False),
    _id("reviewer", nullable=False),
    Column("decided_at", Moment, nullable=False),
    Column("standing", Boolean, nullable=False),
    Column("undone", Boolean, nullable=False, default=False),
    Index("verdicts_decision", "decision_id", "standing"),
    Index("verdicts_call", "call_id"),
    Index("verdicts_behaviour", "behaviour", "standing", "decided_at"),
)

claims = Table(
    "claims",
    metadata,
    _id("item", primary_key=True),
    _id("user_id", nullable=False),
    Column("until", Moment, nullable=False),
)

second_reviews = Table(
    "second_reviews",
    metadata,
    _id("decision_id", primary_key=True),
    _id("call_id", nullable=False),
    Column("behaviour", String(64), nullable=False),
    _id("first_by", nullable=False),
    Column("first_kind", String(16), nullable=False),
    Column("first_note", Text, nullable=False),
    _id("second_by"),
    Column("second_kind", String(16)),
    Column("second_note", Text),
    Column("second_at", Moment),
    Column("state", String(16), nullable=False),
    _id("adjudicated_by"),
    Column("adjudicated_kind", String(16)),
    Column("adjudicated_note", Text),
    Index("second_reviews_state", "state", "decision_id"),
)

appeals = Table(
    "appeals",
    metadata,
    _id("appeal_id", primary_key=True),
    _id("decision_id", nullable=False),
    _id("call_id", nullable=False),
    _id("agent_id"),
    Column("state", String(16), nullable=False),
    Column("opened_at", Moment, nullable=False),
    Index("appeals_state", "state", "opened_at"),
    Index("appeals_decision", "decision_id"),
)

appeal_steps = Table(
    "appeal_steps",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    _id("appeal_id", nullable=False),
    Column("state", String(16), nullable=False),
    _id("user_id", nullable=False),
    Column("note", Text, nullable=False),
    Column("at", Moment, nullable=False),
    Index("appeal_steps_appeal", "appeal_id"),
)

users = Table(
    "users",
    metadata,
    _id("user_id", primary_key=True),
    Column("role", String(16), nullable=False),
    Column("password_hash", Text),
    _id("agent_id"),
    Column("active", Boolean, nullable=False),
)

sessions = Table(
    "sessions",
    metadata,
    Column("token_hash", String(64), primary_key=True),
    _id("user_id", nullable=False),
    Column("csrf", String(64), nullable=False),
    Column("until", Moment, nullable=False),
)

login_attempts = Table(
    "login_attempts",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    _id("who", nullable=False),
    Column("at", Moment, nullable=False),
    Index("login_attempts_who", "who", "at"),
)

audit = Table(
    "audit",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("at", Moment, nullable=False),
    _id("who", nullable=False),
    Column("action", String(64), nullable=False),
    _id("subject", nullable=False),
    Column("detail", Text, nullable=False),
)

outbox = Table(
    "outbox",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    _id("verdict_id", unique=True, nullable=False),
    _id("call_id", nullable=False),
    Column("value", Text, nullable=False),
    Column("expects", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("made_at", Moment, nullable=False),
    Column("taken_at", Moment),
    Index("outbox_state", "state", "number"),
    Index("outbox_call", "call_id"),
)
