"""Retention: words go, counts stay."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, or_, select, update

from pipelines.store.auditing import note
from pipelines.store.engine import Store, now
from pipelines.store.tables import calls, second_reviews, turns, verdicts

CALLS_A_TRANSACTION = 200


@dataclass(frozen=True, slots=True)
class Purged:
    """How many calls and turns have lost their words."""

    calls: int = 0
    turns: int = 0


def purge(store: Store, *, before: datetime, by: str = "console") -> Purged:
    """Remove the words and names of calls that began, or where that is unknown were filled, before a time.

    Decisions, verdicts and scorecards stay, without their notes; so do all figures.
    """
    done = Purged()
    while True:
        with store.writing() as connection:
            some = _purge_some(connection, before)
            if some.calls:
                note(connection, by, "purged", before.date().isoformat(), calls=some.calls, turns=some.turns)
        if not some.calls:
            return done
        done = Purged(done.calls + some.calls, done.turns + some.turns)


def _purge_some(connection: Connection, before: datetime) -> Purged:
    old = func.coalesce(calls.c.started_at, calls.c.filled_at) < before
    chosen = list(
        connection.scalars(select(calls.c.call_id).where(calls.c.purged_at.is_(None), old).limit(CALLS_A_TRANSACTION))
    )
    count = connection.execute(
        update(turns).where(turns.c.call_id.in_(chosen), turns.c.words != "").values(words="")
    ).rowcount
    nameless = {"customer_name": None, "agent_name": None, "purged_at": now()}
    connection.execute(update(calls).where(calls.c.call_id.in_(chosen)).values(**nameless))
    noted = verdicts.c.call_id.in_(chosen) & (verdicts.c.note != "")
    connection.execute(update(verdicts).where(noted).values(note=""))
    notes = dict.fromkeys(("first_note", "second_note", "adjudicated_note"), "")
    some = or_(*(second_reviews.c[name] != "" for name in notes))
    connection.execute(update(second_reviews).where(second_reviews.c.call_id.in_(chosen), some).values(**notes))
    return Purged(len(chosen), count)
