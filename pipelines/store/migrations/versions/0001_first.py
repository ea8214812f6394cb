"""The first tables, and triggers that keep what is written append-only."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

APPEND_ONLY = ("audit", "appeal_steps")


def upgrade() -> None:
    """Make the tables and the triggers."""
    _make_tables()
    for table in APPEND_ONLY:
        for statement in _triggers(table, op.get_bind().dialect.name):
            op.execute(statement)


def _triggers(table: str, dialect: str) -> list[str]:
    if dialect == "sqlite":
        return [
            f"CREATE TRIGGER {table}_no_{what} BEFORE {what} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            for what in ("UPDATE", "DELETE")
        ]
    refuse = f"BEGIN RAISE EXCEPTION '{table} is append-only'; END"
    when = f"BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} FOR EACH STATEMENT"
    return [
        f"CREATE FUNCTION {table}_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ {refuse} $$",
        f"CREATE TRIGGER {table}_append_only {when} EXECUTE FUNCTION {table}_refuse()",
    ]


def _make_tables() -> None:
    op.create_table(
        "appeal_steps",
        sa.Column("number", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("appeal_id", sa.String(length=1024), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("user_id", sa.String(length=1024), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_index("appeal_steps_appeal", "appeal_steps", ["appeal_id"], unique=False)
    op.create_table(
        "appeals",
        sa.Column("appeal_id", sa.String(length=1024), nullable=False),
        sa.Column("decision_id", sa.String(length=1024), nullable=False),
        sa.Column("call_id", sa.String(length=1024), nullable=False),
        sa.Column("agent_id", sa.String(length=1024), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("opened_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("appeal_id"),
    )
    op.create_index("appeals_decision", "appeals", ["decision_id"], unique=False)
    op.create_index("appeals_state", "appeals", ["state", "opened_at"], unique=False)
    op.create_table(
        "audit",
        sa.Column("number", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("who", sa.String(length=1024), nullable=False),
        sa.Column("action", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.String(length=1024), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_table(
        "calls",
        sa.Column("call_id", sa.String(length=1024), nullable=False),
        sa.Column("agent_id", sa.String(length=1024), nullable=True),
        sa.Column("agent_name", sa.Text(), nullable=True),
        sa.Column("team", sa.Text(), nullable=True),
        sa.Column("customer_name", sa.Text(), nullable=True),
        sa.Column("language", sa.Text(), nullable=True),
        sa.Column("started_at", sa.DateTime(), nullable=True),
        sa.Column("filled_at", sa.DateTime(), nullable=False),
        sa.Column("sampled", sa.Boolean(), nullable=False),
        sa.Column("read_by", sa.String(length=1024), nullable=True),
        sa.Column("read_at", sa.DateTime(), nullable=True),
        sa.Column("purged_at", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("call_id"),
    )
    op.create_index("calls_agent", "calls", ["agent_id", "filled_at"], unique=False)
    op.create_index("calls_filled", "calls", ["filled_at"], unique=False)
    op.create_index(
        "calls_sampled",
        "calls",
        ["sampled", "read_at", "call_id"],
        unique=False,
        sqlite_where=sa.text("sampled"),
        postgresql_where=sa.text("sampled"),
    )
    op.create_table(
        "claims",
        sa.Column("item", sa.String(length=1024), nullable=False),
        sa.Column("user_id", sa.String(length=1024), nullable=False),
        sa.Column("until", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("item"),
    )
    op.create_table(
        "decisions",
        sa.Column("decision_id", sa.String(length=1024), nullable=False),
        sa.Column("call_id", sa.String(length=1024), nullable=False),
        sa.Column("agent_id", sa.String(length=1024), nullable=True),
        sa.Column("team", sa.Text(), nullable=True),
        sa.Column("behaviour", sa.String(length=64), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("before", sa.String(length=16), nullable=True),
        sa.Column("score", sa.Float(), nullable=False),
        sa.Column("stake", sa.Float(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("happened_at", sa.DateTime(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("decision_id"),
    )
    op.create_index("decisions_agent", "decisions", ["state", "agent_id", "behaviour", "stake"], unique=False)
    op.create_index("decisions_call", "decisions", ["call_id"], unique=False)
    op.create_index(
        "decisions_changed",
        "decisions",
        ["state", "stake"],
        unique=False,
        sqlite_where=sa.text("before IS NOT NULL"),
        postgresql_where=sa.text("before IS NOT NULL"),
    )
    op.create_index("decisions_outcome", "decisions", ["state", "outcome", "behaviour", "stake"], unique=False)
    op.create_index("decisions_queue", "decisions", ["state", "behaviour", "stake"], unique=False)
    op.create_index("decisions_team", "decisions", ["state", "team", "behaviour", "stake"], unique=False)
    op.create_index("decisions_time", "decisions", ["state", "happened_at"], unique=False)
    op.create_index("decisions_volume", "decisions", ["behaviour", "happened_at", "outcome"], unique=False)
    op.create_table(
        "login_attempts",
        sa.Column("number", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("who", sa.String(length=1024), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_index("login_attempts_who", "login_attempts", ["who", "at"], unique=False)
    op.create_table(
        "outbox",
        sa.Column("number", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("verdict_id", sa.String(length=1024), nullable=False),
        sa.Column("call_id", sa.String(length=1024), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("expects", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("made_at", sa.DateTime(), nullable=False),
        sa.Column("taken_at", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("verdict_id"),
    )
    op.create_index("outbox_call", "outbox", ["call_id"], unique=False)
    op.create_index("outbox_state", "outbox", ["state", "number"], unique=False)
    op.create_table(
        "reward_events",
        sa.Column("number", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("event_id", sa.String(length=1024), nullable=False),
        sa.Column("call_id", sa.String(length=1024), nullable=False),
        sa.Column("agent_id", sa.String(length=1024), nullable=False),
        sa.Column("behaviour", sa.String(length=64), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("event_id"),
    )
    op.create_index("reward_events_call", "reward_events", ["call_id", "agent_id", "behaviour"], unique=False)
    op.create_table(
        "scorecards",
        sa.Column("call_id", sa.String(length=1024), nullable=False),
        sa.Column("agent_id", sa.String(length=1024), nullable=True),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("call_id"),
    )
    op.create_index("scorecards_agent", "scorecards", ["agent_id"], unique=False)
    op.create_table(
        "second_reviews",
        sa.Column("decision_id", sa.String(length=1024), nullable=False),
        sa.Column("call_id", sa.String(length=1024), nullable=False),
        sa.Column("behaviour", sa.String(length=64), nullable=False),
        sa.Column("first_by", sa.String(length=1024), nullable=False),
        sa.Column("first_kind", sa.String(length=16), nullable=False),
        sa.Column("first_note", sa.Text(), nullable=False),
        sa.Column("second_by", sa.String(length=1024), nullable=True),
        sa.Column("second_kind", sa.String(length=16), nullable=True),
        sa.Column("second_note", sa.Text(), nullable=True),
        sa.Column("second_at", sa.DateTime(), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("adjudicated_by", sa.String(length=1024), nullable=True),
        sa.Column("adjudicated_kind", sa.String(length=16), nullable=True),
        sa.Column("adjudicated_note", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("decision_id"),
    )
    op.create_index("second_reviews_state", "second_reviews", ["state", "decision_id"], unique=False)
    op.create_table(
        "sessions",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=1024), nullable=False),
        sa.Column("csrf", sa.String(length=64), nullable=False),
        sa.Column("until", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("token_hash"),
    )
    op.create_table(
        "turns",
        sa.Column("call_id", sa.String(length=1024), nullable=False),
        sa.Column("turn_id", sa.String(length=1024), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("speaker", sa.String(length=16), nullable=False),
        sa.Column("agent_id", sa.String(length=1024), nullable=True),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("start_ms", sa.Integer(), nullable=True),
        sa.Column("end_ms", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("call_id", "turn_id"),
    )
    op.create_table(
        "users",
        sa.Column("user_id", sa.String(length=1024), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("agent_id", sa.String(length=1024), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("user_id"),
    )
    op.create_table(
        "verdicts",
        sa.Column("number", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("verdict_id", sa.String(length=1024), nullable=False),
        sa.Column("decision_id", sa.String(length=1024), nullable=False),
        sa.Column("call_id", sa.String(length=1024), nullable=False),
        sa.Column("turn_id", sa.String(length=1024), nullable=False),
        sa.Column("agent_id", sa.String(length=1024), nullable=True),
        sa.Column("behaviour", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("start", sa.Integer(), nullable=True),
        sa.Column("end", sa.Integer(), nullable=True),
        sa.Column("score", sa.Float(), nullable=True),
        sa.Column("outcome", sa.String(length=16), nullable=True),
        sa.Column("sampled", sa.Boolean(), nullable=False),
        sa.Column("reviewer", sa.String(length=1024), nullable=False),
        sa.Column("decided_at", sa.DateTime(), nullable=False),
        sa.Column("standing", sa.Boolean(), nullable=False),
        sa.Column("undone", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("verdict_id"),
    )
    op.create_index("verdicts_behaviour", "verdicts", ["behaviour", "standing", "decided_at"], unique=False)
    op.create_index("verdicts_call", "verdicts", ["call_id"], unique=False)
    op.create_index("verdicts_decision", "verdicts", ["decision_id", "standing"], unique=False)
