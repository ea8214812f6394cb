"""The JSON interface against its own description, with made-up requests: nothing breaks it."""

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import response_schema_conformance

from pipelines.store.accounts import Role
from review.access import RULES
from review.visit import COOKIE, CSRF_HEADER

TRIES = 25


def test_made_up_requests_break_nothing(app: Any, visitor: Any) -> None:
    """No request leads to an error of the server, and every answer is as it is described."""
    client = visitor(Role.ADMIN)
    description = client.get("/api/openapi.json").json()
    schema = schemathesis.openapi.from_dict(description)
    schema.app = app
    operations = [found.ok() for found in schema.get_all_operations()]
    cookies, headers = {COOKIE: client.cookies[COOKIE]}, {CSRF_HEADER: client.headers[CSRF_HEADER]}

    @given(case=st.one_of([operation.as_strategy() for operation in operations]))
    @settings(
        max_examples=TRIES * len(operations),
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
        derandomize=True,
        deadline=None,
    )
    def ask(case: Any) -> None:
        answer = case.call(base_url="http://127.0.0.1", headers=headers, cookies=cookies)
        case.validate_response(answer, checks=[not_a_server_error, response_schema_conformance])

    ask()

    described = {(method.upper(), path) for path, of in description["paths"].items() for method in of}
    there = {(method, path.replace(":path", "")) for method, path in RULES if path.startswith("/api/")}
    assert there - {("GET", "/api/openapi.json")} == {(method, path.replace(":path", "")) for method, path in described}


@pytest.mark.parametrize("role", [Role.AGENT, None])
def test_description_is_for_those_who_logged_in(visitor: Any, role: Role | None) -> None:
    """Nobody from outside reads it."""
    assert (200 if role else 401) == visitor(role).get("/api/openapi.json").status_code
