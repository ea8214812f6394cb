"""The laws every reader keeps, proved on every format of the registry."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from readers.cases import CASES, DOCUMENTS, EDGES, SAMPLES, WORDS, Case, copied, keys_in, replaced, told

from detector.transcript import Call, Speaker
from pipelines.readers import NO_ROLES, READERS, InputFault, native, sniff

WILD = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
TEXTS = [turn.text for turn in told().turns]
each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.file_name)
each_document = pytest.mark.parametrize("case", DOCUMENTS, ids=lambda case: case.file_name)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def test_every_format_has_a_sample() -> None:
    """A format that nobody can try is not finished."""
    named = {file.name.partition(".")[0] for file in SAMPLES.iterdir()}

    assert set(READERS) <= named


@each_case
def test_the_format_is_known_by_its_content(case: Case, tmp_path: Path) -> None:
    """A sample is recognised under a name that says nothing; a table with its own column names has to be told."""
    file = tmp_path / "a"
    file.write_bytes(case.file.read_bytes())

    assert sniff(file, otherwise="csv" if case.columns else None) == case.format_name


@each_case
def test_turns_keep_their_order_and_text(case: Case) -> None:
    """Every format tells the same call, word for word and in the same order."""
    turns = case.call().turns

    assert [turn.text for turn in turns] == TEXTS
    assert [turn.index for turn in turns] == list(range(len(TEXTS)))


@each_case
def test_speakers_are_what_the_format_or_the_user_says(case: Case) -> None:
    """With the roles the format lacks, every turn has its speaker."""
    assert [turn.speaker for turn in case.call().turns] == [turn.speaker for turn in told().turns]


@each_case
def test_nobody_is_guessed(case: Case) -> None:
    """Without the user's word a turn has its true speaker or none; a format that needs the word has none at all."""
    (call,) = case.read(roles=NO_ROLES)

    assert isinstance(call, Call)
    expected = [Speaker.UNKNOWN] * len(TEXTS) if case.roles else [turn.speaker for turn in told().turns]
    assert [turn.speaker for turn in call.turns] == expected


@each_case
def test_ids_are_stable_and_told_apart(case: Case, tmp_path: Path) -> None:
    """The same file, wherever it lies and whenever it is read, gives the same ids; no two turns share one."""
    (again,) = case.read(copied(case.file, tmp_path))

    assert again == case.call()
    assert len({turn.turn_id for turn in case.call().turns}) == len(TEXTS)


@each_case
def test_times_are_from_the_start_or_absent(case: Case) -> None:
    """Each time the format has is in milliseconds from the call's start; those it has not are not there."""
    for name in ("start_ms", "end_ms"):
        expected = [getattr(turn, name) if name in case.times else None for turn in told().turns]
        assert [getattr(turn, name) for turn in case.call().turns] == expected


@each_case
def test_nothing_is_invented(case: Case) -> None:
    """Whatever is said of the call and its agents stands in the file, or is the file's name."""
    if case.format_name == "parquet":
        pytest.skip("what a Parquet file holds is compressed")
    call = case.call()
    content = case.file.read_text(encoding="utf-8")
    said = {call.agent_id, call.agent_name, call.customer_name, call.team, call.language, call.call_id}
    said |= {turn.agent_id for turn in call.turns}

    assert {value for value in said if value and value not in content} <= {case.file.stem}


@each_case
def test_the_native_round_trip_gives_the_same_call(case: Case, tmp_path: Path) -> None:
    """Read, written as native JSON lines and read again, a call is the same."""
    file = tmp_path / "calls.jsonl"
    file.write_bytes(native.write(case.call()))

    assert list(native.read(file)) == [case.call()]


@each_case
@pytest.mark.parametrize("content", [b"", b" \n\n", bytes(range(256)) * 8, b"\x00" * 100], ids=repr)
def test_what_is_no_transcript_is_a_fault_with_its_place(case: Case, content: bytes, tmp_path: Path) -> None:
    """An empty or binary file gives faults that name it, and no call."""
    file = case.in_folder(tmp_path, content)
    found = case.read(file)

    assert found
    assert all(isinstance(one, InputFault) and one.file == str(file) and one.message for one in found)


@each_document
@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.9, 0.995])
def test_a_document_cut_off_is_one_fault_with_its_line(case: Case, share: float, tmp_path: Path) -> None:
    """A document that ends too early is one fault at the line where it ends, and tells nothing that was said."""
    content = case.file.read_bytes()
    cut = content[: int(len(content) * share)]
    (fault,) = case.read(case.in_folder(tmp_path, cut))

    assert isinstance(fault, InputFault)
    assert fault.line == cut.count(b"\n") + 1
    assert not any(word in str(fault) for word in WORDS)


