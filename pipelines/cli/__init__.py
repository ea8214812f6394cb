"""The command line: flags in, one flow called, exit code out."""

from pipelines.cli.main import main

__all__ = ["main"]
