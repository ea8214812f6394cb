"""What is filled twice changes nothing; what people did stays."""

import sqlite3
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fakes import call, word_playbook
from sqlalchemy import select, text, update
from sqlalchemy.exc import DatabaseError
from store_calls import a_call, fill

from detector.detect import Detector
from detector.judgement import VerdictKind
from detector.transcript import Turn
from detector.verdict import Verdict
from pipelines.store import Filler, Store, StoreError, open_store
from pipelines.store.engine import now
from pipelines.store.faults import UnfitError
from pipelines.store.judging import Bench, judge, miss
from pipelines.store.purging import purge
from pipelines.store.reading import mark_read, whole_call
from pipelines.store.tables import outbox


def test_call_comes_out_as_it_went_in(store: Store, words: Detector) -> None:
    """Turns, decisions and scorecard of a filled call are there."""
    one = a_call("c")
    expected = words.detect(one)

    fill(store, one)

    with store.reading() as connection:
        actual = whole_call(connection, "c")
    assert expected.decisions == actual.decisions
    assert expected.scorecard == actual.scorecard
    assert [turn.text for turn in one.turns] == [turn.words for turn in actual.turns]


def test_replay_changes_nothing(store: Store, tmp_path: Path) -> None:
    """The same calls filled again leave every table as it was."""
    calls = [a_call(str(number)) for number in range(3)]
    fill(store, *calls)
    before = _dump(tmp_path)

    fill(store, *calls)

    assert before == _dump(tmp_path)


def test_verdict_outlives_a_replay(store: Store, bench: Bench) -> None:
    """A judged decision is not open again because its call comes again."""
    fill(store, a_call("c"))
    with store.writing() as connection:
        first = whole_call(connection, "c").decisions[0]
        judge(connection, first.decision_id, kind=VerdictKind.CORRECT, note="", reviewer="q", bench=bench)

    fill(store, a_call("c"))

    with store.reading() as connection:
        assert {first.decision_id} == set(whole_call(connection, "c").verdicts)


def test_decision_that_no_longer_comes_out_is_gone(store: Store) -> None:
    """A call detected anew, with other words, has only what it has now."""
    fill(store, a_call("c"))

    fill(store, call(("customer", "hello"), ("agent", "nothing"), call_id="c"))

    with store.reading() as connection:
        assert () == whole_call(connection, "c").decisions


def test_older_revision_does_not_replace_a_newer(store: Store) -> None:
    """Turns that come in disorder leave the newest words."""
    one = call(("agent", "new words"), call_id="c").turns[0].model_copy(update={"revision": 2})
    with store.writing() as connection:
        filler = Filler(connection, playbook=word_playbook())
        filler.header(call(call_id="c").header)
        filler.turns("c", [one])
        filler.turns("c", [one.model_copy(update={"text": "old words", "revision": 1})])

    with store.reading() as connection:
        assert ["new words"] == [turn.words for turn in whole_call(connection, "c").turns]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"turn_id": "later", "index": 9}, None),
        ({"text": "other words", "revision": 1}, None),
        ({"speaker": "customer", "revision": 1}, None),
        ({"start_ms": 1, "revision": 1}, "q"),
    ],
    ids=["a turn more", "other words", "another speaker", "the same words"],
)
def test_call_whose_words_change_is_read_by_nobody(store: Store, change: dict[str, Any], expected: str | None) -> None:
    """What was not there when somebody read the call whole, nobody has read; what says the same changes nothing."""
    one = call(("customer", "hello"), ("agent", "nothing"), call_id="c")
    fill(store, one)
    with store.writing() as connection:
        mark_read(connection, "c", user_id="q", behaviours=())
        Filler(connection, playbook=word_playbook()).turns("c", one.turns)
        assert "q" == whole_call(connection, "c").read_by

        changed = Turn.model_validate(one.turns[1].model_dump() | change)
        Filler(connection, playbook=word_playbook()).turns("c", [changed])

        assert expected == whole_call(connection, "c").read_by


