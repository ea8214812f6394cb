"""`detector convert`."""

from functools import partial
from typing import Annotated

import typer
from rich.table import Table

from pipelines.cli.console import console_for, show
from pipelines.cli.options import AgentIds, ColumnOptions, Files, FormatName, RoleOptions, opened, tell, tell_unknown
from pipelines.flows import reading as flow
from pipelines.readers import Columns, Roles


def convert(
    files: Files,
    output: Annotated[str, typer.Option("--output", "-o", help="The file of native lines; - is stdout.")],
    format_name: FormatName = "auto",
    role: RoleOptions = None,
    agent_id: AgentIds = None,
    column: ColumnOptions = None,
) -> None:
    """Write the calls of FILES, in whatever formats, as native JSON lines: one call a line.

    Example: detector convert recordings/*.json --role 0=agent --role 1=customer -o calls.jsonl

    What cannot be read is told with its place, counted, and passed over; the exit code is then 1.
    """
    roles, columns = Roles.parse(role or (), agent_id or ()), Columns.parse(column or ())
    console = console_for(stderr=True)
    found = flow.read(files, format_name=format_name, roles=roles, columns=columns)
    with opened(output, inputs=files) as stream:
        counts = flow.convert(found, stream, on_fault=partial(tell, console))
        stream.flush()
    table = Table("files", "calls", "turns", "unknown speaker", "not read", title=f"written to {output}")
    numbers = (len(files), counts.calls, counts.turns, counts.unknown_turns, counts.faults)
    table.add_row(*(f"{number:,}" for number in numbers))
    show(console, table)
    tell_unknown(console, counts.unknown_turns, len(counts.unknown_files))
    raise typer.Exit(1 if counts.faults else 0)
