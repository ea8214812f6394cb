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
    faults = told = 0
    source = Path("/dev/stdin" if lines == "-" else lines)
    with _incoming(lines) as incoming, opened(output, inputs=[source]) as outgoing:
        for one in flow.bridge(incoming, lines, over):
            if isinstance(one, InputFault):
                faults += 1
                tell(console, one)
            else:
                told += 1
                outgoing.write(orjson.dumps(one, option=orjson.OPT_APPEND_NEWLINE))
                outgoing.flush()
    console.print(f"{told:,} messages written, {faults:,} lines not read.", highlight=False)
    return not faults


def _incoming(lines: str) -> AbstractContextManager[BinaryIO]:
    return nullcontext(sys.stdin.buffer) if lines == "-" else Path(lines).open("rb")
