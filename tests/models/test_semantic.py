"""The semantic tier: words in pieces, an encoder asked only where the classifier is unsure, and the tier on disk."""

import json
import shutil
from collections import Counter
from collections.abc import Sequence
from datetime import date
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.call import Memory, Past
from detector.candidate import UNLESS, Hit, Reading
from detector.errors import ModelError
from detector.playbook import Playbook
from detector.transcript import Speaker
from models import registry
from models.classifier import Classifier
from models.evaluation import f1
from models.labels import EXAMPLES_FOLDER, Observation, learnable, own_calls
from models.logistic import probabilities_of
from models.semantic import SHIPPED_FOLDER, Tier, installed, load
from models.semantic.pieces import BEFORE_PIECES, MOST_WINDOWS, SHARED_PIECES, TURN_PIECES, Pieces
from models.semantic.tier import (
    CARD,
    FORMAT,
    GRAPH,
    LISTED,
    MANIFEST,
    TO_LEARN_FURTHER,
    Array,
    Blend,
    Files,
    OnnxEncoder,
    if_meant,
    words_before,
)
from models.semantic.weighing import BAND, blend_of
from models.train import is_test, truth_of
from models.weights import Weights
from pipelines import assemble
from pipelines.flows.semantic import BESIDE, EMPHASIS, Made, emphasised, make, share_of
from pipelines.nlp import SpacyReader
from pipelines.settings import Settings

LISTING = (
    "[PAD]",
    "[CLS]",
    "[SEP]",
    "[UNK]",
    "play",
    "##ing",
    "##s",
    "cafe",
    "seven",
    "mary",
    "'",
    "t",
    "customer",
    ":",
)
BEHAVIOURS = ("reassure", "wish_well")
SINCERE = -30.0
"""A logit of scorn that takes nothing away."""


class FakeEncoder:
    """Says the same of every turn, and remembers what it was asked."""

    def __init__(self, *told: float, scorn: float = SINCERE) -> None:
        self.told = np.array([*told, scorn], dtype=np.float32)
        self.asked: list[tuple[Sequence[str], Sequence[str]]] = []

    def logits(self, words: Sequence[str], before: Sequence[str]) -> Array:
        """Return what it always says."""
        self.asked.append((words, before))
        return self.told


def tier_of(encoder: FakeEncoder, *, learned: Sequence[str] = BEHAVIOURS, asked: Sequence[str] = BEHAVIOURS) -> Tier:
    """Return a tier with a band from 0.2 to 0.8, which weighs what is more likely than 0.1."""
    constant = np.arange(len(learned), dtype=np.float32)
    blend = Blend(least=0.1, low=0.2, high=0.8, own=0.5, read=2.0, constant=constant)
    return Tier(encoder, blend, learned=learned, behaviours=asked, version="test")


def reading(*words: str) -> Reading:
    """Return the reading of a turn without hits."""
    return Reading(words, tuple((at, at + 1) for at in range(len(words))), (0,) * len(words), ())


def listed(pieces: Sequence[int]) -> list[str]:
    """Return pieces as they are listed."""
    return [LISTING[number] for number in pieces]


def test_a_word_is_split_into_the_longest_pieces_there_are() -> None:
    """Accents and capitals fall, signs stand alone, and what has no pieces is unknown as a whole."""
    said = ["Plays", "café", "playing", "playful", "'t"], ["customer", ":", "play"]
    ((pieces, own),) = Pieces(LISTING).windows(*said)

    assert listed(pieces[:own]) == ["[CLS]", "play", "##s", "cafe", "play", "##ing", "[UNK]", "'", "t", "[SEP]"]
    assert listed(pieces[own:]) == ["customer", ":", "play", "[SEP]"]


def test_every_name_and_every_number_is_the_same_to_the_encoder() -> None:
    """Stand-ins are read for what the reader has already masked."""
    ((pieces, own),) = Pieces(LISTING).windows(["{customer_name}", "{number}", "{name}"], [])

    assert listed(pieces[1 : own - 1]) == ["mary", "seven", "mary"]


