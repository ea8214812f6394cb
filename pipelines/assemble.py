"""The only place that names the concrete parts and puts them together."""

import gc
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from detector.detect import Detector
from detector.playbook import Playbook, load_playbook
from models import semantic
from models.classifier import Classifier
from models.registry import Model, load
from pipelines.nlp import SpacyReader
from pipelines.settings import Settings


def text_reader(playbook: Playbook) -> SpacyReader:
    """Return the text engine for a playbook."""
    return SpacyReader(playbook)


def classifier(settings: Settings, playbook: Playbook) -> Classifier:
    """Return the model in the settings' folder, as the scorer of a playbook."""
    model = load(settings.model)
    return scorer(model, semantic_tier(settings, model.weights.behaviours), playbook)


def scorer(model: Model, tier: semantic.Tier | None, playbook: Playbook) -> Classifier:
    """Return a model, and the semantic tier where there is one, as the scorer of a playbook."""
    floors = {one.id: one.thresholds.review for one in playbook.behaviours}
    version = model.version if tier is None else f"{model.version}~{tier.version}"
    return Classifier(model.weights, version=version, floors=floors, second=tier)


def semantic_tier(settings: Settings, behaviours: Sequence[str]) -> semantic.Tier | None:
    """Return the semantic tier for a classifier's behaviours, or None where it is not wanted or not installed."""
    wanted = settings.semantic == "on" or (settings.semantic == "auto" and semantic.installed())
    return semantic.load(settings.semantic_model, behaviours=behaviours) if wanted else None


def detector(settings: Settings) -> Detector:
    """Return the detector the settings describe.

    Raises:
        PlaybookError, ModelError: what is wrong with the playbook or the model.
    """
    with kept_for_good(), ThreadPoolExecutor(max_workers=1) as beside:
        model = load(settings.model)
        # ONNX Runtime needs no interpreter to take in its graph: the playbook is compiled meanwhile.
        tier = beside.submit(semantic_tier, settings, model.weights.behaviours)
        playbook = load_playbook(settings.playbook)
        reader = text_reader(playbook)
        return Detector(
            playbook=playbook, reader=reader, scorer=scorer(model, tier.result(), playbook), tenant=settings.tenant
        )


@contextmanager
def kept_for_good() -> Iterator[None]:
    """Spare the garbage collector what is made here: it would go through it all many times and find nothing."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if enabled:
            gc.enable()
