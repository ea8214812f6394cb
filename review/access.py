"""Who may do what: every route of the app, with the roles it is open to. What is not in the table is refused."""

from collections.abc import Mapping
from typing import TypeAlias

from pipelines.store.accounts import Role

Roles: TypeAlias = frozenset[Role]

ANYBODY: Roles | None = None
"""Also those who have not logged in."""

EVERYONE = frozenset(Role)
ANALYSTS = frozenset({Role.ANALYST, Role.LEAD, Role.ADMIN})
LEADS = frozenset({Role.LEAD, Role.ADMIN})
ADMINS = frozenset({Role.ADMIN})

RULES: Mapping[tuple[str, str], Roles | None] = {
    ("GET", "/healthz"): ANYBODY,
    ("GET", "/login"): ANYBODY,
    ("POST", "/login"): ANYBODY,
    ("GET", "/enter"): ANYBODY,
    ("POST", "/logout"): EVERYONE,
    ("GET", "/"): EVERYONE,
    ("GET", "/mine"): EVERYONE,
    ("GET", "/calls/{call_id:path}"): EVERYONE,  # an agent: of their own calls
    ("GET", "/appeals"): EVERYONE,  # an agent: their own
    ("POST", "/decisions/{decision_id}/appeal"): EVERYONE,  # an agent: of their own decisions
    ("GET", "/queue"): ANALYSTS,
    ("POST", "/queue/next"): ANALYSTS,
    ("POST", "/queue/call"): ANALYSTS,
    ("POST", "/decisions/{decision_id}/claim"): ANALYSTS,
    ("POST", "/decisions/{decision_id}/verdict"): ANALYSTS,
    ("POST", "/verdicts/{verdict_id}/undo"): ANALYSTS,
    ("POST", "/missed"): ANALYSTS,
    ("POST", "/read"): ANALYSTS,
    ("GET", "/figures"): ANALYSTS,
    ("GET", "/figures/{name}.csv"): ANALYSTS,
    ("GET", "/calibration"): LEADS,
    ("POST", "/decisions/{decision_id}/adjudication"): LEADS,
    ("POST", "/appeals/{appeal_id}"): LEADS,
    ("GET", "/exports"): LEADS,
    ("GET", "/exports/{name}"): LEADS,
    ("POST", "/exports/label-studio"): LEADS,
    ("GET", "/accounts"): ADMINS,
    ("POST", "/accounts"): ADMINS,
    ("POST", "/accounts/close"): ADMINS,
    ("GET", "/trail"): ADMINS,
    ("GET", "/api/openapi.json"): EVERYONE,
    ("GET", "/api/queue"): ANALYSTS,
    ("GET", "/api/calls/{call_id:path}"): EVERYONE,  # an agent: of their own calls
    ("POST", "/api/decisions/{decision_id}/verdict"): ANALYSTS,
    ("POST", "/api/verdicts/{verdict_id}/undo"): ANALYSTS,
    ("POST", "/api/missed"): ANALYSTS,
    ("GET", "/api/appeals"): EVERYONE,  # an agent: their own
    ("POST", "/api/decisions/{decision_id}/appeal"): EVERYONE,  # an agent: of their own decisions
    ("GET", "/api/figures"): ANALYSTS,
}


def admits(method: str, path: str, role: Role | None) -> bool:
    """Tell whether a route is open to a role, None being nobody; an unknown route is open to none."""
    key = ("GET" if method == "HEAD" else method, path)
    if key not in RULES:
        return False
    roles = RULES[key]
    return roles is None or role in roles
