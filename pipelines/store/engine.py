"""Opens a store: SQLite in a file by default, PostgreSQL by URL; brings its tables up to date first."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from sqlite3 import SQLITE_BUSY, SQLITE_LOCKED
from threading import BoundedSemaphore
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import URL, Connection, Engine, Table, create_engine, event, func, inspect, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.exc import (
    ArgumentError,
    DatabaseError,
    DataError,
    DBAPIError,
    InterfaceError,
    InternalError,
    OperationalError,
    TimeoutError,  # noqa: A004 - of a pool of connections
)

from detector.errors import DetectorError, to_install
from pipelines.store.tables import calls

MIGRATIONS = Path(__file__).parent / "migrations"
DRIVERS = {"postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg"}
SQLITE = "sqlite"
KINDS = frozenset({SQLITE, "sqlite+pysqlite", "postgresql+psycopg"})
BUSY_MS = 15_000
WRITERS = 8
"""How many write at a time; readers have the other connections."""
WAITING_WRITERS = 24
"""How many write or wait to: each waits in a thread, and the review app has forty for all its visitors."""
_KINDS_TOLD = "a store is a SQLite file's path, or the URL of a PostgreSQL such as postgresql://user@host/name"
_MAKERS = "`detector detect FILES --store`, `detector review-bridge` and `detector review account` make one"
_HELD = frozenset({"40001", "40P01", "53300", "55P03"})
"""PostgreSQL's codes for what others hold just now: rows, locks, connections."""


class StoreError(DetectorError):
    """The store cannot be opened, or does not answer."""


class BusyError(StoreError):
    """Others held the store for so long that the work was given up; nothing of it was done."""

    def __init__(self) -> None:
        super().__init__("the store is busy: try again in a moment")


class UnstorableError(DetectorError):
    """A value that the database cannot hold: a character or a number that it does not know, or too much of them."""


@dataclass(frozen=True, slots=True)
class Places:
    """The places of those who write and of those who wait to, so that readers are left connections and threads."""

    waiting: BoundedSemaphore = field(default_factory=lambda: BoundedSemaphore(WAITING_WRITERS))
    writing: BoundedSemaphore = field(default_factory=lambda: BoundedSemaphore(WRITERS))

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Give a place to write at.

        Raises:
            BusyError: too many wait, or none came free.
        """
        with _taken(self.waiting, seconds=0), _taken(self.writing, seconds=BUSY_MS / 1000):
            yield


@dataclass(frozen=True, slots=True)
class Store:
    """An open store: transactions to read in, and to write in."""

    engine: Engine
    places: Places = field(default_factory=Places)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a transaction that only reads: it waits for nobody.

        Raises:
            UnstorableError: the database has no place for a value that is asked for.
            BusyError: no connection came free.
            StoreError: the database does not answer, or does no work.
        """
        with (
            _answering(),
            _fitting(),
            self.engine.connect().execution_options(reads=True) as connection,
            connection.begin(),
        ):
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Give a transaction that writes; it is undone as a whole where an error leaves it.

        Raises:
            UnstorableError: the database has no place for a value that is to be written.
            BusyError: others write, and did not end in time.
            StoreError: the database does not answer, or does no work.
        """
        with _answering(), _fitting(), self.places.taken(), self.engine.begin() as connection:
            yield connection

    def close(self) -> None:
        """Let go of the connections."""
        self.engine.dispose()


def open_store(address: str, *, make: bool = True) -> Store:
    """Return the store at a URL (`sqlite:///file.db`, `postgresql://…`) or a file's path, its tables up to date.

    Where `make` says so, a store that is not there is made: a file and its folder, or the tables in a database.

    Raises:
        StoreError: there is no such store, it is none or of no known kind, or it does not answer; no password is told.
    """
    try:
        url = _url(address)
        _find(url, make=make)
        engine = _engine(url)
        if not make:
            _refuse_empty(engine)
        migrate(engine)
    except ArgumentError:
        raise StoreError(_KINDS_TOLD) from None
    except ModuleNotFoundError as error:
        raise StoreError(f"this kind of store needs the package {error.name}: {to_install('postgres')}") from None
    except DatabaseError as error:
        if url.get_backend_name() == SQLITE:
            raise StoreError(f"{url.database}: cannot be used as a store: {error.orig}") from None
        raise StoreError(f"the store does not answer: {type(error.orig).__name__}") from None
    return Store(engine)


def migrate(engine: Engine) -> None:
    """Bring the tables up to date; two processes that start at once wait for each other."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7421)")
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def now() -> datetime:
    """Return the present time."""
    return datetime.now(UTC)


