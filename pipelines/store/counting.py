"""Counts that figures are made of: of what was judged, of what the random sample shows, of weeks."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Integer, case, cast, func, select

from pipelines.store.conditions import left_open, with_words
from pipelines.store.tables import calls, decisions, verdicts

BANDS = 10


@dataclass(frozen=True, slots=True)
class Band:
    """Of one behaviour and outcome, in one tenth of the score: how many were judged, how many of them correct.

    `outcome` is shadow where outside the shadow it would have been an award, and review where it would have been that.
    """

    behaviour: str
    outcome: str
    band: int
    judged: int
    correct: int


@dataclass(frozen=True, slots=True)
class Sampled:
    """In sampled calls that were read: decisions confirmed and rejected, and what was missed."""

    behaviour: str
    correct: int
    rejected: int
    missed: int


@dataclass(frozen=True, slots=True)
class Week:
    """Decisions of a behaviour and an outcome in a week (told by its Monday), and their mean score."""

    week: str
    behaviour: str
    outcome: str
    count: int
    mean_score: float


def bands(connection: Connection, *, award: Mapping[str, float]) -> list[Band]:
    """Return what was judged by band of score; what nobody's machine saw has no score and is left out.

    `award` is the score from which each behaviour of the playbook is awarded.
    """
    tenth = func.floor(verdicts.c.score * BANDS)
    band = cast(case((tenth >= BANDS, BANDS - 1), else_=tenth), Integer)
    below = verdicts.c.score < case(dict(award), value=verdicts.c.behaviour, else_=0.0)
    outcome = case((below & (verdicts.c.outcome == "shadow"), "review"), else_=verdicts.c.outcome)
    query = (
        select(verdicts.c.behaviour, outcome, band.label("band"), func.count(), func.sum(_is("correct")))
        .where(verdicts.c.standing & verdicts.c.score.is_not(None))
        .group_by(verdicts.c.behaviour, outcome, band)
    )
    return [Band(*row) for row in connection.execute(query)]


def sampled(connection: Connection, *, behaviours: Collection[str]) -> list[Sampled]:
    """Return what sampled calls that were read as a whole show: the only verdicts nobody chose.

    A call counts once all its decisions on `behaviours` are judged: what was missed in it counts at once, so must
    what was found.
    """
    rejected = case((verdicts.c.kind.in_(("wrong_words", "wrong_sense", "wrong_speaker")), 1), else_=0)
    query = (
        select(verdicts.c.behaviour, func.sum(_is("correct")), func.sum(rejected), func.sum(_is("missed")))
        .join(calls, calls.c.call_id == verdicts.c.call_id)
        .where(verdicts.c.standing & calls.c.sampled & calls.c.read_at.is_not(None))
        .where(~left_open(calls.c.call_id, behaviours))
        .group_by(verdicts.c.behaviour)
    )
    return [Sampled(*row) for row in connection.execute(query)]


def weeks(connection: Connection, *, limit: int = 12) -> list[Week]:
    """Return the volume of the last weeks, oldest first."""
    week = _week(connection)
    query = (
        select(
            week.label("week"), decisions.c.behaviour, decisions.c.outcome, func.count(), func.avg(decisions.c.score)
        )
        .where(decisions.c.state != "retracted")
        .group_by(week, decisions.c.behaviour, decisions.c.outcome)
        .order_by(week)
    )
    found = [Week(*row) for row in connection.execute(query)]
    kept = set(sorted({one.week for one in found})[-limit:])
    return [one for one in found if one.week in kept]


def judged_by_person(connection: Connection) -> list[tuple[str, int]]:
    """Return how many verdicts that stand each person has given."""
    query = (
        select(verdicts.c.reviewer, func.count())
        .where(verdicts.c.standing)
        .group_by(verdicts.c.reviewer)
        .order_by(func.count().desc())
    )
    return [(row[0], row[1]) for row in connection.execute(query)]


def open_by_behaviour(connection: Connection) -> dict[str, int]:
    """Return how many reviews wait, of each behaviour; none waits whose call was purged."""
    query = (
        select(decisions.c.behaviour, func.count())
        .where((decisions.c.state == "open") & (decisions.c.outcome == "review"), with_words())
        .group_by(decisions.c.behaviour)
    )
    return {row[0]: row[1] for row in connection.execute(query)}


def _is(kind: str) -> ColumnElement[Any]:
    return case((verdicts.c.kind == kind, 1), else_=0)


def _week(connection: Connection) -> ColumnElement[str]:
    """Return the Monday of a decision's week, as an ISO date."""
    if connection.dialect.name == "postgresql":
        return func.to_char(func.date_trunc("week", decisions.c.happened_at), "YYYY-MM-DD")
    return func.date(decisions.c.happened_at, "weekday 0", "-6 days")
