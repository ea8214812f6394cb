"""Making the semantic tier as a flow: examples in, an encoder and how it is weighed out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from importlib import import_module
from itertools import compress
from pathlib import Path
from typing import Any

import numpy as np

from detector.errors import ModelError
from detector.playbook import Playbook
from detector.ports import Reader
from models.classifier import Classifier
from models.evaluation import Evaluation
from models.labels import EXAMPLES_FOLDER, Observation, observe, own_calls
from models.logistic import logits_of
from models.semantic.base import pieces_in
from models.semantic.tier import CARD, Blend, Files, OnnxEncoder, Tier, load, save, words_before
from models.semantic.weighing import blend_of
from models.train import for_weighing, is_test, train, truth_of
from models.weights import Weights
from pipelines.flows.card import tier_card
from pipelines.flows.train import digest_of, evaluation_of, reached

LEAST = 1e-6

Progress = Callable[[int, int], None]
"""Is told the steps done and the steps there are."""


@dataclass(frozen=True, slots=True)
class Made:
    """The turns a tier was weighed on, the weighing, and how it did on the private test split, without and with it."""

    weighed_on: int
    blend: Blend
    alone: Evaluation
    both: Evaluation


def make(
    *,
    playbook: Playbook,
    reader: Reader,
    folder: Path,
    weights: Weights,
    today: date,
    base: Path | None = None,
    examples: Path = EXAMPLES_FOLDER,
    progress: Progress = lambda _done, _of: None,
) -> Made:
    """Fine-tune the encoder in `base`, or take the one in `folder`; weigh it, and write the tier into the folder.

    The private test split is neither learned from nor weighed on: the card tells how a classifier of the `weights` does
    on it, alone and with the tier.

    Raises:
        ModelError: there is no encoder in the folder, or it was made for other behaviours.
    """
    behaviours = tuple(one.id for one in playbook.behaviours)
    everything = [one for one in observe(own_calls(examples), reader) if one.reading.words]
    observed, held_out = ([one for one in everything if is_test(one) is wanted] for wanted in (False, True))
    truth = truth_of(observed, behaviours)
    kept = np.array([for_weighing(one.call_id) for one in observed])
    about: dict[str, Any] = {"behaviours": list(behaviours), "examples_sha256": digest_of(examples)}
    if base is None:
        files = Files.read(folder)
        if files.manifest["behaviours"] != list(behaviours):
            raise ModelError(f"{folder}: the encoder was made for other behaviours; fine-tune it anew with --base")
        told = files.manifest["encoder"]
    else:
        files = _fine_tuned(base, observed, truth, ~kept, progress)
        told = {"turns": int((~kept).sum()), "examples_sha256": about["examples_sha256"]}
    own = train(observed, behaviours)
    encoder = OnnxEncoder(files.graph, files.listed)
    read = np.array([encoder.logits(*said) for said in _said(observed, kept)], dtype=np.float64)
    blend = blend_of(logits_of(np.clip(own.scores[kept], LEAST, 1 - LEAST)), read, truth[kept])
    about |= {"encoder": told, "weighed_on_turns": len(read)}
    save(folder, files, blend, about=about)
    tier = load(folder, behaviours=weights.behaviours)
    alone, both = (_evaluated(held_out, playbook, weights, second) for second in (None, tier))
    (folder / CARD).write_text(tier_card(alone, both, blend, about, today=today), encoding="utf-8")
    return Made(len(read), blend, alone, both)


def _evaluated(
    held_out: Sequence[Observation], playbook: Playbook, weights: Weights, second: Tier | None
) -> Evaluation:
    """Return how the turns held out are decided by the playbook's thresholds."""
    classifier = Classifier(weights, version="", second=second)
    scores = np.array([classifier.probabilities(one.reading, one.memory) for one in held_out], dtype=float)
    chosen = {one.id: one.thresholds for one in playbook.behaviours}
    decided = reached(scores, {one: (chosen[one].award, chosen[one].review) for one in weights.behaviours})
    return evaluation_of("private test split", held_out, weights.behaviours, scores, decided)


def _fine_tuned(
    base: Path, observed: Sequence[Observation], truth: np.ndarray, learned: np.ndarray, progress: Progress
) -> Files:
    learning: Any = import_module("models.semantic.learning")  # brings PyTorch, which weighing does without
    graph = learning.fine_tune(base, learned=_said(observed, learned), truth=truth[learned], progress=progress)
    return Files(graph, tuple(pieces_in(base)), {})


def _said(observed: Sequence[Observation], chosen: np.ndarray) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    return [(one.reading.words, words_before(one.memory)) for one in compress(observed, chosen)]
