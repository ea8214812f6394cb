"""The dead letters, as their commands see them."""

import json
from codecs import BOM_UTF8
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

import pytest
from clients import RefusingClient
from confluent_kafka import KafkaError, Message
from typer.testing import CliRunner

from detector.detect import Detector
from detector.transcript import Call
from pipelines.settings import Settings
from streams import letters as post
from streams.commands import dead_letters, topics
from streams.commands.options import UsageError
from streams.letters import Letter, LettersError, letters, put_back
from streams.replay import play, score

pytestmark = pytest.mark.timeout(120)
SETTINGS = Settings(_env_file=None)


class Kept:
    """A listener on letters that are there, which come in an order of their own; of their originals none is kept."""

    def __init__(self, *records: Message) -> None:
        self.looked = 0
        self._records = records

    def __call__(self, *_: Any, **__: Any) -> Self:
        """Look anew."""
        self.looked += 1
        return self

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of nothing."""

    def until_now(self) -> Iterator[Message]:
        """Yield the letters, each time in another order."""
        yield from self._records[:: (-1) ** self.looked]

    def record(self, *_: object) -> None:
        """Find no original."""


def buried(partition: int, offset: int, *, at: int = 1, copied: str = "yes") -> Message:
    """Return a letter as the broker has it."""
    headers = [("topic", b"transcripts"), ("partition", b"0"), ("offset", b"7"), ("copied", copied.encode())]
    value = f"{partition}/{offset}".encode() if copied == "yes" else b""
    return Message(
        topic="letters", partition=partition, offset=offset, timestamp=(1, at), headers=headers, key=b"k", value=value
    )


def test_letters_of_one_moment_have_the_same_numbers_at_each_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """Partitions come in any order: letters go by time, then by partition and offset."""
    kept = Kept(buried(1, 0), buried(0, 5), buried(2, 9, at=0), buried(0, 4))
    monkeypatch.setattr(post, "Listener", kept)

    looks = [[one.value for one in letters(SETTINGS)] for _ in range(2)]

    assert looks == 2 * [[b"2/9", b"0/4", b"0/5", b"1/0"]]


def test_letters_that_are_put_back_together_are_looked_up_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A letter that comes between two look-ups would change what the numbers stand for."""
    kept, sent = Kept(buried(0, 0), buried(0, 1), buried(0, 2)), list[bytes | None]()
    monkeypatch.setattr(post, "Listener", kept)
    monkeypatch.setattr(post, "put_back", lambda _, chosen: sent.extend(value for _, value in chosen) or len(chosen))

    done = CliRunner().invoke(dead_letters, ["replay", "3", "1"])

    assert (done.exit_code, kept.looked, sent) == (0, 1, [b"0/2", b"0/0"])


