"""The tier on disk and at work: an ONNX graph, the list of its pieces, and how its word is weighed.

Where the classifier's probability of any behaviour is between `low` and `high`, the encoder reads the turn. Of each
behaviour above `least` the logit becomes `own * logit + read * encoder's + constant`; the three numbers are those of
a logistic regression on calls neither had learned from (`models.semantic.weighing`). The probability is then
multiplied by that of the turn being meant: the encoder's last output is of scorn, in which an act's words are said
and no act is done.
"""

import hashlib
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np
import numpy.typing as npt

from detector.call import Memory
from detector.candidate import UNLESS, Reading
from detector.errors import ModelError, to_install
from models.logistic import Floats, logits_of
from models.semantic.pieces import Pieces

SHIPPED_FOLDER = Path(__file__).parent / "shipped"
FORMAT = 2
TO_LEARN_FURTHER = 1, FORMAT
"""The formats of encoders that can go on learning: in the first there is no output of scorn, which is then added."""
GRAPH, LISTED, MANIFEST, CARD = "encoder.onnx", "pieces.txt", "semantic.json", "MODEL_CARD.md"
ENGINE = "onnxruntime"
TURNS_BEFORE = 2

Array = npt.NDArray[np.float32]


class Encoder(Protocol):
    """What reads a turn's words as a whole."""

    def logits(self, words: Sequence[str], before: Sequence[str]) -> Array:
        """Return how surely each behaviour is in a turn's words after the words before; last, how surely scorn."""


@dataclass(frozen=True, slots=True)
class Blend:
    """How the encoder's word is weighed; the first three are probabilities, `constant` has one number a behaviour."""

    least: float
    low: float
    high: float
    own: float
    read: float
    constant: Array


class Tier:
    """Asks the encoder where the classifier is unsure. A `SecondReading` of the classifier."""

    def __init__(
        self, encoder: Encoder, blend: Blend, *, learned: Sequence[str], behaviours: Sequence[str], version: str
    ) -> None:
        """`behaviours` are the classifier's, in its order; those the encoder has not `learned` are never shifted."""
        self.version = version
        self._encoder = encoder
        self._blend = blend
        self._limits = logits_of((blend.least, blend.low, blend.high)).tolist()
        places = {behaviour: at for at, behaviour in enumerate(learned)}
        self._known = np.array([one in places for one in behaviours])
        self._columns = np.array([places.get(one, 0) for one in behaviours])
        self._asked = {behaviour: at for at, behaviour in enumerate(behaviours)}

    def shifts(self, logits: Array, reading: Reading, memory: Memory) -> Array | None:
        """Return what to add to the classifier's logits, nought where it sees nothing; None where it is sure of all.

        What an unless of the playbook speaks against is never raised.
        """
        blend = self._blend
        seen = to_weigh(np.where(self._known, logits, -np.inf), self._limits)
        if not seen.any():
            return None
        read = self._encoder.logits(reading.words, words_before(memory))
        second = blend.read * read[:-1] + blend.constant
        meant = if_meant(blend.own * logits + second[self._columns], read[-1])
        shifts = np.where(seen, meant - logits, 0).astype(np.float32)
        against = [self._asked[hit.owner] for hit in reading.hits if hit.kind is UNLESS and hit.owner in self._asked]
        shifts[against] = np.minimum(shifts[against], 0)
        return shifts


class OnnxEncoder:
    """A transformer of a few layers, run by ONNX Runtime on one thread; `Encoder`."""

    def __init__(self, graph: bytes, listed: Sequence[str]) -> None:
        import onnxruntime  # noqa: PLC0415  # only where the tier is wanted

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        self._pieces = Pieces(listed)

    def logits(self, words: Sequence[str], before: Sequence[str]) -> Array:
        """Return how surely each behaviour, and scorn, is in a turn after the words before, where it is surest."""
        read = [self._read(*window) for window in self._pieces.windows(words, before)]
        return np.max(read, axis=0) if len(read) > 1 else read[0]

    def _read(self, pieces: list[int], own: int) -> Array:
        told = {"pieces": np.array(pieces, dtype=np.int64), "own": np.arange(len(pieces)) < own}
        (logits,) = self._session.run(None, told)
        return np.asarray(logits, dtype=np.float32)


