"""The queue, a call, and what an analyst says of it."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import Form, Response
from fastapi.responses import RedirectResponse

from detector.judgement import VerdictKind
from pipelines.store import calibrating, counting, judging, queueing, reading
from pipelines.store.faults import StaleError, UnfitError
from pipelines.store.queueing import Filters
from review.access import LEADS
from review.quality import award_precision, award_scores
from review.queue import Item, ordered
from review.view import CallView, view
from review.visit import Visit, Visited

EACH = 12


def show_queue(
    visit: Visited,
    team: str = "",
    agent: str = "",
    behaviour: str = "",
    outcome: str = "",
    since: str = "",
    until: str = "",
) -> Response:
    """Show what to look at next."""
    filters = filters_of(team=team, agent=agent, behaviour=behaviour, outcome=outcome, since=since, until=until)
    with visit.workbench.store.reading() as connection:
        teams = queueing.teams(connection)
    chosen = {"team": team, "agent": agent, "behaviour": behaviour, "outcome": outcome, "since": since, "until": until}
    return visit.page("queue.html", items=queue_of(visit, filters), teams=teams, chosen=chosen)


def start_next(visit: Visited) -> Response:
    """Claim the first item that nobody has and open it."""
    for item in queue_of(visit, Filters()):
        with visit.workbench.store.writing() as connection:
            if queueing.claim(connection, item.key, user_id=visit.user.user_id):
                return RedirectResponse(place_of(item), 303)
    return RedirectResponse("/queue", 303)


def queue_of(visit: Visit, filters: Filters) -> list[Item]:
    """Return the queue of a user."""
    user, playbook = visit.user.user_id, visit.workbench.playbook
    with visit.workbench.store.reading() as connection:
        made = queueing.open_decisions(
            connection, filters, user_id=user, behaviours=[one.id for one in playbook.behaviours], each=EACH
        )
        everything = filters == Filters()
        decides = everything and visit.user.role in LEADS
        return ordered(
            made,
            changed=queueing.changed_decisions(connection, filters, user_id=user, limit=EACH),
            sample=queueing.sampled_calls(connection, filters, user_id=user, limit=EACH)
            if filters.behaviour is None and filters.outcome is None
            else (),
            appealed=queueing.appealed_decisions(connection, user_id=user, limit=EACH) if decides else (),
            second=queueing.second_reviews_for(connection, user_id=user, limit=EACH) if everything else (),
            precision=award_precision(counting.bands(connection, award=award_scores(playbook))),
            floor=playbook.strategy.award_precision_floor,
        )


def claim(visit: Visited, decision_id: str) -> Response:
    """Claim a decision and open its call."""
    with visit.workbench.store.writing() as connection:
        call_id = reading.call_of_decision(connection, decision_id)
        _claim(visit, connection, decision_id)
    return RedirectResponse(f"/calls/{quote(call_id)}#d-{decision_id}", 303)


def claim_call(visit: Visited, call_id: Annotated[str, Form()]) -> Response:
    """Claim a call that is to be read whole and open it."""
    with visit.workbench.store.writing() as connection:
        _claim(visit, connection, queueing.item_of_call(connection, call_id))
    return RedirectResponse(f"/calls/{quote(call_id)}", 303)


def show_call(visit: Visited, call_id: str) -> Response:
    """Show a call."""
    return visit.page("call.html", shown=call_view(visit, call_id), kinds=VerdictKind)


def call_view(visit: Visit, call_id: str) -> CallView:
    """Return a call as the user may see it."""
    with visit.workbench.store.reading() as connection:
        call = reading.whole_call(connection, call_id)
    return view(call, playbook=visit.workbench.playbook, user=visit.user)


def judge(
    visit: Visited,
    decision_id: str,
    kind: Annotated[str, Form()],
    seen: Annotated[str, Form()],
    note: Annotated[str, Form()] = "",
) -> Response:
    """Record a verdict; where somebody decided meanwhile, tell so and overwrite nothing."""
    told, status = "", 200
    try:
        with visit.workbench.store.writing() as connection:
            calibrating.decide(
                connection,
                decision_id,
                kind=kind_of(kind),
                note=note,
                reviewer=visit.user.user_id,
                bench=visit.workbench.bench,
                seen=seen,
            )
    except StaleError as error:
        told, status = str(error), 409
    return _card(visit, decision_id, told=told, status=status)


def undo(visit: Visited, verdict_id: str) -> Response:
    """Take a verdict back."""
    with visit.workbench.store.writing() as connection:
        decision_id = judging.undo(connection, verdict_id, reviewer=visit.user.user_id)
    return _card(visit, decision_id)


def mark_missed(
    visit: Visited,
    call_id: Annotated[str, Form()],
    turn_id: Annotated[str, Form()],
    behaviour: Annotated[str, Form()],
    start: Annotated[int, Form()],
    end: Annotated[int, Form()],
    note: Annotated[str, Form()] = "",
) -> Response:
    """Record a behaviour that the machine did not see."""
    with visit.workbench.store.writing() as connection:
        judging.miss(
            connection,
            call_id=call_id,
            turn_id=turn_id,
            behaviour=behaviour,
            start=start,
            end=end,
            note=note,
            reviewer=visit.user.user_id,
            bench=visit.workbench.bench,
        )
    return RedirectResponse(f"/calls/{quote(call_id)}", 303)


def mark_read(visit: Visited, call_id: Annotated[str, Form()]) -> Response:
    """Note that the whole call was read."""
    with visit.workbench.store.writing() as connection:
        reading.mark_read(connection, call_id, user_id=visit.user.user_id, behaviours=visit.workbench.names)
    return RedirectResponse(f"/calls/{quote(call_id)}", 303)


def kind_of(told: str) -> VerdictKind:
    """Return the verdict of a word.

    Raises:
        UnfitError: there is no such verdict.
    """
    if told not in set(VerdictKind):
        raise UnfitError(f"a verdict is one of: {', '.join(VerdictKind)}")
    return VerdictKind(told)


def filters_of(*, team: str, agent: str, behaviour: str, outcome: str, since: str, until: str) -> Filters:
    """Return the filters of a form; dates are whole days, the last included.

    Raises:
        UnfitError: a date cannot be read.
    """
    last = _day(until)
    try:
        after = None if last is None else last + timedelta(days=1)
    except OverflowError:
        after = None
    return Filters(team or None, agent or None, behaviour or None, outcome or None, _day(since), after)


def place_of(item: Item) -> str:
    """Return where an item of the queue is worked on."""
    return f"/calls/{quote(item.call_id)}" + (f"#d-{item.decision_id}" if item.decision_id else "")


def _day(told: str) -> datetime | None:
    try:
        return datetime.fromisoformat(told).replace(tzinfo=UTC) if told else None
    except ValueError:
        raise UnfitError("a date is written as 2026-03-01") from None


def _claim(visit: Visit, connection: Any, item: str) -> None:
    if not queueing.claim(connection, item, user_id=visit.user.user_id):
        raise StaleError("somebody else works on this: nothing is lost if you look, but they decide")


def _card(visit: Visit, decision_id: str, *, told: str = "", status: int = 200) -> Response:
    """Return what is shown of a decision after something was done with it: the card, or the whole page again."""
    with visit.workbench.store.reading() as connection:
        call_id = reading.call_of_decision(connection, decision_id)
    shown = call_view(visit, call_id)
    one = next((one for one in shown.decisions if one.decision.decision_id == decision_id), None)
    if not visit.by_htmx or one is None:
        return RedirectResponse(f"/calls/{quote(call_id)}#d-{decision_id}", 303) if not told else _stale(visit, told)
    return visit.page("card.html", one=one, shown=shown, told=told, status=status)


def _stale(visit: Visit, told: str) -> Response:
    return visit.page("problem.html", status=409, told=told)
