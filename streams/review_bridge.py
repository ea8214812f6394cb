"""Between Kafka and the review app's store: what the worker tells goes in, verdicts go out to be settled.

Filling is at least once and by id: an offset is committed once the store has what its message told.
"""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from confluent_kafka import Consumer, KafkaException, Message

from detector.decision import Decision, Scorecard
from detector.errors import DetectorError
from detector.playbook import Playbook
from detector.reward import RewardEvent
from detector.transcript import CallHeader
from pipelines.settings import Settings
from pipelines.store import Filler, Store, outbox
from pipelines.store.engine import UnstorableError
from pipelines.store.refusal import savepoint
from streams.codecs import PoisonError, decode
from streams.connection import Standing, client_options, cluster, hopeless
from streams.messages import CallStarted, TurnsSaid, WholeCall
from streams.sending import Sender, UndeliveredError

MESSAGES, POLL_SECONDS = 200, 0.5

log = logging.getLogger(__name__)


class ReviewBridgeError(DetectorError):
    """The bridge cannot go on; what was not committed or sent comes again when it is started again."""


@dataclass(slots=True)
class Counts:
    """How many messages were taken in, how many passed over as unreadable, and how many verdicts were sent."""

    taken: int = 0
    unreadable: int = 0
    sent: int = 0


class ReviewBridge:
    """Fills a store from the topics and sends the verdicts of its outbox."""

    def __init__(self, settings: Settings, *, store: Store, playbook: Playbook) -> None:
        self._settings, self._store, self._playbook = settings, store, playbook
        self._standing = Standing(settings)
        self.counts = Counts()

    def run(self, stopped: Callable[[], bool], *, undo_seconds: float = outbox.UNDO_SECONDS) -> None:
        """Fill and send until stopped.

        Raises:
            ReviewBridgeError: a topic is missing or may not be read, or the broker does not take verdicts, or commits.
            StoreError: the store does not answer.
            UnreachableBrokerError: no broker answers, or none to us.
        """
        self._find_topics()
        consumer, sender = self._clients()
        consumer.subscribe(self._topics())
        try:
            while not stopped():
                self._fill(consumer)
                self._send(sender, undo_seconds)
                self._standing.ask_anew()
        except KafkaException as error:
            self._standing.ask_anew()
            raise ReviewBridgeError(f"the broker refused: {error.args[0].name()}") from None
        finally:
            consumer.close()

    def take(self, messages: Iterable[Message]) -> None:
        """Take messages into the store, all or none.

        One that cannot be read, or that the store cannot hold, is passed over whole: of the transcripts it is the
        worker's to bury.
        """
        with self._store.writing() as connection:
            filler = Filler(connection, playbook=self._playbook, sample_share=self._settings.sample_share)
            for one in messages:
                try:
                    with savepoint(connection):
                        self._put(filler, one)
                except (PoisonError, UnstorableError, ValueError) as error:
                    self._pass_over(one, error)
                else:
                    self.counts.taken += 1

    def _clients(self) -> tuple[Consumer, Sender]:
        heard = {"error_cb": self._standing.hear_of}
        own = {
            "group.id": f"{self._settings.group}-review",
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
        }
        return Consumer(client_options(self._settings) | own | heard), Sender(self._settings, **heard)

    def _find_topics(self) -> None:
        there = cluster(self._settings).topics
        needed = [*self._topics(), self._settings.topic_verdicts]
        missing = [name for name in needed if name not in there or there[name].error is not None]
        if missing:
            raise ReviewBridgeError(
                f"topics are missing, or hidden from us: {', '.join(missing)}; make them: detector topics create"
            )

    def _pass_over(self, one: Message, error: Exception) -> None:
        why = error.reason.value if isinstance(error, PoisonError) else type(error).__name__
        log.warning("a message was passed over: %s at %s/%d/%d", why, one.topic(), one.partition(), one.offset())
        self.counts.unreadable += 1

    def _topics(self) -> list[str]:
        settings = self._settings
        return [
            settings.topic_transcripts,
            settings.topic_decisions,
            settings.topic_scorecards,
            settings.topic_rewards,
        ]

    def _fill(self, consumer: Consumer) -> None:
        came = list(filter(_is_told, consumer.consume(MESSAGES, timeout=POLL_SECONDS)))
        if came:
            self.take(came)
            consumer.commit(asynchronous=False)

    def _send(self, sender: Sender, undo_seconds: float) -> None:
        waiting = outbox.waiting(self._store, older_than=undo_seconds)
        letters = [one for one in waiting if outbox.take(self._store, one)]
        try:
            for one in letters:
                sender.send(self._settings.topic_verdicts, key=one.call_id.encode(), value=one.value.encode())
            sender.settle()
        except UndeliveredError as error:
            self._standing.ask_anew()
            raise ReviewBridgeError(f"{error}; the verdicts are sent again a minute later") from None
        outbox.mark_sent(self._store, letters)
        self.counts.sent += len(letters)

    def _put(self, filler: Filler, one: Message) -> None:
        topic, value = one.topic(), one.value() or b""
        if topic == self._settings.topic_transcripts:
            self._put_transcript(filler, one)
        elif topic == self._settings.topic_decisions:
            filler.decisions([Decision.model_validate_json(value)])
        elif topic == self._settings.topic_scorecards:
            filler.scorecard(Scorecard.model_validate_json(value))
        else:
            filler.events([RewardEvent.model_validate_json(value)])

    def _put_transcript(self, filler: Filler, one: Message) -> None:
        match decode(one.key(), one.value()):
            case WholeCall() as told:
                filler.header(told.header)
                filler.turns(told.call_id, told.turns)
            case CallStarted() as told:
                filler.header(told.header)
            case TurnsSaid() as told:
                filler.header(CallHeader(call_id=told.call_id))
                filler.turns(told.call_id, told.turns)
            case _:
                pass


def _is_told(one: Message) -> bool:
    """Tell whether a message is one, not news of an error that passes.

    Raises:
        ReviewBridgeError: it is news of an error that does not pass.
    """
    error = one.error()
    if error is not None and hopeless(error):
        raise ReviewBridgeError(f"the topics cannot be read: {error.name()}")
    return error is None
