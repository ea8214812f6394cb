"""Twenty analysts at once: no verdict is lost, nothing is claimed twice; on PostgreSQL and on SQLite."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor, wait
from uuid import uuid4

import pytest
from fakes import word_detector, word_playbook
from sqlalchemy import Connection, select
from store_calls import a_call, fill

from detector.judgement import VerdictKind
from detector.reward import RewardType
from detector.verdict import Verdict
from pipelines.store import Filler, Store, counting, open_store, queueing, tables
from pipelines.store.faults import StaleError
from pipelines.store.judging import Bench, judge, seen_tag
from pipelines.store.reading import call_of_decision, whole_call

ANALYSTS, CALLS = 20, 40


@pytest.mark.postgres
def test_twenty_analysts_on_postgres(postgres: str, bench: Bench) -> None:
    """Each decision is claimed by one person at a time and judged once; every verdict is in the outbox."""
    store = open_store(postgres)
    try:
        _work(store, bench)
    finally:
        store.close()


def test_twenty_analysts_on_sqlite(store: Store, bench: Bench) -> None:
    """The same holds on SQLite, where writers wait for each other."""
    _work(store, bench)


@pytest.mark.postgres
def test_refill_during_a_verdict_leaves_it_judged(postgres: str, bench: Bench) -> None:
    """A call that comes again while somebody judges waits, and does not open the decision again."""
    store, call = open_store(postgres), a_call()
    fill(store, call)
    made = word_detector().detect(call).decisions

    def refill() -> None:
        with store.writing() as connection:
            Filler(connection, playbook=bench.playbook).decisions(made)

    with ThreadPoolExecutor(1) as pool:
        with store.writing() as connection:
            _reject(connection, made[0].decision_id, bench)
            refilled = pool.submit(refill)
            wait([refilled], timeout=1)
        refilled.result()

    with store.reading() as connection:
        state = connection.scalar(
            select(tables.decisions.c.state).where(tables.decisions.c.decision_id == made[0].decision_id)
        )
    store.close()
    assert "judged" == state


@pytest.mark.postgres
def test_verdicts_at_the_same_time_count_on_each_other(postgres: str, bench: Bench) -> None:
    """Of two verdicts on an agent's behaviour in a call the second waits, and knows what the first leads to."""
    store = open_store(postgres)
    call = a_call()
    fill(store, call)
    first, second = (one.decision_id for one in word_detector().detect(call).decisions)

    def reject_second() -> None:
        with store.writing() as connection:
            _reject(connection, second, bench)

    with ThreadPoolExecutor(1) as pool:
        with store.writing() as connection:
            _reject(connection, first, bench)
            later = pool.submit(reject_second)
            wait([later], timeout=1)
        later.result()

    with store.reading() as connection:
        mine = select(tables.outbox.c.value).where(tables.outbox.c.call_id == call.call_id)
        letters = list(connection.scalars(mine.order_by(tables.outbox.c.number)))
    store.close()
    known = Verdict.model_validate_json(letters[1]).known
    assert [first] == [one.decision_id for one in known.judgements]
    assert [RewardType.GRANTED, RewardType.REVERSED] == [one.type for one in known.events]


def _reject(connection: Connection, identifier: str, bench: Bench) -> None:
    judge(connection, identifier, kind=VerdictKind.WRONG_SENSE, note="", reviewer="q", bench=bench)


def _work(store: Store, bench: Bench) -> None:
    calls = [a_call(f"{number}-{uuid4()}") for number in range(CALLS)]
    fill(store, *calls)
    with store.reading() as connection:
        made = [one for call in calls for one in whole_call(connection, call.call_id).decisions]
    behaviours = [one.id for one in word_playbook().behaviours]

    def work(name: str) -> list[str]:
        judged: list[str] = []
        while True:
            with store.reading() as connection:
                found = queueing.open_decisions(
                    connection, queueing.Filters(), user_id=name, behaviours=behaviours, each=10
                )
            if not found:
                return judged
            for one in found:
                with store.writing() as connection:
                    mine = queueing.claim(connection, one.decision_id, user_id=name)
                if mine and _judged(store, one.decision_id, name, bench):
                    judged.append(one.decision_id)

    with ThreadPoolExecutor(ANALYSTS) as pool:
        done = list(pool.map(work, [f"analyst {number}" for number in range(ANALYSTS)]))

    assert Counter({one.decision_id: 1 for one in made}) == Counter(one for judged in done for one in judged)
    with store.reading() as connection:
        people = dict(counting.judged_by_person(connection))
        posted = list(connection.scalars(select(tables.outbox.c.verdict_id)))
    assert len(made) == sum(people.values())
    assert len(made) == len(posted)


def _judged(store: Store, identifier: str, name: str, bench: Bench) -> bool:
    """Judge as on a page that saw nobody's verdict; tell whether it was taken."""
    with store.reading() as connection:
        call = whole_call(connection, call_of_decision(connection, identifier))
    state = next(one for one in call.decisions if one.decision_id == identifier)
    try:
        with store.writing() as connection:
            judge(
                connection,
                identifier,
                kind=VerdictKind.CORRECT,
                note="",
                reviewer=name,
                bench=bench,
                seen=seen_tag(None, state, second=None),
            )
    except StaleError:
        return False
    return True
