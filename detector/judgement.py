"""What a person said of one decision."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import TypeAlias

from detector.decision import Decision, Outcome
from detector.transcript import Contract, Id, Moment


class VerdictKind(StrEnum):
    """What QA says of a decision; `missed` is of an act the machine did not see."""

    CORRECT = "correct"
    WRONG_WORDS = "wrong_words"
    WRONG_SENSE = "wrong_sense"
    WRONG_SPEAKER = "wrong_speaker"
    MISSED = "missed"

    @property
    def rejects(self) -> bool:
        """The decision does not hold."""
        return self in {VerdictKind.WRONG_WORDS, VerdictKind.WRONG_SENSE, VerdictKind.WRONG_SPEAKER}


class Judgement(Contract):
    """One verdict's bare word on a decision: enough to settle rewards by."""

    verdict_id: Id
    decision_id: Id
    kind: VerdictKind
    decided_at: Moment


Judgements: TypeAlias = Mapping[str, Judgement]
"""The judgement that holds of each decision, by decision id."""

NOTHING_JUDGED: Judgements = MappingProxyType({})


def that_hold(judgements: Iterable[Judgement]) -> Judgements:
    """Return the judgement that holds of each decision: the last one made, whatever order they came in."""
    ordered = sorted(judgements, key=lambda one: (one.decided_at, one.verdict_id))
    return {one.decision_id: one for one in ordered}


def outcome_after(decision: Decision, judgements: Judgements) -> Outcome | None:
    """Return a decision's outcome once people were heard: None where rejected, an award where a review is confirmed.

    A behaviour in shadow stays so, whoever confirms it.
    """
    judgement = judgements.get(decision.decision_id)
    if judgement is None:
        return decision.outcome
    if judgement.kind.rejects:
        return None
    confirmed = judgement.kind is VerdictKind.CORRECT and decision.outcome is Outcome.REVIEW
    return Outcome.AWARD if confirmed else decision.outcome
