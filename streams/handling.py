"""One message of a call: the pure function between the bytes that came and those that go."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from detector.call import CallState
from detector.decision import Decision, Scorecard
from detector.detect import Detector, Step, as_they_stand
from detector.reward import RewardEvent
from detector.settlement import judged_from_memory, out_of_turn
from detector.transcript import CallHeader, Turn
from detector.verdict import Verdict, credits_of
from streams.messages import CallEnded, CallForgotten, CallIdle, CallStarted, Message, TurnsSaid, WholeCall
from streams.records import CallRecord, touched


@dataclass(frozen=True, slots=True)
class Handled:
    """What a message leads to: the record to keep (None: none), and what is to be told.

    A record that is the very one handed in need not be written.
    """

    record: CallRecord | None
    decisions: tuple[Decision, ...] = ()
    rewards: tuple[RewardEvent, ...] = ()
    scorecard: Scorecard | None = None


def handle(detector: Detector, record: CallRecord | None, message: Message, *, at: float) -> Handled:
    """Return what a message leads to. `at` is when it was written, in seconds since 1970.

    The same message delivered again, also to a record that already holds it, leads to the same facts. The end of a
    call of which nothing is kept leads to nothing: an empty scorecard would take the place of a good one.
    """
    match message:
        case CallIdle():
            return _closed(detector, record, message, at)
        case CallForgotten():
            drop = record is not None and record.ended_at > 0 and record.seen_at == message.seen_at
            return Handled(None if drop else record)
        case Verdict():
            return _judged(detector, record, message)
        case CallStarted() | WholeCall():
            return _introduced(detector, record, message, at)
        case CallEnded() if record is None:
            return Handled(None)
    before = record or CallRecord(detector.open(CallHeader(call_id=message.call_id)), at)
    return _told(record, before, _steps(detector, before.state, message), at)


def _introduced(detector: Detector, record: CallRecord | None, message: CallStarted | WholeCall, at: float) -> Handled:
    """Take in a header, and the turns and the end that come with it.

    A header does not tell whether it is delivered again: what came of headers before is told with it.
    """
    header = message.header
    before = record or CallRecord(detector.open(header), at)
    step = detector.introduce(before.state, header)
    told = before.introduction.followed_by(step.decisions, step.rewards)
    if told is not before.introduction:
        before = replace(before, introduction=told)
    step = replace(step, decisions=as_they_stand(told.decisions, step.state), rewards=told.rewards)
    rest = _steps(detector, step.state, message) if isinstance(message, WholeCall) else iter(())
    return _told(record, before, [step, *rest], at)


def _steps(detector: Detector, state: CallState, message: TurnsSaid | CallEnded | WholeCall) -> Iterator[Step]:
    """Yield the step of each turn of a message, then of the end where it tells of one."""
    if not isinstance(message, CallEnded):
        ordered = message.turns if isinstance(message, TurnsSaid) else sorted(message.turns, key=_place)
        for turn in ordered:
            step = detector.step(state, turn)
            state = step.state
            yield step
    if not isinstance(message, TurnsSaid):
        yield detector.end(state)


def _closed(detector: Detector, record: CallRecord | None, message: CallIdle, at: float) -> Handled:
    """Close a call of which still nothing was heard; anything heard meanwhile voids the closing.

    One that is closed already tells its scorecard again. Where no turn came at all no scorecard is told: the header may
    have come again after the call was forgotten.
    """
    if record is None or not (record.ended_at or record.seen_at == message.seen_at):
        return Handled(record)
    step = detector.end(record.state)
    after = record if record.ended_at else replace(record, state=step.state, ended_at=at)
    return Handled(after, scorecard=step.scorecard if record.state.turns else None)


def _judged(detector: Detector, record: CallRecord | None, verdict: Verdict) -> Handled:
    """Settle a verdict; where nothing is kept of its turn, by what QA knew. A call's silence goes on.

    A decision that was retracted before its verdict came earns nothing.
    """
    if record is None or not _remembers(record, verdict):
        rewards = judged_from_memory(verdict, playbook=detector.playbook, tenant=detector.tenant)
        return Handled(record, rewards=rewards)
    step = detector.judge(record.state, verdict)
    after = record if step.state is record.state else replace(record, state=step.state)
    return Handled(after, rewards=step.rewards, scorecard=step.scorecard)


def _remembers(record: CallRecord, verdict: Verdict) -> bool:
    """Tell whether a record knows what QA knew: one that began anew after its call was forgotten knows less.

    It has told of the decision and has credited what the machine granted: none of these ever leaves a state. Grants by
    a person are left aside: of its earlier verdicts QA knows what they were to lead to, not what they led to. Where
    verdicts overtook each other it is to know each decision that QA counted on, for it is settled by QA's knowledge.
    """
    state = record.state
    slots = {one.key for one in state.credits}
    granted = (one for one in credits_of(verdict.known.events) if one.event.data.decision_source == "machine")
    emissions = (record.introduction, *state.emissions.values())
    told = {one.decision_id for one in (*state.decisions, *(made for each in emissions for made in each.decisions))}
    counted_on = {one.decision_id for one in verdict.known.decisions} if out_of_turn(state, verdict) else set[str]()
    return {verdict.decision_id, *counted_on} <= told and all(one.key in slots for one in granted)


def _told(record: CallRecord | None, before: CallRecord, steps: Iterable[Step], at: float) -> Handled:
    """Put the steps of a message together; of several scorecards the last one holds, of a call without turns none.

    What tells of no turn may come again after the call was forgotten: its scorecard would take a good one's place.
    """
    taken = list(steps)
    state = taken[-1].state
    ended_at = before.ended_at or (at if state.ended else 0.0)
    after = touched(before, at=at)
    if state is not after.state and not (state.ended and state == after.state):
        after = replace(after, state=state)
    if ended_at != after.ended_at:
        after = replace(after, ended_at=ended_at)
    unchanged = record is not None and after is record
    return Handled(
        record if unchanged else after,
        tuple(one for step in taken for one in step.decisions),
        tuple(one for step in taken for one in step.rewards),
        next((one.scorecard for one in reversed(taken) if one.scorecard is not None and state.turns), None),
    )


def _place(turn: Turn) -> tuple[int, str, int]:
    return turn.index, turn.turn_id, turn.revision
