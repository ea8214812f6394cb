"""Live messages of every vendor lead to the same call as its file does."""

import base64
import io
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson
import pytest
from fakes import word_detector
from hypothesis import given, settings
from hypothesis import strategies as st
from readers.cases import EDGES, SAMPLES, WORDS, keys_in, replaced, told

from detector.reward import RewardEvent, RewardType
from detector.transcript import CallHeader, Speaker, Turn
from pipelines.flows.bridge import Bridge, bridge, translator, unwrapped
from pipelines.readers import InputFault, Roles
from pipelines.readers.live import TRANSLATORS
from pipelines.readers.source import UnreadableError

LIVE = SAMPLES / "live"
ROLES = {
    "deepgram-live": ("0=customer", "1=agent"),
    "twilio-live": ("inbound_track=customer", "outbound_track=agent"),
}
KINDS = {"call.started", "turns", "call.ended"}
each_vendor = pytest.mark.parametrize("vendor", TRANSLATORS)


def bridged(vendor: str, lines: Iterable[bytes] | None = None, *, call_id: str | None = None) -> list[Any]:
    """Return what a vendor's sample, or other lines, lead to."""
    stream = io.BytesIO(b"".join(lines) if lines is not None else sample(vendor).read_bytes())
    roles = Roles.parse(ROLES.get(vendor, ()))
    return list(bridge(stream, "in", Bridge(translator(vendor), roles=roles, call_id=call_id)))


def sample(vendor: str) -> Path:
    """Return a vendor's sample."""
    return LIVE / f"{vendor}.jsonl"


def standing(messages: Iterable[Any]) -> list[Turn]:
    """Return the turns that stand after all messages: of each the highest revision, by index."""
    turns: dict[str, Turn] = {}
    for message in messages:
        for raw in message.get("turns", ()):
            turn = Turn.model_validate(raw)
            if turn.turn_id not in turns or turn.revision > turns[turn.turn_id].revision:
                turns[turn.turn_id] = turn
    return sorted(turns.values(), key=lambda turn: turn.index)


@each_vendor
def test_live_messages_lead_to_the_same_call(vendor: str) -> None:
    """Text, order and speakers are the file's; the call's end comes last; partial results lead to nothing."""
    messages = bridged(vendor)
    turns = standing(messages)

    assert [(turn.text, turn.speaker) for turn in turns] == [(turn.text, turn.speaker) for turn in told().turns]
    assert {turn.is_final for turn in turns} == {True}
    assert {message["call_id"] for message in messages} == {"sample-kettle"}
    assert [message["type"] for message in messages].index("call.ended") == len(messages) - 1


@each_vendor
def test_live_times_are_from_the_start_or_absent(vendor: str) -> None:
    """Times are those of the file; Twilio's webhooks tell none."""
    starts = [turn.start_ms for turn in standing(bridged(vendor))]

    assert starts == ([None] * 11 if vendor == "twilio-live" else [turn.start_ms for turn in told().turns])


@each_vendor
def test_messages_translated_anew_are_the_same(vendor: str) -> None:
    """A bridge that starts again from the beginning tells the same turns under the same ids."""
    assert bridged(vendor) == bridged(vendor)