@given(turn=st.integers(0, 2000), before=st.integers(0, 200))
def test_a_long_turn_is_read_in_windows_from_its_beginning_to_its_end(turn: int, before: int) -> None:
    """Each holds no more than the encoder was made for, and the end of the turns before."""
    windows = Pieces(LISTING).windows(["play", *["t"] * turn, "cafe"], [*["t"] * before, "seven"])

    assert len(windows) <= MOST_WINDOWS
    assert all(own <= TURN_PIECES + 2 for _, own in windows)
    assert all(len(pieces) - own <= BEFORE_PIECES + 1 for pieces, own in windows)
    assert all(listed(pieces)[0] == "[CLS]" and listed(pieces)[-2:] == ["seven", "[SEP]"] for pieces, _ in windows)
    assert listed(windows[0][0])[1] == "play"
    assert listed(windows[-1][0])[windows[-1][1] - 2] == "cafe"


@given(st.integers(0, 600))
def test_no_word_falls_between_two_windows(turn: int) -> None:
    """Of all but the longest turns every piece is read, and windows share some, so that no phrase is cut in two."""
    listing = (*LISTING, *map(str, range(600)))

    windows = [pieces[1 : own - 1] for pieces, own in Pieces(listing).windows(map(str, range(turn)), [])]

    assert sorted({piece for window in windows for piece in window}) == list(range(len(LISTING), len(LISTING) + turn))
    assert all(len(set(one) & set(other)) >= SHARED_PIECES for one, other in pairwise(windows))


@given(st.lists(st.text(max_size=12), max_size=40))
def test_any_words_have_pieces(words: list[str]) -> None:
    """Whatever is typed or heard, each piece is a number of the list."""
    for pieces, own in Pieces(LISTING).windows(words, words):
        assert 2 <= own < len(pieces)
        assert all(0 <= number < len(LISTING) for number in pieces)


def test_the_encoder_is_not_asked_where_the_classifier_is_sure() -> None:
    """Outside the band nothing is read and nothing shifted."""
    encoder = FakeEncoder(9, 9)

    assert tier_of(encoder).shifts(np.array([-1.5, 1.5], dtype=np.float32), reading("well"), Memory()) is None
    assert encoder.asked == []


def test_where_the_classifier_is_unsure_all_it_sees_is_weighed_anew() -> None:
    """Both logits and the behaviour's constant are summed by their weights; what it does not see is left alone."""
    encoder = FakeEncoder(1.0, -3.0)
    memory = Memory(recent=(Past(Speaker.AGENT, ("hello",)), Past(Speaker.CUSTOMER, ("it", "broke"))))

    sure, unlikely, unseen = (
        tier_of(encoder).shifts(np.array([first, 1.0], dtype=np.float32), reading("oh", "no"), memory)
        for first in (5.0, -2.0, -5.0)
    )

    assert unlikely == pytest.approx([(0.5 * -2.0 + 2.0 * 1.0) + 2.0, (0.5 * 1.0 + 2.0 * -3.0 + 1) - 1.0])
    assert sure == pytest.approx([(0.5 * 5.0 + 2.0 * 1.0) - 5.0, (0.5 * 1.0 + 2.0 * -3.0 + 1) - 1.0])
    assert unseen == pytest.approx([0.0, (0.5 * 1.0 + 2.0 * -3.0 + 1) - 1.0])
    assert encoder.asked == [(("oh", "no"), ("agent", ":", "hello", "customer", ":", "it", "broke"))] * 3


def test_behaviours_are_found_by_name_and_unlearned_ones_are_left_alone() -> None:
    """A classifier with behaviours of its own, in an order of its own, gets what belongs to each."""
    encoder = FakeEncoder(1.0, -3.0)
    tier = tier_of(encoder, asked=("wish_well", "smile", "reassure"))

    shifts = tier.shifts(np.zeros(3, dtype=np.float32), reading("there"), Memory())

    assert shifts is not None
    assert shifts.tolist() == pytest.approx([2.0 * -3.0 + 1, 0.0, 2.0 * 1.0])
    assert tier_of(encoder, asked=("smile",)).shifts(np.zeros(1, dtype=np.float32), reading("there"), Memory()) is None


