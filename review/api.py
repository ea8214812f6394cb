"""The same over JSON: what the pages do, for programs. The session's cookie and X-CSRF-Token let them in."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field

from detector.judgement import VerdictKind
from pipelines.store import appealing, calibrating, judging
from pipelines.store.accounts import Role
from review.pages.measuring import quality_of
from review.pages.working import call_view, filters_of, queue_of
from review.visit import Visited

Told = Annotated[str, Field(max_length=judging.MAX_NOTE)]
Name = Annotated[str, Query(max_length=512)]


class Asked(BaseModel):
    """What is sent in: a field that is not known is a mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class VerdictIn(Asked):
    """A verdict; `seen` is the tag of the decision as it was looked at."""

    kind: VerdictKind
    seen: Annotated[str, Field(max_length=600)]
    note: Told = ""


class MissedIn(Asked):
    """A behaviour that the machine did not see, in a range of characters of a turn."""

    call_id: Annotated[str, Field(max_length=512)]
    turn_id: Annotated[str, Field(max_length=1024)]
    behaviour: Annotated[str, Field(max_length=64)]
    start: Annotated[int, Field(ge=0, le=1_000_000)]
    end: Annotated[int, Field(ge=1, le=1_000_000)]
    note: Told = ""


class AppealIn(Asked):
    """Why a decision should be looked at again."""

    note: Told


class Problem(BaseModel):
    """What is wrong, in a sentence."""

    detail: str


class Made(BaseModel):
    """The id of what was made; None of a second review, which is not told before both are in."""

    id: str | None


class ItemOut(BaseModel):
    """One thing to look at, and why."""

    model_config = ConfigDict(from_attributes=True)

    call_id: str
    decision_id: str | None
    behaviour: str | None
    outcome: str | None
    agent_id: str | None
    team: str | None
    score: float | None
    happened_at: datetime
    reasons: tuple[str, ...]


class AppealOut(BaseModel):
    """An appeal with its history."""

    model_config = ConfigDict(from_attributes=True)

    appeal_id: str
    decision_id: str
    call_id: str
    behaviour: str
    state: str
    opened_at: datetime
    steps: tuple[Any, ...]


def openapi(visit: Visited) -> dict[str, Any]:
    """Return the description of this interface."""
    described: dict[str, Any] = visit.request.app.openapi()
    return described


def queue(
    visit: Visited,
    team: Name = "",
    agent: Name = "",
    behaviour: Name = "",
    outcome: Name = "",
    since: Name = "",
    until: Name = "",
) -> list[ItemOut]:
    """Return what to look at next, first things first."""
    filters = filters_of(team=team, agent=agent, behaviour=behaviour, outcome=outcome, since=since, until=until)
    return [ItemOut.model_validate(one) for one in queue_of(visit, filters)]


def call(visit: Visited, call_id: str) -> dict[str, Any]:
    """Return a call with its turns, decisions and the verdicts that the asker may know.

    Agents have no use for `seen`, which changes with a verdict that they may not know of yet.
    """
    shown = call_view(visit, call_id)
    hidden = {"seen"} if visit.user.role is Role.AGENT else set()
    return {
        "call_id": shown.call.call_id,
        "agent_id": shown.call.agent_id,
        "team": shown.call.team,
        "started_at": shown.call.started_at,
        "turns": [one.turn for one in shown.turns],
        "decisions": [
            one.decision.model_dump(mode="json")
            | {name: getattr(one, name) for name in ("seen", "blind", "verdict") if name not in hidden}
            for one in shown.decisions
        ],
        "missed": shown.missed,
        "scorecard": shown.call.scorecard,
    }


def judge(visit: Visited, decision_id: str, told: VerdictIn) -> Made:
    """Record a verdict; 409 where somebody decided meanwhile."""
    with visit.workbench.store.writing() as connection:
        made = calibrating.decide(
            connection,
            decision_id,
            kind=told.kind,
            note=told.note,
            reviewer=visit.user.user_id,
            bench=visit.workbench.bench,
            seen=told.seen,
        )
    return Made(id=made)


def undo(visit: Visited, verdict_id: str) -> Made:
    """Take a verdict back that is not yet sent; return the decision it was of."""
    with visit.workbench.store.writing() as connection:
        return Made(id=judging.undo(connection, verdict_id, reviewer=visit.user.user_id))


def miss(visit: Visited, told: MissedIn) -> Made:
    """Record a behaviour that the machine did not see."""
    with visit.workbench.store.writing() as connection:
        made = judging.miss(connection, **told.model_dump(), reviewer=visit.user.user_id, bench=visit.workbench.bench)
    return Made(id=made)


def appeals(visit: Visited) -> list[AppealOut]:
    """Return appeals; an agent's own only."""
    with visit.workbench.store.reading() as connection:
        return [AppealOut.model_validate(one) for one in appealing.listed(connection, user=visit.user)]


def appeal(visit: Visited, decision_id: str, told: AppealIn) -> Made:
    """Ask for another look at a decision."""
    with visit.workbench.store.writing() as connection:
        days = visit.workbench.appeal_days
        return Made(id=appealing.request(connection, decision_id, by=visit.user, note=told.note, days=days))


def figures(visit: Visited) -> list[dict[str, Any]]:
    """Return what is known of each behaviour."""
    return [
        {
            "behaviour": one.behaviour,
            "safe": one.safety.word,
            "told": one.safety.told,
            "more_labels": one.safety.more,
            "judged_awards": one.awards.of,
            "waiting": one.waiting,
        }
        for one in quality_of(visit)
    ]
