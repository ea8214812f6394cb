"""What keeps Faust from skipping input after a recovery, and from committing what is not sent."""

import asyncio
from typing import Any

import pytest
from faust.transport.drivers.aiokafka import Consumer
from faust.types import TP

from detector.detect import Detector
from pipelines.settings import Settings
from streams import delivery
from streams.app import make_app
from streams.delivery import DrainingWorker, PatientConsumer
from streams.metrics import Metrics

INPUT, OTHER_INPUT, CHANGELOG = TP("transcripts", 0), TP("transcripts", 1), TP("behaviour-detector-calls-changelog", 0)


def fetched(detector: Detector, *, resumed: TP, revoked: frozenset[TP] = frozenset()) -> tuple[bool, bool]:
    """Tell whether a partition resumed after a recovery is fetched before the flow goes on, and after."""

    async def resume() -> tuple[bool, bool]:
        consumer: Any = make_app(Settings(_env_file=None), detector, metrics=Metrics()).consumer
        assert isinstance(consumer, PatientConsumer)
        consumer._set_active_tps({INPUT, CHANGELOG})
        consumer.pause_partitions({INPUT, CHANGELOG})
        consumer.resume_partitions({resumed})
        before = resumed in consumer._get_active_partitions()
        if revoked:
            await consumer.on_partitions_revoked(set(revoked))
        consumer.resume_flow()
        consumer._thread.thread_loop.close()
        return before, resumed in consumer._get_active_partitions()

    return asyncio.run(resume())


def test_input_is_fetched_only_once_the_flow_goes_on(detector: Detector) -> None:
    """Input resumed after a recovery is not fetched before the stream takes it: the stream would skip it."""
    assert fetched(detector, resumed=INPUT) == (False, True)


def test_changelogs_are_fetched_at_once(detector: Detector) -> None:
    """Recovery reads changelogs while the flow of input stands still."""
    assert fetched(detector, resumed=CHANGELOG) == (True, True)


def test_what_others_have_now_is_not_fetched(detector: Detector) -> None:
    """Input taken away between its resumption and the flow is not fetched."""
    assert fetched(detector, resumed=INPUT, revoked=frozenset({INPUT})) == (False, False)


def test_fetch_is_for_the_partitions_there_were(detector: Detector, monkeypatch: pytest.MonkeyPatch) -> None:
    """Partitions paused while a fetch waits do not turn it into a fetch of all of them, which would be thrown away."""
    asked: list[set[TP]] = []

    async def answer(_: Consumer, active_partitions: set[TP], timeout: float) -> dict[TP, list[Any]]:  # noqa: ASYNC109 - theirs
        await asyncio.sleep(0.01)
        asked.append(active_partitions)
        return {}

    async def fetch() -> None:
        consumer: Any = make_app(Settings(_env_file=None), detector, metrics=Metrics()).consumer
        active = {CHANGELOG}
        await asyncio.gather(consumer._getmany(active, 0.1), _empty(active))
        consumer._thread.thread_loop.close()

    monkeypatch.setattr(Consumer, "_getmany", answer)
    asyncio.run(fetch())

    assert asked == [{CHANGELOG}]


async def _empty(active: set[TP]) -> None:
    active.clear()


class FakeThread:
    """The thread of a consumer of two partitions, of which one has something committed; records where it is sought."""

    def __init__(self) -> None:
        self.sought: dict[TP, int] = {}

    def assignment(self) -> set[TP]:
        """Return both partitions and a changelog's."""
        return {INPUT, OTHER_INPUT, CHANGELOG}

    async def seek_to_committed(self) -> dict[TP, int | None]:
        """Return what is committed; aiokafka seeks only that."""
        return {INPUT: 7, OTHER_INPUT: None, CHANGELOG: None}

    async def earliest_offsets(self, *partitions: TP) -> dict[TP, int]:
        """Return the beginning of partitions of which the first three records have expired."""
        return dict.fromkeys(partitions, 3)

    async def seek_wait(self, offsets: dict[TP, int]) -> None:
        """Record a seek."""
        self.sought |= offsets


