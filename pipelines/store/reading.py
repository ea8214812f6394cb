"""A call as it is looked at: its words, its decisions with what was said of them, and where their verdicts are."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, literal, select, union, update

from detector.decision import Decision, Scorecard
from pipelines.store.auditing import note
from pipelines.store.conditions import left_open
from pipelines.store.engine import now
from pipelines.store.faults import StaleError, UnfitError, UnknownItemError
from pipelines.store.tables import appeals, calls, decisions, outbox, scorecards, second_reviews, turns, verdicts


@dataclass(frozen=True, slots=True)
class SaidTurn:
    """One turn; times are milliseconds from the call's start. `words` are masked, empty once they are purged."""

    turn_id: str
    position: int
    speaker: str
    agent_id: str | None
    words: str
    start_ms: int | None
    end_ms: int | None


@dataclass(frozen=True, slots=True)
class GivenVerdict:
    """A verdict that stands. `event` is where it is on its way: pending, sending, sent, settled.

    `reviewer` is None where it is told to somebody who may not know who gave it.
    """

    verdict_id: str
    decision_id: str
    turn_id: str
    behaviour: str
    agent_id: str | None
    kind: str
    note: str
    reviewer: str | None
    decided_at: datetime
    start: int | None
    end: int | None
    event: str


@dataclass(frozen=True, slots=True)
class ReviewedCall:
    """A call with all that is known of it. `second` maps decisions to their second reviews' rows."""

    call_id: str
    agent_id: str | None
    agent_name: str | None
    team: str | None
    customer_name: str | None
    language: str | None
    started_at: datetime | None
    sampled: bool
    read_by: str | None
    purged: bool
    turns: tuple[SaidTurn, ...]
    decisions: tuple[Decision, ...]
    verdicts: Mapping[str, GivenVerdict]
    second: Mapping[str, Any]
    appeals: Mapping[str, str]
    scorecard: Scorecard | None


def whole_call(connection: Connection, call_id: str) -> ReviewedCall:
    """Return a call.

    Raises:
        UnknownItemError: there is none.
    """
    row = connection.execute(select(calls).where(calls.c.call_id == call_id)).one_or_none()
    if row is None:
        raise UnknownItemError("there is no such call")
    told = connection.scalar(select(scorecards.c.value).where(scorecards.c.call_id == call_id))
    names = ("call_id", "agent_id", "agent_name", "team", "customer_name", "language", "started_at", "read_by")
    return ReviewedCall(
        **{name: getattr(row, name) for name in names},
        sampled=row.sampled,
        purged=row.purged_at is not None,
        turns=_turns(connection, call_id),
        decisions=_decisions(connection, call_id),
        verdicts=_verdicts(connection, call_id),
        second={one.decision_id: one for one in _rows(connection, second_reviews, call_id)},
        appeals={
            one.decision_id: one.state
            for one in sorted(_rows(connection, appeals, call_id), key=lambda one: one.opened_at)
        },
        scorecard=None if told is None else Scorecard.model_validate_json(told),
    )


def mark_read(connection: Connection, call_id: str, *, user_id: str, behaviours: Collection[str]) -> None:
    """Note that somebody read the whole call: what they did not mark as missed was not missed.

    Raises:
        UnknownItemError: there is no such call.
        UnfitError: its words were purged.
        StaleError: a decision of it on one of `behaviours` is not judged.
    """
    own = calls.c.call_id == call_id
    row = connection.execute(select(calls.c.purged_at).where(own).with_for_update()).one_or_none()
    if row is None:
        raise UnknownItemError("there is no such call")
    if row.purged_at is not None:
        raise UnfitError("the words of this call were removed when its time was up: it can no longer be read")
    if connection.scalar(select(left_open(literal(call_id), behaviours))):
        raise StaleError("first judge every decision of this call, then say that you read it whole")
    connection.execute(update(calls).where(own).values(read_by=user_id, read_at=now()))
    note(connection, user_id, "call read", call_id)


def calls_of_agent(connection: Connection, agent_id: str, *, limit: int = 100) -> list[Any]:
    """Return the latest calls that are an agent's or hold decisions on them, with the JSON of their own scorecards."""
    decided = decisions.c.state.in_(("open", "judged")) & (decisions.c.agent_id == agent_id)
    own = union(  # planners find no index for an "or" of two tables
        select(calls.c.call_id).where(calls.c.agent_id == agent_id), select(decisions.c.call_id).where(decided)
    )
    whose = func.coalesce(scorecards.c.agent_id, calls.c.agent_id)
    card = (scorecards.c.call_id == calls.c.call_id) & (whose == agent_id)
    rows = connection.execute(
        select(calls, scorecards.c.value)
        .outerjoin(scorecards, card)
        .where(calls.c.call_id.in_(own))
        .order_by(calls.c.filled_at.desc())
        .limit(limit)
    )
    return list(rows)


def call_of_decision(connection: Connection, identifier: str) -> str:
    """Return the call that a decision, or a verdict on what the machine missed, is of.

    Raises:
        UnknownItemError: there is no such decision.
    """
    found = connection.scalar(select(decisions.c.call_id).where(decisions.c.decision_id == identifier))
    found = found or connection.scalar(select(verdicts.c.call_id).where(verdicts.c.decision_id == identifier))
    if found is None:
        raise UnknownItemError("there is no such decision")
    return str(found)


def _turns(connection: Connection, call_id: str) -> tuple[SaidTurn, ...]:
    columns = [turns.c[name] for name in SaidTurn.__dataclass_fields__]
    rows = connection.execute(
        select(*columns).where(turns.c.call_id == call_id).order_by(turns.c.position, turns.c.turn_id)
    )
    return tuple(SaidTurn(**row._mapping) for row in rows)  # noqa: SLF001


def _decisions(connection: Connection, call_id: str) -> tuple[Decision, ...]:
    rows = connection.execute(
        select(decisions.c.value).where((decisions.c.call_id == call_id) & (decisions.c.state != "retracted"))
    )
    made = (Decision.model_validate_json(row.value) for row in rows)
    return tuple(sorted(made, key=lambda one: (one.index, one.turn_id, _first(one), one.behaviour)))


def _first(decision: Decision) -> int:
    return min((one.start for one in decision.evidence), default=0)


def _verdicts(connection: Connection, call_id: str) -> Mapping[str, GivenVerdict]:
    names = [name for name in GivenVerdict.__dataclass_fields__ if name != "event"]
    rows = connection.execute(
        select(*(verdicts.c[name] for name in names), outbox.c.state.label("event"))
        .outerjoin(outbox, outbox.c.verdict_id == verdicts.c.verdict_id)
        .where((verdicts.c.call_id == call_id) & verdicts.c.standing)
    )
    return {row.decision_id: GivenVerdict(**row._mapping) for row in rows}  # noqa: SLF001


def _rows(connection: Connection, table: Any, call_id: str) -> list[Any]:
    return list(connection.execute(select(table).where(table.c.call_id == call_id)))
