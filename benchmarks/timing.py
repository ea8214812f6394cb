"""Timing of several passes in turns, in seconds of the processor, so that what else the machine does counts little."""

import gc
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

REPEATS = 7


class Ratio(NamedTuple):
    """A pass against another: of the best times, and the least and greatest of one round."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        """Return the ratio and its spread."""
        return f"{self.value:.2f} ({self.low:.2f}–{self.high:.2f})"


class Times(NamedTuple):
    """The seconds of each round, by pass."""

    rounds: Mapping[str, list[float]]

    def best(self, name: str) -> float:
        """Return the processor's seconds of a pass in its best round."""
        return min(self.rounds[name])

    def ratio(self, name: str, to: str) -> Ratio:
        """Return how many times as long a pass takes as another."""
        each = [one / other for one, other in zip(self.rounds[name], self.rounds[to], strict=True)]
        return Ratio(self.best(name) / self.best(to), min(each), max(each))


def timed(passes: Mapping[str, Callable[[], object]], *, repeats: int = REPEATS) -> Times:
    """Run each pass in each round, after one round that does not count."""
    rounds: dict[str, list[float]] = {name: [] for name in passes}
    gc.collect()
    gc.freeze()
    for number in range(repeats + 1):
        for name, run in passes.items():
            started = time.process_time()
            run()
            if number:
                rounds[name].append(time.process_time() - started)
    gc.unfreeze()
    return Times(rounds)
