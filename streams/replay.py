"""Plays finished calls into the transcripts topic as a live centre would: many calls at a time, turn by turn."""

import heapq
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from detector.transcript import Call, Turn
from pipelines.settings import Settings
from streams.codecs import encode
from streams.connection import cluster
from streams.messages import CallEnded, CallStarted, Message, TurnsSaid, WholeCall
from streams.sending import Sender

SECONDS_A_WORD = 0.4
SECONDS_BETWEEN_TURNS = 0.7
SECONDS_BETWEEN_CALLS = 10.0
LONGEST_GAP_BETWEEN_CALLS = 60.0


@dataclass(frozen=True, slots=True, order=True)
class Cue:
    """A message, and when it is to be sent: seconds from the beginning of the replay, at the calls' own speed."""

    at: float
    order: int
    message: Message
    turns: int


def score(calls: Iterable[Call], *, turns_per_message: int = 1, whole_calls: bool = False) -> Iterator[Cue]:
    """Yield the cues of all calls in the order of their times. Only the calls under way are held in memory."""
    under_way: list[tuple[Cue, Iterator[Cue]]] = []
    for start, number, call in _starts(calls):
        while under_way and under_way[0][0].at <= start:
            yield _advance(under_way)
        cues = _cues(call, start, number, turns_per_message, whole_calls=whole_calls)
        heapq.heappush(under_way, (next(cues), cues))
    while under_way:
        yield _advance(under_way)


def play(
    cues: Iterable[Cue],
    settings: Settings,
    *,
    speed: float | None,
    on_sent: Callable[[Cue], None] = lambda _: None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> int:
    """Send the cues at their times, `speed` times as fast (None: at once); return the number of messages.

    Raises:
        UndeliveredError: the broker did not take all of them.
        UnreachableBrokerError: no broker answers, or none to us.
    """
    cluster(settings)
    sender = Sender(settings, **{"linger.ms": 5})
    began, sent = clock(), 0
    for cue in cues:
        if speed is not None and (wait := began + cue.at / speed - clock()) > 0:
            sender.hear()
            sleep(wait)
        sender.send(settings.topic_transcripts, key=cue.message.call_id.encode(), value=encode(cue.message))
        sent += 1
        on_sent(cue)
    sender.settle()
    return sent


def _starts(calls: Iterable[Call]) -> Iterator[tuple[float, int, Call]]:
    """Yield when each call starts: as their own times tell, but nobody waits long for an empty centre."""
    start, before = 0.0, None
    for number, call in enumerate(calls):
        if number:
            gap = SECONDS_BETWEEN_CALLS
            if before is not None and call.started_at is not None:
                gap = (call.started_at - before).total_seconds()
            start += min(max(gap, 0.0), LONGEST_GAP_BETWEEN_CALLS)
        before = call.started_at or before
        yield start, number, call


def _cues(call: Call, start: float, number: int, turns_per_message: int, *, whole_calls: bool) -> Iterator[Cue]:
    """Yield the cues of one call, in order. A turn is sent when it has been said."""
    spoken = sorted(call.turns, key=lambda turn: (turn.index, turn.turn_id, turn.revision))
    times = list(_ends(spoken, start))
    over = times[-1] if times else start
    if whole_calls:
        yield Cue(over, number, WholeCall.model_construct(**dict(call)), len(spoken))
        return
    yield Cue(start, number, CallStarted.model_construct(**dict(call.header)), 0)
    for first in range(0, len(spoken), turns_per_message):
        part = tuple(spoken[first : first + turns_per_message])
        at = times[first + len(part) - 1]
        yield Cue(at, number, TurnsSaid(call_id=call.call_id, turns=part), len(part))
    yield Cue(over + SECONDS_BETWEEN_TURNS, number, CallEnded(call_id=call.call_id, ended_at=call.ended_at), 0)


def _ends(turns: Iterable[Turn], start: float) -> Iterator[float]:
    """Yield when each turn has been said: by its own times, else at a natural pace; never before the turn before it."""
    at = start
    for turn in turns:
        own = turn.end_ms if turn.end_ms is not None else turn.start_ms
        paced = at + SECONDS_BETWEEN_TURNS + SECONDS_A_WORD * len(turn.text.split())
        at = paced if own is None else max(at, start + own / 1000)
        yield at


def _advance(under_way: list[tuple[Cue, Iterator[Cue]]]) -> Cue:
    """Return the earliest cue and put the next of its call in its place."""
    cue, rest = under_way[0]
    following = next(rest, None)
    if following is None:
        heapq.heappop(under_way)
    else:
        heapq.heapreplace(under_way, (following, rest))
    return cue
