"""Labelled examples: the project's own files, and what is wrong with broken ones."""

import json
from collections import Counter
from pathlib import Path

import pytest
from fakes import WordReader

from detector.playbook import Playbook
from detector.transcript import Speaker, call_of
from models.labels import (
    EXAMPLES_FOLDER,
    MOST_RUN_TOGETHER,
    SCORN,
    LabelError,
    LabelledCall,
    calls_to_learn,
    observe,
    own_calls,
    playbook_calls,
    run_together,
)

FILES = sorted(EXAMPLES_FOLDER.rglob("*.jsonl"))
TURN = {
    "text": "sorry",
    "before": ["c: it broke"],
    "name": "Rosa",
    "labels": ["apologise"],
    "sector": "s",
    "voice": "v",
}
CALL = {
    "turns": [["a", "hello", []], ["c", "hi"], ["a", "sorry", ["apologise"]]],
    "agent_name": "Tom",
    "customer_name": None,
    "sector": "s",
    "voice": "v",
}
APART = [["a", "hello", []], ["c", "it broke again"], ["a", "sorry", ["apologise"]]]


def _written(folder: Path, kind: str, *rows: object) -> Path:
    file = folder / kind / "file.jsonl"
    file.parent.mkdir(parents=True)
    file.write_text("\n".join(one if isinstance(one, str) else json.dumps(one) for one in rows))
    return folder


def test_a_single_turn_is_a_call_that_ends_with_it(tmp_path: Path) -> None:
    """What came before a labelled turn is context; only the turn itself is labelled."""
    (made,) = own_calls(_written(tmp_path, "turns", TURN))

    assert [(one.speaker, one.text) for one in made.call.turns] == [("customer", "it broke"), ("agent", "sorry")]
    assert made.labels == {made.call.turns[-1].turn_id: {"apologise"}}
    assert (made.call.customer_name, made.origin, made.judged) == ("Rosa", "turns/file", None)


def test_of_a_whole_call_every_agent_turn_is_labelled(tmp_path: Path) -> None:
    """An agent's turn without behaviours is labelled with none; a customer's is context."""
    (made,) = own_calls(_written(tmp_path, "calls", "", CALL))

    assert list(made.labels.values()) == [set(), {"apologise"}]
    assert [(one.labels, one.memory.heard) for one in observe([made], WordReader())] == [
        (frozenset(), 0),
        (frozenset({"apologise"}), 2),
    ]


def test_what_is_said_around_a_customers_short_word_is_one_turn_with_all_its_labels(tmp_path: Path) -> None:
    """As where a recogniser misses the word; the turns that stay as they are only lead up to it."""
    said = [["a", "hello", []], ["c", "it broke again"], ["a", "sorry", ["apologise"]], ["c", "mm"]]
    call = CALL | {"turns": [*said, ["a", "have a good day", ["wish_well"]], ["c", "bye"]]}
    made, together = calls_to_learn(_written(tmp_path, "calls", call))

    assert len(made.labels) == 3
    assert [one.text for one in together.call.turns] == ["hello", "it broke again", "sorry have a good day", "bye"]
    assert together.labels == {together.call.turns[2].turn_id: {"apologise", "wish_well"}}
    assert together.call.call_id == made.call.call_id


def test_no_more_than_some_turns_become_one_and_none_across_what_a_customer_says(tmp_path: Path) -> None:
    """A call in which nothing is run together is left out."""
    turns = [["a", "so", []], ["c", "ok"]] * (MOST_RUN_TOGETHER + 1)
    (long,) = run_together(own_calls(_written(tmp_path / "long", "calls", CALL | {"turns": turns})))

    assert [one.text for one in long.call.turns] == [" ".join(["so"] * MOST_RUN_TOGETHER), "ok", "so", "ok"]
    assert not list(run_together(own_calls(_written(tmp_path / "apart", "calls", CALL | {"turns": APART}))))


