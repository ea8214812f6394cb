"""At least once, truly: a send that fails ends the process, so that what it belonged to is delivered again."""

import os
import signal
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, cast

import faust
from faust.transport.consumer import RecordMap
from faust.transport.drivers.aiokafka import Consumer, Transport
from faust.types import TP

from streams.producing import End, LosslessProducer, give_up

SHUTDOWN_SECONDS = 8.0
FULL_LOOKS_EVERY = 0.02


class PatientConsumer(Consumer):
    """Faust's consumer, but what is fetched reaches the stream or is fetched again.

    Faust has three ways to skip messages around a recovery; each leaves a gap that it takes for one of the topic's own
    and commits over:

    - It resumes the input, seeks it to the committed offsets, then lets the flow go on; what comes in between is
      skipped by the stream. So the input is held back until the flow goes on.
    - It fetches for a set of partitions that others change meanwhile; emptied, it means every partition, and what is
      then fetched of the input is thrown away. So a fetch is for the partitions there were when it began.
    - It seeks no partition that has nothing committed yet. So these are sought to their beginning.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._held: set[TP] = set()

    def resume_partitions(self, tps: Iterable[TP]) -> None:
        """Resume changelogs at once, for recovery; hold the others back."""
        resumed = set(tps)
        changelogs = {one for one in resumed if self._is_changelog_tp(one)}
        self._held |= resumed - changelogs
        super().resume_partitions(changelogs)

    def resume_flow(self) -> None:
        """Let the flow go on, and with it the partitions that were held back."""
        super().resume_partitions(self._held)
        self._held.clear()
        super().resume_flow()

    async def perform_seek(self) -> None:
        """Seek the input to what is committed; where nothing is, to the beginning."""
        await super().perform_seek()
        fresh = [one for one in self.assignment() if not self._is_changelog_tp(one) and not self._committed_offset[one]]
        if fresh:
            await self.seek_wait(await self.earliest_offsets(*fresh))

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Forget what was held back of partitions that others have now."""
        self._held -= revoked
        await super().on_partitions_revoked(revoked)

    def lags(self) -> Iterator[tuple[TP, int]]:
        """Yield how many messages each input partition is behind; those not fetched from yet are left out.

        Faust's own figures count everything as behind that was committed before this worker came.
        """
        for place in sorted(self.assignment()):
            if not self._is_changelog_tp(place) and (end := self.highwater(place)) is not None:
                yield place, max(0, end - (self._committed_offset.get(place) or 0))

    async def wait_first(self, *waits: Any, timeout: Any = None) -> Any:  # noqa: ASYNC109 - theirs
        """Hand a message on at once where nothing can hold it up; Faust makes four tasks for each, its dearest part.

        Faust calls this with the handing on of a message, and with the suspension that would end its waiting: it waits
        while the flow is suspended, or until a stream that is full has room.
        """
        if len(waits) != 2 or not self._flows():  # noqa: PLR2004 - the two above
            return await super().wait_first(*waits, timeout=timeout)
        handing_on, suspension = waits
        suspension.close()
        return await handing_on

    def _flows(self) -> bool:
        open_ = self.flow_active and self.app.flow_control.is_active() and not self.suspend_flow.is_set()
        return open_ and not self._buffered_partitions and not self.should_stop

    async def _wait_next_records(self, timeout: float) -> Any:  # noqa: ASYNC109 - theirs
        """Fetch; while every partition's messages fill their stream, look again soon: Faust waits for a second."""
        active = self._get_active_partitions()
        if active or not self._buffered_partitions or not self.flow_active:
            return await super()._wait_next_records(timeout)
        await self.sleep(FULL_LOOKS_EVERY)
        return {}, active

    async def _getmany(self, active_partitions: set[TP] | None, timeout: float) -> RecordMap:  # noqa: ASYNC109 - theirs
        frozen = None if active_partitions is None else set(active_partitions)
        return await super()._getmany(active_partitions=frozen, timeout=timeout)


class LosslessTransport(Transport):
    """Faust's transport with the consumer above and a producer on librdkafka, reached by these options."""

    Consumer = PatientConsumer
    Producer = LosslessProducer

    def __init__(self, *args: Any, options: Mapping[str, Any], **others: Any) -> None:
        super().__init__(*args, **others)
        self._options = options

    def create_producer(self, **others: Any) -> LosslessProducer:
        """Return a producer, not yet connected."""
        return LosslessProducer(self, options=self._options, **others)


class DrainingWorker(faust.Worker):
    """A worker that drains, commits and leaves on a signal, and leaves all the same when it cannot.

    With a broker that does not answer Faust would wait for minutes, after a signal as after a crash of one of its
    parts; what was not committed is delivered again.
    """

    _leaving: threading.Timer | None = None

    def _schedule_shutdown(self, signal: signal.Signals) -> None:
        self._leave_in_time()
        super()._schedule_shutdown(signal)

    def _crash(self, reason: BaseException) -> None:
        self._leave_in_time()
        super()._crash(reason)

    def _leave_in_time(self) -> None:
        if self._leaving is None:
            self._leaving = threading.Timer(SHUTDOWN_SECONDS, self._leave)
            self._leaving.daemon = True
            self._leaving.start()

    def _leave(self) -> None:
        cast("LosslessProducer", self.app.producer).stop_short()


@contextmanager
def nothing_lost(*, end: End = os._exit) -> Iterator[None]:
    """End the process when what is done inside fails: an exception that left an agent would count as handled."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - whatever it is, the message must come again
        give_up(error, end=end)
