"""The stream under faults on a real Kafka: workers killed, joining and leaving, amid calls delivered in disorder.

Afterwards what the stream told, ids once and reversals taken off, is held against what batch tells of the same calls.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from threading import Thread
from typing import Any
from uuid import uuid4

from detector.detect import Detector
from detector.transcript import Call
from pipelines.settings import Settings
from streams import topics
from streams.demo import environment
from streams.disorder import Delivery, delivery, interleaved, varied
from streams.ledger import Ledger, contracts, ledger_of
from streams.listening import Listener
from streams.replay import play

SESSION_SECONDS = 6.0
"""As short as Kafka lets it be: a killed worker's partitions stand still for so long."""
BETWEEN_FAULTS = (3.0, 8.0)
JOIN_SHARE = 0.3
QUIET_SECONDS = 2.0
LEAVE_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Plan:
    """How a soak is to be: its faults and calls come from `seed`; `rate` is messages a second."""

    calls: int = 300
    turns: int = 12
    kills: int = 5
    workers: int = 2
    rate: float = 100.0
    seed: int = 7
    patience_seconds: float = 180.0


@dataclass(frozen=True, slots=True)
class Kind:
    """The reconciliation of one kind of output, in numbers of things that stand."""

    name: str
    batch: int
    stream: int
    missing: int
    extra: int
    differing: int

    @property
    def agrees(self) -> bool:
        """Nothing is missing, extra or other."""
        return not (self.missing or self.extra or self.differing)


@dataclass(slots=True)
class Report:
    """What a soak did and found."""

    plan: Plan
    kills: int = 0
    joins: int = 0
    leave_codes: tuple[int, ...] = ()
    messages: int = 0
    told: int = 0
    dead_letters: int = 0
    seconds: float = 0.0
    kinds: tuple[Kind, ...] = ()

    @property
    def agrees(self) -> bool:
        """Nothing was lost, nothing is told that should not be, and whoever was to leave did so in order."""
        told_alike = bool(self.kinds) and all(one.agrees for one in self.kinds)
        return told_alike and not self.dead_letters and not any(self.leave_codes)


@dataclass(slots=True)
class Crew:
    """The workers of a soak, as processes."""

    settings: Settings
    command: Sequence[str]
    log: Path
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)
    leaving: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def join(self) -> None:
        """Start one more."""
        with self.log.open("ab") as stream:
            self.workers.append(
                subprocess.Popen(  # noqa: S603 - our own interpreter and module
                    list(self.command), env=os.environ | environment(self.settings), stdout=stream, stderr=stream
                )
            )

    def kill(self, chance: Random) -> None:
        """Kill one with SIGKILL, amid whatever it does."""
        victim = self.workers.pop(chance.randrange(len(self.workers)))
        victim.kill()
        victim.wait()

    def leave(self) -> None:
        """Have the first one drain and leave."""
        self.leaving.append(self.workers.pop(0))
        self.leaving[-1].terminate()

    def codes(self) -> list[int]:
        """Return the exit codes of those that left, once all have."""
        return [one.wait(timeout=LEAVE_SECONDS) for one in self.leaving]

    def close(self) -> None:
        """End them all."""
        for one in (*self.workers, *self.leaving):
            one.kill()
            one.wait()


def soak(
    samples: Sequence[Call],
    plan: Plan,
    *,
    settings: Settings,
    detector: Detector,
    command: Sequence[str] = (sys.executable, "-m", "streams"),
    on_stage: Callable[[str], None] = lambda _: None,
) -> Report:
    """Run a soak on the settings' brokers, on topics of its own; return the reconciliation."""
    began, own, report = time.monotonic(), own_settings(settings), Report(plan)
    topics.create(own, replicas=1)
    on_stage(f"detecting {plan.calls:,} calls in batch")
    batch = ledger_of(detector.detect(one.call) for one in _deliveries(samples, plan))
    with _crew(own, plan, command) as crew:
        player = Thread(target=_play, args=(samples, plan, own, report), daemon=True)
        player.start()
        _unsettle(crew, report, on_stage)
        player.join()
        on_stage(f"{report.messages:,} messages sent; waiting until the stream has told everything")
        stream = _heard(own, batch, report)
        report.leave_codes = tuple(crew.codes())
    report.kinds = reconciled(batch, stream)
    report.seconds = time.monotonic() - began
    return report


