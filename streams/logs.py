"""Structured logs: one JSON object a line, never with the words of a call."""

import logging
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

import orjson

_PLAIN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "data"}


class JsonFormatter(logging.Formatter):
    """Writes time, level, logger, message and what the caller added; of an exception its kind and place only."""

    def format(self, record: logging.LogRecord) -> str:
        """Return a record as one line of JSON."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {name: value for name, value in vars(record).items() if name not in _PLAIN}
        if record.exc_info and record.exc_info[0] is not None:
            line |= {"error": record.exc_info[0].__name__, "frames": _frames(record.exc_info[2])}
        return orjson.dumps(line, default=str).decode()


class TextFormatter(logging.Formatter):
    """Writes a line for people; of an exception its kind and place only, for its message may hold words."""

    def formatException(self, ei: Any) -> str:  # noqa: N802 - the standard library's name
        """Return an exception without its message."""
        kind, _, trace = ei
        return f"{kind.__name__ if kind else 'error'} at {' < '.join(_frames(trace))}"


def logging_config(*, level: str, json_logs: bool) -> dict[str, Any]:
    """Return the configuration of `logging` for the worker; logs go to standard error."""
    chosen = JsonFormatter if json_logs else TextFormatter
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"chosen": {"()": chosen, "fmt": "%(asctime)s %(levelname)-8s %(message)s"}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "chosen", "stream": "ext://sys.stderr"}},
        "root": {"level": level, "handlers": ["stderr"]},
        # Faust's warning of a failed send holds the message; our monitor logs the failure without it.
        "loggers": {"faust.topics": {"level": "ERROR"}},
    }


def _frames(trace: TracebackType | None) -> list[str]:
    frames: list[str] = []
    while trace is not None:
        frames.append(f"{trace.tb_frame.f_globals.get('__name__')}:{trace.tb_lineno}")
        trace = trace.tb_next
    return frames[::-1][:6]
