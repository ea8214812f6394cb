"""Second reviews, given without knowing the first; where the two disagree a lead has the last word."""

from dataclasses import dataclass
from hashlib import blake2b

from sqlalchemy import Connection, delete, insert, select, update

from detector.decision import Decision
from detector.judgement import VerdictKind
from pipelines.store.auditing import note as note_audit
from pipelines.store.engine import now
from pipelines.store.faults import NotAllowedError, StaleError, UnknownItemError
from pipelines.store.judging import (
    Bench,
    check_kind,
    check_unchanged,
    checked_note,
    close,
    decision_to_judge,
    judge,
    standing,
)
from pipelines.store.tables import decisions, second_reviews


@dataclass(frozen=True, slots=True)
class Pair:
    """What two people said of one decision, each without knowing the other."""

    decision_id: str
    call_id: str
    behaviour: str
    first_by: str
    first_kind: str
    first_note: str
    second_by: str
    second_kind: str
    second_note: str
    state: str
    adjudicated_by: str | None = None
    adjudicated_kind: str | None = None
    adjudicated_note: str | None = None


def decide(
    connection: Connection, identifier: str, *, kind: VerdictKind, note: str, reviewer: str, bench: Bench, seen: str
) -> str | None:
    """Record a first verdict, or a second where one is due from this person; return the first's id, None of a second.

    Raises:
        UnknownItemError, StaleError, UnfitError: as `judge` does.
    """
    check_kind(kind)
    row = decision_to_judge(connection, identifier, bench=bench)
    due = connection.execute(
        select(second_reviews).where(
            (second_reviews.c.decision_id == identifier) & (second_reviews.c.state == "pending")
        )
    ).one_or_none()
    if due is not None and due.first_by != reviewer:
        check_unchanged(connection, row, seen=seen, reviewer=reviewer)
        _second(connection, due, kind=kind, note=note, reviewer=reviewer)
        return None
    first = standing(connection, identifier) is None
    verdict_id = judge(connection, identifier, kind=kind, note=note, reviewer=reviewer, bench=bench, seen=seen)
    if first and chosen(identifier, bench.second_share):
        # Earlier versions left a pair behind when its first verdict was undone.
        connection.execute(delete(second_reviews).where(second_reviews.c.decision_id == identifier))
        connection.execute(
            insert(second_reviews).values(
                decision_id=identifier,
                call_id=row.call_id,
                behaviour=row.behaviour,
                first_by=reviewer,
                first_kind=kind.value,
                first_note=checked_note(note),
                state="pending",
            )
        )
    elif due is not None:
        connection.execute(
            update(second_reviews)
            .where(second_reviews.c.decision_id == identifier)
            .values(first_kind=kind.value, first_note=checked_note(note))
        )
    return verdict_id


def chosen(identifier: str, share: float) -> bool:
    """Tell whether a decision is reviewed twice: by a hash of its id, so that nobody chooses."""
    return int.from_bytes(blake2b(b"second" + identifier.encode(), digest_size=8).digest()) < share * 2**64


def pairs(connection: Connection, *, limit: int = 20_000) -> list[Pair]:
    """Return all decisions that two people judged."""
    columns = [second_reviews.c[name] for name in Pair.__dataclass_fields__]
    rows = connection.execute(select(*columns).where(second_reviews.c.state != "pending").limit(limit))
    return [Pair(**row._mapping) for row in rows]  # noqa: SLF001


def disagreement(connection: Connection, identifier: str) -> tuple[Pair, Decision]:
    """Return what two people said of a decision, and the decision.

    Raises:
        UnknownItemError: two people did not judge it.
    """
    found = next((one for one in pairs(connection) if one.decision_id == identifier), None)
    if found is None:
        raise UnknownItemError("two people have not judged this decision")
    value = connection.scalar(select(decisions.c.value).where(decisions.c.decision_id == identifier))
    return found, Decision.model_validate_json(value or "")


def adjudicate(
    connection: Connection, identifier: str, *, kind: VerdictKind, note: str, lead: str, bench: Bench
) -> None:
    """Give the last word on a disagreement.

    Raises:
        UnknownItemError: there is no disagreement.
        StaleError: somebody gave it meanwhile.
        NotAllowedError: the lead is one of the two.
        UnfitError: the playbook no longer has the behaviour.
    """
    decision_to_judge(connection, identifier, bench=bench)
    row = connection.execute(select(second_reviews).where(second_reviews.c.decision_id == identifier)).one_or_none()
    if row is None:
        raise UnknownItemError("there is no disagreement on this decision")
    if row.state != "disagreed":
        raise StaleError("this disagreement is settled already")
    if lead in {row.first_by, row.second_by}:
        raise NotAllowedError("whoever judged cannot also adjudicate")
    last = {"adjudicated_by": lead, "adjudicated_kind": kind.value, "adjudicated_note": checked_note(note)}
    connection.execute(
        update(second_reviews).where(second_reviews.c.decision_id == identifier).values(state="adjudicated", **last)
    )
    stands = standing(connection, identifier)
    if stands is None or stands.kind != kind.value:
        judge(connection, identifier, kind=kind, note=note, reviewer=lead, bench=bench)
    note_audit(connection, lead, "adjudicated", identifier, kind=kind)


def _second(connection: Connection, due: object, *, kind: VerdictKind, note: str, reviewer: str) -> None:
    identifier, first_kind = due.decision_id, due.first_kind  # type: ignore[attr-defined]  # a row
    state = "agreed" if first_kind == kind.value else "disagreed"
    said = {"second_by": reviewer, "second_kind": kind.value, "second_note": checked_note(note), "second_at": now()}
    connection.execute(
        update(second_reviews).where(second_reviews.c.decision_id == identifier).values(state=state, **said)
    )
    close(connection, identifier)  # earlier versions left open what was retracted and told again
    note_audit(connection, reviewer, "second review", identifier, kind=kind)
