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
DECODED_TO_JSON = 7
"""A decoded state, with the bytes beside it, takes 6.8 to 7.0 times its JSON: measured on calls of 1 to 26 turns."""
_HEAD = struct.Struct(">BIdd")
_NEVER = 0.0


@dataclass(frozen=True, slots=True)
class CallRecord:
    """The state of a call, when it was last heard of, when it was closed (seconds since 1970; 0 is never).

    `introduction` is what came of headers after the first, kept so that a redelivered header gives it out again.
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
    return read(raw).record


def read(raw: bytes) -> Written:
    """Return the record of its bytes with them; of those of the format before nothing is written again as it is."""
    seen, body = glance(raw), raw[_HEAD.size :]
    if raw[0] == FIRST_FORMAT:
        first = _BODY.validate_json(zlib.decompress(body))
        return Written(CallRecord(first.state, seen.seen_at, seen.ended_at, first.introduction), raw)
    state, introduction, known = restored(body)
    return Written(CallRecord(state, seen.seen_at, seen.ended_at, introduction), raw, known)


def glance(raw: bytes) -> Glance:
    """Return what a record's head tells."""
    version, partition, seen_at, ended_at = _HEAD.unpack_from(raw)
    if version not in (FORMAT, FIRST_FORMAT):
        told = f"the state is of format {version}, this worker reads {FIRST_FORMAT} and {FORMAT}"
        raise PoisonError(Reason.BUG, told)
    return Glance(partition, seen_at, ended_at)


class Decoded:
    """The records of the calls touched last, decoded: as many as some memory holds."""

    def __init__(self, *, limit: int) -> None:
        self._limit = limit
        self._kept: OrderedDict[str, tuple[Written, int]] = OrderedDict()
        self._bytes = 0

    @property
    def bytes(self) -> int:
        """The memory they take, as estimated."""
        return self._bytes

    def get(self, call_id: str) -> Written | None:
        """Return what is kept of a call, which is touched by it."""
        if call_id not in self._kept:
            return None
        self._kept.move_to_end(call_id)
        return self._kept[call_id][0]

    def keep(self, call_id: str, record: Written) -> None:
        """Keep a record in place of an earlier one; the calls not touched for longest make room."""
        self.drop(call_id)
        size = decoded_bytes(record)
        self._kept[call_id] = record, size
        self._bytes += size
        while self._bytes > self._limit:
            self._bytes -= self._kept.popitem(last=False)[1][1]

    def drop(self, call_id: str) -> None:
        """Keep nothing of a call."""
        self._bytes -= self._kept.pop(call_id, (None, 0))[1]


def decoded_bytes(record: Written) -> int:
    """Return about how much memory a record takes decoded; one of the first format counts by its bytes."""
    return DECODED_TO_JSON * (record.stored.size or len(record.raw))


class Records:
    """The records of this worker's calls over a table of bytes. Those touched last are kept decoded.

    The table is the truth: what is kept decoded counts only while the table still holds the bytes it came from.
    """

    def __init__(self, table: MutableMapping[bytes, bytes], *, decoded_bytes: int = 1024 * 1024) -> None:
        self._table = table
        self._decoded = Decoded(limit=decoded_bytes)

    def get(self, call_id: str) -> CallRecord | None:
        """Return what is kept of a call."""
        raw = self._table.get(call_id.encode())
        if raw is None:
            return None
        known = self._decoded.get(call_id)
        if known is None or known.raw != raw:
            known = read(raw)
            self._decoded.keep(call_id, known)
        return known.record

    def in_partition(self, call_id: str, partition: int) -> CallRecord | None:
        """Return what is kept of a call whose messages come from a partition; of one of another nothing."""
        raw = self._table.get(call_id.encode())
        return None if raw is None or glance(raw).partition != partition else self.get(call_id)

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
        self._decoded.keep(call_id, written)

    def drop(self, call_id: str) -> None:
        """Forget a call: one write to the table."""
        self._decoded.drop(call_id)
        self._table.pop(call_id.encode(), None)

    def glances(self) -> Iterator[tuple[str, Glance]]:
        """Yield each call's id and what its record's head tells."""
        for key, raw in list(self._table.items()):
            yield key.decode(), glance(raw)


def touched(record: CallRecord, *, at: float) -> CallRecord:
    """Return the record as last heard of at a time, if that is later."""
    return record if at <= record.seen_at else replace(record, seen_at=at)
