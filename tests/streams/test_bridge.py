"""The bridge over Kafka, on the embedded broker: native messages out, poison to the dead letters, nothing missing."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from aiokafka.partitioner import DefaultPartitioner
from clients import RefusingClient
from confluent_kafka import KafkaError, Producer
from typer.testing import CliRunner

from pipelines.cli.main import application
from pipelines.flows.bridge import Bridge, translator
from pipelines.readers import Roles
from pipelines.readers.live import TRANSLATORS
from pipelines.settings import Settings
from streams import connection, sending
from streams.bridge import Partition, TopicBridge, translated
from streams.codecs import PoisonError
from streams.commands.options import UsageError
from streams.connection import UnreachableBrokerError
from streams.demo import environment
from streams.embedded import PARTITIONS
from streams.letters import letters
from streams.sending import UndeliveredError

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]
ROOT = Path(__file__).parents[2]
VENDOR_TOPIC = "segments"


def segment(contact: str, number: int, text: str, *, role: str = "AGENT") -> dict[str, Any]:
    """Return a final segment of Contact Lens in real time."""
    said = {
        "Id": f"{contact}-{number}",
        "ParticipantId": role,
        "ParticipantRole": role,
        "Content": text,
        "BeginOffsetMillis": number * 4000,
        "EndOffsetMillis": number * 4000 + 3000,
    }
    return event(contact, "SEGMENTS", Segments=[{"Transcript": said}])


def event(contact: str, kind: str, **more: Any) -> dict[str, Any]:
    """Return an event of Contact Lens in real time."""
    return {"ContactId": contact, "EventType": kind, "LanguageCode": "en-GB", **more}


def piece(text: str, *, start: float, ends: bool) -> dict[str, Any]:
    """Return a final result of Deepgram, which ends its utterance or not."""
    return {
        "type": "Results",
        "call_id": "deep",
        "channel_index": [0, 2],
        "start": start,
        "duration": 1.0,
        "is_final": True,
        "speech_final": ends,
        "channel": {"alternatives": [{"transcript": text, "words": []}]},
    }


def put(stage: Any, key: str, *values: dict[str, Any] | bytes) -> None:
    """Put vendor messages into their topic."""
    producer = Producer({"bootstrap.servers": stage.settings.brokers, "log_level": 0})
    for value in values:
        raw = value if isinstance(value, bytes) else json.dumps(value).encode()
        producer.produce(VENDOR_TOPIC, key=key.encode(), value=raw)
    assert producer.flush(10) == 0


def native(stage: Any, call_id: str) -> list[dict[str, Any]]:
    """Return the native messages of a call, as they stand in the transcripts topic."""
    records = stage.read(stage.settings.topic_transcripts)
    return [json.loads(one.value()) for one in records if one.key() == call_id.encode()]


def texts(stage: Any, call_id: str) -> list[str]:
    """Return the words of a call, as they stand in the transcripts topic."""
    return [turn["text"] for one in native(stage, call_id) for turn in one.get("turns", ())]


def topic_bridge(stage: Any, vendor: str = "contact-lens-realtime") -> TopicBridge:
    """Return a bridge from the vendor's topic."""
    roles = Roles.parse((), ("AGENT=a-31",))
    return TopicBridge(
        stage.settings,
        source=VENDOR_TOPIC,
        target=stage.settings.topic_transcripts,
        group="bridge",
        make=lambda: Bridge(translator(vendor), roles=roles),
    )


@contextmanager
def bridging(stage: Any, vendor: str = "contact-lens-realtime") -> Iterator[TopicBridge]:
    """Run a bridge in a thread; let it drain at the end."""
    over, stop = topic_bridge(stage, vendor), threading.Event()
    thread = threading.Thread(target=over.run, args=(stop.is_set,))
    thread.start()
    try:
        yield over
    finally:
        stop.set()
        thread.join(30)
    assert not thread.is_alive()


def test_message_of_a_long_call_id_is_poison() -> None:
    """Key and value count together: what no record can hold goes to the dead letters, and the bridge goes on."""
    said = json.dumps(event("c" * 520_000, "STARTED")).encode()

    with pytest.raises(PoisonError, match="too_large"):
        translated(Bridge(translator("contact-lens-realtime")), said, place=0)


@pytest.fixture
def segments(stage: Any) -> Any:
    """A broker with a vendor's topic."""
    stage.broker.make([VENDOR_TOPIC])
    return stage


