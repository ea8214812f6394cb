"""A request with who makes it. Everything that changes something must carry the session's token."""

import secrets
from dataclasses import dataclass, field
from typing import Annotated, Any
from urllib.parse import urlsplit

from fastapi import Depends, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.templating import Jinja2Templates

from detector.playbook import Playbook
from pipelines.store import Store
from pipelines.store.accounts import Session, User, session_of
from pipelines.store.judging import Bench
from review.access import admits

COOKIE = "review_session"
CSRF_HEADER = "X-CSRF-Token"
NOBODY = User("", role=None)  # type: ignore[arg-type]  # has no role


class RefusedError(Exception):
    """A request that is turned away: 401 is nobody, 403 somebody who may not."""

    def __init__(self, status: int, told: str) -> None:
        self.status, self.told = status, told
        super().__init__(told)


@dataclass(slots=True)
class Entry:
    """The one-time token that lets the first comer in where no accounts are set up."""

    token: str | None = None

    def take(self, given: str) -> bool:
        """Tell whether the token fits; it fits once."""
        fits = self.token is not None and secrets.compare_digest(given.encode(), self.token.encode())
        if fits:
            self.token = None
        return fits


@dataclass(frozen=True, slots=True)
class Workbench:
    """What the app is made of. `secure` cookies go over TLS only."""

    store: Store
    playbook: Playbook
    bench: Bench
    pages: Jinja2Templates
    appeal_days: int = 30
    secure: bool = False
    entry: Entry = field(default_factory=Entry)

    @property
    def names(self) -> dict[str, str]:
        """The behaviours' names by id."""
        return {one.id: one.name for one in self.playbook.behaviours}


@dataclass(frozen=True, slots=True)
class Visit:
    """A request of somebody who may make it."""

    request: Request
    workbench: Workbench
    user: User
    csrf: str = ""

    def page(self, name: str, /, *, status: int = 200, **context: Any) -> Response:
        """Return a page made from its template."""
        told = {"user": self.user, "csrf": self.csrf, "names": self.workbench.names} | context
        return self.workbench.pages.TemplateResponse(self.request, name, told, status_code=status)

    @property
    def by_htmx(self) -> bool:
        """Tell whether a part of a page is asked for."""
        return "hx-request" in self.request.headers


async def admitted(request: Request) -> Visit:
    """Return the visit of a request that the table of routes lets in.

    Raises:
        RefusedError: nobody has logged in, the role may not, or the request comes from another site.
    """
    workbench: Workbench = request.app.state.workbench
    token = request.cookies.get(COOKIE, "")
    session = await run_in_threadpool(_session, workbench, token) if token else None
    path = request.scope["route"].path
    if not admits(request.method, path, session.user.role if session else None):
        raise (
            RefusedError(403, "your role does not include this")
            if session
            else RefusedError(401, "log in first: nothing was done")
        )
    if request.method not in {"GET", "HEAD"}:
        await _check_origin(request, session)
    return Visit(request, workbench, session.user if session else NOBODY, session.csrf if session else "")


def _session(workbench: Workbench, token: str) -> Session | None:
    with workbench.store.reading() as connection:
        return session_of(connection, token)


async def _check_origin(request: Request, session: Session | None) -> None:
    origin = request.headers.get("origin")
    if origin is not None and _host_of(origin) != request.headers.get("host"):
        raise RefusedError(403, "this request comes from another site")
    if session is None:
        return
    given = request.headers.get(CSRF_HEADER) or str((await request.form()).get("csrf", ""))
    if not secrets.compare_digest(given.encode(errors="replace"), session.csrf.encode()):
        raise RefusedError(403, "this page is out of date: load it again")


def _host_of(origin: str) -> str | None:
    """Return the host of an origin, None where it is written as no address is."""
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return None


Visited = Annotated[Visit, Depends(admitted)]
