"""`detector soak`."""

from typing import Annotated

import typer
from rich.table import Table

from detector.transcript import Call
from pipelines import assemble
from pipelines.cli.console import console_for, show
from pipelines.readers import reader
from streams import demo
from streams import soak as soaking
from streams.commands.options import Brokers, settings_for


def soak(
    calls: Annotated[int, typer.Option(min=1, help="How many calls.")] = 300,
    kills: Annotated[int, typer.Option(min=0, help="How many workers are killed with SIGKILL.")] = 5,
    workers: Annotated[int, typer.Option(min=1, help="How many work at a time.")] = 2,
    rate: Annotated[float, typer.Option(min=1, help="Messages a second.")] = 100.0,
    seed: Annotated[int, typer.Option(help="The same seed brings the same calls, disorder and faults.")] = 7,
    brokers: Brokers = None,
) -> None:
    """Prove on a real Kafka that nothing is lost and nothing paid twice; exit code 1 if something is.

    Example: make kafka, and in a second terminal: detector soak --kills 5 --calls 300

    Workers are killed, join and leave while calls stream in, with turns delivered twice, late, out of order, in part
    and revised. Then the stream's standing decisions, rewards and scorecards are held against batch's.
    """
    settings, console = settings_for(brokers), console_for(stderr=True)
    plan = soaking.Plan(calls=calls, kills=kills, workers=workers, rate=rate, seed=seed)
    samples = [one for file in demo.sample_files() for one in reader("native", file)(file) if isinstance(one, Call)]
    report = soaking.soak(
        samples,
        plan,
        settings=settings,
        detector=assemble.detector(settings),
        on_stage=console.print,
    )
    show(console_for(), _table(report))
    typer.echo("stream and batch agree; nothing was lost" if report.agrees else "stream and batch DIFFER")
    raise typer.Exit(0 if report.agrees else 1)


def _table(report: soaking.Report) -> Table:
    plan = report.plan
    did = f"{report.kills} kills, {report.joins} joins, {len(report.leave_codes)} leaves"
    came = f"{report.messages:,} messages, {report.told:,} outputs, {report.dead_letters} dead letters"
    table = Table(title=f"seed {plan.seed}, {plan.calls:,} calls: {did}, {came}, {report.seconds:.0f} s")
    table.add_column("standing")
    for heading in ("batch", "stream", "missing", "extra", "differing"):
        table.add_column(heading, justify="right")
    for one in report.kinds:
        table.add_row(one.name, *map(str, (one.batch, one.stream, one.missing, one.extra, one.differing)))
    return table
