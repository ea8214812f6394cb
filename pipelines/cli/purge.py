"""`detector purge`."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from rich.console import Console

from detector.errors import DetectorError
from pipelines.settings import Settings


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

    found = re.fullmatch(r"(\d{1,5})([dw])", older_than)
    if found is None:
        raise AgeError("--older-than: give a number of days or weeks, such as 90d or 26w")
    age = timedelta(days=int(found[1]) * (7 if found[2] == "w" else 1))
    opened = open_store(store or Settings().store)
    done = purging.purge(opened, before=datetime.now(UTC) - age)
    opened.close()
    Console(stderr=True).print(f"{done.turns:,} turns of {done.calls:,} calls have lost their words.", highlight=False)
