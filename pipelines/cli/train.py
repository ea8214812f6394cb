"""`detector train`."""

from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from detector.playbook import load_playbook
from models.labels import EXAMPLES_FOLDER
from models.registry import SHIPPED_FOLDER
from pipelines import assemble
from pipelines.cli.console import console_for, show
from pipelines.settings import Settings


def train(
    output: Annotated[Path, typer.Option(help="The folder the model goes to.")] = SHIPPED_FOLDER,
    examples: Annotated[Path, typer.Option(help="The folder of labelled examples.")] = EXAMPLES_FOLDER,
    write_thresholds: Annotated[
        bool,
        typer.Option("--write-thresholds", help="Put the thresholds chosen, with their figures, into the playbook."),
    ] = False,
    jobs: Annotated[int, typer.Option(help="Processes; -1 is one a core.")] = -1,
) -> None:
    """Train the classifier from labelled examples; write the model and its card.

    Deterministic: the same examples and playbook give the same model. Example: detector train --output out/model
    """
    flow = import_module("pipelines.flows.train")  # brings scikit-learn, which no other command waits for
    settings = Settings()
    console = console_for(stderr=True)
    playbook = load_playbook(settings.playbook)
    with console.status("reading, fitting and calibrating…"):
        run = flow.learn(
            playbook=playbook,
            reader=assemble.text_reader(playbook),
            folder=output,
            examples=examples,
            today=datetime.now(tz=UTC).date(),
            jobs=jobs,
            thresholds_to=settings.playbook if write_thresholds else None,
        )
    table = Table(title=f"model {run.model.version}, learned from {run.learned_from:,} agent turns")
    for heading in ("behaviour", "positives", "award from", "precision", "recall", "review from", "F1", "test F1"):
        table.add_column(heading, justify="left" if heading == "behaviour" else "right")
    for row, test in zip(run.out_of_fold.behaviours, run.test.behaviours, strict=True):
        award, review = run.thresholds[row.behaviour]
        precision, recall = row.awarded.precision, row.awarded.recall
        table.add_row(
            row.behaviour,
            str(row.found.positives),
            f"{award:.2f}",
            f"{precision.value:.2f} ({precision.low:.2f})",
            f"{recall.value:.2f}",
            f"{review:.2f}",
            f"{row.found.f1:.2f}",
            f"{test.found.f1:.2f}",
        )
    show(console, table)
    console.print(
        f"macro F1 {run.out_of_fold.macro_f1:.3f} out of fold, {run.test.macro_f1:.3f} on the private test split; "
        f"calibration error {run.out_of_fold.calibration_error:.3f}, {run.test.calibration_error:.3f}",
        highlight=False,
    )
