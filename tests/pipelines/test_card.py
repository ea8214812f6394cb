"""The model card's groups: whom a model reads well, and whom it does not."""

from dataclasses import replace

import numpy as np
import pytest

from detector.playbook import Playbook
from models.labels import Observation, observe, playbook_calls
from pipelines.flows.card import LEAST_OF_A_GROUP, slices, voice_of
from pipelines.nlp import SpacyReader


@pytest.fixture(scope="module")
def observation(playbook: Playbook, reader: SpacyReader) -> Observation:
    """Some labelled turn."""
    return next(observe(playbook_calls(playbook), reader))


@pytest.mark.parametrize(
    ("voice", "expected"),
    [
        ("scots asr", "British and Irish"),
        ("northern irish operator", "British and Irish"),
        ("us telephone role-play", "North American"),
        ("south african", "African"),
        ("indian relationship manager", "South Asian"),
        ("Sri-Lankan", "South Asian"),
        ("email", "voice: other or not told"),
    ],
)
def test_voices_go_into_families(observation: Observation, voice: str, expected: str) -> None:
    """A voice is told by its words, not by parts of words: "us" is not in "russian"."""
    assert expected == voice_of(replace(observation, voice=voice))


def test_a_group_has_the_figures_of_its_own_turns(observation: Observation) -> None:
    """Half the turns are found and half are missed: one sector has all of the one, the other all of the other."""
    half = LEAST_OF_A_GROUP
    seen = [replace(observation, sector="rail", call_id=f"r{at}") for at in range(half)]
    missed = [replace(observation, sector="tax", call_id=f"t{at}") for at in range(half)]
    truth = np.ones((2 * half, 1), dtype=np.bool_)
    found = np.arange(2 * half)[:, None] < half

    told = {one.name: one for one in slices([*seen, *missed], truth, found=found, awarded=found)}

    assert (half, 1.0) == (told["sector: rail"].turns, told["sector: rail"].found.recall.value)
    assert (half, 0.0) == (told["sector: tax"].turns, told["sector: tax"].found.recall.value)


def test_a_sector_is_one_however_it_is_written(observation: Observation) -> None:
    """Capitals make no other sector: its turns are told together."""
    names = ("GP surgery", "gp surgery")
    seen = [replace(observation, sector=names[at % 2], call_id=str(at)) for at in range(LEAST_OF_A_GROUP)]
    flags = np.ones((LEAST_OF_A_GROUP, 1), dtype=np.bool_)

    told = {one.name: one.turns for one in slices(seen, flags, found=flags, awarded=flags)}

    assert LEAST_OF_A_GROUP == told["sector: gp surgery"]


def test_small_groups_are_told_together(observation: Observation) -> None:
    """Figures of a few turns tell nothing; such sectors stand as one."""
    few = [replace(observation, sector=f"sector {at}", call_id=str(at)) for at in range(4)]
    none = np.zeros((4, 1), dtype=np.bool_)

    told = [one.name for one in slices(few, none, found=none, awarded=none)]

    assert "sector: others" in told
    assert not any("sector 1" in name for name in told)
