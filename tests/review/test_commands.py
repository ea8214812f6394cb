"""File mode from end to end, as a user runs it: detect, judge, export, settle, take the rewards back in."""

import subprocess
import sys
from pathlib import Path

import orjson

from detector.decision import Outcome
from detector.judgement import VerdictKind
from detector.playbook import load_playbook
from models.labels import own_calls
from pipelines.store import exporting, open_store
from pipelines.store.judging import Bench, judge
from pipelines.store.reading import mark_read, whole_call

ROOT = Path(__file__).parents[2]


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own."""
    command = [sys.executable, "-c", "from pipelines.cli import main; main()", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)


def test_verdict_in_files_is_settled_once(tmp_path: Path) -> None:
    """A rejected award is reversed by `settle`, and the page knows of it; what was sent is not sent again."""
    address, verdicts, rewards = tmp_path / "r.db", tmp_path / "verdicts.jsonl", tmp_path / "rewards.jsonl"
    assert run("detect", "samples/calls.jsonl", "--store", address, "--jobs", 2).returncode == 0
    store = open_store(str(address))
    with store.writing() as connection:
        call = whole_call(connection, "sample-01")
        award = next(one for one in call.decisions if one.outcome is Outcome.AWARD)
        bench = Bench(load_playbook(), "default")
        judge(connection, award.decision_id, kind=VerdictKind.WRONG_SENSE, note="", reviewer="q", bench=bench)

    done = [
        run("review", "export-verdicts", verdicts, "--store", address),
        run("review", "export-verdicts", verdicts, "--store", address),
        run("settle", verdicts, "--rewards", rewards),
        run("review", "take-rewards", rewards, "--store", address),
    ]

    assert [0, 0, 0, 0] == [one.returncode for one in done], [one.stderr for one in done]
    (event,) = [orjson.loads(line) for line in rewards.read_bytes().splitlines()]
    assert ("reward.reversed.v1", award.decision_id) == (event["type"], event["data"]["decision_id"])
    behaviours = [one.id for one in bench.playbook.behaviours]
    with store.writing() as connection:
        assert "settled" == whole_call(connection, "sample-01").verdicts[award.decision_id].event
        for other in {one.decision_id for one in call.decisions} - {award.decision_id}:
            judge(connection, other, kind=VerdictKind.CORRECT, note="", reviewer="q", bench=bench)
        mark_read(connection, "sample-01", user_id="q", behaviours=behaviours)
        labels = list(exporting.training_calls(connection, user_id="q", behaviours=behaviours))
    store.close()
    (tmp_path / "calls").mkdir()
    (tmp_path / "calls" / "reviewed.jsonl").write_bytes(b"".join(orjson.dumps(one) + b"\n" for one in labels))
    (labelled,) = own_calls(tmp_path)
    assert sum(turn.speaker in {"agent", "customer"} for turn in call.turns) == len(labelled.call.turns)


def test_purge_is_told_what_it_needs(tmp_path: Path) -> None:
    """An age that cannot be read is one clear line; a right one tells how many words went."""
    refused = run("purge", "--older-than", "soon", "--store", tmp_path / "r.db")
    done = run("purge", "--older-than", "90d", "--store", tmp_path / "r.db")

    assert (2, 0) == (refused.returncode, done.returncode)
    assert "--older-than" in refused.stderr
    assert "0 turns of 0 calls" in done.stderr


def test_app_without_accounts_is_not_for_others(tmp_path: Path) -> None:
    """On an address others can reach, it does not start before there is an account."""
    refused = run("review", "--store", tmp_path / "r.db", "--host", "0.0.0.0")  # noqa: S104 - it must refuse

    assert 2 == refused.returncode
    assert "make an account first" in refused.stderr