def test_letter_whose_bytes_are_gone_is_not_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would be sent as a message without a value: the command says so, and sends none of those named with it."""
    monkeypatch.setattr(post, "Listener", Kept(buried(0, 0), buried(0, 1, copied="no")))

    done = CliRunner().invoke(dead_letters, ["replay", "1", "2"])

    assert isinstance(done.exception, LettersError)
    assert str(done.exception) == "no bytes are kept of dead letter 2: nothing put back; --mended sends a file"


@pytest.mark.parametrize("empty", [b"", BOM_UTF8, b"\n"])
def test_empty_file_does_not_put_back_what_it_was_to_mend(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, empty: bytes
) -> None:
    """A file in which nothing is, as an editor leaves it that failed, is told and nothing is sent."""
    (mended := tmp_path / "mended.json").write_bytes(empty)
    monkeypatch.setattr(post, "Listener", Kept(buried(0, 0)))

    done = CliRunner().invoke(dead_letters, ["replay", "1", "--mended", str(mended)])

    assert isinstance(done.exception, UsageError)
    assert str(done.exception) == f"{mended} is empty: nothing put back"


@pytest.mark.slow
def test_mended_letter_is_put_back_and_handled(running: Any, tmp_path: Path) -> None:
    """What was wrong is listed and shown; the mended message, its byte order mark left out, leads to what would be."""
    brokers = ["--brokers", running.settings.brokers]
    said = [{"speaker": "customer", "text": "hello"}]
    broken = {"type": "call", "call_id": "mend-0", "turns": said, "ended_at": "yesterday"}
    running.send("mend-0", broken)
    assert running.wait_for(lambda: bool(running.read(running.settings.topic_dead_letters)))
    mended = tmp_path / "mended.json"
    mended.write_bytes(BOM_UTF8 + json.dumps(broken | {"ended_at": None}).encode())
    run = CliRunner().invoke

    listed = run(dead_letters, ["list", *brokers], env={"COLUMNS": "200"})
    shown = run(dead_letters, ["show", "1", *brokers])
    replayed = run(dead_letters, ["replay", "1", "--mended", str(mended), *brokers])

    assert "broken_schema" in listed.stdout
    assert json.loads(shown.stdout) == broken
    assert "1 of 1 put back" in replayed.stdout
    assert running.wait_for(lambda: "mend-0" in running.told("mend-").scorecards)


@pytest.mark.slow
def test_key_too_large_to_copy_does_not_stop_the_worker(
    running: Any, detector: Detector, make_calls: Callable[..., list[Call]]
) -> None:
    """A message whose key and value are more than a record holds is buried by its place, and read from there whole."""
    key = "k" * 950_000
    running.send(key, b"v" * 150_000)
    calls = make_calls(1, prefix="long")
    play(score(calls), running.settings, speed=None)

    assert running.agrees(detector, calls) == []
    found = [one for one in letters(running.settings) if one.reason == "not_json"]
    assert [(one.key, one.value) for one in found] == [(key.encode(), b"v" * 150_000)]


def large_letter(stage: Any) -> Letter:
    """Return a dead letter of two megabytes from the transcripts."""
    topic = stage.settings.topic_transcripts
    return Letter(1, "state_too_large", "", topic, 2, 0, "?", key=b"large-0", value=b"x" * 2_000_000)


@pytest.mark.slow
def test_large_letter_is_put_back(stage: Any) -> None:
    """What came into a topic may come into it again, larger than librdkafka's producers send unless told."""
    letter = large_letter(stage)

    arrived = put_back(stage.settings, [(letter, letter.value)])

    assert arrived == 1
    assert [(one.partition(), one.value()) for one in stage.read(letter.topic)] == [(2, letter.value)]


@pytest.mark.slow
@pytest.mark.parametrize("told_by", ["client", "broker"])
def test_letter_too_large_for_its_topic_tells_which_limit_to_raise(
    stage: Any, monkeypatch: pytest.MonkeyPatch, told_by: str
) -> None:
    """A letter that is refused for its size ends the command with the topic and the size, not with a traceback."""
    monkeypatch.setattr(post, "Producer", lambda _: RefusingClient(KafkaError.MSG_SIZE_TOO_LARGE, told_by=told_by))
    letter = large_letter(stage)

    with pytest.raises(
        LettersError, match=r"0 of 1 put back; transcripts takes .* max\.message\.bytes above 2,000,007"
    ):
        put_back(stage.settings, [(letter, letter.value)])


@pytest.mark.slow
def test_topics_are_checked_with_a_clear_list(stage: Any) -> None:
    """On a broker with all topics the check is content; with other partitions it says which do not fit."""
    good = CliRunner().invoke(topics, ["check", "--brokers", stage.settings.brokers])
    bad = CliRunner().invoke(topics, ["check", "--brokers", stage.settings.brokers], env={"DETECTOR_PARTITIONS": "7"})

    assert (good.exit_code, good.stdout) == (0, "all topics are there and fit\n")
    assert bad.exit_code == 1
    assert "transcripts: has 4 partitions, the settings say 7" in bad.stdout
