"""The stream's commands, run as a user runs them: what is told wrongly, and what stops, is said in a line."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from detector.detect import Detector
from detector.transcript import Call
from streams.demo import environment

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]
ROOT = Path(__file__).parents[2]
CLI = ("-c", "from pipelines.cli import main; main()")


def run(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run Python in a process of its own, reaching for a broker that is not there."""
    env = os.environ | {"DETECTOR_BROKERS": "127.0.0.1:1"} | settings
    command = [sys.executable, *arguments]
    return subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


def test_level_nobody_knows_is_refused_before_anything_starts() -> None:
    """One line names the levels that there are, with code 2, and no broker is started for nothing."""
    done = run(*CLI, "stream", "--level", "LOUD", "--embedded")

    line = "error: --level LOUD: give DEBUG, INFO, WARNING or ERROR\n"
    assert (2, line) == (done.returncode, done.stderr)


def test_level_may_be_told_in_small_letters() -> None:
    """A level that there is, however written, is no fault: what ends the command is the missing broker."""
    done = run(*CLI, "stream", "--level", "warning")

    assert (2, True) == (done.returncode, "error: no broker answers" in done.stderr)


@pytest.mark.parametrize("command", ["demo", "replay"])
def test_files_without_a_call_end_a_command_before_anything_starts(command: str) -> None:
    """What could not be read is told, then that nothing is left, with code 2; no broker is started or asked for."""
    done = run(*CLI, command, "nope.jsonl")

    last = "error: no call could be read: there is nothing to play\n"
    told = done.stdout + done.stderr
    assert (2, True) == (done.returncode, done.stderr.endswith(last)), told
    assert "nope.jsonl: cannot be opened: No such file or directory" in told
    assert "broker" not in told


@pytest.mark.parametrize(("argument", "code"), [("--help", 0), ("--embedded", 2)])
def test_worker_asked_for_help_does_not_start(argument: str, code: int) -> None:
    """`python -m streams` tells how it is used, and refuses what it does not know."""
    done = run("-m", "streams", argument)

    assert code == done.returncode
    assert "usage: python -m streams" in done.stdout + done.stderr
    assert "no broker answers" not in done.stderr


def test_worker_tells_a_wrong_setting_without_its_value() -> None:
    """A setting that cannot be read is one line that names it, with code 2; what it holds may be a secret."""
    done = run("-m", "streams", DETECTOR_DECODED_MIB="hunter2")

    assert (2, True, False) == (done.returncode, "decoded_mib" in done.stderr, "hunter2" in done.stderr)
    assert 1 == done.stderr.count("\n")


def test_tail_ends_where_the_broker_is_gone(
    stage: Any, detector: Detector, make_calls: Callable[..., list[Call]]
) -> None:
    """A broker that goes while rewards are waited for ends the command: one line that says so, and code 2."""
    (call,) = make_calls(1, prefix="tail")
    event = detector.detect(call).rewards[0]
    stage.send("agent", event.model_dump_json().encode(), topic=stage.settings.topic_rewards)
    with subprocess.Popen(
        [sys.executable, *CLI, "tail", "--from-beginning"],
        env=os.environ | environment(stage.settings),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        shown = process.stdout.readline()
        stage.broker.close()
        stage.broker = None
        try:
            told = process.communicate(timeout=60)[1].decode()
        finally:
            process.kill()

    assert event.id in shown.decode(), told
    assert 2 == process.returncode
    assert "error: no broker answers" in told
