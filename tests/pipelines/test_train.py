"""Thresholds are written into a behaviour's file, whatever else an analyst wrote there."""

from pathlib import Path

import numpy as np
import pytest
import yaml

from models.evaluation import evaluate
from models.registry import load
from pipelines.flows.train import Run, write_thresholds


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

    write_thresholds(Run(load(), {"wish_well": (0.8, 0.4)}, told, told, 2), tmp_path)

    made = yaml.safe_load(file.read_text())
    assert made.keys() == {"thresholds", "examples"}
    assert (made["thresholds"]["award"], made["thresholds"]["review"]) == (0.8, 0.4)
