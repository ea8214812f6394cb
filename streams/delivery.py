"""At least once, truly: a send that fails ends the process, so that what it belonged to is delivered again."""

import logging
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeAlias

import faust
from faust.sensors.monitor import Monitor
from faust.transport.drivers.aiokafka import Consumer, Producer, Transport
from faust.types import TP
from faust.types.transports import ProducerT

EXIT_SHUTDOWN_TOO_SLOW = 70
EXIT_NOT_SENT = 71
SHUTDOWN_SECONDS = 8.0

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


class IdempotentProducer(Producer):
    """Faust's producer with idempotence, which Faust only switches on for transactions."""

    def _settings_extra(self) -> Mapping[str, Any]:
        return {"acks": "all", "enable_idempotence": True}


class PatientConsumer(Consumer):
    """Faust's consumer, but partitions of input are fetched only once the stream takes messages.

    After a recovery Faust resumes them first, then seeks them to their committed offsets, then lets the flow go on.
    What is fetched in between reaches the stream, which skips it, while it counts as read: it would come again only
    after the next rebalance. So they are held back until the flow goes on.
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

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Forget what was held back of partitions that others have now."""
        self._held -= revoked
        await super().on_partitions_revoked(revoked)


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
