"""The transactional outbox: verdicts on their way to be settled, each exactly once.

States: pending (it can still be undone), sending, sent, settled (all the reward events it leads to are in the store),
and withdrawn. Which events a verdict leads to is known beforehand, from the pure settlement; the next verdict counts on
them before they are back.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import orjson
from sqlalchemy import Connection, insert, select, update

from detector.decision import Decision
from detector.judgement import Judgement
from detector.playbook import Playbook
from detector.reward import RewardEvent, RewardType
from detector.settlement import judged_from_memory
from detector.transcript import CUSTOMER, CallHeader
from detector.verdict import Known, Verdict
from pipelines.store.engine import Store, alone, now
from pipelines.store.masking import MASK
from pipelines.store.tables import decisions, outbox, reward_events, turns, verdicts

UNDO_SECONDS = 15.0
ABANDONED_SECONDS = 60.0
BATCH = 200
SETTLED_BY = ("call_id", "team", "started_at")
"""What settlement asks of a call; names of people are not among it."""
_MARKS = re.compile(r"<[^<>]{1,40}>|\[[\w -]{1,24}\]")
"""What a recogniser writes for what is no word: [noise], <unk>."""
_SAID = re.compile(rf"[\w{MASK}]")


@dataclass(frozen=True, slots=True)
class Letter:
    """A verdict to be sent: its place in the outbox, its key and its JSON."""

    number: int
    call_id: str
    value: str


def alone_on(connection: Connection, call_id: str) -> None:
    """Wait until nobody else records a verdict on a call, and let nobody until the transaction ends.

    Each verdict counts on what those before it lead to.
    """
    alone(connection, f"verdicts of {call_id}")


def known(connection: Connection, decision: Decision, *, call: Any, playbook: Playbook, tenant: str) -> Known:
    """Return what is known of the agent and the behaviour in the call; what verdicts still lead to counts as there."""
    rows = connection.execute(
        select(decisions.c.value).where(
            (decisions.c.call_id == decision.call_id)
            & (decisions.c.behaviour == decision.behaviour)
            & (decisions.c.state != "retracted")
        )
    )
    told = [Decision.model_validate_json(one.value) for one in rows]
    made = sorted((one for one in told if one.agent_id == decision.agent_id), key=lambda one: (one.index, one.turn_id))
    header = {"call_id": decision.call_id} if call is None else {name: getattr(call, name) for name in SETTLED_BY}
    there = _events(connection, decision)
    seen, standing = {one.id for one in there}, {one.decision_id for one in made}
    # A grant for what the machine took back meanwhile may never come.
    coming = (
        one
        for one in _coming(connection, decision, playbook, tenant)
        if one.id not in seen and (one.type is RewardType.REVERSED or one.data.decision_id in standing)
    )
    return Known(
        header=CallHeader.model_validate(header),
        decisions=tuple(made),
        judgements=tuple(_judgements(connection, (one.decision_id for one in made))),
        events=(*there, *coming),
        customer_heard=_customer_heard(connection, call),
        starts=_starts(connection, decision.call_id, {one.turn_id for one in made}),
    )


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

    One that was taken a minute ago and never told as sent is to be sent again: its sender died. It settles once. Of a
    call there is one at most: the next counts on it, and waits until it is sent.
    """
    young, abandoned = now() - timedelta(seconds=older_than), now() - timedelta(seconds=ABANDONED_SECONDS)
    due = ((outbox.c.state == "pending") & (outbox.c.made_at <= young)) | (
        (outbox.c.state == "sending") & (outbox.c.taken_at <= abandoned)
    )
    before = outbox.alias()
    held_back = (
        select(before.c.number)
        .where(
            (before.c.call_id == outbox.c.call_id)
            & (before.c.number < outbox.c.number)
            & before.c.state.in_(("pending", "sending"))
        )
        .exists()
    )
    wanted = select(outbox.c.number, outbox.c.call_id, outbox.c.value).where(due & ~held_back)
    query = wanted.order_by(outbox.c.number).limit(limit)
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


def _customer_heard(connection: Connection, call: Any) -> bool | None:
    """Tell whether the customer said a word; None where what was said is not there, or no longer."""
    if call is None or call.purged_at is not None:
        return None
    rows = connection.execute(select(turns.c.speaker, turns.c.words).where(turns.c.call_id == call.call_id)).all()
    said = (row.words for row in rows if row.speaker == CUSTOMER)
    return any(_SAID.search(_MARKS.sub("", words)) for words in said) if rows else None


def _starts(connection: Connection, call_id: str, turn_ids: Collection[str]) -> dict[str, int]:
    """Return when some turns began; one without times counts from the call's start, as it does while it is kept."""
    theirs = (turns.c.call_id == call_id) & turns.c.turn_id.in_(turn_ids)
    rows = connection.execute(select(turns.c.turn_id, turns.c.start_ms).where(theirs))
    return {row.turn_id: row.start_ms or 0 for row in rows}


def _judgements(connection: Connection, identifiers: Iterable[str]) -> Iterable[Judgement]:
    rows = connection.execute(
        select(verdicts).where(verdicts.c.decision_id.in_(list(identifiers)) & verdicts.c.standing)
    )
    for row in rows:
        yield Judgement(
            verdict_id=row.verdict_id, decision_id=row.decision_id, kind=row.kind, decided_at=row.decided_at
        )


def _events(connection: Connection, decision: Decision) -> list[RewardEvent]:
    rows = connection.execute(
        select(reward_events.c.value)
        .where(
            (reward_events.c.call_id == decision.call_id)
            & (reward_events.c.agent_id == (decision.agent_id or ""))
            & (reward_events.c.behaviour == decision.behaviour)
        )
        .order_by(reward_events.c.number)
    )
    return [RewardEvent.model_validate_json(row.value) for row in rows]


def _coming(connection: Connection, decision: Decision, playbook: Playbook, tenant: str) -> Iterable[RewardEvent]:
    """Yield what the verdicts on the agent and the behaviour lead to that are not settled yet, oldest first."""
    rows = connection.execute(
        select(outbox.c.value)
        .where((outbox.c.call_id == decision.call_id) & outbox.c.state.in_(("pending", "sending", "sent")))
        .order_by(outbox.c.number)
    )
    for verdict in (Verdict.model_validate_json(row.value) for row in rows):
        if (verdict.agent_id, verdict.behaviour) == (decision.agent_id, decision.behaviour):
            yield from judged_from_memory(verdict, playbook=playbook, tenant=tenant)
