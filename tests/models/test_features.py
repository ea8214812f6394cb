"""Features: one place for training and for serving."""

import pytest
from fakes import rule_hit

from detector.call import Memory, Past
from detector.candidate import Hit, HitKind, Reading
from detector.transcript import Speaker
from models.features import VALUES, features, named, runs_of_letters

WORDS = ("have", "a", "good", "day")
READING = Reading(WORDS, ((0, 4), (5, 6), (7, 11), (12, 15)), (0, 0, 0, 0))


def of(reading: Reading, memory: Memory | None = None) -> dict[str, float]:
    """Return the values of features by name, summed as training sums them."""
    values: dict[str, float] = {}
    for name, value in named(features(reading, memory or Memory())):
        values[name] = values.get(name, 0.0) + value
    return values


@pytest.mark.parametrize(
    "name",
    ["word=good", "pair=have a", "pair=^ have", "pair=day $", "letters=<go", "letters=good", "context=length=3"],
)
def test_a_feature_has_the_value_of_its_family(name: str) -> None:
    """Words, neighbours, ends of the turn, letters and the context each count as their family does."""
    assert VALUES[name.partition("=")[0]] == of(READING)[name]


def test_a_word_counts_once_and_its_letters_with_it() -> None:
    """What is said twice counts once; letters that two different words share count for both."""
    made = of(Reading(("good", "a", "good", "goods"), ((0, 1),) * 4, (0,) * 4))

    assert made["word=good"] == VALUES["word"]
    assert made["letters=<goo"] == 2 * VALUES["letters"]
    assert made["letters=od>"] == VALUES["letters"]


def test_a_hit_is_told_by_its_kind_and_whether_it_is_void() -> None:
    """A rule's hit, a void one and a cue are features of their own; a rule's also with the state of the need."""
    hits = (rule_hit("wish", first=0, last=4), rule_hit("ask", first=1, last=2, void_by="not"))
    reading = Reading(WORDS, READING.spans, READING.clauses, (*hits, Hit(HitKind.CUE, "call_closed", "bye", 3, 4)))

    made = {name for name in of(reading, Memory(agent_turns_since_need=0)) if name.startswith("hit=")}

    assert made == {
        "hit=rule:wish.rule",
        "hit=rule:wish",
        "hit=rule:wish|stated",
        "hit=void:ask.rule",
        "hit=void:ask",
        "hit=cue:call_closed.bye",
        "hit=cue:call_closed",
    }


def test_the_context_is_the_turn_before_and_what_is_known() -> None:
    """The turn before, the facts known and the state of the need are features."""
    past = Past(Speaker.CUSTOMER, ("it", "broke"), frozenset({"trouble_voiced"}))
    memory = Memory(heard=9, recent=(past,), facts=frozenset({"waited"}), agent_turns_since_need=2)

    made = of(READING, memory)

    assert made.keys() >= {
        "before.c=broke",
        "context=before=customer",
        "context=before.fact=trouble_voiced",
        "context=fact=waited",
        "context=need=handled",
        "context=heard=4",
    }


def test_a_strained_call_is_a_state_of_the_need() -> None:
    """A rule's hit after hostile words is told apart from one in a peaceful call."""
    reading = Reading(WORDS, READING.spans, READING.clauses, (rule_hit("wish", first=0, last=4),))

    strained = of(reading, Memory(facts=frozenset({"brushed_off"}), agent_turns_since_need=2))
    peaceful = of(reading, Memory(agent_turns_since_need=2))

    assert strained.keys() >= {"hit=rule:wish|strained", "context=need=strained"}
    assert peaceful.keys() >= {"hit=rule:wish|handled", "context=need=handled"}


def test_the_first_turn_has_nobody_before_it() -> None:
    """Where nothing was said before, that is a feature."""
    assert "context=before=nobody" in of(READING)


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("so your boiler bangs ?", {"told and asked", "told and asked=2/0"}),
        ("and you had it serviced ?", {"told and asked", "told and asked=0/1"}),
        ("okay does the boiler bang in winter ?", {"asked", "asked=1/2"}),
        ("your boiler bangs", {"told=2/0"}),
        ("it bangs . is it old ?", {"told", "told=1/0", "asked", "asked=0/1"}),
    ],
)
def test_how_a_sentence_is_put_and_what_of_it_the_customer_said_is_told(text: str, keys: set[str]) -> None:
    """A statement that asks plays back what is known; what is new is asked for the first time."""
    words = tuple(text.split())
    said = Memory(heard=1, recent=(Past(Speaker.CUSTOMER, ("my", "boiler", "bangs", ".")),))
    reading = Reading(words, ((0, 1),) * len(words), (0,) * len(words))

    made = {name.removeprefix("context=") for name in of(reading, said)}

    assert {one for one in made if one.startswith(("told", "asked"))} == keys


@pytest.mark.parametrize(
    ("words", "clauses", "called"),
    [
        ("it is mr {name} that slept", (0, 0, 1, 1, 2, 2), "{name}:titled:apart"),
        ("{customer_name} it slept", (0, 1, 1), "{customer_name}:plain:apart"),
        ("{customer_name} it slept", (0, 0, 0), "{customer_name}:plain:opening"),
        ("he slept {customer_name} .", (0, 0, 0, 0), "{customer_name}:plain:closing"),
        ("he slept . mr {name} did", (0, 0, 0, 1, 1, 1), "{name}:titled:opening"),
        ("i told {name} that", (0, 0, 0, 0), "{name}:plain:amid"),
        ("{agent_name} here", (0, 0), None),
    ],
)
def test_how_a_name_stands_in_its_clause_is_told(words: str, clauses: tuple[int, ...], called: str | None) -> None:
    """Who is called stands apart, or at an end; of whom one speaks stands amid what is said of them."""
    said = tuple(words.split())
    made = of(Reading(said, ((0, 1),) * len(said), clauses))

    keys = [name.removeprefix("hit=called:") for name in made if name.startswith("hit=called:")]
    assert keys == ([called] if called else [])


def test_letters_are_those_of_words_and_not_of_place_holders() -> None:
    """A word is spelled in runs of three to five letters, its ends marked; a masked name is not spelled."""
    assert runs_of_letters("hi") == ["<hi", "hi>", "<hi>"]
    assert runs_of_letters("{name}") == []


def test_a_word_of_the_turn_before_counts_once() -> None:
    """A customer who spells out ten digits has not said ten times as much."""
    digits = Memory(heard=1, recent=(Past(Speaker.CUSTOMER, ("{number}",) * 10),))

    assert VALUES["before.c"] == of(READING, digits)["before.c={number}"]
