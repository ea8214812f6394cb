"""Models on disk: written and read again unchanged, and refused when anything was changed between."""

import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from detector.errors import ModelError
from models.registry import CARD, FORMAT, MANIFEST, SHIPPED_FOLDER, WEIGHTS, load, save, stored
from models.weights import Weights

WEIGHTS_OF = Weights(
    behaviours=("greet", "part"),
    vocabulary={"hello": 0, "bye now": 1, "c=<grü": 2},
    matrix=np.array([[1.5, -2], [0.1, 4], [5, 1e-3]], dtype=np.float32),
    bias=np.array([-1, 0.3], dtype=np.float32),
    slope=np.array([1, 2], dtype=np.float32),
    bend=np.array([-0.5, 0], dtype=np.float32),
    offset=np.array([0, 0.5], dtype=np.float32),
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a small model."""
    save(WEIGHTS_OF, folder=tmp_path, about={"playbook_version": "1+test"}, card="# Card\n")
    return tmp_path


def equal(one: Weights, other: Weights) -> bool:
    """Tell whether two weights are the same to the last bit."""
    arrays = ("matrix", "bias", "slope", "bend", "offset")
    return (one.behaviours, list(one.vocabulary.items())) == (other.behaviours, list(other.vocabulary.items())) and all(
        np.array_equal(getattr(one, name), getattr(other, name)) for name in arrays
    )


def test_a_saved_model_is_loaded_as_it_is_stored(tmp_path: Path) -> None:
    """What is loaded is what save returned: weights, version and manifest."""
    saved = save(WEIGHTS_OF, folder=tmp_path / "new" / "model", about={"learned_from_turns": 7}, card="# Card\n")

    loaded = load(tmp_path / "new" / "model")

    assert equal(saved.weights, loaded.weights)
    assert equal(stored(WEIGHTS_OF), loaded.weights)
    assert (saved.version, saved.manifest) == (loaded.version, loaded.manifest)
    assert loaded.manifest["learned_from_turns"] == 7
    assert (tmp_path / "new" / "model" / CARD).read_text() == "# Card\n"


def test_equal_weights_have_an_equal_version_and_others_another(tmp_path: Path, folder: Path) -> None:
    """The version is of the weights and of nothing else, neither the day nor what is told about them."""
    same = save(WEIGHTS_OF, folder=tmp_path / "same", about={"note": "other"}, card="other")
    changed = replace(WEIGHTS_OF, bias=np.array([-1, 0.31], dtype=np.float32))
    other = save(changed, folder=tmp_path / "other", about={}, card="")

    assert same.version == load(folder).version != other.version
    assert same.version.startswith(f"{FORMAT}+")


def _manifest(**update: Any) -> Callable[[Path], object]:
    def change(folder: Path) -> None:
        file = folder / MANIFEST
        value = json.loads(file.read_text()) | update
        file.write_text(json.dumps({key: one for key, one in value.items() if one is not None}))

    return change


def _arrays(**update: Any) -> Callable[[Path], object]:
    def change(folder: Path) -> None:
        with np.load(folder / WEIGHTS) as arrays:
            kept = {name: arrays[name] for name in arrays} | update
        np.savez(folder / WEIGHTS, **{name: one for name, one in kept.items() if one is not None})

    return change


def _bytes(name: str, value: bytes) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes(value)


def _npy() -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.zeros(3))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda folder: (folder / MANIFEST).unlink(), "is missing: `detector train` makes a model"),
        (lambda folder: (folder / WEIGHTS).unlink(), "cannot be read as a model"),
        (_bytes(MANIFEST, b"{"), "is not JSON"),
        (_bytes(MANIFEST, b"\xff"), "is not JSON"),
        (_bytes(MANIFEST, b"[1]"), "is not a model's manifest"),
        (_manifest(behaviours=None), "is not a model's manifest"),
        (_manifest(behaviours="greet"), "is not a model's manifest"),
        (_manifest(behaviours=[1, 2]), "is not a model's manifest"),
        (_manifest(format=FORMAT - 1), f"of format {FORMAT - 1}, this program reads {FORMAT}"),
        (_manifest(format=None), "of format None"),
        (_manifest(behaviours=["part", "greet"]), "not those the manifest was written for"),
        (_manifest(behaviours=["greet"]), "do not fit the 1 behaviours"),
        (_manifest(sha256="0" * 64), "not those the manifest was written for"),
        (_manifest(sha256=None), "not those the manifest was written for"),
        (_manifest(version="1+00000000"), "not those the manifest was written for"),
        (_manifest(version=None), "not those the manifest was written for"),
        (_bytes(WEIGHTS, b""), "cannot be read as a model"),
        (_bytes(WEIGHTS, b"PK\x03\x04 not a zip"), "cannot be read as a model"),
        (_bytes(WEIGHTS, _npy()), "cannot be read as a model"),
        (_arrays(bias=None), "cannot be read as a model"),
        (_arrays(bias=np.array(["a", "b"])), "cannot be read as a model"),
        (_arrays(bias=np.array([{}, {}], dtype=object)), "cannot be read as a model"),
        (_arrays(vocabulary=np.array([255], dtype=np.uint8)), "cannot be read as a model"),
        (_arrays(bias=np.array([-1, 0.4], dtype=np.float32)), "not those the manifest was written for"),
        (_arrays(matrix=np.zeros((3, 2), dtype=np.float16)), "not those the manifest was written for"),
        (_arrays(matrix=np.zeros((2, 2), dtype=np.float16)), "shapes do not fit"),
        (_arrays(slope=np.zeros(3, dtype=np.float32)), "shapes do not fit"),
        (_arrays(offset=np.zeros((2, 1), dtype=np.float32)), "shapes do not fit"),
        (_arrays(vocabulary=np.frombuffer(b"a\na\nb", dtype=np.uint8)), "shapes do not fit"),
    ],
)
def test_what_was_changed_is_refused(folder: Path, change: Callable[[Path], object], told: str) -> None:
    """Missing, broken, changed or foreign files give an error that says which, never a model."""
    change(folder)

    with pytest.raises(ModelError) as caught:
        load(folder)

    assert told in str(caught.value)
    assert folder.name in str(caught.value)


def test_no_flipped_bit_is_overlooked(folder: Path) -> None:
    """Whichever bit of the weights' file flips, the same model is loaded or an error raised, never another model."""
    file = folder / WEIGHTS
    whole = file.read_bytes()
    refused = 0
    for at in range(len(whole)):
        file.write_bytes(whole[:at] + bytes([whole[at] ^ (1 << at % 8)]) + whole[at + 1 :])
        try:
            assert equal(stored(WEIGHTS_OF), load(folder).weights)
        except ModelError:
            refused += 1

    assert refused > len(whole) / 4


def test_no_cut_file_is_read(folder: Path) -> None:
    """A file of which the end is missing is refused, wherever it was cut."""
    whole = (folder / WEIGHTS).read_bytes()
    for end in range(0, len(whole), 50):
        (folder / WEIGHTS).write_bytes(whole[:end])
        with pytest.raises(ModelError):
            load(folder)


def test_the_shipped_model_is_sound() -> None:
    """The shipped model loads, and its card and its manifest tell of the same model."""
    model = load()

    assert model.version == model.manifest["version"]
    assert all(np.isfinite(part).all() for part in (model.weights.matrix, model.weights.bias, model.weights.offset))
    assert (SHIPPED_FOLDER / CARD).read_text().startswith("# Model card")