@pytest.mark.parametrize(("told", "shift"), [(5.0, 0.0), (-5.0, -10.0)])
def test_what_an_unless_speaks_against_is_never_raised(told: float, shift: float) -> None:
    """The playbook's word stands over the encoder's; lowering is free."""
    against = Hit(UNLESS, "reassure", "only_told", 0, 1)
    spoken = reading("there")._replace(hits=(against,))

    shifts = tier_of(FakeEncoder(told, 0.0)).shifts(np.zeros(2, dtype=np.float32), spoken, Memory())

    assert shifts is not None
    assert shifts.tolist() == pytest.approx([shift, 1.0])


@given(st.floats(-30, 30), st.floats(-30, 30))
def test_the_probability_of_an_act_is_multiplied_by_that_of_its_being_meant(logit: float, scorn: float) -> None:
    """Scorn takes from every behaviour, and sincerity gives to none."""
    act, meant = probabilities_of(np.array([logit, -scorn]))

    assert probabilities_of(if_meant(np.array([logit]), scorn)) == pytest.approx(act * meant, abs=1e-9)


def test_scorn_takes_from_every_behaviour_that_is_seen() -> None:
    """The classifier may be sure of one of them: its words are there, and mock."""
    seen = np.array([5.0, 1.0], dtype=np.float32)

    sincere, scornful = (
        tier_of(FakeEncoder(3.0, 3.0, scorn=scorn)).shifts(seen, reading("there"), Memory()) for scorn in (SINCERE, 9.0)
    )

    assert sincere is not None
    assert scornful is not None
    assert (sincere + seen > 4).all()
    assert (scornful + seen < -8).all()


def test_a_shift_moves_the_score_and_is_told_among_the_reasons() -> None:
    """The candidate's score is that of the shifted logit, and a person reads why."""
    nothing = np.zeros(2, dtype=np.float32)
    weights = Weights(BEHAVIOURS, {}, np.zeros((0, 2), np.float32), nothing, nothing + 1, nothing, nothing)
    tier = tier_of(FakeEncoder(1.0, -3.0))

    (candidate,) = Classifier(weights, version="test", second=tier).candidates(reading("there"), Memory())

    assert candidate.behaviour == "reassure"
    assert candidate.score == pytest.approx(1 / (1 + np.exp(-2.0)), abs=1e-6)
    assert "sentence encoder: +2.0 for the turn as a whole" in candidate.reasons


def test_the_words_before_a_calls_first_turn_are_none() -> None:
    """Nobody spoke before."""
    assert words_before(Memory()) == ()


def test_the_words_before_are_those_of_two_turns_and_tell_who_spoke() -> None:
    """What was said earlier is left out."""
    said = [Past(Speaker.AGENT, ("early",)), Past(Speaker.CUSTOMER, ("it", "broke")), Past(Speaker.AGENT, ("oh",))]

    assert words_before(Memory(recent=tuple(said))) == ("customer", ":", "it", "broke", "agent", ":", "oh")


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A copy of the shipped tier, to be damaged."""
    for name in (GRAPH, LISTED, MANIFEST):
        (tmp_path / name).write_bytes((SHIPPED_FOLDER / name).read_bytes())
    return tmp_path


def test_the_shipped_tier_knows_the_playbooks_behaviours(playbook: Playbook) -> None:
    """It was made for the behaviours that are shipped, and its extra is installed where tests run."""
    manifest = json.loads((SHIPPED_FOLDER / MANIFEST).read_text())

    assert installed()
    assert manifest["behaviours"] == [one.id for one in playbook.behaviours]


@pytest.mark.parametrize("name", [GRAPH, LISTED, MANIFEST])
def test_a_tier_with_a_file_missing_says_which_and_how_to_make_it(copied: Path, name: str) -> None:
    """The command that makes a tier is named."""
    (copied / name).unlink()

    with pytest.raises(ModelError, match=rf"{name} is missing: `detector train-semantic`"):
        load(copied, behaviours=BEHAVIOURS)


def test_a_changed_tier_is_refused(copied: Path) -> None:
    """An encoder that is not the manifest's, a manifest of another format, and what is no JSON."""
    manifest = (copied / MANIFEST).read_text()
    with (copied / LISTED).open("a") as file:
        file.write("\nmore")
    with pytest.raises(ModelError, match="not the one the manifest was written for"):
        load(copied, behaviours=BEHAVIOURS)

    (copied / MANIFEST).write_text(manifest.replace(f'"format": {FORMAT}', '"format": 99'))
    with pytest.raises(ModelError, match="of format 99"):
        load(copied, behaviours=BEHAVIOURS)

    (copied / MANIFEST).write_text("{")
    with pytest.raises(ModelError, match="not JSON"):
        load(copied, behaviours=BEHAVIOURS)


