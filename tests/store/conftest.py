"""Stores to test on: SQLite always; PostgreSQL where one is told or its programs are there."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from fakes import word_detector, word_playbook
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from detector.detect import Detector
from pipelines.store import Store, open_store
from pipelines.store.judging import Bench

PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty SQLite store."""
    made = open_store(str(tmp_path / "store.db"))
    yield made
    made.close()


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a PostgreSQL: DETECTOR_TEST_POSTGRES, or one started here as an unprivileged user."""
    if told := os.environ.get("DETECTOR_TEST_POSTGRES"):
        yield told
        return
    if not PROGRAMS:
        complain = pytest.fail if os.environ.get("CI") else pytest.skip
        complain("no PostgreSQL: set DETECTOR_TEST_POSTGRES, or apt-get install postgresql")
    folder = tmp_path_factory.mktemp("postgres")
    as_user: dict[str, Any] = {"user": "postgres", "cwd": "/"} if os.geteuid() == 0 else {}
    if as_user:
        for place in (folder, *folder.parents[:3]):
            place.chmod(0o711)
        shutil.chown(folder, "postgres")
    run = subprocess.run
    data = folder / "data"
    run(
        [PROGRAMS[0] / "initdb", "-A", "trust", "-U", "detector", "-D", data],
        check=True,
        stdout=subprocess.DEVNULL,
        **as_user,
    )
    options = f"-c listen_addresses= -c unix_socket_directories={folder} -c fsync=off -c max_connections=60"
    control = [PROGRAMS[0] / "pg_ctl", "-w", "-D", data, "-l", folder / "log"]
    run([*control, "-o", options, "start"], check=True, stdout=subprocess.DEVNULL, **as_user)
    try:
        yield f"postgresql://detector@/postgres?host={folder}"
    finally:
        run([*control, "-m", "immediate", "stop"], check=True, stdout=subprocess.DEVNULL, **as_user)


@pytest.fixture
def empty_postgres(postgres: str) -> Iterator[str]:
    """The URL of a schema of its own in PostgreSQL, without any table."""
    name = f"s{uuid4().hex}"
    engine = create_engine(make_url(postgres).set(drivername="postgresql+psycopg"))
    with engine.begin() as connection:
        connection.execute(text(f"CREATE SCHEMA {name}"))
    address = make_url(postgres).update_query_dict({"options": f"-csearch_path={name}"})
    yield address.render_as_string(hide_password=False)
    with engine.begin() as connection:
        connection.execute(text(f"DROP SCHEMA {name} CASCADE"))
    engine.dispose()


@pytest.fixture
def bench() -> Bench:
    """The playbook of plain words, and no second reviews."""
    return Bench(playbook=word_playbook(), tenant="tests", second_share=0.0)


@pytest.fixture
def words() -> Detector:
    """A detector that goes by plain words."""
    return word_detector()
