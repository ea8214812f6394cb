"""A value that a database cannot hold is one thing, a database that is gone another."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from confluent_kafka import Message
from fakes import call, word_playbook
from sqlalchemy import Connection, func, insert, select, text
from store_calls import a_call

from detector.transcript import CallHeader
from pipelines.settings import Settings
from pipelines.store import Filler, Store, StoreError, open_store
from pipelines.store.engine import UnstorableError, now
from pipelines.store.reading import whole_call
from pipelines.store.refusal import savepoint
from pipelines.store.tables import calls, scorecards
from streams.codecs import encode
from streams.messages import WholeCall
from streams.review_bridge import ReviewBridge

SECRET = "swordfish"
BEFORE_TIME = datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=5)))
"""In UTC this is before the first year."""
UNSTORABLE = {
    "a date before the first year": insert(calls).values(call_id="x", started_at=BEFORE_TIME, filled_at=now()),
    "nothing where something must be": insert(scorecards).values(call_id=SECRET, value=None),
}


@pytest.fixture
def on_postgres(postgres: str) -> Any:
    """A store on PostgreSQL."""
    made = open_store(postgres)
    yield made
    made.close()


@pytest.mark.parametrize("statement", UNSTORABLE.values(), ids=UNSTORABLE)
def test_what_cannot_be_held_is_undone_by_itself(store: Store, statement: Any) -> None:
    """All that was written under a savepoint with it is undone; what was written beside it stays; no word is told."""
    _assert_undone_by_itself(store, lambda connection: connection.execute(statement))


def test_number_too_large_is_undone_by_itself(store: Store) -> None:
    """A number that SQLite has no room for is such a value."""
    turn = call(("agent", SECRET), call_id="c").turns[0].model_copy(update={"index": 2**63})
    _assert_undone_by_itself(store, lambda connection: _filler(connection).turns("c", [turn]))


@pytest.mark.postgres
@pytest.mark.parametrize(
    "call_id",
    ["\0" + SECRET, SECRET * 1024, "".join(map(chr, range(0x4E00, 0x4E00 + 1024)))],
    ids=["NUL", "long", "wide"],
)
def test_what_postgres_cannot_hold_is_undone_by_itself(on_postgres: Store, call_id: str) -> None:
    """NUL, a text longer than its column and a key too large for an index are such values."""
    statement = insert(scorecards).values(call_id=call_id, value="{}")
    _assert_undone_by_itself(on_postgres, lambda connection: connection.execute(statement))


def test_missing_table_is_not_the_fault_of_a_value(store: Store) -> None:
    """An error of the store itself is left as it is by a savepoint, and ends the work clearly."""
    with store.writing() as connection:
        connection.execute(text("DROP TABLE scorecards"))

    with pytest.raises(StoreError, match="OperationalError"), store.writing() as connection, savepoint(connection):
        connection.execute(select(scorecards))
    with pytest.raises(StoreError, match="OperationalError"), store.reading() as connection:
        connection.execute(select(scorecards))


@pytest.mark.postgres
def test_connection_that_ends_is_not_the_fault_of_a_value(on_postgres: Store) -> None:
    """Where PostgreSQL ends the connection amid the work, that is told, and nothing of the message."""
    with pytest.raises(StoreError, match="does not answer") as told:
        _write_on_an_ended_connection(on_postgres)

    assert SECRET not in str(told.value)


@pytest.mark.postgres
def test_bridge_passes_over_what_postgres_cannot_hold(on_postgres: Store) -> None:
    """A call whose turns have keys too large leaves nothing behind; NUL is replaced, and the calls beside are taken."""
    wide = "".join(map(chr, range(0x4E00, 0x4E00 + 512)))
    said = call(("agent", "a\0b"), ("customer", "hello"))
    nul = said.model_copy(update={"call_id": f"nul-{now()}"})
    before = a_call()
    over = ReviewBridge(Settings(_env_file=None), store=on_postgres, playbook=word_playbook())

    over.take([_message(before), _message(nul), _message(call(("agent", "hi"), call_id=wide))])

    assert (over.counts.taken, over.counts.unreadable) == (2, 1)
    with on_postgres.reading() as connection:
        assert len(before.turns) == len(whole_call(connection, before.call_id).turns)
        assert ["a\ufffdb", "hello"] == [turn.words for turn in whole_call(connection, nul.call_id).turns]
        assert connection.scalar(select(func.count()).where(calls.c.call_id == wide)) == 0


def _write_on_an_ended_connection(store: Store) -> None:
    with store.writing() as connection:
        mine = connection.scalar(text("SELECT pg_backend_pid()"))
        with store.writing() as other:
            other.execute(text(f"SELECT pg_terminate_backend({mine})"))
        with savepoint(connection):
            _filler(connection).header(CallHeader(call_id=SECRET))


def _write_all(connection: Connection, call_id: str, write: Any) -> None:
    with savepoint(connection):
        _filler(connection).header(CallHeader(call_id=call_id))
        write(connection)


def _assert_undone_by_itself(store: Store, write: Any) -> None:
    kept, undone = f"kept-{now()}", f"undone-{now()}"
    with store.writing() as connection:
        _filler(connection).header(CallHeader(call_id=kept, started_at=datetime(2026, 3, 2, tzinfo=UTC)))
        with pytest.raises(UnstorableError) as told:
            _write_all(connection, undone, write)

    with store.reading() as connection:
        assert [kept] == list(connection.scalars(select(calls.c.call_id).where(calls.c.call_id.in_([kept, undone]))))
    assert SECRET not in str(told.value)


def _filler(connection: Connection) -> Filler:
    return Filler(connection, playbook=word_playbook())


def _message(told: Any) -> Message:
    value = encode(WholeCall.model_validate(told.model_dump()))
    return Message(topic="transcripts", partition=0, offset=0, key=told.call_id.encode(), value=value)
