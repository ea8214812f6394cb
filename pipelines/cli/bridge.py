"""`detector bridge`."""

import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Annotated, BinaryIO

import orjson
import typer
from rich.console import Console

from pipelines.cli.options import AgentIds, RoleOptions, opened, tell
from pipelines.flows import bridge as flow
from pipelines.readers import InputFault, Roles
from pipelines.readers.live import TRANSLATORS


def bridge(
    source: Annotated[str, typer.Option("--from", help=f"Whose messages: {', '.join(TRANSLATORS)}.")],
    lines: Annotated[str, typer.Argument(help="JSON lines, a message each; - is stdin.")] = "-",
    output: Annotated[str, typer.Option("--output", "-o", help="The native messages; - is stdout.")] = "-",
    role: RoleOptions = None,
    agent_id: AgentIds = None,
    call_id: Annotated[str | None, typer.Option(help="The call, where the messages name none.")] = None,
) -> None:
    """Translate a vendor's live messages to native ones, a JSON line each, as they come.

    Example: detector bridge --from contact-lens-realtime segments.jsonl -o messages.jsonl

    Records as Kinesis gives them (Data in base64) are unwrapped. Partial results are dropped. A line that cannot be
    read is told with its number and passed over; the exit code is then 1.
    """
    over = flow.Bridge(flow.translator(source), roles=Roles.parse(role or (), agent_id or ()), call_id=call_id)
    console = Console(stderr=True)
    faults = told = 0
    with _incoming(lines) as incoming, opened(output) as outgoing:
        for one in flow.bridge(incoming, lines, over):
            if isinstance(one, InputFault):
                faults += 1
                tell(console, one)
            else:
                told += 1
                outgoing.write(orjson.dumps(one, option=orjson.OPT_APPEND_NEWLINE))
                outgoing.flush()
    console.print(f"{told:,} messages written, {faults:,} lines not read.", highlight=False)
    raise typer.Exit(1 if faults else 0)


def _incoming(lines: str) -> AbstractContextManager[BinaryIO]:
    return nullcontext(sys.stdin.buffer) if lines == "-" else Path(lines).open("rb")
