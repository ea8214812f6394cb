"""What leaves the store: training labels, rows of decisions, Label Studio tasks; and Label Studio's answers back in."""

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import Connection, select

from detector.judgement import VerdictKind
from pipelines.store.engine import Store
from pipelines.store.faults import UnfitError
from pipelines.store.judging import Bench, miss
from pipelines.store.reading import ReviewedCall, whole_call
from pipelines.store.tables import calls, decisions, verdicts

SPEAKERS = {"agent": "a", "customer": "c"}
DECISION_COLUMNS = (
    "decision_id", "call_id", "agent_id", "team", "behaviour", "outcome", "score", "state", "happened_at",
    "verdict", "reviewer", "decided_at",
)  # fmt: skip


def training_calls(connection: Connection) -> Iterator[dict[str, Any]]:
    """Yield the judged calls as labelled calls for `detector train`: `turns` of speaker, words and labels.

    Of a turn, labels are the behaviours confirmed or missed. Only calls that were read as a whole are told: in
    another, a turn without a label might only not have been looked at. Purged calls have no words left.
    """
    read = select(calls.c.call_id).where(calls.c.read_at.is_not(None), calls.c.purged_at.is_(None))
    for call_id in list(connection.scalars(read.order_by(calls.c.call_id))):
        yield _labelled(whole_call(connection, call_id))


def decision_rows(connection: Connection) -> Iterator[dict[str, Any]]:
    """Yield every decision with the verdict that stands of it, without words."""
    query = (
        select(
            *(decisions.c[name] for name in DECISION_COLUMNS[:9]),
            verdicts.c.kind.label("verdict"),
            verdicts.c.reviewer,
            verdicts.c.decided_at,
        )
        .outerjoin(verdicts, (verdicts.c.decision_id == decisions.c.decision_id) & verdicts.c.standing)
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

    A span of a behaviour the machine decided on itself is left: it is judged here, not there.
    """
    taken = left = 0
    for task, label in _labels(tasks):
        try:
            with store.writing() as connection:
                miss(
                    connection,
                    call_id=str(task["call_id"]),
                    turn_id=str(task["turn_id"]),
                    behaviour=label["labels"][0],
                    start=int(label["start"]),
                    end=int(label["end"]),
                    note="from Label Studio",
                    reviewer=reviewer,
                    bench=bench,
                )
            taken += 1
        except UnfitError:
            left += 1
    return taken, left


def _labels(tasks: list[Any]) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    try:
        for task in tasks:
            for annotation in task["annotations"]:
                for result in annotation["result"]:
                    yield task["data"], result["value"]
    except (KeyError, TypeError, ValueError):
        raise UnfitError("this is no Label Studio export: tasks have data, annotations and their results") from None


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