def test_a_tier_that_knows_no_scorn_is_one_to_learn_further_from(copied: Path) -> None:
    """It does not serve, and the error says how to make one that does."""
    manifest = (copied / MANIFEST).read_text()
    (copied / MANIFEST).write_text(manifest.replace(f'"format": {FORMAT}', '"format": 1'))

    with pytest.raises(ModelError, match=r"of format 1, .* make it anew: `detector train-semantic --base`"):
        load(copied, behaviours=BEHAVIOURS)
    assert Files.read(copied, formats=TO_LEARN_FURTHER).graph == (copied / GRAPH).read_bytes()


def test_the_setting_turns_the_tier_on_and_off(playbook: Playbook) -> None:
    """A decision's version tells whether the tier was asked: auto is on where its extra is installed."""
    versions = {
        wanted: assemble.classifier(Settings(_env_file=None, semantic=wanted), playbook).version
        for wanted in ("auto", "on", "off")
    }

    assert versions["auto"] == versions["on"]
    assert versions["on"].startswith(f"{versions['off']}~")


def test_the_tier_finds_more_of_the_private_test_split(playbook: Playbook, reader: SpacyReader) -> None:
    """On calls neither ever learned from, F1 of what reaches the review thresholds is higher with the tier."""
    observed = [one for one in learnable(own_calls(), reader) if is_test(one)]
    alone, both = (
        f1_of(assemble.classifier(Settings(_env_file=None, semantic=wanted), playbook), observed, playbook)
        for wanted in ("off", "on")
    )

    assert both > alone + 0.005


def test_emphasised_turns_come_several_times_and_some_of_the_others_once() -> None:
    """Of the files that match any pattern every turn comes six times; of the others as many as are wanted come once."""
    origins = [*["calls/old"] * (BESIDE + 100), "turns/new_2", "turns/new_3"]

    counts = Counter(emphasised(origins, ["*_2", "*_3"]).tolist())

    assert [counts.pop(BESIDE + at) for at in (100, 101)] == [EMPHASIS, EMPHASIS]
    assert (len(counts), set(counts.values())) == (BESIDE, {1})


def test_a_pattern_that_no_example_file_matches_is_told() -> None:
    """Each pattern has to match: a slip of the pen is no reason to learn from less."""
    with pytest.raises(ModelError, match=r"matches '\*_4'"):
        emphasised(["turns/new_2"], ["*_2", "*_4"])


def test_an_encoder_that_went_on_learning_counts_half_in_the_mean() -> None:
    """One fine-tuned afresh counts as much as each fine-tuning in the mean that is there."""
    there = {"turns": 70_000, "further_turns": 30_000, "fine_tunings": 3}

    assert share_of(there, there | {"further_turns": 20_000}) == 1 / 2
    assert share_of(there, {"turns": 80_000, "fine_tunings": 1}) == 1 / 4


def f1_of(classifier: Classifier, observed: Sequence[Observation], playbook: Playbook) -> float:
    """Return the F1 of all behaviours together, of what reaches each one's review threshold."""
    floors = np.array([one.thresholds.review for one in playbook.behaviours])
    found = np.array([classifier.probabilities(one.reading, one.memory) for one in observed]) >= floors
    return f1(truth_of(observed, [one.id for one in playbook.behaviours]), found)


