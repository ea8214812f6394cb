"""A store that somebody else holds: what people and programs are told, and who goes on working."""

import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from time import monotonic
from typing import Any

import pytest

from pipelines.store import Store, engine
from pipelines.store.accounts import Role
from pipelines.store.engine import WAITING_WRITERS, BusyError

TOLD = "he store is busy: try again in a moment"


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that waits for others for a second, not for fifteen."""
    monkeypatch.setattr(engine, "BUSY_MS", 1_000)


@pytest.fixture
def judged(visitor: Any) -> Callable[..., Any]:
    """Judges the first decision of `c1` as an analyst, by a path that begins as told."""
    client = visitor(Role.ANALYST)
    one = client.get("/api/calls/c1").json()["decisions"][0]

    def judge(begin: str, **told: Any) -> Any:
        return client.post(f"{begin}/decisions/{one['decision_id']}/verdict", **told)

    judge.told = {"kind": "correct", "seen": one["seen"]}  # type: ignore[attr-defined]
    return judge


def test_program_is_told_that_the_store_is_busy(judged: Any, store: Store) -> None:
    """A verdict that cannot be written is answered by 503 and a sentence."""
    with held(store):
        answer = judged("/api", json=judged.told)

    assert (503, f"t{TOLD}") == (answer.status_code, answer.json()["detail"])


def test_card_stays_where_the_store_is_busy(judged: Any, store: Store) -> None:
    """The notice goes into the form that was sent, and does not take the place of the card and the note in it."""
    with held(store):
        answer = judged("", data=judged.told, headers={"HX-Request": "true"})

    assert 503 == answer.status_code
    assert f"T{TOLD}" in answer.text
    assert ("find .told", "innerHTML") == (answer.headers["hx-retarget"], answer.headers["hx-reswap"])
    assert "<article" not in answer.text


def test_pages_are_shown_while_many_wait_to_write(visitor: Any, store: Store) -> None:
    """However many wait to write, readers find a connection and a thread; those too many are turned away at once."""
    reader, many = visitor(Role.ANALYST), 3 * WAITING_WRITERS

    with held(store), ThreadPoolExecutor(many) as pool:
        writers = [pool.submit(write, store) for _ in range(many)]
        turned_away, waiting = wait(writers, timeout=0.5)
        begun = monotonic()
        page = reader.get("/queue")
        taken = monotonic() - begun
        still_waiting = [one for one in waiting if not one.done()]

    assert (200, many - WAITING_WRITERS) == (page.status_code, len(turned_away))
    assert all(isinstance(one.exception(), BusyError) for one in writers)
    assert still_waiting
    assert taken < 1


@contextmanager
def held(store: Store) -> Iterator[None]:
    """Hold the store as another process does that writes."""
    other = sqlite3.connect(str(store.engine.url.database), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.execute("ROLLBACK")
        other.close()


def write(store: Store) -> None:
    """Write nothing, in a transaction that writes."""
    with store.writing():
        pass
