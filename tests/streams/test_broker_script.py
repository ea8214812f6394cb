"""The script behind `make kafka`, where no Kafka can be started."""

from pathlib import Path
from typing import Any

import pytest


def program(folder: Path, name: str, *, code: int) -> None:
    """Put a program into a folder that ends with a code."""
    file = folder / name
    file.write_text(f"#!/bin/sh\nexit {code}\n")
    file.chmod(0o755)


def test_missing_tools_are_named(bare_broker_script: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without Java and Maven it is told which of them is missing; Maven is not asked for once the jars are there."""
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(bare_broker_script.NoBrokerError, match="java, mvn"):
        bare_broker_script.fetch_jars(tmp_path / "none")
    (tmp_path / "kafka_2.13-3.9.1.jar").touch()
    with pytest.raises(bare_broker_script.NoBrokerError, match=r"java$"):
        bare_broker_script.fetch_jars(tmp_path)


def test_jars_that_cannot_be_fetched_are_told(
    bare_broker_script: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where Maven fails nothing half fetched is left to be taken for the whole."""
    for name, code in (("java", 0), ("mvn", 1)):
        program(tmp_path, name, code=code)
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "jars").mkdir()

    with pytest.raises(bare_broker_script.NoBrokerError, match="could not fetch"):
        bare_broker_script.fetch_jars(tmp_path / "jars")
    assert not (tmp_path / "jars").exists()
