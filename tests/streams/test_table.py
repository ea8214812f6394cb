"""The table of calls, when partitions move: what is others' goes, what is ours stays, nothing is told of it."""

import asyncio
from collections.abc import Iterable
from typing import Any

import pytest
from faust.types import TP

from detector.call import CallState
from detector.detect import Detector
from detector.transcript import CallHeader
from pipelines.settings import Settings
from streams.app import TABLE, make_app
from streams.metrics import Metrics
from streams.records import CallRecord, written
from streams.topics import changelog

SETTINGS = Settings(_env_file=None)


def place(partition: int) -> TP:
    """Return a partition of the changelog."""
    return TP(changelog(SETTINGS), partition)


def recovered(app: Any, *, ours: Iterable[int]) -> None:
    """Have a recovery end in which these partitions are ours."""
    table, recovery = app.tables[TABLE], app.tables.recovery
    for one in ours:
        recovery.add_active(table, place(one))
    asyncio.run(table.on_recovery_completed(set(recovery.active_tps), set()))


def holding(detector: Detector, **partitions: int) -> Any:
    """Return an app whose table holds a call of each partition, as a worker wrote it itself."""
    app: Any = make_app(SETTINGS, detector, metrics=Metrics())
    for call_id, partition in partitions.items():
        record = CallRecord(CallState(CallHeader(call_id=call_id)), seen_at=1.0)
        app.tables[TABLE].data[call_id.encode()] = written(record, partition=partition).raw
    return app


@pytest.mark.parametrize(
    ("ours", "kept"),
    [((0, 1), {b"here", b"there"}), ((0,), {b"here"}), ((), set())],
    ids=["nothing moved", "one moved", "all moved"],
)
def test_calls_of_partitions_that_moved_away_are_let_go(
    detector: Detector, ours: tuple[int, ...], kept: set[bytes]
) -> None:
    """What this worker wrote goes with its partition; what is ours stays, and the changelog hears of neither."""
    app = holding(detector, here=0, there=1)

    recovered(app, ours=ours)

    assert set(app.tables[TABLE]) == kept
    assert app.producer.under_way == 0


def test_what_was_let_go_is_read_anew_when_it_comes_back(detector: Detector) -> None:
    """Of a partition that moved away nothing counts as read, also where its last messages came late."""
    app = holding(detector, here=0, there=1)
    recovery = app.tables.recovery
    recovery.active_offsets[place(1)] = 40

    recovered(app, ours=(0,))
    recovery.add_active(app.tables[TABLE], place(1))

    assert recovery.active_offsets[place(1)] is None


def test_a_later_rebalance_has_its_say(detector: Detector) -> None:
    """A partition that came back before an earlier recovery ended is ours: its calls stay, and what was read of it."""
    app = holding(detector, here=0, there=1)
    table, recovery = app.tables[TABLE], app.tables.recovery
    earlier = {place(0)}
    for one in (0, 1):
        recovery.add_active(table, place(one))
    recovery.active_offsets[place(1)] = 40

    asyncio.run(table.on_recovery_completed(earlier, set()))

    assert set(table) == {b"here", b"there"}
    assert recovery.active_offsets[place(1)] == 40
