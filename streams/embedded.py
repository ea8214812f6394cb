"""A Kafka broker inside this process: librdkafka's, made for tests. In memory, on loopback, gone with the process."""

from collections.abc import Iterable

from confluent_kafka import Producer

from pipelines.settings import Settings
from streams.closing import Closing
from streams.topics import names

PARTITIONS = 4
_ANSWER_SECONDS = 10


class EmbeddedBroker(Closing):
    """Carries groups, commits and bounded logs; each topic has four partitions; topics appear when asked for."""

    def __init__(self) -> None:
        self._cluster = Producer({"test.mock.num.brokers": 1, "log_level": 2})
        broker = next(iter(self._cluster.list_topics(timeout=_ANSWER_SECONDS).brokers.values()))
        self.address = f"{broker.host}:{broker.port}"

    def settings(self, settings: Settings) -> Settings:
        """Return the settings with this broker in them, all its topics made."""
        own = settings.model_copy(update={"brokers": self.address, "partitions": PARTITIONS, "security": "PLAINTEXT"})
        self.make(names(own))
        return own

    def make(self, topics: Iterable[str]) -> None:
        """Make topics appear, empty."""
        for name in topics:
            self._cluster.list_topics(name, timeout=_ANSWER_SECONDS)

    def close(self) -> None:
        """Stop the broker; what it held is gone."""
        del self._cluster
