"""Encoders are averaged weight by weight, be a weight kept in eight bits or in full; with the extra for training."""

from typing import Any

import numpy as np
import pytest

from detector.errors import ModelError
from models.semantic import SHIPPED_FOLDER
from models.semantic.averaging import averaged
from models.semantic.tier import GRAPH, Files, OnnxEncoder

onnx = pytest.importorskip("onnx")

COLUMNS = "MatMul_7"


def graph(*, weights: list[list[float]], vectors: list[list[float]], bias: list[float]) -> bytes:
    """Return a graph with a matrix in eight bits, a scale a column; vectors so, a scale a row; and a bias."""
    by_column, by_row = np.array(weights, np.float32), np.array(vectors, np.float32)
    scale, row_scale = np.abs(by_column).max(0) / 64, np.abs(by_row).max(1, keepdims=True) / 127
    parts: dict[str, Any] = {
        f"{COLUMNS}_quantized": np.rint(by_column / scale).astype(np.int8),
        f"{COLUMNS}_scale": scale,
        f"{COLUMNS}_zero_point": np.zeros(by_column.shape[1], np.int8),
        "rounded": np.rint(by_row / row_scale).astype(np.int8),
        "scale": row_scale,
        "head.bias": np.array(bias, np.float32),
    }
    held = [onnx.numpy_helper.from_array(part, name) for name, part in parts.items()]
    made = onnx.helper.make_graph([], "encoder", [], [], held)
    return bytes(onnx.helper.make_model(made).SerializeToString())


def parts_of(made: bytes) -> dict[str, np.ndarray]:
    """Return the parts of a graph by name."""
    return {one.name: onnx.numpy_helper.to_array(one) for one in onnx.load_from_string(made).graph.initializer}


def test_each_weight_is_the_mean_of_both() -> None:
    """In which the second counts its share; what is kept in eight bits is off by half a step at most."""
    one = graph(weights=[[4.0, 1.0], [2.0, -8.0]], vectors=[[1.0, 3.0], [9.0, 0.0]], bias=[1.0, 0.0])
    other = graph(weights=[[-8.0, 1.0], [2.0, 4.0]], vectors=[[5.0, 3.0], [1.0, 0.0]], bias=[4.0, 3.0])

    mean = parts_of(averaged(one, other, share=1 / 4))

    assert mean["head.bias"] == pytest.approx([1.75, 0.75])
    assert mean[f"{COLUMNS}_quantized"] * mean[f"{COLUMNS}_scale"] == pytest.approx(
        np.array([[1.0, 1.0], [2.0, -5.0]]), abs=5 / 64
    )
    assert mean["rounded"] * mean["scale"] == pytest.approx(np.array([[2.0, 3.0], [7.0, 0.0]]), abs=7 / 127)
    assert {name: part.dtype for name, part in mean.items()} == {
        name: part.dtype for name, part in parts_of(one).items()
    }


def test_encoders_of_other_parts_are_not_averaged() -> None:
    """As where one has more layers, or was exported otherwise."""
    one, other = (graph(weights=[[1.0]], vectors=[[1.0]] * rows, bias=[1.0]) for rows in (1, 2))

    with pytest.raises(ModelError, match="cannot be averaged"):
        averaged(one, other, share=0.5)


def test_the_mean_of_the_shipped_encoder_with_itself_says_what_it_says() -> None:
    """Taken apart, averaged and rounded anew, it is still the same network."""
    files = Files.read(SHIPPED_FOLDER)
    itself = averaged(files.graph, (SHIPPED_FOLDER / GRAPH).read_bytes(), share=0.5)
    said = ["have", "a", "lovely", "day"], ["customer", ":", "thanks"]

    told = [OnnxEncoder(made, files.listed).logits(*said) for made in (files.graph, itself)]

    assert told[0] == pytest.approx(told[1], abs=1e-3)
