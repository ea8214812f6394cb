"""What a run of batch detection counts."""

from collections import Counter
from dataclasses import dataclass, field

from detector.decision import CallOutcome, Outcome
from detector.detect import Detection
from detector.transcript import Call, Speaker


@dataclass(slots=True)
class Tally:
    """What a run counts: for the summary at its end. `unknown_files` are those with a turn of an unknown speaker."""

    calls: int = 0
    turns: int = 0
    agent_turns: int = 0
    unknown_turns: int = 0
    unknown_calls: int = 0
    unknown_files: set[str] = field(default_factory=set)
    faults: int = 0
    points: int = 0
    unpaid: int = 0
    decisions: Counter[tuple[str, Outcome]] = field(default_factory=Counter)
    outcomes: Counter[tuple[str, CallOutcome]] = field(default_factory=Counter)

    def add(self, call: Call, detection: Detection, *, file: str) -> None:
        """Count one call; `file` is where it stands, where that is known."""
        speakers = Counter(turn.speaker for turn in call.turns)
        unknown = speakers[Speaker.UNKNOWN]
        self.calls += 1
        self.turns += len(call.turns)
        self.agent_turns += speakers[Speaker.AGENT]
        self.unknown_turns += unknown
        self.unknown_calls += unknown > 0
        if unknown:
            self.unknown_files.add(file)
        self.decisions.update((one.behaviour, one.outcome) for one in detection.decisions)
        self.outcomes.update(detection.scorecard.outcomes.items())
        self.unpaid += sum(one.outcome is Outcome.AWARD and one.agent_id is None for one in detection.decisions)
        self.points += sum(event.data.points for event in detection.rewards)

    def include(self, other: "Tally") -> None:
        """Count all that another tally counts."""
        self.calls += other.calls
        self.turns += other.turns
        self.agent_turns += other.agent_turns
        self.unknown_turns += other.unknown_turns
        self.unknown_calls += other.unknown_calls
        self.unknown_files |= other.unknown_files
        self.faults += other.faults
        self.points += other.points
        self.unpaid += other.unpaid
        self.decisions.update(other.decisions)
        self.outcomes.update(other.outcomes)
