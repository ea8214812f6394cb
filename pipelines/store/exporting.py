"""What leaves the store: training labels, rows of decisions, Label Studio tasks; and Label Studio's answers back in."""

from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, exists, select

from detector.decision import decision_id
from detector.judgement import VerdictKind
from pipelines.store.conditions import first_word_hidden, left_open
from pipelines.store.engine import Store, UnstorableError
from pipelines.store.faults import StaleError, UnfitError, UnknownItemError
from pipelines.store.judging import Bench, mark_of_missed, miss
from pipelines.store.reading import ReviewedCall, whole_call
from pipelines.store.tables import calls, decisions, second_reviews, verdicts

SPEAKERS = {"agent": "a", "customer": "c"}
DECISION_COLUMNS = (
    "decision_id", "call_id", "agent_id", "team", "behaviour", "outcome", "score", "state", "happened_at",
    "verdict", "reviewer", "decided_at",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Span:
    """A behaviour that somebody marked in a range of characters of a turn."""

    call_id: str
    turn_id: str
    behaviour: str
    start: int
    end: int


def training_calls(connection: Connection, *, user_id: str, behaviours: Collection[str]) -> Iterator[dict[str, Any]]:
    """Yield the judged calls as labelled calls for `detector train`: `turns` of speaker, words and labels.

    Of a turn, labels are the behaviours confirmed or missed. Only calls that were read as a whole, and whose every
    decision on `behaviours` is judged, are told: in another, a turn without a label might only not have been looked
    at. Purged calls have no words left. A call waits for its second reviews, unless the user gave the first.
    """
    read = select(calls.c.call_id).where(
        calls.c.read_at.is_not(None), calls.c.purged_at.is_(None), ~left_open(calls.c.call_id, behaviours)
    )
    blind = exists().where(
        second_reviews.c.call_id == calls.c.call_id,
        second_reviews.c.decision_id == decisions.c.decision_id,
        second_reviews.c.behaviour.in_(list(behaviours)),
        decisions.c.state == "judged",  # of a retracted one the second review never comes
        first_word_hidden(user_id),
    )
    for call_id in list(connection.scalars(read.where(~blind).order_by(calls.c.call_id))):
        yield _labelled(whole_call(connection, call_id))


def decision_rows(connection: Connection, *, user_id: str) -> Iterator[dict[str, Any]]:
    """Yield every decision with the verdict that stands of it, if the user may know that yet; without words."""
    told = verdicts.c.standing & ~exists().where(
        second_reviews.c.decision_id == verdicts.c.decision_id, first_word_hidden(user_id)
    )
    query = (
        select(
            *(decisions.c[name] for name in DECISION_COLUMNS[:9]),
            verdicts.c.kind.label("verdict"),
            verdicts.c.reviewer,
            verdicts.c.decided_at,
        )
        .select_from(decisions)
        .outerjoin(verdicts, (verdicts.c.decision_id == decisions.c.decision_id) & told)
        .order_by(decisions.c.call_id, decisions.c.decision_id)
    )
    for row in connection.execution_options(yield_per=1000).execute(query):
        yield dict(row._mapping)  # noqa: SLF001


def label_studio_tasks(connection: Connection, *, limit: int = 1_000) -> Iterator[dict[str, Any]]:
    """Yield sampled calls as Label Studio tasks, a task an agent's turn, decisions as predictions."""
    wanted = select(calls.c.call_id).where(calls.c.sampled, calls.c.purged_at.is_(None)).limit(limit)
    for call_id in list(connection.scalars(wanted)):
        call = whole_call(connection, call_id)
        for turn in call.turns:
            if turn.speaker == "agent":
                yield _task(call, turn.turn_id, turn.words)


def take_label_studio(store: Store, tasks: list[Any], *, reviewer: str, bench: Bench) -> tuple[int, int]:
    """Take spans that people marked in Label Studio as missed behaviours; return how many were taken and left.

    Left is what is no span of an agent's turn that is here, a span of a behaviour the machine decided on itself, which
    is judged here, not there, and one where a mark of the behaviour stands in the turn.

    Raises:
        UnfitError: these are no tasks of Label Studio; nothing was taken.
    """
    spans = _spans(tasks)
    return (taken := sum(_taken(store, one, reviewer, bench) for one in spans)), len(spans) - taken


def _spans(tasks: list[Any]) -> list[_Span | None]:
    """Return what is marked in each result; None where that is not a labelled range of words."""
    try:
        return [
            _span(task["data"], result["value"])
            for task in tasks
            for annotation in task["annotations"]
            for result in annotation["result"]
        ]
    except (KeyError, TypeError):
        raise UnfitError("this is no Label Studio export: tasks have data, annotations and their results") from None


def _span(data: Any, value: Any) -> _Span | None:
    try:
        place = str(data["call_id"]), str(data["turn_id"])
        return _Span(*place, str(value["labels"][0]), int(value["start"]), int(value["end"]))
    except (KeyError, TypeError, ValueError, IndexError, OverflowError):
        return None


def _taken(store: Store, span: _Span | None, reviewer: str, bench: Bench) -> bool:
    """Record a span; tell whether that could be done."""
    if span is None:
        return False
    place = {"call_id": span.call_id, "turn_id": span.turn_id, "behaviour": span.behaviour}
    try:
        with store.writing() as connection:
            if mark_of_missed(connection, decision_id(tenant=bench.tenant, **place)) is not None:
                return False
            miss(connection, **asdict(span), note="from Label Studio", reviewer=reviewer, bench=bench)
    except (StaleError, UnfitError, UnknownItemError, UnstorableError):
        return False
    return True


def _labelled(call: ReviewedCall) -> dict[str, Any]:
    labels: dict[str, set[str]] = {}
    for one in call.verdicts.values():
        if one.kind in {VerdictKind.CORRECT, VerdictKind.MISSED}:
            labels.setdefault(one.turn_id, set()).add(one.behaviour)
    said = [turn for turn in call.turns if turn.speaker in SPEAKERS]
    return {
        "sector": call.team or "",
        "voice": "reviewed",
        "agent_name": call.agent_name,
        "customer_name": call.customer_name,
        "turns": [[SPEAKERS[one.speaker], one.words, sorted(labels.get(one.turn_id, ()))] for one in said],
    }


def _task(call: ReviewedCall, turn_id: str, words: str) -> dict[str, Any]:
    marks = [
        {
            "id": one.decision_id,
            "from_name": "behaviour",
            "to_name": "words",
            "type": "labels",
            "score": one.score,
            "value": {
                "start": min(span.start for span in one.evidence),
                "end": max(span.end for span in one.evidence),
                "labels": [one.behaviour],
            },
        }
        for one in call.decisions
        if one.turn_id == turn_id and one.evidence
    ]
    data = {"call_id": call.call_id, "turn_id": turn_id, "words": words}
    return {"data": data, "predictions": [{"result": marks}]}
