"""Reward events: who has earned what, under stable ids, so that nothing is paid twice and all can be taken back."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal
from uuid import uuid5

from detector.decision import AWARD, NAMESPACE, Decision
from detector.playbook import Playbook
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


@dataclass(frozen=True, slots=True)
class Credit:
    """A slot that was granted; `generation` counts how often it was granted again after a reversal."""

    event: RewardEvent
    generation: int = 0
    standing: bool = True

    @property
    def key(self) -> tuple[str, str, int]:
        """Agent, behaviour and slot."""
        return self.event.data.agent_id, self.event.data.behaviour, self.event.data.slot


def reward_id(*, tenant: str, call_id: str, agent_id: str, behaviour: str, slot: int, generation: int = 0) -> str:
    """Return the id of a grant: of who, what and which occurrence; not of text, offsets or versions."""
    again = (f"again {generation}",) if generation else ()
    return str(uuid5(NAMESPACE, "\x1f".join(("reward", tenant, call_id, agent_id, behaviour, str(slot), *again))))


def reversal_id(granted_id: str) -> str:
    """Return the id of the one event that takes a grant back."""
    return str(uuid5(NAMESPACE, f"reversal\x1f{granted_id}"))


def settle(
    credited: tuple[Credit, ...],
    decisions: Iterable[Decision],
    *,
    header: CallHeader,
    turns: Mapping[str, Turn],
    playbook: Playbook,
    tenant: str,
) -> tuple[tuple[Credit, ...], tuple[RewardEvent, ...]]:
    """Bring the credits in line with the decisions that stand; return them and the events that tell so.

    Each agent has, for each behaviour, as many slots as awards stand, up to the policy's cap a call.
    A slot beyond them is reversed; one not yet credited is granted.
    """
    due = _due(decisions, playbook)
    ledger = {credit.key: credit for credit in credited}
    events: list[RewardEvent] = []
    for key, credit in ledger.items():
        if credit.standing and key not in due:
            ledger[key] = replace(credit, standing=False)
            events.append(_reversal(credit.event))
    for key, decision in due.items():
        known = ledger.get(key)
        if known is not None and known.standing:
            continue
        generation = 0 if known is None else known.generation + 1
        event = _grant(decision, key[2], generation, header=header, turns=turns, playbook=playbook, tenant=tenant)
        ledger[key] = Credit(event, generation)
        events.append(event)
    return tuple(ledger.values()), tuple(events)


def _due(decisions: Iterable[Decision], playbook: Playbook) -> dict[tuple[str, str, int], Decision]:
    """Return the decision behind each slot that is earned, in the order of the turns."""
    counts: dict[tuple[str, str], int] = {}
    due: dict[tuple[str, str, int], Decision] = {}
    for decision in decisions:
        if decision.outcome is not AWARD or decision.agent_id is None:
            continue
        who = (decision.agent_id, decision.behaviour)
        slot = counts.get(who, 0) + 1
        if slot <= playbook.behaviour(decision.behaviour).reward.cap:
            counts[who] = slot
            due[*who, slot] = decision
    return due


def _grant(
    decision: Decision,
    slot: int,
    generation: int,
    *,
    header: CallHeader,
    turns: Mapping[str, Turn],
    playbook: Playbook,
    tenant: str,
) -> RewardEvent:
    agent_id = decision.agent_id or ""
    time = turn_time(header, turns.get(decision.turn_id))
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
            points=playbook.behaviour(decision.behaviour).reward.points,
            behaviour=decision.behaviour,
            agent_id=agent_id,
            team=header.team,
            call_id=header.call_id,
            slot=slot,
            turn_id=decision.turn_id,
            turn_time=time,
            decision_id=decision.decision_id,
            confidence=decision.score,
            playbook_version=decision.playbook_version,
            model_version=decision.model_version,
        ),
    )


def _reversal(granted: RewardEvent) -> RewardEvent:
    return granted.model_copy(
        update={"id": reversal_id(granted.id), "type": RewardType.REVERSED, "causationid": granted.id}
    )


def turn_time(header: CallHeader, turn: Turn | None) -> datetime | None:
    """Return when a turn was said, as far as the call's start and the turn's times tell."""
    if header.started_at is None:
        return None
    start_ms = turn.start_ms if turn is not None else None
    try:
        return header.started_at + timedelta(milliseconds=start_ms or 0)
    except OverflowError:
        return header.started_at
