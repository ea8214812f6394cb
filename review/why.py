"""Why the machine decided as it did, in words a person can check: rules, the words that weighed, thresholds."""

import re
from dataclasses import dataclass

from detector.decision import Decision
from detector.playbook import Behaviour, Playbook

SHOWN_PHRASES = 4
_RULE = re.compile(r"rule (\w+) at (\d+)-(\d+)")
_WORDS = re.compile(r"classifier: ([+-][\d.]+) for the words at (\d+)-(\d+)")
_FACT = re.compile(r"classifier: ([+-][\d.]+) for (.+)")
_FACTS = {
    "heard": "turns heard so far",
    "need": "whether the customer's need is stated",
    "length": "the turn's length",
    "before": "who spoke before",
    "fact": "a fact of the call",
}


@dataclass(frozen=True, slots=True)
class Ground:
    """One reason: what weighed, the words it was, and how much (log-odds), where that is told."""

    told: str
    words: str = ""
    weight: float | None = None
    phrases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Why:
    """All reasons of a decision, with the thresholds it was held to; None where the playbook has it no more."""

    name: str
    definition: str
    grounds: tuple[Ground, ...]
    verdict: str
    award: float | None
    review: float | None
    points: int | None


def why(decision: Decision, words: str, playbook: Playbook) -> Why:
    """Return why a decision was made; `words` is the turn's text as it is kept."""
    known = next((one for one in playbook.behaviours if one.id == decision.behaviour), None)
    grounds = tuple(_ground(reason, words, known) for reason in decision.reasons[:-1])
    last = decision.reasons[-1] if decision.reasons else ""
    if known is None:
        return Why(decision.behaviour, "no longer in the playbook", grounds, last, None, None, None)
    limits = known.thresholds
    return Why(known.name, known.definition, grounds, last, limits.award, limits.review, known.reward.points)


def _ground(reason: str, words: str, behaviour: Behaviour | None) -> Ground:
    if found := _RULE.fullmatch(reason):
        rules = {one.id: one for one in behaviour.rules} if behaviour is not None else {}
        phrases = rules[found[1]].phrases[:SHOWN_PHRASES] if found[1] in rules else ()
        return Ground(f"rule “{found[1].replace('_', ' ')}”", words[int(found[2]) : int(found[3])], phrases=phrases)
    if found := _WORDS.fullmatch(reason):
        return Ground("these words", words[int(found[2]) : int(found[3])], float(found[1]))
    if found := _FACT.fullmatch(reason):
        return Ground(_fact(found[2]), weight=float(found[1]))
    return Ground(reason)


def _fact(told: str) -> str:
    if told.startswith("before."):
        return f"the turn before, {_fact(told.removeprefix('before.'))}"
    name, equals, value = told.partition("=")
    return f"{_FACTS.get(name, name)}: {value.replace('_', ' ')}" if equals else told
