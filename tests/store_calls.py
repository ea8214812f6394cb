"""Calls for the tests of the store and the review app, as the plain-words detector sees them."""

from typing import Any
from uuid import uuid4

from fakes import call, word_detector, word_playbook

from detector.transcript import Call
from pipelines.store import Store, StoreSink


def a_call(call_id: str = "", **update: Any) -> Call:
    """Return a call with an award, a review and a customer; with a name of its own unless one is given."""
    said = (("customer", "hello"), ("agent", "I wish you a day"), ("agent", "maybe a week"), ("customer", "bye"))
    return call(*said, **({"call_id": call_id or str(uuid4()), "team": "north"} | update))


def fill(store: Store, *calls: Call, share: float = 0.0) -> None:
    """Fill a store with calls as the plain-words detector sees them."""
    with StoreSink(store, playbook=word_playbook(), sample_share=share) as sink:
        for one in calls:
            sink.write(one, word_detector().detect(one))
