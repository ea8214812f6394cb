"""Thresholds are written into a behaviour's file, whatever else an analyst wrote there."""

import json
import shutil
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import numpy as np
import pytest
import yaml

from detector.errors import DetectorError
from detector.playbook import DEFAULT_FOLDER, Playbook, load_playbook
from models.evaluation import evaluate
from models.labels import EXAMPLES_FOLDER, Observation
from models.registry import CARD, load
from models.train import Trained, truth_of
from pipelines.flows import train as flow
from pipelines.flows.train import write_thresholds
from pipelines.nlp import SpacyReader


@pytest.mark.parametrize(
    "text",
    [
        "thresholds:\n  award: 0.9\n  review: 0.5\nexamples: [a]\n",
        "thresholds:\n  award: 0.9\n\n  review: 0.5\n\n# of the examples\nexamples: [a]\n",
        "thresholds:\n  award: 0.9\n# a note\n  review: 0.5\nexamples: [a]\n",
        "examples: [a]\nthresholds:\n  award: 0.9\n  review: 0.5",
        "thresholds: {award: 0.9, review: 0.5}\nexamples: [a]\n",
    ],
    ids=["plain", "an empty line", "a comment", "no line's end", "one line"],
)
def test_the_whole_block_is_replaced_and_the_rest_stands(tmp_path: Path, text: str) -> None:
    """Nothing of the old thresholds is left beside the new ones, and nothing else goes."""
    file = tmp_path / "wish_well.yaml"
    file.write_text(text)
    flags = np.array([[True], [False]])
    told = evaluate(
        name="made up",
        behaviours=["wish_well"],
        truth=flags,
        scores=flags.astype(float),
        found=flags,
        awarded=flags,
        call_ids=["a", "b"],
    )

    write_thresholds(told, {"wish_well": (0.8, 0.4)}, tmp_path)

    made = yaml.safe_load(file.read_text())
    assert made.keys() == {"thresholds", "examples"}
    assert (made["thresholds"]["award"], made["thresholds"]["review"]) == (0.8, 0.4)


def knowing_all(observations: Sequence[Observation], behaviours: Sequence[str], *, jobs: int) -> Trained:
    """Return the shipped weights as if they had been trained in no time, and had scored everything right."""
    assert jobs
    truth = truth_of(observations, behaviours)
    return Trained(load().weights, truth.astype(float), truth)


def test_a_model_names_the_playbook_with_the_thresholds_written_for_it(
    playbook: Playbook, reader: SpacyReader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Manifest and card tell the version of the playbook that is there after training, not of the one before it."""
    written = Path(shutil.copytree(DEFAULT_FOLDER, tmp_path / "playbook"))
    some = (EXAMPLES_FOLDER / "turns" / "wish_well.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)[:60]
    (tmp_path / "examples" / "turns").mkdir(parents=True)
    (tmp_path / "examples" / "turns" / "wish_well.jsonl").write_text("".join(some), encoding="utf-8")
    monkeypatch.setattr(flow, "train", knowing_all)

    flow.learn(
        playbook=playbook,
        reader=reader,
        folder=tmp_path / "model",
        examples=tmp_path / "examples",
        today=date(2026, 3, 2),
        thresholds_to=written,
    )

    version = load_playbook(written).version
    assert playbook.version != version
    assert version == json.loads((tmp_path / "model" / "model.json").read_text())["playbook_version"]
    assert f"playbook {version}." in (tmp_path / "model" / CARD).read_text(encoding="utf-8")


def test_a_file_without_thresholds_is_told_before_the_work(
    playbook: Playbook, reader: SpacyReader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is trained for thresholds that there is no place for, and no file is written to."""
    written = Path(shutil.copytree(DEFAULT_FOLDER, tmp_path / "playbook"))
    (written / "wish_well.yaml").write_text("id: wish_well\n")
    monkeypatch.setattr(flow, "train", lambda *_, **__: pytest.fail("it began"))

    with pytest.raises(DetectorError, match=r"wish_well\.yaml: has no `thresholds:` block to write to"):
        flow.learn(
            playbook=playbook, reader=reader, folder=tmp_path / "model", today=date(2026, 3, 2), thresholds_to=written
        )
