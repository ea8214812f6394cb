"""What a call makes known turn by turn, and what the whole call shows."""

import pytest
from fakes import WordReader, behaviour, decision, header, turn

from detector.call import (
    HANDLED_AGENT_TURNS,
    RECENT_TURNS,
    RECENT_WORDS,
    CallState,
    Memory,
    Past,
    call_outcome,
    had_opportunity,
    opened,
    remember,
    words_of_name,
)
from detector.candidate import Reading
from detector.decision import CallOutcome, Outcome
from detector.playbook import Opportunity
from detector.transcript import Speaker


def memory_after(*said: tuple[str, str]) -> Memory:
    """Return the memory of a call after who said what."""
    memory = opened(header()).memory
    for at, (speaker, text) in enumerate(said):
        one = turn(at, speaker, text)
        memory = remember(memory, one, WordReader().read(one, memory))
    return memory


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Rosa Diaz", {"rosa", "diaz"}),
        ("Dr. R. T. Diaz", {"diaz"}),
        ("Mrs Diaz", {"diaz"}),
        ("Ma'am Diaz", {"diaz"}),
        ("  ROSA  ", {"rosa"}),
        ("Brown, Zoltana", {"brown", "zoltana"}),
        ("Rosa O’Brien (Diaz)", {"rosa", "o'brien", "diaz"}),
        ("Jose\u0301", {"jos\u00e9"}),
        ("Hyun-woo", {"hyun", "woo"}),
        ("Rosa O`Brien", {"rosa", "o'brien"}),
        ("[name]", {"[name]"}),
        ("DragonSlayer99", {"dragonslayer99"}),
        ("", set()),
        (None, set()),
    ],
)
def test_a_full_name_is_known_by_its_words(name: str | None, words: set[str]) -> None:
    """Names are in lower case and of one form, word by word, initials, titles and signs left out."""
    assert words == words_of_name(name)


@pytest.mark.parametrize(
    "name",
    [
        *("Unknown", "Valued Customer", "caller", "guest", "ANONYMOUS", "n/a", "N/A", "none", "test", "Test User"),
        *("user", "member", "Withheld", "private", "Private Number", "guest_12", "Customer 4711", "Not provided"),
        *("(unknown)", "unknown_caller", "No Name", "-", "Agent 7", "Virtual Assistant", "NULL", "Dear Customer"),
    ],
)
def test_a_place_holder_is_nobodys_name(name: str) -> None:
    """Where the field holds no name, none is known: nobody is called "customer"."""
    assert words_of_name(name) == set()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Rosa Guest", {"rosa", "guest"}),
        ("Guest Rosa Diaz", {"rosa", "diaz"}),
        ("Valued Customer Rosa", {"rosa"}),
        ("Unknown Diaz", {"diaz"}),
    ],
)
def test_a_name_beside_a_place_holder_is_known(name: str, words: set[str]) -> None:
    """Place-holders are left out in front of a name; behind it the word is a surname."""
    assert words == words_of_name(name)


def test_a_call_opens_with_the_names_of_its_header() -> None:
    """What the header tells is known before the first turn."""
    memory = opened(header(customer_name="Rosa Diaz", agent_name="Tom")).memory

    assert memory.customer_names == {"rosa", "diaz"}
    assert memory.agent_names == {"tom"}


def test_a_turn_without_words_is_not_heard() -> None:
    """Silence changes nothing that is remembered."""
    memory = memory_after(("agent", "hello"))

    assert memory is remember(memory, turn(1, "customer", "..."), Reading())


def test_turns_are_counted_by_their_speaker() -> None:
    """Heard turns, agent's turns and turns of unknown speakers are counted; a customer is heard or not."""
    memory = memory_after(("agent", "hello"), ("unknown", "hm"), ("agent", "hello"), ("customer", "hi"))

    assert (memory.heard, memory.agent_turns, memory.unknown_heard, memory.customer_heard) == (4, 2, 1, True)


def test_only_the_last_turns_and_words_are_kept() -> None:
    """Memory does not grow with the call."""
    memory = memory_after(*[("agent", " ".join(f"w{at}" for at in range(100)))] * 10)

    assert len(memory.recent) == RECENT_TURNS
    assert [len(one.words) for one in memory.recent] == [RECENT_WORDS] * RECENT_TURNS
    assert memory.recent[-1].words[-1] == "w99"


def test_names_belong_to_who_gave_them() -> None:
    """A name a customer gives is the customer's, one an agent gives the agent's, a stranger's nobody's."""
    memory = memory_after(("customer", "i am called rosa"), ("agent", "called tom"), ("unknown", "called eve"))

    assert memory.customer_names == {"rosa"}
    assert memory.agent_names == {"tom"}


