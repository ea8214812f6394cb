"""How long a turn takes to become a reward event, as who sends the one and reads the other sees it."""

import time
from collections.abc import Sequence
from threading import Thread

from detector.reward import RewardEvent
from pipelines.settings import Settings
from streams.listening import Listener
from streams.messages import TurnsSaid
from streams.replay import Cue, play

QUIET_POLLS = 20
SETTLING_SECONDS = 5.0
"""What is sent before does not count: a sender's first message takes librdkafka half a second (idempotence), and the
backlog of that half second is to be worked off first."""


def delays(settings: Settings, cues: Sequence[Cue]) -> list[float]:
    """Play cues at their own times; return the seconds from a turn's sending to its reward event, sorted."""
    sent: dict[str, float] = {}

    def note(cue: Cue) -> None:
        if isinstance(cue.message, TurnsSaid) and cue.at >= SETTLING_SECONDS:
            sent[cue.message.turns[0].turn_id] = time.monotonic()

    found = []
    player = Thread(target=play, args=(cues, settings), kwargs={"speed": 1.0, "on_sent": note})
    with Listener(settings, [settings.topic_rewards], from_beginning=False) as listener:
        player.start()
        quiet = 0
        while player.is_alive() or quiet < QUIET_POLLS:
            record = listener.poll(0.1)
            quiet = 0 if record is not None else quiet + 1
            if record is not None:
                event = RewardEvent.model_validate_json(record.value() or b"")
                if event.data.turn_id in sent:
                    found.append(time.monotonic() - sent[event.data.turn_id])
    return sorted(found)


def share(values: Sequence[float], part: float) -> float:
    """Return the value below which a part of sorted values lies."""
    return values[min(len(values) - 1, int(part * len(values)))]
