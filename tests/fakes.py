"""Fakes of the core's ports, which go by plain words, and makers of small playbooks, turns and decisions."""

import re
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from detector.call import Memory
from detector.candidate import Candidate, Evidence, Hit, HitKind, Reading
from detector.decision import Decision, Outcome, decision_id
from detector.detect import Detector
from detector.judgement import VerdictKind
from detector.playbook import (
    Behaviour,
    Example,
    Mode,
    Opportunity,
    Phase,
    Playbook,
    RewardPolicy,
    Rule,
    Shared,
    Thresholds,
    Unless,
)
from detector.playbook.values import Examples, Strategy
from detector.transcript import Call, CallHeader, Speaker, Turn, call_of
from detector.verdict import Known, Verdict

FACTS = {"bye": "call_closed", "angry": "trouble_voiced", "waited": "waited", "suit": "brushed_off"}
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
SURE, UNSURE, UNLIKELY = 0.97, 0.7, 0.1


class WordReader:
    """Reads words as they stand. A word of `FACTS` is a cue; the word behind `called` is a name."""

    def read(self, turn: Turn, memory: Memory) -> Reading:
        """Return the words of a turn, in lower case."""
        found = list(re.finditer(r"\w+", turn.text.lower()))
        words = tuple(one.group() for one in found)
        hits = tuple(Hit(HitKind.CUE, FACTS[word], word, at, at + 1) for at, word in enumerate(words) if word in FACTS)
        names = tuple(name for word, name in pairwise(words) if word == "called")
        return Reading(words, tuple(one.span() for one in found), (0,) * len(words), hits, names)


class WordScorer:
    """Scores by single words, by the turn before and by the names heard: whatever the core lets a scorer use.

    `wish` surely wishes well, `maybe` perhaps does, `doubt` does so by a rule alone; `too` does where the customer
    spoke just before; `sorry` apologises; a name of the customer's uses it.
    """

    version = "words"

    def candidates(self, reading: Reading, memory: Memory) -> tuple[Candidate, ...]:
        """Return a candidate for each behaviour whose word is said."""
        scores = {"wish": ("wish_well", SURE), "maybe": ("wish_well", UNSURE), "sorry": ("apologise", SURE)}
        if memory.recent and memory.recent[-1].speaker is Speaker.CUSTOMER:
            scores["too"] = ("wish_well", SURE)
        scores |= dict.fromkeys(memory.customer_names, ("use_customer_name", SURE))
        found = {}
        for at, word in enumerate(reading.words):
            behaviour, score = scores.get(word, ("wish_well", UNLIKELY if word == "doubt" else 0.0))
            if score:
                start, end = reading.characters(at, at + 1)
                evidence = (Evidence(source=f"word:{word}", start=start, end=end),)
                found[behaviour] = Candidate(behaviour, score, evidence, ("a word",), by_rule=word == "doubt")
        return tuple(found.values())


def behaviour(identifier: str = "wish_well", **update: Any) -> Behaviour:
    """Return a small behaviour: awarded from 0.9, reviewed from 0.5, three points, once a call."""
    examples = tuple(Example(text=f"example {number}") for number in range(8))
    made = Behaviour(
        id=identifier,
        name=identifier,
        goal="Trust",
        kpi="NPS",
        speaker="agent",
        phase=Phase.ANY,
        definition="Said by the agent.",
        rules=(Rule(id="rule", phrases=("words",)),),
        examples=Examples(catch=examples, leave=examples),
        thresholds=Thresholds(award=0.9, review=0.5),
        opportunity=Opportunity.ALWAYS,
        reward=RewardPolicy(points=3, cap=1, mode=Mode.LIVE),
    )
    return made.model_copy(update=update)


def policy(*, points: int = 3, cap: int = 1, mode: Mode = Mode.LIVE) -> RewardPolicy:
    """Return a reward policy."""
    return RewardPolicy(points=points, cap=cap, mode=mode)


def playbook_of(*behaviours: Behaviour, **shared: Any) -> Playbook:
    """Return a playbook of some behaviours that speaks English."""
    strategy = Strategy(version=1, languages=("en",), goals=("Trust",))
    return Playbook(version="1+test", strategy=strategy, shared=Shared(**shared), behaviours=behaviours)


def word_playbook() -> Playbook:
    """Return the playbook of what `WordScorer` finds; a wish well is credited twice a call, an apology once."""
    return playbook_of(
        behaviour("wish_well", reward=policy(cap=2), opportunity=Opportunity.CALL_CLOSED),
        behaviour("apologise", opportunity=Opportunity.TROUBLE_VOICED),
        behaviour("use_customer_name", reward=policy(cap=3), opportunity=Opportunity.NAME_KNOWN),
    )


def word_detector(playbook: Playbook | None = None) -> Detector:
    """Return a detector that goes by words."""
    return Detector(playbook=playbook or word_playbook(), reader=WordReader(), scorer=WordScorer(), tenant="tests")


def turn(index: int, speaker: str, text: str, **update: Any) -> Turn:
    """Return a final turn with the id `t` and its index."""
    return Turn.model_validate({"turn_id": f"t{index}", "index": index, "speaker": speaker, "text": text} | update)


def header(**update: Any) -> CallHeader:
    """Return the header of the call `c`, of the agent `a`."""
    return CallHeader.model_validate({"call_id": "c", "agent_id": "a"} | update)


def call(*said: tuple[str, str], **update: Any) -> Call:
    """Return the call `c`, of the agent `a`, with who said what."""
    turns = [{"speaker": speaker, "text": text} for speaker, text in said]
    return call_of({"call_id": "c", "agent_id": "a", "turns": turns} | update)


def decision(at: Turn, identifier: str = "wish_well", **update: Any) -> Decision:
    """Return an award in a turn of the call `c`, to the agent `a`."""
    made = Decision(
        decision_id=decision_id(tenant="tests", call_id="c", turn_id=at.turn_id, behaviour=identifier),
        call_id="c",
        turn_id=at.turn_id,
        index=at.index,
        agent_id="a",
        behaviour=identifier,
        outcome=Outcome.AWARD,
        score=SURE,
        evidence=(),
        reasons=(),
        playbook_version="1+test",
        model_version="words",
    )
    return made.model_copy(update=update)


def verdict(
    of: Decision, kind: VerdictKind, *, known: Known | None = None, identifier: str = "v", decided_at: datetime = NOON
) -> Verdict:
    """Return a reviewer's verdict on a decision, of whose call nothing else is known unless told."""
    return Verdict(
        verdict_id=f"{identifier}-{of.decision_id}",
        decision_id=of.decision_id,
        call_id=of.call_id,
        turn_id=of.turn_id,
        behaviour=of.behaviour,
        agent_id=of.agent_id,
        kind=kind,
        reviewer="qa-1",
        decided_at=decided_at,
        known=known or Known(header={"call_id": of.call_id}, decisions=()),
    )


def rule_hit(owner: str, *, first: int = 0, last: int = 1, void_by: str | None = None) -> Hit:
    """Return the hit of a rule of a behaviour."""
    return Hit(HitKind.RULE, owner, "rule", first, last, void_by)


def unless(identifier: str, *phrases: str, **update: Any) -> Unless:
    """Return an unless entry of phrases."""
    return Unless(id=identifier, phrases=phrases).model_copy(update=update)
