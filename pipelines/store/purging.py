"""Retention: words go, counts stay."""

from dataclasses import dataclass
from datetime import datetime

import orjson
from sqlalchemy import ColumnElement, Connection, Table, func, or_, select, update

from pipelines.store.auditing import note
from pipelines.store.engine import Store, now
from pipelines.store.tables import calls, outbox, second_reviews, turns, verdicts

CALLS_A_TRANSACTION = 200
NAMES = ("customer_name", "agent_name")


@dataclass(frozen=True, slots=True)
class Purged:
    """How many calls and turns have lost their words."""

    calls: int = 0
    turns: int = 0


def purge(store: Store, *, before: datetime, by: str = "console") -> Purged:
    """Remove the words and names of calls that began, or where that is unknown were filled, before a time.

    Decisions, verdicts and scorecards stay, without their notes, also those written on a call purged before; so do all
    figures.
    """
    done = Purged()
    while True:
        with store.writing() as connection:
            some = _purge_some(connection, before)
            if some.calls:
                note(connection, by, "purged", before.date().isoformat(), calls=some.calls, turns=some.turns)
        if not some.calls:
            break
        done = Purged(done.calls + some.calls, done.turns + some.turns)
    with store.writing() as connection:
        _purge_notes(connection)
        _purge_letters(connection)
    return done


def _purge_some(connection: Connection, before: datetime) -> Purged:
    old = func.coalesce(calls.c.started_at, calls.c.filled_at) < before
    chosen = list(
        connection.scalars(select(calls.c.call_id).where(calls.c.purged_at.is_(None), old).limit(CALLS_A_TRANSACTION))
    )
    count = connection.execute(
        update(turns).where(turns.c.call_id.in_(chosen), turns.c.words != "").values(words="")
    ).rowcount
    nameless = dict.fromkeys(NAMES) | {"purged_at": now()}
    connection.execute(update(calls).where(calls.c.call_id.in_(chosen)).values(**nameless))
    return Purged(len(chosen), count)


def _purge_notes(connection: Connection) -> None:
    connection.execute(update(verdicts).where(_purged(verdicts), verdicts.c.note != "").values(note=""))
    notes = dict.fromkeys(("first_note", "second_note", "adjudicated_note"), "")
    some = or_(*(second_reviews.c[name] != "" for name in notes))
    connection.execute(update(second_reviews).where(_purged(second_reviews), some).values(**notes))


def _purge_letters(connection: Connection) -> None:
    """Remove the names that earlier versions put into the outbox."""
    named = or_(*(outbox.c.value.contains(f'"{name}":', autoescape=True) for name in NAMES))
    rows = connection.execute(select(outbox.c.number, outbox.c.value).where(_purged(outbox), named)).all()
    for row in rows:
        value = orjson.loads(row.value)
        header = value["known"]["header"]
        value["known"]["header"] = {name: header[name] for name in header if name not in NAMES}
        nameless = orjson.dumps(value).decode()
        connection.execute(update(outbox).where(outbox.c.number == row.number).values(value=nameless))


def _purged(table: Table) -> ColumnElement[bool]:
    """Say that a row is of a call whose words are gone."""
    return table.c.call_id.in_(select(calls.c.call_id).where(calls.c.purged_at.is_not(None)))
