"""`detector schemas`."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from pipelines.settings import Settings
from streams.schemas import asyncapi
from streams.schemas import schemas as contracts


def schemas(
    output: Annotated[Path, typer.Option("--output", "-o", help="The folder the documents go to.")] = Path(
        "docs/schemas"
    ),
) -> None:
    """Write the JSON Schemas of all contracts, and the AsyncAPI document of the topics.

    Example: detector schemas -o docs/schemas
    """
    output.mkdir(parents=True, exist_ok=True)
    documents = {**contracts(), "asyncapi": asyncapi(Settings())}
    for name, document in documents.items():
        (output / f"{name}.json").write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    Console(stderr=True).print(f"{len(documents)} documents written to {output}", highlight=False)
