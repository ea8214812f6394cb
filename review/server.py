"""Serves the app: in this process until Ctrl-C, or in a thread beside something else."""

import errno
import secrets
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from ipaddress import ip_network
from socket import AI_PASSIVE, SOCK_STREAM, create_server, getaddrinfo, socket
from threading import Thread
from time import monotonic, sleep

import uvicorn
from fastapi import FastAPI

from detector.errors import DetectorError
from detector.playbook import load_playbook
from pipelines.settings import Settings
from pipelines.store import Store, open_store
from pipelines.store.accounts import has_accounts
from pipelines.store.judging import Bench
from review.app import make_app, make_pages
from review.visit import Workbench

LOOPBACK = ("127.0.0.1", "localhost", "::1")
START_SECONDS = 20.0


class ServeError(DetectorError):
    """The app cannot be served."""


@dataclass(frozen=True, slots=True)
class Served:
    """An app that is made, and the address people go to; a token is in it where no accounts are set up.

    `trusted` are the addresses of proxies that are believed when they tell who a request comes from.
    """

    app: FastAPI
    store: Store
    address: str
    trusted: tuple[str, ...] = ()


def made(
    settings: Settings,
    *,
    host: str = "127.0.0.1",
    port: int = 8765,
    public: str | None = None,
    trusted: Iterable[str] = (),
) -> Served:
    """Return the app on the settings' store.

    `public` is the name people reach it by, behind a proxy that speaks TLS; `trusted` are such proxies' addresses.

    Raises:
        ServeError: others could reach it and no accounts are set up, or what is trusted is no address.
        StoreError: there is no store, or it does not answer.
    """
    proxies = tuple(map(_address, trusted))
    store = open_store(settings.store, make=False)
    with store.reading() as connection:
        accounts = has_accounts(connection)
    if host not in LOOPBACK and not accounts:
        raise ServeError("others could reach this address: make an account first, detector review account")
    playbook = load_playbook(settings.playbook)
    workbench = Workbench(
        store=store,
        playbook=playbook,
        bench=Bench(playbook, settings.tenant, settings.second_share),
        pages=make_pages(),
        appeal_days=settings.appeal_days,
        secure=public is not None or host not in LOOPBACK,
    )
    base = f"https://{public}" if public else f"http://{'localhost' if host == '::1' else host}:{port}"
    if not accounts:
        workbench.entry.token = secrets.token_urlsafe(32)
        base = f"{base}/enter?token={workbench.entry.token}"
    app = make_app(workbench, hosts=(*LOOPBACK, host, *([public] if public else [])))
    return Served(app, store, base, proxies)


def listening(host: str, port: int) -> list[socket]:
    """Return sockets that listen on every address of a host: what comes waits until the app is served on them.

    Raises:
        ServeError: the port is taken.
        OSError: the host is none of this machine, or the port is not ours to take.
    """
    places = {(one[0], one[4]) for one in getaddrinfo(host, port, type=SOCK_STREAM, flags=AI_PASSIVE)}
    with ExitStack() as opened:
        try:
            sockets = [opened.enter_context(create_server(address, family=family)) for family, address in places]
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            raise ServeError(f"port {port} of {host} is taken: end what listens there, or name another port") from None
        opened.pop_all()
    return sockets


def serve(served: Served, sockets: list[socket]) -> None:
    """Serve until Ctrl-C."""
    with suppress(KeyboardInterrupt):
        _server(served, log_level="warning").run(sockets)


@contextmanager
def serving(served: Served, *, host: str = "127.0.0.1", port: int = 8765) -> Iterator[str]:
    """Serve in a thread as long as the context lasts; give the address people go to.

    Raises:
        ServeError: it does not start, since the port is taken for instance.
    """
    server = _server(served, log_level="error")
    thread = Thread(target=server.run, args=(listening(host, port),), daemon=True)
    thread.start()
    deadline = monotonic() + START_SECONDS
    while not server.started:
        if not thread.is_alive() or monotonic() > deadline:
            raise ServeError(f"the review app does not start on port {port}")
        sleep(0.02)
    try:
        yield served.address
    finally:
        server.should_exit = True
        thread.join(timeout=10)
        served.store.close()


def _server(served: Served, *, log_level: str) -> uvicorn.Server:
    """Return the server; who a request comes from is taken from its headers only where a trusted proxy sent it."""
    return uvicorn.Server(
        uvicorn.Config(
            served.app,
            log_level=log_level,
            access_log=False,
            server_header=False,
            proxy_headers=bool(served.trusted),
            forwarded_allow_ips=list(served.trusted),
        )
    )


def _address(told: str) -> str:
    """Return the address of a host or a network: uvicorn would trust nobody, or everybody, by anything else."""
    try:
        return str(ip_network(told))
    except ValueError:
        raise ServeError(f"{told} is no address of a proxy: name it as 10.0.0.5 or 10.0.0.0/24") from None
