"""`detector settle`."""

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from detector.playbook import load_playbook
from pipelines.cli.console import console_for
from pipelines.files import add_lines
from pipelines.flows import settle as flow
from pipelines.settings import Settings


def settle(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="Verdicts, one JSON object a line.")],
    rewards: Annotated[Path, typer.Option(help="Reward events are added to this file of JSON lines.")],
) -> None:
    """Write the reward events that QA's verdicts lead to: reversals of rejected awards, grants of confirmed reviews.

    Example: detector settle verdicts.jsonl --rewards rewards.jsonl

    An event that the file holds already is not written again, so the same verdicts can be settled twice.
    """
    settings = Settings()
    playbook = load_playbook(settings.playbook)
    given = list(flow.verdicts(file))
    written = flow.ids_written(rewards)
    events = list(flow.settle(given, playbook=playbook, tenant=settings.tenant, written=written))
    add_lines(rewards, (event.model_dump_json(exclude_none=True).encode() for event in events))
    counts = Counter(event.type.value.split(".")[1] for event in events)
    console = console_for(stderr=True)
    console.print(
        f"{len(given):,} verdicts: {counts['granted']:,} rewards granted, {counts['reversed']:,} reversed",
        highlight=False,
    )
    if removed := sorted({one.behaviour for one in given if not playbook.has(one.behaviour)}):
        told = f"no longer in the playbook, so that nothing is granted for them: {', '.join(removed)}"
        console.print(told, highlight=False, markup=False, soft_wrap=True)
