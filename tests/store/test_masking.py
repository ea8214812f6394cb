"""What identifies or pays is unreadable before it is stored; evidence stays where it was."""

from datetime import time
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.transcript import call_of
from pipelines.store.masking import MASK, masked, masked_call

HIDDEN = [
    "my card is 4929 1234 5678 9012 thanks",
    "4929123456789012",
    "call me on +44 (0)20 7946 0958",
    "it is oh seven seven double nine, four five six",
    "four nine two nine one two three four",
    "write to jo.bloggs+post@example.co.uk please",
    "jo dot bloggs at example dot com",
    "٤٩٢٩١٢٣٤٥٦٧٨",
    "4-9-2-9-1-2",
    "49\u200b29\u200b12",
    "07700; 900; 123",
    "07700: 900: 123",
    "07700:900:123",
    "4929…1234…5678",
    "four… nine… two… nine",
    "it is jo.bloggs at example.com.",
    "jo.bloggs at gmail.com",
    "bloggs at gmail.com thanks",
    "bloggs82 at example.co.uk",
    "bloggs(at)example.com",
    "bloggs [at] example [dot] com",
    "jo.bloggs {at} example dot com",
    "bloggs (@) example.com",
]
KEPT = [
    "have a lovely day",
    "that is one of two things",
    "nine hundred and twelve pounds",
    "the reading is 4,410 and then 4,452",
    "we are open at ten",
    "one moment please, one moment",
    "I looked at it by the dot",
    "have a look at example.com",
    "you can log in at gmail.com and look at the inbox",
    "click the pick-up button at example.com",
    "we are open from 9.30am at example.com",
    "until 7 p.m. at the shop",
    "I was at work.Then he called",
    "we meet (at) the office, not [at] home",
    "version 2.5 at www.example.com",
    "we open 10:30, 11:45 and 12:15",
    "at 09:00-17:30; on Sundays 10:30-16:00",
    "one thing: two of them; one more… two more",
    "turn 12; then 14: that is all",
]


@pytest.mark.parametrize("text", HIDDEN)
def test_digit_strings_and_addresses_are_hidden(text: str) -> None:
    """No digit, spoken digit or part of an address is left."""
    left = masked(text).lower()

    assert not any(letter.isdigit() for letter in left)
    assert not {"seven", "nine", "four", "bloggs", "example"} & set(left.replace(",", " ").split())
    assert MASK in left


@pytest.mark.parametrize("text", KEPT)
def test_ordinary_words_are_left_alone(text: str) -> None:
    """What is no string of digits and no address stays as it is."""
    assert text == masked(text)


@given(st.text() | st.lists(st.sampled_from([*"0123456789 @.-", "one ", "double ", " at ", " dot ", "x"])).map("".join))
def test_length_stays_and_masking_again_changes_nothing(text: str) -> None:
    """Spans stay true, and what is masked is masked for good."""
    once = masked(text)

    assert len(text) == len(once)
    assert once == masked(once)


@given(
    st.text("abcxyz ,.!@\n"),
    st.text("0123456789", min_size=6, max_size=19),
    st.sampled_from(["", " ", "-", ". ", " / "]),
)
def test_no_long_number_is_left_whatever_stands_around_it(around: str, digits: str, between: str) -> None:
    """Six digits or more, however they are parted, are hidden."""
    left = masked(f"{around} {between.join(digits)} {around}")

    assert not any(letter.isdigit() for letter in left)


@given(
    st.from_regex(r"\A[a-z]{2,9}[._+][a-z]{2,9}[0-9]{0,3}\Z"),
    st.sampled_from([" at ", " AT  ", "(at)", " [at] ", " <at> "]),
    st.from_regex(r"\A[a-z]{3,9}(\.co)?\.[a-z]{2,6}\Z"),
    st.sampled_from(["", ".", " thanks", ", and", "?"]),
)
def test_no_address_is_left_however_its_at_is_written(name: str, at: str, home: str, after: str) -> None:
    """A name of joined parts before a home with a dot is hidden, whatever follows."""
    assert not set(masked(f"mail {name}{at}{home}{after}").split()) & {name, home, f"{home}{after}".strip()}
    assert name not in masked(f"mail {name}{at}{home}{after}")


@given(
    st.lists(
        st.sampled_from("look shop pick-up it's us o'clock find offers half-price p.m. there".split()), min_size=1
    ),
    st.from_regex(r"\A(www\.)?[a-z]{9}\.(com|co\.uk|org)\Z"),
)
def test_talk_of_a_site_is_left_alone(words: list[str], site: str) -> None:
    """Where words of talk stand before "at" and a site, nothing is hidden."""
    text = f"you can {' '.join(words)} at {site} today"

    assert text == masked(text)


@given(st.lists(st.times(), min_size=1, max_size=6), st.sampled_from([", ", "; ", " – ", " and ", "; then "]))
def test_times_of_the_clock_are_left_alone(times: list[time], between: str) -> None:
    """However many times are told in a row, they are no number."""
    text = f"we are open: {between.join(f'{one:%H:%M}' for one in times)}"

    assert text == masked(text)


@pytest.mark.parametrize(
    "piece",
    [
        ":",
        "…",
        "a at b.",
        "a.b at c.d ",
        "a(at)",
        "a [at] b",
        "(at) ",
        "a",
        "a.",
        "a dot ",
        "a at ",
        "a@",
        "x at a dot ",
        "1 ",
        " ",
        "-",
        "dash at ",
    ],
)
def test_long_runs_are_masked_in_a_moment(piece: str) -> None:
    """Whatever a text repeats, masking takes time by its length, not by the square of it."""
    text, before = piece * (200_000 // len(piece)), process_time()

    masked(text)

    assert process_time() - before < 5


def test_names_of_a_call_are_masked_too() -> None:
    """A number put into the customer's name is hidden as it is in a turn."""
    told = {
        "call_id": "c",
        "customer_name": "Jo 07700900123",
        "turns": [{"speaker": "agent", "text": "hi 07700900123"}],
    }

    hidden = masked_call(call_of(told))

    assert f"Jo {MASK * 11}" == hidden.customer_name
    assert f"hi {MASK * 11}" == hidden.turns[0].text
