"""Figures, as charts, tables and CSV; and what leaves the store."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import orjson
from fastapi import Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse
from starlette.datastructures import UploadFile

from pipelines.store import counting, exporting
from pipelines.store.auditing import note
from pipelines.store.counting import Week
from pipelines.store.faults import UnfitError, UnknownItemError
from review import charts
from review.quality import Quality, award_scores, qualities
from review.sizes import MAX_UPLOAD_BYTES
from review.visit import Visit, Visited


def show_figures(visit: Visited) -> Response:
    """Show what is known of each behaviour, volume by week and who judged how much."""
    told = quality_of(visit)
    with visit.workbench.store.reading() as connection:
        weeks = counting.weeks(connection)
        people = counting.judged_by_person(connection)
    floor = visit.workbench.playbook.strategy.award_precision_floor
    drawn = {
        one.behaviour: charts.precision_by_band(one.bands, floor=floor, label=f"Precision of {one.name} by score")
        for one in told
    }
    return visit.page(
        "figures.html",
        qualities=told,
        charts=drawn,
        volume=charts.bars(_volume(weeks), label="Decisions a week"),
        volumes=_volume(weeks),
        drift=_drift(weeks),
        people=people,
        floor=floor,
    )


def figures_csv(visit: Visited, name: str) -> Response:
    """Return the table behind a chart."""
    if name == "precision":
        return _csv(name, _precision_rows(quality_of(visit)))
    if name == "behaviours":
        return _csv(name, map(_behaviour_row, quality_of(visit)))
    if name == "weeks":
        with visit.workbench.store.reading() as connection:
            names = ("week", "behaviour", "outcome", "count", "mean_score")
            return _csv(name, [{key: getattr(one, key) for key in names} for one in counting.weeks(connection)])
    raise UnknownItemError("there is no such table")


def quality_of(visit: Visit) -> list[Quality]:
    """Return what is known of each behaviour."""
    with visit.workbench.store.reading() as connection:
        return qualities(
            visit.workbench.playbook,
            bands=counting.bands(connection, award=award_scores(visit.workbench.playbook)),
            sampled=counting.sampled(connection, behaviours=visit.workbench.names),
            waiting=counting.open_by_behaviour(connection),
        )


def show_exports(visit: Visited) -> Response:
    """Show what can be taken out and in."""
    return visit.page("exports.html")


def export(visit: Visited, name: str) -> Response:
    """Return a file: training labels, decisions as CSV or Parquet, or Label Studio tasks."""
    makers: Mapping[str, tuple[Callable[[Visit], Iterator[str] | Iterator[bytes]], str]] = {
        "labels.jsonl": (_labels, "application/x-ndjson"),
        "decisions.csv": (_decisions_csv, "text/csv"),
        "decisions.parquet": (_decisions_parquet, "application/vnd.apache.parquet"),
        "label-studio.json": (_label_studio, "application/json"),
    }
    if name not in makers:
        raise UnknownItemError("there is no such export")
    make, kind = makers[name]
    made = make(visit)
    with visit.workbench.store.writing() as connection:
        note(connection, visit.user.user_id, "exported", name)
    named = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(made, media_type=kind, headers=named)


async def take_label_studio(visit: Visited) -> Response:
    """Take in what people marked in Label Studio; a file is read only once it is known who sends it."""
    async with visit.request.form() as form:
        file = form.get("file")
        if not isinstance(file, UploadFile):
            raise UnfitError("choose the file to take in")
        raw = await file.read(MAX_UPLOAD_BYTES + 1)
    return await run_in_threadpool(_taken_in, visit, raw)


def _taken_in(visit: Visit, raw: bytes) -> Response:
    if len(raw) > MAX_UPLOAD_BYTES:
        raise UnfitError(f"a file has at most {MAX_UPLOAD_BYTES:,} bytes")
    try:
        tasks = orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise UnfitError("this file is not JSON") from None
    if not isinstance(tasks, list):
        raise UnfitError("this is no Label Studio export: it is a list of tasks")
    bench = visit.workbench.bench
    taken, left = exporting.take_label_studio(visit.workbench.store, tasks, reviewer=visit.user.user_id, bench=bench)
    told = (
        f"{taken} marks taken in, {left} left: what the machine saw is judged here, and some may be marked already, "
        "or be of no agent's turn here."
    )
    return visit.page("exports.html", told=told)


def _labels(visit: Visit) -> Iterator[bytes]:
    with visit.workbench.store.reading() as connection:
        for call in exporting.training_calls(connection, user_id=visit.user.user_id, behaviours=visit.workbench.names):
            yield orjson.dumps(call) + b"\n"


def _decisions_csv(visit: Visit) -> Iterator[str]:
    yield ",".join(exporting.DECISION_COLUMNS) + "\n"
    with visit.workbench.store.reading() as connection:
        for row in exporting.decision_rows(connection, user_id=visit.user.user_id):
            yield _lines([row], exporting.DECISION_COLUMNS)


def _decisions_parquet(visit: Visit) -> Iterator[bytes]:
    """Return the file as one piece, made before the answer begins: what is missing can still be told."""
    try:
        import pyarrow as pa  # noqa: PLC0415 - an optional extra
        from pyarrow import parquet  # noqa: PLC0415
    except ModuleNotFoundError:
        raise UnfitError("Parquet needs the extra 'parquet'") from None
    with visit.workbench.store.reading() as connection:
        table = pa.Table.from_pylist(list(exporting.decision_rows(connection, user_id=visit.user.user_id)))
    out = io.BytesIO()
    parquet.write_table(table, out)
    return iter((out.getvalue(),))


def _label_studio(visit: Visit) -> Iterator[str]:
    with visit.workbench.store.reading() as connection:
        yield json.dumps(list(exporting.label_studio_tasks(connection)), ensure_ascii=False)


def _csv(name: str, rows: Iterable[Mapping[str, Any]]) -> Response:
    told = list(rows)
    names = tuple(told[0]) if told else ()
    named = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
    return Response(",".join(names) + "\n" + _lines(told, names), media_type="text/csv", headers=named)


def _lines(rows: Iterable[Mapping[str, Any]], names: Iterable[str]) -> str:
    out = io.StringIO()
    csv.DictWriter(out, list(names), lineterminator="\n").writerows(
        {name: _unexecuted(value) for name, value in row.items()} for row in rows
    )
    return out.getvalue()


def _unexecuted(value: Any) -> Any:
    """Return a value that no spreadsheet takes for a formula."""
    return f"'{value}" if isinstance(value, str) and value[:1] in {"=", "+", "-", "@", "\t", "\r"} else value


def _precision_rows(told: Iterable[Quality]) -> Iterator[dict[str, Any]]:
    for one in told:
        for band in one.bands:
            share = band.precision
            yield {
                "behaviour": one.behaviour,
                "from": band.low,
                "to": band.high,
                "precision": share.value,
                "low": share.low,
                "high": share.high,
                "judged": share.of,
            }


def _behaviour_row(one: Quality) -> dict[str, Any]:
    shares = {"awards": one.awards, "sample": one.sample_precision, "recall": one.recall}
    told = {
        f"{name}_{part}": getattr(share, part)
        for name, share in shares.items()
        for part in ("value", "low", "high", "of")
    }
    return {
        "behaviour": one.behaviour,
        "safe": one.safety.word,
        "more_labels": one.safety.more,
        "waiting": one.waiting,
    } | told


def _volume(weeks: Iterable[Week]) -> list[tuple[str, int]]:
    found: dict[str, int] = {}
    for one in weeks:
        found[one.week] = found.get(one.week, 0) + one.count
    return list(found.items())


def _drift(weeks: Iterable[Week]) -> list[tuple[str, dict[str, str]]]:
    """Return for each behaviour its decisions and mean score in each week."""
    told: dict[str, dict[str, tuple[int, float]]] = {}
    for one in weeks:
        count, total = told.setdefault(one.behaviour, {}).get(one.week, (0, 0.0))
        told[one.behaviour][one.week] = (count + one.count, total + one.count * one.mean_score)
    return [
        (behaviour, {week: f"{count:,} · {total / count:.2f}" for week, (count, total) in of.items()})
        for behaviour, of in sorted(told.items())
    ]