def to_weigh(logits: Floats, limits: Sequence[float]) -> npt.NDArray[np.bool_]:
    """Return which behaviours are weighed: of a turn, the last axis, in which any is unsure, all but the unlikely.

    The limits are logits: what is below the first is unlikely, what is between the others unsure.
    """
    least, low, high = limits
    unsure = ((logits > low) & (logits < high)).any(axis=-1, keepdims=True)
    seen: npt.NDArray[np.bool_] = unsure & (logits > least)
    return seen


def if_meant(logits: Array, scorn: float) -> Array:
    """Return the logits of probabilities that are multiplied by that of no scorn, whose own logit is given."""
    product: Array = -np.logaddexp(np.logaddexp(-logits, scorn), scorn - logits)
    return product


def words_before(memory: Memory) -> tuple[str, ...]:
    """Return the words of the two turns before, who said them in front of each; nothing at a call's start."""
    return tuple(word for past in memory.recent[-TURNS_BEFORE:] for word in (str(past.speaker), ":", *past.words))


@dataclass(frozen=True, slots=True)
class Files:
    """What a tier's folder holds: the graph, the pieces it is told in, and the manifest."""

    graph: bytes
    listed: tuple[str, ...]
    manifest: dict[str, Any]

    @classmethod
    def read(cls, folder: Path, *, formats: Collection[int] = (FORMAT,)) -> Self:
        """Return the files of a folder, of one of the formats.

        Raises:
            ModelError: files are missing, of another format, or changed since they were written.
        """
        try:
            graph, listed = (folder / GRAPH).read_bytes(), (folder / LISTED).read_text(encoding="utf-8")
            manifest: Any = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise ModelError(f"{error.filename} is missing: `detector train-semantic` makes it") from None
        except ValueError:
            raise ModelError(f"{folder}: {MANIFEST} is not JSON, or a file is not text") from None
        if manifest.get("format") not in formats:
            told = f"{folder}: the tier is of format {manifest.get('format')!r}, this program reads {FORMAT}"
            raise ModelError(f"{told}; make it anew: `detector train-semantic --base`")
        files = cls(graph, tuple(listed.split("\n")), manifest)
        if files.digest != manifest["sha256"]:
            raise ModelError(f"{folder}: the encoder is not the one the manifest was written for")
        return files

    @property
    def digest(self) -> str:
        """The SHA-256 of the encoder: its graph, then its pieces."""
        return hashlib.sha256(self.graph + "\n".join(self.listed).encode()).hexdigest()


def installed() -> bool:
    """Tell whether what runs the encoder is installed."""
    return find_spec(ENGINE) is not None


def load(folder: Path = SHIPPED_FOLDER, *, behaviours: Sequence[str]) -> Tier:
    """Return the tier in a folder, laid out for a classifier's behaviours.

    Raises:
        ModelError: the extra is not installed, or files are missing, of another format, or changed.
    """
    if not installed():
        raise ModelError(f"the semantic tier needs an extra: {to_install('semantic')}")
    files = Files.read(folder)
    return Tier(
        OnnxEncoder(files.graph, files.listed),
        _blend(files.manifest),
        learned=files.manifest["behaviours"],
        behaviours=behaviours,
        version=version_of(files.manifest),
    )


def save(folder: Path, files: Files, blend: Blend, *, about: dict[str, Any]) -> None:
    """Write a tier with a new manifest; `about` has its behaviours and what is told of its making."""
    folder.mkdir(parents=True, exist_ok=True)
    told = {
        "format": FORMAT,
        "sha256": files.digest,
        "least": blend.least,
        "band": [blend.low, blend.high],
        "own": blend.own,
        "read": blend.read,
        "constant": blend.constant.tolist(),
        **about,
    }
    (folder / GRAPH).write_bytes(files.graph)
    (folder / LISTED).write_text("\n".join(files.listed), encoding="utf-8")
    (folder / MANIFEST).write_text(json.dumps(told, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def version_of(manifest: dict[str, Any]) -> str:
    """Return what stands in a decision's version for a tier: eight digits over all that decides."""
    decides = {key: manifest[key] for key in ("sha256", "least", "band", "own", "read", "constant", "behaviours")}
    return hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()[:8]


def _blend(manifest: dict[str, Any]) -> Blend:
    constant = np.array(manifest["constant"], dtype=np.float32)
    low, high = manifest["band"]
    return Blend(manifest["least"], low, high, manifest["own"], manifest["read"], constant)
