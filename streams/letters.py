"""The dead letters: listed, shown, and put back into their topic."""

from collections.abc import Iterator
from dataclasses import dataclass

from confluent_kafka import Message, Producer

from pipelines.settings import Settings
from streams.connection import client_options, cluster
from streams.listening import Listener


@dataclass(frozen=True, slots=True)
class Letter:
    """A message that could not be handled: why, and where it stood. `number` counts the letters from 1."""

    number: int
    reason: str
    detail: str
    topic: str
    partition: int
    offset: int
    time: str
    key: bytes | None
    value: bytes | None


def letters(settings: Settings) -> Iterator[Letter]:
    """Yield the dead letters kept, oldest first; one too large to be copied with its bytes from where they stand."""
    with Listener(settings, [settings.topic_dead_letters], from_beginning=True) as listener:
        records = sorted(listener.until_now(), key=lambda one: one.timestamp()[1])
        for number, record in enumerate(records, start=1):
            yield _letter(number, record, listener)


def put_back(settings: Settings, chosen: list[tuple[Letter, bytes | None]]) -> int:
    """Send letters to the topic they came from again, each with the bytes given; return how many arrived."""
    cluster(settings)
    arrived: list[None] = []
    producer = Producer(client_options(settings) | {"enable.idempotence": True})
    for letter, value in chosen:
        producer.produce(
            letter.topic,
            key=letter.key,
            value=value,
            partition=letter.partition,
            on_delivery=lambda error, _: arrived.append(None) if error is None else None,
        )
    producer.flush(30)
    return len(arrived)


def _headers(record: Message) -> dict[str, str]:
    return {
        name: value.decode(errors="replace") if isinstance(value, bytes) else value or ""
        for name, value in dict(record.headers() or []).items()
    }


def _letter(number: int, record: Message, listener: Listener) -> Letter:
    told = _headers(record)
    topic, partition, offset = told.get("topic", "?"), int(told.get("partition", -1)), int(told.get("offset", -1))
    value = record.value()
    if told.get("copied") == "no":
        original = listener.record(topic, partition, offset)
        value = original.value() if original is not None else None
    return Letter(
        number,
        told.get("reason", "?"),
        told.get("detail", ""),
        topic,
        partition,
        offset,
        told.get("time", "?"),
        record.key(),
        value,
    )
