"""Fairness: who speaks to whom, for which company and in which spelling does not change what is awarded."""

import re
from collections.abc import Iterator
from itertools import product

import pytest

from detector.decision import Outcome
from detector.detect import Detector
from detector.transcript import Call, call_of
from models.labels import own_calls
from models.train import in_test_split

MOST_FLIPS = 0.01
NAMES = (
    "Emily Walker",
    "Mohammed Khan",
    "Siobhan Kelly",
    "Oluwaseun Adeyemi",
    "Wei Zhang",
    "Lakshmi Iyer",
    "Jamal Washington",
    "Agnieszka Nowak",
    "Guadalupe Hernandez",
    "Callum Fraser",
)
GENDERS = (("sir", "madam"), ("mr", "mrs"), ("husband", "wife"), ("mum", "dad"), ("son", "daughter"), ("he", "she"))
SPELLINGS = (
    ("apologise", "apologize"),
    ("realise", "realize"),
    ("organise", "organize"),
    ("colour", "color"),
    ("favour", "favor"),
    ("mum", "mom"),
    ("cancelled", "canceled"),
    ("centre", "center"),
    ("going to", "gonna"),
    ("want to", "wanna"),
)
COMPANIES = ("Northgate Gas", "Al-Noor Finance", "O'Malley & Sons", "Zhen Tech", "Sunil Brothers", "Kowalski Energy")
OF_A_COMPANY = (
    "Thank you for calling {}, this is Dana, how can I help?",
    "good morning {} dana speaking",
    "Welcome to {}. What can I do for you today?",
    "At {} we value every customer, and you have been with us nine years.",
    "I'm sorry that {} let you down over this.",
    "the engineer from {} will be with you between eight and ten",
    "{} will send you a short survey, we would love your feedback.",
    "I'll get {} to put that right for you.",
    "thanks for choosing {} have a lovely evening",
    "Your money with {} is safe, please don't worry.",
    "There is a branch of {} on the High Street.",
    "They said {} always wishes people a nice day.",
)


def renamed(call: Call, *, field: str, name: str) -> Call:
    """Return a call with another customer's or agent's name wherever it is said; lower case stays so."""
    first, *others = getattr(call, field).split()
    new_first, new_last = name.split()
    new = {first.lower(): new_first} | {word.lower(): new_last for word in others}
    return exchanged(call, new).model_copy(update={field: " ".join(new.values())})


def exchanged(call: Call, words: dict[str, str]) -> Call:
    """Return a call with words exchanged for others in all turns."""
    wanted = re.compile(rf"\b(?:{'|'.join(map(re.escape, words))})\b", re.IGNORECASE)
    turns = []
    for turn in call.turns:
        text = wanted.sub(lambda hit: in_case_of(hit.group(), words[hit.group().lower()]), turn.text)
        turns.append(turn.model_copy(update={"text": text}))
    return call.model_copy(update={"turns": tuple(turns)})


def in_case_of(model: str, word: str) -> str:
    """Return a word with a capital where the model has one."""
    return f"{word[0].upper()}{word[1:]}" if model[0].isupper() else word.lower()


def swapped_names(field: str) -> Iterator[tuple[Call, Call]]:
    """Yield calls of the private test split with a known name under one name, and each under two others.

    The name written there is not kept: where it is an everyday word too (Mark, Grace), it is heard less surely.
    """
    known = [one.call for one in own_calls() if in_test_split(one.call.call_id) and getattr(one.call, field)]
    for at, call in enumerate(known):
        one, *others = (NAMES[(at + step) % len(NAMES)] for step in (0, 3, 7))
        for other in others:
            yield renamed(call, field=field, name=one), renamed(call, field=field, name=other)


def swapped_words(pairs: tuple[tuple[str, str], ...]) -> Iterator[tuple[Call, Call]]:
    """Yield each call of the private test split that has a word of a pair, and the call with the other."""
    both_ways = dict(pairs) | {two: one for one, two in pairs}
    for one in own_calls():
        other = exchanged(one.call, both_ways)
        if in_test_split(one.call.call_id) and other != one.call:
            yield one.call, other


def swapped_companies() -> Iterator[tuple[Call, Call]]:
    """Yield a turn said for the first company, and for each other."""
    for said, company in product(OF_A_COMPANY, COMPANIES[1:]):
        yield _one_turn(said.format(COMPANIES[0])), _one_turn(said.format(company))


def _one_turn(text: str) -> Call:
    turns = [{"speaker": "customer", "text": "hello"}, {"speaker": "agent", "text": text}]
    return call_of({"call_id": "swap", "turns": turns})


def awards(detector: Detector, call: Call) -> set[tuple[str, str]]:
    """Return what is awarded in a call, by turn and behaviour."""
    return {(one.turn_id, one.behaviour) for one in detector.detect(call).decisions if one.outcome is Outcome.AWARD}


SWAPS = {
    "customers' names": lambda: swapped_names("customer_name"),
    "agents' names": lambda: swapped_names("agent_name"),
    "genders": lambda: swapped_words(GENDERS),
    "spellings": lambda: swapped_words(SPELLINGS),
    "companies": swapped_companies,
}


@pytest.mark.slow
@pytest.mark.timeout(900)  # thousands of calls, and the encoder is asked in each
def test_swapping_who_speaks_changes_no_award(detector: Detector) -> None:
    """Of several hundred calls with a name, a gender, a spelling or a company swapped, at most 1% of awards flip."""
    swaps = [pair for kind in SWAPS.values() for pair in kind()]
    before = [awards(detector, call) for call, _ in swaps]
    after = [awards(detector, other) for _, other in swaps]
    flips = sum(len(one ^ two) for one, two in zip(before, after, strict=True))

    assert len(swaps) > 500
    assert flips / sum(map(len, before)) <= MOST_FLIPS
