"""`make bench`: measures speed, memory and start-up, and writes benchmarks/speed.md with a picture beside it."""

import argparse
import os
import platform
import statistics
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import matplotlib as mpl
from processes import Processes
from processes import measured as measured_processes
from steps import Steps
from steps import measured as measured_steps

from detector.playbook import load_playbook
from pipelines import assemble
from pipelines.settings import Settings

mpl.use("Agg")
import matplotlib.pyplot as plt

HERE = Path(__file__).parent
MANY = 100_000
TOLD_PACKAGES = ("spacy", "numpy", "scikit-learn", "pydantic")


def main() -> None:
    """Measure, write the table and the picture, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=MANY, help="calls of the batch runs")
    arguments = parser.parse_args()
    os.environ["DETECTOR_SEMANTIC"] = "off"  # the goals are those of rules and classifier; the tier has rows of its own
    playbook = load_playbook()
    alone, both = (assemble.classifier(Settings(_env_file=None, semantic=wanted), playbook) for wanted in ("off", "on"))
    steps = measured_steps(playbook, alone, both)
    with tempfile.TemporaryDirectory() as folder:
        processes = measured_processes(Path(folder), count=arguments.calls)
    text = report(steps, processes)
    (HERE / "speed.md").write_text(text, encoding="utf-8")
    draw(steps, HERE / "speed.svg")
    print(text)


def report(steps: Steps, processes: Processes) -> str:
    """Return the report, in Markdown."""
    figures = "\n".join(
        f"| {figure} | {goal} | {value} | {met} |" for figure, goal, value, met in rows(steps, processes)
    )
    peers = "\n".join(f"| {name} | {value:,.0f} | {1e6 / value:,.0f} |" for name, value in _peers(steps))
    parts = "\n".join(f"| {name} | {value:.1f} |" for name, value in steps.parts.items())
    versions = ", ".join(f"{name} {version(name)}" for name in TOLD_PACKAGES)
    return f"""# Speed

Written by `make bench` on {datetime.now(tz=UTC):%Y-%m-%d}. Do not edit.

{_machine()}; Python {platform.python_version()}, {versions}. Load average at the end: {os.getloadavg()[0]:.1f}:
where that is more than there are cores, whole processes took longer here than they need, and two had no two cores.

Ratios are of passes run in turns in one process, in seconds of the processor, the best round of each; in brackets the
least and greatest of a round.
*Unseen* turns are met once, after as many others: no word's row or split is there from an earlier round.

| figure | goal | measured | met |
|---|---|---|---|
{figures}

## Beside other tools, on the same turns, one core

| tool | µs a turn | turns a second |
|---|---|---|
{peers}

en_core_web_sm is measured where it is installed; it is not to be had by name from PyPI. ConvoKit's politeness is: it
needs that model's parses, so that it has no figure of its own here either.

## Where an agent turn's time goes

![Where an agent turn's time goes](speed.svg)

| part | µs a turn |
|---|---|
{parts}

Parts are run alone, over all turns; the last row is what is left of the whole step.
"""


def rows(steps: Steps, processes: Processes) -> Iterator[tuple[str, str, str, str]]:
    """Yield figure, goal, value, and whether the goal is met."""
    faster = processes.one_core.seconds / processes.two_cores.seconds
    memory = processes.one_core.memory / processes.few.memory
    start = statistics.median(processes.starts)
    starts = f"{start:.2f} s ({min(processes.starts):.2f}–{max(processes.starts):.2f})"
    starts += f"; `import spacy` alone {processes.import_spacy:.2f} s"
    yield "step, agent turns ÷ tokenizer", "≤ 2.0", str(steps.agent), _met(steps.agent.value <= 2.0)
    yield "the same, unseen turns", "", f"{steps.agent_unseen:.2f}", ""
    yield "step, customer turns ÷ tokenizer", "≤ 1.2", str(steps.customer), _met(steps.customer.value <= 1.2)
    yield "the same, unseen turns", "", f"{steps.customer_unseen:.2f}", ""
    yield (
        "160 behaviours ÷ 16: copies, their content words coined",
        "≤ 1.5",
        str(steps.wide),
        _met(steps.wide.value <= 1.5),
    )
    yield "the same, content words changed for ones that are said", "", str(steps.wide_with_hits), ""
    yield f"batch of {processes.calls:,} calls, two cores ÷ one", "≥ 1.8", f"{faster:.2f}", _met(faster >= 1.8)
    yield "the same, peak memory ÷ that of 1,000 calls", "≤ 1.1", f"{memory:.2f}", _met(memory <= 1.1)
    yield "start to first decision", "≤ 1.5 s", starts, _met(start <= 1.5)
    yield (
        "99 of 100 steps take less than",
        "≤ 1 ms",
        f"{steps.slowest_percent / 1000:.2f} ms",
        _met(steps.slowest_percent <= 1000),
    )
    yield "training, two cores", "≤ 120 s", f"{processes.training:.0f} s", _met(processes.training <= 120)
    yield (
        "idle worker, embedded broker included",
        "≤ 350 MB",
        f"{processes.idle_worker:.0f} MB",
        _met(processes.idle_worker <= 350),
    )
    yield "with the semantic tier: step, agent turns", "", f"{steps.with_tier:,.0f} µs (without {steps.step:,.0f})", ""
    yield "the encoder is asked of", "", f"{steps.asked:.0%} of agent turns, {steps.once_asked / 1000:.1f} ms each", ""


def _met(met: object) -> str:
    return "yes" if met else "no"


def _peers(steps: Steps) -> Iterator[tuple[str, float]]:
    yield from steps.peers.items()
    yield "this project, the whole step", steps.step


def _machine() -> str:
    model = next(
        (line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")),
        platform.processor(),
    )
    return f"{model}, {os.cpu_count()} cores"


def _lines(file: str) -> list[str]:
    return Path(file).read_text(encoding="utf-8").splitlines() if Path(file).exists() else []


def draw(steps: Steps, file: Path) -> None:
    """Draw where an agent turn's time goes, the tokenizer alone beside it."""
    parts = {"(spaCy's tokenizer alone)": steps.tokenizer, **steps.parts}
    figure, axes = plt.subplots(figsize=(8, 3.6), layout="constrained")
    colours = ["0.7", *(["tab:blue"] * len(steps.parts))]
    bars = axes.barh(list(parts)[::-1], list(parts.values())[::-1], color=colours[::-1])
    axes.bar_label(bars, fmt="%.1f", padding=3)
    axes.set_xlabel(f"µs of {steps.step:.0f} an agent turn")
    axes.spines[["top", "right"]].set_visible(False)
    plt.rcParams["svg.hashsalt"] = "speed"
    figure.savefig(file, metadata={"Date": None})


if __name__ == "__main__":
    sys.exit(main())
