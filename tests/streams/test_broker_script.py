"""The script behind `make kafka`, where no Kafka can be started."""

import socket
from pathlib import Path
from typing import Any

import pytest


def program(folder: Path, name: str, *, code: int, says: str = "said") -> None:
    """Put a program into a folder that says something and ends with a code."""
    file = folder / name
    file.write_text(f"#!/bin/sh\necho {says}\nexit {code}\n")
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


def test_a_taken_port_is_told_before_anything_is_started(
    bare_broker_script: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever listens on the port is not waited for, nor taken for our broker."""
    monkeypatch.setattr(bare_broker_script, "fetch_jars", lambda: pytest.fail("it began"))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        monkeypatch.setattr("sys.argv", ["broker.py", str(port)])

        with pytest.raises(SystemExit, match=f"port {port} of 127.0.0.1: Address already in use; name another"):
            bare_broker_script.main()
    bare_broker_script.check_port(port)


def test_a_broker_that_ends_is_not_waited_for(
    bare_broker_script: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The end of its log is told, for the log is gone with its folder."""
    program(tmp_path, "java", code=0)
    (tmp_path / "kafka_2.13-3.9.1.jar").touch()
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(bare_broker_script, "fetch_jars", lambda: tmp_path)
    broker = bare_broker_script.KafkaBroker(tmp_path)
    program(tmp_path, "java", code=3, says="no room on disk")

    with pytest.raises(bare_broker_script.NoBrokerError, match=r"ended with code 3; its last words:\nno room on disk$"):
        broker.start()
