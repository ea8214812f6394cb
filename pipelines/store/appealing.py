"""Appeals: an agent, or a lead for them, asks for another look; every step says who did it and when."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import uuid4

from sqlalchemy import Connection, case, insert, select, update

from detector.judgement import VerdictKind
from pipelines.store.accounts import Role, User
from pipelines.store.auditing import note as note_audit
from pipelines.store.engine import now
from pipelines.store.faults import NotAllowedError, StaleError, UnfitError, UnknownItemError
from pipelines.store.judging import Bench, checked_note, judge, judged_blindly, locked_decision, standing
from pipelines.store.tables import appeal_steps, appeals, calls, decisions

WINDOW_DAYS = 30


class AppealState(StrEnum):
    """How far an appeal is. Upheld: the earlier word stands; overturned: it does not."""

    REQUESTED = "requested"
    UNDER_REVIEW = "under_review"
    UPHELD = "upheld"
    OVERTURNED = "overturned"


NEXT: Mapping[AppealState, frozenset[AppealState]] = {
    AppealState.REQUESTED: frozenset({AppealState.UNDER_REVIEW}),
    AppealState.UNDER_REVIEW: frozenset({AppealState.UPHELD, AppealState.OVERTURNED}),
    AppealState.UPHELD: frozenset(),
    AppealState.OVERTURNED: frozenset(),
}


@dataclass(frozen=True, slots=True)
class Step:
    """Who did what when. `user_id` is None where it is told to somebody who may not know who it was."""

    state: str
    user_id: str | None
    note: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Appeal:
    """An appeal against what was said of a decision, with its history, oldest step first."""

    appeal_id: str
    decision_id: str
    call_id: str
    agent_id: str | None
    behaviour: str
    state: AppealState
    opened_at: datetime
    steps: tuple[Step, ...]

    @property
    def is_open(self) -> bool:
        """Tell whether somebody still has to do something."""
        return bool(NEXT[self.state])


def request(connection: Connection, identifier: str, *, by: User, note: str, days: int = WINDOW_DAYS) -> str:
    """Ask for another look at a decision; return the appeal's id.

    Raises:
        UnknownItemError: there is no such decision.
        NotAllowedError: it is not the agent's own.
        StaleError: the window is over, or an appeal is open already.
        UnfitError: no reason is given, or too long a one.
    """
    row = locked_decision(connection, identifier)
    if by.role is Role.AGENT and (by.agent_id is None or row.agent_id != by.agent_id):
        raise UnknownItemError("there is no such decision")
    reason = checked_note(note)
    if not reason:
        raise UnfitError("say why it should be looked at again")
    filled = connection.scalar(select(calls.c.filled_at).where(calls.c.call_id == row.call_id))
    if filled is not None and now() - filled > timedelta(days=days):
        raise StaleError(f"an appeal can be made within {days} days")
    known = connection.scalars(select(appeals.c.state).where(appeals.c.decision_id == identifier))
    if any(NEXT[AppealState(state)] for state in known):
        raise StaleError("an appeal against this decision is under way")
    appeal_id = str(uuid4())
    told = {"appeal_id": appeal_id, "decision_id": identifier, "call_id": row.call_id, "agent_id": row.agent_id}
    connection.execute(insert(appeals).values(**told, state=AppealState.REQUESTED.value, opened_at=now()))
    _step(connection, appeal_id, AppealState.REQUESTED, by.user_id, reason)
    return appeal_id


def advance(
    connection: Connection,
    appeal_id: str,
    *,
    to: AppealState,
    by: User,
    note: str,
    bench: Bench,
    kind: VerdictKind | None = None,
) -> None:
    """Take an appeal a step on; overturning one gives the verdict that now holds.

    Raises:
        UnknownItemError: there is no such appeal.
        StaleError: somebody took it on meanwhile.
        NotAllowedError: whoever asked cannot also decide.
        UnfitError: overturned without a verdict or by the one that stands, or the playbook no longer has the behaviour.
    """
    row = connection.execute(select(appeals).where(appeals.c.appeal_id == appeal_id).with_for_update()).one_or_none()
    if row is None:
        raise UnknownItemError("there is no such appeal")
    if to not in NEXT[AppealState(row.state)]:
        raise StaleError(f"this appeal is {row.state.replace('_', ' ')} already")
    first = connection.scalar(
        select(appeal_steps.c.user_id).where(appeal_steps.c.appeal_id == appeal_id).order_by(appeal_steps.c.number)
    )
    if first == by.user_id:
        raise NotAllowedError("whoever asked cannot also decide")
    decision = locked_decision(connection, row.decision_id)  # what an appeal is decided on is not undone meanwhile
    if to is AppealState.OVERTURNED:
        if kind is None:
            raise UnfitError("say which verdict holds now")
        if not bench.playbook.has(decision.behaviour):
            raise UnfitError("the playbook no longer has this behaviour: the appeal can only be upheld")
        _check_overturns(connection, row.decision_id, kind, by=by)
        judge(connection, row.decision_id, kind=kind, note=note, reviewer=by.user_id, bench=bench)
    connection.execute(update(appeals).where(appeals.c.appeal_id == appeal_id).values(state=to.value))
    _step(connection, appeal_id, to, by.user_id, checked_note(note))


def listed(connection: Connection, *, user: User, limit: int = 200) -> list[Appeal]:
    """Return appeals: the open ones, oldest first, then the others, newest first; an agent's are their own only.

    Agents learn neither who decides nor the note of a verdict, whoever is due to judge blindly no note on the outcome.
    """
    query = select(appeals, decisions.c.behaviour).join(decisions, decisions.c.decision_id == appeals.c.decision_id)
    if user.role is Role.AGENT:
        query = query.where(appeals.c.agent_id == (user.agent_id or ""))
    waits = appeals.c.state.in_([state.value for state in AppealState if NEXT[state]])
    order = (waits.desc(), case((waits, appeals.c.opened_at)), appeals.c.opened_at.desc())
    rows = connection.execute(query.order_by(*order).limit(limit)).all()
    steps = _steps(connection, [row.appeal_id for row in rows])
    blind = judged_blindly(connection, {row.decision_id for row in rows}, user_id=user.user_id)
    return [
        Appeal(
            row.appeal_id,
            row.decision_id,
            row.call_id,
            row.agent_id,
            row.behaviour,
            AppealState(row.state),
            row.opened_at,
            tuple(_as_told(one, user, blind=row.decision_id in blind) for one in steps.get(row.appeal_id, ())),
        )
        for row in rows
    ]


def _check_overturns(connection: Connection, identifier: str, kind: VerdictKind, *, by: User) -> None:
    """Refuse to overturn a verdict by its like; nothing is told of a first word that may not be known yet.

    Raises:
        UnfitError: this verdict stands already.
    """
    stands = standing(connection, identifier)
    if stands is None or stands.kind != kind.value or judged_blindly(connection, {identifier}, user_id=by.user_id):
        return
    raise UnfitError(f"'{kind.replace('_', ' ')}' stands already: uphold the appeal, or give another verdict")


def _steps(connection: Connection, appeal_ids: list[str]) -> dict[str, list[Step]]:
    found: dict[str, list[Step]] = {}
    query = select(appeal_steps).where(appeal_steps.c.appeal_id.in_(appeal_ids)).order_by(appeal_steps.c.number)
    for row in connection.execute(query):
        found.setdefault(row.appeal_id, []).append(Step(row.state, row.user_id, row.note, row.at))
    return found


def _as_told(step: Step, user: User, *, blind: bool) -> Step:
    """Return a step as a user may know it; all of one's own."""
    if step.user_id == user.user_id:
        return step
    is_agent, decides = user.role is Role.AGENT, step.state != AppealState.REQUESTED
    hidden = step.state == AppealState.OVERTURNED if is_agent else blind
    return replace(
        step,
        user_id=None if is_agent and decides else step.user_id,
        note="" if hidden and decides else step.note,
    )


def _step(connection: Connection, appeal_id: str, state: AppealState, user_id: str, note: str) -> None:
    connection.execute(
        insert(appeal_steps).values(appeal_id=appeal_id, state=state.value, user_id=user_id, note=note, at=now())
    )
    note_audit(connection, user_id, f"appeal {state.value.replace('_', ' ')}", appeal_id)
