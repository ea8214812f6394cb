"""What a store keeps to itself, and who waits for whom."""

import re
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import pytest
from fakes import word_playbook
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import Engine, create_engine, insert, inspect
from sqlalchemy.engine import make_url
from sqlalchemy.exc import IntegrityError
from store_calls import a_call, fill

from pipelines.store import Store, StoreError, open_store
from pipelines.store.engine import UnstorableError
from pipelines.store.judging import Bench
from pipelines.store.reading import whole_call
from pipelines.store.tables import calls
from review.app import make_app, make_pages
from review.visit import Workbench

AT_ONCE = 20


def test_error_of_the_database_tells_no_values(store: Store) -> None:
    """Whatever goes wrong with a statement, the names and words that went into it are not in the message."""
    fill(store, a_call("c"))

    with pytest.raises(IntegrityError) as told, store.writing() as connection:
        connection.execute(insert(calls).values(call_id="c", customer_name="Rosalind"))

    assert "Rosalind" not in str(told.value)


@pytest.mark.parametrize("scheme", ["", "sqlite:///"])
def test_file_that_is_no_database_is_refused_as_a_store(scheme: str, tmp_path: Path) -> None:
    """A file of anything else is named in one line, and stays as it is."""
    file = tmp_path / "README.md"
    file.write_text("# No database at all, but a page of words that goes on for a while.\n" * 99)
    before = file.read_bytes()

    with pytest.raises(StoreError, match=r"README.md: cannot be used as a store: file is not a database$"):
        open_store(f"{scheme}{file}")

    assert file.read_bytes() == before


@pytest.mark.parametrize("scheme", ["", "sqlite:///"])
def test_store_that_is_not_there_is_made_only_where_it_may_be(scheme: str, tmp_path: Path) -> None:
    """Whoever works on what is stored is told that there is nothing; whoever fills a store gets one."""
    file = tmp_path / "folder" / "review.db"

    with pytest.raises(StoreError, match=r"review.db: there is no such store: `detector detect FILES --store`"):
        open_store(f"{scheme}{file}", make=False)
    assert not file.parent.exists()

    open_store(f"{scheme}{file}").close()
    open_store(f"{scheme}{file}", make=False).close()
    assert file.is_file()


def test_file_without_tables_is_no_store_where_none_may_be_made(tmp_path: Path) -> None:
    """An empty database is told as a store that is not there is, and no table is made in it."""
    file = tmp_path / "review.db"
    file.touch()

    _assert_refused_and_left_empty(f"sqlite:///{file}", create_engine(f"sqlite:///{file}"))


@pytest.mark.postgres
def test_postgres_without_tables_is_no_store_where_none_may_be_made(empty_postgres: str) -> None:
    """The same holds on PostgreSQL, until a store is made there."""
    driver = make_url(empty_postgres).set(drivername="postgresql+psycopg")

    _assert_refused_and_left_empty(empty_postgres, create_engine(driver))


@pytest.mark.parametrize("kind", ["mysql", "mysql+pymysql", "mongodb", "postgresql+asyncpg"])
def test_store_of_a_kind_that_is_not_known_is_told_which_are(kind: str) -> None:
    """The kinds there are stand in the line, and no package to install that would not help; no password does."""
    with pytest.raises(StoreError, match=f"^{re.escape(kind)}:// is no store: a store is a SQLite file") as told:
        open_store(f"{kind}://q:hidden@127.0.0.1/review")

    assert "postgresql://" in str(told.value)
    assert "hidden" not in str(told.value)


def test_postgres_without_its_library_tells_how_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The package that is missing is named, and the extra that brings it."""
    monkeypatch.setitem(sys.modules, "psycopg", None)

    with pytest.raises(StoreError, match=r"needs the package psycopg: pip install '\.\[postgres\]' in the project's"):
        open_store("postgresql://127.0.0.1:1/none")


@pytest.mark.postgres
def test_many_logins_at_once_are_limited_on_postgres(postgres: str) -> None:
    """Of twenty wrong passwords for one name at the same time eight are looked at."""
    store = open_store(postgres)
    try:
        assert {401: 8, 429: AT_ONCE - 8} == _logins(store)
    finally:
        store.close()


def test_many_logins_at_once_are_limited(store: Store) -> None:
    """The same holds on SQLite, where writers wait for each other."""
    assert {401: 8, 429: AT_ONCE - 8} == _logins(store)


@pytest.mark.postgres
def test_character_that_postgres_has_no_place_for_is_refused(postgres: str) -> None:
    """A NUL in an address or a form is refused plainly, by the app and by the store alike."""
    store = open_store(postgres)
    try:
        client = TestClient(_app(store), base_url="http://127.0.0.1")

        assert 422 == client.post("/login", data={"name": "a\x00", "password": "wrong"}).status_code
        with pytest.raises(UnstorableError, match="cannot hold"), store.reading() as connection:
            whole_call(connection, "a\x00")
    finally:
        store.close()


def _assert_refused_and_left_empty(address: str, engine: Engine) -> None:
    with pytest.raises(StoreError, match="there is no store in this database: `detector detect FILES --store`"):
        open_store(address, make=False)
    assert [] == inspect(engine).get_table_names()
    engine.dispose()

    open_store(address).close()
    open_store(address, make=False).close()


def _app(store: Store) -> FastAPI:
    playbook = word_playbook()
    workbench = Workbench(store=store, playbook=playbook, bench=Bench(playbook, "tests"), pages=make_pages())
    return make_app(workbench, hosts=("127.0.0.1",))


def _logins(store: Store) -> Counter[int]:
    """Try twenty passwords at once, from an address of its own; return what was answered how often."""
    app, name = _app(store), f"q {uuid4()}"
    told = {"name": name, "password": "wrong"}

    def attempt(number: int) -> int:
        client = TestClient(app, base_url="http://127.0.0.1", client=(f"{name} {number}", 1), follow_redirects=False)
        return client.post("/login", data=told).status_code

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return Counter(pool.map(attempt, range(AT_ONCE)))
