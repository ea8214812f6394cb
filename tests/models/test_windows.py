"""A long turn is scored in windows that leave nothing of it out."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from detector.candidate import RULE, Hit, Reading
from models.windows import SHARED, WORDS, windows


def reading_of(count: int, *places: tuple[int, int]) -> Reading:
    """Return the reading of a turn of numbered words, with hits at places."""
    numbers = range(count)
    hits = tuple(Hit(RULE, "wish_well", str(first), first, last) for first, last in places)
    return Reading(
        tuple(map(str, numbers)), tuple((3 * at, 3 * at + 2) for at in numbers), tuple(numbers), hits, ("ana",)
    )


@given(st.integers(0, WORDS))
def test_a_short_turn_is_its_own_window(count: int) -> None:
    """As nearly all turns are."""
    reading = reading_of(count)

    assert windows(reading) == (reading,)
    assert windows(reading)[0] is reading


@given(st.integers(WORDS + 1, 400))
def test_windows_hold_every_word_and_share_some(count: int) -> None:
    """Each is of the same length, and words, spans and clauses stay together."""
    reading = reading_of(count)

    made = windows(reading)

    assert all(len(one.words) == WORDS for one in made)
    assert list(dict.fromkeys(word for one in made for word in one.words)) == list(reading.words)
    assert all(len(set(one.words) & set(other.words)) >= SHARED for one, other in pairwise(made))
    assert all(one.spans == tuple((3 * int(word), 3 * int(word) + 2) for word in one.words) for one in made)
    assert all(one.clauses == tuple(map(int, one.words)) and one.names == ("ana",) for one in made)


@given(st.integers(WORDS + 1, 200), st.data())
def test_a_hit_is_in_the_windows_that_hold_all_of_it(count: int, data: st.DataObject) -> None:
    """One no longer than what windows share is in one of them at least, at the same words."""
    first = data.draw(st.integers(0, count - 1))
    last = data.draw(st.integers(first + 1, min(first + SHARED, count)))
    reading = reading_of(count, (first, last))

    made = [(one, hit) for one in windows(reading) for hit in one.hits]

    assert made
    assert all(one.words[hit.first : hit.last] == reading.words[first:last] for one, hit in made)
