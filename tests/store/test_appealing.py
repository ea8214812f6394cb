"""Appeals, of which there may be many."""

from dataclasses import replace
from uuid import uuid4

import pytest
from store_calls import a_call, fill

from detector.judgement import VerdictKind
from pipelines.store import Store
from pipelines.store.accounts import Role, User
from pipelines.store.appealing import AppealState, advance, listed, request
from pipelines.store.calibrating import decide
from pipelines.store.faults import StaleError, UnfitError
from pipelines.store.judging import Bench, judge, seen_tag, undo
from pipelines.store.reading import GivenVerdict, whole_call

AGENT, LEAD = User("jo", Role.AGENT, "a"), User("lead", Role.LEAD)
UPHELD, OVERTURNED = AppealState.UPHELD, AppealState.OVERTURNED
CORRECT, WRONG = VerdictKind.CORRECT, VerdictKind.WRONG_SENSE


def test_open_appeals_are_listed_however_many_came_later(store: Store, bench: Bench) -> None:
    """What waits longest comes first; what is decided comes behind what waits, newest first."""
    identifiers = [str(uuid4()) for _ in range(5)]
    fill(store, *(a_call(one) for one in identifiers))
    with store.writing() as connection:
        made = [
            request(connection, whole_call(connection, one).decisions[0].decision_id, by=AGENT, note="why")
            for one in identifiers
        ]
        for one in made[2:]:
            for to in (AppealState.UNDER_REVIEW, AppealState.UPHELD):
                advance(connection, one, to=to, by=LEAD, note="", bench=bench)

    with store.reading() as connection:
        told = [one.appeal_id for one in listed(connection, user=LEAD, limit=4)]

    assert [made[0], made[1], made[4], made[3]] == told


@pytest.mark.parametrize(
    ("to", "kind", "who"), [(UPHELD, None, "q"), (OVERTURNED, WRONG, "lead")], ids=["upheld", "overturned"]
)
def test_verdict_that_an_appeal_was_decided_on_is_not_undone(
    store: Store, bench: Bench, to: AppealState, kind: VerdictKind | None, who: str
) -> None:
    """Neither the word that was upheld nor the one that took its place can go; one given since then can."""
    fill(store, a_call("c"))
    _judge(store, CORRECT, "q", bench)
    _decide(store, _under_review(store, bench), to, kind, bench)
    decided_on = _standing(store)

    with pytest.raises(StaleError, match=f"an appeal was {to}"), store.writing() as connection:
        undo(connection, decided_on.verdict_id, reviewer=who)

    later = _judge(store, VerdictKind.WRONG_WORDS, "q", bench)
    with store.writing() as connection:
        undo(connection, later, reviewer="q")
    assert decided_on == _standing(store)


def test_verdict_is_undone_while_an_appeal_is_open(store: Store, bench: Bench) -> None:
    """Nothing was decided on it yet."""
    fill(store, a_call("c"))
    verdict_id = _judge(store, CORRECT, "q", bench)
    _under_review(store, bench)

    with store.writing() as connection:
        undo(connection, verdict_id, reviewer="q")
        assert {} == whole_call(connection, "c").verdicts


def test_appeal_is_not_overturned_by_what_stands(store: Store, bench: Bench) -> None:
    """The verdict that stands already would change nothing: the appeal stays under review."""
    fill(store, a_call("c"))
    _judge(store, CORRECT, "q", bench)
    appeal_id = _under_review(store, bench)

    with pytest.raises(UnfitError, match="'correct' stands already"):
        _decide(store, appeal_id, OVERTURNED, CORRECT, bench)

    assert "q" == _standing(store).reviewer
    with store.reading() as connection:
        assert [AppealState.UNDER_REVIEW] == [one.state for one in listed(connection, user=LEAD)]


def test_first_word_is_not_told_by_refusing_to_overturn_it(store: Store, bench: Bench) -> None:
    """A lead who may not know the first word yet does not learn it by guessing."""
    fill(store, a_call("c"))
    with store.writing() as connection:
        one = whole_call(connection, "c").decisions[0]
        told = {"reviewer": "q", "bench": replace(bench, second_share=1.0), "seen": seen_tag(None, one, second=None)}
        decide(connection, one.decision_id, kind=CORRECT, note="", **told)

    _decide(store, _under_review(store, bench), OVERTURNED, CORRECT, bench)

    assert "lead" == _standing(store).reviewer


def _judge(store: Store, kind: VerdictKind, who: str, bench: Bench) -> str:
    with store.writing() as connection:
        identifier = whole_call(connection, "c").decisions[0].decision_id
        return judge(connection, identifier, kind=kind, note="", reviewer=who, bench=bench)


def _under_review(store: Store, bench: Bench) -> str:
    with store.writing() as connection:
        identifier = whole_call(connection, "c").decisions[0].decision_id
        appeal_id = request(connection, identifier, by=AGENT, note="why")
        advance(connection, appeal_id, to=AppealState.UNDER_REVIEW, by=LEAD, note="", bench=bench)
    return appeal_id


def _decide(store: Store, appeal_id: str, to: AppealState, kind: VerdictKind | None, bench: Bench) -> None:
    with store.writing() as connection:
        advance(connection, appeal_id, to=to, by=LEAD, note="", bench=bench, kind=kind)


def _standing(store: Store) -> GivenVerdict:
    with store.reading() as connection:
        (verdict,) = whole_call(connection, "c").verdicts.values()
    return verdict
