"""`python -m review` is `detector review`."""

import sys

from detector.errors import DetectorError
from review.commands import review

try:
    review(prog_name="detector review")
except DetectorError as error:
    sys.stderr.write(f"error: {error}\n")
    sys.exit(2)
