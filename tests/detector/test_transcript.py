"""The contract of calls and turns."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.errors import TranscriptError
from detector.transcript import MAX_TURN_CHARACTERS, Call, Speaker, call_of

WORDS = "swordfish"


def _call(**turn: Any) -> dict[str, Any]:
    return {"call_id": "c", "turns": [{"speaker": "agent", "text": "hello"} | turn]}


def _fault(value: Any) -> str:
    with pytest.raises(TranscriptError) as caught:
        call_of(value)
    return str(caught.value)


def test_only_call_id_speaker_and_text_are_required() -> None:
    """The smallest call holds a call_id and turns of speaker and text; all else has a default."""
    made = call_of({"call_id": "c", "turns": [{"speaker": "agent", "text": "hello"}]})

    assert [(one.turn_id, one.index, one.revision, one.is_final) for one in made.turns] == [("c:0", 0, 0, True)]
    assert (made.agent_id, made.language, made.turns[0].start_ms) == (None, None, None)


@pytest.mark.parametrize("missing", ["call_id", "speaker", "text"])
def test_a_missing_field_is_named(missing: str) -> None:
    """What is required and not there is named."""
    value = _call()
    value.pop(missing, None)
    value["turns"][0].pop(missing, None)

    assert missing in _fault(value)


def test_a_call_may_have_no_turns() -> None:
    """A call of which nothing was said is a call."""
    assert call_of({"call_id": "c"}).turns == ()


def test_turns_take_the_index_of_their_position_and_an_id_of_call_and_index() -> None:
    """Indexes default to positions, ids to the call's id and the index; what is given stays, null is not given."""
    turns = [
        {"speaker": "agent", "text": "one"},
        {"speaker": "customer", "text": "two", "index": 7},
        {"speaker": "agent", "text": "three", "turn_id": "x", "index": None},
    ]

    made = call_of({"call_id": "c", "turns": turns})

    assert [(one.turn_id, one.index) for one in made.turns] == [("c:0", 0), ("c:7", 7), ("x", 2)]


@pytest.mark.parametrize("length", [509, 510, 511, 512])
def test_the_longest_id_of_a_call_has_room_for_its_turns(length: int) -> None:
    """Turns without ids have valid ids of their own, however long a call's valid id is."""
    turns = [{"speaker": "agent", "text": WORDS, "index": index} for index in (0, 10, 2**63 - 1)]

    made = call_of({"call_id": "c" * length, "turns": turns})

    assert [one.turn_id for one in made.turns] == [f"{'c' * length}:{index}" for index in (0, 10, 2**63 - 1)]


@pytest.mark.parametrize("index", [1, 1.0, "1", "01"])
def test_index_makes_the_same_id_however_it_is_written(index: object) -> None:
    """A turn's id is made of the index as it is taken in: 1.0 and 1 are one turn."""
    made = call_of(_call(index=index)).turns[0]

    assert (made.turn_id, made.index) == ("c:1", 1)


def test_duplicate_turn_ids_are_told_with_the_id() -> None:
    """Two turns of one id and revision are refused, and the id is named."""
    turns = [{"speaker": "agent", "text": WORDS, "turn_id": "twice"}] * 2

    told = _fault({"call_id": "c", "turns": turns})

    assert "'twice'" in told
    assert WORDS not in told


def test_revisions_may_share_a_turn_id() -> None:
    """A later revision of a turn may stand in the same call."""
    turns = [{"speaker": "agent", "text": "one", "turn_id": "t", "revision": at} for at in (0, 1)]

    assert [one.revision for one in call_of({"call_id": "c", "turns": turns}).turns] == [0, 1]


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"start_ms": -1}, "turns.0.start_ms"),
        ({"end_ms": -5}, "turns.0.end_ms"),
        ({"revision": -1}, "turns.0.revision"),
        ({"start_ms": 2000, "end_ms": 1000}, "end_ms 1000 is before start_ms 2000"),
        ({"speaker": "robot"}, "turns.0.speaker"),
        ({"text": None}, "turns.0.text"),
        ({"turn_id": ""}, "turns.0.turn_id"),
        ({"turn_id": "x" * 1025}, "turns.0.turn_id"),
        ({"index": "first"}, "turns.0.index"),
        ({"index": 2**63}, "turns.0.index: Input should be less than or equal to 9223372036854775807"),
        ({"index": -(2**63) - 1}, "turns.0.index"),
        ({"index": 1e20}, "turns.0.index"),
        ({"revision": 2**63}, "turns.0.revision"),
        ({"start_ms": 2**63}, "turns.0.start_ms"),
        ({"end_ms": 2**63}, "turns.0.end_ms"),
        ({"text": "x" * (MAX_TURN_CHARACTERS + 1)}, "turns.0.text"),
    ],
)
def test_a_broken_turn_is_told_with_its_field_and_without_its_words(wrong: dict[str, Any], named: str) -> None:
    """An error names the turn's field and holds no word that was said."""
    told = _fault(_call(**{"text": WORDS} | wrong))

    assert named in told
    assert WORDS not in told


