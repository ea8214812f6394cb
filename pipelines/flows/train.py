"""Training as a flow: examples in, a model with its card out, thresholds written into the playbook."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np

from detector.errors import DetectorError
from detector.playbook import Playbook, load_playbook
from detector.ports import Reader
from models.classifier import Classifier
from models.evaluation import (
    BehaviourFigures,
    Evaluation,
    Flags,
    Numbers,
    choose_thresholds,
    decided_apart,
    evaluate,
)
from models.labels import EXAMPLES_FOLDER, Observation, calls_to_learn, learnable, playbook_calls
from models.registry import Model, save, stored
from models.train import Trained, fold_of, is_test, train, truth_of
from pipelines.flows.card import model_card, slices

TARGET_PLACES = 3
_BLOCK = re.compile(r"^thresholds:.*(?:(?:\n(?:#.*)?)*\n[ \t].*)*\n?", re.MULTILINE)
"""The block and its lines, with the empty ones and the comments between them."""


@dataclass(frozen=True, slots=True)
class Run:
    """What a training run made: the model, and how it did out of fold and on the private test split."""

    model: Model
    thresholds: dict[str, tuple[float, float]]
    out_of_fold: Evaluation
    test: Evaluation
    learned_from: int


def learn(
    *,
    playbook: Playbook,
    reader: Reader,
    folder: Path,
    examples: Path = EXAMPLES_FOLDER,
    today: date,
    jobs: int = -1,
    thresholds_to: Path | None = None,
) -> Run:
    """Train on the project's examples and write the model and its card into a folder.

    The same examples and playbook give the same weights and version, whatever the day. With `thresholds_to`, the
    playbook's own folder, the thresholds are written into it first: the model names the playbook as it then is.

    Raises:
        DetectorError: a behaviour's file has no thresholds to write to; told before the work.
    """
    if thresholds_to is not None:
        for one in playbook.behaviours:
            _around_block(thresholds_to / f"{one.id}.yaml")
    behaviours = tuple(one.id for one in playbook.behaviours)
    everything = learnable(calls_to_learn(examples), reader)
    held_out = [one for one in everything if is_test(one)]
    learned = [one for one in everything if not is_test(one)]
    from_playbook = learnable(playbook_calls(playbook), reader)
    trained = train([*learned, *from_playbook], behaviours, jobs=jobs)
    truth, scores = trained.truth[: len(learned)], trained.scores[: len(learned)]
    floor = playbook.strategy.award_precision_floor
    thresholds = {
        name: choose_thresholds(truth[:, at], scores[:, at], floor=floor) for at, name in enumerate(behaviours)
    }
    apart = decided_apart(truth, scores, folds=[fold_of(one.call_id) for one in learned], floor=floor)
    out_of_fold = evaluation_of("out of fold", learned, behaviours, scores, apart)
    test_scores = _scores(trained, held_out)
    decided = reached(test_scores, thresholds)
    test = evaluation_of("private test split", held_out, behaviours, test_scores, decided)
    test_slices = slices(held_out, truth_of(held_out, behaviours), found=decided[0], awarded=decided[1])
    if thresholds_to is not None:
        write_thresholds(out_of_fold, thresholds, thresholds_to)
        playbook = load_playbook(thresholds_to)
    about = {
        "examples_sha256": digest_of(examples),
        "playbook_version": playbook.version,
        "learned_from_turns": len(learned),
        "tested_on_turns": len(held_out),
    }
    card = model_card(out_of_fold, test, test_slices, thresholds, about, today=today)
    return Run(
        save(trained.weights, folder=folder, about=about, card=card), thresholds, out_of_fold, test, len(learned)
    )


def reached(scores: Numbers, thresholds: Mapping[str, tuple[float, float]]) -> tuple[Flags, Flags]:
    """Return what reaches the review thresholds, and what reaches the award thresholds."""
    award, review = np.array(list(thresholds.values())).T
    return scores >= review, scores >= award


def _scores(trained: Trained, observations: Sequence[Observation]) -> Numbers:
    classifier = Classifier(stored(trained.weights), version="in training")
    return np.array([classifier.probabilities(one.reading, one.memory) for one in observations], dtype=float)


def evaluation_of(
    name: str,
    observations: Sequence[Observation],
    behaviours: Sequence[str],
    scores: Numbers,
    decided: tuple[Flags, Flags],
) -> Evaluation:
    """Return the figures of observations; `decided` is what is found and what is awarded."""
    return evaluate(
        name=name,
        behaviours=behaviours,
        truth=truth_of(observations, behaviours),
        scores=scores,
        found=decided[0],
        awarded=decided[1],
        call_ids=[one.call_id for one in observations],
    )


def digest_of(folder: Path) -> str:
    """Return the SHA-256 of all example files, names included."""
    digest = hashlib.sha256()
    for file in sorted(folder.rglob("*.jsonl")):
        digest.update(str(file.relative_to(folder)).encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()


def write_thresholds(out_of_fold: Evaluation, thresholds: Mapping[str, tuple[float, float]], folder: Path) -> None:
    """Put thresholds, with the figures that justify them, into the playbook's files."""
    for row in out_of_fold.behaviours:
        file = folder / f"{row.behaviour}.yaml"
        before, after = _around_block(file)
        block = _thresholds_block(row, *thresholds[row.behaviour])
        file.write_text(before + block + after, encoding="utf-8")


def _around_block(file: Path) -> tuple[str, str]:
    """Return what stands before a behaviour's thresholds, and what stands after them."""
    text = file.read_text(encoding="utf-8")
    found = _BLOCK.search(text)
    if found is None:
        raise DetectorError(f"{file}: has no `thresholds:` block to write to")
    return text[: found.start()], text[found.end() :]


def _thresholds_block(row: BehaviourFigures, award: float, review: float) -> str:
    precision = row.awarded.precision
    return (
        "thresholds:  # chosen by `detector train --write-thresholds`, measured out of fold on the project's examples\n"
        f"  award: {_down(award)}\n"
        f"  review: {_down(review)}\n"
        "  measured:\n"
        f"    positives: {row.found.positives}\n"
        f"    awards: {precision.of}\n"
        f"    award_precision: {_number(precision.value)}\n"
        f"    award_precision_low: {_number(precision.low)}\n"
        f"    award_recall: {_number(row.awarded.recall.value)}\n"
        f"    found_precision: {_number(row.found.precision.value)}\n"
        f"    found_recall: {_number(row.found.recall.value)}\n"
    )


def _down(threshold: float) -> float:
    """Round a threshold to three places, downwards, so that the score it was chosen at still clears it."""
    return float(np.floor(threshold * 10**TARGET_PLACES) / 10**TARGET_PLACES)


def _number(value: float) -> str:
    return "0" if np.isnan(value) else f"{value:.3f}"
