"""Corpora: labelled conversations as they are measured on."""

import json
from pathlib import Path

from pipelines.flows.evaluate import corpora


def test_a_conversation_that_comes_twice_is_read_once_and_told(tmp_path: Path) -> None:
    """Decisions go by a conversation's id: two of one id would be measured by the decisions of both."""
    said = [{"speaker": "agent", "text": "sorry about that", "labels": ["apologise"]}]
    rows = [{"conversation_id": name, "utterances": said} for name in ("a", "b", "a")]
    (tmp_path / "calls.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))

    (corpus,) = corpora([tmp_path])

    assert [one.call.call_id for one in corpus.calls] == ["a", "b"]
    assert [one.message for one in corpus.faults] == ["conversation a is in it twice: the first is read"]


def test_a_field_that_is_missing_is_named(tmp_path: Path) -> None:
    """What is no labelled conversation is told by the field it lacks, with its line."""
    rows = [{"call_id": "a", "turns": []}, {"utterances": []}, {"id": "b", "before": []}]
    (tmp_path / "calls.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))

    (corpus,) = corpora([tmp_path])

    assert [(one.line, one.message.rpartition(" ")[2]) for one in corpus.faults] == [
        (1, "'utterances'"),
        (2, "'id'"),
        (3, "'text'"),
    ]
