"""Evaluation: the real detector over labelled conversations, its figures, and their pictures."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from detector.decision import Outcome
from detector.detect import Detector
from detector.errors import DetectorError
from detector.ports import Reader
from models.baselines import phrases_alone, tf_idf
from models.classifier import Classifier
from models.evaluation import Evaluation, Figures, Flags
from models.labels import LabelledCall, Observation, observe, own_calls
from pipelines.flows.train import evaluation_of
from pipelines.readers import InputFault, labelled
from pipelines.readers.sniffing import only_once


class NothingLabelledError(DetectorError):
    """No labelled agent turn was found, or no file that could hold one."""


@dataclass(frozen=True, slots=True)
class Corpus:
    """Labelled calls under one name, and the faults met while reading them."""

    name: str
    calls: tuple[LabelledCall, ...]
    faults: tuple[InputFault, ...]
    targets: tuple[tuple[str, bool], ...] = ()


def corpora(paths: Iterable[Path]) -> list[Corpus]:
    """Return the labelled conversations of files and folders; a recogniser's text is a corpus of its own.

    Raises:
        NothingLabelledError: a folder has no such file, or a file can be read only once, as a pipe can.
    """
    found: list[Corpus] = []
    for file in chain.from_iterable(map(_files, paths)):
        if only_once(file):
            raise NothingLabelledError(f"{file}: is read twice, and a pipe can be read only once: save it as a file")
        found.append(_corpus(file, "text", file.stem))
        if b'"asr_text"' in file.read_bytes():
            found.append(_corpus(file, "asr_text", f"{file.stem} (recogniser's text)"))
    return found


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    found = sorted(path.glob("*.jsonl"))
    if not found:
        raise NothingLabelledError(f"{path}: no labelled file (*.jsonl) is in this folder")
    return found


def _corpus(file: Path, text: str, name: str) -> Corpus:
    calls, faults, targets, known = [], [], [], set[str]()
    for row in labelled.rows(file, text=text):
        if isinstance(row, InputFault):
            faults.append(row)
            continue
        call, labels, raw = row
        if call.call_id in known:
            faults.append(InputFault(str(file), 0, f"conversation {call.call_id} is in it twice: the first is read"))
            continue
        known.add(call.call_id)
        calls.append(LabelledCall(call, labels, str(raw.get("domain", "")), "", file.stem))
        if "target" in raw:
            targets.append((str(raw["target"]), raw.get("polarity") == "pos"))
    return Corpus(name, tuple(calls), tuple(faults), tuple(targets) if len(targets) == len(calls) else ())


Targets: TypeAlias = tuple[int, int, int, int]
"""Positives found, positives, near-misses flagged, near-misses: of turns written to be hard."""

Guess: TypeAlias = Callable[[Sequence[Observation]], Flags]
"""A baseline: says of observations x behaviours what it finds."""


@dataclass(frozen=True, slots=True)
class Compared:
    """What a baseline finds in the same turns."""

    name: str
    found: Figures
    macro_f1: float
    found_targets: Targets | None


@dataclass(frozen=True, slots=True)
class Measured:
    """The evaluation of a corpus, and the baselines it is held against."""

    evaluation: Evaluation
    found_targets: Targets | None = None
    baselines: tuple[Compared, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return plain values, for a JSON file."""
        return {
            **self.evaluation.as_json(),
            "found_targets": self.found_targets,
            "baselines": [asdict(one) for one in self.baselines],
        }


def usual_baselines(behaviours: Sequence[str]) -> dict[str, Guess]:
    """Return the playbook's phrases alone, and a tf-idf logistic regression trained on the project's own examples."""
    learned = tf_idf(own_calls(), behaviours)
    return {
        "phrases alone": lambda observed: phrases_alone(observed, behaviours),
        "tf-idf alone": learned.found,
    }


def measure(
    corpus: Corpus,
    *,
    detector: Detector,
    reader: Reader,
    classifier: Classifier,
    baselines: Mapping[str, Guess] | None = None,
) -> Measured:
    """Run the detector over a corpus and compare with the labels, and with what each baseline finds.

    Raises:
        NothingLabelledError: no labelled agent turn is in it.
    """
    observed = list(observe(corpus.calls, reader))
    if not observed:
        raise NothingLabelledError(f"{corpus.name}: no labelled agent turn in it")
    behaviours = classifier.weights.behaviours
    found, awarded = _decided(corpus, observed, detector, behaviours)
    scores = np.array(
        [
            classifier.probabilities(one.reading, one.memory) if one.reading.words else np.zeros(len(behaviours))
            for one in observed
        ],
        dtype=float,
    )
    evaluation = evaluation_of(corpus.name, observed, behaviours, scores, (found, awarded))
    return Measured(
        evaluation,
        _targets(corpus, observed, behaviours, found),
        tuple(_compared(name, guess, corpus, observed, behaviours) for name, guess in (baselines or {}).items()),
    )


def _decided(
    corpus: Corpus, observed: Sequence[Observation], detector: Detector, behaviours: Sequence[str]
) -> tuple[Flags, Flags]:
    """Return observations x behaviours: what the detector awards or reviews, and what it awards."""
    outcomes = {
        (one.call_id, one.turn_id, one.behaviour): one.outcome
        for call in corpus.calls
        for one in detector.detect(call.call).decisions
    }
    decided = [[outcomes.get((one.call_id, one.turn.turn_id, name)) for name in behaviours] for one in observed]
    found = np.array([[one is not None for one in row] for row in decided], dtype=np.bool_)
    return found, np.array([[one is Outcome.AWARD for one in row] for row in decided], dtype=np.bool_)


def _compared(
    name: str, guess: Guess, corpus: Corpus, observed: Sequence[Observation], behaviours: Sequence[str]
) -> Compared:
    found = guess(observed)
    told = evaluation_of(name, observed, behaviours, found.astype(float), (found, found))
    return Compared(name, told.micro, told.macro_f1, _targets(corpus, observed, behaviours, found))


def _targets(
    corpus: Corpus, observed: Sequence[Observation], behaviours: Sequence[str], found: Flags
) -> Targets | None:
    if not corpus.targets:
        return None
    seen = {
        (one.call_id, behaviour)
        for one, row in zip(observed, found, strict=True)
        for behaviour, flag in zip(behaviours, row, strict=True)
        if flag
    }
    counts = {(True, True): 0, (True, False): 0, (False, True): 0, (False, False): 0}
    for call, (target, positive) in zip(corpus.calls, corpus.targets, strict=True):
        counts[positive, (call.call.call_id, target) in seen] += 1
    found_positives, flagged = counts[True, True], counts[False, True]
    return found_positives, found_positives + counts[True, False], flagged, flagged + counts[False, False]
