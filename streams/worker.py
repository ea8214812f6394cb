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


def run(
    settings: Settings,
    detector: Detector,
    *,
    level: str = "INFO",
    json_logs: bool = True,
) -> NoReturn:
    """Run the worker until SIGTERM or SIGINT; then drain, commit and exit with code 0.

    Other exit codes: 70 draining took too long, 71 something could not be sent. Nothing is lost with either.
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
    gc.collect()
    gc.freeze()  # what stays for good, models and playbook, is not looked through at each full collection
    worker.execute_from_commandline()