def test_what_a_system_says_is_heard_by_nobody() -> None:
    """As the detector passes over it: the turns after it are met as if it had not been said."""
    said = [("agent", "hello"), ("system", "this call is recorded"), ("agent", "sorry")]
    spoken = call_of({"call_id": "c", "turns": [{"speaker": speaker, "text": text} for speaker, text in said]})
    labels = {one.turn_id: frozenset[str]() for one in spoken.turns}

    first, second = observe([LabelledCall(spoken, labels, "", "", "")], WordReader())

    assert (first.turn.text, second.turn.text) == ("hello", "sorry")
    assert [past.words for past in second.memory.recent] == [("hello",)]


@pytest.mark.parametrize(
    ("kind", "row", "told"),
    [
        ("turns", "{", "is not JSON"),
        ("turns", {"text": "hi"}, "'before'"),
        ("turns", TURN | {"before": ["x: it broke"]}, "'x'"),
        ("turns", TURN | {"text": None}, "text"),
        ("calls", CALL | {"turns": [["a", "hello"]]}, "index out of range"),
        ("calls", CALL | {"turns": [["q", "hello", []]]}, "'q'"),
        ("calls", {"turns": []}, "'agent_name'"),
    ],
)
def test_a_broken_row_is_told_with_file_and_line(tmp_path: Path, kind: str, row: object, told: str) -> None:
    """A row that breaks the format is an error that names the file, the line and what is wrong."""
    good = TURN if kind == "turns" else CALL
    folder = _written(tmp_path, kind, good, row)

    with pytest.raises(LabelError) as caught:
        list(own_calls(folder))

    assert "file.jsonl:2: " in str(caught.value)
    assert told in str(caught.value)


def test_every_example_parses_and_holds_only_known_behaviours(playbook: Playbook) -> None:
    """Each label of the project's own examples is a behaviour of the playbook or scorn, on a turn of the agent's."""
    known = {SCORN, *(one.id for one in playbook.behaviours)}
    calls = list(own_calls())

    assert len(calls) > 6000
    assert {label for one in calls for labels in one.labels.values() for label in labels} == known
    speakers = {(one.call.call_id, turn.turn_id): turn.speaker for one in calls for turn in one.call.turns}
    assert {speakers[one.call.call_id, turn_id] for one in calls for turn_id in one.labels} == {Speaker.AGENT}


def test_scorn_does_no_act() -> None:
    """What is not meant is no behaviour: a turn labelled as scorn has no other label."""
    scornful = [labels for one in own_calls() for labels in one.labels.values() if SCORN in labels]

    assert len(scornful) > 1000
    assert set(scornful) == {frozenset({SCORN})}


def test_each_behaviour_has_examples_and_near_misses(playbook: Playbook) -> None:
    """Of each behaviour there are turns that show it, and turns written beside them that do not."""
    shown: Counter[tuple[str, bool]] = Counter()
    for one in own_calls():
        folder, _, file = one.origin.partition("/")
        owner = next((each.id for each in playbook.behaviours if file.startswith(each.id)), None)
        if folder == "turns" and owner is not None:
            shown.update((owner, owner in labels) for labels in one.labels.values())

    assert {(one.id, seen) for one in playbook.behaviours for seen in (True, False)} == shown.keys()
    assert min(shown.values()) >= 100


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_no_example_is_twice_in_a_file(file: Path) -> None:
    """Each turn, with what came before it, stands once in its file: twice would count it twice."""
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    said = Counter(
        tuple(
            text.strip().lower()
            for text in ([*row["before"], row["text"]] if "text" in row else [turn[1] for turn in row["turns"]])
        )
        for row in rows
    )

    assert [texts for texts, count in said.items() if count > 1] == []


def test_playbook_examples_speak_of_their_own_behaviour_only(playbook: Playbook) -> None:
    """An example to catch is labelled with its behaviour, one to leave with none; of others they say nothing."""
    made = list(playbook_calls(playbook))

    assert len(made) == sum(len(one.examples.catch) + len(one.examples.leave) for one in playbook.behaviours)
    for one in made:
        _, behaviour, kind, _ = one.call.call_id.split("/")
        assert one.judged == frozenset({behaviour})
        assert list(one.labels.values()) == [{behaviour} if kind == "catch" else set()]
