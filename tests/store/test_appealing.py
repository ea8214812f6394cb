"""Appeals, of which there may be many."""

from uuid import uuid4

from store_calls import a_call, fill

from pipelines.store import Store
from pipelines.store.accounts import Role, User
from pipelines.store.appealing import AppealState, advance, listed, request
from pipelines.store.judging import Bench
from pipelines.store.reading import whole_call

AGENT, LEAD = User("jo", Role.AGENT, "a"), User("lead", Role.LEAD)


def test_open_appeals_are_listed_however_many_came_later(store: Store, bench: Bench) -> None:
    """What waits longest comes first; what is decided comes behind what waits, newest first."""
    identifiers = [str(uuid4()) for _ in range(5)]
    fill(store, *(a_call(one) for one in identifiers))
    with store.writing() as connection:
        made = [
            request(connection, whole_call(connection, one).decisions[0].decision_id, by=AGENT, note="why")
            for one in identifiers
        ]
        for one in made[2:]:
            for to in (AppealState.UNDER_REVIEW, AppealState.UPHELD):
                advance(connection, one, to=to, by=LEAD, note="", bench=bench)

    with store.reading() as connection:
        told = [one.appeal_id for one in listed(connection, user=LEAD, limit=4)]

    assert [made[0], made[1], made[4], made[3]] == told