def test_purged_call_cannot_be_read(store: Store) -> None:
    """There is nothing to read any more; who read it before stays, also if its words come again."""
    fill(store, a_call("c"), a_call("read"))
    with store.writing() as connection:
        mark_read(connection, "read", user_id="q", behaviours=())
    purge(store, before=now() + timedelta(days=1))
    fill(store, a_call("read"))

    with pytest.raises(UnfitError, match="were removed"), store.writing() as connection:
        mark_read(connection, "c", user_id="q", behaviours=())

    with store.reading() as connection:
        assert [None, "q"] == [whole_call(connection, one).read_by for one in ("c", "read")]


def test_purge_removes_words_and_keeps_counts(store: Store, bench: Bench) -> None:
    """Words, names and notes are gone, also when the call comes again; decisions and verdicts are not."""
    fill(store, a_call("c", customer_name="Jo"))
    with store.writing() as connection:
        known = whole_call(connection, "c")
        judge(
            connection,
            known.decisions[0].decision_id,
            kind=VerdictKind.CORRECT,
            note="said so",
            reviewer="q",
            bench=bench,
        )

    purge(store, before=now() + timedelta(days=1))
    fill(store, a_call("c", customer_name="Jo"))

    with store.reading() as connection:
        left = whole_call(connection, "c")
    assert {""} == {turn.words for turn in left.turns}
    assert {""} == {one.note for one in left.verdicts.values()}
    assert left.customer_name is None
    assert known.decisions == left.decisions


def test_purge_removes_what_came_after_an_earlier_purge(store: Store, bench: Bench) -> None:
    """A note written on a purged call, and names an earlier version put into the outbox, go with the next purge."""
    fill(store, a_call("c"))
    purge(store, before=now() + timedelta(days=1))
    with store.writing() as connection:
        first = whole_call(connection, "c").decisions[0].decision_id
        judge(connection, first, kind=VerdictKind.CORRECT, note="Rosalind said so", reviewer="q", bench=bench)
        (value,) = connection.scalars(select(outbox.c.value)).all()
        expected = Verdict.model_validate_json(value)
        header = expected.known.header.model_copy(update={"customer_name": "Rosalind", "agent_name": "Priya"})
        named = expected.model_copy(update={"known": expected.known.model_copy(update={"header": header})})
        connection.execute(update(outbox).values(value=named.model_dump_json(exclude_none=True)))

    purge(store, before=now() + timedelta(days=1))

    with store.reading() as connection:
        (value,) = connection.scalars(select(outbox.c.value)).all()
        left = whole_call(connection, "c")
    assert expected == Verdict.model_validate_json(value)
    assert "" == left.verdicts[first].note


@pytest.mark.parametrize("change", ["UPDATE audit SET who = 'x'", "DELETE FROM audit"])
def test_trail_cannot_be_changed(store: Store, bench: Bench, change: str) -> None:
    """The database itself refuses to change or remove what is in the audit trail."""
    fill(store, a_call("c"))
    with store.writing() as connection:
        turn = whole_call(connection, "c").turns[1].turn_id
        miss(
            connection,
            call_id="c",
            turn_id=turn,
            behaviour="apologise",
            start=0,
            end=3,
            note="",
            reviewer="q",
            bench=bench,
        )

    with pytest.raises(DatabaseError, match="append-only"), store.writing() as connection:
        connection.execute(text(change))


def test_store_that_does_not_answer_is_told_without_its_password() -> None:
    """The error names no secret."""
    with pytest.raises(StoreError) as told:
        open_store("postgresql://q:hidden@127.0.0.1:1/none")

    assert "hidden" not in str(told.value)


def _dump(folder: Path) -> list[str]:
    with sqlite3.connect(folder / "store.db") as connection:
        return list(connection.iterdump())
