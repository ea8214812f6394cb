"""How fast the review app answers: the queue over a million decisions, a call of 200 turns.

python benchmarks/review_app.py [STORE] [DECISIONS]: a file or URL; it is filled, unless it is already, and left behind.
"""

import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from statistics import median
from typing import Any

from fastapi.testclient import TestClient
from sqlalchemy import select

from detector.decision import Decision, Outcome
from detector.detect import Detection
from detector.playbook import load_playbook
from detector.transcript import Call
from pipelines import assemble
from pipelines.settings import Settings
from pipelines.store import Store, StoreSink, open_store
from pipelines.store.accounts import local_user, open_session
from pipelines.store.engine import upsert
from pipelines.store.filling import stake
from pipelines.store.judging import Bench
from pipelines.store.tables import decisions
from review.app import make_app, make_pages
from review.visit import COOKIE, Workbench

ROUNDS = 15
REVIEWS = 0.2
ADDRESSES = {
    "queue": "/queue",
    "queue, one team": "/queue?team=team-07",
    "queue, one agent": "/queue?agent=agent-0123",
    "queue, one behaviour": "/queue?behaviour=apologise",
    "queue, reviews only": "/queue?outcome=review",
    "queue, one day": "/queue?since=2026-01-05&until=2026-01-05",
    "call of 200 turns": "/calls/long",
}


def rows(count: int) -> Iterator[dict[str, Any]]:
    """Yield made-up decisions of 60 teams and 1,200 agents over a hundred days."""
    random, playbook = Random(7), load_playbook()
    behaviours = [one.id for one in playbook.behaviours]
    for number in range(count):
        agent = random.randrange(1200)
        one = Decision.model_construct(
            decision_id=f"d-{number}",
            call_id=f"c-{number // 12}",
            turn_id=f"t-{number}",
            index=number % 12,
            revision=0,
            agent_id=f"agent-{agent:04d}",
            behaviour=random.choice(behaviours),
            outcome=Outcome.REVIEW if random.random() < REVIEWS else Outcome.AWARD,
            score=random.random(),
            evidence=(),
            reasons=("made up",),
            playbook_version="1",
            model_version="1",
            retracted=False,
        )
        names = ("decision_id", "call_id", "agent_id", "behaviour", "score")
        yield {name: getattr(one, name) for name in names} | {
            "team": f"team-{agent % 60:02d}",
            "outcome": one.outcome.value,
            "before": None,
            "stake": stake(one, playbook),
            "state": "open",
            "happened_at": datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=number * 8.64),
            "value": one.model_dump_json(),
        }


def fill(store: Store, count: int) -> None:
    """Fill a store with made-up decisions and one long call."""
    batch: list[dict[str, Any]] = []
    for row in rows(count):
        batch.append(row)
        if len(batch) == 20_000:
            _put(store, batch)
    _put(store, batch)
    detector = assemble.detector(Settings())
    said = ("Thank you for calling, how can I help?", "My parcel is late.")
    turns = [{"speaker": ("agent", "customer")[at % 2], "text": said[at % 2]} for at in range(200)]
    call = Call.model_validate({"call_id": "long", "agent_id": "agent-0001", "turns": turns})
    with StoreSink(store, playbook=detector.playbook) as sink:
        found: Detection = detector.detect(call)
        sink.write(call, found)
    if store.engine.dialect.name == "postgresql":
        with store.writing() as connection:
            connection.exec_driver_sql("ANALYZE")


def _put(store: Store, batch: list[dict[str, Any]]) -> None:
    with store.writing() as connection:
        upsert(connection, decisions, batch)
    batch.clear()


def _is_filled(store: Store) -> bool:
    with store.reading() as connection:
        return (
            connection.scalar(select(decisions.c.decision_id).where(decisions.c.call_id == "long").limit(1)) is not None
        )


def timed(act: Callable[[], Any]) -> tuple[float, float]:
    """Return the median and the worst of some rounds, in milliseconds."""
    taken = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        act()
        taken.append((time.perf_counter() - began) * 1000)
    return median(taken), max(taken)


def main() -> None:
    """Fill, ask, print a table."""
    address = sys.argv[1] if len(sys.argv) > 1 else "out/benchmark-review.db"
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 1_000_000
    store, playbook = open_store(address), load_playbook()
    began = time.perf_counter()
    if not _is_filled(store):
        fill(store, count)
        print(f"{count:,} decisions filled in {time.perf_counter() - began:.0f} s ({store.engine.dialect.name})")
    workbench = Workbench(store=store, playbook=playbook, bench=Bench(playbook, "default"), pages=make_pages())
    client = TestClient(make_app(workbench, hosts=("127.0.0.1",)), base_url="http://127.0.0.1")
    with store.writing() as connection:
        client.cookies.set(COOKIE, open_session(connection, local_user(connection).user_id))
    print(f"| page | median ms | worst of {ROUNDS} |\n|---|---:|---:|")
    for name, path in ADDRESSES.items():
        if client.get(path).status_code != 200:
            raise SystemExit(f"{path} does not answer")
        middle, worst = timed(lambda path=path: client.get(path))  # type: ignore[misc]  # bound at once
        print(f"| {name} | {middle:.0f} | {worst:.0f} |")


if __name__ == "__main__":
    main()
