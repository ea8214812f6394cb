"""Models on disk: numbers in an .npz without pickle, the rest in JSON, a checksum over all of it."""

import hashlib
import io
import json
import zlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from detector.errors import ModelError
from models.weights import Weights

SHIPPED_FOLDER = Path(__file__).parent / "shipped"
FORMAT = 3
WEIGHTS, MANIFEST, CARD = "weights.npz", "model.json", "MODEL_CARD.md"
_BY_BEHAVIOUR = ("bias", "slope", "bend", "offset")
# RuntimeError and NotImplementedError: a bit of a zip header flipped to "encrypted" or a newer format.
_UNREADABLE = (OSError, ValueError, TypeError, KeyError, EOFError, RuntimeError, BadZipFile, zlib.error)


@dataclass(frozen=True, slots=True)
class Model:
    """Weights with their version and what the manifest tells of their making."""

    weights: Weights
    version: str
    manifest: dict[str, Any]


def stored(weights: Weights) -> Weights:
    """Return the weights as they are after being stored: the matrix in 16 bits, which halves the file."""
    rounded = weights.matrix.astype(np.float16).astype(np.float32)
    return replace(weights, matrix=rounded)


def save(weights: Weights, *, folder: Path, about: dict[str, Any], card: str) -> Model:
    """Write a model; its version is the date-free digest of its weights, so equal training gives an equal version."""
    folder.mkdir(parents=True, exist_ok=True)
    buffer = io.BytesIO()
    vocabulary = "\n".join(sorted(weights.vocabulary, key=weights.vocabulary.__getitem__)).encode()
    np.savez_compressed(
        buffer,
        vocabulary=np.frombuffer(vocabulary, dtype=np.uint8),
        matrix=weights.matrix.astype(np.float16),
        **{name: getattr(weights, name) for name in _BY_BEHAVIOUR},
    )
    digest = _digest(weights)
    version = _version(digest)
    manifest = {"format": FORMAT, "version": version, "behaviours": list(weights.behaviours), "sha256": digest, **about}
    (folder / WEIGHTS).write_bytes(buffer.getvalue())
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    (folder / CARD).write_text(card, encoding="utf-8")
    return Model(stored(weights), version, manifest)


def load(folder: Path = SHIPPED_FOLDER) -> Model:
    """Return the model in a folder.

    Raises:
        ModelError: files are missing, are of another format, or were changed since they were written.
    """
    manifest = _manifest(folder / MANIFEST)
    if manifest.get("format") != FORMAT:
        raise ModelError(f"{folder}: the model is of format {manifest.get('format')!r}, this program reads {FORMAT}")
    try:
        # Read first: NumPy leaves a file open that is no zip.
        with np.load(io.BytesIO((folder / WEIGHTS).read_bytes()), allow_pickle=False) as arrays:
            words = bytes(arrays["vocabulary"]).decode().split("\n")
            numbers = {name: arrays[name].astype(np.float32) for name in ("matrix", *_BY_BEHAVIOUR)}
    except _UNREADABLE as error:
        raise ModelError(f"{folder / WEIGHTS}: cannot be read as a model ({type(error).__name__})") from None
    vocabulary = {word: at for at, word in enumerate(words)}
    weights = Weights(tuple(manifest["behaviours"]), vocabulary, **numbers)
    _check_shapes(weights, folder)
    digest = _digest(weights)
    if (digest, _version(digest)) != (manifest.get("sha256"), manifest.get("version")):
        raise ModelError(f"{folder}: the weights are not those the manifest was written for; train again")
    return Model(weights, _version(digest), manifest)


def _manifest(file: Path) -> dict[str, Any]:
    try:
        manifest: Any = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ModelError(f"{file} is missing: `detector train` makes a model") from None
    except (UnicodeDecodeError, json.JSONDecodeError):
        raise ModelError(f"{file} is not JSON") from None
    if isinstance(manifest, dict):
        behaviours = manifest.get("behaviours")
        if isinstance(behaviours, list) and all(isinstance(one, str) for one in behaviours):
            return manifest
    raise ModelError(f"{file} is not a model's manifest")


def _check_shapes(weights: Weights, folder: Path) -> None:
    count = len(weights.behaviours)
    if weights.matrix.shape != (len(weights.vocabulary), count) or any(
        getattr(weights, name).shape != (count,) for name in _BY_BEHAVIOUR
    ):
        raise ModelError(f"{folder}: the weights' shapes do not fit the {count} behaviours of the manifest")


def _version(digest: str) -> str:
    return f"{FORMAT}+{digest[:8]}"


def _digest(weights: Weights) -> str:
    """Return the SHA-256 of the weights as stored, behaviours and vocabulary included."""
    digest = hashlib.sha256("\n".join((*weights.behaviours, "", *weights.vocabulary)).encode())
    digest.update(weights.matrix.astype(np.float16).tobytes())
    for name in _BY_BEHAVIOUR:
        digest.update(getattr(weights, name).astype(np.float32).tobytes())
    return digest.hexdigest()
