"""The audit trail: who did what when. It is only ever added to; triggers of the database see to it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection, insert, select

from pipelines.store.engine import now
from pipelines.store.tables import audit


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing somebody did. No words of a call are in it."""

    at: datetime
    who: str
    action: str
    subject: str
    detail: Mapping[str, Any]


def note(connection: Connection, who: str, action: str, subject: str, **detail: Any) -> None:
    """Add to the trail, within the transaction of what is done."""
    told = orjson.dumps(detail).decode()
    connection.execute(insert(audit).values(at=now(), who=who, action=action, subject=subject, detail=told))


def latest(connection: Connection, *, limit: int = 200) -> list[Entry]:
    """Return the last things done, newest first."""
    rows = connection.execute(select(audit).order_by(audit.c.number.desc()).limit(limit))
    return [Entry(row.at, row.who, row.action, row.subject, orjson.loads(row.detail)) for row in rows]
