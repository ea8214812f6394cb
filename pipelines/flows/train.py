"""Training as a flow: examples in, a model with its card out, thresholds written into the playbook."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np

from detector.errors import DetectorError
from detector.playbook import Playbook
from detector.ports import Reader
from models.classifier import Classifier
from models.evaluation import BehaviourFigures, Evaluation, choose_thresholds, evaluate
from models.labels import EXAMPLES_FOLDER, Observation, observe, own_calls, playbook_calls
from models.registry import Model, save, stored
from models.train import Trained, is_test, train, truth_of

TARGET_PLACES = 3
_BLOCK = re.compile(r"^thresholds:.*\n(?:[ \t]+.*\n)*", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Run:
    """What a training run made: the model, and how it did out of fold and on the private test split."""

    model: Model
    thresholds: dict[str, tuple[float, float]]
    out_of_fold: Evaluation
    test: Evaluation
    learned_from: int


def learn(
    *, playbook: Playbook, reader: Reader, folder: Path, examples: Path = EXAMPLES_FOLDER, today: date, jobs: int = -1
) -> Run:
    """Train on the project's examples and write the model and its card into a folder.

    The same examples and playbook give the same weights and version, whatever the day.
    """
    behaviours = tuple(one.id for one in playbook.behaviours)
    everything = [one for one in observe(own_calls(examples), reader) if one.reading.words]
    held_out = [one for one in everything if is_test(one)]
    learned = [one for one in everything if not is_test(one)]
    from_playbook = [one for one in observe(playbook_calls(playbook), reader) if one.reading.words]
    trained = train([*learned, *from_playbook], behaviours, jobs=jobs)
    truth, scores = trained.truth[: len(learned)], trained.scores[: len(learned)]
    thresholds = {
        name: choose_thresholds(truth[:, at], scores[:, at], floor=playbook.strategy.award_precision_floor)
        for at, name in enumerate(behaviours)
    }
    out_of_fold = _evaluation("out of fold", learned, behaviours, scores, thresholds)
    test = _evaluation("private test split", held_out, behaviours, _scores(trained, held_out), thresholds)
    about = {
        "examples_sha256": digest_of(examples),
        "playbook_version": playbook.version,
        "learned_from_turns": len(learned),
        "tested_on_turns": len(held_out),
    }
    card = model_card(out_of_fold, test, thresholds, about, today=today)
    return Run(
        save(trained.weights, folder=folder, about=about, card=card), thresholds, out_of_fold, test, len(learned)
    )


def _scores(trained: Trained, observations: Sequence[Observation]) -> np.ndarray:
    classifier = Classifier(stored(trained.weights), version="in training")
    return np.array([classifier.probabilities(one.reading, one.memory) for one in observations], dtype=float)


def _evaluation(
    name: str,
    observations: Sequence[Observation],
    behaviours: Sequence[str],
    scores: np.ndarray,
    thresholds: dict[str, tuple[float, float]],
) -> Evaluation:
    award = np.array([thresholds[one][0] for one in behaviours])
    review = np.array([thresholds[one][1] for one in behaviours])
    return evaluate(
        name=name,
        behaviours=behaviours,
        truth=truth_of(observations, behaviours),
        scores=scores,
        found=scores >= review,
        awarded=scores >= award,
        call_ids=[one.call_id for one in observations],
    )


def digest_of(folder: Path) -> str:
    """Return the SHA-256 of all example files, names included."""
    digest = hashlib.sha256()
    for file in sorted(folder.rglob("*.jsonl")):
        digest.update(str(file.relative_to(folder)).encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()


def write_thresholds(run: Run, folder: Path) -> None:
    """Put the run's thresholds, with the figures that justify them, into the playbook's files."""
    for row in run.out_of_fold.behaviours:
        file = folder / f"{row.behaviour}.yaml"
        text = file.read_text(encoding="utf-8")
        block = _thresholds_block(row, *run.thresholds[row.behaviour])
        found = _BLOCK.search(text)
        if found is None:
            raise DetectorError(f"{file}: has no `thresholds:` block to write to")
        file.write_text(text[: found.start()] + block + text[found.end() :], encoding="utf-8")


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


def model_card(
    out_of_fold: Evaluation,
    test: Evaluation,
    thresholds: dict[str, tuple[float, float]],
    about: dict[str, object],
    *,
    today: date,
) -> str:
    """Return the model card, in Markdown."""
    tested = {row.behaviour: row for row in test.behaviours}
    table = "\n".join(
        f"| {row.behaviour} | {row.found.positives} | {thresholds[row.behaviour][0]:.2f} "
        f"| {_told(row.awarded.precision)} | {_told(row.awarded.recall)} | {thresholds[row.behaviour][1]:.2f} "
        f"| {_told(row.found.precision)} | {_told(row.found.recall)} | {row.found.f1:.2f} "
        f"| {tested[row.behaviour].found.positives} | {tested[row.behaviour].found.f1:.2f} |"
        for row in out_of_fold.behaviours
    )
    weak = ", ".join(row.behaviour for row in sorted(out_of_fold.behaviours, key=lambda row: row.found.f1)[:4])
    return f"""# Model card: the shipped classifier

Written by `detector train` on {today.isoformat()}. Do not edit.

- **What it is.** One-vs-rest logistic regression over words, word pairs, character n-grams, the playbook's
  rule hits and the turns before, with Platt's calibration. It reads one agent turn and up to three turns before it.
- **What it learned from.** {about["learned_from_turns"]} labelled agent turns written by hand for this project (no
  customer's words, no public corpus, no templates): half near-misses, half in a recogniser's style, many sectors and
  Englishes. Examples' digest `{str(about["examples_sha256"])[:16]}`, playbook {about["playbook_version"]}.
- **What it is for.** Proposing and scoring the playbook's behaviours in English service calls and chats, with a person
  to review what is uncertain. Not for judging agents' feelings, voices or worth; not for other languages.
- **How to read the figures.** The examples are harder than calls are: every second turn was written to mislead.
  *Out of fold*: each turn scored by a model that had not seen its call. *Test*: a tenth of the calls never learned from.
  Intervals are Wilson's, 95%. Both are optimistic: the playbook's rules were mended with all these examples in view,
  the test split's too, and the thresholds were chosen on the out-of-fold scores they are shown with.
- **Calibration error** {out_of_fold.calibration_error:.3f} out of fold, {test.calibration_error:.3f} on the test split.
- **Macro F1** {out_of_fold.macro_f1:.3f} out of fold, {test.macro_f1:.3f} on the test split.
- **Weak spots.** Lowest F1: {weak}. Irony, behaviours told over several turns, and idiom that neither rules nor
  examples know are missed. A threshold of 1.01 means that no score was sure enough: nothing is awarded, all is reviewed.

| behaviour | positives | award from | award precision | award recall | review from | precision | recall | F1 | test positives | test F1 |
|---|---|---|---|---|---|---|---|---|---|---|
{table}
"""


def _told(share: object) -> str:
    value, low, high = (getattr(share, name) for name in ("value", "low", "high"))
    return "–" if np.isnan(value) else f"{value:.2f} ({low:.2f}–{high:.2f})"
