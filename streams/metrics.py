"""What the worker counts, in Prometheus' text form (version 0.0.4): a page of numbers, without a library."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from detector.reward import RewardType
from streams.codecs import Reason
from streams.handling import Handled
from streams.messages import Message, TurnsSaid, WholeCall

STEP_BUCKETS = (0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)
DELAY_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0)
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(slots=True)
class Counter:
    """Counts, by the values of some labels."""

    name: str
    told: str
    labels: tuple[str, ...] = ()
    values: dict[tuple[str, ...], int] = field(default_factory=lambda: defaultdict(int))

    def add(self, *labels: str, by: int = 1) -> None:
        """Count one more, or several."""
        self.values[labels] += by

    def lines(self) -> Iterator[str]:
        """Yield the counter in text form; one without labels is there from the beginning."""
        yield from _head(self.name, self.told, "counter")
        values = self.values or ({} if self.labels else {(): 0})
        for labels, value in sorted(values.items()):
            yield f"{self.name}{_braced(zip(self.labels, labels, strict=True))} {value}"


@dataclass(slots=True)
class Histogram:
    """Counts seconds by their size."""

    name: str
    told: str
    bounds: tuple[float, ...]
    counts: list[int] = field(init=False)
    total: float = 0.0

    def __post_init__(self) -> None:
        self.counts = [0] * (len(self.bounds) + 1)

    def observe(self, seconds: float) -> None:
        """Count a duration."""
        self.counts[bisect_left(self.bounds, seconds)] += 1
        self.total += seconds

    def lines(self) -> Iterator[str]:
        """Yield the histogram in text form."""
        yield from _head(self.name, self.told, "histogram")
        running = 0
        for bound, count in zip((*map(str, self.bounds), "+Inf"), self.counts, strict=True):
            running += count
            yield f'{self.name}_bucket{{le="{bound}"}} {running}'
        yield f"{self.name}_sum {self.total}"
        yield f"{self.name}_count {running}"


class Metrics:
    """All that one worker counts."""

    def __init__(self) -> None:
        self.turns = Counter("detector_turns_total", "Turns taken in.")
        self.decisions = Counter(
            "detector_decisions_total",
            "Decisions told; a retraction has the outcome retracted.",
            ("behaviour", "outcome"),
        )
        self.rewards = Counter("detector_rewards_total", "Rewards granted, redelivered ones included.")
        self.reversals = Counter("detector_reversals_total", "Rewards taken back.")
        self.dead_letters = Counter("detector_dead_letters_total", "Messages that could not be handled.", ("reason",))
        self.step = Histogram(
            "detector_step_seconds", "From a message's bytes to its outputs being queued.", STEP_BUCKETS
        )
        self.delay = Histogram(
            "detector_reward_delay_seconds", "From a message's time to its reward events being sent.", DELAY_BUCKETS
        )

    def handled(self, message: Message, handled: Handled, *, seconds: float) -> None:
        """Count a message that was handled."""
        self.step.observe(seconds)
        if isinstance(message, TurnsSaid | WholeCall):
            self.turns.add(by=len(message.turns))
        for decision in handled.decisions:
            self.decisions.add(decision.behaviour, "retracted" if decision.retracted else decision.outcome.value)
        for reward in handled.rewards:
            (self.rewards if reward.type is RewardType.GRANTED else self.reversals).add()

    def buried(self, reason: Reason) -> None:
        """Count a dead letter."""
        self.dead_letters.add(reason.value)

    def text(self, gauges: Iterable[tuple[str, str, dict[str, str], float]] = ()) -> str:
        """Return everything in text form, with gauges (name, told, labels, value) measured now."""
        parts = (
            self.turns, self.decisions, self.rewards, self.reversals, self.dead_letters, self.step, self.delay
        )  # fmt: skip
        lines = [line for part in parts for line in part.lines()]
        known: set[str] = set()
        for name, told, labels, value in gauges:
            lines += [] if name in known else _head(name, told, "gauge")
            known.add(name)
            lines.append(f"{name}{_braced(labels.items())} {value}")
        return "\n".join(lines) + "\n"


def _head(name: str, told: str, kind: str) -> tuple[str, str]:
    return f"# HELP {name} {told}", f"# TYPE {name} {kind}"


def _braced(labels: Iterable[tuple[str, str]]) -> str:
    inner = ",".join(f'{name}="{value}"' for name, value in labels)
    return f"{{{inner}}}" if inner else ""
