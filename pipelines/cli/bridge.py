"""The part of `detector bridge` that needs no broker: lines in, lines out. The floor above makes it a command."""

import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import BinaryIO

import orjson
from rich.console import Console

from pipelines.cli.options import opened, tell
from pipelines.flows import bridge as flow
from pipelines.readers import InputFault


def bridge_lines(over: flow.Bridge, *, lines: str, output: str, console: Console) -> bool:
    """Translate a file of JSON lines as they come; - is standard input and output. Tell whether all could be read."""
    faults, told, unknown = 0, 0, flow.UnknownTurns()
    source = Path("/dev/stdin" if lines == "-" else lines)
    with _incoming(lines) as incoming, opened(output, inputs=[source]) as outgoing:
        for one in flow.bridge(incoming, lines, over):
            if isinstance(one, InputFault):
                faults += 1
                tell(console, one)
            else:
                told += 1
                unknown.take(one)
                outgoing.write(orjson.dumps(one, option=orjson.OPT_APPEND_NEWLINE))
                outgoing.flush()
    tell_written(console, f"{told:,} messages written, {faults:,} lines not read.", unknown_turns=unknown.count)
    return not faults


def tell_written(console: Console, told: str, *, unknown_turns: int) -> None:
    """Print a bridge's last line: what it wrote and, where nobody is known for some turns, what to do about it."""
    if unknown_turns:
        told += (
            f" {unknown_turns:,} turns have no known speaker: give --role LABEL=agent, LABEL being a channel, track or "
            "speaker of the messages. Nothing is said of them."
        )
    console.print(told, highlight=False, markup=False, soft_wrap=True)


def _incoming(lines: str) -> AbstractContextManager[BinaryIO]:
    return nullcontext(sys.stdin.buffer) if lines == "-" else Path(lines).open("rb")
