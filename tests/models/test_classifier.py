"""The classifier as the core's scorer: what it proposes, and how it explains it."""

from collections.abc import Mapping

import numpy as np
import pytest
from fakes import rule_hit, turn
from hypothesis import assume, given
from hypothesis import strategies as st

from detector.call import Memory, Past, remember
from detector.candidate import Hit, Reading
from detector.playbook import Playbook
from detector.transcript import Speaker
from models.classifier import RULE_PRIOR, Classifier, by_rules
from models.explanation import heaviest_run, toll_of
from models.features import features, named
from models.labels import observe, own_calls
from models.registry import FORMAT
from models.weights import Weights
from models.windows import WORDS as WINDOW_WORDS
from models.windows import windows
from pipelines import assemble
from pipelines.nlp import SpacyReader
from pipelines.settings import Settings

WORDS = ("have", "a", "good", "day")
SPANS = ((0, 4), (5, 6), (9, 13), (14, 17))
MATRIX = {
    "word=good": (2.0, -2.0),
    "letters=goo": (5.0, 0.0),
    "pair=good day": (4.0, 0.0),
    "word=have": (-1.0, 0.0),
    "context=before=customer": (2.0, 0.0),
    "before.c=bye": (5.0, 0.0),
}


def scorer(
    floors: dict[str, float] | None = None,
    *,
    bias: float = -3.0,
    slope: float = 1.0,
    bend: float = 0.0,
    matrix: Mapping[str, tuple[float, float]] = MATRIX,
) -> Classifier:
    """Return a classifier of two behaviours with a handful of weights."""
    two = np.ones(2, dtype=np.float32)
    weights = Weights(
        behaviours=("wish_well", "apologise"),
        vocabulary={name: at for at, name in enumerate(matrix)},
        matrix=np.array(list(matrix.values()), dtype=np.float32),
        bias=two * bias,
        slope=two * slope,
        bend=two * bend,
        offset=two * 0,
    )
    return Classifier(weights, version="test", floors=floors)


def reading(*hits: Hit, words: tuple[str, ...] = WORDS) -> Reading:
    """Return the reading of a turn of four words."""
    return Reading(words, SPANS[: len(words)], (0,) * len(words), hits)


def test_the_probability_is_calibrated_from_the_weights() -> None:
    """Weights of the features found, and the bias, are summed, scaled and brought between nought and one."""
    expected = 1 / (1 + np.exp(-(2.0 * (3 + 4 - 1 - 3)))), 1 / (1 + np.exp(-(2.0 * (-2 - 3))))

    assert scorer(slope=2.0).probabilities(reading(), Memory()) == pytest.approx(expected, abs=1e-6)


def test_above_the_knee_a_weight_counts_with_a_slope_of_its_own() -> None:
    """Of sums above nought the bend's share is added; sums below are as they were."""
    expected = 1 / (1 + np.exp(-(0.25 * (3 + 4 - 1 - 3)))), 1 / (1 + np.exp(-(-2 - 3)))

    assert scorer(bend=-0.75).probabilities(reading(), Memory()) == pytest.approx(expected, abs=1e-6)


def test_a_long_turn_is_scored_by_the_window_it_is_surest_of() -> None:
    """What else is said does not outweigh an act, and the evidence is where the act is."""
    before, after = ("have",) * WINDOW_WORDS, ("have",) * 2 * WINDOW_WORDS
    words = (*before, "good", "day", *after)
    spans = tuple((5 * at, 5 * at + 4) for at in range(len(words)))
    long = Reading(words, spans, (0,) * len(words))

    (candidate,) = scorer({"wish_well": 0.1, "apologise": 1.0}).candidates(long, Memory())

    assert candidate.score == pytest.approx(1 / (1 + np.exp(-(3 + 4 - 1 - 3))), abs=1e-6)
    assert [(one.start, one.end) for one in candidate.evidence] == [(5 * len(before), 5 * len(before) + 9)]


