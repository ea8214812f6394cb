"""The worker seen from outside: /healthz, /readyz and /metrics, on loopback unless told otherwise."""

from collections.abc import Callable, Iterator, Sized
from typing import cast

import faust
from aiohttp import web
from mode import Service
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from streams.delivery import PatientConsumer
from streams.producing import LosslessProducer


class Operations(Service):
    """A small web server beside the app. It knows no call: counts only."""

    def __init__(self, app: faust.App, registry: CollectorRegistry, *, host: str, port: int) -> None:
        super().__init__()
        self._app = app
        self._registry = registry
        self._host, self._port = host, port
        self._runner: web.AppRunner | None = None

    async def on_start(self) -> None:
        """Listen."""
        server = web.Application()
        server.router.add_get("/healthz", self._healthz)
        server.router.add_get("/readyz", self._readyz)
        server.router.add_get("/metrics", self._metrics)
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

    async def _metrics(self, request: web.Request) -> web.Response:
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        return web.Response(body=encode(self._registry), headers={"Content-Type": content_type})


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


class WorkerGauges(Collector):
    """What is measured of a worker at the moment of asking."""

    def __init__(self, app: faust.App) -> None:
        self._app = app

    def collect(self) -> Iterator[Metric]:
        """Yield the calls kept, what is under way, whether messages are taken in, how far each partition is behind."""
        calls = len(cast("Sized", self._app.tables["calls"])) if self._app.started else 0
        yield GaugeMetricFamily("detector_calls", "Calls whose state is kept.", value=calls)
        under_way = cast("LosslessProducer", self._app.producer).under_way if self._app.started else 0
        told = "Messages given to the client that the broker does not have yet."
        yield GaugeMetricFamily("detector_under_way_messages", told, value=under_way)
        ready = float(why_not_ready(self._app) is None)
        yield GaugeMetricFamily("detector_ready", "1 when messages are taken in.", value=ready)
        told = "Messages written and not yet committed."
        lag = GaugeMetricFamily("detector_lag_messages", told, labels=("topic", "partition"))
        for place, messages in cast("PatientConsumer", self._app.consumer).lags() if self._app.started else ():
            lag.add_metric((place.topic, str(place.partition)), messages)
        yield lag


def _answer(told: str) -> web.Response:
    return web.Response(text=told + "\n", status=200 if told == "ok" else 503)
