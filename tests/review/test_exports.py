"""Files out and in: what cannot be taken or made is told, and nothing is half done."""

import json
import sys
from typing import Any

import pytest

from pipelines.store.accounts import Role

SPAN = {"start": 0, "end": 4, "labels": ["apologise"]}


def annotated(value: Any, **data: str) -> dict[str, Any]:
    """Return a task of Label Studio with one result."""
    return {"data": {"call_id": "c1", "turn_id": "c1:1"} | data, "annotations": [{"result": [{"value": value}]}]}


def upload(client: Any, *tasks: Any) -> Any:
    """Send tasks as Label Studio exports them."""
    return client.post("/exports/label-studio", files={"file": ("x.json", json.dumps(tasks), "application/json")})


@pytest.mark.parametrize(
    "other",
    [
        annotated({"choices": ["x"]}),
        annotated("words"),
        annotated(SPAN | {"labels": []}),
        annotated(SPAN | {"start": "early"}),
        annotated(SPAN, call_id="gone"),
        annotated(SPAN | {"labels": ["wish_well"]}),
        annotated(SPAN, turn_id="c1:0"),
    ],
)
def test_marks_that_do_not_fit_are_left(visitor: Any, other: dict[str, Any]) -> None:
    """No span, of no call here, of what the machine saw, of a customer's turn: that is left; the others are taken."""
    answer = upload(visitor(Role.LEAD), other, annotated(SPAN))

    assert 200 == answer.status_code
    assert "1 marks taken in, 1 left" in answer.text


def test_marks_are_taken_in_once(visitor: Any) -> None:
    """Whoever imports a turn's mark again, or another one, changes nothing; the first one stands and can be undone."""
    one, two = visitor(Role.LEAD, "one"), visitor(Role.LEAD, "two")
    upload(one, annotated(SPAN))
    (taken,) = one.get("/api/calls/c1").json()["missed"]

    answers = [
        upload(one, annotated(SPAN)),
        upload(one, annotated(SPAN | {"end": 5})),
        upload(two, annotated(SPAN)),
        upload(two, annotated(SPAN | {"end": 5})),
    ]

    assert [True] * 4 == ["0 marks taken in, 1 left" in one.text for one in answers]
    assert [taken] == one.get("/api/calls/c1").json()["missed"]
    assert 200 == one.post(f"/api/verdicts/{taken['verdict_id']}/undo").status_code


def test_file_that_is_no_export_changes_nothing(visitor: Any) -> None:
    """Where a task has no annotations nothing is taken, whatever stands before it."""
    lead = visitor(Role.LEAD)

    assert 422 == upload(lead, annotated(SPAN), {"data": {}}).status_code
    assert [] == lead.get("/api/calls/c1").json()["missed"]


def test_parquet_without_its_extra_is_told(visitor: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Instead of an empty file there is a message that names the extra; nothing is noted as exported."""
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    admin = visitor(Role.ADMIN)

    answer = admin.get("/exports/decisions.parquet")

    assert 422 == answer.status_code
    assert "extra &#39;parquet&#39;" in answer.text
    assert "exported" not in admin.get("/trail").text
