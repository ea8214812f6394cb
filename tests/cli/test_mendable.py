"""Mistakes in options, paths and settings, made as a user makes them: one line, exit code 2, nothing destroyed."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest
from readers.cases import ROOT, SAMPLES

from pipelines.cli.main import main
from pipelines.cli.mendable import told
from pipelines.files import check_writable

NATIVE, LIVE = SAMPLES / "native.jsonl", SAMPLES / "live" / "lca.jsonl"
MAKERS = "`detector detect FILES --store`, `detector review-bridge` and `detector review account` make one"
READ_FROM = "is read from, and would be overwritten"

Run: TypeAlias = Callable[..., tuple[int, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Return what runs a command line as the shell would, and returns its exit code and what it told."""

    def of(*arguments: object) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["detector", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        return int(ended.value.code or 0), capsys.readouterr().err

    return of


@pytest.mark.parametrize(
    ("sample", "before", "after"),
    [
        (NATIVE, ["convert"], ["-o"]),
        (LIVE, ["bridge", "--from", "lca"], ["-o"]),
        *((NATIVE, ["detect"], [f"--{kind}"]) for kind in ("decisions", "rewards", "scorecards")),
        (NATIVE, ["evaluate"], ["--json"]),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_an_output_never_overwrites_an_input(
    sample: Path, before: list[str], after: list[str], tmp_path: Path, run: Run
) -> None:
    """An output that is an input, by its own name or another's, is refused before a byte of it is lost."""
    file, link = tmp_path / "in.jsonl", tmp_path / "link.jsonl"
    file.write_bytes(sample.read_bytes())
    link.symlink_to(file)

    code, line = run(*before, file, *after, link)

    assert 2 == code
    assert f"error: {link}: {READ_FROM}" in line
    assert file.read_bytes() == sample.read_bytes()


@pytest.mark.parametrize(
    ("decisions", "other"),
    [
        ("both.jsonl", ["--rewards", "./both.jsonl"]),
        ("both.jsonl", ["--scorecards", "link.jsonl"]),
        ("qa.db", ["--store", "qa.db"]),
        ("qa.db", ["--store", "sqlite:///./qa.db"]),
    ],
    ids=str,
)
def test_two_outputs_are_never_one_file(
    decisions: str, other: list[str], tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that is named in two ways, or as the store, is refused though it is not there yet; nothing is written."""
    monkeypatch.chdir(tmp_path)
    Path("link.jsonl").symlink_to("both.jsonl")

    code, line = run("detect", NATIVE, "--decisions", decisions, *other)

    assert (2, 1) == (code, line.count("\n"))
    assert ": is written to as " in line
    assert not Path(decisions).exists()


@pytest.mark.parametrize("arguments", [["--rewards", "-", "--decisions", "/dev/stdout"], ["--rewards", "-"]], ids=str)
def test_standard_output_is_a_file_like_others(arguments: list[str], tmp_path: Path) -> None:
    """Under two names, or added to an input, it is refused; a run used to read on for ever what it wrote."""
    file = tmp_path / "calls.jsonl"
    file.write_bytes(NATIVE.read_bytes())
    target = file if len(arguments) == 2 else tmp_path / "out.jsonl"
    command = [sys.executable, "-c", "from pipelines.cli import main; main()", "detect", str(file), *arguments]
    with target.open("ab") as out:
        done = subprocess.run(command, stdout=out, stderr=subprocess.PIPE, cwd=ROOT, timeout=60, check=False)

    assert 2 == done.returncode
    assert b"standard output" in done.stderr
    assert file.read_bytes() == NATIVE.read_bytes()


@pytest.mark.parametrize(
    ("output", "line"),
    [
        ("--picture=f.txt", "no picture is of this kind; name a file that ends in one of: "),
        ("--picture=f", "no picture is of this kind"),
        ("--picture=file/f.png", "file: File exists"),
        ("--json=file/f.json", "file: File exists"),
        ("--json=folder", "Is a directory"),
    ],
)
def test_an_evaluation_tells_what_it_cannot_write_before_it_begins(
    output: str, line: str, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A picture of no kind and an output that is none are one line, before anything is read."""
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("pipelines.flows.evaluate.corpora", lambda _: pytest.fail("it began"))

    code, told = run("evaluate", ROOT / "samples" / "labelled", output)

    assert (2, 1) == (code, told.count("\n"))
    assert line in told
    assert {"file", "folder"} == {one.name for one in tmp_path.iterdir()}


def test_what_is_checked_to_be_writable_is_left_as_it_was(tmp_path: Path) -> None:
    """Figures that were there are lost only once there are others; a file that was not there is not made."""
    there, new = tmp_path / "there.json", tmp_path / "new" / "figures.json"
    there.write_text("figures")

    check_writable(there)
    check_writable(new)

    assert "figures" == there.read_text()
    assert not new.exists()


def test_an_output_that_was_there_is_written_anew(tmp_path: Path, run: Run) -> None:
    """A file that is not read from may be overwritten, as ever."""
    output = tmp_path / "out.jsonl"
    output.write_text("old\n", encoding="utf-8")

    assert 0 == run("convert", NATIVE, "-o", output)[0]
    assert "old" not in output.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["detect", NATIVE, "--rewards", "/dev/full"], "/dev/full: No space left on device"),
        (["convert", NATIVE, "-o", "/dev/full"], "/dev/full: No space left on device"),
        (["detect", NATIVE, "--rewards", ROOT], f"{ROOT}: Is a directory"),
        (["evaluate", "nosuch.jsonl", "--no-baselines"], "nosuch.jsonl: No such file or directory"),
        (["evaluate", ROOT / "docs"], f"{ROOT / 'docs'}: no labelled file (*.jsonl) is in this folder"),
        (
            ["purge", "--older-than", "9d", "--store", ROOT / "no.db"],
            f"{ROOT / 'no.db'}: there is no such store: {MAKERS}",
        ),
        (["detect", NATIVE, "--store", NATIVE], f"{NATIVE}: cannot be used as a store: file is not a database"),
    ],
    ids=["full", "convert to full", "folder", "missing", "no labelled file", "no store", "no database"],
)
def test_what_a_path_refuses_is_one_line(arguments: list[object], line: str, run: Run) -> None:
    """A full disk, a folder for a file and a missing file are told in one line, and are no faults of the input."""
    assert (2, f"error: {line}\n") == run(*arguments)


@pytest.mark.parametrize("command", ["detect", "convert", "inspect"])
def test_a_format_that_is_not_known_is_a_wrong_option(command: str, tmp_path: Path, run: Run) -> None:
    """It is told once, whatever files are given, and nothing is read or written."""
    output = tmp_path / "out.jsonl"
    to = {"detect": ["--rewards", output], "convert": ["-o", output]}.get(command, [])

    code, line = run(command, NATIVE, NATIVE, "--format", "nope", *to)

    assert 2 == code
    assert line.startswith("error: unknown format 'nope'; the known ones: auto, native, ")
    assert 1 == line.count("\n")
    assert not output.exists()


@pytest.mark.parametrize(
    ("age", "told"), [("soon", "give a number of days"), ("99999999999d", "the number is too large; 99999 is")]
)
def test_an_age_is_told_what_is_wrong_with_it(age: str, told: str, run: Run) -> None:
    """What is no age and what is too high an age are two different mistakes."""
    code, line = run("purge", "--older-than", age)

    assert 2 == code
    assert line.startswith(f"error: --older-than: {told}")


def test_a_pipe_is_refused_where_files_are_read_twice(tmp_path: Path, run: Run) -> None:
    """The command ends with a line, and does not wait for ever for a second writer."""
    pipe = tmp_path / "calls.jsonl"
    os.mkfifo(pipe)

    code, line = run("evaluate", pipe)

    assert (2, 1) == (code, line.count("\n"))
    assert f"error: {pipe}: is read twice, and a pipe can be read only once" in line


def test_a_wrong_setting_is_one_line_without_its_value(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The setting is named with what it may be; what stands in it may be a secret."""
    monkeypatch.setenv("DETECTOR_SEMANTIC", "sesame")
    code, line = run("detect", NATIVE)

    assert 2 == code
    assert line.startswith("error: settings (DETECTOR_…, in the environment or .env): semantic: ")
    assert 1 == line.count("\n")
    assert "sesame" not in line


def test_a_bug_keeps_its_traceback() -> None:
    """What no user can mend is not told as if it could be."""
    assert told(KeyError("x")) is None


@pytest.mark.parametrize("brokers", ["", " ", " , "])
@pytest.mark.parametrize("by", ["variable", "option"])
def test_brokers_without_an_address_are_a_wrong_setting(
    brokers: str, by: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No broker is looked for: one line names the setting and what it should be."""
    monkeypatch.setenv("DETECTOR_BROKERS", brokers if by == "variable" else "127.0.0.1:9092")

    code, line = run("topics", "check", *([] if by == "variable" else ["--brokers", brokers]))

    assert (2, 1) == (code, line.count("\n"))
    assert "brokers: Value error, no address is in it: give host:port, several parted by commas" in line


@pytest.mark.parametrize(
    ("setting", "value", "line"),
    [
        ("TOPIC_DEAD_LETTERS", "transcripts", "topic_dead_letters: Value error, it has the name of topic_transcripts"),
        ("TOPIC_DECISIONS", "verdicts", "topic_verdicts: Value error, it has the name of topic_decisions"),
        ("TOPIC_REWARDS", "behaviour-detector-calls-changelog", "the name of the changelog of the group"),
        ("TOPIC_SCORECARDS", "", "topic_scorecards: String should have at least 1 character"),
        ("GROUP", "", "group: String should have at least 1 character"),
        ("GROUP", "a b", "group: String should match pattern"),
    ],
)
def test_topics_and_a_group_that_cannot_work_are_refused(
    setting: str, value: str, line: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A topic that is another as well would feed the worker what it tells: one line names the setting."""
    monkeypatch.setenv(f"DETECTOR_{setting}", value)

    code, told_line = run("playbook", "check")

    assert (code, told_line.count("\n")) == (2, 1)
    assert line in told_line
