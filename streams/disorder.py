"""Calls as an unkind world delivers them: twice, late, out of order, revised, in parts; the same for the same seed."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from random import Random

from detector.transcript import Call, Turn
from streams.messages import CallEnded, CallStarted, Message, TurnsSaid
from streams.replay import Cue

CALLS_AT_A_TIME = 60
SHARE = 0.1
"""How many of the turns meet each kind of disorder."""
LATENESS = 6
"""By how many messages of its call a late one is late, at the most; the call's end may come before."""


def varied(samples: Sequence[Call], count: int, *, turns: int, seed: int) -> Iterator[Call]:
    """Yield calls made of stretches of sample calls, each under an id and an agent of its own."""
    chance = Random(seed)
    for number in range(count):
        sample = samples[number % len(samples)]
        first = chance.randrange(max(1, len(sample.turns) - turns))
        said = [
            turn.model_copy(update={"turn_id": f"soak-{number}:{at}", "index": at, "revision": 0})
            for at, turn in enumerate(sample.turns[first : first + turns])
        ]
        header = {"call_id": f"soak-{number}", "agent_id": f"agent-{number % 97}", "turns": tuple(said)}
        yield sample.model_copy(update=header)


@dataclass(frozen=True, slots=True)
class Delivery:
    """A call as it stands in the end, and its messages in the order they are sent."""

    call: Call
    messages: tuple[Message, ...]


def delivery(call: Call, *, seed: int) -> Delivery:
    """Return a call in disorder.

    Its header may come late, and so may turns, even after the call's end; a turn may come twice, in part before it is
    final, and first with other words, to be revised.
    """
    chance = Random(f"{seed} {call.call_id}")
    final, messages = list[Turn](), list[Message]([CallStarted.model_construct(**dict(call.header))])
    for turn in call.turns:
        revised = chance.random() < SHARE
        final.append(turn.model_copy(update={"revision": int(revised)}))
        if revised:
            messages.append(_said(call, turn.model_copy(update={"text": chance.choice(call.turns).text})))
        if chance.random() < SHARE:
            half = {"text": turn.text[: len(turn.text) // 2], "is_final": False}
            messages.append(_said(call, final[-1].model_copy(update=half)))
        messages.append(_said(call, final[-1]))
    messages.append(CallEnded(call_id=call.call_id))
    return Delivery(call.model_copy(update={"turns": tuple(final)}), tuple(_shuffled(messages, chance)))


def interleaved(deliveries: Iterable[Delivery], *, rate: float, seed: int) -> Iterator[Cue]:
    """Yield the messages of many calls at a time, `rate` a second."""
    chance, waiting = Random(seed), (iter(one.messages) for one in deliveries)
    under_way, sent = list(islice(waiting, CALLS_AT_A_TIME)), 0
    while under_way:
        at = chance.randrange(len(under_way))
        message = next(under_way[at], None)
        if message is None:
            under_way[at : at + 1] = islice(waiting, 1)
            continue
        yield Cue(sent / rate, sent, message, len(message.turns) if isinstance(message, TurnsSaid) else 0)
        sent += 1


def _shuffled(messages: Sequence[Message], chance: Random) -> list[Message]:
    """Return messages with some of them late and some there twice."""
    placed: list[tuple[float, Message]] = []
    for at, message in enumerate(messages):
        placed.append((at + chance.uniform(0, LATENESS) * (chance.random() < SHARE), message))
        if chance.random() < SHARE:
            placed.append((at + chance.uniform(0, LATENESS), message))
    return [message for _, message in sorted(placed, key=lambda one: one[0])]


def _said(call: Call, turn: Turn) -> TurnsSaid:
    return TurnsSaid(call_id=call.call_id, turns=(turn,))
