"""What whole processes take: to start, to go through many calls on one core and on two, to train, to wait."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

from turns import write_calls
from usage import resident_memory, settle

ROOT = Path(__file__).parents[1]
SAMPLES = ROOT / "samples" / "calls.jsonl"
DETECTOR = Path(sys.executable).with_name("detector")
FEW, STARTS = 1_000, 5
KIBI, MEBI = 1024, 1024 * 1024


class Run(NamedTuple):
    """The seconds and the peak memory, MB, of a process; of several processes, that of the largest."""

    seconds: float
    memory: float


class Processes(NamedTuple):
    """What was measured. Seconds and MB."""

    calls: int
    one_core: Run
    two_cores: Run
    few: Run
    import_spacy: float
    starts: list[float]
    training: float
    idle_worker: float


def measured(folder: Path, *, count: int) -> Processes:
    """Measure processes on files written to a folder."""
    many, few = folder / "many.jsonl", folder / "few.jsonl"
    write_calls(SAMPLES, many, count=count)
    write_calls(SAMPLES, few, count=FEW)
    return Processes(
        calls=count,
        one_core=_detect(many, folder, jobs=1),
        two_cores=_detect(many, folder, jobs=2),
        few=_detect(few, folder, jobs=1),
        import_spacy=min(_run([sys.executable, "-c", "import spacy"]).seconds for _ in range(STARTS)),
        starts=[_first_decision(few) for _ in range(STARTS)],
        training=_run([str(DETECTOR), "train", "--output", str(folder / "model")]).seconds,
        idle_worker=_idle_worker(folder),
    )


def _run(command: list[str]) -> Run:
    started = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=ROOT) as process:
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{command[:2]} ended with {process.returncode}")
    return Run(time.perf_counter() - started, used.ru_maxrss / KIBI)


def _detect(file: Path, folder: Path, *, jobs: int) -> Run:
    outputs = ["--decisions", str(folder / "decisions.jsonl"), "--rewards", str(folder / "rewards.jsonl")]
    return _run([str(DETECTOR), "detect", str(file), *outputs, "--jobs", str(jobs)])


def _first_decision(file: Path) -> float:
    """Return the seconds from the start of a process to the first decision it writes."""
    started = time.perf_counter()
    command = [str(DETECTOR), "detect", str(file), "--decisions", "-", "--jobs", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=ROOT) as process:
        if process.stdout is None or not process.stdout.readline():
            raise RuntimeError("no decision was written")
        seconds = time.perf_counter() - started
        process.kill()
    return seconds


def _idle_worker(folder: Path) -> float:
    """Return the resident memory of a worker, its embedded broker included, that has nothing to do."""
    settings = os.environ | {"DETECTOR_DATA_FOLDER": str(folder / "worker")}
    command = [str(DETECTOR), "stream", "--embedded"]
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=ROOT, env=settings
    ) as process:
        settle(process)
        held = resident_memory(process)
        process.send_signal(signal.SIGTERM)
        process.wait(30)
    return held / MEBI
