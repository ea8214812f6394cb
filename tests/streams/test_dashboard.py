"""The dashboard and the alert rules: read by their own grammar, and held against what the worker tells."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml

from detector.detect import Detector
from pipelines.settings import Settings
from streams.app import make_app
from streams.metrics import Metrics
from streams.operations import WorkerGauges

OPERATIONS = Path(__file__).parents[2] / "operations"
MADE_BY_PROMETHEUS = {"up"}


def told(detector: Detector) -> set[str]:
    """Return the name of every series that a worker may tell, those without a value yet included."""
    metrics = Metrics()
    metrics.registry.register(WorkerGauges(make_app(Settings(_env_file=None), detector, metrics=metrics)))
    suffixes = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count"), "gauge": ("",)}
    return {family.name + suffix for family in metrics.registry.collect() for suffix in suffixes[family.type]}


def panels() -> list[dict[str, Any]]:
    """Return the panels of the dashboard."""
    return json.loads((OPERATIONS / "grafana/dashboards/behaviour-detector.json").read_text())["panels"]


def rules() -> list[dict[str, Any]]:
    """Return the alert rules."""
    groups = yaml.safe_load((OPERATIONS / "alerts.yml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def queries() -> list[str]:
    """Return every query of the dashboard and the rules; Grafana's own variable is filled in."""
    shown = [target["expr"].replace("$__rate_interval", "1m") for panel in panels() for target in panel["targets"]]
    return shown + [rule["expr"] for rule in rules()]


def series(node: Any) -> Iterator[Any]:
    """Yield the series that a parsed query reads."""
    match node:
        case promql_parser.VectorSelector():
            yield node
        case promql_parser.MatrixSelector():
            yield node.vector_selector
        case promql_parser.Call():
            for argument in node.args:
                yield from series(argument)
        case promql_parser.BinaryExpr():
            yield from series(node.lhs)
            yield from series(node.rhs)
        case promql_parser.AggregateExpr() | promql_parser.ParenExpr() | promql_parser.UnaryExpr():
            yield from series(node.expr)


@pytest.mark.parametrize("query", queries())
def test_query_reads_only_what_is_told(query: str, detector: Detector) -> None:
    """Every query is PromQL, reads at least one series, and only series that the worker or Prometheus makes."""
    read = {one.name for one in series(promql_parser.parse(query))}

    assert read
    assert read - told(detector) - MADE_BY_PROMETHEUS == set()


def test_everything_told_of_the_stream_is_shown(detector: Detector) -> None:
    """No figure of the worker's own is missing from the dashboard; of a histogram its buckets are shown."""
    shown = {one.name for query in queries() for one in series(promql_parser.parse(query))}
    own = {name for name in told(detector) if name.startswith("detector_") and not name.endswith(("_sum", "_count"))}

    assert own - shown == set()


def test_queries_go_by_the_job_that_prometheus_scrapes() -> None:
    """The label that every query selects is that of the scrape configuration, which loads the alert rules."""
    config = yaml.safe_load((OPERATIONS / "prometheus.yml").read_text())
    jobs = {job["job_name"] for job in config["scrape_configs"]}
    selected = {
        matcher.value
        for query in queries()
        for one in series(promql_parser.parse(query))
        for matcher in one.matchers.matchers
        if matcher.name == "job"
    }

    assert jobs == selected
    assert config["rule_files"] == ["alerts.yml"]


def test_panels_do_not_lie_over_each_other() -> None:
    """Every panel has a number and a place of its own within Grafana's 24 columns."""
    places = [panel["gridPos"] for panel in panels()]
    cells = [
        (x, y) for at in places for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])
    ]

    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24
    assert len({panel["id"] for panel in panels()}) == len(places)


def test_every_alert_says_what_it_is_and_what_to_do() -> None:
    """Whoever is woken reads a summary, a description and how bad it is."""
    assert {rule["labels"]["severity"] for rule in rules()} <= {"warning", "critical"}
    assert all(rule["annotations"].keys() == {"summary", "description"} for rule in rules())


def test_page_on_operations_names_what_exists(detector: Detector) -> None:
    """Every metric of the worker's own and every alert is told of; every setting told of exists."""
    page = (OPERATIONS.parent / "docs/operations.md").read_text()
    families = {re.sub("_(total|bucket|sum|count)$", "", name) for name in told(detector)}
    named = {name.removesuffix("_total") for name in re.findall(r"`(detector_\w+)", page)}

    assert named == {name for name in families if name.startswith("detector_")}
    assert all(rule["alert"] in page for rule in rules())
    assert {name.lower() for name in re.findall(r"DETECTOR_(\w+)", page)} <= Settings.model_fields.keys()
