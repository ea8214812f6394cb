"""Every route as every role and as nobody; tokens, cookies, headers and logins."""

import re
from itertools import product
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from store_calls import a_call, fill

from pipelines.store import Store
from pipelines.store.accounts import ATTEMPTS, Role, all_users, put_user
from pipelines.store.reading import whole_call
from review.access import RULES, admits
from review.app import HANDLERS
from review.visit import COOKIE, CSRF_HEADER, Workbench

ROLES = (None, *Role)
REFUSED = {None: {303, 401}} | {role: {403} for role in Role}


def place(path: str) -> str:
    """Return a path with its parameters filled in by what is not there."""
    return re.sub(r"\{[^}]+\}", "nothing", path)


def form(page: str, action: str, *, holding: str = "") -> dict[str, str]:
    """Return the hidden fields of the first form of a page with an action that holds something."""
    forms = re.findall(rf'<form method="post" action="{action}".*?</form>', page, re.DOTALL)
    return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', next(one for one in forms if holding in one)))


@pytest.mark.parametrize(("route", "role"), list(product(RULES, ROLES)), ids=str)
def test_every_route_as_every_role(visitor: Any, route: tuple[str, str], role: Role | None) -> None:
    """A role gets past the door exactly where the table says so."""
    method, path = route
    client: TestClient = visitor(role)

    answer = client.request(method, place(path))

    refused = answer.status_code in REFUSED[role] and (
        role is not None or answer.headers.get("location", "/login") == "/login"
    )
    if path in {"/logout", "/enter", "/login"} and admits(method, path, role):
        refused = False
    assert admits(method, path, role) is not refused


def test_the_table_and_the_app_have_the_same_routes(app: FastAPI) -> None:
    """No route is outside the table, and none of the table is missing."""
    there = {
        (method, route.path) for route in app.routes if isinstance(route, APIRoute) for method in route.methods or ()
    }

    assert set(RULES) == there == set(HANDLERS)


@pytest.mark.parametrize("path", [path for method, path in RULES if method == "POST" and path != "/login"])
def test_nothing_changes_without_the_sessions_token(visitor: Any, path: str) -> None:
    """A request from another page, which does not know the token, is refused."""
    client = visitor(Role.ADMIN)
    del client.headers[CSRF_HEADER]

    assert 403 == client.post(place(path)).status_code


def test_request_of_another_site_is_refused(visitor: Any) -> None:
    """Also with the right token, and also a login."""
    client = visitor(Role.ADMIN)
    elsewhere = {"Origin": "https://elsewhere.example"}

    assert 403 == client.post("/logout", headers=elsewhere).status_code
    assert 403 == client.post("/login", headers=elsewhere).status_code


def test_agent_sees_their_own_only(visitor: Any) -> None:
    """Another agent's call is as if it were not there; nor can it be appealed against."""
    agent = visitor(Role.AGENT)

    assert 200 == agent.get("/calls/c1").status_code
    assert 404 == agent.get("/calls/other").status_code
    assert 404 == agent.get("/api/calls/other").status_code
    assert agent.get("/api/calls/nothing").json() == agent.get("/api/calls/other").json()


def test_agents_of_one_call_see_what_is_theirs(visitor: Any, store: Store) -> None:
    """Whoever spoke in a call reads it whole; of decisions, verdicts, marks and appeals each sees their own."""
    one = a_call("shared")
    said = [one.turns[0], one.turns[1], *(turn.model_copy(update={"agent_id": "b"}) for turn in one.turns[2:])]
    marked = said[1].model_copy(update={"turn_id": "marked", "index": 4, "agent_id": "b", "text": "so long"})
    spoken = marked.model_copy(update={"turn_id": "spoken", "index": 5, "agent_id": "c"})
    fill(store, one.model_copy(update={"turns": (*said, marked, spoken)}))
    analyst = visitor(Role.ANALYST)
    for each in analyst.get("/api/calls/shared").json()["decisions"]:
        told = {"kind": "wrong_sense", "seen": each["seen"]}
        assert 200 == analyst.post(f"/api/decisions/{each['decision_id']}/verdict", json=told).status_code
    place = {"call_id": "shared", "turn_id": "marked", "behaviour": "apologise", "start": 0, "end": 2}
    assert 200 == analyst.post("/api/missed", json=place).status_code
    agents = {name: visitor(Role.AGENT, name, agent_id=name) for name in "abcd"}

    told = {name: agents[name].get("/api/calls/shared") for name in agents}

    assert [200, 200, 200, 404] == [one.status_code for one in told.values()]
    seen = {name: answer.json() for name, answer in told.items() if answer.status_code == 200}
    assert {6} == {len(call["turns"]) for call in seen.values()}
    assert {"a": ["a"], "b": ["b"], "c": []} == {name: _agents(call["decisions"]) for name, call in seen.items()}
    assert {"a": [], "b": ["b"], "c": []} == {name: _agents(call["missed"]) for name, call in seen.items()}
    assert {"a": True, "b": False, "c": False} == {name: call["scorecard"] is not None for name, call in seen.items()}
    theirs = seen["b"]["decisions"][0]["decision_id"]
    assert "wrong_sense" == seen["b"]["decisions"][0]["verdict"]["kind"]
    assert 200 == agents["b"].post(f"/api/decisions/{theirs}/appeal", json={"note": "why"}).status_code
    pages = {name: agents[name].get("/calls/shared").text for name in "abc"}
    assert {"a": False, "b": True, "c": False} == {name: "appeal requested" in page for name, page in pages.items()}
    assert not [name for name in "ac" if theirs in pages[name]]


