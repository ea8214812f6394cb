"""The app behind a real server: whom it takes a request to come from."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from urllib.parse import urlencode

import pytest
from fastapi import FastAPI

from pipelines.settings import Settings
from pipelines.store import Store
from pipelines.store.accounts import ATTEMPTS
from review.server import Served, ServeError, made, serving

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def test_header_of_anybody_does_not_lift_the_limit_of_an_address(app: FastAPI, store: Store) -> None:
    """Whoever says to be another with each login is still one address: what loopback sends is not believed."""
    with reached(Served(app, store, "")) as port:
        told = [login(port, name=f"n{number}", forwarded=f"10.0.0.{number}") for number in range(ATTEMPTS + 1)]

    assert [*[401] * ATTEMPTS, 429] == told


def test_those_behind_a_trusted_proxy_are_told_apart(app: FastAPI, store: Store) -> None:
    """One address behind it is shut out, whatever it puts before the proxy's word; another is not."""
    with reached(Served(app, store, "", trusted=("127.0.0.1/32",))) as port:
        told = [
            login(port, name=f"n{number}", forwarded=f"10.9.9.{number}, 10.0.0.1") for number in range(ATTEMPTS + 1)
        ]
        other = login(port, name="other", forwarded="10.0.0.2")

    assert [*[401] * ATTEMPTS, 429] == told
    assert 401 == other


@pytest.mark.parametrize("told", ["*", "proxy", "10.0.0.1/8", ""])
def test_proxy_that_is_no_address_is_refused(store: Store, told: str) -> None:
    """A name would be trusted by nobody, and a star by all: neither is taken for an address."""
    address = str(store.engine.url.database)

    with pytest.raises(ServeError, match="is no address of a proxy"):
        made(Settings(_env_file=None, store=address), trusted=(told,))


@contextmanager
def reached(served: Served) -> Iterator[int]:
    """Serve on a port that is free; give it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    with serving(served, port=port):
        yield port


def login(port: int, *, name: str, forwarded: str) -> int:
    """Try a wrong password; return the status."""
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    told = urlencode({"name": name, "password": "wrong"})
    connection.request("POST", "/login", told, FORM | {"X-Forwarded-For": forwarded})
    status = connection.getresponse().status
    connection.close()
    return status
