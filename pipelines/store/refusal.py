"""What a database refuses to hold: one value among others, which is not told."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, StatementError

from pipelines.store.engine import UnstorableError

_TOO_MUCH = "54"
"""The class of PostgreSQL's codes for what exceeds its limits, such as a key too long for an index."""


@contextmanager
def savepoint(connection: Connection) -> Iterator[None]:
    """Give a part of a transaction, which is undone by itself where an error leaves it.

    Raises:
        UnstorableError: the database cannot hold a value.
    """
    try:
        with connection.begin_nested():
            yield
    except (StatementError, OverflowError) as error:
        if not _of_a_value(error):
            raise
        raise UnstorableError(f"the store cannot hold a value: {_name(error)}") from None


def _of_a_value(error: StatementError | OverflowError) -> bool:
    if isinstance(error, DBAPIError):
        code = str(getattr(error.orig, "sqlstate", None) or "")
        return isinstance(error, DataError | IntegrityError) or code.startswith(_TOO_MUCH)
    return isinstance(error, OverflowError) or isinstance(error.orig, OverflowError | ValueError)


def _name(error: Exception) -> str:
    """Return the name of a driver's error; its message may hold what was said."""
    return type(getattr(error, "orig", error)).__name__
