"""The app: every route of the table of access with its handler, and what is true of all answers."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fastapi import Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles
from fastapi.templating import Jinja2Templates
from starlette.exceptions import HTTPException
from starlette.middleware.trustedhost import TrustedHostMiddleware

from detector.errors import DetectorError
from pipelines.store import StoreError
from pipelines.store.engine import UnstorableError
from pipelines.store.faults import NotAllowedError, StaleError, UnfitError, UnknownItemError
from review import api
from review.access import RULES
from review.pages import leading, measuring, signing, working
from review.sizes import SizeLimit
from review.visit import NOBODY, RefusedError, Workbench, admitted

FOLDER = Path(__file__).parent
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",  # without one, browsers hide the origin of a form
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
BESIDE = {"HX-Retarget": "find .told", "HX-Reswap": "innerHTML"}
"""Where htmx puts what is wrong: into the form that was sent, whose card stays as it is, with the note in it."""
STATUS: Mapping[type[DetectorError], int] = {
    UnknownItemError: 404,
    StaleError: 409,
    NotAllowedError: 403,
    UnfitError: 422,
    UnstorableError: 422,
    StoreError: 503,
}
HANDLERS: Mapping[tuple[str, str], Callable[..., Any]] = {
    ("GET", "/healthz"): signing.healthz,
    ("GET", "/login"): signing.show_login,
    ("POST", "/login"): signing.log_in,
    ("GET", "/enter"): signing.enter,
    ("POST", "/logout"): signing.log_out,
    ("GET", "/"): signing.home,
    ("GET", "/mine"): leading.show_mine,
    ("GET", "/calls/{call_id:path}"): working.show_call,
    ("GET", "/appeals"): leading.show_appeals,
    ("POST", "/decisions/{decision_id}/appeal"): leading.appeal,
    ("GET", "/queue"): working.show_queue,
    ("POST", "/queue/next"): working.start_next,
    ("POST", "/queue/call"): working.claim_call,
    ("POST", "/decisions/{decision_id}/claim"): working.claim,
    ("POST", "/decisions/{decision_id}/verdict"): working.judge,
    ("POST", "/verdicts/{verdict_id}/undo"): working.undo,
    ("POST", "/missed"): working.mark_missed,
    ("POST", "/read"): working.mark_read,
    ("GET", "/figures"): measuring.show_figures,
    ("GET", "/figures/{name}.csv"): measuring.figures_csv,
    ("GET", "/calibration"): leading.show_calibration,
    ("POST", "/decisions/{decision_id}/adjudication"): leading.adjudicate,
    ("POST", "/appeals/{appeal_id}"): leading.advance,
    ("GET", "/exports"): measuring.show_exports,
    ("GET", "/exports/{name}"): measuring.export,
    ("POST", "/exports/label-studio"): measuring.take_label_studio,
    ("GET", "/accounts"): leading.show_accounts,
    ("POST", "/accounts"): leading.put_account,
    ("POST", "/accounts/close"): leading.close_account,
    ("GET", "/trail"): leading.show_trail,
    ("GET", "/api/openapi.json"): api.openapi,
    ("GET", "/api/queue"): api.queue,
    ("GET", "/api/calls/{call_id:path}"): api.call,
    ("POST", "/api/decisions/{decision_id}/verdict"): api.judge,
    ("POST", "/api/verdicts/{verdict_id}/undo"): api.undo,
    ("POST", "/api/missed"): api.miss,
    ("GET", "/api/appeals"): api.appeals,
    ("POST", "/api/decisions/{decision_id}/appeal"): api.appeal,
    ("GET", "/api/figures"): api.figures,
}
API_FAULTS: dict[int | str, dict[str, Any]] = {
    status: {"description": told, "model": api.Problem}
    for status, told in (
        (401, "Log in first."),
        (403, "Not yours to do."),
        (404, "Unknown."),
        (409, "Stale."),
        (413, "Too large."),
        (422, "It makes no sense."),
        (503, "The store is busy, or does not answer."),
    )
}


def make_app(workbench: Workbench, *, hosts: tuple[str, ...]) -> FastAPI:
    """Return the app; only the table of access says which routes there are."""
    app = FastAPI(
        title="Review", version="1", openapi_url=None, docs_url=None, redoc_url=None, dependencies=[Depends(admitted)]
    )
    app.state.workbench = workbench
    for (method, path), handler in ((key, HANDLERS[key]) for key in RULES):
        described = path.startswith("/api/") and handler is not api.openapi
        made: dict[str, Any] = {"responses": API_FAULTS} if described else {"response_model": None}
        app.add_api_route(path, handler, methods=[method], include_in_schema=described, **made)
    app.mount("/static", StaticFiles(directory=FOLDER / "static"), name="static")
    app.add_middleware(SizeLimit, told=_problem)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(hosts))
    app.middleware("http")(_guarded)
    for kind in (RefusedError, DetectorError, HTTPException, RequestValidationError):
        app.add_exception_handler(kind, _problem)
    return app


def make_pages() -> Jinja2Templates:
    """Return the templates; all that is put into them is escaped."""
    pages = Jinja2Templates(directory=FOLDER / "templates")
    pages.env.filters |= {"clock": _clock, "spoken": _spoken, "day": _day, "share": _share, "signed": _signed}
    pages.env.trim_blocks = pages.env.lstrip_blocks = True
    return pages


async def _guarded(request: Request, following: Callable[[Request], Awaitable[Response]]) -> Response:
    answer = await following(request)
    answer.headers.update(HEADERS)
    if not request.url.path.startswith("/static/"):
        answer.headers["Cache-Control"] = "no-store"
    return answer


async def _problem(request: Request, error: Exception) -> Response:
    """Tell what is wrong: over JSON to programs, as a page or a notice to people. No words of a call are in it."""
    status, told = _told(error)
    told = told.encode(errors="replace").decode()  # half a character, sent in, may be told of
    if request.url.path.startswith("/api/"):
        return JSONResponse({"detail": told}, status)
    beside = "hx-request" in request.headers
    if status == 401 and not beside:  # noqa: PLR2004 - nobody has logged in
        return RedirectResponse("/login", 303)
    workbench: Workbench = request.app.state.workbench
    context = {"told": told, "user": NOBODY, "csrf": ""}
    if beside:
        return workbench.pages.TemplateResponse(request, "notice.html", context, status, headers=BESIDE)
    return workbench.pages.TemplateResponse(request, "problem.html", context, status)


def _told(error: Exception) -> tuple[int, str]:
    match error:
        case RefusedError():
            return error.status, error.told
        case HTTPException():
            return error.status_code, str(error.detail)
        case RequestValidationError():
            places = {".".join(map(str, part["loc"][1:])): part["msg"] for part in error.errors()}
            return 422, "; ".join(f"{place}: {what}" for place, what in list(places.items())[:3])
        case _:
            return next((status for kind, status in STATUS.items() if isinstance(error, kind)), 400), str(error)


def _clock(milliseconds: int | None) -> str:
    if milliseconds is None:
        return ""
    minutes, seconds = divmod(milliseconds // 1000, 60)
    return f"{minutes}:{seconds:02d}"


def _spoken(told: object) -> str:
    return str(told).replace("_", " ")


def _day(moment: datetime | None) -> str:
    return "" if moment is None else moment.astimezone(UTC).strftime("%-d %b %Y, %H:%M")


def _share(value: float | None) -> str:
    return "–" if value is None or value != value else f"{value:.2f}"  # noqa: PLR0124 - NaN is not itself


def _signed(value: float) -> str:
    return f"{value:+.1f}".replace("-", "−")
