"""What commands tell people: all of it, wherever it goes."""

import io
import sys
from pathlib import Path

import pytest
from readers.cases import SAMPLES
from rich.console import Console
from rich.table import Table
from typer.testing import CliRunner

from pipelines.cli.console import console_for, interruptible, show
from pipelines.cli.main import application

BEHAVIOUR, INTERVAL = "acknowledge_what_was_said", "0.95 (0.91-0.98)"


def table() -> Table:
    """Return a table of eight columns, twice as wide as a usual terminal."""
    made = Table("behaviour", *"abcdefg")
    made.add_row(BEHAVIOUR, *[INTERVAL] * 7)
    return made


def test_a_file_gets_lines_as_long_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the output is no terminal a row is a line, so that it can be searched."""
    told = io.StringIO()
    monkeypatch.setattr(sys, "stdout", told)
    show(console_for(), table())
    (row,) = [line for line in told.getvalue().splitlines() if BEHAVIOUR in line]

    assert 7 == row.count(INTERVAL)


def test_names_and_places_are_shown_as_they_stand(tmp_path: Path) -> None:
    """Neither a label in brackets nor a line between colons is markup or an emoji, in tables and in errors."""
    file = tmp_path / "calls[b].csv"
    rows = ["c1,[agent],hello", "c1,[/b],hi", *(f"c{at},agent,hi" for at in range(2, 98)), "c99"]
    file.write_text("\n".join(["call_id,speaker,text", *rows]), encoding="utf-8")

    told = CliRunner().invoke(application(), ["inspect", str(file)])

    assert told.exception is None or isinstance(told.exception, SystemExit)
    for part in ("'[agent]' is unknown", "'[/b]' is unknown", "calls[b].csv:100: has 1 fields"):
        assert part in told.output


@pytest.mark.parametrize("width", [50, 80, 120])
def test_a_narrow_terminal_folds_what_is_too_long(width: int) -> None:
    """Every character of a table is there, if in several lines."""
    told = io.StringIO()
    show(Console(file=told, width=width), table())
    columns = zip(*(line[1:-1].split("│") for line in told.getvalue().splitlines() if line[0] == "│"), strict=True)

    assert [BEHAVIOUR, *[INTERVAL.replace(" ", "")] * 7] == ["".join(column).replace(" ", "") for column in columns]


@pytest.mark.parametrize(
    "arguments",
    [["playbook", "list"], ["inspect", str(SAMPLES / "webvtt.vtt")], ["detect", str(SAMPLES / "vcon.json")]],
)
def test_no_command_cuts_off_what_it_tells(arguments: list[str]) -> None:
    """No sign of something left out is in what is redirected to a file, however narrow the screen is."""
    told = CliRunner().invoke(application(), arguments, env={"COLUMNS": "40"})

    assert 0 == told.exit_code, told.output
    assert "…" not in told.output


def test_ctrl_c_is_one_line(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever interrupts is told that not all is written, and so is the shell."""
    monkeypatch.setattr("pipelines.cli.console.signal", lambda *_: None)

    with pytest.raises(SystemExit, match="130"), interruptible():
        raise KeyboardInterrupt

    assert "interrupted: what is written is not all\n" == capsys.readouterr().err
