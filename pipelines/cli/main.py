"""`detector`: the commands of this floor, and those that floors above add by the entry point `detector.commands`."""

import sys
from collections.abc import Callable
from importlib.metadata import entry_points

import typer
from rich.console import Console

from detector.errors import DetectorError
from pipelines.cli import convert, detect, evaluate, inspect, playbook, purge, settle, train

EXIT_FAULTS, EXIT_ERROR = 1, 2
COMMANDS: dict[str, Callable[..., None]] = {
    "detect": detect.detect,
    "convert": convert.convert,
    "inspect": inspect.inspect,
    "settle": settle.settle,
    "purge": purge.purge,
    "train": train.train,
    "evaluate": evaluate.evaluate,
}


def application(wanted: str | None = None) -> typer.Typer:
    """Return the command line: every command there is or, where one of this floor is wanted, those of this floor.

    The engines of the floors above take seconds to load.
    """
    app = typer.Typer(
        name="detector",
        help="Spots the small things call-centre agents do that make customers' days better, and rewards them.\n\n"
        "Start with: detector detect samples/calls.jsonl",
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode="markdown",
        pretty_exceptions_enable=False,
    )
    for name, command in COMMANDS.items():
        app.command(name)(command)
    app.add_typer(playbook.app, name="playbook")
    if wanted in {*COMMANDS, "playbook"}:
        return app
    for entry in sorted(entry_points(group="detector.commands"), key=lambda one: one.name):
        added = entry.load()
        if isinstance(added, typer.Typer):
            app.add_typer(added, name=entry.name)
        else:
            app.command(entry.name)(added)
    return app


def main() -> None:
    """Run the command line; a known error is one clear line and exit code 2."""
    try:
        application(next(iter(sys.argv[1:]), None))()
    except DetectorError as error:
        Console(stderr=True).print(f"error: {error}", highlight=False, soft_wrap=True, markup=False)
        sys.exit(EXIT_ERROR)
