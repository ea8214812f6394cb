"""`detector detect`, run as a user runs it, on good input and on bad."""

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "samples" / "calls.jsonl"

GREETING = {"speaker": "agent", "text": "Good morning, my name is Rosa. How can I help you today?"}
NEED = {"speaker": "customer", "text": "Hello, my parcel has not come and it is a week late."}
CLOSE = {"speaker": "agent", "text": "Is there anything else I can help you with? Have a lovely day."}


def call(call_id: str = "c1", *, agent_id: str | None = "a1", **fields: Any) -> dict[str, Any]:
    """Return a plain call as JSON holds it."""
    raw = {"call_id": call_id, "agent_id": agent_id, "turns": [GREETING, NEED, CLOSE], **fields}
    return {key: value for key, value in raw.items() if value is not None}


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own."""
    command = [sys.executable, "-c", "from pipelines.cli import main; main()", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)


class Outputs:
    """The three files a run writes, and how to read them."""

    def __init__(self, folder: Path) -> None:
        self.decisions, self.rewards, self.scorecards = (
            folder / f"{name}.jsonl" for name in ("decisions", "rewards", "scorecards")
        )

    @property
    def flags(self) -> tuple[object, ...]:
        """Return the options that name the files."""
        return "--decisions", self.decisions, "--rewards", self.rewards, "--scorecards", self.scorecards

    def read(self, file: Path) -> list[dict[str, Any]]:
        """Return the objects of a file of JSON lines."""
        return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def outputs(tmp_path: Path) -> Outputs:
    """Return files nothing is written to yet."""
    return Outputs(tmp_path / "out")


def written(file: Path, *lines: bytes | dict[str, Any]) -> Path:
    """Write lines, raw or as JSON, and return the file."""
    file.write_bytes(
        b"".join((line if isinstance(line, bytes) else json.dumps(line).encode()) + b"\n" for line in lines)
    )
    return file


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-05:00"])
def test_a_moment_that_is_none_in_utc_costs_its_own_call_only(moment: str, tmp_path: Path) -> None:
    """It is told with its line, and the calls before and behind it are stored."""
    store = tmp_path / "qa.db"
    lines = (call("a"), call("b", started_at=moment), call("c", started_at="9999-12-31T23:59:59Z"))
    done = run("detect", written(tmp_path / "calls.jsonl", *lines), "--store", store, "--jobs", "1")

    assert 1 == done.returncode
    assert "calls.jsonl:2: started_at: Value error, is no moment of the years 1 to 9999 in UTC" in done.stderr
    assert "Traceback" not in done.stderr
    with closing(sqlite3.connect(store)) as opened:
        assert [("a",), ("c",)] == opened.execute("SELECT call_id FROM calls ORDER BY call_id").fetchall()


def test_the_samples_give_decisions_rewards_and_a_scorecard_a_call(outputs: Outputs) -> None:
    """Every sample call gets a scorecard, and every reward event names a decision that was written."""
    done = run("detect", SAMPLES, *outputs.flags)

    assert 0 == done.returncode, done.stderr
    scorecards = outputs.read(outputs.scorecards)
    assert [f"sample-{number:02}" for number in range(1, 13)] == [one["call_id"] for one in scorecards]
    decided = {one["decision_id"] for one in outputs.read(outputs.decisions)}
    rewards = outputs.read(outputs.rewards)
    assert rewards
    assert {one["data"]["decision_id"] for one in rewards} <= decided


def test_a_decision_line_has_what_the_contract_promises(tmp_path: Path, outputs: Outputs) -> None:
    """The fields that analysts and the reward system rely on are on every line, and evidence lies in the text."""
    done = run("detect", written(tmp_path / "calls.jsonl", call()), *outputs.flags)

    assert 0 == done.returncode, done.stderr
    decisions = outputs.read(outputs.decisions)
    assert {"introduce_self", "offer_help", "offer_further_help", "wish_well"} <= {
        one["behaviour"] for one in decisions
    }
    promised = {"call_id", "turn_id", "index", "behaviour", "outcome", "score", "evidence", "reasons"}
    for one in decisions:
        assert promised | {"playbook_version", "model_version"} <= one.keys()
        length = len((GREETING, NEED, CLOSE)[one["index"]]["text"])
        assert all(0 <= span["start"] < span["end"] <= length for span in one["evidence"])


def test_one_process_and_several_write_the_same(tmp_path: Path) -> None:
    """The number of processes changes neither the lines nor their order."""
    files = [Outputs(tmp_path / str(jobs)) for jobs in (1, 2)]

    results = [run("detect", SAMPLES, *one.flags, "--jobs", jobs) for jobs, one in zip((1, 2), files, strict=True)]

    assert [0, 0] == [one.returncode for one in results]
    for name in ("decisions", "rewards", "scorecards"):
        alone, together = (getattr(one, name).read_bytes() for one in files)
        assert alone == together


def test_standard_output_takes_the_lines(tmp_path: Path) -> None:
    """With `-` the lines are the only thing on standard output."""
    done = run("detect", written(tmp_path / "calls.jsonl", call()), "--rewards", "-")

    assert 0 == done.returncode, done.stderr
    assert {"reward.granted.v1"} == {json.loads(line)["type"] for line in done.stdout.splitlines()}


def test_what_cannot_be_read_is_told_with_its_line_and_the_rest_goes_on(tmp_path: Path, outputs: Outputs) -> None:
    """Bad lines are named by file and line and counted, good ones are detected, and the exit code is 1."""
    file = written(
        tmp_path / "calls.jsonl",
        call("good-1"),
        b'{"call_id": "cut", "turns": [{"speaker": "agent", "text": "my secret wo',
        call("no-speaker", turns=[{"text": "a secret word"}]),
        call("odd-speaker", turns=[{"speaker": "robot", "text": "a secret word"}]),
        call("backwards", turns=[{**GREETING, "start_ms": -5, "end_ms": 2}]),
        call("twice", turns=[{**GREETING, "turn_id": "t"}, {**CLOSE, "turn_id": "t"}]),
        b"\x00\xff\xfe binary",
        b"[1, 2]",
        call("good-2"),
    )

    done = run("detect", file, *outputs.flags)

    assert 1 == done.returncode
    for line in range(2, 9):
        assert f"{file}:{line}: " in done.stderr
    assert "7 pieces of input could not be read" in done.stderr
    assert "secret" not in done.stderr
    assert ["good-1", "good-2"] == [one["call_id"] for one in outputs.read(outputs.scorecards)]


def test_a_strict_run_stops_at_the_first_fault(tmp_path: Path, outputs: Outputs) -> None:
    """With --strict what came before the fault is written, and nothing after it."""
    file = written(tmp_path / "calls.jsonl", call("before"), b"{", call("after"))

    done = run("detect", file, *outputs.flags, "--strict", "--jobs", 1)

    assert 2 == done.returncode
    assert f"{file}:2: " in done.stderr
    assert ["before"] == [one["call_id"] for one in outputs.read(outputs.scorecards)]


@pytest.mark.parametrize(
    "content", [b"", b"\x00" * 4096, b"\xff\xd8\xff\xe0 not text"], ids=["empty", "zeros", "picture"]
)
def test_a_file_without_calls_is_a_clear_error(tmp_path: Path, content: bytes) -> None:
    """An empty or binary file is named, and the exit code is 1."""
    file = tmp_path / "calls.jsonl"
    file.write_bytes(content)

    done = run("detect", file)

    assert 1 == done.returncode
    assert f"{file}:" in done.stderr


def test_a_missing_file_is_a_clear_error(tmp_path: Path) -> None:
    """A file that is not there is named, and the others are read."""
    done = run("detect", tmp_path / "nowhere.jsonl", written(tmp_path / "calls.jsonl", call()))

    assert 1 == done.returncode
    assert "nowhere.jsonl" in done.stderr
    assert "1 calls" in done.stderr


def test_a_line_of_fifty_megabytes_is_passed_over(tmp_path: Path, outputs: Outputs) -> None:
    """A line too long to hold is told with its number, and the call after it is detected."""
    file = written(tmp_path / "calls.jsonl", b'{"call_id": "' + b"x" * 50_000_000 + b'"}', call("after"))

    done = run("detect", file, *outputs.flags)

    assert 1 == done.returncode
    assert f"{file}:1: the line is longer than" in done.stderr
    assert ["after"] == [one["call_id"] for one in outputs.read(outputs.scorecards)]


def test_nobody_is_paid_where_no_agent_is_named(tmp_path: Path, outputs: Outputs) -> None:
    """Without an agent id behaviours are seen and no reward is granted."""
    done = run("detect", written(tmp_path / "calls.jsonl", call(agent_id=None)), *outputs.flags)

    assert 0 == done.returncode, done.stderr
    assert "awards name no agent" in done.stderr
    assert any("nobody to reward" in reason for one in outputs.read(outputs.decisions) for reason in one["reasons"])
    assert [] == outputs.read(outputs.rewards)


def test_a_language_the_playbook_does_not_speak_is_abstained_from(tmp_path: Path, outputs: Outputs) -> None:
    """A call in another language gets a scorecard that abstains and says why."""
    done = run("detect", written(tmp_path / "calls.jsonl", call(language="de-DE")), *outputs.flags)

    assert 0 == done.returncode, done.stderr
    (scorecard,) = outputs.read(outputs.scorecards)
    assert {"abstained"} == set(scorecard["outcomes"].values())
    assert "'de-DE'" in scorecard["abstained"][0]
    assert [] == outputs.read(outputs.decisions)


def test_hostile_text_is_read_like_any_other(tmp_path: Path, outputs: Outputs) -> None:
    """Surrogates, right-to-left marks, NUL bytes, blank turns and no turns at all stop nothing."""
    odd = [
        {"speaker": "agent", "text": "\ud83d have a \u202enice day\u0000"},
        {"speaker": "customer", "text": "   "},
        {"speaker": "agent", "text": ""},
        {"speaker": "agent", "text": "[noise] <unk>"},
        {"speaker": "agent", "text": "word " * 20_000},
    ]
    file = written(tmp_path / "calls.jsonl", call("odd", turns=odd), call("none", turns=[]))

    done = run("detect", file, *outputs.flags)

    assert 0 == done.returncode, done.stderr
    assert ["odd", "none"] == [one["call_id"] for one in outputs.read(outputs.scorecards)]


def test_the_summary_tells_of_unknown_speakers(tmp_path: Path, outputs: Outputs) -> None:
    """Turns whose speaker is unknown are counted in the summary and abstained from."""
    unknown = [{**turn, "speaker": "unknown"} for turn in (GREETING, NEED, CLOSE)]

    done = run("detect", written(tmp_path / "calls.jsonl", call(turns=unknown)), *outputs.flags)

    assert 0 == done.returncode, done.stderr
    assert "no known speaker" in done.stderr
    assert [] == outputs.read(outputs.decisions)