def test_what_an_unless_speaks_against_is_so_where_it_stands() -> None:
    """In a long turn a quoted wish voids no wish said elsewhere; where there is no other, nothing is proposed."""
    between = ("have",) * 2 * WINDOW_WORDS
    quoted = rule_hit("wish_well", first=0, last=2, void_by="reported")
    spans = tuple((5 * at, 5 * at + 4) for at in range(4 + len(between)))
    wished, quoted_alone = (
        Reading((*WORDS[2:], *between, *end), spans, (0,) * len(spans), (quoted,)) for end in (WORDS[2:], WORDS[:2])
    )
    floors = {"wish_well": 0.1, "apologise": 1.0}

    (candidate,) = scorer(floors).candidates(wished, Memory())

    assert [(one.start, one.end) for one in candidate.evidence] == [(spans[-2][0], spans[-1][1])]
    assert scorer(floors).candidates(quoted_alone, Memory()) == ()


def by_name(weights: Weights, reading: Reading, memory: Memory) -> np.ndarray:
    """Return the probabilities as scikit-learn's arithmetic gives them: every feature by its name, in 64 bits."""
    sums = []
    for part in windows(reading):
        total = weights.bias.astype(float)
        for name, value in named(features(part, memory)):
            if name in weights.vocabulary:
                total = total + value * weights.matrix[weights.vocabulary[name]].astype(float)
        sums.append(total)
    total = weights.slope * np.max(sums, axis=0)
    return 1 / (1 + np.exp(-(total + weights.bend * np.maximum(total, 0) + weights.offset)))


SAID = st.lists(
    st.sampled_from(
        "sorry thank you have a good day goodd i'll N.C. N.Y. north carolina Rosa £5 , . ? ok xyzzy".split()
    ),
    min_size=1,
    max_size=20,
).map(" ".join)


@pytest.fixture(scope="session")
def alone(playbook: Playbook) -> Classifier:
    """The shipped model without a second reading."""
    return assemble.classifier(Settings(_env_file=None, semantic="off"), playbook)


@given(before=SAID, text=SAID, names=st.sampled_from([(), ("rosa",)]))
def test_rows_of_words_score_as_features_by_name(
    alone: Classifier, reader: SpacyReader, before: str, text: str, names: tuple[str, ...]
) -> None:
    """Over any turns the shipped model scores to 1e-6 as where each feature is looked up by its name."""
    memory = Memory(customer_names=frozenset(names))
    first = turn(0, "customer", before)
    memory = remember(memory, first, reader.read(first, memory))
    made = reader.read(turn(1, "agent", text), memory)
    assume(made.words)

    expected = by_name(alone.weights, made, memory)

    assert np.abs(alone.probabilities(made, memory) - expected).max() < 1e-6


