"""The transactional outbox: verdicts on their way to be settled, each exactly once.

States: pending (it can still be undone), sending, sent, settled (all the reward events it leads to are in the store),
and withdrawn. Which events a verdict leads to is known beforehand, from the pure settlement.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

import orjson
from sqlalchemy import Connection, insert, select, update

from detector.verdict import Verdict
from pipelines.store.engine import Store, now
from pipelines.store.tables import outbox, reward_events

UNDO_SECONDS = 15.0
ABANDONED_SECONDS = 60.0
BATCH = 200


@dataclass(frozen=True, slots=True)
class Letter:
    """A verdict to be sent: its place in the outbox, its key and its JSON."""

    number: int
    call_id: str
    value: str


def post(connection: Connection, verdict: Verdict, *, expects: Sequence[str]) -> None:
    """Put a verdict into the outbox, within the transaction that records it."""
    connection.execute(
        insert(outbox).values(
            verdict_id=verdict.verdict_id,
            call_id=verdict.call_id,
            value=verdict.model_dump_json(exclude_none=True),
            expects=orjson.dumps(list(expects)).decode(),
            state="pending",
            made_at=now(),
        )
    )


def waiting(store: Store, *, older_than: float = UNDO_SECONDS, limit: int = BATCH) -> list[Letter]:
    """Return the verdicts to be sent, oldest first; one younger than some seconds may still be undone.

    One that was taken a minute ago and never told as sent is to be sent again: its sender died. It settles once.
    """
    young, abandoned = now() - timedelta(seconds=older_than), now() - timedelta(seconds=ABANDONED_SECONDS)
    due = ((outbox.c.state == "pending") & (outbox.c.made_at <= young)) | (
        (outbox.c.state == "sending") & (outbox.c.taken_at <= abandoned)
    )
    query = select(outbox.c.number, outbox.c.call_id, outbox.c.value).where(due).order_by(outbox.c.number).limit(limit)
    with store.reading() as connection:
        return [Letter(row.number, row.call_id, row.value) for row in connection.execute(query)]


def take(store: Store, letter: Letter) -> bool:
    """Mark a verdict as being sent, so that it can no longer be undone; False where it was undone meanwhile."""
    mark = (
        update(outbox)
        .where((outbox.c.number == letter.number) & outbox.c.state.in_(("pending", "sending")))
        .values(state="sending", taken_at=now())
    )
    with store.writing() as connection:
        return connection.execute(mark).rowcount == 1


def mark_sent(store: Store, letters: Iterable[Letter]) -> None:
    """Mark verdicts as sent, and as settled where all that they lead to is there."""
    given = list(letters)
    with store.writing() as connection:
        numbers = [one.number for one in given]
        connection.execute(update(outbox).where(outbox.c.number.in_(numbers)).values(state="sent"))
        note_settled(connection, {one.call_id for one in given})


def withdraw(connection: Connection, verdict_id: str) -> bool:
    """Take a verdict out that is not yet sent; tell whether that was still possible."""
    mark = (
        update(outbox)
        .where((outbox.c.verdict_id == verdict_id) & (outbox.c.state == "pending"))
        .values(state="withdrawn")
    )
    return connection.execute(mark).rowcount == 1


def note_settled(connection: Connection, call_ids: Iterable[str]) -> None:
    """Note the sent verdicts of some calls all of whose reward events are there."""
    for call_id in call_ids:
        sent = connection.execute(
            select(outbox.c.number, outbox.c.expects).where((outbox.c.call_id == call_id) & (outbox.c.state == "sent"))
        ).all()
        if not sent:
            continue
        there = set(connection.scalars(select(reward_events.c.event_id).where(reward_events.c.call_id == call_id)))
        done = [row.number for row in sent if there.issuperset(orjson.loads(row.expects))]
        connection.execute(update(outbox).where(outbox.c.number.in_(done)).values(state="settled"))
