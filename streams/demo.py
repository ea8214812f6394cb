"""The main job from end to end: embedded broker, worker process, calls played in, rewards shown, batch compared."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path
from threading import Thread

from pydantic import BaseModel, SecretStr

from detector.detect import Detector
from detector.errors import DetectorError
from detector.reward import RewardEvent
from detector.transcript import Call
from pipelines.settings import Settings
from streams.embedded import EmbeddedBroker
from streams.ledger import Ledger, contracts, differences, ledger_of
from streams.listening import Listener
from streams.replay import play, score

PATIENCE_SECONDS = 50.0
SPEED = 40.0


class DemoError(DetectorError):
    """The demo could not be run."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the stream told and what batch tells of the same calls."""

    stream: Ledger
    batch: Ledger
    dead_letters: int
    seconds: float

    @property
    def faults(self) -> list[str]:
        """Return what differs or was lost; empty when all is well."""
        lost = [f"{self.dead_letters} dead letters"] if self.dead_letters else []
        return differences(self.batch, self.stream) + lost


@dataclass(slots=True)
class _Heard:
    ledger: Ledger = field(default_factory=Ledger)
    dead_letters: int = 0


def run(
    calls: Sequence[Call],
    *,
    settings: Settings,
    detector: Detector,
    on_reward: Callable[[RewardEvent], None],
    on_stage: Callable[[str], None] = lambda _: None,
    speed: float | None = SPEED,
    patience: float = PATIENCE_SECONDS,
) -> Outcome:
    """Play the calls through a worker process and detect them in batch; return both sides."""
    began = time.monotonic()
    with EmbeddedBroker() as broker:
        own = broker.settings(settings).model_copy(update={"web_host": "127.0.0.1", "web_port": free_port()})
        on_stage(f"embedded broker at {own.brokers}; starting the worker")
        with worker(own) as process, Listener(own, _topics(own), from_beginning=True) as listener:
            batch = ledger_of(detector.detect(call) for call in calls)
            wait_until_ready(own, process, deadline=began + patience)
            pace = f"at {speed:.0f} times their speed" if speed else "at once"
            on_stage(f"playing {len(calls)} calls, interleaved, {pace}")
            player = Thread(target=play, args=(score(calls), own), kwargs={"speed": speed}, daemon=True)
            player.start()
            heard = _listen(listener, own, batch, process, deadline=began + patience, on_reward=on_reward)
            player.join(timeout=5)
    return Outcome(heard.ledger, batch, heard.dead_letters, time.monotonic() - began)


@contextmanager
def worker(
    settings: Settings, *, command: Sequence[str] = (sys.executable, "-m", "streams")
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a worker process; end it with SIGTERM."""
    log = settings.data_folder / "worker.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as stream:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            list(command), env=os.environ | environment(settings), stderr=stream, stdout=stream
        )
        try:
            yield process
        finally:
            process.terminate()
            process.wait(timeout=15)


def environment(settings: Settings) -> dict[str, str]:
    """Return the environment by which a process gets the same settings."""
    told = settings.model_dump(mode="json", exclude_none=True)
    secret = {name: value.get_secret_value() for name, value in settings if isinstance(value, SecretStr)}
    return {f"DETECTOR_{name.upper()}": str(value) for name, value in (told | secret).items()}


def free_port() -> int:
    """Return a port of loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_ready(settings: Settings, process: subprocess.Popen[bytes], *, deadline: float) -> None:
    """Wait until a worker says that it takes in messages.

    Raises:
        DemoError: it ended, or did not become ready in time.
    """
    while time.monotonic() < deadline and process.poll() is None:
        asked = HTTPConnection(settings.web_host, settings.web_port, timeout=2)
        try:
            asked.request("GET", "/readyz")
            if asked.getresponse().status == HTTPStatus.OK:
                return
        except OSError:
            pass
        finally:
            asked.close()
        time.sleep(0.2)
    raise DemoError(f"the worker did not become ready; see {settings.data_folder / 'worker.log'}")


def sample_files() -> list[Path]:
    """Return the sample calls that come with the project.

    Raises:
        DemoError: there are none.
    """
    for folder in (Path("samples"), Path(__file__).resolve().parents[1] / "samples"):
        if (file := folder / "calls.jsonl").is_file():
            return [file]
    raise DemoError("no samples found: run the demo in the project's folder, or name files of calls")


def _listen(
    listener: Listener,
    settings: Settings,
    batch: Ledger,
    process: subprocess.Popen[bytes],
    *,
    deadline: float,
    on_reward: Callable[[RewardEvent], None],
) -> _Heard:
    """Take in what the worker tells until it agrees with batch or patience is at an end."""
    models: dict[str, type[BaseModel]] = contracts(settings)
    heard = _Heard()
    while time.monotonic() < deadline:
        record = listener.poll(0.2)
        if record is None:
            if process.poll() is not None:
                raise DemoError(f"the worker ended by itself; see {settings.data_folder / 'worker.log'}")
            if len(heard.ledger.scorecards) >= len(batch.scorecards) and not differences(batch, heard.ledger):
                break
        elif record.topic() == settings.topic_dead_letters:
            heard.dead_letters += 1
        else:
            value = models[record.topic() or ""].model_validate_json(record.value() or b"")
            heard.ledger.take(value)
            if isinstance(value, RewardEvent):
                on_reward(value)
    return heard


def _topics(settings: Settings) -> list[str]:
    return [*contracts(settings), settings.topic_dead_letters]
