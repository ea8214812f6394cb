"""What fine-tuning starts from: the weights of a BERT-like encoder, and the list of its pieces.

A folder has the weights in `model.safetensors`, as an encoder's authors publish them, or in `model.onnx`, as packages
for other languages carry them; and the pieces in `vocab.txt` or in `tokenizer.json`. Or it is a tier's own, whose
encoder then learns further: `encoder.onnx` and `pieces.txt`.
"""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from detector.errors import ModelError
from models.semantic.averaging import VECTORS, parts_of, weights_of
from models.semantic.tier import GRAPH, LISTED

Weights = dict[str, npt.NDArray[np.float32]]
PUBLISHED, EXPORTED = "model.safetensors", "model.onnx"
LISTING, TOKENIZER = "vocab.txt", "tokenizer.json"
OWN_NAMES = {
    VECTORS: "embeddings.word_embeddings.weight",
    "network.places": "embeddings.position_embeddings.weight",
    "network.norm.weight": "embeddings.LayerNorm.weight",
    "network.norm.bias": "embeddings.LayerNorm.bias",
    "network.head.weight_Transposed_quantized": "head.weight",
    "network.head.bias": "head.bias",
}
OWN_LAYERS = {
    "query": "attention.self.query",
    "key": "attention.self.key",
    "value": "attention.self.value",
    "joined": "attention.output.dense",
    "after_attention": "attention.output.LayerNorm",
    "wide": "intermediate.dense",
    "narrow": "output.dense",
    "after_feed": "output.LayerNorm",
}
"""The parts of a layer of `models.semantic.learning`, by the names BERT gives them."""
_OWN_PART = re.compile(r"network\.layers\.(?P<layer>\d+)\.(?P<part>\w+)\.(?P<kind>weight|bias)")
_OWN_PRODUCT = re.compile(r"/layers\.(?P<layer>\d+)/(?P<part>\w+)/MatMul")


def weights_in(folder: Path) -> Weights:
    """Return an encoder's weights by the names BERT gives them; a layer's are outputs x inputs.

    Those of a tier's own encoder also have a `head`, and are as near to what was learned as eight bits tell.

    Raises:
        ModelError: the folder has them in neither form.
    """
    if (folder / PUBLISHED).exists():
        from safetensors.numpy import load_file  # noqa: PLC0415  # only where it is published so

        published: Weights = load_file(folder / PUBLISHED)
        return published
    if (folder / EXPORTED).exists():
        return _exported(folder / EXPORTED)
    if (folder / GRAPH).exists():
        return _own(folder / GRAPH)
    raise ModelError(f"{folder}: there is no encoder in it, neither {PUBLISHED} nor {EXPORTED} nor {GRAPH}")


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
    if (folder / LISTED).exists():
        return (folder / LISTED).read_text(encoding="utf-8").split("\n")
    raise ModelError(f"{folder}: no list of pieces is in it, neither {LISTING} nor {TOKENIZER} nor {LISTED}")


def _exported(file: Path) -> Weights:
    """Return the weights of an exported graph; those that lost their name are known by the node they stand in."""
    import onnx  # noqa: PLC0415  # only where it is exported so

    graph: Any = onnx.load(file).graph
    values = parts_of(graph)
    weights = {name: value for name, value in values.items() if name.startswith(("embeddings.", "encoder."))}
    for node in graph.node:
        if node.op_type == "MatMul" and node.input[1] in values:
            name = node.name.strip("/").removesuffix("/MatMul").replace("/", ".")
            weights[f"{name}.weight"] = values[node.input[1]].T
    return weights


def _own(file: Path) -> Weights:
    """Return the weights of a tier's own graph."""
    import onnx  # noqa: PLC0415  # only where it is so

    graph: Any = onnx.load(file).graph
    found = weights_of(parts_of(graph))
    weights = {OWN_NAMES[name]: value for name, value in found.items() if name in OWN_NAMES}
    weights["head.weight"] = weights["head.weight"].T
    for name, value in found.items():
        if own := _OWN_PART.fullmatch(name):
            weights[f"encoder.layer.{own['layer']}.{OWN_LAYERS[own['part']]}.{own['kind']}"] = value
    for node in graph.node:
        if node.op_type == "Where" and set(node.input[1:]) <= found.keys():
            weights["embeddings.token_type_embeddings.weight"] = np.stack([found[side] for side in node.input[1:]])
        elif node.op_type == "MatMulInteger" and (own := _OWN_PRODUCT.match(node.name)):
            weights[f"encoder.layer.{own['layer']}.{OWN_LAYERS[own['part']]}.weight"] = found[node.input[1]].T
    return {name: np.ascontiguousarray(value, dtype=np.float32) for name, value in weights.items()}
