"""What one step takes, beside the tokenizer alone and beside the tools one would usually take."""

import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import spacy
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from spacy.matcher import Matcher
from timing import Ratio, timed
from turns import Said, calls, said, widened

from detector.call import remember
from detector.decision import decide
from detector.detect import Detector
from detector.playbook import AnyWord, Gap, Playbook, Words, parse
from detector.transcript import Speaker
from models.classifier import Classifier
from models.features import features
from models.labels import own_calls
from pipelines.nlp import SpacyReader
from pipelines.nlp.entries import agent_entries
from pipelines.nlp.sequences import Normaliser, misheard
from pipelines.nlp.tokens import Tokens

PEER_TURNS = 30


class Steps(NamedTuple):
    """What was measured. Times are microseconds a turn; `parts` are of an agent's step.

    `with_tier` is the step with the semantic tier, which is `asked` of that share of agent turns.
    """

    agent: Ratio
    agent_unseen: float
    customer: Ratio
    customer_unseen: float
    wide: Ratio
    wide_with_hits: Ratio
    tokenizer: float
    step: float
    slowest_percent: float
    with_tier: float
    asked: float
    once_asked: float
    parts: dict[str, float]
    peers: dict[str, float]


def measured(playbook: Playbook, classifier: Classifier, with_tier: Classifier) -> Steps:
    """Measure steps over the project's own calls, of a classifier alone and of one with the semantic tier."""
    detector, second = _detector(playbook, classifier), _detector(playbook, with_tier)
    several = calls()
    blank = spacy.blank("en")
    by_speaker = {one: said(detector, several, one) for one in (Speaker.AGENT, Speaker.CUSTOMER)}
    agent, customer = by_speaker.values()
    wide, with_hits = (_detector(widened(playbook, coined=coined), classifier) for coined in (True, False))
    times = timed(
        {
            "tokenizer, agent": lambda: [blank.make_doc(one.turn.text) for one in agent],
            "step, agent": lambda: [detector.step(*one) for one in agent],
            "step, agent, 160": lambda: [wide.step(*one) for one in agent],
            "step, agent, 160, with hits": lambda: [with_hits.step(*one) for one in agent],
            "tokenizer, customer": lambda: [blank.make_doc(one.turn.text) for one in customer],
            "step, customer": lambda: [detector.step(*one) for one in customer],
        }
    )
    step = times.best("step, agent") / len(agent) * 1e6
    slower = timed({"with the tier": lambda: [second.step(*one) for one in agent]}, repeats=3)
    with_tier_step = slower.best("with the tier") / len(agent) * 1e6
    asked = _asked(detector, classifier, with_tier, agent)
    return Steps(
        agent=times.ratio("step, agent", "tokenizer, agent"),
        agent_unseen=_unseen(playbook, classifier, agent),
        customer=times.ratio("step, customer", "tokenizer, customer"),
        customer_unseen=_unseen(playbook, classifier, customer),
        wide=times.ratio("step, agent, 160", "step, agent"),
        wide_with_hits=times.ratio("step, agent, 160, with hits", "step, agent"),
        tokenizer=times.best("tokenizer, agent") / len(agent) * 1e6,
        step=step,
        slowest_percent=_slowest_percent(detector, [*agent, *customer]),
        with_tier=with_tier_step,
        asked=asked,
        once_asked=(with_tier_step - step) / asked,
        parts=_parts(detector, playbook, classifier, agent),
        peers=_peers(playbook, agent[:PEER_TURNS]),
    )


def _detector(playbook: Playbook, classifier: Classifier) -> Detector:
    return Detector(playbook=playbook, reader=SpacyReader(playbook), scorer=classifier)


def _asked(detector: Detector, alone: Classifier, both: Classifier, agent: list[Said]) -> float:
    """Return the share of turns of which the second reading was asked: its reading changed a probability."""
    changed = 0
    reader = SpacyReader(detector.playbook)
    for one in agent:
        reading = reader.read(one.turn, one.state.memory)
        if reading.words:
            before, after = (each.probabilities(reading, one.state.memory) for each in (alone, both))
            changed += not np.array_equal(before, after)
    return changed / len(agent)


def _unseen(playbook: Playbook, classifier: Classifier, several: list[Said]) -> float:
    """Return step over tokenizer on the second half of the turns, each met once, after the first half only."""
    detector = _detector(playbook, classifier)
    blank = spacy.blank("en")
    half = len(several) // 2
    seconds = {"tokenizer": 0.0, "step": 0.0}
    for number, one in enumerate(several):
        for name, run in (("tokenizer", _tokenized(blank, one)), ("step", _stepped(detector, one))):
            started = time.process_time()
            run()
            seconds[name] += (time.process_time() - started) * (number >= half)
    return seconds["step"] / seconds["tokenizer"]


def _tokenized(blank: spacy.Language, one: Said) -> Callable[[], object]:
    return lambda: blank.make_doc(one.turn.text)


def _stepped(detector: Detector, one: Said) -> Callable[[], object]:
    return lambda: detector.step(*one)


