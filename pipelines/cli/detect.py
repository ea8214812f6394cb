"""`detector detect`."""

import os
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from detector.decision import CallOutcome, Outcome
from detector.playbook import load_playbook
from pipelines import assemble
from pipelines.cli.console import console_for, show
from pipelines.cli.options import (
    AgentIds,
    ColumnOptions,
    Files,
    FormatName,
    RoleOptions,
    refuse_overwriting,
    tell,
    tell_unknown,
)
from pipelines.flows import detect as flow
from pipelines.flows.tally import Tally
from pipelines.readers import Columns, Roles
from pipelines.settings import Settings
from pipelines.sinks import JsonLines, Outputs

if TYPE_CHECKING:
    from pipelines.store import StoreSink


def detect(
    files: Files,
    decisions: Annotated[str | None, typer.Option(help="Write decisions here, JSON lines; - is stdout.")] = None,
    rewards: Annotated[str | None, typer.Option(help="Write reward events here; - is stdout.")] = None,
    scorecards: Annotated[str | None, typer.Option(help="Write scorecards here; - is stdout.")] = None,
    store: Annotated[str | None, typer.Option(help="Fill this store of the review app: a file or a URL.")] = None,
    format_name: FormatName = "auto",
    role: RoleOptions = None,
    agent_id: AgentIds = None,
    column: ColumnOptions = None,
    jobs: Annotated[int, typer.Option(help="Processes; 0 is one a core.", min=0)] = 0,
    strict: Annotated[bool, typer.Option("--strict", help="Stop at the first input that cannot be read.")] = False,
) -> None:
    """Detect behaviours in FILES of calls; write decisions, reward events and scorecards.

    Example: detector detect calls.jsonl --decisions decisions.jsonl --rewards - | less

    What cannot be read is told with file and line, counted, and passed over; the exit code is then 1.
    """
    roles, columns = Roles.parse(role or (), agent_id or ()), Columns.parse(column or ())
    refuse_overwriting(files, (decisions, rewards, scorecards), store=store)
    settings = Settings()
    make = partial(assemble.detector, settings)
    if jobs == 0:
        jobs = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    detector = make()
    errors = console_for(stderr=True)
    sink = JsonLines(Outputs(decisions, rewards, scorecards))
    filling = None if store is None else _filling(store, settings)
    total = sum(file.stat().st_size for file in files if file.is_file())
    shown = (TextColumn("detecting"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*shown, console=errors, transient=True, disable=not errors.is_terminal) as progress:
        task = progress.add_task("detecting", total=total)
        try:
            tally = flow.run(
                flow.items(
                    files,
                    format_name=format_name,
                    on_bytes=lambda count: progress.advance(task, count),
                    roles=roles,
                    columns=columns,
                ),
                detector=detector,
                make_detector=make,
                sinks=[sink],
                jobs=jobs,
                strict=strict,
                on_fault=partial(tell, errors),
                on_repeat=partial(tell, errors),
                on_call=None if filling is None else filling.write,
            )
        finally:
            sink.close()
            if filling is not None:
                filling.close()
    _summarise(tally, errors)
    raise typer.Exit(1 if tally.faults else 0)


def _filling(store: str, settings: Settings) -> "StoreSink":
    from pipelines.store import StoreSink, open_store  # noqa: PLC0415 - the database's libraries take a while to load

    playbook = load_playbook(settings.playbook)
    return StoreSink(open_store(store), playbook=playbook, sample_share=settings.sample_share)


def _summarise(tally: Tally, console: Console) -> None:
    table = Table(title=f"{tally.calls:,} calls, {tally.turns:,} turns ({tally.agent_turns:,} by agents)")
    table.add_column("behaviour")
    for heading in ("award", "review", "shadow", "calls: done", "missed", "not needed", "abstained"):
        table.add_column(heading, justify="right")
    for behaviour in sorted({name for name, _ in tally.outcomes}):
        decided = (str(tally.decisions[behaviour, outcome]) for outcome in Outcome)
        shown = (str(tally.outcomes[behaviour, outcome]) for outcome in CallOutcome)
        table.add_row(behaviour, *decided, *shown)
    show(console, table)
    console.print(f"{tally.points:,} points granted.", highlight=False)
    if tally.unpaid:
        console.print(
            f"{tally.unpaid:,} awards name no agent: nobody is paid for them. Give agent ids, in the calls or by "
            "--agent-id NAME=ID.",
            highlight=False,
            markup=False,
            soft_wrap=True,
        )
    tell_unknown(console, tally.unknown_turns, len(tally.unknown_files))
    if tally.faults:
        console.print(f"{tally.faults:,} pieces of input could not be read; they are named above.", highlight=False)
