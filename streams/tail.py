"""Reward events as they come, in a table that lives."""

import time
from collections import deque
from dataclasses import dataclass, field

from pydantic import ValidationError
from rich.table import Table

from detector.reward import RewardEvent, RewardType
from streams.listening import Listener

ROWS = 20


@dataclass(slots=True)
class Board:
    """The last reward events and what they add up to. An event that comes twice counts once."""

    rows: deque[RewardEvent] = field(default_factory=lambda: deque(maxlen=ROWS))
    points: int = 0
    granted: int = 0
    reversed: int = 0
    _seen: set[str] = field(default_factory=set)

    def add(self, event: RewardEvent) -> bool:
        """Take in an event; tell whether it is new."""
        if event.id in self._seen:
            return False
        self._seen.add(event.id)
        taken_back = event.type is RewardType.REVERSED
        self.points += -event.data.points if taken_back else event.data.points
        self.granted += not taken_back
        self.reversed += taken_back
        self.rows.append(event)
        return True

    def table(self) -> Table:
        """Return the table of the last events."""
        caption = f"{self.points:,} points: {self.granted:,} granted, {self.reversed:,} reversed"
        table = Table(title="reward events", caption=caption, expand=False)
        for heading in ("agent", "behaviour", "call", "turn"):
            table.add_column(heading, overflow="ellipsis", no_wrap=True)
        table.add_column("points", justify="right")
        table.add_column("score", justify="right")
        for event in self.rows:
            told = event.data
            taken_back = event.type is RewardType.REVERSED
            points = f"-{told.points}" if taken_back else f"+{told.points}"
            style = "red" if taken_back else None
            table.add_row(
                told.agent_id, told.behaviour, told.call_id, told.turn_id, points, f"{told.confidence:.2f}", style=style
            )
        return table


@dataclass(slots=True)
class Quiet:
    """Tells when nothing was heard for a while; never, where no number of seconds is given."""

    seconds: float | None
    _heard: float = field(default_factory=time.monotonic)

    def heard(self) -> None:
        """Note that something was heard now."""
        self._heard = time.monotonic()

    @property
    def over(self) -> bool:
        """Return whether it has been quiet for long enough."""
        return self.seconds is not None and time.monotonic() - self._heard > self.seconds


def next_event(listener: Listener, seconds: float) -> RewardEvent | None:
    """Return the next reward event; None when none came in time, or what came is none of ours."""
    record = listener.poll(seconds)
    if record is None:
        return None
    try:
        return RewardEvent.model_validate_json(record.value() or b"")
    except ValidationError:
        return None
