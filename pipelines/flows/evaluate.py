"""Evaluation: the real detector over labelled conversations, its figures, and their pictures."""

from collections.abc import Iterable, Sequence
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


class NothingLabelled(DetectorError):
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
        NothingLabelled: no labelled agent turn is in it.
    """
    behaviours = classifier.weights.behaviours
    decided = {
        (one.call_id, one.turn_id, one.behaviour): one.outcome
        for call in corpus.calls
        for one in detector.detect(call.call).decisions
    }
    observed = list(observe(corpus.calls, reader))
    if not observed:
        raise NothingLabelled(f"{corpus.name}: no labelled agent turn in it")
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


def draw(measured: Sequence[Measured], file: Path) -> None:
    """Write a picture: reliability, and precision against recall, a colour a corpus.

    Raises:
        ImportError: matplotlib, the `plots` extra, is not installed.
    """
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(12, 5.2), layout="constrained")
    left.plot([0, 1], [0, 1], color="0.7", linewidth=1)
    for one in measured:
        bands = one.evaluation.reliability
        left.plot([band[0] for band in bands], [band[1] for band in bands], marker="o", label=one.evaluation.name)
        rows = [row for row in one.evaluation.behaviours if row.found.positives >= one.evaluation.macro_from]
        right.scatter([row.found.recall.value for row in rows], [row.found.precision.value for row in rows], s=28)
    left.set(title="Reliability: a score is a probability", xlabel="mean score", ylabel="share that is true")
    right.set(
        title="Award and review: one dot a behaviour",
        xlabel="recall",
        ylabel="precision",
        xlim=(-0.02, 1.03),
        ylim=(-0.02, 1.03),
    )
    left.legend(fontsize=8)
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, dpi=120)
    pyplot.close(figure)
