"""Features: one place for training and for serving, each with its place in the turn."""

import pytest
from fakes import rule_hit

from detector.call import Memory, Past
from detector.candidate import Hit, HitKind, Reading
from detector.transcript import Speaker
from models.features import Feature, character_features, features

WORDS = ("have", "a", "good", "day")
READING = Reading(WORDS, ((0, 4), (5, 6), (7, 11), (12, 15)), (0, 0, 0, 0))


def of(reading: Reading, memory: Memory | None = None) -> dict[str, Feature]:
    """Return features by name."""
    return {one[0]: one for one in features(reading, memory or Memory())}


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("good", (2, 3)),
        ("have a", (0, 2)),
        ("have a good", (0, 3)),
        ("have _ good", (0, 3)),
        ("have _ _ day", (0, 4)),
        ("^ have", (0, 1)),
        ("^ have a", (0, 2)),
        ("day $", (3, 4)),
        ("good day $", (2, 4)),
        ("c=<go", (2, 3)),
        ("c=good", (2, 3)),
    ],
)
def test_features_of_words_stand_where_the_words_do(name: str, place: tuple[int, int]) -> None:
    """Words, their neighbours, gaps between them, ends of the turn and letters carry the place they are from."""
    assert place == of(READING)[name][2:]


def test_features_of_one_word_stand_in_it() -> None:
    """A turn of one word has the ends in the same place."""
    made = of(Reading(("hello",), ((0, 5),), (0,)))

    assert (made["^ hello"][2:], made["hello $"][2:]) == ((0, 1), (0, 1))


def test_a_hit_is_told_by_its_kind_and_whether_it_is_void() -> None:
    """A rule's hit, a void one and a cue are features of their own; a rule's also with the state of the need."""
    hits = (rule_hit("wish", first=0, last=4), rule_hit("ask", first=1, last=2, void_by="not"))
    reading = Reading(WORDS, READING.spans, READING.clauses, (*hits, Hit(HitKind.CUE, "call_closed", "bye", 3, 4)))

    made = of(reading, Memory(agent_turns_since_need=0))

    assert made["rule=wish.rule"][2:] == made["rule=wish|stated"][2:] == (0, 4)
    assert made["void=ask.rule"][2:] == (1, 2)
    assert made["cue=call_closed.bye"][2:] == (3, 4)
    assert "rule=ask" not in made


def test_features_of_the_context_stand_nowhere_in_the_turn() -> None:
    """The turn before, the facts known and the state of the need carry no place."""
    past = Past(Speaker.CUSTOMER, ("it", "broke"), frozenset({"trouble_voiced"}))
    memory = Memory(heard=9, recent=(past,), facts=frozenset({"waited"}), agent_turns_since_need=2)

    made = of(READING, memory)

    for name in (
        "before.c=broke",
        "before=customer",
        "before.fact=trouble_voiced",
        "fact=waited",
        "need=handled",
        "heard=4",
    ):
        assert made[name][2:] == (0, 0)


def test_the_first_turn_has_nobody_before_it() -> None:
    """Where nothing was said before, that is a feature."""
    assert "before=nobody" in of(READING)


def test_letters_are_those_of_words_and_not_of_place_holders() -> None:
    """A word is spelled in runs of three to five letters, its ends marked; a masked name is not spelled."""
    assert character_features("hi") == ("c=<hi", "c=hi>", "c=<hi>")
    assert character_features("{name}") == ()
