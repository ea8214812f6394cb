"""A turn's numbers have 64 bits: a chat's turns are placed by milliseconds since 1970."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

COLUMNS = ("position", "revision", "start_ms", "end_ms")


def upgrade() -> None:
    """Widen the columns, all in one statement: the table is written anew once. SQLite's integers are wide already."""
    if op.get_bind().dialect.name != "sqlite":
        op.execute("ALTER TABLE turns " + ", ".join(f"ALTER COLUMN {name} TYPE BIGINT" for name in COLUMNS))
