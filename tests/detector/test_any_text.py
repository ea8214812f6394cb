"""The step takes any text: it never raises, stays quick, and its evidence lies in the turn."""

import time

import pytest
from fakes import header, turn
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.decision import Decision
from detector.detect import Detector
from detector.transcript import Speaker, Turn, call_of

PIECES = [
    "thanks Rosa", "my name is", "Rosa Diaz", "I'm so sorry", "have a lovely day", "y'all'd've", "'n'", "don't",
    "dont", "[noise]", "<unk>", "[NAME]", "{customer_name}", "{name}", "{number}", "uh", "um,", "--", "...",
    "…", "\0", "\x1b[0m", "\u200b", "\u200f", "\u202e", "\ufeff", "\ud800", "\ufffd", "\u2028", "\r\n", "\t",
    "e\u0301", "İ", "ß", "Σ", "😀", "👩‍👩‍👧", "مرحبا", "你好", "£5.00", "3rd", "4:30pm", "1,2,3",
    "http://x.y/z?a=b", "a@b.co", ":-)", "(", "]", '"', "“",
]  # fmt: skip
TEXTS = st.lists(st.sampled_from(PIECES) | st.text(max_size=8), max_size=10).map(" ".join) | st.text(max_size=60)
TURNS = st.lists(st.tuples(st.sampled_from(list(Speaker)), TEXTS), min_size=1, max_size=4)


def run(detector: Detector, turns: list[Turn]) -> tuple[Decision, ...]:
    """Step through turns; check that each step is pure and that evidence lies in its turn."""
    state = detector.open(header(customer_name="Rosa", agent_name="Mark May"))
    for one in turns:
        step = detector.step(state, one)
        assert step == detector.step(state, one)
        state = step.state
        for decision in step.decisions:
            assert decision.evidence
            assert all(0 <= part.start < part.end <= len(one.text) for part in decision.evidence)
            assert 0 <= decision.score <= 1
            assert decision == Decision.model_validate_json(decision.model_dump_json())
    assert detector.end(state).scorecard is not None
    return state.decisions


@settings(max_examples=400)
@given(said=TURNS)
def test_no_text_makes_a_step_fail(detector: Detector, said: list[tuple[Speaker, str]]) -> None:
    """Whatever is said by whomever, each turn leads to a step, and what it tells can be written as JSON."""
    run(detector, [turn(at, speaker, text) for at, (speaker, text) in enumerate(said)])


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "\n\t ",
        "\u200b\ufeff",
        "\0\0",
        "[noise]",
        "<unk> [laughter]",
        "uh um erm",
        "...",
        "?!",
        "-- ,",
        "\u202e\u200f",
    ],
)
def test_a_turn_without_words_is_nothing(detector: Detector, text: str) -> None:
    """Blanks, noises, fillers, punctuation and invisible signs are not heard: no decision, and nothing remembered."""
    before = detector.open(header())

    step = detector.step(before, turn(0, "agent", text))

    assert step.decisions == ()
    assert step.state.memory == before.memory
    assert detector.step(before, turn(0, "customer", text)).state.memory == before.memory


@pytest.mark.parametrize(
    "text",
    [
        "have a lovely day " * 5556,
        "a" * 100_000,
        "😀" * 100_000,
        "(" * 100_000,
        "!?" * 50_000,
        "don't'" * 16_667,
        "$%" * 50_000,
        "\0" * 100_000,
        "\u202e" * 100_000,
        "." * 100_000,
        "a." * 50_000,
        "[noise]" * 14_286,
        "<" * 100_000,
        " " * 100_000,
        "1," * 50_000,
    ],
    ids=lambda text: repr(text[:8]),
)
def test_a_turn_of_100_000_characters_is_read_quickly(detector: Detector, text: str) -> None:
    """No text, however long or odd, holds the stream up: its step takes far less than a few seconds."""
    started = time.perf_counter()

    run(detector, [turn(0, "customer", "hello"), turn(1, "agent", text)])

    assert time.perf_counter() - started < 5


@pytest.mark.parametrize(
    "text",
    [
        "\0have\0 a lovely day",
        "\u202ehave a lovely day\u202c",
        "\u200fhave a lo\u00advely day",
        "\ufeffHave a lovely\u200b day",
    ],
)
def test_invisible_signs_hide_nothing(detector: Detector, text: str) -> None:
    """NUL, marks of direction, soft hyphens and zero-width spaces do not keep a behaviour from being seen."""
    decisions = run(detector, [turn(0, "customer", "that is all thanks bye"), turn(1, "agent", text)])

    assert "wish_well" in {one.behaviour for one in decisions}


def test_decisions_hold_no_words_but_places(detector: Detector) -> None:
    """What a decision tells of a turn are places in it: no word of the call is in decisions, rewards or scorecard."""
    name = "Zyxomma"
    said = [
        {"speaker": "customer", "text": f"my name is {name}, {name} was my mother and it was stolen"},
        {"speaker": "agent", "text": f"I'm so sorry to hear that, {name}. Have a lovely day, {name}!"},
    ]

    made = detector.detect(call_of({"call_id": "c", "agent_id": "a", "customer_name": name, "turns": said}))

    assert len(made.decisions) > 1
    assert made.rewards
    for one in (*made.decisions, *made.rewards, made.scorecard):
        assert name.lower() not in one.model_dump_json().lower()
