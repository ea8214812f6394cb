"""Calibration, appeals, an agent's own page, accounts and the trail."""

from dataclasses import replace
from typing import Annotated

from fastapi import Form, Response
from fastapi.responses import RedirectResponse

from detector.decision import Scorecard
from detector.judgement import VerdictKind
from pipelines.store import accounts, appealing, auditing, calibrating, judging, reading
from pipelines.store.accounts import Role
from pipelines.store.appealing import AppealState
from pipelines.store.faults import UnfitError
from review.agreement import by_behaviour, by_people
from review.pages.working import kind_of
from review.visit import Visit, Visited


def show_calibration(visit: Visited) -> Response:
    """Show how far people agree, and where they do not."""
    with visit.workbench.store.reading() as connection:
        pairs = calibrating.pairs(connection)
    return visit.page(
        "calibration.html",
        behaviours=by_behaviour(pairs),
        people=by_people(pairs),
        open=[one for one in pairs if one.state == "disagreed"],
        settled=[one for one in pairs if one.state == "adjudicated"],
        kinds=[one for one in VerdictKind if one is not VerdictKind.MISSED],
    )


def adjudicate(
    visit: Visited, decision_id: str, kind: Annotated[str, Form()], note: Annotated[str, Form()] = ""
) -> Response:
    """Give the last word on a disagreement."""
    with visit.workbench.store.writing() as connection:
        calibrating.adjudicate(
            connection,
            decision_id,
            kind=kind_of(kind),
            note=note,
            lead=visit.user.user_id,
            bench=visit.workbench.bench,
        )
    return RedirectResponse("/calibration", 303)


def show_appeals(visit: Visited) -> Response:
    """Show appeals; an agent's own only."""
    with visit.workbench.store.reading() as connection:
        appeals = appealing.listed(connection, user=visit.user)
    kinds = [one for one in VerdictKind if one is not VerdictKind.MISSED]
    return visit.page("appeals.html", appeals=appeals, kinds=kinds, next=appealing.NEXT)


def appeal(visit: Visited, decision_id: str, note: Annotated[str, Form()] = "") -> Response:
    """Ask for another look at a decision."""
    with visit.workbench.store.writing() as connection:
        days = visit.workbench.appeal_days
        appealing.request(connection, decision_id, by=visit.user, note=note, days=days)
    return RedirectResponse("/appeals", 303)


def advance(
    visit: Visited,
    appeal_id: str,
    to: Annotated[str, Form()],
    kind: Annotated[str, Form()] = "",
    note: Annotated[str, Form()] = "",
) -> Response:
    """Take an appeal a step on."""
    if to not in set(AppealState):
        raise UnfitError(f"an appeal is one of: {', '.join(AppealState)}")
    with visit.workbench.store.writing() as connection:
        appealing.advance(
            connection,
            appeal_id,
            to=AppealState(to),
            by=visit.user,
            note=note,
            bench=visit.workbench.bench,
            kind=kind_of(kind) if kind and to == AppealState.OVERTURNED else None,
        )
    return RedirectResponse("/appeals", 303)


def show_mine(visit: Visited) -> Response:
    """Show an agent their own calls and scorecards."""
    with visit.workbench.store.reading() as connection:
        rows = reading.calls_of_agent(connection, visit.user.agent_id or "")
    calls = [(row, Scorecard.model_validate_json(row.value).outcomes if row.value else {}) for row in rows]
    return visit.page("mine.html", calls=calls)


def show_accounts(visit: Visited) -> Response:
    """Show who may work here."""
    with visit.workbench.store.reading() as connection:
        users = accounts.all_users(connection)
    return visit.page("accounts.html", users=users, roles=Role)


def put_account(
    visit: Visited,
    name: Annotated[str, Form()],
    role: Annotated[str, Form()],
    password: Annotated[str, Form()],
    agent_id: Annotated[str, Form()] = "",
) -> Response:
    """Make an account or change it."""
    if role not in set(Role):
        raise UnfitError(f"a role is one of: {', '.join(Role)}")
    with visit.workbench.store.writing() as connection:
        accounts.put_user(
            connection, name, role=Role(role), password=password, agent_id=agent_id or None, by=visit.user.user_id
        )
    return _to_accounts(visit)


def close_account(visit: Visited, name: Annotated[str, Form()]) -> Response:
    """Close an account; its name may hold what no path does."""
    if name == visit.user.user_id:
        raise UnfitError("you cannot close your own account")
    with visit.workbench.store.writing() as connection:
        accounts.disable_user(connection, name, by=visit.user.user_id)
    return _to_accounts(visit)


def show_trail(visit: Visited) -> Response:
    """Show who did what when; of a decision that is judged blindly, not what was said."""
    with visit.workbench.store.reading() as connection:
        entries = auditing.latest(connection)
        hidden = judging.judged_blindly(connection, {one.subject for one in entries}, user_id=visit.user.user_id)
    return visit.page("trail.html", entries=[_wordless(one) if one.subject in hidden else one for one in entries])


def _wordless(entry: auditing.Entry) -> auditing.Entry:
    return replace(entry, detail={name: told for name, told in entry.detail.items() if name != "kind"})


def _to_accounts(_: Visit) -> Response:
    return RedirectResponse("/accounts", 303)
