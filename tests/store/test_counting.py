"""What figures rest on; on PostgreSQL and on SQLite."""

import pytest
from fakes import behaviour, call, playbook_of, policy, word_detector
from sqlalchemy import delete

from detector.judgement import VerdictKind
from detector.playbook import Mode
from pipelines.store import Filler, Store, counting, open_store
from pipelines.store.judging import Bench, judge
from pipelines.store.tables import verdicts
from review.quality import award_scores, qualities

SHADOWED = playbook_of(behaviour("wish_well", reward=policy(cap=20, mode=Mode.SHADOW)))
CALLS = 60


@pytest.mark.postgres
def test_shadow_is_judged_by_what_it_would_award_on_postgres(postgres: str) -> None:
    """On PostgreSQL a behaviour in shadow is safe by the scores it would be awarded from, whatever is below."""
    store = open_store(postgres)
    try:
        _judge_shadow(store)
    finally:
        store.close()


def test_shadow_is_judged_by_what_it_would_award(store: Store) -> None:
    """A behaviour in shadow is safe by the scores it would be awarded from; what would be reviewed does not count."""
    _judge_shadow(store)


def _judge_shadow(store: Store) -> None:
    """Confirm what would be awarded, reject what would be reviewed, and look at the figures; nothing of it is kept."""
    detector, bench = word_detector(SHADOWED), Bench(SHADOWED, "tests", 0.0)
    with store.engine.connect() as connection:
        connection.execute(delete(verdicts))
        for number in range(CALLS):
            one = call(("customer", "hello"), ("agent", "wish you"), ("agent", "maybe"), call_id=f"shadow {number}")
            made = detector.detect(one)
            Filler(connection, playbook=SHADOWED).call(one, made)
            for decision in made.decisions:
                kind = VerdictKind.CORRECT if decision.score >= 0.9 else VerdictKind.WRONG_SENSE
                judge(connection, decision.decision_id, kind=kind, note="", reviewer="q", bench=bench)
        bands = counting.bands(connection, award=award_scores(SHADOWED))

    (told,) = qualities(SHADOWED, bands=bands, sampled=[], waiting={})
    assert (1.0, CALLS, "yes") == (told.awards.value, told.awards.of, told.safety.word)
    assert [(0.7, 0.0), (0.9, 1.0)] == [(one.low, one.precision.value) for one in told.bands]