def test_agent_finds_calls_with_decisions_on_them(visitor: Any, store: Store) -> None:
    """Also where another agent began the call, whose scorecard is not told."""
    one = a_call("shared", agent_id="b")
    fill(
        store, one.model_copy(update={"turns": tuple(turn.model_copy(update={"agent_id": "e"}) for turn in one.turns)})
    )

    page = visitor(Role.AGENT, "e", agent_id="e").get("/mine").text

    assert ["/calls/shared"] == re.findall(r'href="(/calls/[^"]+)"', page)
    assert "o-done" not in page


def test_agent_cannot_appeal_for_another(visitor: Any, store: Store) -> None:
    """The other's decision is unknown to them."""
    with store.reading() as connection:
        theirs = whole_call(connection, "other").decisions[0].decision_id

    assert 404 == visitor(Role.AGENT).post(f"/decisions/{theirs}/appeal", data={"note": "why"}).status_code


def test_login_sets_a_cookie_no_script_can_read(visitor: Any, store: Store) -> None:
    """The right password lets in; the cookie is http-only and strict."""
    with store.writing() as connection:
        put_user(connection, "q", role=Role.ANALYST, password="long enough")

    answer = visitor(None).post("/login", data={"name": "q", "password": "long enough"})

    assert 303 == answer.status_code
    assert {"HttpOnly", "SameSite=strict"} <= set(answer.headers["set-cookie"].split("; "))


def test_login_is_limited(visitor: Any, store: Store) -> None:
    """After eight wrong passwords the right one no longer helps."""
    with store.writing() as connection:
        put_user(connection, "q", role=Role.ANALYST, password="long enough")
    client = visitor(None)

    told = [client.post("/login", data={"name": "q", "password": "wrong"}).status_code for _ in range(8)]

    assert [401] * 8 == told
    assert 429 == client.post("/login", data={"name": "q", "password": "long enough"}).status_code


def test_login_forgets_the_failures_of_its_name_only(visitor: Any, store: Store) -> None:
    """Whoever has an account cannot try others' passwords for ever by logging in between, and is not counted for it."""
    with store.writing() as connection:
        put_user(connection, "q", role=Role.ANALYST, password="long enough")

    def told(name: str, password: str) -> int:
        return int(visitor(None).post("/login", data={"name": name, "password": password}).status_code)

    assert [303] * ATTEMPTS == [told("q", "long enough") for _ in range(ATTEMPTS)]
    assert [401, 303] * (ATTEMPTS - 1) == [
        told(*one) for number in range(ATTEMPTS - 1) for one in ((f"n{number}", "wrong"), ("q", "long enough"))
    ]
    assert [401, 429] == [told("last", "wrong"), told("q", "long enough")]


def test_who_is_logged_in_may_log_in_again(visitor: Any, store: Store) -> None:
    """The form of the login carries the session's token where there is a session."""
    with store.writing() as connection:
        put_user(connection, "q", role=Role.LEAD, password="long enough")
    client = visitor(Role.ANALYST)
    del client.headers[CSRF_HEADER]

    told = form(client.get("/login").text, "/login") | {"name": "q", "password": "long enough"}

    assert 303 == client.post("/login", data=told).status_code
    assert "q · lead" in client.get("/queue").text


def test_verdict_after_the_session_is_over_leaves_the_card(visitor: Any) -> None:
    """To htmx the login page is not sent, but a notice that goes into the form: the card and its note stay."""
    answer = visitor(None).post("/decisions/d/verdict", data={"kind": "correct"}, headers={"HX-Request": "true"})

    assert 401 == answer.status_code
    assert "Log in first: nothing was done" in answer.text
    assert ("find .told", "innerHTML") == (answer.headers["hx-retarget"], answer.headers["hx-reswap"])


@pytest.mark.parametrize("name", ["sales/anna", "..", "a?b#c", "100%25"])
def test_account_of_any_name_can_be_closed(visitor: Any, store: Store, name: str) -> None:
    """What stands in a name leads nowhere else: the button beside an account closes that one."""
    admin = visitor(Role.ADMIN)
    admin.post("/accounts", data={"name": name, "role": "analyst", "password": "long enough"})

    told = form(admin.get("/accounts").text, "/accounts/close", holding=f'value="{name}"')

    assert 303 == admin.post("/accounts/close", data=told).status_code
    with store.reading() as connection:
        assert [False] == [one.active for one in all_users(connection) if one.user_id == name]


def test_one_time_token_opens_once(visitor: Any, workbench: Workbench) -> None:
    """The link printed at start lets one in, where no accounts are set up; used again it does not."""
    workbench.entry.token = "secret"
    client = visitor(None)

    assert 403 == client.get("/enter?token=guess").status_code
    assert 303 == client.get("/enter?token=secret").status_code
    assert COOKIE in client.cookies
    assert 403 == client.get("/enter?token=secret").status_code


def test_every_answer_carries_the_policy(visitor: Any) -> None:
    """Pages, problems and files alike; nothing of another site may be loaded."""
    client = visitor(Role.ADMIN)

    for path in ("/queue", "/calls/nothing", "/static/review.css", "/api/queue"):
        policy = client.get(path).headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "http" not in policy
        assert "unsafe" not in policy


def test_wrong_host_is_refused(app: FastAPI) -> None:
    """A name that is not ours, which another site may have pointed here, gets nothing."""
    assert 400 == TestClient(app, base_url="http://elsewhere.example").get("/healthz").status_code


def _agents(told: list[dict[str, Any]]) -> list[str]:
    return [one["agent_id"] for one in told]
