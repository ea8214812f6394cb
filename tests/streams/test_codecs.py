"""Messages and their bytes."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.transcript import CallHeader, Speaker, Turn
from streams.codecs import PoisonError, Reason, decode, encode
from streams.messages import CallEnded, CallIdle, CallStarted, Message, TurnsSaid, WholeCall

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
IDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
TURNS = st.builds(
    Turn,
    turn_id=IDS,
    index=st.integers(0, 500),
    revision=st.integers(0, 3),
    is_final=st.booleans(),
    speaker=st.sampled_from(Speaker),
    agent_id=st.none() | IDS,
    text=TEXT,
    start_ms=st.none() | st.integers(0, 10**7),
    end_ms=st.none(),
)
DISTINCT = st.lists(TURNS, min_size=1, max_size=5, unique_by=lambda turn: (turn.turn_id, turn.revision)).map(tuple)
MESSAGES = st.one_of(
    st.builds(CallStarted, call_id=IDS, agent_id=st.none() | IDS, customer_name=st.none() | TEXT),
    st.builds(TurnsSaid, call_id=IDS, turns=DISTINCT),
    st.builds(CallEnded, call_id=IDS),
    st.builds(WholeCall, call_id=IDS, turns=DISTINCT),
    st.builds(CallIdle, call_id=IDS, seen_at=st.floats(0, 1e10)),
)


def refused(key: bytes | None, value: bytes | None) -> PoisonError:
    """Return why bytes are refused."""
    with pytest.raises(PoisonError) as caught:
        decode(key, value)
    return caught.value


def raw(**fields: Any) -> bytes:
    """Return the bytes of a message about the call c."""
    return json.dumps({"call_id": "c"} | fields).encode()


@given(MESSAGES)
def test_what_is_encoded_is_decoded_again(message: Message) -> None:
    """A message survives its bytes."""
    assert decode(message.call_id.encode(), encode(message)) == message


@given(st.binary(max_size=200), st.none() | st.binary(max_size=20))
def test_any_bytes_are_a_message_or_poison(value: bytes, key: bytes | None) -> None:
    """Whatever the bytes, nothing but PoisonError is raised."""
    assert isinstance(refused(key, value).reason, Reason)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
FIELDS = st.sampled_from(["turns", "agent_id", "call_id", "seen_at", "started_at", "ended_at", "schema_version"])
TYPES = st.sampled_from(["turns", "call", "call.started", "call.ended", "call.idle", "call.forgotten"])


@given(TYPES, st.dictionaries(FIELDS, JSON, max_size=4))
def test_any_json_is_a_message_or_poison(kind: str, fields: dict[str, Any]) -> None:
    """Whatever stands in the fields of a message, nothing but PoisonError is raised."""
    value = json.dumps({"type": kind, "call_id": "c"} | fields).encode()
    told = ""
    try:
        message = decode(b"c", value)
    except PoisonError as poison:
        told = poison.detail

    assert told or message.call_id == "c"


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, Reason.NOT_JSON),
        (b"", Reason.NOT_JSON),
        (b'{"type":', Reason.NOT_JSON),
        (b"[]", Reason.BROKEN_SCHEMA),
        (raw(type="telegram"), Reason.UNKNOWN_TYPE),
        (raw(type=["turns"]), Reason.UNKNOWN_TYPE),
        (raw(type="call.ended", schema_version=2), Reason.UNKNOWN_SCHEMA_VERSION),
        (raw(type="turns", turns=[]), Reason.BROKEN_SCHEMA),
        (raw(type="turns", turns=[{"speaker": "agent", "text": "no index"}]), Reason.BROKEN_SCHEMA),
        (raw(type="call.ended", call_id="d"), Reason.WRONG_KEY),
        (b" " * (8 * 1024 * 1024 + 1), Reason.TOO_LARGE),
    ],
)
def test_each_kind_of_poison_has_its_reason(value: bytes | None, reason: Reason) -> None:
    """The reason of a dead letter tells what kind of thing is wrong."""
    assert refused(b"c", value).reason is reason


def test_detail_of_poison_holds_no_words() -> None:
    """What is wrong is told by field, not by what was said."""
    turns = [{"index": 0, "speaker": "my card is 1234", "text": {"said": "my card is 1234"}}]

    told = refused(b"c", raw(type="turns", turns=turns))

    assert "1234" not in str(told)
    assert "turns.0.speaker" in told.detail


def test_turn_without_id_gets_the_one_batch_gives_it() -> None:
    """A turn's id defaults to its call and index, as in the native format."""
    message = decode(b"c", raw(type="turns", turns=[{"index": 4, "speaker": "agent", "text": "hello"}]))

    assert isinstance(message, TurnsSaid)
    assert message.turns[0].turn_id == "c:4"


def test_index_of_a_message_makes_the_same_id_however_it_is_written() -> None:
    """A producer whose numbers are floating-point revises the turns of one whose numbers are whole."""
    turns = [{"index": index, "revision": at, "speaker": "agent", "text": "hi"} for at, index in enumerate((1, 1.0))]

    made = decode(b"c", json.dumps({"type": "turns", "call_id": "c", "turns": turns}).encode())

    assert isinstance(made, TurnsSaid)
    assert [(one.turn_id, one.index) for one in made.turns] == 2 * [("c:1", 1)]


def test_header_of_a_message_is_a_plain_header() -> None:
    """Headers of started and whole calls compare with those kept in the state."""
    message = decode(b"c", raw(type="call.started", agent_id="a"))

    assert isinstance(message, CallStarted)
    assert message.header == CallHeader(call_id="c", agent_id="a")
