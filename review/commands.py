"""`detector review …`: flags in, one function called, exit code out."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from detector.errors import DetectorError
from detector.playbook import load_playbook
from pipelines.files import add_lines
from pipelines.settings import Settings
from pipelines.store import Filler, open_store, outbox
from pipelines.store.accounts import Role, put_user
from review.rewards import reward_events
from review.server import listening, made, serve

review = typer.Typer(help="The QA workbench: see, judge, steer.", invoke_without_command=True)

StoreAddress = Annotated[str | None, typer.Option("--store", help="A file or a URL; default: DETECTOR_STORE.")]


class PasswordError(DetectorError):
    """No password is given, and there is nobody to ask."""


@review.callback()
def run(
    context: typer.Context,
    store: StoreAddress = None,
    host: Annotated[str, typer.Option(help="Where to listen.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="The port.")] = 8765,
    public_host: Annotated[str | None, typer.Option(help="The name people use, behind a proxy with TLS.")] = None,
    trusted_proxy: Annotated[
        list[str] | None,
        typer.Option(help="The address of that proxy, or its network: its X-Forwarded-For tells who logs in."),
    ] = None,
) -> None:
    """Serve the review app until Ctrl-C.

    Example: detector detect samples/calls.jsonl --store out/review.db && detector review
    """
    if context.invoked_subcommand is not None:
        return
    served = made(_settings(store), host=host, port=port, public=public_host, trusted=trusted_proxy or ())
    sockets = listening(host, port)
    Console(stderr=True).print(f"review: {served.address}\nCtrl-C ends", highlight=False, markup=False, soft_wrap=True)
    serve(served, sockets)


@review.command("account")
def account(
    name: str,
    role: Annotated[Role, typer.Option(help="What they may do.")],
    agent_id: Annotated[str | None, typer.Option(help="Whose calls an agent sees.")] = None,
    password: Annotated[
        str | None,
        typer.Option(help="Default: asked for; where there is no terminal, the first line of standard input."),
    ] = None,
    store: StoreAddress = None,
) -> None:
    """Make an account, or change its role and password."""
    password = _password() if password is None else password
    opened = open_store(_settings(store).store)
    with opened.writing() as connection:
        put_user(connection, name, role=role, password=password, agent_id=agent_id)
    opened.close()


@review.command("export-verdicts")
def export_verdicts(
    file: Annotated[Path, typer.Argument(help="Verdicts are added to this file, for detector settle.")],
    store: StoreAddress = None,
) -> None:
    """Write the verdicts that wait to be sent to FILE, one JSON object a line, and mark them as sent.

    Example: detector review export-verdicts out/verdicts.jsonl && detector settle out/verdicts.jsonl --rewards
    out/rewards.jsonl && detector review take-rewards out/rewards.jsonl
    """
    opened, count = open_store(_settings(store).store, make=False), 0
    add_lines(file, ())  # a file that cannot be written is told before a verdict is taken
    while letters := [one for one in outbox.waiting(opened, older_than=0) if outbox.take(opened, one)]:
        add_lines(file, (one.value.encode() for one in letters))
        outbox.mark_sent(opened, letters)
        count += len(letters)
    opened.close()
    Console(stderr=True).print(f"{count:,} verdicts written.", highlight=False)


@review.command("take-rewards")
def take_rewards(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="Reward events, JSON lines.")],
    store: StoreAddress = None,
) -> None:
    """Take reward events in, each once, so that the pages show which verdicts are settled.

    Where a line is no reward event nothing is taken in, and the line is told.
    """
    settings, events = _settings(store), reward_events(file)
    opened = open_store(settings.store, make=False)
    with opened.writing() as connection:
        Filler(connection, playbook=load_playbook(settings.playbook)).events(events)
    opened.close()
    Console(stderr=True).print(f"{len(events):,} reward events taken in.", highlight=False)


def _password() -> str:
    """Ask for a password; where there is no terminal, read it from standard input."""
    if sys.stdin.isatty():
        return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))
    if given := sys.stdin.readline().rstrip("\r\n"):
        return given
    raise PasswordError(
        "no password: where there is no terminal, give it by --password, or as a line of standard input"
    )


def _settings(store: str | None) -> Settings:
    settings = Settings()
    return settings if store is None else settings.model_copy(update={"store": store})
