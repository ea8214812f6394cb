"""`detector bridge`."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.console import Console

from pipelines.cli.bridge import bridge_lines, tell_written
from pipelines.cli.options import AgentIds, RoleOptions
from pipelines.flows.bridge import Bridge, translator
from pipelines.readers import Roles
from pipelines.readers.live import TRANSLATORS
from streams.bridge import TopicBridge
from streams.commands.options import Brokers, UsageError, settings_for


def bridge(
    source: Annotated[str, typer.Option("--from", help=f"Whose messages: {', '.join(TRANSLATORS)}.")],
    lines: Annotated[str, typer.Argument(help="JSON lines, a message each; - is stdin.")] = "-",
    output: Annotated[str, typer.Option("--output", "-o", help="The native messages; - is stdout.")] = "-",
    from_topic: Annotated[str | None, typer.Option(help="Read a Kafka topic in place of lines.")] = None,
    to_topic: Annotated[str | None, typer.Option(help="Where to write then; default: the transcripts topic.")] = None,
    brokers: Brokers = None,
    group: Annotated[str | None, typer.Option(help="The consumer group; default: the worker's, with -bridge.")] = None,
    role: RoleOptions = None,
    agent_id: AgentIds = None,
    call_id: Annotated[str | None, typer.Option(help="The call that all messages are of, whatever they say.")] = None,
) -> None:
    """Translate a vendor's live messages to native ones as they come: JSON lines, or a Kafka topic until Ctrl-C.

    Example: detector bridge --from contact-lens-realtime segments.jsonl -o messages.jsonl

    Example: detector bridge --from contact-lens-realtime --from-topic segments

    Records as Kinesis gives them (Data in base64) are unwrapped. Partial results are dropped. A line that cannot be
    read is told with its number and passed over; the exit code is then 1. A message of a topic that cannot be read
    goes to the dead letters.
    """
    vendor, roles, console = translator(source), Roles.parse(role or (), agent_id or ()), Console(stderr=True)

    def make() -> Bridge:
        return Bridge(vendor, roles=roles, call_id=call_id)

    if from_topic is None:
        if any(one is not None for one in (to_topic, brokers, group)):
            raise UsageError("--to-topic, --brokers and --group go with --from-topic")
        raise typer.Exit(0 if bridge_lines(make(), lines=lines, output=output, console=console) else 1)
    if (lines, output) != ("-", "-"):
        raise UsageError("--from-topic goes without a file of lines and without --output")
    _bridge_topic(make, from_topic, to_topic, brokers=brokers, group=group, console=console)


def _bridge_topic(
    make: Callable[[], Bridge],
    source: str,
    to_topic: str | None,
    *,
    brokers: str | None,
    group: str | None,
    console: Console,
) -> None:
    settings = settings_for(brokers)
    target, group = to_topic or settings.topic_transcripts, group or f"{settings.group}-bridge"
    if source in {target, settings.topic_dead_letters}:
        raise UsageError("--from-topic: the bridge writes to this topic itself")
    if group == settings.group:
        raise UsageError("--group: this group is the worker's")
    over = TopicBridge(settings, source=source, target=target, group=group, make=make)
    console.print(f"{source} to {target} at {settings.brokers}; Ctrl-C ends", highlight=False, markup=False)
    with until_signalled() as stopped:
        over.run(stopped)
    counts = over.counts
    told = f"{counts.written:,} messages written, {counts.buried:,} to the dead letters."
    tell_written(console, told, unknown_turns=counts.unknown.count)


@contextmanager
def until_signalled() -> Iterator[Callable[[], bool]]:
    """Give what tells whether SIGINT or SIGTERM came; the handlers before are put back after."""
    came = threading.Event()
    before = {one: signal.signal(one, lambda *_: came.set()) for one in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield came.is_set
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