def _slowest_percent(detector: Detector, several: list[Said]) -> float:
    """Return the time that 99 of 100 steps stay below, each step's best of five."""
    best = np.full(len(several), np.inf)
    for _ in range(5):
        for number, one in enumerate(several):
            started = time.process_time()
            detector.step(*one)
            best[number] = min(best[number], time.process_time() - started)
    return float(np.percentile(best, 99)) * 1e6


def _parts(detector: Detector, playbook: Playbook, classifier: Classifier, agent: list[Said]) -> dict[str, float]:
    """Return where an agent turn's time goes: each part run alone over all turns, and what is left of the step."""
    reader = SpacyReader(playbook)
    book, tokens = reader._books[Speaker.AGENT], reader._tokens
    read = [(one, reading) for one in agent if (reading := reader.read(one.turn, one.state.memory)).words]
    made = [classifier.candidates(reading, one.state.memory) for one, reading in read]
    options = {"playbook": playbook, "model_version": "", "tenant": ""}
    times = timed(
        {
            "step": lambda: [detector.step(*one) for one, _ in read],
            "read": lambda: [reader.read(one.turn, one.state.memory) for one, _ in read],
            "tokens": lambda: [tokens.of(one.turn.text) for one, _ in read],
            "phrases": lambda: [book.matches(reading.words) for _, reading in read],
            "score": lambda: [classifier.candidates(reading, one.state.memory) for one, reading in read],
            "features": lambda: [features(reading, one.state.memory) for one, reading in read],
            "probabilities": lambda: [classifier.probabilities(reading, one.state.memory) for one, reading in read],
            "decide": lambda: [
                decide(several, header=one.state.header, turn=one.turn, **options)
                for several, (one, _) in zip(made, read, strict=True)
            ],
            "remember": lambda: [remember(one.state.memory, one.turn, reading) for one, reading in read],
        },
        repeats=4,
    )
    each = {name: times.best(name) / len(read) * 1e6 for name in times.rounds}
    return {
        "tokens": each["tokens"],
        "phrases": each["phrases"],
        "the rest of reading": each["read"] - each["tokens"] - each["phrases"],
        "features": each["features"],
        "weights": each["probabilities"] - each["features"],
        "explanation": each["score"] - each["probabilities"],
        "decisions": each["decide"],
        "memory": each["remember"],
        "state, rewards, and what alternating costs": each["step"]
        - sum(each[name] for name in ("read", "score", "decide", "remember")),
    }


def _peers(playbook: Playbook, agent: list[Said]) -> dict[str, float]:
    """Return what the usual tools take on the same turns, microseconds a turn."""
    blank = spacy.blank("en")
    matcher = _matcher(blank, playbook)
    pipeline = _pipeline()
    texts = [one.turn.text for one in agent]
    passes: dict[str, Callable[[], object]] = {
        "spaCy blank tokenizer": lambda: [blank.make_doc(text) for text in texts],
        "spaCy tokenizer and token Matcher, all patterns": lambda: [matcher(blank.make_doc(text)) for text in texts],
        "scikit-learn: tf-idf (1–3 words), 16 logistic regressions, one turn at a time": lambda: [
            pipeline.predict_proba([text]) for text in texts
        ],
    }
    if spacy.util.is_package("en_core_web_sm"):
        trained = spacy.load("en_core_web_sm")
        passes["spaCy en_core_web_sm"] = lambda: [trained(text) for text in texts]
    times = timed(passes, repeats=3)
    return {name: times.best(name) / len(texts) * 1e6 for name in passes}


def _matcher(nlp: spacy.Language, playbook: Playbook) -> Matcher:
    """Return one token Matcher of every phrase of the playbook."""
    matcher, normaliser = Matcher(nlp.vocab), Normaliser(Tokens(nlp))
    for entry, rule in agent_entries(playbook):
        sequences = [
            heard
            for phrase in rule.phrases
            for one in normaliser.normalised(parse(phrase, word_lists=playbook.shared.words))
            for heard in misheard(one)
        ]
        if sequences:
            matcher.add(f"{entry.kind}|{entry.owner}|{entry.rule}", [_pattern(one.elements) for one in sequences])
    return matcher


def _pattern(elements: tuple[object, ...]) -> list[dict[str, object]]:
    pattern: list[dict[str, object]] = []
    for element in elements:
        match element:
            case Words(options, optional):
                pattern.append({"NORM": {"IN": sorted(options)}, "OP": "?" if optional else "{1}"})
            case Gap(width):
                pattern.extend([{"IS_PUNCT": False, "OP": "?"}] * width)
            case AnyWord():
                pattern.append({"IS_PUNCT": False})
    return pattern


def _pipeline() -> Pipeline:
    """Return the usual scikit-learn text classifier, fitted on a tenth of the project's examples."""
    examples = [(one.call.turns[-1].text, one.labels[one.call.turns[-1].turn_id]) for one in _single_turns()]
    names = sorted({label for _, labels in examples for label in labels})
    truth = np.array([[name in labels for name in names] for _, labels in examples])
    vectors = TfidfVectorizer(ngram_range=(1, 3))
    return make_pipeline(vectors, OneVsRestClassifier(LogisticRegression())).fit([text for text, _ in examples], truth)


def _single_turns() -> list[object]:
    return [one for one in own_calls() if one.origin.startswith("turns/")][::10]
