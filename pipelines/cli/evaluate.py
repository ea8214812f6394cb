"""`detector evaluate`."""

import json
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from detector.errors import DetectorError
from models.evaluation import Figures, Share
from pipelines import assemble
from pipelines.flows import evaluate as flow
from pipelines.settings import Settings


def evaluate(
    paths: Annotated[list[Path], typer.Argument(help="Labelled conversations: files, or folders of *.jsonl.")],
    json_file: Annotated[Path | None, typer.Option("--json", help="Write all figures here.")] = None,
    picture: Annotated[Path | None, typer.Option(help="Write reliability and precision-recall here (PNG).")] = None,
) -> None:
    """Compare the detector with people's labels, per behaviour, with 95% intervals.

    Example: detector evaluate labelled/ --json out/figures.json --picture out/figures.png
    """
    settings = Settings()
    detector = assemble.detector(settings)
    reader = assemble.text_reader(detector.playbook)
    classifier = assemble.classifier(settings, detector.playbook)
    console = Console()
    measured = []
    for corpus in flow.corpora(paths):
        for fault in corpus.faults:
            console.print(str(fault), markup=False, highlight=False)
        one = flow.measure(corpus, detector=detector, reader=reader, classifier=classifier)
        measured.append(one)
        console.print(_table(one))
    if json_file is not None:
        json_file.parent.mkdir(parents=True, exist_ok=True)
        json_file.write_text(
            json.dumps([one.evaluation.as_json() for one in measured], indent=1) + "\n", encoding="utf-8"
        )
    if picture is not None:
        try:
            drawing = import_module("pipelines.flows.draw")
        except ModuleNotFoundError:
            raise DetectorError("a picture needs matplotlib: pip install behaviour-detector[plots]") from None
        drawing.draw(measured, picture)


def _table(measured: flow.Measured) -> Table:
    told = measured.evaluation
    caption = (
        f"macro F1 {told.macro_f1:.3f} over {told.macro_of} behaviours with {told.macro_from} positives or more; "
        f"calibration error {told.calibration_error:.3f}"
    )
    if measured.found_targets:
        found, positives, flagged, near = measured.found_targets
        caption += (
            f"\nwritten to be hard: {found} of {positives} positives found, {flagged} of {near} near-misses flagged"
        )
    table = Table(title=f"{told.name}: {told.calls} calls, {told.turns} agent turns", caption=caption)
    table.add_column("behaviour")
    for heading in ("positives", "precision", "recall", "F1", "award precision", "award recall"):
        table.add_column(heading, justify="right")
    for row in told.behaviours:
        if row.found.positives or row.found.precision.of:
            table.add_row(row.behaviour, *_cells(row.found, row.awarded))
    table.add_row("all together", *_cells(told.micro, told.micro_awarded))
    return table


def _cells(found: Figures, awarded: Figures) -> tuple[str, ...]:
    return (
        str(found.positives),
        _share(found.precision),
        _share(found.recall),
        f"{found.f1:.2f} ({found.f1_low:.2f}-{found.f1_high:.2f})",
        _share(awarded.precision),
        _share(awarded.recall),
    )


def _share(share: Share) -> str:
    return "–" if share.of == 0 else f"{share.value:.2f} ({share.low:.2f}-{share.high:.2f})"
