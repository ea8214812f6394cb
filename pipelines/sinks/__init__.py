"""Where detections go. A new sink is one class with `encode`, `write` and `close`, and one line in the registry."""

from collections.abc import Callable, Mapping

from pipelines.sinks.jsonl import JsonLines
from pipelines.sinks.sink import Outputs, Sink

SINKS: Mapping[str, Callable[[Outputs], Sink]] = {
    "jsonl": JsonLines,
}

__all__ = ["SINKS", "JsonLines", "Outputs", "Sink"]
