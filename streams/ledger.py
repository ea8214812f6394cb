"""What was told of calls, put together as a consumer would: by id, reversals and retractions taken off."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from pydantic import BaseModel

from detector.decision import Decision, Scorecard
from detector.detect import Detection
from detector.reward import RewardEvent, RewardType
from pipelines.settings import Settings

Value = TypeVar("Value", bound=BaseModel)


@dataclass(slots=True)
class Ledger:
    """Standing decisions, grants, reversals and scorecards; `told` counts what came, duplicates included."""

    decisions: dict[str, Decision] = field(default_factory=dict)
    grants: dict[str, RewardEvent] = field(default_factory=dict)
    reversed: set[str] = field(default_factory=set)
    scorecards: dict[str, Scorecard] = field(default_factory=dict)
    told: int = 0

    @property
    def rewards(self) -> dict[str, RewardEvent]:
        """Return the grants that stand."""
        return {key: event for key, event in self.grants.items() if key not in self.reversed}

    @property
    def points(self) -> int:
        """Return the points of the grants that stand."""
        return sum(event.data.points for event in self.rewards.values())

    def take(self, value: BaseModel) -> None:
        """Take in one thing told."""
        self.told += 1
        match value:
            case Decision(retracted=True):
                self.decisions.pop(value.decision_id, None)
            case Decision():
                self.decisions[value.decision_id] = value
            case RewardEvent(type=RewardType.REVERSED):
                self.reversed.add(value.causationid or "")
            case RewardEvent():
                self.grants.setdefault(value.id, value)
            case Scorecard():
                self.scorecards[value.call_id] = value


def ledger_of(detections: Iterable[Detection]) -> Ledger:
    """Return the ledger of a batch run."""
    ledger = Ledger()
    for detection in detections:
        for value in (*detection.decisions, *detection.rewards, detection.scorecard):
            ledger.take(value)
    return ledger


def contracts(settings: Settings) -> dict[str, type[BaseModel]]:
    """Return the contract of each topic a ledger is made from."""
    return {
        settings.topic_decisions: Decision,
        settings.topic_rewards: RewardEvent,
        settings.topic_scorecards: Scorecard,
    }


def differences(expected: Ledger, actual: Ledger) -> list[str]:
    """Return what is missing, extra or other in the second ledger, one line each, by id."""
    return [
        *_compared("decision", expected.decisions, actual.decisions),
        *_compared("reward", expected.rewards, actual.rewards),
        *_compared("scorecard", expected.scorecards, actual.scorecards),
    ]


def _compared(kind: str, expected: Mapping[str, Value], actual: Mapping[str, Value]) -> Iterator[str]:
    yield from (f"{kind} {key} is missing" for key in expected.keys() - actual.keys())
    yield from (f"{kind} {key} is extra" for key in actual.keys() - expected.keys())
    yield from (f"{kind} {key} differs" for key in expected.keys() & actual.keys() if expected[key] != actual[key])
