"""`detector settle`, run as a user runs it: verdicts in, reward events out, each once."""

import json
import subprocess
import sys
from codecs import BOM_UTF8
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "samples" / "calls.jsonl"


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own."""
    command = [sys.executable, "-c", "from pipelines.cli import main; main()", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)


def rows(file: Path) -> list[dict[str, Any]]:
    """Return the objects of a file of JSON lines."""
    return [json.loads(line) for line in file.read_text().splitlines()]


@pytest.fixture(scope="module")
def detected(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The decisions and the reward events of the sample calls."""
    folder = tmp_path_factory.mktemp("detected")
    decisions, rewards = folder / "decisions.jsonl", folder / "rewards.jsonl"
    assert run("detect", SAMPLES, "--decisions", decisions, "--rewards", rewards, "--jobs", 1).returncode == 0
    return rows(decisions), rows(rewards)


def verdicts(
    detected: tuple[list[dict[str, Any]], list[dict[str, Any]]], *, rejects: Callable[[dict[str, Any]], bool]
) -> list[dict[str, Any]]:
    """Return a verdict on every decision that an agent can be paid for: wrong sense where `rejects`, else correct."""
    decisions, rewards = detected
    judged = []
    for number, one in enumerate(decisions):
        if "agent_id" not in one:
            continue
        who = (one["call_id"], one["agent_id"], one["behaviour"])
        known = [other for other in decisions if (other["call_id"], other.get("agent_id"), other["behaviour"]) == who]
        events = [
            event
            for event in rewards
            if (event["data"]["call_id"], event["data"]["agent_id"], event["data"]["behaviour"]) == who
        ]
        judged.append(
            {
                "type": "verdict",
                "verdict_id": f"v-{number}",
                "kind": "wrong_sense" if rejects(one) else "correct",
                "reviewer": "qa-1",
                "decided_at": "2026-03-09T10:00:00Z",
                "known": {"header": {"call_id": one["call_id"]}, "decisions": known, "events": events},
            }
            | {name: one[name] for name in ("decision_id", "call_id", "turn_id", "behaviour", "agent_id")}
        )
    return judged


def written(folder: Path, given: list[dict[str, Any]]) -> Path:
    """Return a file that holds verdicts."""
    file = folder / "verdicts.jsonl"
    file.write_text("".join(json.dumps(one) + "\n" for one in given))
    return file


def test_rejected_awards_are_reversed_once(detected: Any, tmp_path: Path) -> None:
    """Each grant of a rejected award is taken back; settled again, the file stays as it is."""
    given = written(tmp_path, verdicts(detected, rejects=lambda one: one["outcome"] == "award"))
    out = tmp_path / "settled" / "rewards.jsonl"

    first = run("settle", given, "--rewards", out)
    once = out.read_bytes()
    second = run("settle", given, "--rewards", out)

    granted = {event["id"] for event in detected[1] if event["type"] == "reward.granted.v1"}
    reversals = {event["causationid"] for event in rows(out) if event["type"] == "reward.reversed.v1"}
    assert (first.returncode, second.returncode) == (0, 0)
    assert granted
    assert granted <= reversals
    assert out.read_bytes() == once


def test_confirmed_reviews_are_granted_by_a_person(detected: Any, tmp_path: Path) -> None:
    """Confirming everything pays the reviews that caps leave room for, and takes nothing back."""
    given = written(tmp_path, verdicts(detected, rejects=lambda _: False))
    out = tmp_path / "rewards.jsonl"

    assert run("settle", given, "--rewards", out).returncode == 0

    told = Counter((event["type"], event["data"]["decision_source"]) for event in rows(out))
    assert set(told) == {("reward.granted.v1", "qa")}


def test_behaviour_removed_from_the_playbook_stops_no_other_verdict(detected: Any, tmp_path: Path) -> None:
    """A verdict on a behaviour that is gone grants nothing and is told; what follows it is settled as without it."""
    rejected = verdicts(detected, rejects=lambda one: one["outcome"] == "award")
    first = next(one for one in rejected if one["kind"] == "wrong_sense")
    gone = {**json.loads(json.dumps(first).replace(first["behaviour"], "smile_more")), "kind": "correct"}
    with_it, without_it = tmp_path / "with.jsonl", tmp_path / "without.jsonl"

    done = run("settle", written(tmp_path, [{**gone, "verdict_id": "v-gone"}, *rejected]), "--rewards", with_it)
    run("settle", written(tmp_path, rejected), "--rewards", without_it)

    assert done.returncode == 0, done.stderr
    assert "nothing is granted for them: smile_more" in done.stderr
    assert rows(with_it) == rows(without_it) != []


def test_byte_order_marks_are_left_out(detected: Any, tmp_path: Path) -> None:
    """Verdicts and events written before lead to the same whether or not an editor put a mark before them."""
    given = written(tmp_path, verdicts(detected, rejects=lambda one: one["outcome"] == "award"))
    plain, marked = tmp_path / "plain.jsonl", tmp_path / "marked.jsonl"
    assert run("settle", given, "--rewards", plain).returncode == 0
    before = BOM_UTF8 + plain.read_bytes()
    marked.write_bytes(before)
    given.write_bytes(BOM_UTF8 + given.read_bytes())

    done = run("settle", given, "--rewards", marked)

    assert done.returncode == 0, done.stderr
    assert "0 rewards granted, 0 reversed" in done.stderr
    assert marked.read_bytes() == before


def test_events_are_not_added_to_an_unfinished_line(detected: Any, tmp_path: Path) -> None:
    """A last line without its end, as some editors leave it, gets one before events follow; without events none."""
    given = written(tmp_path, verdicts(detected, rejects=lambda one: one["outcome"] == "award"))
    out = tmp_path / "rewards.jsonl"
    out.write_text('{"id": "of another run"}')

    first = run("settle", given, "--rewards", out)
    once = out.read_bytes()
    out.write_bytes(once.rstrip(b"\n"))
    second = run("settle", given, "--rewards", out)

    assert (first.returncode, second.returncode) == (0, 0), first.stderr
    assert once.startswith(b'{"id": "of another run"}\n{')
    assert out.read_bytes() == once.rstrip(b"\n")


def test_line_that_is_no_verdict_is_told_by_file_and_line(tmp_path: Path) -> None:
    """A broken file is refused as a whole: nothing is written of it."""
    file, out = tmp_path / "verdicts.jsonl", tmp_path / "rewards.jsonl"
    file.write_text('\n{"verdict_id": "v", "kind": "fine"}\n')

    refused = run("settle", file, "--rewards", out)

    assert refused.returncode == 2
    assert f"{file}:2: no verdict: " in refused.stderr
    assert not out.exists()
