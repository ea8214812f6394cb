"""From the decisions that stand, and what people said of them, to reward events."""

from dataclasses import replace

from detector.call import CallState, Emission, Memory
from detector.decision import Decision
from detector.judgement import that_hold
from detector.playbook import Playbook
from detector.reward import RewardEvent, settle
from detector.transcript import AGENT, Turn
from detector.verdict import Known, Verdict, credits_of, merged_credits


def settled(state: CallState, *, playbook: Playbook, tenant: str) -> tuple[CallState, tuple[RewardEvent, ...]]:
    """Bring the credits in line with the decisions. Where no customer was heard only a person's word pays."""
    heard, judgements = state.memory.customer_heard, state.judgements
    ledger, rewards = settle(
        state.credits,
        (one for one in state.decisions if heard or one.decision_id in judgements),
        header=state.header,
        turns=state.turns,
        playbook=playbook,
        tenant=tenant,
        judgements=judgements,
    )
    return (replace(state, credits=ledger) if rewards else state), rewards


def judged(
    state: CallState, verdict: Verdict, *, playbook: Playbook, tenant: str
) -> tuple[CallState, tuple[RewardEvent, ...]]:
    """Take in a verdict: a rejected award is taken back, a confirmed review is granted.

    A verdict delivered again gives out what it gave out the first time. One older than what is known of its decision
    changes nothing; nor does `missed`: it teaches, it does not pay.
    """
    if (emission := state.emissions.get(verdict.verdict_id)) is not None:
        return state, emission.rewards
    judgements = that_hold([*state.judgements.values(), verdict.judgement])
    after, rewards = settled(replace(state, judgements=judgements), playbook=playbook, tenant=tenant)
    return replace(after, emissions={**state.emissions, verdict.verdict_id: Emission(rewards=rewards)}), rewards


def out_of_turn(state: CallState, verdict: Verdict) -> bool:
    """Tell whether a verdict came before one that it counts on, or behind one that counts on it."""
    if verdict.verdict_id in state.emissions:
        return False
    overtakes = any(one.verdict_id not in state.emissions for one in verdict.known.judgements)
    return overtakes or any(one.decided_at > verdict.decided_at for one in state.judgements.values())


def judged_out_of_turn(
    state: CallState, verdict: Verdict, *, playbook: Playbook, tenant: str
) -> tuple[CallState, tuple[RewardEvent, ...]]:
    """Take in a verdict and what QA knew: it leads to what it would have led to in its turn, and the last word holds.

    The verdicts that it counts on, or that count on it, lead to theirs by themselves. What then is out of line with the
    decisions that stand is settled as ever; nothing is told under an id that was told before.
    """
    known, told = verdict.known, {one.id for emission in state.emissions.values() for one in emission.rewards}
    remembered = judged_from_memory(verdict, playbook=playbook, tenant=tenant)
    fresh = tuple(one for one in remembered if one.id not in told)
    caught_up = replace(
        state,
        credits=merged_credits(state.credits, credits_of((*known.events, *fresh))),
        judgements=that_hold([*state.judgements.values(), *known.judgements, verdict.judgement]),
    )
    after, rewards = settled(caught_up, playbook=playbook, tenant=tenant)
    rewards = (*fresh, *rewards)
    return replace(after, emissions={**state.emissions, verdict.verdict_id: Emission(rewards=rewards)}), rewards


def judged_from_memory(verdict: Verdict, *, playbook: Playbook, tenant: str) -> tuple[RewardEvent, ...]:
    """Return what a verdict leads to on a call of which nothing is kept: by what QA knew of it."""
    return judged(recalled(verdict.known), verdict, playbook=playbook, tenant=tenant)[1]


def recalled(known: Known) -> CallState:
    """Return the state of a call that only QA remembers: enough to settle by.

    Where QA does not tell whether a customer was heard, what the machine granted tells; a person's word pays without
    one. Of the turns it holds when they began, and no words.
    """
    granted = any(one.data.decision_source == "machine" for one in known.events)
    heard = granted if known.customer_heard is None else known.customer_heard
    return CallState(
        header=known.header,
        turns=tuple(_turn(one, known.starts[one.turn_id]) for one in known.decisions if one.turn_id in known.starts),
        memory=Memory(customer_heard=heard),
        decisions=known.decisions,
        credits=credits_of(known.events),
        judgements=that_hold(known.judgements),
    )


def _turn(decision: Decision, start_ms: int) -> Turn:
    return Turn(turn_id=decision.turn_id, index=decision.index, speaker=AGENT, text="", start_ms=start_ms)
