"""How the semantic tier is made: a sentence encoder fine-tuned on the project's examples.

Needs the extra `semantic-training` (PyTorch) and a folder (`models.semantic.base`) with a BERT-like encoder of 384
dimensions and however many layers, such as bge-small-en-v1.5 (Xiao et al. 2023, "C-Pack: Packed Resources For General
Chinese Embeddings"; MIT); or with a tier of ours, whose encoder goes over the examples again. Nothing is
downloaded.

The encoder learns from most calls; on the others it is weighed against the classifier (`models.semantic.weighing`).
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from models.semantic.base import pieces_in, weights_in
from models.semantic.pieces import LONGEST, Numbered, Pieces

WIDTH, HEADS = 384, 12
EPOCHS, BATCH, RATE, HEAD_RATE = 4, 64, 2e-4, 1e-3
AGAIN, EMPHATIC = (2, 1.0), (1, 0.75)
"""How often an encoder that has learned before goes over the turns, and at what share of the rates: over all of them
again, and where some are new and come several times.

It begins on the steps of eight bits and ends on them: what moves a weight by less than half a step is rounded away. At
such rates it forgets a little, too; the mean with what it began as is better than either (figures: docs/design.md)."""
WARM_UP, DECAY, DROPOUT = 0.08, 0.01, 0.1
SORTED_BATCHES = 40
"""Batches cut from as many examples sorted by length: little is padded, and chance still mixes them."""
SEED = 20_000
OPSET = 17
TABLES = "vectors", "places", "sides"
"""Parameters that are looked up, not multiplied with: their size is left alone."""
FARTHEST_INTEGER = 127
FAR_BELOW = -1e4

Said = tuple[Sequence[str], Sequence[str]]
"""The words of a turn, and those before it as `models.semantic.tier.words_before` gives them."""
Progress = Callable[[int, int], None]
"""Is told the steps done and the steps there are."""
Flags = npt.NDArray[np.bool_]


class Layer(nn.Module):
    """A transformer's encoder layer (Vaswani et al. 2017), normalised after each half as BERT does."""

    def __init__(self, given: dict[str, Tensor], number: int) -> None:
        super().__init__()
        prefix = f"encoder.layer.{number}."
        names = ("attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense")
        self.query, self.key, self.value, self.joined = (_linear(given, prefix + name) for name in names)
        self.after_attention = _norm(given, prefix + "attention.output.LayerNorm")
        self.wide, self.narrow = (_linear(given, prefix + name) for name in ("intermediate.dense", "output.dense"))
        self.after_feed = _norm(given, prefix + "output.LayerNorm")
        self.dropout = nn.Dropout(DROPOUT)

    def forward(self, states: Tensor, present: Tensor) -> Tensor:
        """Return the states (turns x pieces x width); `present` tells which pieces are no padding."""
        turns, pieces, _ = states.shape

        def by_head(flat: Tensor) -> Tensor:
            return flat.view(turns, pieces, HEADS, WIDTH // HEADS).transpose(1, 2)

        likeness = by_head(self.query(states)) @ by_head(self.key(states)).transpose(2, 3)
        likeness = likeness / (WIDTH // HEADS) ** 0.5 + (~present)[:, None, None, :] * FAR_BELOW
        heard = (torch.softmax(likeness, -1) @ by_head(self.value(states))).transpose(1, 2)
        states = self.after_attention(states + self.dropout(self.joined(heard.reshape(turns, pieces, WIDTH))))
        fed: Tensor = self.after_feed(states + self.dropout(self.narrow(functional.gelu(self.wide(states)))))
        return fed


class Network(nn.Module):
    """Vectors of pieces, of their places and of whose they are; a few layers; one logit an output."""

    def __init__(self, given: dict[str, Tensor], outputs: int) -> None:
        super().__init__()
        self.vectors = nn.Parameter(given["embeddings.word_embeddings.weight"].clone())
        self.places = nn.Parameter(given["embeddings.position_embeddings.weight"][:LONGEST].clone())
        self.sides = nn.Parameter(given["embeddings.token_type_embeddings.weight"].clone())
        self.norm = _norm(given, "embeddings.LayerNorm")
        self.layers = nn.ModuleList(Layer(given, number) for number in range(_layers_in(given)))
        self.dropout = nn.Dropout(DROPOUT)
        self.head = _grown(_linear(given, "head"), outputs) if "head.weight" in given else nn.Linear(3 * WIDTH, outputs)

    def forward(self, pieces: Tensor, own: Tensor, present: Tensor) -> Tensor:
        """Return turns x outputs, from the first piece's state, and the mean and the greatest of the turn's own."""
        return self.read(functional.embedding(pieces, self.vectors), own, present)

    def read(self, vectors: Tensor, own: Tensor, present: Tensor) -> Tensor:
        """Return turns x outputs for the vectors of pieces."""
        sides = torch.where(own.unsqueeze(-1), self.sides[0], self.sides[1])
        states = self.dropout(self.norm(vectors + self.places[: vectors.shape[1]] + sides))
        for layer in self.layers:
            states = layer(states, present)
        mine = own.unsqueeze(-1)
        mean = (states * mine).sum(1) / mine.sum(1)
        greatest = (states + (~mine) * FAR_BELOW).amax(1)
        logits: Tensor = self.head(self.dropout(torch.cat([states[:, 0], mean, greatest], -1)))
        return logits


class OneTurn(nn.Module):
    """The network for serving: the pieces of one turn in, a logit an output out; vectors of pieces in eight bits."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network
        scale = network.vectors.detach().abs().amax(1, keepdim=True) / FARTHEST_INTEGER
        self.register_buffer("scale", scale)
        self.register_buffer("rounded", (network.vectors.detach() / scale).round().to(torch.int8))

    def forward(self, pieces: Tensor, own: Tensor) -> Tensor:
        """Return the logits."""
        vectors = self.rounded[pieces].float() * self.scale[pieces]
        whole = own.unsqueeze(0)
        logits: Tensor = self.network.read(vectors.unsqueeze(0), whole, torch.ones_like(whole))[0]
        return logits


def fine_tune(
    base: Path,
    *,
    learned: Sequence[Said],
    truth: Flags,
    judged: Flags | None = None,
    emphatic: bool = False,
    progress: Progress = lambda _done, _of: None,
) -> bytes:
    """Fine-tune the encoder in a folder on turns' words and their labels; return it as an ONNX graph.

    `truth` and `judged` are turns x outputs; where nobody judged nothing is learned (None: all was judged). Of a
    turn longer than `Pieces` reads at once only the first window is learned. `emphatic` says that a further pass is
    over turns chosen for what is new in them.
    Some 40 minutes for 47,000 turns on two cores that multiply in 16 bits (AVX512-BF16); not measured on others.
    """
    torch.manual_seed(SEED)
    pieces = Pieces(pieces_in(base))
    given = {name: torch.tensor(value) for name, value in weights_in(base).items()}
    network = Network(given, truth.shape[1])
    turns = [pieces.windows(*said)[0] for said in learned]
    targets = torch.tensor(truth, dtype=torch.float32)
    known = torch.ones_like(targets) if judged is None else torch.tensor(judged, dtype=torch.float32)
    rng = np.random.default_rng(SEED)
    further = EMPHATIC if emphatic else AGAIN
    epochs, share = further if "head.weight" in given else (EPOCHS, 1.0)
    batches = [batch for _ in range(epochs) for batch in _mixed(turns, rng)]
    optimiser, schedule = _optimiser(network, len(batches), share=share)
    network.train()
    for done, batch in enumerate(batches, 1):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            logits = network(*_padded([turns[at] for at in batch])).float()
        wrong = functional.binary_cross_entropy_with_logits(
            logits, targets[batch], weight=known[batch], reduction="none"
        )
        loss = wrong.sum(1).mean()
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        progress(done, len(batches))
    network.eval()
    return _graph(network)


def _optimiser(network: Network, steps: int, *, share: float) -> tuple[torch.optim.Optimizer, Any]:
    """Return AdamW, warming up and then cooling down evenly; the head learns faster than what was learned before."""
    named = [(name, one) for name, one in network.named_parameters() if name != "head.weight"]
    groups = [
        {"params": [one for name, one in named if one.ndim > 1 and name not in TABLES], "weight_decay": DECAY},
        {"params": [one for name, one in named if one.ndim == 1 or name in TABLES], "weight_decay": 0.0},
        {"params": [network.head.weight], "weight_decay": DECAY},
    ]
    rates = [share * rate for rate in (RATE, RATE, HEAD_RATE)]
    optimiser = torch.optim.AdamW(groups, lr=rates[0])
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser,
        max_lr=rates,
        total_steps=steps + 1,
        pct_start=WARM_UP,
        anneal_strategy="linear",
    )
    return optimiser, schedule


def _mixed(turns: Sequence[Numbered], rng: np.random.Generator) -> list[list[int]]:
    """Return the turns' numbers in batches of like length, in an order of chance."""
    order = rng.permutation(len(turns)).tolist()
    batches: list[list[int]] = []
    for start in range(0, len(order), BATCH * SORTED_BATCHES):
        alike = sorted(order[start : start + BATCH * SORTED_BATCHES], key=lambda at: len(turns[at][0]))
        batches.extend(alike[at : at + BATCH] for at in range(0, len(alike), BATCH))
    return [batches[at] for at in rng.permutation(len(batches))]


def _padded(turns: Sequence[Numbered]) -> tuple[Tensor, Tensor, Tensor]:
    """Return turns x pieces, padded with nought; which of them are the turn's own; and which are no padding."""
    longest = max(len(pieces) for pieces, _ in turns)
    pieces = torch.tensor([[*pieces, *[0] * (longest - len(pieces))] for pieces, _ in turns])
    places = torch.arange(longest)[None, :]
    own, all_of_it = (torch.tensor(lengths)[:, None] for lengths in ([n for _, n in turns], [len(p) for p, _ in turns]))
    return pieces, places < own, places < all_of_it


def _graph(network: Network) -> bytes:
    """Return the network as an ONNX graph that multiplies in eight bits: each column of weights has its own scale.

    One bit of the eight is spared (`reduce_range`), without which older processors overflow and newer ones do not.
    """
    from onnxruntime.quantization import QuantType, quantize_dynamic  # noqa: PLC0415  # needed here alone

    with TemporaryDirectory() as folder:
        plain, rounded = Path(folder) / "plain.onnx", Path(folder) / "rounded.onnx"
        torch.onnx.export(
            OneTurn(network).eval(),
            (torch.tensor([1, 2, 3]), torch.tensor([True, True, False])),
            plain,
            input_names=["pieces", "own"],
            output_names=["logits"],
            dynamic_axes={"pieces": {0: "pieces"}, "own": {0: "pieces"}},
            opset_version=OPSET,
            dynamo=False,
        )
        quantize_dynamic(
            plain,
            rounded,
            op_types_to_quantize=["MatMul", "Gemm"],
            weight_type=QuantType.QInt8,
            per_channel=True,
            reduce_range=True,
        )
        return rounded.read_bytes()


def _layers_in(given: dict[str, Tensor]) -> int:
    return len({name.split(".")[2] for name in given if name.startswith("encoder.layer.")})


def _linear(given: dict[str, Tensor], name: str) -> nn.Linear:
    weight = given[f"{name}.weight"]
    made = nn.Linear(weight.shape[1], weight.shape[0])
    made.weight.data, made.bias.data = weight.clone(), given[f"{name}.bias"].clone()
    return made


def _grown(head: nn.Linear, outputs: int) -> nn.Linear:
    """Return a head with as many outputs as asked for; those it has not are added, and know nothing yet."""
    grown = nn.Linear(head.in_features, outputs)
    missing = outputs - head.out_features
    grown.weight.data = functional.pad(head.weight.data, (0, 0, 0, missing))
    grown.bias.data = functional.pad(head.bias.data, (0, missing))
    return grown


def _norm(given: dict[str, Tensor], name: str) -> nn.LayerNorm:
    made = nn.LayerNorm(WIDTH, eps=1e-12)
    made.weight.data, made.bias.data = given[f"{name}.weight"].clone(), given[f"{name}.bias"].clone()
    return made