@each_case
@WILD
@given(data=st.data())
def test_a_file_cut_off_anywhere_never_says_more(case: Case, data: st.DataObject, tmp_path: Path) -> None:
    """A file cut off gives faults, or the turns it still has; only the last of them may be cut too."""
    content = case.file.read_bytes()
    cut = content[: data.draw(st.integers(0, len(content) - 1))]
    calls = [one for one in case.read(case.in_folder(tmp_path, cut)) if isinstance(one, Call)]
    turns = [turn.text for call in calls for turn in call.turns]

    assert turns[:-1] == TEXTS[: max(len(turns) - 1, 0)]


@each_document
def test_null_is_what_is_not_there(case: Case, tmp_path: Path) -> None:
    """Under whatever key null stands, the document gives what it gives without that key."""
    document = _shortened(json.loads(case.file.read_text(encoding="utf-8")))
    for key in keys_in(document):
        null, absent = (
            case.read(case.in_folder(tmp_path, json.dumps(one).encode()))
            for one in (replaced(document, key, None), _without(document, key))
        )
        assert _calls(null) == _calls(absent), key


@each_document
@WILD
@given(data=st.data())
def test_wild_documents_are_calls_or_faults(case: Case, data: st.DataObject, tmp_path: Path) -> None:
    """Whatever stands in a field, the reader gives a call or a fault, and never fails."""
    document = json.loads(case.file.read_text(encoding="utf-8"))
    spoilt = _spoilt(document, data)
    found = case.read(case.in_folder(tmp_path, json.dumps(spoilt).encode()))

    assert found
    assert all(isinstance(one, Call | InputFault) for one in found)


@each_document
def test_values_that_cannot_be_reckoned_with_are_calls_or_faults(case: Case, tmp_path: Path) -> None:
    """Under every key of a document, and under those of moments, each such value leads to calls or faults."""
    document = _shortened(json.loads(case.file.read_text(encoding="utf-8")))
    for key in keys_in(document) | {"AbsoluteTime", "messageTime", "start"}:
        for edge in EDGES:
            spoilt = json.dumps(replaced(document, key, edge)).encode()
            for one in case.read(case.in_folder(tmp_path, spoilt)):
                assert isinstance(one, Call | InputFault)
                assert isinstance(one, InputFault) or native.write(one)


@each_case
@WILD
@given(place=st.floats(0, 1), noise=st.text(max_size=12))
def test_noise_is_calls_or_faults(case: Case, place: float, noise: str, tmp_path: Path) -> None:
    """Whatever is put in anywhere, the reader gives calls or faults, and never fails."""
    content = case.file.read_bytes()
    at = int(len(content) * place)
    noisy = content[:at] + noise.encode("utf-8", "surrogatepass") + content[at:]

    assert all(isinstance(one, Call | InputFault) for one in case.read(case.in_folder(tmp_path, noisy)))


def _calls(found: list[Call | InputFault]) -> list[Call | None]:
    """Return calls as they are, and faults as None."""
    return [one if isinstance(one, Call) else None for one in found]


def _without(value: Any, key: str) -> Any:
    """Return a value without a key, at whatever depth."""
    if isinstance(value, dict):
        return {name: _without(part, key) for name, part in value.items() if name != key}
    return [_without(part, key) for part in value] if isinstance(value, list) else value


def _shortened(value: Any) -> Any:
    """Return a value whose lists have no more than two parts, at whatever depth."""
    if isinstance(value, dict):
        return {name: _shortened(part) for name, part in value.items()}
    return [_shortened(part) for part in value[:2]] if isinstance(value, list) else value


def _spoilt(value: Any, data: st.DataObject) -> Any:
    """Return a value in which one part, at whatever depth, is replaced by anything, or left out."""
    if isinstance(value, dict) and value and data.draw(st.booleans()):
        key = data.draw(st.sampled_from(sorted(value)))
        if data.draw(st.integers(0, 4)) == 0:
            return {name: part for name, part in value.items() if name != key}
        return {**value, key: _spoilt(value[key], data)}
    if isinstance(value, list) and value and data.draw(st.booleans()):
        at = data.draw(st.integers(0, len(value) - 1))
        return [*value[:at], _spoilt(value[at], data), *value[at + 1 :]]
    return data.draw(values)
