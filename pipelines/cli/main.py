"""`detector`: the commands of this floor, and those that floors above add by the entry point `detector.commands`."""

import gc
import sys
from collections.abc import Iterable
from importlib import import_module
from importlib.metadata import entry_points

import typer

from pipelines.cli.console import console_for, interruptible

EXIT_ERROR = 2
COMMANDS = ("detect", "convert", "inspect", "settle", "purge", "train", "train-semantic", "evaluate")
"""Of this floor: each is the function of its module's name, its words joined."""
PLAYBOOK = "playbook"


def application(wanted: str | None = None) -> typer.Typer:
    """Return the command line: every command there is or, where one of this floor is wanted, no more than is needed.

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
    own = {*COMMANDS, PLAYBOOK}
    _add_own(app, [wanted] if wanted in own else COMMANDS)
    if wanted in own:
        return app
    for entry in sorted(entry_points(group="detector.commands"), key=lambda one: one.name):
        added = entry.load()
        if isinstance(added, typer.Typer):
            app.add_typer(added, name=entry.name)
        else:
            app.command(entry.name)(added)
    return app


def _add_own(app: typer.Typer, names: Iterable[str | None]) -> None:
    """Add commands of this floor, each loaded by its name; the playbook's are several, so that no command is alone."""
    for name in names:
        if name != PLAYBOOK:
            function = str(name).replace("-", "_")
            command = getattr(import_module(f"pipelines.cli.{function}"), function)
            app.command(name)(interruptible()(command))  # inside: Typer makes an "Aborted." of what comes out
    app.add_typer(import_module("pipelines.cli.playbook").app, name=PLAYBOOK)


def main() -> None:
    """Run the command line; an error that the user can mend is one clear line and exit code 2."""
    try:
        with interruptible():
            _loaded()()
    except Exception as error:
        line = import_module("pipelines.cli.mendable").told(error)
        if line is None:
            raise
        console_for(stderr=True).print(f"error: {line}", highlight=False, soft_wrap=True, markup=False)
        sys.exit(EXIT_ERROR)


def _loaded() -> typer.Typer:
    """Return the command line for the arguments; nothing that is loaded is garbage, so that none is looked for."""
    gc.disable()
    app = application(next(iter(sys.argv[1:]), None))
    gc.freeze()
    gc.enable()
    return app
