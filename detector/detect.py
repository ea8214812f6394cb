"""The one pure step, and the fold over it: the same input gives the same output, whichever door it came by."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from operator import attrgetter

from detector.call import BRUSHED_OFF, NOTHING_TOLD, CallState, Memory, call_outcome, opened, remember
from detector.decision import Decision, Scorecard, decide
from detector.playbook import Playbook
from detector.ports import Reader, Scorer
from detector.reward import RewardEvent
from detector.settlement import judged, judged_out_of_turn, out_of_turn, settled
from detector.transcript import AGENT, SYSTEM, Call, CallHeader, Turn, merged
from detector.verdict import Verdict

_ID = attrgetter("turn_id")
KNOWN_LANGUAGES = 1_000
"""How many language tags are remembered; it is asked at each turn whether one's own is spoken."""


@dataclass(frozen=True, slots=True)
class Step:
    """What one event of a call leads to: the new state, and what is to be told."""

    state: CallState
    decisions: tuple[Decision, ...] = ()
    rewards: tuple[RewardEvent, ...] = ()
    scorecard: Scorecard | None = None


@dataclass(frozen=True, slots=True)
class Detection:
    """All that a finished call leads to: decisions that stand, reward events in order, the scorecard."""

    decisions: tuple[Decision, ...]
    rewards: tuple[RewardEvent, ...]
    scorecard: Scorecard