def test_rows_are_made_anew_once_they_are_too_many(
    alone: Classifier, reader: SpacyReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However few words' rows are kept, turns one after another score as where all are."""
    monkeypatch.setattr("models.weights.MET_WORDS", 8)
    forgetful = Classifier(alone.weights, version="test")
    said = ["sorry about that", "thank you xyzzy plugh", "have a good day then", "sorry xyzzy have a day"] * 2

    for text in said:
        made = reader.read(turn(0, "agent", text), Memory())
        expected = alone.probabilities(made, Memory())
        assert forgetful.probabilities(made, Memory()) == pytest.approx(expected, abs=1e-6)


def test_unknown_words_leave_the_bias() -> None:
    """Of a turn of which no feature is known the bias speaks."""
    assert scorer().probabilities(reading(words=("xyzzy",)), Memory()) == pytest.approx([1 / (1 + np.exp(3))] * 2)


@pytest.mark.parametrize(("floor", "proposed"), [(0.95, ["wish_well"]), (0.96, []), (0.0, ["wish_well", "apologise"])])
def test_what_reaches_its_floor_is_proposed(floor: float, proposed: list[str]) -> None:
    """A behaviour is a candidate from its floor on: the floor is its review threshold."""
    made = scorer({"wish_well": floor, "apologise": floor}).candidates(reading(), Memory())

    assert proposed == [one.behaviour for one in made]


def test_what_a_rule_says_is_proposed_whatever_its_score() -> None:
    """A rule's hit makes a candidate also where the classifier doubts it, and says that it comes of a rule."""
    made = scorer().candidates(reading(rule_hit("apologise", first=2, last=4)), Memory())

    (doubted,) = (one for one in made if one.behaviour == "apologise")
    assert doubted.by_rule
    assert doubted.score < 0.05
    assert [(one.source, one.start, one.end) for one in doubted.evidence] == [("rule:rule", 9, 17)]
    assert doubted.reasons[0] == "rule rule at 9-17"


@pytest.mark.parametrize(("bias", "proposed"), [(0.5, []), (0.8, ["apologise"])])
def test_what_a_rule_says_is_dropped_where_the_model_knows_the_rule_better(bias: float, proposed: list[str]) -> None:
    """Below one in five rules that were learned from make no candidate; one that was not is enough for one."""
    learned = scorer({"wish_well": 1.0}, bias=bias, matrix={**MATRIX, "hit=rule:apologise.rule": (0.0, 0.0)})
    met, unmet = rule_hit("apologise"), rule_hit("apologise")._replace(rule="new")

    assert [one.behaviour for one in learned.candidates(reading(met), Memory())] == proposed
    assert [one.behaviour for one in learned.candidates(reading(met, unmet), Memory())] == ["apologise"]


def test_where_every_hit_is_void_nothing_is_proposed() -> None:
    """What unless entries void altogether is no candidate, however probable; one hit that stands is enough."""
    void, good = rule_hit("wish_well", void_by="denied"), rule_hit("wish_well", first=2, last=3)

    assert scorer().candidates(reading(void), Memory()) == ()
    assert [one.behaviour for one in scorer().candidates(reading(void, good), Memory())] == ["wish_well"]
    assert by_rules(reading(void)) == ({}, {"wish_well"})
    assert by_rules(reading(void, good)) == ({"wish_well": None}, set())
    assert by_rules(reading()) == ({}, set())


def test_a_behaviour_the_model_has_not_learned_goes_by_its_rules() -> None:
    """A behaviour new in the playbook is proposed by its rules, with a score that says so."""
    (made,) = (one for one in scorer().candidates(reading(rule_hit("whistle")), Memory()) if one.behaviour == "whistle")

    assert (made.score, made.by_rule) == (RULE_PRIOR, True)
    assert "has not learned" in made.reasons[-1]
    assert scorer({"wish_well": 1}).candidates(reading(rule_hit("whistle", void_by="not")), Memory()) == ()


def test_the_words_that_weighed_are_the_evidence() -> None:
    """The classifier points to the words that spoke most for the behaviour, at their place in the text."""
    (made,) = scorer().candidates(reading(), Memory())

    assert [(one.source, one.start, one.end) for one in made.evidence] == [("classifier", 9, 17)]
    assert made.reasons == ("classifier: +7.0 for the words at 9-17",)
    assert not made.by_rule


def test_context_is_told_without_its_words() -> None:
    """What the turn before weighed is told, and none of its words."""
    memory = Memory(heard=1, recent=(Past(Speaker.CUSTOMER, ("bye",)),))

    (made,) = scorer().candidates(reading(), memory)

    assert made.reasons[1:] == (
        "classifier: +3.5 for the words of the turn before",
        "classifier: +0.5 for before=customer",
    )


def test_evidence_and_reasons_of_the_shipped_model_fit_the_turn(classifier: Classifier, reader: SpacyReader) -> None:
    """Over the project's examples each candidate has evidence within its turn, and reasons without its words."""
    candidates = 0
    for one in observe(list(own_calls())[::40], reader):
        for made in classifier.candidates(one.reading, one.memory):
            candidates += 1
            assert 0 <= made.score <= 1
            assert all(0 <= part.start < part.end <= len(one.turn.text) for part in made.evidence)
            assert not [reason for reason in made.reasons if "before.c=" in reason or "before.a=" in reason]

    assert candidates > 50


@given(st.lists(st.floats(-3, 3, allow_nan=False).map(lambda weight: round(weight, 2)), max_size=8))
def test_the_heaviest_run_is_the_best_of_all(weights: list[float]) -> None:
    """No other run of words weighs more, each word paying its toll; where none weighs anything there is none."""

    def worth(first: int, last: int) -> float:
        return sum(weights[first:last]) - toll_of(weights) * (last - first)

    first, last = heaviest_run(weights)

    best = max((worth(a, b) for a in range(len(weights)) for b in range(a + 1, len(weights) + 1)), default=0.0)
    assert worth(first, last) == pytest.approx(max(best, 0.0))
    assert 0 <= first <= last <= len(weights)


def test_the_version_is_the_models(classifier: Classifier) -> None:
    """Every decision tells the model's version, which the scorer gives."""
    assert scorer().version == "test"
    assert classifier.version.startswith(f"{FORMAT}+")
