"""Sending from the command line: the broker has what was given in the end, or what it has not is told, and why."""

from typing import Any

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from detector.errors import DetectorError
from pipelines.settings import Settings
from streams.codecs import Headers
from streams.connection import producer_options

ANSWER_SECONDS = 30.0
ROOM_SECONDS = 0.5


class UndeliveredError(DetectorError):
    """Messages that the broker does not have; the message says how many of how many and why, topic by topic."""


class Sender:
    """librdkafka's producer, its deliveries counted; `options` are librdkafka's, beside those of every producer."""

    def __init__(self, settings: Settings, **options: Any) -> None:
        self._client = Producer({**producer_options(settings), **options})
        self._sent = 0
        self._failed: list[str] = []

    def send(self, topic: str, *, key: bytes | None, value: bytes | None, headers: Headers | None = None) -> None:
        """Queue a message; where the queue is full, wait for room.

        Raises:
            UndeliveredError: the client refuses it unsent, as one too large.
        """
        while True:
            try:
                self._client.produce(topic, key=key, value=value, headers=[*(headers or ())], on_delivery=self._told)
            except BufferError:
                self._client.poll(ROOM_SECONDS)
            except KafkaException as error:
                raise UndeliveredError(f"a message could not be sent ({_why(topic, error.args[0])})") from None
            else:
                self._sent += 1
                self.hear()
                return

    def hear(self) -> None:
        """Take in what the broker said of what was sent."""
        self._client.poll(0)

    def settle(self) -> None:
        """Wait until the broker has all that was sent since it last had.

        Raises:
            UndeliveredError: it refused something, or does not answer.
        """
        left = self._client.flush(ANSWER_SECONDS)
        if left or self._failed:
            told = ", ".join(sorted(set(self._failed))) or "no answer"
            raise UndeliveredError(f"{left + len(self._failed)} of {self._sent} messages did not arrive ({told})")
        self._sent = 0

    def _told(self, error: KafkaError | None, message: Message) -> None:
        if error is not None:
            self._failed.append(_why(message.topic() or "", error))


def _why(topic: str, error: KafkaError) -> str:
    return f"{topic}: {error.name()}"
