"""The worker seen from outside: /healthz, /readyz and /metrics, on loopback unless told otherwise."""

from collections.abc import Callable, Iterator, Sized
from typing import cast

import faust
from aiohttp import web
from mode import Service

from streams.metrics import CONTENT_TYPE, Metrics


class Operations(Service):
    """A small web server beside the app. It knows no call: counts only."""

    def __init__(self, app: faust.App, metrics: Metrics, *, host: str, port: int) -> None:
        super().__init__()
        self._app = app
        self._metrics = metrics
        self._host, self._port = host, port
        self._runner: web.AppRunner | None = None

    async def on_start(self) -> None:
        """Listen."""
        server = web.Application()
        server.router.add_get("/healthz", self._healthz)
        server.router.add_get("/readyz", self._readyz)
        server.router.add_get("/metrics", self._show_metrics)
        self._runner = web.AppRunner(server, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, self._host, self._port).start()

    async def on_stop(self) -> None:
        """Listen no more."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _healthz(self, _: web.Request) -> web.Response:
        return _answer("ok")

    async def _readyz(self, _: web.Request) -> web.Response:
        return _answer(why_not_ready(self._app) or "ok")

    async def _show_metrics(self, _: web.Request) -> web.Response:
        text = self._metrics.text(gauges(self._app))
        return web.Response(body=text.encode(), headers={"Content-Type": CONTENT_TYPE})


def why_not_ready(app: faust.App) -> str | None:
    """Return why the worker takes in no messages now, or None when it does."""
    checks: tuple[tuple[str, Callable[[], bool]], ...] = (
        ("stopping", lambda: app.should_stop),
        ("starting", lambda: not app.started),
        ("rebalancing", lambda: app.rebalancing),
        ("restoring state", lambda: app.in_recovery),
        ("no partition is assigned", lambda: not app.consumer.assignment()),
    )
    return next((told for told, true in checks if true()), None)


def gauges(app: faust.App) -> Iterator[tuple[str, str, dict[str, str], float]]:
    """Yield what is measured at the moment of asking."""
    yield (
        "detector_calls",
        "Calls whose state is kept.",
        {},
        len(cast("Sized", app.tables["calls"])) if app.started else 0,
    )
    yield "detector_ready", "1 when messages are taken in.", {}, float(why_not_ready(app) is None)
    monitor = app.monitor
    for place, end in sorted(monitor.tp_end_offsets.items()):
        lag = max(0, end - (monitor.tp_committed_offsets.get(place) or 0))
        labels = {"topic": place.topic, "partition": str(place.partition)}
        yield "detector_lag_messages", "Messages written and not yet committed.", labels, lag


def _answer(told: str) -> web.Response:
    return web.Response(text=told + "\n", status=200 if told == "ok" else 503)
