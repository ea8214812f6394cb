"""How much work a turn is: exact counts that do not depend on the machine, held below what they are today.

Where a change makes a count grow, either the work is worth it and the bound is raised with the reason, or it is not.
"""

import gc
import re
import sys
from collections import Counter
from types import FrameType
from typing import Any

import pytest
from spacy.language import Language

from detector.call import CallState
from detector.detect import Detector
from detector.playbook import Playbook
from detector.transcript import Speaker, Turn
from models.labels import own_calls
from pipelines import assemble
from pipelines.nlp import SpacyReader
from pipelines.settings import Settings

EVERY = 5
FIRST_FILES = re.compile(r"calls/[a-z_]+")
"""Files written later are named by a number; their turns are of other lengths, and the counts are of these."""


@pytest.fixture(scope="module")
def detector(playbook: Playbook, reader: SpacyReader) -> Detector:
    """The detector without the semantic tier: what every turn costs."""
    scorer = assemble.classifier(Settings(_env_file=None, semantic="off"), playbook)
    return Detector(playbook=playbook, reader=reader, scorer=scorer)


@pytest.fixture(scope="module")
def said(detector: Detector) -> list[tuple[CallState, Turn]]:
    """The turns of each fifth of the calls first written, with the state before each."""
    found = []
    calls = [one.call for one in own_calls() if FIRST_FILES.fullmatch(one.origin)]
    for call in calls[::EVERY]:
        state = detector.open(call.header)
        for turn in call.turns:
            found.append((state, turn))
            state = detector.step(state, turn).state
    return found


def by(said: list[tuple[CallState, Turn]], speaker: Speaker) -> list[tuple[CallState, Turn]]:
    """Return the turns of a speaker."""
    return [one for one in said if one[1].speaker is speaker]


def test_few_phrases_are_tried_on_a_turn(reader: SpacyReader, said: list[tuple[CallState, Turn]]) -> None:
    """Of an agent's nine thousand phrases the gate lets about thirteen through, of a customer's less than one."""
    tried = {
        speaker: sum(
            len(reader._books[speaker]._gate.opened(reader.read(turn, state.memory).words))
            for state, turn in by(said, speaker)
        )
        / len(by(said, speaker))
        for speaker in (Speaker.AGENT, Speaker.CUSTOMER)
    }

    assert tried[Speaker.AGENT] < 13.2
    assert tried[Speaker.CUSTOMER] < 1


def test_known_words_do_not_come_to_spacy(
    detector: Detector, said: list[tuple[CallState, Turn]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A turn whose words were met before is read without one call of spaCy's tokenizer or matchers."""
    calls: Counter[str] = Counter()
    made = Language.make_doc

    def counted(nlp: Language, text: str) -> Any:
        calls["make_doc"] += 1
        return made(nlp, text)

    monkeypatch.setattr(Language, "make_doc", counted)
    for state, turn in said:
        detector.step(state, turn)

    assert calls["make_doc"] == 0


def test_few_runs_come_to_spacy_while_a_playbook_is_compiled(
    playbook: Playbook, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Start-up splits by spaCy some 800 of the 4,000 runs of the shipped playbook, and each of them once."""
    split: Counter[str] = Counter()
    made = Language.make_doc

    def counted(nlp: Language, text: str) -> Any:
        split[text] += 1
        return made(nlp, text)

    monkeypatch.setattr(Language, "make_doc", counted)
    SpacyReader(playbook)

    assert split.total() == len(split) < 1000


def calls_of_a_step(detector: Detector, said: list[tuple[CallState, Turn]]) -> float:
    """Return how many functions, of Python and of C, are called in a step, on average."""
    count = 0

    def counted(frame: FrameType, event: str, argument: object) -> None:
        nonlocal count
        count += event in {"call", "c_call"}

    sys.setprofile(counted)
    for state, turn in said:
        detector.step(state, turn)
    sys.setprofile(None)
    return count / len(said)


def test_a_step_calls_few_functions(detector: Detector, said: list[tuple[CallState, Turn]]) -> None:
    """Work is counted in calls of functions: an agent's turn takes about 350, a customer's about 87."""
    assert calls_of_a_step(detector, by(said, Speaker.AGENT)) < 355
    assert calls_of_a_step(detector, by(said, Speaker.CUSTOMER)) < 90


def test_steps_keep_nothing(detector: Detector, said: list[tuple[CallState, Turn]]) -> None:
    """Once its words are known, a turn leaves no memory behind but the state it returns."""

    def step_all() -> None:
        for state, turn in said:
            detector.step(state, turn)

    step_all()
    gc.collect()
    before = sys.getallocatedblocks()
    step_all()
    gc.collect()

    assert sys.getallocatedblocks() - before < len(said) / 10
