"""What is sent in to break the app: too much, half characters, origins that are none."""

from collections.abc import Iterator
from typing import Any

import pytest

from pipelines.store.accounts import Role
from review.sizes import MAX_BYTES, MAX_UPLOAD_BYTES
from review.visit import CSRF_HEADER

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
JSON = {"Content-Type": "application/json"}
HALF = "multipart/form-data; boundary=x; charset=unicode_escape"
"""A form whose bytes may say half a character."""


@pytest.mark.parametrize(
    ("path", "headers"), [("/login", FORM), ("/api/missed", JSON), ("/exports/label-studio", FORM)], ids=str
)
def test_what_says_that_it_is_too_large_is_not_read(visitor: Any, path: str, headers: dict[str, str]) -> None:
    """By its length alone it is turned away with a sentence, and not a byte of it is waited for."""
    asked: list[int] = []
    told = headers | {"Content-Length": str(MAX_UPLOAD_BYTES + 2 * MAX_BYTES)}

    answer = visitor(None).post(path, content=pieces(asked), headers=told)

    assert (413, []) == (answer.status_code, asked)
    assert "his is too large: at most" in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize(("path", "headers"), [("/login", FORM), ("/api/missed", JSON)], ids=str)
def test_what_turns_out_too_large_is_refused(visitor: Any, path: str, headers: dict[str, str]) -> None:
    """A body whose length is not told is refused once it is over the limit, also by those who did not log in."""
    answer = visitor(None).post(path, content=pieces([]), headers=headers)

    assert 413 == answer.status_code
    assert "his is too large: at most" in answer.text


@pytest.mark.parametrize(("role", "status"), [(None, 303), (Role.ANALYST, 403)], ids=str)
def test_upload_of_those_who_may_not_is_not_read(visitor: Any, role: Role | None, status: int) -> None:
    """Who sends a large file in is known before it is looked at."""
    asked: list[int] = []

    answer = visitor(role).post("/exports/label-studio", content=pieces(asked), headers={"Content-Type": HALF})

    assert (status, []) == (answer.status_code, asked)


def test_longest_note_and_a_large_upload_are_taken(visitor: Any) -> None:
    """The limits leave room for what the app's own forms may send."""
    lead = visitor(Role.LEAD)
    identifier = lead.get("/api/calls/c1").json()["decisions"][0]["decision_id"]
    large = b"[" + b" " * 10 * MAX_BYTES + b"]"

    noted = lead.post(f"/decisions/{identifier}/appeal", data={"note": "\U0001f600" * 4_000})
    taken = lead.post("/exports/label-studio", files={"file": ("x.json", large)})
    missing = lead.post("/exports/label-studio")

    assert (303, 200, 422) == (noted.status_code, taken.status_code, missing.status_code)


@pytest.mark.parametrize("origin", ["http://[", "http://[::1", "null", "http://elsewhere.example"])
def test_origin_that_is_not_ours_is_refused(visitor: Any, origin: str) -> None:
    """An origin written as no address is another site's too."""
    assert 403 == visitor(Role.ANALYST).post("/queue/next", headers={"Origin": origin}).status_code


@pytest.mark.parametrize(
    "body", [b'{"kind": "correct", "seen": "%b", "note": "\\ud800"}', b'{"\\ud800": 1}'], ids=["note", "field"]
)
def test_half_a_character_over_json_is_refused(visitor: Any, body: bytes) -> None:
    """In a note as in a field's name it is a mistake of the request, not of the app."""
    client = visitor(Role.ANALYST)
    one = client.get("/api/calls/c1").json()["decisions"][0]
    path, told = f"/api/decisions/{one['decision_id']}/verdict", body.replace(b"%b", one["seen"].encode())

    assert 422 == client.post(path, content=told, headers=JSON).status_code


@pytest.mark.parametrize("field", ["name", "password"])
def test_half_a_character_at_login_is_refused(visitor: Any, field: str) -> None:
    """Nobody is called so, nor has such a password."""
    other = {"name": "password", "password": "name"}[field]
    body = part(field, b"\\ud800a") + part(other, b"q") + b"--x--\r\n"

    assert 422 == visitor(None).post("/login", content=body, headers={"Content-Type": HALF}).status_code


def test_half_a_character_in_a_forms_token_is_refused(visitor: Any) -> None:
    """A token with one fits no session."""
    client = visitor(Role.ANALYST)
    del client.headers[CSRF_HEADER]
    body = part("csrf", b"\\ud800") + b"--x--\r\n"

    assert 403 == client.post("/logout", content=body, headers={"Content-Type": HALF}).status_code


def part(name: str, value: bytes) -> bytes:
    """Return a field of a form."""
    return b'--x\r\nContent-Disposition: form-data; name="%b"\r\n\r\n%b\r\n' % (name.encode(), value)


def pieces(asked: list[int]) -> Iterator[bytes]:
    """Yield a body in pieces, and note each that was asked for."""
    for number in range(10):
        asked.append(number)
        yield b"x" * (MAX_BYTES // 5)
