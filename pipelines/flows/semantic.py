"""Making the semantic tier as a flow: examples in, an encoder and how it is weighed out."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatch
from importlib import import_module
from itertools import compress
from pathlib import Path, PurePath
from typing import Any

import numpy as np

from detector.errors import ModelError
from detector.playbook import Playbook
from detector.ports import Reader
from models.classifier import Classifier
from models.evaluation import Evaluation
from models.labels import EXAMPLES_FOLDER, SCORN, Observation, calls_to_learn, learnable, playbook_calls
from models.logistic import logits_of
from models.semantic.averaging import averaged
from models.semantic.base import pieces_in
from models.semantic.pieces import Pieces
from models.semantic.tier import (
    CARD,
    FORMAT,
    MANIFEST,
    TO_LEARN_FURTHER,
    Blend,
    Files,
    OnnxEncoder,
    Tier,
    load,
    save,
    words_before,
)
from models.semantic.weighing import blend_of
from models.train import SEED, Places, for_weighing, is_test, judged_of, train, truth_of
from models.weights import Weights
from pipelines.flows.card import tier_card
from pipelines.flows.train import digest_of, evaluation_of, reached

LEAST = 1e-6
EMPHASIS, BESIDE = 6, 30_000
"""How often each emphasised turn is learned from, and how many of the others, drawn by chance, beside them."""

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
    average: bool = False,
    emphasis: Sequence[str] = (),
    examples: Path = EXAMPLES_FOLDER,
    progress: Progress = lambda _done, _of: None,
) -> Made:
    """Fine-tune the encoder in `base`, or take the one in `folder`; weigh it, and write the tier into the folder.

    With `emphasis`, patterns of example files' names (or `playbook`, its own examples), it goes over the turns of these
    several times, and over some of the others beside them. With `average` what is fine-tuned does not replace the
    encoder in the folder: the mean of both is the new one.

    The private test split is neither learned from nor weighed on: the card tells how a classifier of the `weights` does
    on it, alone and with the tier.

    Raises:
        ModelError: there is no encoder in the folder, or it was made for other behaviours.
    """
    behaviours = tuple(one.id for one in playbook.behaviours)
    there = _there(folder, behaviours) if base is None or average else None
    everything = learnable(calls_to_learn(examples), reader)
    from_playbook = learnable(playbook_calls(playbook), reader)
    observed, held_out = ([one for one in everything if is_test(one) is wanted] for wanted in (False, True))
    observed += from_playbook
    truth = truth_of(observed, behaviours)
    kept = np.array([one.judged is None and for_weighing(one.call_id) for one in observed])
    about: dict[str, Any] = {"behaviours": list(behaviours), "examples_sha256": digest_of(examples)}
    tuned = (
        None
        if base is None
        else _fine_tuned(base, observed, learned=~kept, emphasis=emphasis, about=about, progress=progress)
    )
    files = _mean_of([one for one in (there, tuned) if one is not None])
    own = train(observed, behaviours)
    encoder = OnnxEncoder(files.graph, files.listed)
    read = np.array([encoder.logits(*_words_of(one)) for one in compress(observed, kept)], dtype=np.float64)
    blend = blend_of(logits_of(np.clip(own.scores[kept], LEAST, 1 - LEAST)), read[:, :-1], truth[kept])
    about |= {"encoder": files.manifest["encoder"], "weighed_on_turns": len(read)}
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


def _there(folder: Path, behaviours: Sequence[str], *, formats: Collection[int] = (FORMAT,)) -> Files:
    files = Files.read(folder, formats=formats)
    if files.manifest["behaviours"] != list(behaviours):
        raise ModelError(f"{folder}: the encoder was made for other behaviours; fine-tune it anew with --base")
    return files


def _fine_tuned(
    base: Path,
    observed: Sequence[Observation],
    *,
    learned: np.ndarray,
    emphasis: Sequence[str],
    about: dict[str, Any],
    progress: Progress,
) -> Files:
    """Return the encoder fine-tuned on turns that are read at once: of a long one no label tells where in it it is."""
    learning: Any = import_module("models.semantic.learning")  # brings PyTorch, which weighing does without
    further = (base / MANIFEST).exists()
    there = _there(base, about["behaviours"], formats=TO_LEARN_FURTHER) if further else None
    before = there.manifest["encoder"] if there else {"fine_tunings": 1}
    listed = tuple(pieces_in(base))
    pieces = Pieces(listed)
    short = [len(pieces.windows(one.reading.words, ())) == 1 for one in observed]
    places = np.flatnonzero(learned & short)
    if emphasis:
        places = places[emphasised([observed[at].origin for at in places.tolist()], emphasis)]
    said = [_words_of(observed[at]) for at in places.tolist()]
    outputs = (*about["behaviours"], SCORN)
    truth, judged = (labels(observed, outputs)[places] for labels in (truth_of, judged_of))
    judged[:, -1] &= truth.any(axis=1)  # of what does no act nobody has told whether it is scorn
    graph = learning.fine_tune(
        base, learned=said, truth=truth, judged=judged, emphatic=bool(emphasis), progress=progress
    )
    told = {"further_turns" if further else "turns": len(set(places)), "examples_sha256": about["examples_sha256"]}
    return Files(graph, listed, about | {"encoder": before | told})


def emphasised(origins: Sequence[str], emphasis: Sequence[str]) -> Places:
    """Return which turns to learn from, by where they are from: those that match six times, some others beside them.

    Raises:
        ModelError: a pattern that no example file's name matches.
    """
    names = [PurePath(one).name for one in origins]
    by_pattern = np.array([[fnmatch(name, pattern) for name in names] for pattern in emphasis])
    for pattern, found in zip(emphasis, by_pattern, strict=True):
        if not found.any():
            raise ModelError(f"no turn to learn from is in an example file that matches {pattern!r}")
    matches = by_pattern.any(axis=0)
    others = np.flatnonzero(~matches)
    beside = np.random.default_rng(SEED).choice(others, min(BESIDE, len(others)), replace=False)
    return np.concatenate([np.sort(beside), np.tile(np.flatnonzero(matches), EMPHASIS)])


def _mean_of(encoders: Sequence[Files]) -> Files:
    """Return an encoder as it is, or the mean of two."""
    kept, *others = encoders
    for tuned in others:
        before, after = (one.manifest["encoder"] for one in (kept, tuned))
        graph = averaged(kept.graph, tuned.graph, share=share_of(before, after))
        told = after | {"fine_tunings": before.get("fine_tunings", 1) + 1}
        kept = Files(graph, tuned.listed, tuned.manifest | {"encoder": told})
    return kept


def share_of(kept: Mapping[str, Any], tuned: Mapping[str, Any]) -> float:
    """Return how much a new encoder counts in the mean with the one there, by what their manifests tell of them.

    One that went on learning counts half; one fine-tuned afresh as much as each fine-tuning in the other.
    """
    return 1 / 2 if "further_turns" in tuned else 1 / (kept.get("fine_tunings", 1) + 1)


def _words_of(one: Observation) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return one.reading.words, words_before(one.memory)
