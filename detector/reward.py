"""Reward events: who has earned what, under stable ids, so that nothing is paid twice and all can be taken back."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import islice
from typing import Literal, TypeAlias

from detector.decision import AWARD, Decision, stable_id
from detector.judgement import NOTHING_JUDGED, Judgements, VerdictKind, outcome_after
from detector.playbook import Playbook, RewardPolicy
from detector.transcript import CallHeader, Contract, Turn


class RewardType(StrEnum):
    """The two kinds of reward event."""

    GRANTED = "reward.granted.v1"
    REVERSED = "reward.reversed.v1"


class RewardData(Contract):
    """What a reward is for. No words of the call are in it. `slot` counts credited occurrences from 1."""

    points: int
    behaviour: str
    agent_id: str
    team: str | None = None
    call_id: str
    slot: int
    turn_id: str
    turn_time: datetime | None = None
    decision_id: str
    decision_source: Literal["machine", "qa"] = "machine"
    confidence: float
    playbook_version: str
    model_version: str


class RewardEvent(Contract):
    """A CloudEvents 1.0 event in structured form (https://github.com/cloudevents/spec, v1.0.2)."""

    specversion: Literal["1.0"] = "1.0"
    id: str
    source: str
    type: RewardType
    subject: str
    time: datetime | None = None
    datacontenttype: Literal["application/json"] = "application/json"
    partitionkey: str
    causationid: str | None = None
    data: RewardData


Who: TypeAlias = tuple[str, str]
"""An agent and a behaviour: what slots are counted by."""


@dataclass(frozen=True, slots=True)
class Credit:
    """A slot that was granted; `generation` counts how often it was granted again after a reversal."""

    event: RewardEvent
    generation: int = 0
    standing: bool = True

    @property
    def who(self) -> Who:
        """Agent and behaviour."""
        return self.event.data.agent_id, self.event.data.behaviour

    @property
    def key(self) -> tuple[str, str, int]:
        """Agent, behaviour and slot."""
        return *self.who, self.event.data.slot


def reward_id(*, tenant: str, call_id: str, agent_id: str, behaviour: str, slot: int, generation: int = 0) -> str:
    """Return the id of a grant: of who, what and which occurrence; not of text, offsets or versions."""
    again = (f"again {generation}",) if generation else ()
    return stable_id("\x1f".join(("reward", tenant, call_id, agent_id, behaviour, str(slot), *again)))


def reversal_id(granted_id: str) -> str:
    """Return the id of the one event that takes a grant back."""
    return stable_id(f"reversal\x1f{granted_id}")


def settle(
    credited: tuple[Credit, ...],
    decisions: Iterable[Decision],
    *,
    header: CallHeader,
    turns: Sequence[Turn],
    playbook: Playbook,
    tenant: str,
    judgements: Judgements = NOTHING_JUDGED,
) -> tuple[tuple[Credit, ...], tuple[RewardEvent, ...]]:
    """Bring the credits in line with the decisions that stand; return them and the events that tell so.

    Each agent has, for each behaviour, as many slots as awards stand, up to the policy's cap a call.
    A slot beyond them is reversed; one not yet credited is granted. An award that was rejected does not stand and
    what was granted for it is reversed, though another may take its slot; a review that was confirmed is an award.
    Of a behaviour that the playbook no longer has nothing more is granted; what was granted stands with its awards.
    """
    earned = _earned(decisions, playbook, judgements)
    ledger = {credit.key: credit for credit in credited}
    events: list[RewardEvent] = []
    for credit in _undue(credited, earned, judgements):
        ledger[credit.key] = replace(credit, standing=False)
        events.append(_reversal(credit.event))
    for slot, decision in _vacancies(earned, ledger):
        if (policy := _policy(decision.behaviour, playbook)) is None:
            continue
        key = (decision.agent_id or "", decision.behaviour, slot)
        known = ledger.get(key)
        generation = 0 if known is None else known.generation + 1
        event = _grant(
            decision,
            slot,
            generation,
            header=header,
            time=turn_time(header, next((one for one in turns if one.turn_id == decision.turn_id), None)),
            points=policy.points,
            tenant=tenant,
            by_person=_confirmed(decision, judgements),
        )
        ledger[key] = Credit(event, generation)
        events.append(event)
    return tuple(ledger.values()), tuple(events)


def _earned(decisions: Iterable[Decision], playbook: Playbook, judgements: Judgements) -> dict[Who, list[Decision]]:
    """Return the awards of each agent and behaviour that are to be paid, in the order of the turns."""
    earned: dict[Who, list[Decision]] = {}
    for decision in decisions:
        if outcome_after(decision, judgements) is not AWARD or decision.agent_id is None:
            continue
        paid = earned.setdefault((decision.agent_id, decision.behaviour), [])
        policy = _policy(decision.behaviour, playbook)
        if policy is None or len(paid) < policy.cap:
            paid.append(decision)
    return earned


def _policy(behaviour: str, playbook: Playbook) -> RewardPolicy | None:
    """Return what a behaviour earns; None where it has been removed since it was decided on."""
    try:
        return playbook.behaviour(behaviour).reward
    except KeyError:
        return None


def _undue(
    credited: Iterable[Credit], earned: Mapping[Who, list[Decision]], judgements: Judgements
) -> Iterator[Credit]:
    """Yield the credits that no longer stand: of rejected awards, then the last slots beyond what is earned."""
    left: Counter[Who] = Counter({who: len(paid) for who, paid in earned.items()})
    for credit in sorted((one for one in credited if one.standing), key=lambda one: one.key):
        judgement = judgements.get(credit.event.data.decision_id)
        if (judgement is not None and judgement.kind.rejects) or left[credit.who] == 0:
            yield credit
        else:
            left[credit.who] -= 1


def _vacancies(
    earned: Mapping[Who, list[Decision]], ledger: Mapping[tuple[str, str, int], Credit]
) -> Iterator[tuple[int, Decision]]:
    """Yield the slots to be granted, lowest first, with the awards that have none yet, in the order of the turns."""
    standing: dict[Who, dict[int, str]] = {}
    for credit in ledger.values():
        if credit.standing:
            standing.setdefault(credit.who, {})[credit.event.data.slot] = credit.event.data.decision_id
    for who, paid in earned.items():
        held = standing.get(who, {})
        vacant = (slot for slot in range(1, len(paid) + 1) if slot not in held)
        waiting = (one for one in paid if one.decision_id not in held.values())
        yield from zip(islice(vacant, len(paid) - len(held)), waiting, strict=False)


def _grant(
    decision: Decision,
    slot: int,
    generation: int,
    *,
    header: CallHeader,
    time: datetime | None,
    points: int,
    tenant: str,
    by_person: bool,
) -> RewardEvent:
    agent_id = decision.agent_id or ""
    return RewardEvent(
        id=reward_id(
            tenant=tenant,
            call_id=header.call_id,
            agent_id=agent_id,
            behaviour=decision.behaviour,
            slot=slot,
            generation=generation,
        ),
        source=f"/{tenant}/behaviour-detector",
        type=RewardType.GRANTED,
        subject=agent_id,
        time=time,
        partitionkey=agent_id,
        data=RewardData(
            points=points,
            behaviour=decision.behaviour,
            agent_id=agent_id,
            team=header.team,
            call_id=header.call_id,
            slot=slot,
            turn_id=decision.turn_id,
            turn_time=time,
            decision_id=decision.decision_id,
            decision_source="qa" if by_person else "machine",
            confidence=decision.score,
            playbook_version=decision.playbook_version,
            model_version=decision.model_version,
        ),
    )


def _confirmed(decision: Decision, judgements: Judgements) -> bool:
    judgement = judgements.get(decision.decision_id)
    return judgement is not None and judgement.kind is VerdictKind.CORRECT


def _reversal(granted: RewardEvent) -> RewardEvent:
    return granted.model_copy(
        update={"id": reversal_id(granted.id), "type": RewardType.REVERSED, "causationid": granted.id}
    )


def turn_time(header: CallHeader, turn: Turn | None) -> datetime | None:
    """Return when a turn was said, as far as the call's start and the turn's times tell; None of an unknown turn."""
    if header.started_at is None or turn is None:
        return None
    try:
        return header.started_at + timedelta(milliseconds=turn.start_ms or 0)
    except OverflowError:
        return header.started_at
