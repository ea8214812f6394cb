"""`detector train-semantic`."""

from datetime import UTC, datetime
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from detector.errors import DetectorError, to_install
from detector.playbook import load_playbook
from models.labels import EXAMPLES_FOLDER
from models.registry import load
from models.semantic import MANIFEST, SHIPPED_FOLDER
from pipelines import assemble
from pipelines.cli.console import console_for
from pipelines.settings import Settings

WEIGHING = ("onnxruntime",)
FINE_TUNING = (*WEIGHING, "torch", "onnx", "safetensors")


def train_semantic(
    base: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            file_okay=False,
            help="The folder of an encoder to fine-tune: bge-small-en-v1.5, as `make encoder-base` fetches it or its "
            "authors publish it; or of a tier, whose encoder then goes over the examples twice more, best with "
            "--average. Without it the encoder that is there is only weighed anew, which is due after "
            "`detector train`.",
        ),
    ] = None,
    average: Annotated[
        bool,
        typer.Option(
            "--average",
            help="With --base: the mean of the new encoder's weights and those of the one in the output folder, "
            "each fine-tuning counting the same, one that went on learning half. Better than either, at one's price.",
        ),
    ] = False,
    emphasis: Annotated[
        list[str] | None,
        typer.Option(
            help="With a tier's folder as --base: a pattern of example files' names, such as '*_19', or 'playbook' for "
            "the playbook's own examples; may be given again. The pass is over their turns, each six times, and over "
            "30,000 of the others, so that what is new in them is learned in a quarter of an hour and what was known "
            "is kept."
        ),
    ] = None,
    output: Annotated[Path, typer.Option(help="The folder the encoder goes to.")] = SHIPPED_FOLDER,
    examples: Annotated[Path, typer.Option(help="The folder of labelled examples.")] = EXAMPLES_FOLDER,
) -> None:
    """Fine-tune the sentence encoder that is asked where the classifier is unsure, and weigh it against the classifier.

    Fine-tuning takes two hours on two cores, going over all again one, --emphasis a quarter, weighing four minutes.
    Example: detector train-semantic --base build/encoder-base
    """
    if average and base is None:
        raise DetectorError("--average: give --base too, the encoder to fine-tune")
    if emphasis and not (base and (base / MANIFEST).exists()):
        raise DetectorError("--emphasis: give --base too, the folder of a tier whose encoder goes on learning")
    needed, extra = (FINE_TUNING, "semantic-training") if base else (WEIGHING, "semantic")
    if not all(map(find_spec, needed)):
        raise DetectorError(f"this needs an extra: {to_install(extra)}")
    flow = import_module("pipelines.flows.semantic")
    settings = Settings()
    playbook = load_playbook(settings.playbook)
    console = console_for(stderr=True)
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("fine-tuning" if base else "weighing", total=None)
        made = flow.make(
            playbook=playbook,
            reader=assemble.text_reader(playbook),
            weights=load(settings.model).weights,
            today=datetime.now(tz=UTC).date(),
            base=base,
            average=average,
            emphasis=tuple(emphasis or ()),
            folder=output,
            examples=examples,
            progress=lambda done, of: bar.update(task, completed=done, total=of),
        )
    console.print(
        f"weighed on {made.weighed_on:,} agent turns: {made.blend.own:.2f} of the classifier's logit, "
        f"{made.blend.read:.2f} of the encoder's",
        highlight=False,
    )
    for name, told in (("the classifier alone", made.alone), ("with the tier", made.both)):
        awarded = told.micro_awarded
        console.print(
            f"private test split, {name}: award precision {awarded.precision.value:.3f}, recall "
            f"{awarded.recall.value:.3f}; F1 {told.micro.f1:.3f}; calibration error {told.calibration_error:.3f}",
            highlight=False,
        )
