"""What each part of the classifier adds: `python benchmarks/ablation.py` writes benchmarks/ablation.md.

The classifier learns from one half of the project's examples and is measured on the other, written apart from it:
single turns, and whole calls with the turns written after them; then the other way about. That is harder than folds
of mixed files, since what was written together is never on both sides; and the private test split stays out of it.
"""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
from joblib import Parallel, delayed
from sklearn.metrics import average_precision_score

from detector.playbook import load_playbook
from models.baselines import phrases_alone
from models.evaluation import Flags, Numbers, f1
from models.labels import Observation, learnable, own_calls
from models.train import is_test, learner, matrix_of, row_of, truth_of, vocabulary_of
from pipelines import assemble

Row: TypeAlias = dict[str, float]

REPORT = Path(__file__).with_suffix(".md")
FIRST_FILES = re.compile(r"turns/[a-z_]+?(_2)?")
"""The first two files of each behaviour."""
PARTS = {
    "word": "single words",
    "pair": "word pairs",
    "letters": "letters of words",
    "hit": "the playbook's hits",
    "context": "the call so far, and the turn's length",
    "before": "the words of the turn before",
}
HEADING = """# What each part adds

Written by `python benchmarks/ablation.py`. Means over the sixteen behaviours of average precision, and of F1 at the
best threshold on the same turns: for comparing rows, not for promising anything.

| features | AP, turns → calls | F1 | AP, calls → turns | F1 |
|---|---|---|---|---|
"""


def part_of(name: str) -> str:
    """Return which part of the classifier a feature belongs to."""
    return name.split("=", 1)[0].split(".", 1)[0]


def written_later(observation: Observation) -> bool:
    """Tell whether a turn stands in a whole call or in a file written after the first two of its kind."""
    return FIRST_FILES.fullmatch(observation.origin) is None


def cells(truth: Flags, scores: Numbers) -> str:
    """Return mean average precision and mean best F1, as two cells of a row."""
    behaviours = range(truth.shape[1])
    precision = np.mean([average_precision_score(truth[:, at], scores[:, at]) for at in behaviours])
    quality = np.mean([best_f1(truth[:, at], scores[:, at]) for at in behaviours])
    return f"{precision:.3f} | {quality:.3f}"


def best_f1(truth: Flags, scores: Numbers) -> float:
    """Return the greatest F1 any threshold gives."""
    hits = np.cumsum(truth[np.argsort(-scores, kind="stable")])
    return float(np.max(2 * hits / (np.arange(1, len(hits) + 1) + truth.sum())))


class Trial:
    """The project's examples in two halves, and how classifiers do that learn from one of them."""

    def __init__(self, observations: Sequence[Observation], behaviours: Sequence[str]) -> None:
        self.rows = [row_of(one) for one in observations]
        self.truth = truth_of(observations, behaviours)
        later = np.array([written_later(one) for one in observations])
        self.halves = np.flatnonzero(~later), np.flatnonzero(later)
        self.by_phrases = phrases_alone(observations, behaviours)

    def scored(self, keeps: Callable[[str], bool]) -> str:
        """Return the cells of a classifier that knows only the features kept."""
        rows = [{name: value for name, value in row.items() if keeps(part_of(name))} for row in self.rows]
        return " | ".join(
            self._across(rows, learned, held_out) for learned, held_out in (self.halves, self.halves[::-1])
        )

    def _across(self, rows: Sequence[Row], learned: np.ndarray, held_out: np.ndarray) -> str:
        vocabulary = vocabulary_of(rows[at] for at in learned)
        known, new = (matrix_of([rows[at] for at in half], vocabulary) for half in (learned, held_out))
        with Parallel(n_jobs=2) as parallel:
            margins = parallel(
                delayed(lambda truth: learner().fit(known, truth).decision_function(new))(column)
                for column in self.truth[learned].T
            )
        return cells(self.truth[held_out], np.stack(margins, axis=-1))

    def phrases(self) -> str:
        """Return the cells of the playbook's phrases alone, which have an F1 and no scores."""
        found = self.by_phrases
        both = (
            np.mean([f1(self.truth[half, at], found[half, at]) for at in range(found.shape[1])])
            for half in self.halves[::-1]
        )
        return " | ".join(f"– | {quality:.3f}" for quality in both)


def main() -> None:
    """Measure everything together, each part left out, words alone, and the phrases without a classifier."""
    playbook = load_playbook()
    behaviours = [one.id for one in playbook.behaviours]
    reader = assemble.text_reader(playbook)
    observed = [one for one in learnable(own_calls(), reader) if not is_test(one)]
    trial = Trial(observed, behaviours)
    lines = [f"| everything | {trial.scored(lambda _: True)} |"]
    for name, told in PARTS.items():
        lines.append(f"| without {told} | {trial.scored(lambda part, name=name: part != name)} |")
    lines.append(f"| single words alone | {trial.scored(lambda part: part == 'word')} |")
    lines.append(f"| the playbook's phrases, no classifier | {trial.phrases()} |")
    REPORT.write_text(HEADING + "\n".join(lines) + "\n", encoding="utf-8")
    print(REPORT.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