def test_vendor_messages_become_native_ones(segments: Any) -> None:
    """Each call's messages come out in order under the call's id; partial segments lead to nothing."""
    partial = event("tea", "SEGMENTS", Segments=[{"Utterance": {"Id": "u", "PartialContent": "Good mor"}}])
    said = [segment("tea", 0, "Good morning."), segment("tea", 1, "My teapot drips.", role="CUSTOMER")]
    put(segments, "tea", event("tea", "STARTED"), partial, *said, event("tea", "COMPLETED"))

    with bridging(segments):
        assert segments.wait_for(lambda: len(native(segments, "tea")) == 4)
    started, first, second, ended = native(segments, "tea")

    assert started == {"type": "call.started", "call_id": "tea", "language": "en-GB"}
    assert (first["turns"][0]["agent_id"], first["turns"][0]["text"]) == ("a-31", "Good morning.")
    assert (second["turns"][0]["speaker"], second["turns"][0]["index"]) == ("customer", 4000)
    assert ended == {"type": "call.ended", "call_id": "tea"}


def test_calls_go_where_the_clients_of_java_put_them(segments: Any) -> None:
    """A call's partition is that of Java's partitioner: its verdicts meet its transcripts, whoever wrote these."""
    names = [f"tea-{number}" for number in range(8)]
    for name in names:
        put(segments, name, segment(name, 0, "Good morning."))

    with bridging(segments):
        assert segments.wait_for(lambda: all(native(segments, name) for name in names))
    every = list(range(PARTITIONS))

    for one in segments.read(segments.settings.topic_transcripts):
        assert one.partition() == DefaultPartitioner()(one.key(), every, every)


def test_poison_goes_to_the_dead_letters_and_the_bridge_goes_on(segments: Any) -> None:
    """What is no JSON, or not in the vendor's shape, is buried with reason and place; what follows is translated."""
    put(
        segments, "jam", b"not json", {"ContactId": "jam", "EventType": 7, "Segments": "none"}, segment("jam", 0, "Hi.")
    )

    with bridging(segments) as over:
        assert segments.wait_for(lambda: texts(segments, "jam") == ["Hi."])
    found = list(letters(segments.settings))

    assert sorted(one.reason for one in found) == ["broken_schema", "not_json"]
    assert {(one.topic, one.key) for one in found} == {(VENDOR_TOPIC, b"jam")}
    assert {one.offset: one.value for one in found}[0] == b"not json"
    assert over.counts.buried == 2


def test_nothing_is_missing_after_a_restart(segments: Any) -> None:
    """A bridge that drained goes on where it was; nothing is told twice and nothing is left out."""
    put(segments, "mug", *(segment("mug", number, f"turn {number}") for number in range(5)))
    with bridging(segments):
        assert segments.wait_for(lambda: len(texts(segments, "mug")) == 5)
    put(segments, "mug", *(segment("mug", number, f"turn {number}") for number in range(5, 9)))

    with bridging(segments):
        assert segments.wait_for(lambda: len(texts(segments, "mug")) >= 9)

    assert texts(segments, "mug") == [f"turn {number}" for number in range(9)]


def test_an_utterance_begun_before_a_restart_is_told_whole(segments: Any) -> None:
    """Words that waited in memory are read again; what was told already is not told again."""
    put(segments, "deep", piece("all told", start=0, ends=True), piece("first half", start=2, ends=False))
    with bridging(segments, "deepgram-live"):
        assert segments.wait_for(lambda: texts(segments, "deep") == ["all told"])
        time.sleep(1.5)
    put(segments, "deep", piece("second half", start=4, ends=True))

    with bridging(segments, "deepgram-live"):
        assert segments.wait_for(lambda: len(texts(segments, "deep")) >= 2)

    assert texts(segments, "deep") == ["all told", "first half second half"]


