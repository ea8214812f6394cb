"""At least once, truly: a send that fails ends the process, so that what it belonged to is delivered again."""

import asyncio
import logging
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeAlias

import faust
from faust.sensors.monitor import Monitor
from faust.transport.consumer import RecordMap
from faust.transport.drivers.aiokafka import Consumer, Producer, Transport
from faust.transport.producer import ProducerBuffer
from faust.types import TP, FutureMessage
from faust.types.transports import ProducerT

EXIT_SHUTDOWN_TOO_SLOW = 70
EXIT_NOT_SENT = 71
SHUTDOWN_SECONDS = 8.0
FLUSH_LOOKS_EVERY = 0.002

log = logging.getLogger(__name__)
End: TypeAlias = Callable[[int], Any]


class LosslessMonitor(Monitor):
    """Faust's monitor, but a failed send ends the process.

    Faust only logs a failed send and commits the offset of the message it came from all the same.
    """

    def __init__(self, *, end: End = os._exit, **options: Any) -> None:
        super().__init__(**options)
        self._end = end

    def on_send_error(self, producer: ProducerT, exc: BaseException, state: Any) -> None:
        """End the process before the offset can be committed."""
        super().on_send_error(producer, exc, state)
        give_up(exc, end=self._end)


class WatchedBuffer(ProducerBuffer):
    """Faust's buffer of changelog records, but a flush ends only when the client has taken them all.

    Faust's own gives up after a tenth of a second, and does not count the record just being handed over; the input
    such a record belongs to could be committed before it.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._put = self._handed_over = 0

    def put(self, fut: FutureMessage) -> None:
        """Take in a record to be sent."""
        self._put += 1
        super().put(fut)

    async def _send_pending(self, fut: FutureMessage) -> None:
        try:
            await super()._send_pending(fut)
        finally:
            self._handed_over += 1

    async def flush(self) -> None:
        """Wait until what was put so far is handed over; once the buffer is being stopped, hand it over here."""
        put = self._put
        while self._handed_over < put:
            if self.should_stop and self.size == put - self._handed_over:
                await self._send_pending(self.pending.get_nowait())
            else:
                await asyncio.sleep(FLUSH_LOOKS_EVERY)


class IdempotentProducer(Producer):
    """Faust's producer with idempotence, which Faust only switches on for transactions, and the buffer above."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.buffer = WatchedBuffer(loop=self.loop, beacon=self.beacon)
        self.buffer.app = self.app

    def _settings_extra(self) -> Mapping[str, Any]:
        return {"acks": "all", "enable_idempotence": True}


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

    async def _getmany(self, active_partitions: set[TP] | None, timeout: float) -> RecordMap:  # noqa: ASYNC109 - theirs
        frozen = None if active_partitions is None else set(active_partitions)
        return await super()._getmany(active_partitions=frozen, timeout=timeout)


class LosslessTransport(Transport):
    """Faust's transport with the consumer and the producer above."""

    Consumer = PatientConsumer
    Producer = IdempotentProducer


class DrainingWorker(faust.Worker):
    """A worker that drains, commits and leaves on a signal, and leaves all the same when it cannot.

    With a broker that does not answer Faust would wait for minutes; what was not committed is delivered again.
    """

    def _schedule_shutdown(self, signal: signal.Signals) -> None:
        timer = threading.Timer(SHUTDOWN_SECONDS, os._exit, (EXIT_SHUTDOWN_TOO_SLOW,))
        timer.daemon = True
        timer.start()
        super()._schedule_shutdown(signal)


def give_up(error: BaseException, *, end: End = os._exit) -> None:
    """End the process at once because something could not be sent; nothing is committed after it."""
    log.critical(
        "a send failed: the process ends and the messages will come again", extra={"error": type(error).__name__}
    )
    for handler in logging.getLogger().handlers:
        handler.flush()
    end(EXIT_NOT_SENT)


@contextmanager
def nothing_lost(*, end: End = os._exit) -> Iterator[None]:
    """End the process when what is done inside fails: an exception that left an agent would count as handled."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - whatever it is, the message must come again
        give_up(error, end=end)