def test_a_known_name_does_not_change_hands() -> None:
    """A name known to be one speaker's is not the other's as well, whoever says it."""
    memory = memory_after(("agent", "called tom"), ("customer", "called tom"))
    answered = memory_after(("customer", "called rosa"), ("agent", "called rosa"))

    assert (memory.agent_names, memory.customer_names) == ({"tom"}, set())
    assert (answered.agent_names, answered.customer_names) == (set(), {"rosa"})


def test_a_need_is_stated_by_a_customers_long_turn_after_the_agent_spoke() -> None:
    """Four words of the customer's after the agent's first turn state the need; two more agent turns handle it."""
    opening = [("customer", "hello is anybody there"), ("agent", "hello"), ("customer", "i lost my")]
    stated = [*opening, ("customer", "i lost my card")]
    handled = [*stated, *[("agent", "right")] * HANDLED_AGENT_TURNS]

    assert not memory_after(*opening).need_stated
    assert memory_after(*stated).need_stated
    assert not memory_after(*handled[:-1]).need_handled
    assert memory_after(*handled).need_handled


HEARD = Memory(agent_turns=1)


OPPORTUNITIES = [
    (Opportunity.ALWAYS, Memory(), False),
    (Opportunity.ALWAYS, HEARD, True),
    (Opportunity.CALL_OPENED, HEARD, True),
    (Opportunity.NEVER, HEARD, False),
    (Opportunity.NEED_STATED, HEARD, False),
    (Opportunity.NEED_STATED, Memory(agent_turns_since_need=0), True),
    (Opportunity.NEED_HANDLED, Memory(agent_turns_since_need=1), False),
    (Opportunity.NEED_HANDLED, Memory(agent_turns_since_need=2), True),
    (Opportunity.NAME_KNOWN, Memory(), False),
    (Opportunity.NAME_KNOWN, Memory(customer_names=frozenset({"rosa"})), True),
    (Opportunity.CALL_CLOSED, Memory(facts=frozenset({"call_closed"})), False),
    (Opportunity.CALL_CLOSED, Memory(agent_turns_since_need=0, facts=frozenset({"call_closed"})), True),
    (Opportunity.TROUBLE_VOICED, Memory(facts=frozenset({"worry_voiced"})), False),
    (Opportunity.TROUBLE_VOICED, Memory(facts=frozenset({"trouble_voiced"})), True),
    (Opportunity.WORRY_VOICED, Memory(facts=frozenset({"worry_voiced"})), True),
    (Opportunity.WAITED, Memory(facts=frozenset({"waited"})), True),
    (Opportunity.LOYALTY_MENTIONED, Memory(facts=frozenset({"loyalty_mentioned"})), True),
]


@pytest.mark.parametrize(("opportunity", "memory", "had"), OPPORTUNITIES)
def test_opportunities_follow_from_what_was_made_known(*, opportunity: Opportunity, memory: Memory, had: bool) -> None:
    """A behaviour had its occasion where the call made known what the playbook asks for."""
    assert had is had_opportunity(behaviour(opportunity=opportunity), memory)


def test_every_opportunity_is_tried_above() -> None:
    """No opportunity is left without a case."""
    assert set(Opportunity) == {opportunity for opportunity, _, _ in OPPORTUNITIES}


@pytest.mark.parametrize(
    ("outcomes", "memory", "abstains", "shown"),
    [
        ([Outcome.AWARD], HEARD, False, CallOutcome.DONE),
        ([Outcome.REVIEW, Outcome.AWARD], HEARD, True, CallOutcome.DONE),
        ([Outcome.SHADOW], HEARD, False, CallOutcome.DONE),
        ([Outcome.REVIEW], HEARD, False, CallOutcome.ABSTAINED),
        ([], HEARD, True, CallOutcome.ABSTAINED),
        ([], HEARD, False, CallOutcome.MISSED),
        ([], Memory(), False, CallOutcome.NOT_NEEDED),
    ],
)
def test_a_call_shows_done_missed_not_needed_or_abstained(
    *, outcomes: list[Outcome], memory: Memory, abstains: bool, shown: CallOutcome
) -> None:
    """Done goes before abstained; what only a person can tell is abstained from; without occasion none is missed."""
    one = turn(0, Speaker.AGENT, "hello")
    decisions = (*(decision(one, outcome=outcome) for outcome in outcomes), decision(one, "apologise"))

    state = CallState(header=header(), memory=memory, decisions=decisions)

    assert shown is call_outcome(behaviour(), state, abstains=abstains)


def test_a_call_stays_strained_by_the_agent_and_for_a_while_by_the_customer() -> None:
    """What the agent said in scorn is not forgotten; a customer's outburst is, once three turns have passed."""
    outburst = Past(Speaker.CUSTOMER, ("liars",), frozenset({"lashed_out"}))

    assert Memory(facts=frozenset({"brushed_off"})).strained
    assert Memory(facts=frozenset({"lashed_out"}), recent=(outburst,)).strained
    assert not Memory(facts=frozenset({"lashed_out"})).strained
