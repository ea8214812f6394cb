"""`detector demo`."""

import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer
from rich.live import Live
from rich.table import Table

from detector.decision import CallOutcome
from detector.transcript import Call
from pipelines import assemble
from pipelines.cli.console import console_for, show
from pipelines.flows import reading
from pipelines.readers import InputFault
from pipelines.settings import Settings
from pipelines.store import StoreSink, open_store
from streams import demo as showing
from streams.commands.options import calls_of, first_read
from streams.tail import Board

REVIEW_SAMPLE = 0.25


def demo(
    files: Annotated[list[Path] | None, typer.Argument(help="Calls to play; default: the samples.")] = None,
) -> None:
    """Show the whole walk: broker, worker, calls played in, rewards as they come, scorecards; compare with batch.

    Ends by itself; on a terminal it then serves the review app with these calls until Ctrl-C. Exit code 1 when
    stream and batch differ or something was lost.
    """
    console, board, faults = console_for(), Board(), list[InputFault]()
    calls = list(first_read(calls_of(reading.read(files or showing.sample_files()), faults, console)))
    settings = Settings()
    with Live(board.table(), console=console, refresh_per_second=8) as live:
        outcome = showing.run(
            calls,
            settings=settings,
            detector=assemble.detector(settings),
            on_reward=lambda event: live.update(board.table()) if board.add(event) else None,
            on_stage=lambda told: console.print(told, highlight=False),
        )
    if not console.is_terminal:
        console.line()  # which a live table ends with on terminals only
    show(console, _scorecards(outcome, calls))
    batch, streamed = outcome.batch, outcome.stream
    console.print(
        f"stream: {len(streamed.decisions)} decisions, {len(streamed.rewards)} rewards, {streamed.points} points · "
        f"batch: {len(batch.decisions)}, {len(batch.rewards)}, {batch.points} · {outcome.seconds:.0f} s",
        highlight=False,
    )
    for fault in outcome.faults[:20]:
        console.print(fault, style="red", highlight=False)
    console.print("stream and batch differ" if outcome.faults else "stream and batch agree; nothing was lost")
    if console.is_terminal and not outcome.faults:
        _leave_review_running(calls, settings)
    raise typer.Exit(1 if outcome.faults or faults else 0)


def _leave_review_running(calls: Iterable[Call], settings: Settings) -> None:
    """Fill a store with the demo's calls and serve the review app on it until Ctrl-C."""
    detector, file = assemble.detector(settings), Path("out/demo-review.db")
    with StoreSink(open_store(str(file)), playbook=detector.playbook, sample_share=REVIEW_SAMPLE) as sink:
        for call in calls:
            sink.write(call, detector.detect(call))
    with suppress(KeyboardInterrupt):
        subprocess.run([sys.executable, "-m", "review", "--store", str(file)], check=False)  # noqa: S603 - our own


def _scorecards(outcome: showing.Outcome, calls: Iterable[Call]) -> Table:
    table = Table("call", "agent", *(one.value.replace("_", " ") for one in CallOutcome), "points", title="scorecards")
    for column in table.columns[2:]:
        column.justify = "right"
    points = Counter[str]()
    for event in outcome.stream.rewards.values():
        points[event.data.call_id] += event.data.points
    for call in calls:
        card = outcome.stream.scorecards.get(call.call_id)
        counts = Counter(card.outcomes.values()) if card is not None else Counter[CallOutcome]()
        shown = (str(counts[one]) for one in CallOutcome)
        table.add_row(call.call_id, call.agent_id or "?", *shown, str(points[call.call_id]))
    return table
