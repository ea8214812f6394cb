"""`detector inspect`."""

import typer
from rich.table import Table

from detector.transcript import Speaker
from pipelines.cli.console import console_for, show
from pipelines.cli.options import AgentIds, ColumnOptions, Files, FormatName, RoleOptions, tell
from pipelines.flows import inspect as flow
from pipelines.readers import Columns, Roles


def inspect(
    files: Files,
    format_name: FormatName = "auto",
    role: RoleOptions = None,
    agent_id: AgentIds = None,
    column: ColumnOptions = None,
) -> None:
    """Show what FILES are: format, calls, turns, speakers and their labels, languages, times; and what is missing.

    Example: detector inspect recording.vtt --role "Jo Marsh=agent"
    """
    roles, columns = Roles.parse(role or (), agent_id or ()), Columns.parse(column or ())
    console, errors = console_for(), console_for(stderr=True)
    faults = 0
    for file in files:
        found = flow.inspect(file, format_name=format_name, roles=roles, columns=columns)
        for fault in found.told_faults:
            tell(errors, fault)
        show(console, _table(found))
        faults += found.faults
    raise typer.Exit(1 if faults else 0)


def _table(found: flow.Inspected) -> Table:
    table = Table(title=str(found.file), show_header=False, title_justify="left", min_width=60)
    table.add_column(style="bold")
    table.add_column()
    table.add_row("format", found.format_name or "not known")
    table.add_row("calls", f"{found.calls:,}")
    table.add_row("turns", f"{found.turns:,}")
    table.add_row("roles", ", ".join(f"{one} {found.speakers[one]:,}" for one in Speaker if found.speakers[one]) or "–")
    table.add_row("speakers", _labels(found) or "–")
    table.add_row("languages", ", ".join(f"{name or '–'} {count:,}" for name, count in found.languages.items()) or "–")
    table.add_row("times", _times(found))
    table.add_row("not read", f"{found.faults:,}")
    table.add_row("missing", "\n".join(found.missing) or "nothing")
    return table


def _labels(found: flow.Inspected) -> str:
    return "\n".join(
        f"{'no label' if label is None else repr(label)} is {speaker}: {count:,} turns"
        for (label, speaker), count in found.labels.items()
    )


def _times(found: flow.Inspected) -> str:
    if not found.timed_turns:
        return "none"
    return f"{found.timed_turns:,} turns; the longest call lasts {found.last_ms / 1000:,.1f} s"
