"""Producers of librdkafka before brokers, or clients, that do not take everything."""

from collections.abc import Callable
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Message


class RefusingClient:
    """A producer whose messages are refused with a code: by the client, as they are given, or later by the broker."""

    def __init__(self, code: int, *, told_by: str) -> None:
        self._error, self._told_by = KafkaError(code), told_by
        self._queued: list[tuple[str, Callable[..., None]]] = []

    def produce(self, topic: str, *, on_delivery: Callable[..., None], **__: Any) -> None:
        """Refuse a message, or queue it."""
        if self._told_by == "client":
            raise KafkaException(self._error)
        self._queued.append((topic, on_delivery))

    def poll(self, _: float) -> int:
        """Tell nothing yet."""
        return 0

    def flush(self, _: float) -> int:
        """Tell that the queued messages are refused."""
        for topic, on_delivery in self._queued:
            on_delivery(self._error, Message(topic=topic))
        return 0