def test_nothing_is_committed_that_the_broker_did_not_take(segments: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a delivery fails the bridge ends with a clear error, and the next one tells what was not delivered."""
    put(segments, "pan", segment("pan", 0, "Mind the pan."))
    with monkeypatch.context() as patched:
        patched.setattr(sending, "Producer", lambda _: RefusingClient(KafkaError._MSG_TIMED_OUT, told_by="broker"))
        over = topic_bridge(segments)

    with pytest.raises(UndeliveredError, match=r"2 of 2 messages did not arrive \(transcripts: _MSG_TIMED_OUT\)"):
        over.run(lambda: False)
    with bridging(segments):
        assert segments.wait_for(lambda: texts(segments, "pan") == ["Mind the pan."])


def test_a_topic_made_anew_is_told_from_its_beginning() -> None:
    """Offsets below the one asked for are those of another topic of the same name: nothing there was told."""
    here = Partition(Bridge(TRANSLATORS["lca"]), start=40, told=50)

    assert [here.reads(offset) for offset in (40, 49, 50)] == [False, False, True]
    assert here.reads(0)


def test_refusal_of_the_login_is_told_before_what_it_leads_to(segments: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the broker lets us in no more the bridge ends and says so, not that messages did not arrive."""
    put(segments, "pan", segment("pan", 0, "Mind the pan."))
    over = topic_bridge(segments)

    def settle() -> None:
        over._standing.hear_of(KafkaError(KafkaError._AUTHENTICATION))
        raise UndeliveredError("1 of 1 messages did not arrive (no answer)")

    def refuse(_: Settings) -> None:
        raise UnreachableBrokerError("the broker refuses the login")

    monkeypatch.setattr(over._sender, "settle", settle)
    monkeypatch.setattr(connection, "cluster", refuse)

    with pytest.raises(UnreachableBrokerError, match="refuses the login"):
        over.run(lambda: False)


def test_command_ends_clearly_where_the_broker_is_gone(segments: Any) -> None:
    """A broker that goes while the bridge waits for messages ends the command: one line that says so, and code 2."""
    process = start_command(segments)
    put(segments, "jug", segment("jug", 0, "Good evening."))
    arrived = segments.wait_for(lambda: texts(segments, "jug") == ["Good evening."])
    segments.broker.close()
    segments.broker = None
    told = process.communicate(timeout=60)[1].decode()

    assert arrived, told
    assert process.returncode == 2, told
    assert "error: no broker answers" in told
    assert "Traceback" not in told


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_command_drains_and_leaves_on_a_signal(segments: Any, how: signal.Signals) -> None:
    """The command bridges until it is told to stop; then it ends with code 0, all it read committed."""
    process = start_command(segments)
    put(segments, "pot", segment("pot", 0, "Good evening."))
    arrived = segments.wait_for(lambda: texts(segments, "pot") == ["Good evening."])
    process.send_signal(how)
    told = process.communicate(timeout=30)[1].decode()

    assert arrived, told
    assert process.returncode == 0
    assert "2 messages written, 0 to the dead letters." in told


def test_nothing_is_lost_when_the_bridge_is_killed(segments: Any) -> None:
    """Killed amid its work and started again, the bridge leaves out no turn; some may come twice."""
    said = [f"turn {number}" for number in range(3000)]
    put(segments, "urn", *(segment("urn", number, text) for number, text in enumerate(said)))
    first = start_command(segments)
    assert segments.wait_for(lambda: bool(texts(segments, "urn")))
    first.kill()
    first.communicate()
    said.append("the last turn")
    put(segments, "urn", segment("urn", 3000, said[-1]))

    with bridging(segments):
        assert segments.wait_for(lambda: said[-1] in texts(segments, "urn"), seconds=60)

    assert sorted(set(texts(segments, "urn"))) == sorted(said)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--brokers", "b:1"], "go with --from-topic"),
        (["--from-topic", "t", "-o", "file"], "without a file of lines"),
        (["--from-topic", "transcripts"], "writes to this topic itself"),
        (["--from-topic", "t", "--group", "behaviour-detector"], "is the worker's"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: list[str], told: str) -> None:
    """Lines and topics are not mixed, and the bridge does not read what it writes nor take the worker's group."""
    error = CliRunner().invoke(application(), ["bridge", "--from", "lca", *options]).exception

    assert isinstance(error, UsageError)
    assert told in str(error)


def start_command(stage: Any) -> subprocess.Popen[bytes]:
    """Start `detector bridge` as a process; its consumer group is that of the bridges in threads."""
    options = ["--from", "contact-lens-realtime", "--from-topic", VENDOR_TOPIC, "--group", "bridge"]
    return subprocess.Popen(
        [sys.executable, "-c", "from pipelines.cli import main; main()", "bridge", *options],
        env=os.environ | environment(stage.settings) | {"PYTHONPATH": str(ROOT)},
        cwd=ROOT,
        stderr=subprocess.PIPE,
    )
