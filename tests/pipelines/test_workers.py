"""Processes that a batch run is spread over, interrupted as a terminal interrupts them."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

HEARING = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
"""Whoever runs the tests may have told what it starts to ignore Ctrl-C."""
CALL = {"turns": [{"speaker": "agent", "text": "How can I help you?"}] * 99}


@pytest.mark.skipif(sys.platform != "linux", reason="/proc tells when workers start")
@pytest.mark.parametrize("seconds", [0.0, 0.1, 3.0], ids=["they are made", "they start", "they work"])
def test_ctrl_c_while_workers_are_there_is_one_line(seconds: float, tmp_path: Path) -> None:
    """SIGINT to the whole group leads to no traceback of any process: one line, and code 130."""
    calls = tmp_path / "calls.jsonl"
    first = [{"call_id": f"c{number}", "turns": []} for number in range(64)]
    many = [{"call_id": f"m{number}", **CALL} for number in range(6_400)]
    calls.write_text("".join(json.dumps(one) + "\n" for one in (*first, *many)))
    program = f"{HEARING}; from pipelines.cli import main; main()"
    command = [sys.executable, "-c", program, "detect", str(calls), "--jobs", "2"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True) as process:
        while not any(children(child) for child in children(process.pid)):
            assert process.poll() is None
            time.sleep(0.001)
        time.sleep(seconds)

        os.killpg(process.pid, signal.SIGINT)
        try:
            told = process.communicate(timeout=120)[1]
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise

    assert "interrupted: what is written is not all\n" == told
    assert 130 == process.returncode


def children(process: int) -> list[int]:
    """Return the processes that one has started."""
    try:
        return [int(one) for one in Path(f"/proc/{process}/task/{process}/children").read_text().split()]
    except FileNotFoundError:
        return []
