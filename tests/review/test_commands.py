"""File mode from end to end, as a user runs it: detect, judge, export, settle, take the rewards back in."""

import socket
import subprocess
import sys
from codecs import BOM_UTF8
from pathlib import Path

import orjson
import pytest
from fakes import word_detector
from sqlalchemy import func, select
from store_calls import a_call

from detector.decision import Outcome
from detector.judgement import VerdictKind
from detector.playbook import load_playbook
from models.labels import own_calls
from pipelines.store import exporting, open_store
from pipelines.store.accounts import password_fits
from pipelines.store.judging import Bench, judge
from pipelines.store.reading import mark_read, whole_call
from pipelines.store.tables import reward_events

ROOT = Path(__file__).parents[2]


def run(*arguments: object, told: str = "", folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own, with `told` for its standard input, which is no terminal."""
    command = [sys.executable, "-c", "from pipelines.cli import main; main()", *map(str, arguments)]
    return subprocess.run(command, input=told, capture_output=True, text=True, check=False, cwd=folder)


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


def test_exported_verdicts_begin_on_a_line_of_their_own(tmp_path: Path) -> None:
    """Where the file's last line has no end, it is ended before verdicts follow; without verdicts it is left alone."""
    address, file = tmp_path / "r.db", tmp_path / "verdicts.jsonl"
    assert run("detect", "samples/calls.jsonl", "--store", address, "--jobs", 2).returncode == 0
    file.write_bytes(b"cut off")

    first = run("review", "export-verdicts", file, "--store", address)
    untouched = file.read_bytes()
    store = open_store(str(address))
    with store.writing() as connection:
        decision = whole_call(connection, "sample-01").decisions[0]
        bench = Bench(load_playbook(), "default")
        judge(connection, decision.decision_id, kind=VerdictKind.CORRECT, note="", reviewer="q", bench=bench)
    store.close()
    second = run("review", "export-verdicts", file, "--store", address)

    assert (0, 0) == (first.returncode, second.returncode), second.stderr
    assert b"cut off" == untouched
    before, verdict = file.read_bytes().splitlines()
    assert b"cut off" == before
    assert decision.decision_id == orjson.loads(verdict)["decision_id"]


def test_purge_is_told_what_it_needs(tmp_path: Path) -> None:
    """An age that cannot be read is one clear line; a right one tells how many words went."""
    address = tmp_path / "r.db"
    open_store(str(address)).close()

    refused = run("purge", "--older-than", "soon", "--store", address)
    done = run("purge", "--older-than", "90d", "--store", address)

    assert (2, 0) == (refused.returncode, done.returncode)
    assert "--older-than" in refused.stderr
    assert "0 turns of 0 calls" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [[], ["export-verdicts", "verdicts.jsonl"], ["take-rewards", "rewards.jsonl"]],
    ids=["the app", "export-verdicts", "take-rewards"],
)
def test_store_that_is_not_there_is_not_made_by_what_reads_it(arguments: list[str], tmp_path: Path) -> None:
    """A wrong path is one line that says how a store is made; neither a store nor an output is there afterwards."""
    (tmp_path / "rewards.jsonl").touch()
    address = tmp_path / "folder" / "no.db"

    done = run("review", *arguments, "--store", address, folder=tmp_path)

    assert (2, 1) == (done.returncode, done.stderr.count("\n"))
    assert done.stderr.startswith(f"error: {address}: there is no such store: `detector detect FILES --store`")
    assert ["rewards.jsonl"] == [one.name for one in tmp_path.iterdir()]


def test_app_without_accounts_is_not_for_others(tmp_path: Path) -> None:
    """On an address others can reach, it does not start before there is an account."""
    open_store(str(tmp_path / "r.db")).close()

    refused = run("review", "--store", tmp_path / "r.db", "--host", "0.0.0.0")  # noqa: S104 - it must refuse

    assert 2 == refused.returncode
    assert "make an account first" in refused.stderr


@pytest.fixture
def rewards() -> bytes:
    """The reward events of a call, one a line."""
    return b"".join(one.model_dump_json().encode() + b"\n" for one in word_detector().detect(a_call("c")).rewards)


def test_line_that_is_no_reward_event_is_told_without_its_words(tmp_path: Path, rewards: bytes) -> None:
    """File, line and what is expected are one line; nothing is taken in, neither what was good before it."""
    address, file = tmp_path / "r.db", tmp_path / "rewards.jsonl"
    file.write_bytes(rewards + a_call("c", customer_name="swordfish").model_dump_json().encode())
    store = open_store(str(address))

    done = run("review", "take-rewards", file, "--store", address)

    number = rewards.count(b"\n") + 1
    assert (2, "") == (done.returncode, done.stdout)
    assert done.stderr.startswith(f"error: {file}:{number}: no reward event")
    assert done.stderr.endswith("; nothing was taken in\n")
    assert 1 == done.stderr.count("\n")
    assert "swordfish" not in done.stderr
    with store.reading() as connection:
        assert 0 == connection.scalar(select(func.count()).select_from(reward_events))
    store.close()


def test_reward_events_may_begin_with_a_byte_order_mark(tmp_path: Path, rewards: bytes) -> None:
    """What an editor puts before the first line is no fault of it."""
    file = tmp_path / "rewards.jsonl"
    file.write_bytes(BOM_UTF8 + rewards)
    open_store(str(tmp_path / "r.db")).close()

    done = run("review", "take-rewards", file, "--store", tmp_path / "r.db")

    assert (0, f"{rewards.count(b'{') // 2} reward events taken in.\n") == (done.returncode, done.stderr)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_port_that_is_taken_is_told_before_any_link(tmp_path: Path, host: str) -> None:
    """Nobody is sent to what somebody else listens on: one line, and no token."""
    open_store(str(tmp_path / "r.db")).close()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run("review", "--store", tmp_path / "r.db", "--host", host, "--port", port)

    line = f"error: port {port} of {host} is taken: end what listens there, or name another port\n"
    assert (2, line) == (done.returncode, done.stderr)


def test_password_comes_by_standard_input_where_there_is_no_terminal(tmp_path: Path) -> None:
    """Its first line is the password, whether a line end follows or not."""
    address, password = tmp_path / "r.db", "correct horse battery"

    done = run("review", "account", "bob", "--role", "lead", "--store", address, told=f"{password}\n")

    assert (0, "", "") == (done.returncode, done.stdout, done.stderr)
    store = open_store(str(address))
    with store.reading() as connection:
        assert password_fits(connection, "bob", password)
    store.close()


def test_no_password_and_nobody_to_ask_is_one_line(tmp_path: Path) -> None:
    """Where there is neither a terminal nor an input, the two ways to give a password are told."""
    done = run("review", "account", "bob", "--role", "lead", "--store", tmp_path / "r.db")

    assert (2, 1) == (done.returncode, done.stderr.count("\n"))
    assert done.stderr.startswith("error: no password: ")
    assert "--password" in done.stderr
    assert "standard input" in done.stderr
