"""What fine-tuning starts from: the weights of a BERT-like encoder, and the list of its pieces.

A folder has the weights in `model.safetensors`, as an encoder's authors publish them, or in `model.onnx`, as packages
for other languages carry them; and the pieces in `vocab.txt` or in `tokenizer.json`.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from detector.errors import ModelError

Weights = dict[str, npt.NDArray[np.float32]]
PUBLISHED, EXPORTED = "model.safetensors", "model.onnx"
LISTING, TOKENIZER = "vocab.txt", "tokenizer.json"


def weights_in(folder: Path) -> Weights:
    """Return an encoder's weights by the names BERT gives them; a layer's are outputs x inputs.

    Raises:
        ModelError: the folder has them in neither form.
    """
    if (folder / PUBLISHED).exists():
        from safetensors.numpy import load_file  # noqa: PLC0415  # only where it is published so

        published: Weights = load_file(folder / PUBLISHED)
        return published
    if (folder / EXPORTED).exists():
        return _exported(folder / EXPORTED)
    raise ModelError(f"{folder}: there is no encoder in it, neither {PUBLISHED} nor {EXPORTED}")


def pieces_in(folder: Path) -> list[str]:
    """Return the pieces an encoder knows, in the order of its vectors.

    Raises:
        ModelError: the folder has no list of them.
    """
    if (folder / LISTING).exists():
        return (folder / LISTING).read_text(encoding="utf-8").rstrip("\n").split("\n")
    if (folder / TOKENIZER).exists():
        numbers: dict[str, int] = json.loads((folder / TOKENIZER).read_text(encoding="utf-8"))["model"]["vocab"]
        return sorted(numbers, key=numbers.__getitem__)
    raise ModelError(f"{folder}: no list of pieces is in it, neither {LISTING} nor {TOKENIZER}")


def _exported(file: Path) -> Weights:
    """Return the weights of an exported graph; those that lost their name are known by the node they stand in."""
    import onnx  # noqa: PLC0415  # only where it is exported so
    from onnx import numpy_helper  # noqa: PLC0415

    graph: Any = onnx.load(file).graph
    values = {one.name: numpy_helper.to_array(one) for one in graph.initializer}
    weights = {name: value for name, value in values.items() if name.startswith(("embeddings.", "encoder."))}
    for node in graph.node:
        if node.op_type == "MatMul" and node.input[1] in values:
            name = node.name.strip("/").removesuffix("/MatMul").replace("/", ".")
            weights[f"{name}.weight"] = values[node.input[1]].T
    return weights
