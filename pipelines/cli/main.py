"""`detector`: the commands of this floor, and those that floors above add by the entry point `detector.commands`."""

import sys
from importlib.metadata import entry_points

import typer
from rich.console import Console

from detector.errors import DetectorError
from pipelines.cli import convert, detect, evaluate, inspect, playbook, purge, settle, train

EXIT_FAULTS, EXIT_ERROR = 1, 2


def application() -> typer.Typer:
    """Return the command line with every command there is."""
    app = typer.Typer(
        name="detector",
        help="Spots the small things call-centre agents do that make customers' days better, and rewards them.\n\n"
        "Start with: detector detect samples/calls.jsonl",
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode="markdown",
        pretty_exceptions_enable=False,
    )
    app.command("detect")(detect.detect)
    app.command("convert")(convert.convert)
    app.command("inspect")(inspect.inspect)
    app.command("settle")(settle.settle)
    app.command("purge")(purge.purge)
    app.command("train")(train.train)
    app.command("evaluate")(evaluate.evaluate)
    app.add_typer(playbook.app, name="playbook")
    for entry in sorted(entry_points(group="detector.commands"), key=lambda one: one.name):
        command = entry.load()
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=entry.name)
        else:
            app.command(entry.name)(command)
    return app


def main() -> None:
    """Run the command line; a known error is one clear line and exit code 2."""
    try:
        application()()
    except DetectorError as error:
        Console(stderr=True).print(f"error: {error}", highlight=False, soft_wrap=True, markup=False)
        sys.exit(EXIT_ERROR)
