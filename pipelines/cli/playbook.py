"""`detector playbook`."""

import typer
from rich.table import Table

from pipelines import assemble
from pipelines.cli.console import console_for, show
from pipelines.flows.check import Checked, check
from pipelines.settings import Settings

app = typer.Typer(help="Look at the playbook and check it.", no_args_is_help=True)


@app.command("check")
def check_examples() -> None:
    """Load the playbook, tell all its faults, and run every example through the real pipeline.

    The exit code is 1 when an example is not caught, or not left alone, as it must be.
    """
    settings = Settings()
    detector = assemble.detector(settings)
    reader = assemble.text_reader(detector.playbook)
    console = console_for()
    results = list(check(detector, reader))
    table = Table(title=f"playbook {detector.playbook.version}")
    for heading in ("behaviour", "rules", "caught", "left alone", "wrong"):
        table.add_column(heading, justify="left" if heading == "behaviour" else "right")
    for behaviour in detector.playbook.behaviours:
        own = [one for one in results if one.behaviour == behaviour.id]
        table.add_row(
            behaviour.id,
            str(len(behaviour.rules)),
            str(sum(one.right for one in own if one.wanted)),
            str(sum(one.right for one in own if not one.wanted)),
            str(sum(not one.right for one in own) or ""),
        )
    show(console, table)
    wrong = [one for one in results if not one.right]
    for one in wrong:
        console.print(_told(one), markup=False, highlight=False, soft_wrap=True)
    if wrong:
        raise typer.Exit(1)


def _told(one: Checked) -> str:
    verdict = "is not caught" if one.wanted else f"is not left alone ({one.seen})"
    rules = f"; rules: {', '.join(one.rules)}" if one.rules else "; no rule hits"
    return f"{one.behaviour}: {one.example.text!r} {verdict}{rules}"


@app.command("list")
def list_behaviours() -> None:
    """Show the behaviours with what they serve and earn."""
    playbook = assemble.detector(Settings()).playbook
    table = Table(title=f"playbook {playbook.version}")
    for heading in ("behaviour", "goal", "KPI", "phase", "points", "cap a call", "mode", "award from", "review from"):
        table.add_column(heading)
    for one in playbook.behaviours:
        reward, thresholds = one.reward, one.thresholds
        table.add_row(
            one.id,
            one.goal,
            one.kpi,
            one.phase,
            str(reward.points),
            str(reward.cap),
            reward.mode,
            f"{thresholds.award:.2f}",
            f"{thresholds.review:.2f}",
        )
    show(console_for(), table)
