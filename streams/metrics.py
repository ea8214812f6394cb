"""What one worker counts and measures, for Prometheus: the names that dashboards and alert rules go by."""

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector

from detector.reward import RewardType
from streams.codecs import Reason
from streams.handling import Handled
from streams.messages import Message, TurnsSaid, WholeCall

STEP_BUCKETS = (0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)
DELAY_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0, 600.0)


class Metrics:
    """All that one worker counts, in a registry of its own; what the process itself takes is told with it."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = own = registry or CollectorRegistry()
        ProcessCollector(registry=own)
        self.turns = Counter("detector_turns", "Turns taken in, redelivered ones included.", registry=own)
        self.decisions = Counter(
            "detector_decisions",
            "Decisions told; a retraction has the outcome retracted.",
            ("behaviour", "outcome"),
            registry=own,
        )
        self.rewards = Counter("detector_rewards", "Rewards granted, redelivered ones included.", registry=own)
        self.reversals = Counter("detector_reversals", "Rewards taken back.", registry=own)
        self.dead_letters = Counter(
            "detector_dead_letters", "Messages that could not be handled.", ("reason",), registry=own
        )
        self.step = Histogram(
            "detector_step_seconds",
            "The detector's own time for a message: from the decoded message to its decisions and rewards.",
            buckets=STEP_BUCKETS,
            registry=own,
        )
        self.delay = Histogram(
            "detector_reward_delay_seconds",
            "End to end: from the time of the message with the turn until the broker has the reward event.",
            buckets=DELAY_BUCKETS,
            registry=own,
        )
        # A rate needs a zero to rise from: the first dead letter must not be missed.
        for reason in Reason:
            self.dead_letters.labels(reason.value)

    def handled(self, message: Message, handled: Handled) -> None:
        """Count a message that was handled."""
        if isinstance(message, TurnsSaid | WholeCall):
            self.turns.inc(len(message.turns))
        for decision in handled.decisions:
            outcome = "retracted" if decision.retracted else decision.outcome.value
            self.decisions.labels(decision.behaviour, outcome).inc()
        for reward in handled.rewards:
            (self.rewards if reward.type is RewardType.GRANTED else self.reversals).inc()

    def buried(self, reason: Reason) -> None:
        """Count a dead letter."""
        self.dead_letters.labels(reason.value).inc()