@pytest.mark.skipif(find_spec("torch") is None, reason="needs the extra semantic-training")
def test_an_encoder_learns_what_it_is_shown(tmp_path: Path) -> None:
    """Two turns of the same words in other orders are told apart by the graph that comes out."""
    learning = pytest.importorskip("models.semantic.learning")
    base = made_up_base(tmp_path)
    said = [(("t", "play") if good else ("play", "t"), ("customer", ":")) for good in [True, False] * 256]
    truth = np.array([[words[0] == "t"] for words, _ in said])

    encoder = OnnxEncoder(learning.fine_tune(base, learned=said, truth=truth), LISTING)

    good, bad = (encoder.logits(*one) for one in said[:2])
    assert good > 1
    assert bad < -1


@pytest.mark.skipif(find_spec("torch") is None, reason="needs the extra semantic-training")
def test_what_nobody_judged_is_not_learned(tmp_path: Path) -> None:
    """Of a turn that was judged for one behaviour alone, as a playbook's example is, no other is taken to be absent."""
    learning = pytest.importorskip("models.semantic.learning")
    said = [(("t", "play") if good else ("play", "t"), ("customer", ":")) for good in [True, False] * 256]
    truth = np.array([[good, not good] for good in [True, False] * 256])
    judged = np.array([[True, not good] for good in [True, False] * 256])

    graph = learning.fine_tune(made_up_base(tmp_path), learned=said, truth=truth, judged=judged)

    told, untold = OnnxEncoder(graph, LISTING).logits(*said[0])
    assert told > 1
    assert untold > 1


@pytest.mark.skipif(find_spec("torch") is None, reason="needs the extra semantic-training")
def test_an_encoder_learns_further_from_where_it_is(tmp_path: Path) -> None:
    """A tier's own folder is a base, too: what its encoder knows it still knows, and it moves towards what is new."""
    learning = pytest.importorskip("models.semantic.learning")
    old = [(("t", "play") if good else ("play", "t"), ("customer", ":")) for good in [True, False] * 256]
    new = [(("cafe", "t"), ("customer", ":"))] * 2048
    graph = learning.fine_tune(made_up_base(tmp_path), learned=old, truth=np.array([[one[0][0] == "t"] for one in old]))
    tier = tmp_path / "tier"
    tier.mkdir()
    (tier / GRAPH).write_bytes(graph)
    (tier / LISTED).write_text("\n".join(LISTING))

    truth = np.array([[one[0][0] in {"t", "cafe"}] for one in (*old, *new)])
    encoder = OnnxEncoder(learning.fine_tune(tier, learned=[*old, *new], truth=truth), LISTING)

    before, learned = (one.logits(*new[0]) for one in (OnnxEncoder(graph, LISTING), encoder))
    good, bad = (encoder.logits(*one) for one in old[:2])
    assert good > 1
    assert bad < -1
    assert learned > before + 1


@pytest.mark.skipif(find_spec("torch") is None, reason="needs the extra semantic-training")
def test_an_encoder_may_learn_an_output_more(tmp_path: Path) -> None:
    """What it had stands, and the new output is learned beside it."""
    learning = pytest.importorskip("models.semantic.learning")
    said = [(("t", "play") if good else ("play", "t"), ("customer", ":")) for good in [True, False] * 1024]
    truth = np.array([[good, not good] for good in [True, False] * 1024])
    (tmp_path / GRAPH).write_bytes(learning.fine_tune(made_up_base(tmp_path), learned=said, truth=truth[:, :1]))
    (tmp_path / LISTED).write_text("\n".join(LISTING))
    (tmp_path / "model.safetensors").unlink()

    graph = learning.fine_tune(tmp_path, learned=said, truth=truth)

    good, bad = (OnnxEncoder(graph, LISTING).logits(*one) for one in said[:2])
    assert min(good[0], bad[1]) > 1
    assert max(good[1], bad[0]) < -1


