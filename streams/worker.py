"""Runs the app as a process."""

import gc
from typing import NoReturn

from detector.detect import Detector
from pipelines.settings import Settings
from streams.app import make_app
from streams.delivery import DrainingWorker
from streams.logs import logging_config
from streams.metrics import Metrics
from streams.operations import Operations, WorkerGauges

FULL_COLLECTION_AFTER = 1_000
"""So many collections of the middle generation come before a full one; Python's own figure is 10."""


def run(
    settings: Settings,
    detector: Detector,
    *,
    level: str = "INFO",
    json_logs: bool = True,
) -> NoReturn:
    """Run the worker until SIGTERM or SIGINT; then drain, commit and exit with code 0.

    Other exit codes: 1 a part of it crashed, 2 the login is refused, 70 stopping took too long, 71 something could not
    be sent. None is a loss.
    """
    settings.data_folder.mkdir(parents=True, exist_ok=True)
    metrics = Metrics()
    app = make_app(settings, detector, metrics=metrics)
    metrics.registry.register(WorkerGauges(app))
    beside = (
        [Operations(app, metrics.registry, host=settings.web_host, port=settings.web_port)] if settings.web_port else []
    )
    worker = DrainingWorker(
        app, *beside, loglevel=level, logging_config=logging_config(level=level, json_logs=json_logs), quiet=True
    )
    spare_collector()
    worker.execute_from_commandline()


def spare_collector() -> None:
    """Have the garbage collector look seldom through what is no garbage.

    What stays for good, models and playbook, is set aside. What is kept decoded of calls holds no cycles, and is freed
    when it is let go of; looking through 20,000 calls takes half a second, so that it is done every few minutes only.
    """
    gc.collect()
    gc.freeze()
    young, middle, _ = gc.get_threshold()
    gc.set_threshold(young, middle, FULL_COLLECTION_AFTER)
