"""`detector evaluate`."""

from collections.abc import Sequence
from importlib import import_module
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import orjson
import typer
from rich.table import Table

from detector.errors import DetectorError, to_install
from models.evaluation import Figures, Share
from pipelines import assemble
from pipelines.cli.console import console_for, show
from pipelines.cli.options import refuse_overwriting, tell
from pipelines.files import check_writable, file_to_write
from pipelines.settings import Settings

if TYPE_CHECKING:
    from pipelines.flows.evaluate import Measured, Targets


def evaluate(
    paths: Annotated[list[Path], typer.Argument(help="Labelled conversations: files, or folders of *.jsonl.")],
    json_file: Annotated[Path | None, typer.Option("--json", help="Write all figures here.")] = None,
    picture: Annotated[
        Path | None, typer.Option(help="Write reliability and precision-recall here: PNG, SVG or PDF, by its suffix.")
    ] = None,
    baselines: Annotated[
        bool, typer.Option(help="Hold it against phrases alone and tf-idf alone; takes seconds.")
    ] = True,
) -> None:
    """Compare the detector with people's labels, per behaviour, with 95% intervals, and with baselines.

    Example: detector evaluate labelled/ --json out/figures.json --picture out/figures.png
    """
    read = [*paths, *(file for path in paths for file in path.glob("*.jsonl"))]
    refuse_overwriting(read, (json_file, picture))
    drawing = None if picture is None else _drawing(picture)
    for output in (json_file, picture):
        if output is not None:
            check_writable(output)
    flow = import_module("pipelines.flows.evaluate")  # brings scikit-learn, which no other command waits for
    corpora = flow.corpora(paths)
    settings = Settings()
    detector = assemble.detector(settings)
    reader = assemble.text_reader(detector.playbook)
    classifier = assemble.classifier(settings, detector.playbook)
    console = console_for()
    guesses = flow.usual_baselines(classifier.weights.behaviours) if baselines else {}
    measured = []
    for corpus in corpora:
        for fault in corpus.faults:
            tell(console, fault)
        one = flow.measure(corpus, detector=detector, reader=reader, classifier=classifier, baselines=guesses)
        measured.append(one)
        show(console, _table(one))
    if baselines:
        show(console, _comparison(measured))
    if json_file is not None:
        with file_to_write(json_file) as out:
            out.write(orjson.dumps([one.as_json() for one in measured], option=orjson.OPT_INDENT_2) + b"\n")
    if drawing is not None:
        drawing.draw(measured, picture)


def _drawing(picture: Path) -> Any:
    """Return what draws pictures, if it can draw one of this kind; it takes a while to load."""
    try:
        drawing = import_module("pipelines.flows.draw")
    except ModuleNotFoundError:
        raise DetectorError(f"a picture needs matplotlib: {to_install('plots')}") from None
    drawing.check_kind(picture)
    return drawing


def _table(measured: "Measured") -> Table:
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


def _comparison(measured: Sequence["Measured"]) -> Table:
    """Return precision, recall and macro F1 of all behaviours together: the baselines', then the detector's."""
    table = Table(title="held against baselines: all behaviours together")
    for heading in ("corpus", "by", "precision", "recall", "F1", "macro F1", "hard found", "near-misses flagged"):
        table.add_column(heading, justify="left" if heading in {"corpus", "by"} else "right")
    for one in measured:
        told = one.evaluation
        for base in one.baselines:
            table.add_row(told.name, base.name, *_sums(base.found, base.macro_f1, base.found_targets))
        table.add_row(told.name, "the detector", *_sums(told.micro, told.macro_f1, one.found_targets), end_section=True)
    return table


def _sums(found: Figures, macro_f1: float, targets: "Targets | None") -> tuple[str, ...]:
    hard = (f"{targets[0]} of {targets[1]}", f"{targets[2]} of {targets[3]}") if targets else ("", "")
    macro = "–" if isnan(macro_f1) else f"{macro_f1:.3f}"
    return f"{found.precision.value:.2f}", f"{found.recall.value:.2f}", f"{found.f1:.2f}", macro, *hard


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
