"""What keeps Faust from skipping input after a recovery."""

import asyncio
from typing import Any

from faust.types import TP

from detector.detect import Detector
from pipelines.settings import Settings
from streams.app import make_app
from streams.delivery import PatientConsumer
from streams.metrics import Metrics

INPUT, CHANGELOG = TP("transcripts", 0), TP("behaviour-detector-calls-changelog", 0)


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
