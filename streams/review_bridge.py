"""Between Kafka and the review app's store: what the worker tells goes in, verdicts go out to be settled.

Filling is at least once and by id: an offset is committed once the store has what its message told.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from confluent_kafka import Consumer, KafkaException, Message, Producer

from detector.decision import Decision, Scorecard
from detector.errors import DetectorError
from detector.playbook import Playbook
from detector.reward import RewardEvent
from detector.transcript import CallHeader
from pipelines.settings import Settings
from pipelines.store import Filler, Store, outbox
from streams.codecs import PoisonError, decode
from streams.connection import client_options
from streams.messages import CallStarted, TurnsSaid, WholeCall

MESSAGES, POLL_SECONDS, ANSWER_SECONDS = 200, 0.5, 30.0


class ReviewBridgeError(DetectorError):
    """The bridge cannot go on; what was not committed or sent comes again when it is started again."""


@dataclass(slots=True)
class Counts:
    """How many messages were taken in, passed over as unreadable, and how many verdicts were sent."""

    taken: int = 0
    unreadable: int = 0
    sent: int = 0


class ReviewBridge:
    """Fills a store from the topics and sends the verdicts of its outbox."""

    def __init__(self, settings: Settings, *, store: Store, playbook: Playbook) -> None:
        self._settings, self._store, self._playbook = settings, store, playbook
        self.counts = Counts()

    def run(self, stopped: Callable[[], bool], *, undo_seconds: float = outbox.UNDO_SECONDS) -> None:
        """Fill and send until stopped.

        Raises:
            ReviewBridgeError: the broker does not take verdicts, or commits.
        """
        options = client_options(self._settings)
        own = {
            "group.id": f"{self._settings.group}-review",
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
        }
        consumer, producer = Consumer(options | own), Producer(options | {"enable.idempotence": True})
        consumer.subscribe(self._topics())
        try:
            while not stopped():
                self._fill(consumer)
                self._send(producer, undo_seconds)
        except KafkaException as error:
            raise ReviewBridgeError(f"the broker refused: {error.args[0].name()}") from None
        finally:
            consumer.close()

    def take(self, messages: Iterable[Message]) -> None:
        """Take messages into the store, all or none; an unreadable one is the worker's to bury, and is passed over."""
        with self._store.writing() as connection:
            filler = Filler(connection, playbook=self._playbook, sample_share=self._settings.sample_share)
            for one in messages:
                try:
                    self._put(filler, one)
                    self.counts.taken += 1
                except (PoisonError, ValueError):
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
        came = [one for one in consumer.consume(MESSAGES, timeout=POLL_SECONDS) if one.error() is None]
        if came:
            self.take(came)
            consumer.commit(asynchronous=False)

    def _send(self, producer: Producer, undo_seconds: float) -> None:
        waiting = outbox.waiting(self._store, older_than=undo_seconds)
        letters = [one for one in waiting if outbox.take(self._store, one)]
        failed: list[object] = []
        for one in letters:
            producer.produce(
                self._settings.topic_verdicts,
                key=one.call_id.encode(),
                value=one.value.encode(),
                on_delivery=lambda error, _: failed.append(error) if error is not None else None,
            )
        if letters and (producer.flush(ANSWER_SECONDS) or failed):
            raise ReviewBridgeError("the broker did not take the verdicts; they are sent again a minute later")
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
