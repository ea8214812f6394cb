"""Logging in and out."""

from typing import Annotated

from fastapi import Form, Response
from fastapi.responses import PlainTextResponse, RedirectResponse

from pipelines.store import accounts
from pipelines.store.accounts import Role
from pipelines.store.auditing import note
from pipelines.store.engine import alone
from review.visit import COOKIE, Visit, Visited

REFUSED = "Name and password do not fit, or there were too many attempts: wait ten minutes."


def healthz(_: Visited) -> PlainTextResponse:
    """Say that the app answers."""
    return PlainTextResponse("ok\n")


def show_login(visit: Visited) -> Response:
    """Show the login form."""
    return visit.page("login.html")


def log_in(visit: Visited, name: Annotated[str, Form()] = "", password: Annotated[str, Form()] = "") -> Response:
    """Log somebody in whose password fits; attempts are counted by name and by address, one after the other."""
    address = visit.request.client.host if visit.request.client else "unknown"
    by_name, by_address = f"name:{name[:200]}", f"address:{address}"
    counted = (by_name, by_address)
    with visit.workbench.store.writing() as connection:
        for one in counted:
            alone(connection, one)
        if any(accounts.too_many_attempts(connection, one) for one in counted):
            return visit.page("login.html", status=429, told=REFUSED)
        accounts.note_attempt(connection, by_name)
        attempt = accounts.note_attempt(connection, by_address)
    with visit.workbench.store.reading() as connection:
        fits = accounts.password_fits(connection, name, password)
    if not fits:
        return visit.page("login.html", status=401, told=REFUSED)
    with visit.workbench.store.writing() as connection:
        accounts.forget_attempts(connection, by_name)
        accounts.forget_attempt(connection, attempt)  # others' failures at this address stay
        note(connection, name, "logged in", name)
        token = accounts.open_session(connection, name)
    return _welcomed(visit, token)


def enter(visit: Visited, token: str = "") -> Response:
    """Let the bearer of the one-time token in, where no accounts are set up."""
    with visit.workbench.store.writing() as connection:
        if accounts.has_accounts(connection) or not visit.workbench.entry.take(token):
            return visit.page("login.html", status=403, told="This link was used already: start the app again.")
        session = accounts.open_session(connection, accounts.local_user(connection).user_id)
    return _welcomed(visit, session)


def log_out(visit: Visited) -> Response:
    """End the session."""
    with visit.workbench.store.writing() as connection:
        accounts.close_session(connection, visit.request.cookies.get(COOKIE, ""))
    answer = RedirectResponse("/login", 303)
    answer.delete_cookie(COOKIE)
    return answer


def home(visit: Visited) -> Response:
    """Send everybody to where their work is."""
    return RedirectResponse("/mine" if visit.user.role is Role.AGENT else "/queue", 303)


def _welcomed(visit: Visit, token: str) -> Response:
    answer = RedirectResponse("/", 303)
    answer.set_cookie(
        COOKIE,
        token,
        max_age=accounts.SESSION_HOURS * 3600,
        httponly=True,
        samesite="strict",
        secure=visit.workbench.secure,
    )
    return answer
