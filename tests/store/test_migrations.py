"""A store of an earlier release is brought up to date, and the migrations make the tables that the code knows."""

from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.engine import make_url
from store_calls import a_call, fill

from pipelines.store import Store, open_store
from pipelines.store.engine import MIGRATIONS, migrate
from pipelines.store.reading import whole_call
from pipelines.store.tables import metadata

OLD_TURN = text(
    "INSERT INTO turns (call_id, turn_id, position, revision, speaker, words, start_ms) "
    "VALUES ('c', 'c:0', 7, 1, 'agent', 'hello', 20)"
)


def test_migrations_make_the_tables_of_the_code(store: Store) -> None:
    """No table, column or index of the code is missing after the migrations, and none is there beside them."""
    with store.reading() as connection:
        assert _differences(connection, compare_type=False) == []  # SQLite's integers are of one kind


@pytest.mark.postgres
def test_migrations_make_the_tables_of_the_code_on_postgres(empty_postgres: str) -> None:
    """The same holds on PostgreSQL, where the types of the columns are those of the code too."""
    store = open_store(empty_postgres)
    with store.reading() as connection:
        found = _differences(connection, compare_type=True)
    store.close()

    assert found == []


def test_turns_of_the_first_release_stay_on_sqlite(tmp_path: Path) -> None:
    """What a store of the first release holds is there after the migrations."""
    _assert_old_turn_stays(f"sqlite:///{tmp_path / 'store.db'}")


@pytest.mark.postgres
def test_turns_of_the_first_release_stay_on_postgres(empty_postgres: str) -> None:
    """The same holds on PostgreSQL, and then turns that are placed by milliseconds since 1970 are taken."""
    driver = make_url(empty_postgres).set(drivername="postgresql+psycopg")

    _assert_old_turn_stays(driver.render_as_string(hide_password=False))

    store = open_store(empty_postgres)
    call = a_call("chat")
    late = tuple(turn.model_copy(update={"index": 1_772_442_845_000 + turn.index}) for turn in call.turns)
    fill(store, call.model_copy(update={"turns": late}))
    with store.reading() as connection:
        assert [turn.text for turn in late] == [turn.words for turn in whole_call(connection, "chat").turns]
    store.close()


def _assert_old_turn_stays(address: str) -> None:
    engine = create_engine(address)
    with engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.execute(OLD_TURN)

    migrate(engine)

    with engine.connect() as connection:
        kept = connection.execute(text("SELECT turn_id, position, revision, words, start_ms FROM turns")).one()
    engine.dispose()
    assert ("c:0", 7, 1, "hello", 20) == tuple(kept)


def _differences(connection: Connection, *, compare_type: bool) -> list[Any]:
    context = MigrationContext.configure(connection, opts={"compare_type": compare_type})
    return list(compare_metadata(context, metadata))
