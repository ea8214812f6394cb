"""`detector purge`."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from detector.errors import DetectorError
from pipelines.cli.console import console_for
from pipelines.settings import Settings

MOST_DIGITS = 5


class AgeError(DetectorError):
    """An age that cannot be read."""


def purge(
    older_than: Annotated[str, typer.Option(help="An age in days or weeks, such as 90d or 26w.", show_default=False)],
    store: Annotated[str | None, typer.Option(help="A file or a URL; default: DETECTOR_STORE.")] = None,
) -> None:
    """Remove the words of old calls from the review app's store; decisions, verdicts and all counts stay.

    Example: detector purge --older-than 90d
    """
    from pipelines.store import open_store, purging  # noqa: PLC0415 - the database's libraries take a while to load

    before = datetime.now(UTC) - _age(older_than)
    opened = open_store(store or Settings().store, make=False)
    done = purging.purge(opened, before=before)
    opened.close()
    lost = f"{done.turns:,} turns of {done.calls:,} calls have lost their words."
    console_for(stderr=True).print(lost, highlight=False)


def _age(told: str) -> timedelta:
    found = re.fullmatch(r"(\d+)([dw])", told, re.ASCII)
    if found is None:
        raise AgeError("--older-than: give a number of days or weeks, such as 90d or 26w")
    if len(found[1]) > MOST_DIGITS:
        raise AgeError(f"--older-than: the number is too large; {'9' * MOST_DIGITS} is the largest")
    return timedelta(days=int(found[1]) * (7 if found[2] == "w" else 1))
