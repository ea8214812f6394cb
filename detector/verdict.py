"""What QA sends back: a verdict on a decision, with all that is needed to settle it when the call is long forgotten."""

from collections.abc import Iterable, Mapping
from typing import Literal

from detector.decision import Decision
from detector.judgement import Judgement, VerdictKind
from detector.reward import Credit, RewardEvent, RewardType
from detector.transcript import CallHeader, Contract, Id, Milliseconds, Moment, TurnId

SCHEMA_VERSION = 1


class Known(Contract):
    """What QA knew of the call as it judged: of one agent and one behaviour, since rewards are settled by these.

    `decisions` are those that stand, in the order of the turns; `judgements` the earlier ones, of any of them;
    `events` the reward events seen so far, in the order they came, then those that earlier verdicts still lead to;
    `customer_heard` whether the customer said a word, None where QA does not know; `starts` when the turns of the
    decisions began, in milliseconds from the call's start, as far as QA knows. No words of the call are in it.
    """

    header: CallHeader
    decisions: tuple[Decision, ...]
    judgements: tuple[Judgement, ...] = ()
    events: tuple[RewardEvent, ...] = ()
    customer_heard: bool | None = None
    starts: Mapping[TurnId, Milliseconds] = {}


class Verdict(Contract):
    """What a person says of a decision. A later one on the same decision takes the place of the earlier."""

    type: Literal["verdict"] = "verdict"
    schema_version: int = SCHEMA_VERSION
    verdict_id: Id
    decision_id: Id
    call_id: Id
    turn_id: TurnId
    behaviour: Id
    agent_id: Id | None = None
    kind: VerdictKind
    reviewer: Id
    decided_at: Moment
    known: Known

    @property
    def judgement(self) -> Judgement:
        """The verdict's bare word."""
        return Judgement(
            verdict_id=self.verdict_id, decision_id=self.decision_id, kind=self.kind, decided_at=self.decided_at
        )


def credits_of(events: Iterable[RewardEvent]) -> tuple[Credit, ...]:
    """Return the credits that reward events, in the order they came, tell of; an event told twice counts once."""
    rebuilt: dict[tuple[str, str, int], Credit] = {}
    seen: set[str] = set()
    for event in events:
        key = (event.data.agent_id, event.data.behaviour, event.data.slot)
        known = rebuilt.get(key)
        if event.id in seen:
            continue
        seen.add(event.id)
        if event.type is RewardType.GRANTED:
            rebuilt[key] = Credit(event, generation=0 if known is None else known.generation + 1)
        elif known is not None and known.event.id == event.causationid:
            rebuilt[key] = Credit(known.event, known.generation, standing=False)
    return tuple(rebuilt.values())


def merged_credits(kept: Iterable[Credit], told: Iterable[Credit]) -> tuple[Credit, ...]:
    """Return the credits that are known from two sides: of each slot the later grant, reversed where either says so."""
    merged = {one.key: one for one in kept}
    for one in told:
        mine = merged.get(one.key)
        if mine is None or (one.generation, not one.standing) > (mine.generation, not mine.standing):
            merged[one.key] = one
    return tuple(merged.values())
