"""What the command line sends is with the broker in the end, or it is told what is not and why."""

from collections.abc import Callable
from typing import Any

import pytest
from clients import RefusingClient
from confluent_kafka import KafkaError, Message

from pipelines.settings import Settings
from streams import sending
from streams.sending import Sender, UndeliveredError

TOO_LARGE = KafkaError.MSG_SIZE_TOO_LARGE


class NarrowQueue:
    """A producer with room for one message; the broker has what waits once it is polled, or flushed with an answer."""

    def __init__(self, *, answers: bool = True) -> None:
        self.arrived: list[bytes] = []
        self._queued: list[tuple[bytes, Callable[..., None]]] = []
        self._answers = answers

    def produce(self, _: str, *, value: bytes, on_delivery: Callable[..., None], **__: Any) -> None:
        """Queue a message, or refuse it for want of room."""
        if self._queued:
            raise BufferError
        self._queued.append((value, on_delivery))

    def poll(self, seconds: float) -> int:
        """Deliver, where there is time to."""
        return self.flush(seconds) if seconds else 0

    def flush(self, _: float) -> int:
        """Deliver what waits, where the broker answers; return how many wait on."""
        while self._queued and self._answers:
            value, on_delivery = self._queued.pop()
            self.arrived.append(value)
            on_delivery(None, Message(topic="t"))
        return len(self._queued)


def sender_on(client: Any, monkeypatch: pytest.MonkeyPatch) -> Sender:
    """Return a sender on a client."""
    monkeypatch.setattr(sending, "Producer", lambda _: client)
    return Sender(Settings(_env_file=None))


@pytest.mark.parametrize(
    ("told_by", "line"),
    [
        ("client", "a message could not be sent (transcripts: MSG_SIZE_TOO_LARGE)"),
        ("broker", "1 of 1 messages did not arrive (transcripts: MSG_SIZE_TOO_LARGE)"),
    ],
)
def test_message_refused_is_told_with_its_topic(told_by: str, line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever refuses a message, the error names the topic and the reason, and no word of the message."""
    sender = sender_on(RefusingClient(TOO_LARGE, told_by=told_by), monkeypatch)

    with pytest.raises(UndeliveredError) as refused:
        _send_one(sender)

    assert line == str(refused.value)


def test_broker_that_does_not_answer_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the broker has not said it has counts as lost."""
    sender = sender_on(NarrowQueue(answers=False), monkeypatch)

    with pytest.raises(UndeliveredError, match=r"1 of 1 messages did not arrive \(no answer\)"):
        _send_one(sender)


def test_full_queue_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no room the sender waits for it; everything arrives, in order."""
    client = NarrowQueue()
    sender = sender_on(client, monkeypatch)

    for value in (b"a", b"b", b"c"):
        sender.send("t", key=None, value=value)
    sender.settle()

    assert [b"a", b"b", b"c"] == client.arrived


def _send_one(sender: Sender) -> None:
    sender.send("transcripts", key=b"c", value=b"swordfish")
    sender.settle()
