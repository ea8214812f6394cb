"""`detector review-bridge`."""

import typer
from rich.console import Console

from detector.playbook import load_playbook
from pipelines.store import open_store
from streams.commands.bridging import until_signalled
from streams.commands.options import Brokers, settings_for
from streams.review_bridge import ReviewBridge


def review_bridge(
    brokers: Brokers = None,
    store: str | None = typer.Option(None, help="The review app's store; default: DETECTOR_STORE."),
) -> None:
    """Fill the review app's store from Kafka, and send its verdicts to be settled, until Ctrl-C."""
    settings = settings_for(brokers)
    console, opened = Console(stderr=True), open_store(store or settings.store)
    over = ReviewBridge(settings, store=opened, playbook=load_playbook(settings.playbook))
    console.print(f"between {settings.brokers} and the store; Ctrl-C ends", highlight=False, markup=False)
    with until_signalled() as stopped:
        over.run(stopped)
    opened.close()
    counts = over.counts
    console.print(
        f"{counts.taken:,} messages taken in, {counts.unreadable:,} unreadable; {counts.sent:,} verdicts sent.",
        highlight=False,
    )
