"""The dead letters: listed, shown, and put back into their topic."""

from collections.abc import Iterator
from dataclasses import dataclass

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from detector.errors import DetectorError
from pipelines.settings import Settings
from streams.connection import cluster, producer_options
from streams.listening import Listener

_OVERHEAD_BYTES = 100_000


class LettersError(DetectorError):
    """Letters that cannot be put back, or that the broker does not take; the message says why, and what to do."""


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
    """Yield the dead letters kept, oldest first; one too large to be copied with its bytes from where they stand.

    Those of one moment go by partition and offset, so that each has the same number at each look.
    """
    with Listener(settings, [settings.topic_dead_letters], from_beginning=True) as listener:
        records = sorted(listener.until_now(), key=_age)
        for number, record in enumerate(records, start=1):
            yield _letter(number, record, listener)


def put_back(settings: Settings, chosen: list[tuple[Letter, bytes | None]]) -> int:
    """Send letters to the topic they came from again, each with the bytes given; return how many arrived.

    Raises:
        LettersError: there are no bytes for one, then none is put back; or the broker, or its client, does not take
            one, then those it takes are.
        UnreachableBrokerError: no broker answers, or none to us.
    """
    if gone := [str(letter.number) for letter, value in chosen if value is None]:
        raise LettersError(
            f"no bytes are kept of dead letter {', '.join(gone)}: nothing put back; --mended sends a file"
        )
    cluster(settings)
    largest = max((len(letter.key or b"") + len(value or b"") for letter, value in chosen), default=0)
    # What came in once may come again: only its topic is to bound it.
    producer = Producer(producer_options(settings) | {"message.max.bytes": max(1_000_000, largest + _OVERHEAD_BYTES)})
    answers: list[tuple[str, KafkaError | None]] = []
    for letter, value in chosen:
        _send(producer, letter, value, answers)
    producer.flush(30)
    arrived = sum(error is None for _, error in answers)
    refused = {_why(topic, error, largest) for topic, error in answers if error is not None}
    if refused:
        raise LettersError("; ".join((f"{arrived} of {len(chosen)} put back", *sorted(refused))))
    return arrived


def _why(topic: str, error: KafkaError, largest: int) -> str:
    if error.code() == KafkaError.MSG_SIZE_TOO_LARGE:
        return f"{topic} takes no message so large: raise its max.message.bytes above {largest:,}"
    return f"{topic}: {error.name()}"


def _send(
    producer: Producer, letter: Letter, value: bytes | None, answers: list[tuple[str, KafkaError | None]]
) -> None:
    """Queue a letter; what its client and the broker say of it is among the answers, now or later."""
    try:
        producer.produce(
            letter.topic,
            key=letter.key,
            value=value,
            partition=letter.partition,
            on_delivery=lambda error, _: answers.append((letter.topic, error)),
        )
    except KafkaException as error:
        answers.append((letter.topic, error.args[0]))


def _age(record: Message) -> tuple[int, int, int]:
    return record.timestamp()[1], record.partition() or 0, record.offset() or 0


def _headers(record: Message) -> dict[str, str]:
    return {
        name: value.decode(errors="replace") if isinstance(value, bytes) else value or ""
        for name, value in dict(record.headers() or []).items()
    }


def _letter(number: int, record: Message, listener: Listener) -> Letter:
    told = _headers(record)
    topic, partition, offset = told.get("topic", "?"), int(told.get("partition", -1)), int(told.get("offset", -1))
    key, value = record.key(), record.value()
    if told.get("copied") == "no":
        original = listener.record(topic, partition, offset)
        key, value = (original.key(), original.value()) if original is not None else (key, None)
    return Letter(
        number,
        told.get("reason", "?"),
        told.get("detail", ""),
        topic,
        partition,
        offset,
        told.get("time", "?"),
        key,
        value,
    )
