"""What fine-tuning starts from is read from either form it is published in."""

import json
from pathlib import Path

import numpy as np
import pytest

from detector.errors import ModelError
from models.semantic.base import pieces_in, weights_in

QUERY = "encoder.layer.0.attention.self.query"


def test_an_exported_encoder_has_the_weights_of_the_published_one(tmp_path: Path) -> None:
    """An export turns a layer's weights over and loses their names; both come back."""
    onnx, safetensors = pytest.importorskip("onnx"), pytest.importorskip("safetensors.numpy")
    rng = np.random.default_rng(1)
    weights = {f"{QUERY}.weight": rng.random((3, 2), np.float32), f"{QUERY}.bias": rng.random(3, np.float32)}
    published, exported = tmp_path / "published", tmp_path / "exported"
    for folder in (published, exported):
        folder.mkdir()
    safetensors.save_file(weights, published / "model.safetensors")
    onnx.save(exported_graph(weights), exported / "model.onnx")

    one, other = weights_in(published), weights_in(exported)

    assert one.keys() == other.keys() == weights.keys()
    assert all(np.array_equal(one[name], other[name]) for name in weights)


def exported_graph(weights: dict[str, np.ndarray]) -> object:
    """Return a graph of one layer, laid out as exporters do."""
    onnx = pytest.importorskip("onnx")
    make, node = onnx.helper, "/" + QUERY.replace(".", "/").replace("layer/0", "layer.0")
    values = {
        "onnx::MatMul_7": np.ascontiguousarray(weights[f"{QUERY}.weight"].T),
        f"{QUERY}.bias": weights[f"{QUERY}.bias"],
    }
    nodes = [
        make.make_node("MatMul", ["states", "onnx::MatMul_7"], ["weighed"], name=f"{node}/MatMul"),
        make.make_node("Add", [f"{QUERY}.bias", "weighed"], ["out"], name=f"{node}/Add"),
    ]
    given, made = (
        make.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["turns", size])
        for name, size in (("states", 2), ("out", 3))
    )
    stored = [onnx.numpy_helper.from_array(value, name) for name, value in values.items()]
    return make.make_model(make.make_graph(nodes, "encoder", [given], [made], stored))


def test_pieces_are_read_from_a_list_or_a_tokenizers_file(tmp_path: Path) -> None:
    """In the order of their numbers, however the file has them."""
    listed, told = tmp_path / "listed", tmp_path / "told"
    for folder in (listed, told):
        folder.mkdir()
    (listed / "vocab.txt").write_text("[PAD]\nplay\n##ing\n")
    (told / "tokenizer.json").write_text(json.dumps({"model": {"vocab": {"##ing": 2, "[PAD]": 0, "play": 1}}}))

    assert pieces_in(listed) == pieces_in(told) == ["[PAD]", "play", "##ing"]


def test_a_folder_without_an_encoder_is_told(tmp_path: Path) -> None:
    """What is looked for is named."""
    with pytest.raises(ModelError, match=r"neither model\.safetensors nor model\.onnx"):
        weights_in(tmp_path)
    with pytest.raises(ModelError, match=r"neither vocab\.txt nor tokenizer\.json"):
        pieces_in(tmp_path)
