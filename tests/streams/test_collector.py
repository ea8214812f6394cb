"""The worker's garbage collector."""

import gc
from collections.abc import Iterator

import pytest

from streams.worker import FULL_COLLECTION_AFTER, spare_collector


@pytest.fixture
def collector() -> Iterator[None]:
    """Leave the collector of the tests as it was."""
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)
    gc.unfreeze()


@pytest.mark.usefixtures("collector")
def test_full_collections_are_seldom_and_young_ones_as_they_were() -> None:
    """What stays is set aside; cycles that die young, as those of exceptions, are found as before."""
    young, middle, _ = gc.get_threshold()

    spare_collector()

    assert gc.get_threshold() == (young, middle, FULL_COLLECTION_AFTER)
    assert gc.get_freeze_count() > 0
