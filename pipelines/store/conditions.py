"""Conditions that several queries go by: on a call's open decisions, on its words, on what may be known yet."""

from collections.abc import Collection

from sqlalchemy import ColumnElement, exists

from pipelines.store.tables import calls, decisions, second_reviews


def left_open(call_id: ColumnElement[str], behaviours: Collection[str]) -> ColumnElement[bool]:
    """Say of a call that a decision on one of some behaviours is not judged: no figure or label may rest on it."""
    return exists().where(
        decisions.c.call_id == call_id, decisions.c.state == "open", decisions.c.behaviour.in_(list(behaviours))
    )


def with_words() -> ColumnElement[bool]:
    """Say that the words of a decision's call are still there: nobody can judge without them."""
    return ~exists().where(calls.c.call_id == decisions.c.call_id, calls.c.purged_at.is_not(None))


def first_word_hidden(user_id: str) -> ColumnElement[bool]:
    """Say of a second review that it is due, and that the first was not given by a user."""
    return (second_reviews.c.state == "pending") & (second_reviews.c.first_by != user_id)
