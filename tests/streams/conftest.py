"""Fixtures of the stream's tests: an embedded broker, a worker process beside it, calls made of plain words."""

import importlib.util
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from confluent_kafka import Message, Producer
from prometheus_client.parser import text_string_to_metric_families

from detector.detect import Detector
from detector.playbook import DEFAULT_FOLDER
from detector.transcript import Call, call_of
from pipelines.settings import Settings
from streams.connection import producer_options
from streams.demo import environment
from streams.embedded import EmbeddedBroker
from streams.ledger import Ledger, contracts, differences, ledger_of
from streams.listening import Listener
from streams.soak import SESSION_SECONDS

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
THRESHOLDS = {"award": 0.9, "review": 0.5}
WORDS = ["hello", "sorry", "feedback", "wonderful", "anything", "the", "order", "parcel", "is", "late", "bye"]


def _module(file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def playbook(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the playbook that workers and tests share; it awards from 0.9 and reviews from 0.5, however trained."""
    folder = Path(shutil.copytree(DEFAULT_FOLDER, tmp_path_factory.mktemp("playbook") / "playbook"))
    for file in folder.glob("*.yaml"):
        text = file.read_text(encoding="utf-8")
        fixed = re.sub(r"(?m)^  (award|review): [0-9.]+$", lambda one: f"  {one[1]}: {THRESHOLDS[one[1]]}", text)
        file.write_text(fixed, encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def detector(playbook: Path) -> Detector:
    """A detector that goes by plain words."""
    made = _module(HERE / "fake_worker.py").word_detector(Settings(_env_file=None, playbook=playbook))
    assert isinstance(made, Detector)
    return made


@pytest.fixture(scope="session")
def make_calls() -> Callable[..., list[Call]]:
    """Makes calls of plain words from a seed."""

    def make(count: int, *, prefix: str, turns: int = 12, seed: int = 7) -> list[Call]:
        chance = random.Random(seed)
        return [_call(f"{prefix}-{number}", turns, chance) for number in range(count)]

    return make


def _call(call_id: str, turns: int, chance: random.Random) -> Call:
    said = [
        {
            "speaker": "customer" if at % 2 else "agent",
            "text": " ".join(chance.choices(WORDS, k=6)),
            "start_ms": at * 3000,
        }
        for at in range(turns)
    ]
    agent = f"agent-{chance.randrange(5)}"
    return call_of({"call_id": call_id, "agent_id": agent, "started_at": "2026-03-02T09:14:05Z", "turns": said})


@dataclass
class Stage:
    """A broker, the settings to reach it, and the workers started beside it."""

    broker: Any
    settings: Settings
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def worker_command(self) -> list[str]:
        """What starts a worker that goes by plain words."""
        return [sys.executable, str(HERE / "fake_worker.py")]

    def start_worker(self, *, real: bool = False, **env: str) -> subprocess.Popen[bytes]:
        """Start a worker process; its log goes beside its state."""
        self.settings.data_folder.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "streams"] if real else self.worker_command
        with (self.settings.data_folder / f"worker-{len(self.workers)}.log").open("wb") as log:
            process = subprocess.Popen(
                command,
                env=os.environ | environment(self.settings) | {"PYTHONPATH": str(ROOT)} | env,
                cwd=ROOT,
                stdout=log,
                stderr=log,
            )
        self.workers.append(process)
        return process

    def logs(self) -> str:
        """Return what all workers logged."""
        return "".join(one.read_text() for one in sorted(self.settings.data_folder.glob("worker-*.log")))

    def send(self, key: str, value: bytes | dict[str, Any] | None, *, topic: str | None = None) -> None:
        """Put one message into a topic: the transcripts unless told otherwise."""
        raw = json.dumps(value).encode() if isinstance(value, dict) else value
        producer = Producer(producer_options(self.settings) | {"message.max.bytes": 20_000_000, "log_level": 0})
        producer.produce(topic or self.settings.topic_transcripts, key=key.encode(), value=raw)
        assert producer.flush(10) == 0

    def read(self, topic: str) -> list[Message]:
        """Return what a topic holds now."""
        with Listener(self.settings, [topic], from_beginning=True) as listener:
            return list(listener.until_now())

    def wait_for(self, true: Callable[[], bool], *, seconds: float = 40) -> bool:
        """Wait until something is so; tell whether it came to be."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if true():
                return True
            time.sleep(0.3)
        return False

    def told(self, prefix: str) -> Ledger:
        """Return what the worker told of the calls whose ids begin so."""
        models, ledger = contracts(self.settings), Ledger()
        with Listener(self.settings, list(models), from_beginning=True) as listener:
            for record in listener.until_now():
                value: Any = models[record.topic() or ""].model_validate_json(record.value() or b"")
                call_id = value.data.call_id if hasattr(value, "data") else value.call_id
                if call_id.startswith(prefix):
                    ledger.take(value)
        return ledger

    def asked(self, port: int, path: str) -> tuple[int, str]:
        """Return status and text of a worker's answer; status 0 where nobody answers."""
        connection = HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        except OSError:
            return 0, ""
        finally:
            connection.close()

    def figures(self, port: int) -> dict[str, float]:
        """Return the figures of a worker's metrics page, those with labels added up."""
        status, page = self.asked(port, "/metrics")
        figures = Counter[str]()
        for family in text_string_to_metric_families(page if status == 200 else ""):
            for sample in family.samples:
                figures[sample.name] += sample.value
        return figures

    def agrees(self, detector: Detector, calls: list[Call], *, seconds: float = 40) -> list[str]:
        """Wait until the stream says what batch says of calls; return what is still different."""
        prefix = calls[0].call_id.rpartition("-")[0] + "-"
        batch = ledger_of(detector.detect(call) for call in calls)
        self.wait_for(lambda: not differences(batch, self.told(prefix)), seconds=seconds)
        return differences(batch, self.told(prefix))

    def close(self) -> None:
        """End the workers, then the broker where it is ours alone."""
        for process in self.workers:
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
                process.wait()
        if isinstance(self.broker, EmbeddedBroker):
            self.broker.close()


def make_stage(folder: Path, **update: Any) -> Stage:
    """Start a broker."""
    broker = EmbeddedBroker()
    # The broker waits a whole session for a killed worker before it lets the next one in.
    settings = Settings(_env_file=None, data_folder=folder, session_seconds=SESSION_SECONDS).model_copy(update=update)
    return Stage(broker, broker.settings(settings))


@pytest.fixture
def stage(tmp_path: Path, playbook: Path) -> Iterator[Stage]:
    """A fresh broker without a worker."""
    made = make_stage(tmp_path, playbook=playbook)
    yield made
    made.close()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, playbook: Path) -> Iterator[Stage]:
    """A broker with a worker beside it, shared by the tests of a module."""
    made = make_stage(tmp_path_factory.mktemp("worker"), playbook=playbook)
    made.start_worker()
    yield made
    made.close()


@pytest.fixture
def short_lived(tmp_path: Path, playbook: Path) -> Iterator[Stage]:
    """A broker with a worker that closes silent calls at once and soon forgets ended ones."""
    made = make_stage(tmp_path, playbook=playbook, idle_seconds=2.0, grace_seconds=2.0)
    made.start_worker()
    yield made
    made.close()


@pytest.fixture(scope="session")
def bare_broker_script() -> ModuleType:
    """The script that starts a real Apache Kafka."""
    return _module(ROOT / "kafka" / "broker.py")


@pytest.fixture(scope="session")
def broker_script(bare_broker_script: Any) -> Any:
    """The script that starts a real Apache Kafka, its jars fetched."""
    try:
        bare_broker_script.fetch_jars()
    except bare_broker_script.NoBrokerError as error:
        pytest.skip(f"no Kafka can be started here: {error}")
    return bare_broker_script


@pytest.fixture(scope="session")
def kafka(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A real Apache Kafka: the one at KAFKA_BOOTSTRAP_SERVERS, or our own from Maven's jars."""
    given = os.environ.get("KAFKA_BOOTSTRAP_SERVERS")
    if given:
        yield SimpleNamespace(address=given)
        return
    script = request.getfixturevalue("broker_script")
    with script.KafkaBroker(tmp_path_factory.mktemp("kafka")) as broker:
        yield broker


@pytest.fixture
def real_on(tmp_path: Path, playbook: Path) -> Callable[..., Stage]:
    """Makes a stage with topics and a consumer group of its own on a broker, without a worker."""

    def make(broker: Any, **options: Any) -> Stage:
        own = f"test-{uuid4().hex[:8]}"
        kinds = ("transcripts", "verdicts", "decisions", "scorecards", "rewards")
        named = {f"topic_{name}": f"{own}.{name}" for name in kinds} | {"topic_dead_letters": f"{own}.dead-letters"}
        where = {"brokers": broker.address, "group": own, "data_folder": tmp_path, "playbook": playbook}
        return Stage(broker, Settings(_env_file=None, session_seconds=SESSION_SECONDS, **where | named | options))

    return make


@pytest.fixture
def real(kafka: Any, real_on: Callable[..., Stage]) -> Iterator[Stage]:
    """Topics and a consumer group of their own on a real Kafka, without a worker."""
    made = real_on(kafka)
    yield made
    made.close()
