"""What a process takes of the machine, seen from outside: processor time and memory."""

import os
import subprocess
import time
from pathlib import Path

PATIENCE_SECONDS, LOOK_SECONDS, AT_REST = 240.0, 3.0, 0.05
STARTED_SECONDS = 1.0


def processor_seconds(process: subprocess.Popen[bytes]) -> float:
    """Return the seconds of processor time a process has taken."""
    fields = Path(f"/proc/{process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_memory(process: subprocess.Popen[bytes]) -> int:
    """Return a process's resident memory, in bytes."""
    pages = int(Path(f"/proc/{process.pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def settle(process: subprocess.Popen[bytes]) -> None:
    """Wait until a process has started and takes next to no processor time any more.

    Raises:
        RuntimeError: it has ended.
        TimeoutError: it does not come to rest.
    """
    deadline, before = time.monotonic() + PATIENCE_SECONDS, 0.0
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError("the process did not stay up")
        spent = processor_seconds(process)
        if spent > STARTED_SECONDS and spent - before < AT_REST * LOOK_SECONDS:
            return
        before = spent
        time.sleep(LOOK_SECONDS)
    raise TimeoutError("the process does not come to rest")