def made_up_base(folder: Path) -> Path:
    """Write an encoder of random weights and a handful of pieces, as bge-small-en-v1.5's folder has them."""
    import torch  # noqa: PLC0415  # an extra
    from safetensors.torch import save_file  # noqa: PLC0415

    learning = pytest.importorskip("models.semantic.learning")
    width, layer = learning.WIDTH, "encoder.layer.{}."
    shapes = {
        "embeddings.word_embeddings.weight": (len(LISTING), width),
        "embeddings.position_embeddings.weight": (512, width),
        "embeddings.token_type_embeddings.weight": (2, width),
        "embeddings.LayerNorm.weight": (width,),
        "embeddings.LayerNorm.bias": (width,),
    }
    for number in range(2):
        for name, (out, into) in {
            "attention.self.query": (width, width),
            "attention.self.key": (width, width),
            "attention.self.value": (width, width),
            "attention.output.dense": (width, width),
            "intermediate.dense": (4 * width, width),
            "output.dense": (width, 4 * width),
        }.items():
            shapes[f"{layer.format(number)}{name}.weight"] = (out, into)
            shapes[f"{layer.format(number)}{name}.bias"] = (out,)
        for name in ("attention.output.LayerNorm", "output.LayerNorm"):
            shapes[f"{layer.format(number)}{name}.weight"] = shapes[f"{layer.format(number)}{name}.bias"] = (width,)
    torch.manual_seed(1)
    weights = {name: torch.randn(shape) * 0.05 + ("LayerNorm.weight" in name) for name, shape in shapes.items()}
    save_file(weights, folder / "model.safetensors")
    (folder / "vocab.txt").write_text("\n".join(LISTING) + "\n")
    return folder


def test_what_knows_better_weighs_more() -> None:
    """An encoder that tells the truth has the word where the classifier is unsure; one that guesses has none."""
    rng = np.random.default_rng(1)
    truth = rng.random((2000, 2)) < 0.5
    own = rng.normal(size=truth.shape)
    knowing, guessing = (
        blend_of(own, read, truth) for read in (np.where(truth, 2.0, -2.0), rng.normal(size=own.shape))
    )

    assert knowing.read > 1
    assert abs(guessing.read) < 0.15
    assert (knowing.low, knowing.high) == BAND


def weighed(folder: Path, examples: Path, playbook: Playbook, reader: SpacyReader) -> Made:
    """Weigh the encoder in a folder anew on examples."""
    weights, today = registry.load().weights, date(2026, 11, 26)
    return make(playbook=playbook, reader=reader, folder=folder, weights=weights, today=today, examples=examples)


def test_the_encoder_that_is_there_can_be_weighed_anew(copied: Path, playbook: Playbook, reader: SpacyReader) -> None:
    """Another classifier gives another weighing of the same encoder; the tier written is one that loads."""
    examples = copied / "examples"
    (examples / "calls").mkdir(parents=True)
    for file in ("social_care_9", "plain_calls_9"):
        shutil.copy(EXAMPLES_FOLDER / "calls" / f"{file}.jsonl", examples / "calls")
    before = Files.read(copied)

    made = weighed(copied, examples, playbook, reader)

    after = Files.read(copied)
    assert after.digest == before.digest
    assert after.manifest["encoder"] == before.manifest["encoder"]
    assert after.manifest["weighed_on_turns"] == made.weighed_on > 100
    assert f"| with the tier | {made.both.micro_awarded.precision.value:.2f}" in (copied / CARD).read_text()
    assert load(copied, behaviours=BEHAVIOURS).version != load(SHIPPED_FOLDER, behaviours=BEHAVIOURS).version


def test_an_encoder_of_other_behaviours_is_not_weighed(copied: Path, playbook: Playbook, reader: SpacyReader) -> None:
    """It has to be fine-tuned anew, and the error says how."""
    manifest = (copied / MANIFEST).read_text()
    (copied / MANIFEST).write_text(manifest.replace('"wish_well"', '"smile"'))

    with pytest.raises(ModelError, match="fine-tune it anew with --base"):
        weighed(copied, copied, playbook, reader)
