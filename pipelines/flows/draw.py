"""Pictures of an evaluation. Needs matplotlib, the `plots` extra."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib import pyplot as plt

from pipelines.flows.evaluate import Measured

mpl.use("agg")


def draw(measured: Sequence[Measured], file: Path) -> None:
    """Write a picture: reliability, and precision against recall, a colour a corpus."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 5.2), layout="constrained")
    left.plot([0, 1], [0, 1], color="0.7", linewidth=1)
    for one in measured:
        bands = one.evaluation.reliability
        left.plot([band[0] for band in bands], [band[1] for band in bands], marker="o", label=one.evaluation.name)
        rows = [row for row in one.evaluation.behaviours if row.found.positives >= one.evaluation.macro_from]
        right.scatter([row.found.recall.value for row in rows], [row.found.precision.value for row in rows], s=28)
    left.set(title="Reliability: a score is a probability", xlabel="mean score", ylabel="share that is true")
    right.set(
        title="Award and review: one dot a behaviour",
        xlabel="recall",
        ylabel="precision",
        xlim=(-0.02, 1.03),
        ylim=(-0.02, 1.03),
    )
    left.legend(fontsize=8)
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, dpi=120)
    plt.close(figure)
