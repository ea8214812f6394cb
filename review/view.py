"""A call as one person may see it: its words with marks, its decisions explained, verdicts that are theirs to know."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from detector.decision import Decision
from detector.playbook import Playbook
from pipelines.store.accounts import Role, User
from pipelines.store.faults import UnknownItemError
from pipelines.store.judging import seen_tag
from pipelines.store.reading import GivenVerdict, ReviewedCall, SaidTurn
from review.marks import Mark, Piece, pieces
from review.why import Why, why

LONG_GAP_MS = 4_000


@dataclass(frozen=True, slots=True)
class TurnView:
    """A turn with its words cut at the marks; `gap_ms` is the silence before it where that is long."""

    turn: SaidTurn
    pieces: tuple[Piece, ...]
    gap_ms: int | None


@dataclass(frozen=True, slots=True)
class DecisionView:
    """A decision as it is shown. `blind` hides what the first reviewer said from all others until a second spoke."""

    decision: Decision
    why: Why
    verdict: GivenVerdict | None
    blind: bool
    seen: str
    appeal: str | None


@dataclass(frozen=True, slots=True)
class CallView:
    """A whole call as it is shown."""

    call: ReviewedCall
    turns: tuple[TurnView, ...]
    decisions: tuple[DecisionView, ...]
    missed: tuple[GivenVerdict, ...]


def view(call: ReviewedCall, *, playbook: Playbook, user: User) -> CallView:
    """Return a call as a user sees it.

    Raises:
        UnknownItemError: the agent had no part in it; that there is such a call is not told.
    """
    if user.role is Role.AGENT:
        call = _of_agent(call, user.agent_id)
    words = {turn.turn_id: turn.words for turn in call.turns}
    made = tuple(_decision(one, call, words, playbook, user) for one in call.decisions)
    known = {one.decision.decision_id for one in made}
    unseen = (one for key, one in call.verdicts.items() if key not in known and one.kind == "missed")
    missed = tuple(_as_told(one, user) for one in unseen)
    marks = _marks(call, missed)
    shown = tuple(_turn(turn, before, marks) for turn, before in zip(call.turns, (None, *call.turns), strict=False))
    return CallView(call, shown, made, missed)


def _of_agent(call: ReviewedCall, agent_id: str | None) -> ReviewedCall:
    """Return what an agent may see of a call: all that was said, but only their own decisions, marks and scorecard.

    Raises:
        UnknownItemError: they had no part in it.
    """
    part = {call.agent_id, *(one.agent_id for one in call.turns), *(one.agent_id for one in call.decisions)}
    if agent_id is None or agent_id not in part:
        raise UnknownItemError("there is no such call")
    made = tuple(one for one in call.decisions if one.agent_id == agent_id)
    own = {one.decision_id for one in made}
    card = call.scorecard
    return replace(
        call,
        decisions=made,
        verdicts={key: one for key, one in call.verdicts.items() if key in own or one.agent_id == agent_id},
        appeals={key: state for key, state in call.appeals.items() if key in own},
        scorecard=card if card is not None and (card.agent_id or call.agent_id) == agent_id else None,
    )


def _decision(
    one: Decision, call: ReviewedCall, words: Mapping[str, str], playbook: Playbook, user: User
) -> DecisionView:
    verdict, second = call.verdicts.get(one.decision_id), call.second.get(one.decision_id)
    waits = second is not None and second.state == "pending" and second.first_by != user.user_id
    tag = seen_tag(
        None if verdict is None else verdict.verdict_id, one, second=None if second is None else second.state
    )
    explained = why(one, words.get(one.turn_id, ""), playbook)
    told = None if verdict is None or waits else _as_told(verdict, user)
    blind = waits and user.role is not Role.AGENT
    return DecisionView(one, explained, told, blind, tag, call.appeals.get(one.decision_id))


def _as_told(verdict: GivenVerdict, user: User) -> GivenVerdict:
    """Return a verdict as a user may know it: an agent neither reads the note nor learns who gave it."""
    return replace(verdict, note="", reviewer=None) if user.role is Role.AGENT else verdict


def _marks(call: ReviewedCall, missed: tuple[GivenVerdict, ...]) -> dict[str, list[Mark]]:
    """Return the marks of each turn: the rules' words where a rule hit, else the words that weighed."""
    found: dict[str, list[Mark]] = {}
    for one in call.decisions:
        by_rule = [span for span in one.evidence if span.source.startswith("rule:")]
        for span in by_rule or one.evidence:
            found.setdefault(one.turn_id, []).append(Mark(span.start, span.end, one.decision_id))
    for verdict in missed:
        if verdict.start is not None and verdict.end is not None:
            found.setdefault(verdict.turn_id, []).append(Mark(verdict.start, verdict.end, verdict.decision_id))
    return found


def _turn(turn: SaidTurn, before: SaidTurn | None, marks: Mapping[str, list[Mark]]) -> TurnView:
    gap = None
    if before is not None and before.end_ms is not None and turn.start_ms is not None:
        gap = turn.start_ms - before.end_ms
    told = gap if gap is not None and gap >= LONG_GAP_MS else None
    return TurnView(turn, tuple(pieces(turn.words, marks.get(turn.turn_id, ()))), told)
