"""`python -m review` is `detector review`."""

from review.commands import review

review(prog_name="detector review")
