"""Evaluation: the real detector over labelled conversations, its figures, and their pictures."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from detector.decision import Outcome
from detector.detect import Detector
from detector.errors import DetectorError
from detector.ports import Reader
from models.classifier import Classifier
from models.evaluation import Evaluation, evaluate
from models.labels import LabelledCall, observe
from pipelines.readers import InputFault, labelled


class NothingLabelledError(DetectorError):
    """No labelled agent turn was found."""


@dataclass(frozen=True, slots=True)
class Corpus:
    """Labelled calls under one name, and the faults met while reading them."""

    name: str
    calls: tuple[LabelledCall, ...]
    faults: tuple[InputFault, ...]
    targets: tuple[tuple[str, bool], ...] = ()


def corpora(paths: Iterable[Path]) -> list[Corpus]:
    """Return the labelled conversations of files and folders; a recogniser's text is a corpus of its own."""
    found: list[Corpus] = []
    for path in paths:
        for file in sorted(path.glob("*.jsonl")) if path.is_dir() else [path]:
            found.append(_corpus(file, "text", file.stem))
            if b'"asr_text"' in file.read_bytes():
                found.append(_corpus(file, "asr_text", f"{file.stem} (recogniser's text)"))
    return found


def _corpus(file: Path, text: str, name: str) -> Corpus:
    calls, faults, targets = [], [], []
    for row in labelled.rows(file, text=text):
        if isinstance(row, InputFault):
            faults.append(row)
            continue
        call, labels, raw = row
        calls.append(LabelledCall(call, labels, str(raw.get("domain", "")), "", file.stem))
        if "target" in raw:
            targets.append((str(raw["target"]), raw.get("polarity") == "pos"))
    return Corpus(name, tuple(calls), tuple(faults), tuple(targets) if len(targets) == len(calls) else ())


@dataclass(frozen=True, slots=True)
class Measured:
    """The evaluation of a corpus; `found_targets` is (positives found, positives, near-misses flagged, near-misses)."""

    evaluation: Evaluation
    found_targets: tuple[int, int, int, int] | None = None


def measure(corpus: Corpus, *, detector: Detector, reader: Reader, classifier: Classifier) -> Measured:
    """Run the detector over a corpus and compare with the labels.

    Raises:
        NothingLabelledError: no labelled agent turn is in it.
    """
    behaviours = classifier.weights.behaviours
    decided = {
        (one.call_id, one.turn_id, one.behaviour): one.outcome
        for call in corpus.calls
        for one in detector.detect(call.call).decisions
    }
    observed = list(observe(corpus.calls, reader))
    if not observed:
        raise NothingLabelledError(f"{corpus.name}: no labelled agent turn in it")
    outcomes = [[decided.get((one.call_id, one.turn.turn_id, name)) for name in behaviours] for one in observed]
    scores = np.array(
        [
            classifier.probabilities(one.reading, one.memory) if one.reading.words else np.zeros(len(behaviours))
            for one in observed
        ],
        dtype=float,
    )
    evaluation = evaluate(
        name=corpus.name,
        behaviours=behaviours,
        truth=np.array([[name in one.labels for name in behaviours] for one in observed], dtype=np.bool_),
        scores=scores,
        found=np.array([[one is not None for one in row] for row in outcomes], dtype=np.bool_),
        awarded=np.array([[one is Outcome.AWARD for one in row] for row in outcomes], dtype=np.bool_),
        call_ids=[one.call_id for one in observed],
    )
    return Measured(evaluation, _targets(corpus, decided))


def _targets(corpus: Corpus, decided: dict[tuple[str, str, str], Outcome]) -> tuple[int, int, int, int] | None:
    if not corpus.targets:
        return None
    counts = {(True, True): 0, (True, False): 0, (False, True): 0, (False, False): 0}
    for call, (target, positive) in zip(corpus.calls, corpus.targets, strict=True):
        seen = (call.call.call_id, call.call.turns[-1].turn_id, target) in decided
        counts[positive, seen] += 1
    found, flagged = counts[True, True], counts[False, True]
    return found, found + counts[True, False], flagged, flagged + counts[False, False]
