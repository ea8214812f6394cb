"""Pictures of an evaluation. Needs matplotlib, the `plots` extra."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib import pyplot as plt

from detector.errors import DetectorError
from pipelines.files import file_to_write
from pipelines.flows.evaluate import Measured

mpl.use("agg")
KINDS = (".jpg", ".pdf", ".png", ".svg")


class PictureError(DetectorError):
    """A picture of a kind that cannot be drawn."""


def check_kind(file: Path) -> None:
    """Let a picture's file be of a kind that can be drawn, by its suffix.

    Raises:
        PictureError: it is not.
    """
    if file.suffix.lower() not in KINDS:
        raise PictureError(f"{file}: no picture is of this kind; name a file that ends in one of: {', '.join(KINDS)}")


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
    with file_to_write(file) as out:
        figure.savefig(out, dpi=120, format=file.suffix.lower().removeprefix("."))
    plt.close(figure)