class Detector:
    """Spots the playbook's behaviours in calls. Holds no state: that of a call is handed in and out."""

    def __init__(self, *, playbook: Playbook, reader: Reader, scorer: Scorer, tenant: str = "default") -> None:
        self.playbook = playbook
        self.tenant = tenant
        self._reader = reader
        self._scorer = scorer
        self._speaks = lru_cache(maxsize=KNOWN_LANGUAGES)(playbook.speaks)

    def open(self, header: CallHeader) -> CallState:
        """Return the state of a call before its first turn."""
        return opened(header)

    def introduce(self, state: CallState, header: CallHeader) -> Step:
        """Take in what is known of a call, also where turns came before it; a field not told wipes nothing."""
        known = merged(state.header, header)
        if known == state.header:
            return self._unchanged(state)
        return self._again(replace(state, header=known), state.turns, cause=None)

    def step(self, state: CallState, turn: Turn) -> Step:
        """Take in one turn.

        A partial turn changes nothing. A turn delivered again gives out what it gave out the first time.
        A revision, or a turn that comes late, is put in its place: what no longer holds is retracted. Where a source
        does not number its revisions, each may be one delivered again: what came of those before is told with it.
        """
        if not turn.is_final:
            return self._unchanged(state)
        known = _known(state.turns, turn.turn_id)
        if known is None and (not state.turns or _place(turn) > _place(state.turns[-1])):
            return self._next(state, turn)
        if known is None:
            return self._again(state, (*state.turns, turn), cause=turn)
        if known == turn:
            return self._replay(state, turn)
        if turn.revision < known.revision:
            return self._unchanged(state)
        revised = self._again(state, (*(one for one in state.turns if one is not known), turn), cause=turn)
        return revised if turn.revision > known.revision else self._replay(revised.state, turn)

    def end(self, state: CallState) -> Step:
        """Take in that the call is over; tell its scorecard."""
        ended = replace(state, ended=True)
        return Step(ended, scorecard=self._scorecard(ended))

    def judge(self, state: CallState, verdict: Verdict) -> Step:
        """Take in a verdict; see `settlement.judged`. The scorecard of a call that is over is told anew."""
        take_in = judged_out_of_turn if out_of_turn(state, verdict) else judged
        after, rewards = take_in(state, verdict, playbook=self.playbook, tenant=self.tenant)
        return Step(after, rewards=rewards, scorecard=self._scorecard(after) if after.ended else None)

    def detect(self, call: Call) -> Detection:
        """Fold the step over a whole call."""
        state = self.open(call.header)
        rewards: list[RewardEvent] = []
        for turn in sorted(call.turns, key=lambda one: (*_place(one), one.revision)):
            step = self.step(state, turn)
            state = step.state
            rewards.extend(step.rewards)
        return Detection(state.decisions, tuple(rewards), self._scorecard(state))

    def _next(self, state: CallState, turn: Turn) -> Step:
        """Take in the turn that follows all others."""
        memory, made = self._heard(state.header, state.memory, turn)
        after = CallState(
            header=state.header,
            turns=(*state.turns, turn),
            memory=memory,
            decisions=(*state.decisions, *made) if made else state.decisions,
            credits=state.credits,
            emissions=state.emissions,
            judgements=state.judgements,
            ended=state.ended,
        )
        return self._told(state, after, made, turn)

    def _again(self, state: CallState, turns: Iterable[Turn], *, cause: Turn | None) -> Step:
        """Take in all turns anew, in their order, and tell what is different."""
        ordered = tuple(sorted(turns, key=_place))
        memory, standing = opened(state.header).memory, list[Decision]()
        for turn in ordered:
            memory, made = self._heard(state.header, memory, turn)
            standing.extend(made)
        after = replace(state, turns=ordered, memory=memory, decisions=tuple(standing))
        return self._told(state, after, _differences(state.decisions, after.decisions), cause)

    def _heard(self, header: CallHeader, memory: Memory, turn: Turn) -> tuple[Memory, tuple[Decision, ...]]:
        """Read, score and decide one turn; return the memory after it and the decisions made."""
        if turn.speaker is SYSTEM or not self._speaks(header.language):
            return memory, ()
        reading = self._reader.read(turn, memory)
        after = remember(memory, turn, reading)
        made: tuple[Decision, ...] = ()
        if turn.speaker is AGENT and reading.words:
            made = decide(
                self._scorer.candidates(reading, memory),
                header=header,
                turn=turn,
                playbook=self.playbook,
                model_version=self._scorer.version,
                tenant=self.tenant,
                strained=memory.strained or BRUSHED_OFF in after.facts,
            )
        return after, made

    def _told(self, before: CallState, after: CallState, decisions: tuple[Decision, ...], cause: Turn | None) -> Step:
        """Settle the rewards of the new state and keep what is given out with the turn that caused it."""
        rewards: tuple[RewardEvent, ...] = ()
        if decisions or after.memory.customer_heard != before.memory.customer_heard:
            after, rewards = settled(after, playbook=self.playbook, tenant=self.tenant)
        if cause is not None and (decisions or rewards):
            told = after.emissions.get(cause.turn_id, NOTHING_TOLD).followed_by(decisions, rewards)
            after = replace(after, emissions={**after.emissions, cause.turn_id: told})
        return Step(after, decisions, rewards, self._scorecard(after) if after.ended else None)

    def _replay(self, state: CallState, turn: Turn) -> Step:
        """Give out again what the turn and its revisions gave out; of decisions, what has become of them since."""
        emission = state.emissions.get(turn.turn_id, NOTHING_TOLD)
        decisions = as_they_stand(emission.decisions, state)
        return replace(self._unchanged(state), decisions=decisions, rewards=emission.rewards)

    def _unchanged(self, state: CallState) -> Step:
        """Tell of what changes nothing the scorecard of a call that is over: it may be lost with the worker else."""
        return Step(state, scorecard=self._scorecard(state) if state.ended else None)

    def _scorecard(self, state: CallState) -> Scorecard:
        why = tuple(self._abstains(state))
        return Scorecard(
            call_id=state.header.call_id,
            agent_id=state.header.agent_id,
            team=state.header.team,
            outcomes={one.id: call_outcome(one, state, abstains=bool(why)) for one in self.playbook.behaviours},
            abstained=why,
            playbook_version=self.playbook.version,
            model_version=self._scorer.version,
        )

    def _abstains(self, state: CallState) -> Iterable[str]:
        """Say why the call, or part of it, was abstained from."""
        if not self.playbook.speaks(state.header.language):
            yield f"the playbook does not speak {state.header.language!r}"
            return
        unknown = state.memory.unknown_heard
        if unknown:
            yield f"{unknown} turn{'s' if unknown > 1 else ''} without a known speaker"
        if state.memory.agent_turns and not state.memory.customer_heard and not unknown:
            yield "no customer was heard: nothing is rewarded"


def as_they_stand(decisions: Iterable[Decision], state: CallState) -> tuple[Decision, ...]:
    """Return decisions told before as they stand now: told again as they were, they would undo a later retraction."""
    standing = {one.decision_id: one for one in state.decisions}
    return tuple(standing.get(one.decision_id) or one.model_copy(update={"retracted": True}) for one in decisions)


def _known(turns: Sequence[Turn], turn_id: str) -> Turn | None:
    """Return the turn of an id, where there is one."""
    if turn_id not in map(_ID, turns):  # most turns are new: this is the fastest way to know
        return None
    return next(one for one in turns if one.turn_id == turn_id)


def _place(turn: Turn) -> tuple[int, str]:
    """Return what turns are ordered by: their index; the two channels' clocks differ."""
    return turn.index, turn.turn_id


def _differences(before: tuple[Decision, ...], after: tuple[Decision, ...]) -> tuple[Decision, ...]:
    """Return the retractions of what no longer stands, then what is new or different."""
    old: Mapping[str, Decision] = {one.decision_id: one for one in before}
    new = {one.decision_id: one for one in after}
    gone = tuple(one.model_copy(update={"retracted": True}) for key, one in old.items() if key not in new)
    return (*gone, *(one for key, one in new.items() if old.get(key) != one))
