"""The committed schemas are those of the code."""

import json
from pathlib import Path

import pytest

from pipelines.settings import Settings
from streams.schemas import asyncapi, schemas

FOLDER = Path(__file__).parents[2] / "docs" / "schemas"


@pytest.mark.parametrize("name", sorted(schemas()))
def test_committed_schema_is_that_of_the_contract(name: str) -> None:
    """A contract that changes without its schema fails here: run `detector schemas`."""
    assert json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8")) == schemas()[name]


def test_committed_asyncapi_names_every_topic() -> None:
    """The AsyncAPI document is that of the default settings, and its payloads are schemas beside it."""
    document = asyncapi(Settings(_env_file=None))

    assert json.loads((FOLDER / "asyncapi.json").read_text(encoding="utf-8")) == document
    payloads = {
        message["payload"]["$ref"]
        for channel in document["channels"].values()
        for message in channel["messages"].values()
    }
    assert all((FOLDER / name).is_file() for name in payloads)
