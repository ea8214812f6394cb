"""The app on a filled store, and visitors of each role."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fakes import word_playbook
from fastapi import FastAPI
from fastapi.testclient import TestClient
from store_calls import a_call, fill

from pipelines.store import Store, open_store
from pipelines.store.accounts import Role, open_session, session_of
from pipelines.store.engine import upsert
from pipelines.store.judging import Bench
from pipelines.store.tables import users
from review.app import make_app, make_pages
from review.visit import COOKIE, CSRF_HEADER, Workbench

Visitor = Callable[..., TestClient]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A store with the calls `c1` and `c2` of agent `a`, and `other` of agent `b`."""
    made = open_store(str(tmp_path / "review.db"))
    fill(made, a_call("c1"), a_call("c2"), share=1.0)
    fill(made, a_call("other", agent_id="b"))
    yield made
    made.close()


@pytest.fixture
def workbench(store: Store) -> Workbench:
    """The workbench of plain words, nothing reviewed twice."""
    playbook = word_playbook()
    return Workbench(store=store, playbook=playbook, bench=Bench(playbook, "tests", 0.0), pages=make_pages())


@pytest.fixture
def app(workbench: Workbench) -> FastAPI:
    """The app."""
    return make_app(workbench, hosts=("127.0.0.1",))


@pytest.fixture
def visitor(app: FastAPI, store: Store) -> Visitor:
    """Makes a logged-in client of a role; None is nobody."""

    def make(role: Role | None, name: str | None = None, *, agent_id: str = "a") -> TestClient:
        client = TestClient(app, base_url="http://127.0.0.1", follow_redirects=False)
        if role is None:
            return client
        name = name or role.value
        with store.writing() as connection:
            upsert(connection, users, [{"user_id": name, "role": role.value, "agent_id": agent_id, "active": True}])
            token = open_session(connection, name)
            session = session_of(connection, token)
        assert session is not None
        client.cookies.set(COOKIE, token)
        client.headers[CSRF_HEADER] = session.csrf
        return client

    return make
