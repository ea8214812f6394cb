"""What the machine says of a candidate: award, review or shadow, or nothing; and the call's scorecard."""

from collections.abc import Iterable
from enum import StrEnum
from hashlib import sha1
from uuid import UUID

from detector.candidate import Candidate, Evidence
from detector.playbook import Behaviour, Mode, Playbook
from detector.transcript import CallHeader, Contract, Turn

NAMESPACE = UUID("5d0a1a0c-6d6f-5b0e-9a53-1f3c0c6f6b1d")
_NAMESPACE_BYTES = NAMESPACE.bytes


class Outcome(StrEnum):
    """What becomes of a candidate that is not dropped."""

    AWARD = "award"
    REVIEW = "review"
    SHADOW = "shadow"


AWARD, REVIEW, SHADOW = Outcome
"""Looked up once, as they are asked for at each decision."""


class Decision(Contract):
    """An outcome with everything that explains it. A retracted decision takes back the one of the same id."""

    decision_id: str
    call_id: str
    turn_id: str
    index: int
    revision: int = 0
    agent_id: str | None = None
    behaviour: str
    outcome: Outcome
    score: float
    evidence: tuple[Evidence, ...]
    reasons: tuple[str, ...]
    playbook_version: str
    model_version: str
    retracted: bool = False


class CallOutcome(StrEnum):
    """What a whole call shows of one behaviour."""

    DONE = "done"
    MISSED = "missed"
    NOT_NEEDED = "not_needed"
    ABSTAINED = "abstained"


class Scorecard(Contract):
    """Per behaviour what the call shows, told at its end; `abstained` says why where anything was abstained from."""

    call_id: str
    agent_id: str | None = None
    team: str | None = None
    outcomes: dict[str, CallOutcome]
    abstained: tuple[str, ...] = ()
    playbook_version: str
    model_version: str


def stable_id(name: str) -> str:
    """Return the UUID of version 5 of a name in our namespace; Python's own `uuid5` takes four times as long."""
    digest = sha1(_NAMESPACE_BYTES + name.encode(), usedforsecurity=False).hexdigest()
    variant = "89ab"[int(digest[16], 16) % 4]
    return f"{digest[:8]}-{digest[8:12]}-5{digest[13:16]}-{variant}{digest[17:20]}-{digest[20:32]}"


def decision_id(*, tenant: str, call_id: str, turn_id: str, behaviour: str) -> str:
    """Return the id of the decision on one behaviour in one turn: the same at each replay and after each revision."""
    return stable_id(f"decision\x1f{tenant}\x1f{call_id}\x1f{turn_id}\x1f{behaviour}")


def outcome_of(score: float, behaviour: Behaviour, *, by_rule: bool = False, strained: bool = False) -> Outcome | None:
    """Return what a calibrated score means under the behaviour's thresholds; None is a drop.

    What a scorer proposes by a rule is never dropped: where the score doubts it, a person looks at it. So does one
    where the call is strained and the behaviour needs goodwill.
    """
    if score < behaviour.thresholds.review and not by_rule:
        return None
    if behaviour.reward.mode is Mode.SHADOW:
        return SHADOW
    doubted = strained and behaviour.needs_goodwill
    return AWARD if score >= behaviour.thresholds.award and not doubted else REVIEW


def decide(
    candidates: Iterable[Candidate],
    *,
    header: CallHeader,
    turn: Turn,
    playbook: Playbook,
    model_version: str,
    tenant: str,
    strained: bool = False,
) -> tuple[Decision, ...]:
    """Return a decision for each candidate that clears its behaviour's review threshold.

    `strained` says that agent and customer have fallen out, see `call.Memory.strained`.
    """
    made = []
    for candidate in candidates:
        behaviour = playbook.behaviour(candidate.behaviour)
        outcome = outcome_of(candidate.score, behaviour, by_rule=candidate.by_rule, strained=strained)
        if outcome is None:
            continue
        agent_id = turn.agent_id or header.agent_id
        made.append(
            Decision(
                decision_id=decision_id(
                    tenant=tenant, call_id=header.call_id, turn_id=turn.turn_id, behaviour=behaviour.id
                ),
                call_id=header.call_id,
                turn_id=turn.turn_id,
                index=turn.index,
                revision=turn.revision,
                agent_id=agent_id,
                behaviour=behaviour.id,
                outcome=outcome,
                score=round(candidate.score, 6),
                evidence=candidate.evidence,
                reasons=(*candidate.reasons, *_why(outcome, candidate.score, behaviour, agent_id)),
                playbook_version=playbook.version,
                model_version=model_version,
            )
        )
    return tuple(made)


def _why(outcome: Outcome, score: float, behaviour: Behaviour, agent_id: str | None) -> tuple[str, ...]:
    award, review = behaviour.thresholds.award, behaviour.thresholds.review
    if outcome is REVIEW and score < review:
        return (f"a rule says so, the score {score:.2f} doubts it: below review {review:.2f}",)
    if outcome is REVIEW and score >= award:
        return (f"score {score:.2f} is at least award {award:.2f}, but the call is strained: is it meant?",)
    if outcome is REVIEW:
        return (f"score {score:.2f} is between review {review:.2f} and award {award:.2f}",)
    if outcome is SHADOW:
        return (f"score {score:.2f}; the behaviour is in shadow: seen and reported, not rewarded",)
    told = f"score {score:.2f} is at least award {award:.2f}"
    return (told,) if agent_id else (told, "no agent id: nobody to reward")
