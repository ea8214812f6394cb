"""The pages on formats: every command on them runs, and every format has its page."""

import json
import re
import shlex
from pathlib import Path

import pytest
from readers.cases import ROOT
from typer.testing import CliRunner

from detector.detect import Detector
from detector.transcript import Call
from pipelines import assemble
from pipelines.cli.main import application
from pipelines.readers import READERS, native
from pipelines.readers.live import TRANSLATORS
from pipelines.settings import Settings

PAGES = ROOT / "docs" / "formats"
COMMANDS = [
    (page.name, command)
    for page in sorted(PAGES.glob("*.md"))
    for command in re.findall(r"^detector .*$", page.read_text(encoding="utf-8"), re.MULTILINE)
]


@pytest.fixture(scope="module")
def detector() -> Detector:
    """The detector as it is shipped, loaded once."""
    return assemble.detector(Settings(_env_file=None))


@pytest.mark.parametrize(("page", "command"), COMMANDS, ids=str)
def test_every_command_of_the_pages_runs(
    page: str, command: str, detector: Detector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a page tells to type works on the samples, and what it promises to write is written."""
    (tmp_path / "samples").symlink_to(ROOT / "samples")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(assemble, "detector", lambda _: detector)
    arguments = shlex.split(command)[1:]
    jobs = ["--jobs", "1"] if arguments[0] == "detect" else []
    result = CliRunner().invoke(application(), [*arguments, *jobs])

    assert result.exit_code == 0, result.output
    assert all(file.stat().st_size for file in (tmp_path / "out").glob("*"))
    assert (arguments[0] == "inspect") is not (tmp_path / "out").is_dir()


def test_every_format_and_source_is_in_the_index() -> None:
    """Whoever looks for a format by its name finds its row, and the row its page."""
    index = (PAGES / "README.md").read_text(encoding="utf-8")
    linked = set(re.findall(r"\]\(([\w-]+\.md)\)", index))

    assert {name for name in (*READERS, *TRANSLATORS) if f"`{name}`" not in index} == {"labelled"}
    assert linked == {page.name for page in PAGES.glob("*.md")} - {"README.md"}


@pytest.mark.parametrize("page", [ROOT / "README.md", PAGES / "native.md"], ids=["README", "native"])
def test_the_native_call_of_a_page_can_be_copied_as_it_stands(page: Path, tmp_path: Path) -> None:
    """One call a line: what a page shows of the native format is a line that is read as a call."""
    (shown,) = re.findall(r"^```json\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    file = tmp_path / "calls.jsonl"
    file.write_text(shown, encoding="utf-8")

    (call,) = native.read(file)

    assert isinstance(call, Call), call
    assert call.turns


def test_the_live_line_of_deepgram_tells_every_turn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The call that is given is that of the ends of utterances too: each ends a turn, and all are of one call."""
    (command,) = (line for page, line in COMMANDS if page == "deepgram.md" and " bridge " in line)
    (tmp_path / "samples").symlink_to(ROOT / "samples")
    monkeypatch.chdir(tmp_path)

    result = CliRunner().invoke(application(), shlex.split(command)[1:])

    told = [json.loads(line) for line in (tmp_path / "out" / "messages.jsonl").read_text().splitlines()]
    assert result.exit_code == 0, result.output
    assert sum(len(message.get("turns", ())) for message in told) == 11
    assert {message["call_id"] for message in told} == {"call-1"}
