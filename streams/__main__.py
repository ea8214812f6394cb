"""`python -m streams`: the worker."""

import argparse
import sys

from pipelines import assemble
from pipelines.cli.mendable import told
from pipelines.settings import Settings
from streams import topics, worker

HELP = "Run the worker by the settings DETECTOR_…, its logs in JSON; detector stream is the same, with options."


def main() -> None:
    """Check the topics and run the worker until it is told to stop."""
    argparse.ArgumentParser(prog="python -m streams", description=HELP).parse_args()
    try:
        settings = Settings()
        topics.check(settings)
        worker.run(settings, assemble.detector(settings))
    except Exception as error:
        if (wrong := told(error)) is None:
            raise
        sys.stderr.write(f"error: {wrong}\n")
        sys.exit(2)


if __name__ == "__main__":
    main()
