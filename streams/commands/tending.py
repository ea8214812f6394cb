"""`detector topics …` and `detector dead-letters …`."""

import sys
from codecs import BOM_UTF8
from collections.abc import Collection
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from pipelines.cli import console
from pipelines.settings import Settings
from streams import letters as post
from streams import topics as planning
from streams.commands.options import Brokers, UsageError, settings_for

topics = typer.Typer(help="Make and check the Kafka topics.", no_args_is_help=True)
dead_letters = typer.Typer(help="Messages that could not be handled: see why, mend, put back.", no_args_is_help=True)


@topics.command("create")
def create(
    brokers: Brokers = None,
    replicas: Annotated[int, typer.Option(min=1, help="Copies of each partition.")] = 1,
) -> None:
    """Make the topics that are missing, with their partitions, retention and compaction."""
    settings = settings_for(brokers)
    for name, done in planning.create(settings, replicas=replicas).items():
        typer.echo(f"{name}: {done}")
    planning.check(settings)


@topics.command("check")
def check(brokers: Brokers = None) -> None:
    """List what is wrong with the topics; exit code 1 if anything is."""
    wrong = planning.faults(settings_for(brokers))
    typer.echo("\n".join(wrong) or "all topics are there and fit")
    raise typer.Exit(1 if wrong else 0)


@topics.command("show")
def show() -> None:
    """Show the topics as they have to be: for those whose topics are made by somebody else."""
    table = Table("topic", "key", "partitions", "settings")
    for one in planning.plan(Settings()):
        table.add_row(one.name, one.key, str(one.partitions), " ".join(f"{k}={v}" for k, v in one.config.items()))
    console.show(console.console_for(), table)


@dead_letters.command("list")
def list_letters(brokers: Brokers = None) -> None:
    """List the dead letters: why, and where they stood."""
    table = Table("number", "reason", "detail", "place", "time", "bytes")
    for one in post.letters(settings_for(brokers)):
        place = f"{one.topic}/{one.partition}/{one.offset}"
        size = "gone" if one.value is None else str(len(one.value))
        table.add_row(str(one.number), one.reason, one.detail, place, one.time, size)
    console.show(console.console_for(), table)


@dead_letters.command("show")
def show_letter(number: int, brokers: Brokers = None) -> None:
    """Write the original bytes of a dead letter to standard output: they may hold words of a call."""
    (letter,) = _letters(settings_for(brokers), [number])
    sys.stdout.buffer.write(letter.value or b"")


@dead_letters.command("replay")
def replay_letters(
    numbers: Annotated[list[int], typer.Argument(help="Which letters.", show_default=False)],
    mended: Annotated[Path | None, typer.Option(help="A file to send instead of the one letter's bytes.")] = None,
    brokers: Brokers = None,
) -> None:
    """Put dead letters back into the topic they came from, as they are or mended."""
    settings = settings_for(brokers)
    if mended is not None and len(numbers) != 1:
        raise UsageError("--mended goes with exactly one number")
    value = None if mended is None else mended.read_bytes().removeprefix(BOM_UTF8)
    if value is not None and not value.strip():
        raise UsageError(f"{mended} is empty: nothing put back")
    chosen = [(one, one.value if value is None else value) for one in _letters(settings, numbers)]
    arrived = post.put_back(settings, chosen)
    typer.echo(f"{arrived} of {len(chosen)} put back")
    raise typer.Exit(0 if arrived == len(chosen) else 1)


def _letters(settings: Settings, numbers: Collection[int]) -> list[post.Letter]:
    """Return the letters of some numbers, looked up at once: what comes meanwhile changes none."""
    found = {one.number: one for one in post.letters(settings)}
    if missing := [str(number) for number in numbers if number not in found]:
        raise UsageError(f"there is no dead letter {', '.join(missing)}")
    return [found[number] for number in numbers]
