"""What the worker keeps of a call between messages, and its bytes in the table and its changelog."""

import struct
import zlib
from collections import OrderedDict
from collections.abc import Iterator, MutableMapping
from dataclasses import dataclass, field, replace

from pydantic import TypeAdapter

from detector.call import CallState, Emission
from streams.codecs import PoisonError, Reason
from streams.stored import Stored, restored, stored

# Kafka refuses records beyond 1 MB unless told otherwise; a refused changelog record would stop the worker for good.
MAX_RECORD_BYTES = 900_000
FORMAT, FIRST_FORMAT = 2, 1
_HEAD = struct.Struct(">BIdd")
_NEVER = 0.0


@dataclass(frozen=True, slots=True)
class CallRecord:
    """The state of a call, when it was last heard of, when it was closed (seconds since 1970; 0 is never).

    `introduction` is what the last `introduce` gave out, kept so that a redelivered header gives it out again.
    """

    state: CallState
    seen_at: float
    ended_at: float = _NEVER
    introduction: Emission = field(default_factory=Emission)


@dataclass(frozen=True, slots=True)
class Glance:
    """What the head of a record tells without reading the rest."""

    partition: int
    seen_at: float
    ended_at: float


@dataclass(frozen=True, slots=True)
class _Body:
    state: CallState
    introduction: Emission


_BODY = TypeAdapter(_Body)


@dataclass(frozen=True, slots=True)
class Written:
    """A record with its bytes, and what need not be written again when it has grown."""

    record: CallRecord
    raw: bytes
    stored: Stored = field(default_factory=Stored)


def written(record: CallRecord, *, partition: int, known: Stored | None = None) -> Written:
    """Return a record with its bytes: a head that is read at a glance, then the state.

    Raises:
        PoisonError: the record is larger than Kafka takes.
    """
    body = stored(record.state, record.introduction, known=known or Stored())
    raw = _HEAD.pack(FORMAT, partition, record.seen_at, record.ended_at) + body.bytes()
    if len(raw) > MAX_RECORD_BYTES:
        raise PoisonError(Reason.STATE_TOO_LARGE, f"the call's state would be {len(raw):,} bytes")
    return Written(record, raw, body)


def from_bytes(raw: bytes) -> CallRecord:
    """Return the record of its bytes; those of the format before are read too."""
    seen = glance(raw)
    if raw[0] == FIRST_FORMAT:
        body = _BODY.validate_json(zlib.decompress(raw[_HEAD.size :]))
        return CallRecord(body.state, seen.seen_at, seen.ended_at, body.introduction)
    state, introduction = restored(raw[_HEAD.size :])
    return CallRecord(state, seen.seen_at, seen.ended_at, introduction)


def glance(raw: bytes) -> Glance:
    """Return what a record's head tells."""
    version, partition, seen_at, ended_at = _HEAD.unpack_from(raw)
    if version not in (FORMAT, FIRST_FORMAT):
        told = f"the state is of format {version}, this worker reads {FIRST_FORMAT} and {FORMAT}"
        raise PoisonError(Reason.BUG, told)
    return Glance(partition, seen_at, ended_at)


class Records:
    """The records of this worker's calls over a table of bytes. The last few are kept decoded.

    The table is the truth: what is kept decoded counts only while the table still holds the bytes it came from.
    """

    def __init__(self, table: MutableMapping[bytes, bytes], *, decoded: int = 512) -> None:
        self._table = table
        self._limit = decoded
        self._decoded: OrderedDict[str, Written] = OrderedDict()

    def get(self, call_id: str) -> CallRecord | None:
        """Return what is kept of a call."""
        raw = self._table.get(call_id.encode())
        if raw is None:
            return None
        known = self._decoded.get(call_id)
        return known.record if known is not None and known.raw == raw else from_bytes(raw)

    def written(self, call_id: str, record: CallRecord, before: CallRecord | None, *, partition: int) -> Written:
        """Return a record with its bytes, of which those of the record before it are not made again.

        Raises:
            PoisonError: the record is larger than Kafka takes.
        """
        known = self._decoded.get(call_id)
        grown = known.stored if known is not None and known.record is before else None
        return written(record, partition=partition, known=grown)

    def put(self, call_id: str, written: Written) -> None:
        """Keep a record: one write to the table."""
        self._table[call_id.encode()] = written.raw
        self._decoded[call_id] = written
        self._decoded.move_to_end(call_id)
        if len(self._decoded) > self._limit:
            self._decoded.popitem(last=False)

    def drop(self, call_id: str) -> None:
        """Forget a call: one write to the table."""
        self._decoded.pop(call_id, None)
        self._table.pop(call_id.encode(), None)

    def glances(self) -> Iterator[tuple[str, Glance]]:
        """Yield each call's id and what its record's head tells."""
        for key, raw in list(self._table.items()):
            yield key.decode(), glance(raw)


def touched(record: CallRecord, *, at: float) -> CallRecord:
    """Return the record as last heard of at a time, if that is later."""
    return record if at <= record.seen_at else replace(record, seen_at=at)
