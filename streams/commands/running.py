"""`detector stream`, `detector replay`, `detector tail`."""

import sys
from typing import Annotated

import typer
from rich.console import Console
from rich.live import Live
from rich.progress import Progress

from pipelines import assemble
from pipelines.cli.options import AgentIds, Files, FormatName, RoleOptions
from pipelines.flows import reading
from pipelines.readers import InputFault, Roles
from streams import replay as playing
from streams import topics as planning
from streams import worker
from streams.commands.options import Brokers, UsageError, calls_of, first_read, settings_for
from streams.embedded import EmbeddedBroker
from streams.listening import Listener
from streams.tail import Board, Quiet, next_event

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


def stream(
    embedded: Annotated[bool, typer.Option("--embedded", help="Start a broker in this process in front.")] = False,
    brokers: Brokers = None,
    json_logs: Annotated[bool, typer.Option("--json-logs/--text-logs", help="How to log.")] = False,
    level: Annotated[str, typer.Option(help="DEBUG, INFO, WARNING or ERROR.")] = "INFO",
) -> None:
    """Run the worker on the transcripts topic until SIGTERM or Ctrl-C; then drain, commit and leave.

    Example: detector stream --embedded
    """
    settings, logged = settings_for(brokers), _level(level)
    console = Console(stderr=True)
    if embedded:
        broker = EmbeddedBroker()
        settings = broker.settings(settings)
        console.print(f"embedded broker at {settings.brokers}; try: detector tail --brokers {settings.brokers}")
    planning.check(settings)
    worker.run(settings, assemble.detector(settings), level=logged, json_logs=json_logs)


def replay(
    files: Files,
    speed: Annotated[str, typer.Option(help="20x is twenty times as fast as the calls were; max is at once.")] = "20x",
    turns_per_message: Annotated[int, typer.Option(min=1, help="Turns in one message.")] = 1,
    whole_calls: Annotated[bool, typer.Option("--whole-calls", help="One message a call, at its end.")] = False,
    format_name: FormatName = "auto",
    role: RoleOptions = None,
    agent_id: AgentIds = None,
    brokers: Brokers = None,
) -> None:
    """Play the calls of FILES into the transcripts topic as a live centre would, many at a time.

    Example: detector replay samples/calls.jsonl --speed 20x
    """
    settings, console, faults = settings_for(brokers), Console(stderr=True), list[InputFault]()
    found = reading.read(files, format_name=format_name, roles=Roles.parse(role or (), agent_id or ()))
    pace, calls = _speed(speed), first_read(calls_of(found, faults, console))
    cues = playing.score(calls, turns_per_message=turns_per_message, whole_calls=whole_calls)
    with Progress(console=console, disable=not console.is_terminal, transient=True) as progress:
        task = progress.add_task("playing turns", total=None)
        sent = playing.play(cues, settings, speed=pace, on_sent=lambda cue: progress.advance(task, cue.turns))
    console.print(f"{sent:,} messages sent to {settings.topic_transcripts} at {settings.brokers}", highlight=False)
    raise typer.Exit(1 if faults else 0)


def tail(
    until_quiet: Annotated[float | None, typer.Option(help="End when nothing came for so many seconds.")] = None,
    from_beginning: Annotated[bool, typer.Option("--from-beginning", help="Also what is there already.")] = False,
    brokers: Brokers = None,
) -> None:
    """Show reward events as they come; Ctrl-C ends. Where the output is no terminal: one JSON object a line."""
    settings, console, board, quiet = settings_for(brokers), Console(), Board(), Quiet(until_quiet)
    with Listener(settings, [settings.topic_rewards], from_beginning=from_beginning) as listener:
        try:
            with Live(console=console, auto_refresh=False) as live:
                while not quiet.over:
                    event = next_event(listener, 0.2)
                    if event is None or not board.add(event):
                        continue
                    quiet.heard()
                    if console.is_terminal:
                        live.update(board.table(), refresh=True)
                    else:
                        sys.stdout.write(event.model_dump_json(exclude_none=True) + "\n")
                        sys.stdout.flush()
        except KeyboardInterrupt:
            pass


def _level(told: str) -> str:
    if (level := told.upper()) not in LEVELS:
        raise UsageError(f"--level {told}: give DEBUG, INFO, WARNING or ERROR")
    return level


def _speed(told: str) -> float | None:
    if told == "max":
        return None
    try:
        speed = float(told.removesuffix("x"))
    except ValueError:
        speed = 0.0
    if speed <= 0:
        raise UsageError(f"--speed {told}: give a number such as 20x, or max")
    return speed
