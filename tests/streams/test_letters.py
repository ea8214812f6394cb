"""The dead letters, as their commands see them."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from streams.commands import dead_letters, topics

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


def test_mended_letter_is_put_back_and_handled(running: Any, tmp_path: Path) -> None:
    """What was wrong is listed and shown; the mended message leads to what would have been."""
    brokers = ["--brokers", running.settings.brokers]
    broken = {"type": "call.ended", "call_id": "mend-0", "ended_at": "yesterday"}
    running.send("mend-0", broken)
    assert running.wait_for(lambda: bool(running.read(running.settings.topic_dead_letters)))
    mended = tmp_path / "mended.json"
    mended.write_text(json.dumps(broken | {"ended_at": None}))
    run = CliRunner().invoke

    listed = run(dead_letters, ["list", *brokers], env={"COLUMNS": "200"})
    shown = run(dead_letters, ["show", "1", *brokers])
    replayed = run(dead_letters, ["replay", "1", "--mended", str(mended), *brokers])

    assert "broken_schema" in listed.stdout
    assert json.loads(shown.stdout) == broken
    assert "1 of 1 put back" in replayed.stdout
    assert running.wait_for(lambda: "mend-0" in running.told("mend-").scorecards)


def test_topics_are_checked_with_a_clear_list(stage: Any) -> None:
    """On a broker with all topics the check is content; with other partitions it says which do not fit."""
    good = CliRunner().invoke(topics, ["check", "--brokers", stage.settings.brokers])
    bad = CliRunner().invoke(topics, ["check", "--brokers", stage.settings.brokers], env={"DETECTOR_PARTITIONS": "7"})

    assert (good.exit_code, good.stdout) == (0, "all topics are there and fit\n")
    assert bad.exit_code == 1
    assert "transcripts: has 4 partitions, the settings say 7" in bad.stdout