def test_input_without_a_commit_is_read_from_its_beginning(detector: Detector) -> None:
    """What was fetched and not taken before anything was committed is fetched again."""
    thread = FakeThread()

    async def seek() -> None:
        consumer: Any = make_app(Settings(_env_file=None), detector, metrics=Metrics()).consumer
        consumer._thread.thread_loop.close()
        consumer._thread = thread
        await consumer.perform_seek()

    asyncio.run(seek())

    assert thread.sought == {OTHER_INPUT: 3}


class BehindThread(FakeThread):
    """Of the first partition seven of ten messages are committed, of the second nothing is; the changelog is read."""

    def highwater(self, place: TP) -> int | None:
        """Return where a partition ends."""
        return {INPUT: 10, OTHER_INPUT: 4, CHANGELOG: 500}[place]


def test_lag_is_what_is_not_committed_of_the_input(detector: Detector) -> None:
    """What was committed before this worker came is not behind, and the changelog is no input."""

    async def lags() -> dict[TP, int]:
        consumer: Any = make_app(Settings(_env_file=None), detector, metrics=Metrics()).consumer
        consumer._thread.thread_loop.close()
        consumer._thread = BehindThread()
        await consumer.perform_seek()
        return dict(consumer.lags())

    assert asyncio.run(lags()) == {INPUT: 3, OTHER_INPUT: 4}


async def handed_on(detector: Detector, *, flows: bool) -> tuple[int, bool]:
    """Hand a message on; return how many tasks were made for it, and whether it went through."""
    consumer: Any = make_app(Settings(_env_file=None), detector, metrics=Metrics()).consumer
    consumer._thread.thread_loop.close()
    consumer.flow_active = True
    if flows:
        consumer.app.flow_control.resume()
    consumer.suspend_flow.clear()
    made: list[int] = []
    through: list[bool] = []

    async def callback() -> None:
        made.append(len(asyncio.all_tasks()))
        await consumer.app.flow_control.acquire()
        through.append(True)

    handing_on = consumer.wait_first(callback(), consumer.suspend_flow.wait())
    if not flows:
        asyncio.get_running_loop().call_later(0.02, consumer.suspend_flow.set)
    await handing_on
    return made[0] - 1, bool(through)


def test_message_is_handed_on_without_a_task(detector: Detector) -> None:
    """While messages flow Faust's four tasks for each are not made."""
    assert asyncio.run(handed_on(detector, flows=True)) == (0, True)


def test_message_held_up_waits_no_longer_than_the_flow_lasts(detector: Detector) -> None:
    """With the flow suspended a message waits as Faust has it: the suspension ends its waiting, a rebalance goes on."""
    assert asyncio.run(handed_on(detector, flows=False)) == (4, False)


def test_full_stream_is_looked_at_again_soon(detector: Detector) -> None:
    """While every partition's messages fill their stream nothing is fetched, and no second is lost by waiting."""

    async def fetch() -> tuple[Any, float]:
        consumer: Any = make_app(Settings(_env_file=None), detector, metrics=Metrics()).consumer
        consumer._thread.thread_loop.close()
        consumer.flow_active = True
        consumer._set_active_tps({INPUT})
        consumer.on_buffer_full(INPUT)
        began = asyncio.get_running_loop().time()
        records, _ = await consumer._wait_next_records(1.0)
        return records, asyncio.get_running_loop().time() - began

    records, seconds = asyncio.run(fetch())

    assert records == {}
    assert seconds < 0.5


class StoppedShort:
    """A producer that only counts how often it ended the process."""

    def __init__(self) -> None:
        self.times = 0

    def stop_short(self) -> None:
        """Count once more."""
        self.times += 1


def test_crashed_worker_leaves_although_it_cannot_stop(detector: Detector, monkeypatch: pytest.MonkeyPatch) -> None:
    """Faust would wait a minute for a broker that is gone; whatever crashes, the process ends in time, once."""
    monkeypatch.setattr(delivery, "SHUTDOWN_SECONDS", 0.05)
    producer = StoppedShort()

    async def crash() -> None:
        app: Any = make_app(Settings(_env_file=None), detector, metrics=Metrics())
        app.producer = producer
        worker = DrainingWorker(app, loop=asyncio.get_running_loop())
        for _ in range(2):
            worker._crash(RuntimeError("a commit failed"))
        await asyncio.sleep(0.5)

    asyncio.run(crash())

    assert producer.times == 1