def alone(connection: Connection, name: str) -> None:
    """Wait until no other writing transaction holds a name, and hold it until this one ends."""
    if connection.dialect.name == "postgresql":  # on SQLite only one writes at a time
        connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))


def upsert(
    connection: Connection, table: Table, rows: Iterable[Mapping[str, Any]], *, update: Iterable[str] = ()
) -> None:
    """Insert rows; where a row of the same first unique column is there, set the columns of `update` or leave it."""
    given = [dict(row) for row in rows]
    if not given:
        return
    # Both dialects speak the same ON CONFLICT.
    statement = (postgresql if connection.dialect.name == "postgresql" else sqlite).insert(table)
    columns = {name: statement.excluded[name] for name in update}
    key = _key(table)
    if columns:
        connection.execute(statement.on_conflict_do_update(index_elements=key, set_=columns), given)
    else:
        connection.execute(statement.on_conflict_do_nothing(index_elements=key), given)


@contextmanager
def _taken(places: BoundedSemaphore, *, seconds: float) -> Iterator[None]:
    if not places.acquire(blocking=seconds > 0, timeout=seconds or None):
        raise BusyError
    try:
        yield
    finally:
        places.release()


@contextmanager
def _answering() -> Iterator[None]:
    """End a stretch of work clearly where neither a value nor a statement of ours is to blame."""
    try:
        yield
    except TimeoutError:
        raise BusyError from None
    except (OperationalError, InterfaceError, InternalError) as error:
        if _held(error):
            raise BusyError from None
        raise StoreError(f"the store does not answer: {type(error.orig).__name__}") from None


def _held(error: DBAPIError) -> bool:
    """Tell whether others hold what was asked for; of an extended code of SQLite the last byte tells."""
    code = getattr(error.orig, "sqlite_errorcode", 0) & 0xFF
    return code in {SQLITE_BUSY, SQLITE_LOCKED} or getattr(error.orig, "sqlstate", None) in _HELD


@contextmanager
def _fitting() -> Iterator[None]:
    try:
        yield
    except (DataError, UnicodeEncodeError) as error:
        raise UnstorableError("there is a character or a number in this that the store cannot hold") from error


def _key(table: Table) -> list[str]:
    unique = [column.name for column in table.columns if column.unique]
    return unique or [column.name for column in table.primary_key.columns]


def _url(address: str) -> URL:
    """Return the URL of an address; a file's path, whatever signs are in it, is that of a SQLite.

    Raises:
        ArgumentError: it is no URL.
        StoreError: the store would be of a kind that is not known, such as MySQL's.
    """
    if "://" not in address:
        return URL.create(SQLITE, database=address)
    url = make_url(address)
    kind = DRIVERS.get(url.drivername, url.drivername)
    if kind not in KINDS:
        raise StoreError(f"{url.drivername}:// is no store: {_KINDS_TOLD}")
    return url.set(drivername=kind)


def _find(url: URL, *, make: bool) -> None:
    """Let the folder of a SQLite's file be there; where nothing is to be made, the file itself must be."""
    if url.get_backend_name() != SQLITE or url.database is None:
        return
    file = Path(url.database)
    if make:
        file.parent.mkdir(parents=True, exist_ok=True)
    elif not file.is_file():
        raise StoreError(f"{file}: there is no such store: {_MAKERS}")


def _refuse_empty(engine: Engine) -> None:
    """Let a database be a store, of whatever release; of one that is none nothing is changed."""
    with engine.connect().execution_options(reads=True) as connection:
        if inspect(connection).has_table(calls.name):
            return
    engine.dispose()
    raise StoreError(f"{engine.url.database or 'the store'}: there is no store in this database: {_MAKERS}")


def _engine(url: URL) -> Engine:
    """Return the engine; what goes into statements, words of calls and notes, is not told in errors."""
    if url.get_backend_name() != SQLITE:
        return create_engine(url, hide_parameters=True, pool_size=20, max_overflow=20, pool_pre_ping=True)
    engine = create_engine(
        url, hide_parameters=True, connect_args={"timeout": BUSY_MS / 1000, "check_same_thread": False}
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _: Any) -> None:
    """Let readers read while one writes; transactions are begun by us, not by the driver."""
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", f"busy_timeout={BUSY_MS}", "cache_size=-65536"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    """Take the write lock at once: a reader that turns writer halfway could be refused."""
    options = connection.get_execution_options()
    connection.exec_driver_sql("BEGIN" if options.get("reads") else "BEGIN IMMEDIATE")
