"""Encoders fine-tuned from one base, averaged weight by weight: better than each, and asked at the price of one.

After Wortsman et al. 2022, "Model soups: averaging weights of multiple fine-tuned models improves accuracy without
increasing inference time". Needs `onnx`, of the extra `semantic-training`.
"""

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from detector.errors import ModelError

INTEGERS, SCALE = "_quantized", "_scale"
"""How ONNX Runtime ends the names of weights in eight bits, and of what each column of them is multiplied by."""
VECTORS, VECTORS_SCALE = "rounded", "scale"
"""The same of the vectors of pieces, a scale a row (`models.semantic.learning.OneTurn`)."""

Parts: TypeAlias = Mapping[str, npt.NDArray[Any]]


def averaged(kept: bytes, added: bytes, *, share: float) -> bytes:
    """Return the first graph with the mean of both graphs' weights, in which those of the second count `share`.

    Raises:
        ModelError: the graphs are not made of the same parts.
    """
    import onnx  # noqa: PLC0415  # only where encoders are made
    from onnx import numpy_helper  # noqa: PLC0415

    graph = onnx.load_from_string(kept)
    ours, theirs = parts_of(graph.graph), parts_of(onnx.load_from_string(added).graph)
    if {name: one.shape for name, one in ours.items()} != {name: one.shape for name, one in theirs.items()}:
        raise ModelError("the encoders differ in their parts and cannot be averaged: fine-tune one by itself")
    one, other = weights_of(ours), weights_of(theirs)
    told = _rounded({name: (1 - share) * one[name] + share * other[name] for name in one}, ours)
    for part in graph.graph.initializer:
        if part.name in told:
            part.CopyFrom(numpy_helper.from_array(told[part.name].astype(ours[part.name].dtype), part.name))
    return bytes(graph.SerializeToString())


def parts_of(graph: Any) -> Parts:
    """Return what an ONNX graph holds, by name."""
    from onnx import numpy_helper  # noqa: PLC0415  # only where encoders are made

    return {one.name: numpy_helper.to_array(one) for one in graph.initializer}


def weights_of(parts: Parts) -> dict[str, npt.NDArray[Any]]:
    """Return the parts of a graph that were learned, as the numbers they stand for."""
    scales = {name: _scale_of(name) for name in parts if _in_eight_bits(name)}
    plain = {name: one for name, one in parts.items() if one.dtype == np.float32 and name not in scales.values()}
    return plain | {name: parts[name] * parts[scale] for name, scale in scales.items()}


def _rounded(weights: Parts, like: Parts) -> dict[str, npt.NDArray[Any]]:
    """Return weights as parts of a graph: those in eight bits there are rounded anew, each line to its own scale."""
    told = dict(weights)
    for name in filter(_in_eight_bits, weights):
        before = like[_scale_of(name)]
        greatest = np.abs(weights[name]).max(axis=before.ndim - 1, keepdims=before.ndim > 1)
        scale = np.where(greatest > 0, greatest, 1) / np.abs(like[name].astype(int)).max()
        told |= {name: np.rint(weights[name] / scale), _scale_of(name): scale}
    return told


def _in_eight_bits(name: str) -> bool:
    return name == VECTORS or name.endswith(INTEGERS)


def _scale_of(name: str) -> str:
    return VECTORS_SCALE if name == VECTORS else name.removesuffix(INTEGERS) + SCALE
