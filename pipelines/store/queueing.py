"""What is open: the decisions with most at stake, sampled calls, appeals, second reviews; and who works on what."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, delete, exists, literal, or_, select, union_all

from pipelines.store.conditions import with_words
from pipelines.store.engine import now, upsert
from pipelines.store.faults import UnknownItemError
from pipelines.store.tables import appeal_steps, appeals, calls, claims, decisions, second_reviews

CLAIM_MINUTES = 20
CHANGED_LOOKED_AT = 40


@dataclass(frozen=True, slots=True)
class Filters:
    """What a queue is narrowed to; None is everything."""

    team: str | None = None
    agent_id: str | None = None
    behaviour: str | None = None
    outcome: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class OpenDecision:
    """A decision to be judged. `before` is the outcome an earlier version gave, where it is another."""

    decision_id: str
    call_id: str
    agent_id: str | None
    team: str | None
    behaviour: str
    outcome: str
    before: str | None
    score: float
    stake: float
    happened_at: datetime


@dataclass(frozen=True, slots=True)
class SampledCall:
    """A call of the random sample that nobody has read yet."""

    call_id: str
    agent_id: str | None
    team: str | None
    happened_at: datetime


def open_decisions(
    connection: Connection, filters: Filters, *, user_id: str, behaviours: Sequence[str], each: int
) -> list[OpenDecision]:
    """Return for each behaviour the open decisions with most at stake that nobody else works on."""
    chosen = [one for one in behaviours if filters.behaviour in {None, one}]
    if not chosen:
        return []
    parts = [
        select(_top(one, filters, user_id, each).subquery())  # a part with its own order must be a subquery
        for one in chosen
    ]
    return [OpenDecision(**row._mapping) for row in connection.execute(union_all(*parts))]  # noqa: SLF001


def changed_decisions(connection: Connection, filters: Filters, *, user_id: str, limit: int) -> list[OpenDecision]:
    """Return open decisions that an earlier version of playbook or model would have made otherwise."""
    # The index of changed decisions is small; told of a behaviour too, planners take a larger one.
    found = (
        select(*_columns())
        .where(decisions.c.before.is_not(None), _narrowed(filters), _free(decisions.c.decision_id, user_id))
        .order_by(decisions.c.stake.desc())
        .limit(limit if filters.behaviour is None else limit * CHANGED_LOOKED_AT)
    )
    told = [OpenDecision(**row._mapping) for row in connection.execute(found)]  # noqa: SLF001
    return [one for one in told if filters.behaviour in {None, one.behaviour}][:limit]


def sampled_calls(connection: Connection, filters: Filters, *, user_id: str, limit: int) -> list[SampledCall]:
    """Return sampled calls that nobody has read."""
    wanted = [calls.c.sampled, calls.c.read_at.is_(None), calls.c.purged_at.is_(None)]
    wanted += [calls.c.team == filters.team] if filters.team else []
    wanted += [calls.c.agent_id == filters.agent_id] if filters.agent_id else []
    item = literal("call:").concat(calls.c.call_id)
    rows = connection.execute(select(calls).where(*wanted, _free(item, user_id)).order_by(calls.c.call_id).limit(limit))
    return [SampledCall(row.call_id, row.agent_id, row.team, row.started_at or row.filled_at) for row in rows]


def appealed_decisions(connection: Connection, *, user_id: str, limit: int) -> list[OpenDecision]:
    """Return the decisions whose appeals wait, oldest first, that nobody else works on; whoever asked decides none."""
    asked = exists().where(
        appeal_steps.c.appeal_id == appeals.c.appeal_id,
        appeal_steps.c.state == "requested",
        appeal_steps.c.user_id == user_id,
    )
    rows = connection.execute(
        select(*_columns())
        .join(appeals, appeals.c.decision_id == decisions.c.decision_id)
        .where(appeals.c.state.in_(("requested", "under_review")), ~asked, _free(decisions.c.decision_id, user_id))
        .order_by(appeals.c.opened_at)
        .limit(limit)
    )
    return [OpenDecision(**row._mapping) for row in rows]  # noqa: SLF001


def second_reviews_for(connection: Connection, *, user_id: str, limit: int) -> list[OpenDecision]:
    """Return the decisions that wait for a second, blind review by somebody who did not give the first."""
    rows = connection.execute(
        select(*_columns())
        .join(second_reviews, second_reviews.c.decision_id == decisions.c.decision_id)
        .where(
            second_reviews.c.state == "pending",
            decisions.c.state == "judged",
            with_words(),
            second_reviews.c.first_by != user_id,
            _free(decisions.c.decision_id, user_id),
        )
        .order_by(second_reviews.c.decision_id)
        .limit(limit)
    )
    return [OpenDecision(**row._mapping) for row in rows]  # noqa: SLF001


def claim(connection: Connection, item: str, *, user_id: str) -> bool:
    """Claim an item for some minutes; False where somebody else has it. One statement decides: nobody gets it twice."""
    present = now()
    connection.execute(
        delete(claims).where((claims.c.item == item) & or_(claims.c.user_id == user_id, claims.c.until < present))
    )
    upsert(
        connection,
        claims,
        [{"item": item, "user_id": user_id, "until": present + timedelta(minutes=CLAIM_MINUTES)}],
    )
    return connection.scalar(select(claims.c.user_id).where(claims.c.item == item)) == user_id


def item_of_call(connection: Connection, call_id: str) -> str:
    """Return what a call is claimed by that is to be read as a whole.

    Raises:
        UnknownItemError: there is no such call.
    """
    if connection.scalar(select(calls.c.call_id).where(calls.c.call_id == call_id)) is None:
        raise UnknownItemError("there is no such call")
    return f"call:{call_id}"


def release(connection: Connection, item: str, *, user_id: str) -> None:
    """Give an item back."""
    connection.execute(delete(claims).where((claims.c.item == item) & (claims.c.user_id == user_id)))


def claimed_by(connection: Connection, item: str) -> str | None:
    """Return who works on an item."""
    return connection.scalar(select(claims.c.user_id).where((claims.c.item == item) & (claims.c.until >= now())))


def teams(connection: Connection, *, limit: int = 200) -> list[str]:
    """Return the names of the teams whose calls are there: found one after the other along the index."""
    found: list[str] = []
    while len(found) < limit:
        after = decisions.c.team > found[-1] if found else decisions.c.team.is_not(None)
        name = connection.scalar(
            select(decisions.c.team).where(decisions.c.state == "open", after).order_by(decisions.c.team).limit(1)
        )
        if name is None:
            break
        found.append(name)
    return found


def _columns() -> list[Any]:
    return [decisions.c[name] for name in OpenDecision.__dataclass_fields__]


def _top(behaviour: str, filters: Filters, user_id: str, each: int) -> Select[Any]:
    return (
        select(*_columns())
        .where(decisions.c.behaviour == behaviour, _narrowed(filters), _free(decisions.c.decision_id, user_id))
        .order_by(decisions.c.stake.desc())
        .limit(each)
    )


def _narrowed(filters: Filters) -> ColumnElement[bool]:
    wanted: list[ColumnElement[bool]] = [decisions.c.state == "open", with_words()]
    wanted += [
        decisions.c[name] == getattr(filters, name)
        for name in ("team", "agent_id", "outcome")
        if getattr(filters, name)
    ]
    wanted += [decisions.c.happened_at >= filters.since] if filters.since else []
    wanted += [decisions.c.happened_at < filters.until] if filters.until else []
    return and_(*wanted)


def _free(item: ColumnElement[str], user_id: str) -> ColumnElement[bool]:
    """Say that nobody else works on an item."""
    taken = exists().where((claims.c.item == item) & (claims.c.user_id != user_id) & (claims.c.until >= now()))
    return ~taken
