"""`python -m streams`: the worker."""

import argparse
import sys

from detector.errors import DetectorError
from pipelines import assemble
from pipelines.settings import Settings
from streams import topics, worker

HELP = "Run the worker by the settings DETECTOR_…, its logs in JSON; detector stream is the same, with options."


def main() -> None:
    """Check the topics and run the worker until it is told to stop."""
    argparse.ArgumentParser(prog="python -m streams", description=HELP).parse_args()
    settings = Settings()
    try:
        topics.check(settings)
        worker.run(settings, assemble.detector(settings))
    except DetectorError as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(2)


if __name__ == "__main__":
    main()