def own_settings(settings: Settings) -> Settings:
    """Return settings with topics and a consumer group that nobody else has."""
    name = f"soak-{uuid4().hex[:8]}"
    named = {
        field: f"{name}.{getattr(settings, field)}" for field in Settings.model_fields if field.startswith("topic_")
    }
    folder = settings.data_folder / name
    folder.mkdir(parents=True)
    own = {"group": name, "data_folder": folder, "session_seconds": SESSION_SECONDS, "web_port": 0}
    return settings.model_copy(update=named | own)


def reconciled(batch: Ledger, stream: Ledger) -> tuple[Kind, ...]:
    """Hold what the stream told against batch.

    A reward taken back and granted again has another id, so rewards are told apart by whom they pay for what.
    """
    return (
        _kind("decisions", batch.decisions, stream.decisions),
        _kind("rewards", _paid(batch), _paid(stream)),
        _kind("scorecards", batch.scorecards, stream.scorecards),
    )


def _kind(name: str, batch: Mapping[Any, object], stream: Mapping[Any, object]) -> Kind:
    both = batch.keys() & stream.keys()
    return Kind(
        name,
        batch=len(batch),
        stream=len(stream),
        missing=len(batch.keys() - both),
        extra=len(stream.keys() - both),
        differing=sum(batch[key] != stream[key] for key in both),
    )


def _paid(ledger: Ledger) -> Mapping[Any, int]:
    """Return the points of each standing slot."""
    kept = (event.data for event in ledger.rewards.values())
    return {(one.call_id, one.agent_id, one.behaviour, one.slot): one.points for one in kept}


def _deliveries(samples: Sequence[Call], plan: Plan) -> Iterator[Delivery]:
    calls = varied(samples, plan.calls, turns=plan.turns, seed=plan.seed)
    return (delivery(call, seed=plan.seed) for call in calls)


def _play(samples: Sequence[Call], plan: Plan, settings: Settings, report: Report) -> None:
    cues = interleaved(_deliveries(samples, plan), rate=plan.rate, seed=plan.seed)
    report.messages = play(cues, settings, speed=1.0)


@contextmanager
def _crew(settings: Settings, plan: Plan, command: Sequence[str]) -> Iterator[Crew]:
    crew = Crew(settings, command, settings.data_folder / "workers.log")
    try:
        for _ in range(plan.workers):
            crew.join()
        yield crew
    finally:
        crew.close()


def _unsettle(crew: Crew, report: Report, on_stage: Callable[[str], None]) -> None:
    """Kill workers at random moments, each time starting another; now and then one more joins and another leaves."""
    chance = Random(report.plan.seed)
    while report.kills < report.plan.kills:
        time.sleep(chance.uniform(*BETWEEN_FAULTS))
        crew.kill(chance)
        crew.join()
        report.kills += 1
        on_stage(f"kill {report.kills} of {report.plan.kills}")
        if chance.random() < JOIN_SHARE:
            crew.join()
            report.joins += 1
            time.sleep(chance.uniform(*BETWEEN_FAULTS))
            crew.leave()


def _heard(settings: Settings, batch: Ledger, report: Report) -> Ledger:
    """Take in what the stream told, until it agrees with batch or patience is at an end."""
    models, stream = contracts(settings), Ledger()
    until = time.monotonic() + report.plan.patience_seconds
    listened = [*models, settings.topic_dead_letters]
    with Listener(settings, listened, from_beginning=True) as listener:
        while time.monotonic() < until:
            record = listener.poll(QUIET_SECONDS)
            if record is None:
                if all(one.agrees for one in reconciled(batch, stream)):
                    break
            elif record.topic() == settings.topic_dead_letters:
                report.dead_letters += 1
            else:
                stream.take(models[record.topic() or ""].model_validate_json(record.value() or b""))
    report.told = stream.told
    return stream