@each_vendor
def test_a_bridge_that_starts_in_the_middle_keeps_ids_and_order(vendor: str) -> None:
    """Ids and indices come from the messages, not from counting: what a later bridge tells fits what was told."""
    lines = sample(vendor).read_bytes().splitlines(keepends=True)
    whole = {turn.turn_id: turn for turn in standing(bridged(vendor))}
    later = standing(bridged(vendor, lines[len(lines) // 2 :], call_id="sample-kettle"))

    assert len(later) >= 4
    assert all(whole[turn.turn_id].index == turn.index for turn in later[1:])


@each_vendor
def test_nothing_is_told_of_a_call_of_which_nothing_is_known(vendor: str) -> None:
    """A beginning without an agent, name or language could only undo what others told of the call."""
    for message in bridged(vendor):
        if message["type"] == "call.started":
            assert set(message) > {"type", "call_id"}


@each_vendor
def test_bad_lines_are_told_and_the_rest_goes_on(vendor: str) -> None:
    """What is no JSON, no object, or not in the shape is a fault at its line, without what was said."""
    lines = sample(vendor).read_bytes().splitlines(keepends=True)
    middle = len(lines) // 2
    bad = [b"{oops\n", b"[1]\n", b"\x00\xff\n"]
    found = bridged(vendor, [*lines[:middle], *bad, *lines[middle:]])
    faults = [one for one in found if isinstance(one, InputFault)]

    assert [one for one in found if not isinstance(one, InputFault)] == bridged(vendor)
    assert [fault.line for fault in faults] == [middle + 1, middle + 2, middle + 3]
    assert not any(word in str(fault) for fault in faults for word in WORDS)


@each_vendor
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_wild_messages_are_translated_or_refused(vendor: str, data: st.DataObject) -> None:
    """Whatever stands in a field, a message leads to messages or to a known error."""
    messages = [json.loads(line) for line in sample(vendor).read_bytes().splitlines()]
    message = data.draw(st.sampled_from(messages))
    key = data.draw(st.sampled_from(sorted(message)))
    wild = st.none() | st.integers() | st.floats(allow_nan=False) | st.text() | st.lists(st.none(), max_size=2)
    spoilt = {**message, key: data.draw(wild)}
    found = bridged(vendor, [json.dumps(spoilt).encode() + b"\n"], call_id="c")

    assert all(isinstance(one, InputFault) or one["type"] in KINDS for one in found)


@each_vendor
def test_values_that_cannot_be_reckoned_with_are_turns_or_refused(vendor: str) -> None:
    """Under every key of each kind of message such a value leads to what can be sent and read, or to a known error."""
    messages = [json.loads(line) for line in sample(vendor).read_bytes().splitlines()]
    for message in {frozenset(keys_in(one)): one for one in messages}.values():
        for key in keys_in(message) | {"Time"}:
            for edge in (*EDGES, {"AbsoluteTime": "0001-01-01T00:00:00"}):
                spoilt = json.dumps(replaced(message, key, edge)).encode() + b"\n"
                for one in bridged(vendor, [spoilt], call_id="c"):
                    assert isinstance(one, InputFault) or orjson.dumps(one)
                    for raw in [] if isinstance(one, InputFault) else one.get("turns", ()):
                        Turn.model_validate(raw)


def test_records_of_kinesis_are_unwrapped() -> None:
    """A record's data is the message; what is no such record is left as it is."""
    lines = sample("contact-lens-realtime").read_bytes().splitlines()
    records = [
        json.dumps({"SequenceNumber": str(at), "PartitionKey": "p", "Data": base64.b64encode(line).decode()}).encode()
        for at, line in enumerate(lines)
    ]

    assert bridged("contact-lens-realtime", [record + b"\n" for record in records]) == bridged("contact-lens-realtime")
    assert unwrapped({"Data": "no record"}) == {"Data": "no record"}
    with pytest.raises(UnreadableError, match="not base64 of JSON"):
        unwrapped({"SequenceNumber": "1", "Data": "%%%"})


def test_pieces_of_an_utterance_are_one_turn() -> None:
    """What is final but not the end of speech waits; silence, or the connection's end, ends it."""

    def result(text: str, start: float, *, ends: bool) -> bytes:
        channel = {"alternatives": [{"transcript": text}]}
        message = {"type": "Results", "is_final": True, "speech_final": ends, "start": start, "duration": 1.0}
        return json.dumps({**message, "channel_index": [0, 1], "channel": channel}).encode() + b"\n"

    silence = b'{"type":"UtteranceEnd","channel":[0,1]}\n'
    lines = [result("is there", 0, ends=False), result("anything else?", 1, ends=True), result("no", 5, ends=False)]
    found = standing(bridged("deepgram-live", [*lines, silence, silence], call_id="c"))

    assert [(turn.text, turn.start_ms, turn.end_ms) for turn in found] == [
        ("is there anything else?", 0, 2000),
        ("no", 5000, 6000),
    ]


def test_words_that_wait_when_the_stream_ends_are_told() -> None:
    """A connection that breaks off takes no words along, of no channel; its calls are not ended, for nobody said so."""

    def result(call: str, channel: int, text: str, start: float) -> bytes:
        heard = {"channel_index": [channel, 2], "channel": {"alternatives": [{"transcript": text}]}}
        message = {"type": "Results", "is_final": True, "start": start, "duration": 1.0, "call_id": call, **heard}
        return json.dumps(message).encode() + b"\n"

    lines = [result("c", 0, "have a", 0), result("c", 1, "thank you", 1), result("d", 0, "bye", 3)]
    found = bridged("deepgram-live", [*lines, result("c", 0, "lovely day", 2)])

    assert {message["type"] for message in found} == {"turns"}
    assert [(turn.turn_id, turn.text) for turn in standing(found)] == [
        ("c:0:0", "have a lovely day"),
        ("c:1:1000", "thank you"),
        ("d:0:3000", "bye"),
    ]


def test_messages_that_name_no_call_are_told_how() -> None:
    """AssemblyAI's turns name no call: without one they are faults that say what to give."""
    turn = b'{"type":"Turn","turn_order":0,"end_of_turn":true,"transcript":"hi","words":[{"start":0,"end":1}]}\n'
    (fault,) = bridged("assemblyai-live", [turn])
    (message,) = bridged("assemblyai-live", [turn], call_id="c-1")

    assert str(fault) == "in:1: names no call: give --call-id"
    assert message["call_id"] == "c-1"
    assert message["turns"][0]["speaker"] == Speaker.UNKNOWN


def test_what_is_known_of_a_call_is_told_together() -> None:
    """A later agent is told along with what was known before, for the beginning replaces the one before it."""
    events = [
        {"EventType": "START", "CallId": "c", "AgentId": "first"},
        {"EventType": "UPDATE_AGENT", "CallId": "c", "AgentId": "second"},
        {"EventType": "UPDATE_AGENT", "CallId": "c", "AgentId": "second"},
    ]
    found = bridged("lca", [json.dumps(event).encode() + b"\n" for event in events])

    assert [message["agent_id"] for message in found] == ["first", "second"]


def test_the_calls_under_way_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls that never end do not fill the memory: the one heard least lately is forgotten."""
    monkeypatch.setattr("pipelines.flows.bridge.CALLS_UNDER_WAY", 2)
    over = Bridge(translator("lca"))
    for number in (1, 2, 1, 3):
        over.translate({"EventType": "START", "CallId": str(number), "AgentId": "a"})

    assert over.translate({"EventType": "START", "CallId": "1", "AgentId": "a"}) == ()
    assert len(over.translate({"EventType": "START", "CallId": "2", "AgentId": "a"})) == 1


def transferred(*, known_late: bool) -> list[Any]:
    """Return what a call leads to that goes from Anna to Bob; Anna is known at the start, or only behind her turns."""
    said = (("AGENT", "hello"), ("CALLER", "my card"), ("AGENT", "sorry"), ("AGENT", "sorry"))
    segments = [
        {"EventType": "ADD_TRANSCRIPT_SEGMENT", "Channel": who, "SegmentId": f"s-{at}", "StartTime": f"{at}.0"}
        | {"Transcript": text}
        for at, (who, text) in enumerate(said)
    ]
    anna, bob = ({"EventType": "UPDATE_AGENT", "AgentId": name} for name in ("anna", "bob"))
    first = [*segments[:3], anna] if known_late else [anna, *segments[:3]]
    return bridged("lca", [json.dumps({"CallId": "c", **one}).encode() + b"\n" for one in (*first, bob, segments[3])])


def test_each_agent_of_a_call_has_their_own_turns() -> None:
    """A turn names the agent who was on the line when it was told."""
    found = transferred(known_late=False)

    assert [turn.agent_id for turn in standing(found)] == ["anna", None, "anna", "bob"]
    assert [message["agent_id"] for message in found if message["type"] == "call.started"] == ["anna", "bob"]


def test_turns_before_any_agent_was_known_stay_the_first_agent_s() -> None:
    """They go by the call's agent, whom the second one therefore does not replace."""
    found = transferred(known_late=True)

    assert [turn.agent_id for turn in standing(found)] == [None, None, None, "bob"]
    assert [message["agent_id"] for message in found if message["type"] == "call.started"] == ["anna"]


@pytest.mark.parametrize("known_late", [False, True], ids=["known from the start", "known late"])
def test_a_transfer_reverses_no_reward(known_late: bool) -> None:  # noqa: FBT001  # the parameter
    """Through the bridge and the step each agent is paid for their own turns, and nothing is taken back."""
    detector = word_detector()
    state, rewards = detector.open(CallHeader(call_id="c")), list[RewardEvent]()
    for message in transferred(known_late=known_late):
        if message["type"] == "call.started":
            step = detector.introduce(state, CallHeader.model_validate(message))
        else:
            (raw,) = message["turns"]
            step = detector.step(state, Turn.model_validate(raw))
        state = step.state
        rewards += step.rewards

    assert {event.type for event in rewards} == {RewardType.GRANTED}
    assert {(event.data.agent_id, event.data.turn_id) for event in rewards} == {("anna", "s-2"), ("bob", "s-3")}


def test_speakers_who_start_at_once_have_turns_of_their_own() -> None:
    """Two speakers of one channel whose words start at the same moment are two turns, in each run the same."""
    words = [{"word": word, "speaker": who, "start": 1.0, "end": 1.2} for who, word in enumerate(("hi", "yo"))]
    channel = {"alternatives": [{"transcript": "hi yo", "words": words}]}
    message = {"type": "Results", "is_final": True, "speech_final": True, "start": 1.0, "duration": 1.0}
    found = bridged("deepgram-live", [json.dumps({**message, "channel": channel}).encode() + b"\n"], call_id="c")

    assert [(turn.turn_id, turn.text) for turn in standing(found)] == [("c:0:1000", "hi"), ("c:0:1000:1", "yo")]