@pytest.mark.parametrize("value", [None, 5, "call", [1], [{"call_id": "c"}]])
def test_what_is_no_object_is_told_by_its_type(value: Any) -> None:
    """A call that is no JSON object is refused with the type it has."""
    assert type(value).__name__ in _fault(value)


@pytest.mark.parametrize("turns", [[None], ["agent: swordfish"], "swordfish", {"speaker": "agent"}, [[WORDS]]])
def test_turns_that_are_no_objects_are_refused(turns: Any) -> None:
    """Turns in any other form are refused under the field's name, without their words."""
    told = _fault({"call_id": "c", "turns": turns})

    assert "turns" in told
    assert WORDS not in told


def test_many_faults_are_told_shortly() -> None:
    """Of many faults three are told, and how many there are beside."""
    told = _fault({"call_id": "c", "turns": [{"speaker": "agent"}] * 10})

    assert told.count("turns.") == 3
    assert told.endswith("and 7 more")


def test_a_time_without_a_zone_is_refused() -> None:
    """A call's start says its zone: reward events carry moments."""
    assert "started_at" in _fault({"call_id": "c", "started_at": "2026-03-02T09:14:05"})


def test_lone_surrogates_are_replaced_one_for_one() -> None:
    """What no encoder can write becomes U+FFFD, so that text can be stored and spans stay true."""
    made = call_of({"call_id": "c\udc80", "turns": [{"speaker": "agent", "text": "a\ud800b\udfffc"}]})

    assert made.turns[0].text == "a\ufffdb\ufffdc"
    assert made.call_id == "c\ufffd"
    assert made.turns[0].turn_id == "c\ufffd:0"
    assert Call.model_validate_json(made.model_dump_json()) == made


def test_nul_is_replaced_one_for_one() -> None:
    """What no database can hold becomes U+FFFD too, in a text of plain letters as in any other."""
    made = call_of({"call_id": "c\0", "turns": [{"speaker": "agent", "text": text} for text in ("a\0b", "é\0\ud800b")]})

    assert [turn.text for turn in made.turns] == ["a\ufffdb", "é\ufffd\ufffdb"]
    assert made.call_id == "c\ufffd"


@pytest.mark.parametrize("number", [2**63 - 1, 0])
def test_numbers_of_64_bits_are_taken(number: int) -> None:
    """Indexes and times may be as large as a database can hold: a chat's are milliseconds since 1970."""
    turn = call_of(_call(index=number, revision=number, start_ms=number, end_ms=number)).turns[0]

    assert {number} == {turn.index, turn.revision, turn.start_ms, turn.end_ms}
    assert call_of(_call(index=-(2**63))).turns[0].index == -(2**63)


def test_unknown_fields_are_left_aside() -> None:
    """A source may tell more than the contract asks for."""
    made = call_of(_call(mood="fine") | {"queue": "billing"})

    assert made == call_of(_call())


def test_the_header_is_the_call_without_its_turns() -> None:
    """The header has all that is known of a call before its first turn, and equals one made by itself."""
    made = call_of(_call() | {"agent_id": "a", "customer_name": "Rosa Diaz", "started_at": "2026-03-02T09:14:05Z"})

    assert made.header == type(made.header)(
        call_id="c", agent_id="a", customer_name="Rosa Diaz", started_at=made.started_at
    )


def test_speakers_are_those_four() -> None:
    """There are agents, customers, systems and speakers nobody knows."""
    assert {"agent", "customer", "system", "unknown"} == {one.value for one in Speaker}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["call_id", "turns", "speaker", "text", "index", "turn_id"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)


def read(value: Any) -> Call | str:
    """Return the call a value holds, or what is wrong with it."""
    try:
        return call_of(value)
    except TranscriptError as error:
        return str(error)


@given(JSON)
def test_any_json_is_a_call_or_a_transcript_error(value: Any) -> None:
    """Whatever JSON comes, it is a call that reads the same again, or an error that says what is wrong."""
    made = read(value)

    assert made
    assert isinstance(made, str) or made == call_of(made.model_dump())
