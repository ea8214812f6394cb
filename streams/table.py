"""The table of calls: Faust's own, in memory, without the calls of partitions that others have now."""

from typing import cast

import faust
from faust.tables.manager import TableManager
from faust.types import TP

from streams.records import glance


class CallTable(faust.Table[bytes, bytes]):
    """Faust's table, but what this worker wrote of a partition goes when the partition goes.

    Faust's store lets go only of what it read from the changelog. The rest would stay for good, and what others have
    forgotten meanwhile would be back with the partition.
    """

    async def on_recovery_completed(self, active_tps: set[TP], standby_tps: set[TP]) -> None:
        """Let go of the calls of partitions that moved away, past the changelog: others have them now."""
        await super().on_recovery_completed(active_tps, standby_tps)
        # The recovery's account of what is ours, for the consumer's may be of another rebalance: what is let go of
        # has to be what will be read anew.
        recovery = cast("TableManager", self.app.tables).recovery
        ours = recovery.actives_for_table[self]
        partitions = {one.partition for one in ours}
        for key in [key for key, raw in self.data.items() if glance(raw).partition not in partitions]:
            del self.data[key]
        # A changelog's last messages may come when it is others' already, and Faust notes them as read.
        for place in recovery.active_offsets.keys() - ours:
            recovery.revoke(place)
