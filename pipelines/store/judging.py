"""Verdicts into the store: with what is known for settling them, the outbox and the audit trail, all or nothing."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from sqlalchemy import ColumnElement, Connection, delete, insert, select, update

from detector.decision import Decision, decision_id
from detector.judgement import VerdictKind
from detector.playbook import Playbook
from detector.settlement import judged_from_memory
from detector.transcript import Speaker
from detector.verdict import Verdict
from pipelines.store import outbox
from pipelines.store.auditing import note as note_audit
from pipelines.store.conditions import first_word_hidden
from pipelines.store.engine import now
from pipelines.store.faults import NotAllowedError, StaleError, UnfitError, UnknownItemError
from pipelines.store.masking import masked
from pipelines.store.tables import (
    appeal_steps,
    appeals,
    calls,
    claims,
    decisions,
    second_reviews,
    turns,
    verdicts,
)

MAX_NOTE = 4_000


@dataclass(frozen=True, slots=True)
class Bench:
    """What verdicts are settled by: the playbook, and whose calls these are; how many are reviewed a second time."""

    playbook: Playbook
    tenant: str
    second_share: float = 0.1


def seen_tag(verdict_id: str | None, decision: Decision, *, second: str | None) -> str:
    """Return what a page saw of a decision: another tag later means that somebody or something changed it.

    `second` is the state of its second review, None where there is none.
    """
    return f"{verdict_id or 'none'}.{second or 'single'}.{decision.revision}.{decision.outcome}"


def judge(
    connection: Connection,
    identifier: str,
    *,
    kind: VerdictKind,
    note: str,
    reviewer: str,
    bench: Bench,
    seen: str | None = None,
) -> str:
    """Record a verdict on a decision; return its id.

    `seen` is the tag of the page it was given on, None where it holds whatever was said before (adjudication).

    Raises:
        UnknownItemError: no such decision.
        StaleError: somebody decided meanwhile, or the decision has changed.
        UnfitError: a verdict that cannot be given of a decision.
    """
    check_kind(kind)
    row = decision_to_judge(connection, identifier, bench=bench)
    decision = Decision.model_validate_json(row.value)
    check_unchanged(connection, row, seen=seen, reviewer=reviewer)
    verdict_id = _record(connection, decision, kind=kind, note=note, reviewer=reviewer, bench=bench, row=row)
    close(connection, identifier)
    return verdict_id


def miss(
    connection: Connection,
    *,
    call_id: str,
    turn_id: str,
    behaviour: str,
    start: int,
    end: int,
    note: str,
    reviewer: str,
    bench: Bench,
) -> str:
    """Record that the machine missed a behaviour in some words of an agent's turn; return the verdict's id.

    Another mark of one's own takes the place of the one before; the same again changes nothing.

    Raises:
        UnknownItemError: no such turn.
        UnfitError: an unknown behaviour, another's turn, words outside the turn, or the machine did decide on it.
        StaleError: somebody else has marked this behaviour in the turn.
    """
    outbox.alone_on(connection, call_id)
    turn = connection.execute(
        select(turns).where((turns.c.call_id == call_id) & (turns.c.turn_id == turn_id))
    ).one_or_none()
    call = connection.execute(select(calls).where(calls.c.call_id == call_id)).one_or_none()
    if turn is None or call is None:
        raise UnknownItemError("there is no such turn")
    if not bench.playbook.has(behaviour):
        raise UnfitError("the playbook has no such behaviour")
    if turn.speaker != Speaker.AGENT.value:
        raise UnfitError("only what the agent says is marked: choose one of the agent's turns")
    if not 0 <= start < end <= len(turn.words):
        raise UnfitError("select words within one turn")
    identifier = decision_id(tenant=bench.tenant, call_id=call_id, turn_id=turn_id, behaviour=behaviour)
    there = connection.scalar(select(decisions.c.state).where(decisions.c.decision_id == identifier))
    if there is not None and there != "retracted":
        raise UnfitError("the machine did decide on this behaviour in this turn: judge its decision")
    before = mark_of_missed(connection, identifier)
    if before is not None and before.reviewer != reviewer:
        raise StaleError(f"{before.reviewer} has marked this behaviour in this turn already; nothing was overwritten")
    if before is not None and (before.start, before.end, before.note) == (start, end, checked_note(note)):
        return str(before.verdict_id)
    stand_in = _stand_in(identifier, call, turn, behaviour)
    return _record(
        connection,
        stand_in,
        kind=VerdictKind.MISSED,
        note=note,
        reviewer=reviewer,
        bench=bench,
        place=(start, end),
    )


def undo(connection: Connection, verdict_id: str, *, reviewer: str) -> str:
    """Take a verdict back that is not yet sent; what was said before it stands again. Return the decision's id.

    Raises:
        UnknownItemError: no such verdict.
        NotAllowedError: it is somebody else's.
        StaleError: it is sent already, no longer stands, or something said or decided since rests on it.
    """
    mine = verdicts.c.verdict_id == verdict_id
    call_id = connection.scalar(select(verdicts.c.call_id).where(mine))
    if call_id is None:
        raise UnknownItemError("there is no such verdict")
    outbox.alone_on(connection, call_id)
    row = connection.execute(select(verdicts).where(mine)).one()
    if row.reviewer != reviewer:
        raise NotAllowedError("this verdict is somebody else's")
    if not row.standing:
        raise StaleError(
            f"this verdict no longer stands: {'it was undone' if row.undone else 'another took its place'}"
        )
    if not outbox.withdraw(connection, verdict_id):
        raise StaleError("it was sent already: give another verdict in its place")
    if reason := _what_rests_on(connection, row):
        raise StaleError(f"{reason}: give another verdict in its place")
    connection.execute(update(verdicts).where(mine).values(standing=False, undone=True))
    _restore(connection, row.decision_id)
    note_audit(connection, reviewer, "verdict undone", row.decision_id, verdict_id=verdict_id)
    return str(row.decision_id)


def standing(connection: Connection, identifier: str) -> Any:
    """Return the row of the verdict that stands of a decision, or None."""
    return connection.execute(
        select(verdicts).where((verdicts.c.decision_id == identifier) & verdicts.c.standing)
    ).one_or_none()


def mark_of_missed(connection: Connection, identifier: str) -> Any:
    """Return the row of the mark that stands of what the machine missed, by the id a decision on it would have."""
    row = standing(connection, identifier)
    return row if row is not None and row.kind == VerdictKind.MISSED.value else None


def judged_blindly(connection: Connection, identifiers: Collection[str], *, user_id: str) -> set[str]:
    """Return those of some decisions whose first word a user may not know yet: a second, blind review is due."""
    theirs = second_reviews.c.decision_id.in_(list(identifiers))
    return set(connection.scalars(select(second_reviews.c.decision_id).where(theirs, first_word_hidden(user_id))))


def locked_decision(connection: Connection, identifier: str) -> Any:
    """Return a decision's row, locked until the transaction ends; no other verdict on its call is recorded till then.

    Raises:
        UnknownItemError: there is none.
    """
    own = decisions.c.decision_id == identifier
    call_id = connection.scalar(select(decisions.c.call_id).where(own))
    if call_id is None:
        raise UnknownItemError("there is no such decision")
    outbox.alone_on(connection, call_id)
    return connection.execute(select(decisions).where(own).with_for_update()).one()


def decision_to_judge(connection: Connection, identifier: str, *, bench: Bench) -> Any:
    """Return a decision's row, locked as `locked_decision` does.

    Raises:
        UnknownItemError: there is none.
        UnfitError: the playbook no longer has its behaviour, so that nothing can be settled.
    """
    row = locked_decision(connection, identifier)
    if not bench.playbook.has(row.behaviour):
        raise UnfitError("the playbook no longer has this behaviour: its decisions are shown, not judged")
    return row


def check_unchanged(connection: Connection, row: Any, *, seen: str | None, reviewer: str) -> None:
    """Refuse a word on a decision that is not as it was seen; None was seen where the word holds in any case.

    Raises:
        StaleError: somebody decided meanwhile, or the decision has changed; a first word that is not known yet is
            not told.
    """
    if row.state == "retracted":
        raise StaleError("the machine has taken this decision back meanwhile")
    if seen is None:
        return
    before = standing(connection, row.decision_id)
    second = connection.execute(
        select(second_reviews).where(second_reviews.c.decision_id == row.decision_id)
    ).one_or_none()
    present = seen_tag(
        None if before is None else before.verdict_id,
        Decision.model_validate_json(row.value),
        second=None if second is None else second.state,
    )
    if seen != present:
        raise StaleError(_what_changed(seen, before, second, reviewer=reviewer))


def close(connection: Connection, identifier: str) -> None:
    """Note that a decision is judged, so that nobody works on it any more."""
    connection.execute(update(decisions).where(decisions.c.decision_id == identifier).values(state="judged"))
    connection.execute(delete(claims).where(claims.c.item == identifier))


def check_kind(kind: VerdictKind) -> None:
    """Refuse what cannot be said of a decision.

    Raises:
        UnfitError: it is said to be missed.
    """
    if kind is VerdictKind.MISSED:
        raise UnfitError("what the machine saw was not missed: choose one of the other verdicts")


def checked_note(note: str) -> str:
    """Return a note as it is kept: masked as the call's own words are.

    Raises:
        UnfitError: it is too long.
    """
    if len(note) > MAX_NOTE:
        raise UnfitError(f"a note has at most {MAX_NOTE:,} characters, this one {len(note):,}")
    return masked(note.replace("\x00", "").strip())


def _record(
    connection: Connection,
    decision: Decision,
    *,
    kind: VerdictKind,
    note: str,
    reviewer: str,
    bench: Bench,
    row: Any = None,
    place: tuple[int, int] = (0, 0),
) -> str:
    """Write the verdict in place of the one before, the outbox and the trail."""
    kept = checked_note(note)
    call = connection.execute(select(calls).where(calls.c.call_id == decision.call_id)).one_or_none()
    verdict = Verdict(
        verdict_id=str(uuid4()),
        kind=kind,
        reviewer=reviewer,
        decided_at=now(),
        known=outbox.known(connection, decision, call=call, playbook=bench.playbook, tenant=bench.tenant),
        **{name: getattr(decision, name) for name in ("decision_id", "call_id", "turn_id", "behaviour", "agent_id")},
    )
    theirs = verdicts.c.decision_id == decision.decision_id
    connection.execute(update(verdicts).where(theirs).values(standing=False))
    connection.execute(
        insert(verdicts).values(
            **verdict.model_dump(include=set(verdicts.c.keys())),
            note=kept,
            start=place[0] or None if row is not None else place[0],
            end=place[1] or None,
            score=None if row is None else decision.score,
            outcome=None if row is None else decision.outcome.value,
            sampled=bool(call is not None and call.sampled),
            standing=True,
            undone=False,
        )
    )
    events = judged_from_memory(verdict, playbook=bench.playbook, tenant=bench.tenant)
    outbox.post(connection, verdict, expects=[one.id for one in events])
    note_audit(connection, reviewer, "verdict", decision.decision_id, kind=kind, verdict_id=verdict.verdict_id)
    return verdict.verdict_id


def _what_rests_on(connection: Connection, row: Any) -> str | None:
    """Say what was said or decided since and would be wrong without this verdict; None where nothing was."""
    second = connection.scalar(select(second_reviews.c.state).where(second_reviews.c.decision_id == row.decision_id))
    if second not in {None, "pending"}:
        return "somebody has reviewed it a second time"
    later = (
        (verdicts.c.call_id == row.call_id)
        & (verdicts.c.behaviour == row.behaviour)
        & verdicts.c.agent_id.is_not_distinct_from(row.agent_id)
        & (verdicts.c.number > row.number)
        & ~verdicts.c.undone
    )
    if connection.scalar(select(verdicts.c.number).where(later).limit(1)) is not None:
        return "a later verdict on this behaviour in the call counts on it"
    if outcome := _appeal_decided_on(connection, row):
        return f"an appeal was {outcome} on it"
    return None


def _appeal_decided_on(connection: Connection, row: Any) -> str | None:
    """Return how an appeal was decided by or after a verdict that stands; None where none was."""
    decided = (
        (appeals.c.decision_id == row.decision_id)
        & appeal_steps.c.state.in_(("upheld", "overturned"))
        & (appeal_steps.c.at >= row.decided_at)
    )
    return connection.scalar(
        select(appeal_steps.c.state)
        .join(appeals, appeals.c.appeal_id == appeal_steps.c.appeal_id)
        .where(decided)
        .order_by(appeal_steps.c.number.desc())
        .limit(1)
    )


def _restore(connection: Connection, identifier: str) -> None:
    """Let what was said before stand again; without a verdict the decision is open again, reviewed twice by nobody."""
    last = _last_said(connection, verdicts.c.decision_id == identifier)
    pair = second_reviews.c.decision_id == identifier
    if last is None or last.kind == VerdictKind.MISSED.value:  # marked before the machine decided
        own = decisions.c.decision_id == identifier
        connection.execute(update(decisions).where(own & (decisions.c.state == "judged")).values(state="open"))
        connection.execute(delete(second_reviews).where(pair))
    if last is None:
        return
    connection.execute(update(verdicts).where(verdicts.c.number == last.number).values(standing=True))
    first_by = connection.scalar(select(second_reviews.c.first_by).where(pair))
    first = _last_said(connection, (verdicts.c.decision_id == identifier) & (verdicts.c.reviewer == first_by))
    if first is not None:
        connection.execute(update(second_reviews).where(pair).values(first_kind=first.kind, first_note=first.note))


def _last_said(connection: Connection, which: ColumnElement[bool]) -> Any:
    """Return the row of the last verdict of some that was not undone, or None."""
    return connection.execute(
        select(verdicts).where(which & ~verdicts.c.undone).order_by(verdicts.c.number.desc()).limit(1)
    ).one_or_none()


def _what_changed(seen: str, before: Any, second: Any, *, reviewer: str) -> str:
    blind = second is not None and second.state == "pending" and second.first_by != reviewer
    if before is None or blind:
        return "the decision has changed meanwhile: look at it again; nothing was overwritten"
    if not seen.startswith(f"{before.verdict_id}."):
        return f"{before.reviewer} has said '{before.kind.replace('_', ' ')}' meanwhile; nothing was overwritten"
    if second is not None and not seen.startswith(f"{before.verdict_id}.{second.state}."):
        return f"its second review was given meanwhile: {second.state}; nothing was overwritten"
    return "the decision has changed meanwhile: look at it again; nothing was overwritten"


def _stand_in(identifier: str, call: Any, turn: Any, behaviour: str) -> Decision:
    """Return a decision in whose name a missed behaviour is told; it is not kept."""
    return Decision.model_validate(
        {
            "decision_id": identifier,
            "call_id": call.call_id,
            "turn_id": turn.turn_id,
            "index": turn.position,
            "agent_id": turn.agent_id or call.agent_id,
            "behaviour": behaviour,
            "outcome": "review",
            "score": 0.0,
            "evidence": (),
            "reasons": (),
            "playbook_version": "",
            "model_version": "",
        }
    )
