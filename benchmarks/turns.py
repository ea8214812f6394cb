"""What is measured on: turns of the project's own calls, a wide playbook, and files of many calls."""

import json
import random
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from spacy.lang.en.stop_words import STOP_WORDS

from detector.call import CallState
from detector.detect import Detector
from detector.errors import PlaybookError
from detector.playbook import Behaviour, Playbook
from detector.transcript import Call, Speaker, Turn
from models.labels import own_calls
from pipelines.nlp import SpacyReader

SEED = 20_000
MEASURED_CALLS = 80
TIMES = 10
TURNS_A_CALL = 6
_WORD = re.compile(r"\{\w+\}|[a-z][a-z']+")


class Said(NamedTuple):
    """A turn, and the state of its call before it."""

    state: CallState
    turn: Turn


def calls() -> list[Call]:
    """Return some of the whole calls among the project's own examples, sectors mixed."""
    found = [one.call for one in own_calls() if one.origin.startswith("calls/")]
    return random.Random(SEED).sample(found, MEASURED_CALLS)


def said(detector: Detector, several: list[Call], speaker: Speaker) -> list[Said]:
    """Return the turns of a speaker in some calls."""
    return [one for call in several for one in _walk(detector, call) if one.turn.speaker is speaker]


def _walk(detector: Detector, call: Call) -> Iterator[Said]:
    state = detector.open(call.header)
    for turn in call.turns:
        yield Said(state, turn)
        state = detector.step(state, turn).state


def widened(playbook: Playbook, *, coined: bool) -> Playbook:
    """Return the playbook with ten times its behaviours: copies whose words are changed for others of the playbook.

    Or for coined ones, which nobody says, so that the copies are looked for and not found.
    Small words stay, so that the copies' phrases are as likely to be opened as others. Phrases of small words alone,
    which would be the same ten times, and phrases that could then never be found are left out.
    """
    words = sorted({word for one in playbook.behaviours for word in _content(one)})
    made = list(playbook.behaviours)
    for number in range(1, TIMES):
        others = [f"{word[::-1]}{'x' * number}" for word in words]
        if not coined:
            others = random.Random(SEED + number).sample(words, len(words))
        change = dict(zip(words, others, strict=True))
        made.extend(_copy(one, number, change) for one in playbook.behaviours)
    return _sound(playbook.model_copy(update={"behaviours": tuple(made)}))


def _content(behaviour: Behaviour) -> Iterator[str]:
    for rule in (*behaviour.rules, *behaviour.hints, *behaviour.unless):
        for phrase in rule.phrases:
            yield from (word for word in _WORD.findall(phrase) if word[0] != "{" and word not in STOP_WORDS)


def _copy(behaviour: Behaviour, number: int, change: dict[str, str]) -> Behaviour:
    def varied(phrase: str) -> str:
        return _WORD.sub(lambda one: change.get(one.group(), one.group()), phrase)

    made = _with_phrases(behaviour, lambda phrases: [new for one in phrases if (new := varied(one)) != one])
    return made.model_copy(update={"id": f"{behaviour.id}_{number}"})


def _with_phrases(behaviour: Behaviour, changed: Callable[[Iterable[str]], Iterable[str]]) -> Behaviour:
    """Return a behaviour whose entries have other phrases; their raw patterns are left out."""
    parts = {
        name: tuple(
            rule.model_copy(update={"phrases": tuple(changed(rule.phrases)), "patterns": ()})
            for rule in getattr(behaviour, name)
        )
        for name in ("rules", "hints", "unless")
    }
    return behaviour.model_copy(update=parts)


def _sound(playbook: Playbook) -> Playbook:
    """Return a playbook without the phrases that its reader would refuse."""
    try:
        SpacyReader(playbook)
    except PlaybookError as error:
        told = str(error)
        kept = (
            _with_phrases(one, lambda phrases: [phrase for phrase in phrases if repr(phrase) not in told])
            for one in playbook.behaviours
        )
        return playbook.model_copy(update={"behaviours": tuple(kept)})
    return playbook


def write_calls(samples: Path, file: Path, *, count: int) -> None:
    """Write a file of calls in the native format: stretches of six turns of the sample calls, each under its own id."""
    chance = random.Random(SEED)
    known = [json.loads(line) for line in samples.read_text(encoding="utf-8").splitlines()]
    with file.open("w", encoding="utf-8") as lines:
        for number in range(count):
            one = chance.choice(known)
            first = chance.randrange(max(1, len(one["turns"]) - TURNS_A_CALL))
            turns = [{"speaker": turn["speaker"], "text": turn["text"]} for turn in one["turns"]]
            made = {**one, "call_id": f"call-{number}", "turns": turns[first : first + TURNS_A_CALL]}
            lines.write(json.dumps(made) + "\n")
