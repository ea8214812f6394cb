"""The state of one call: its turns in order, what they made known, and what was said of them."""

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import dropwhile

from detector.candidate import CUE, Reading
from detector.decision import CallOutcome, Decision, Outcome
from detector.judgement import Judgements, outcome_after
from detector.playbook import Behaviour, Opportunity
from detector.reward import Credit, RewardEvent
from detector.transcript import AGENT, CUSTOMER, UNKNOWN, CallHeader, Speaker, Turn

RECENT_TURNS = 3
RECENT_WORDS = 60
NEED_WORDS = 4
HANDLED_AGENT_TURNS = 2
EVENTS_OF_A_SLOT = 8
"""How many of a slot's reward events are told again: enough where it is granted and reversed four times in a commit."""
BRUSHED_OFF, LASHED_OUT = "brushed_off", "lashed_out"
"""Facts of a call that make it a strained one; the playbook's cues make them known."""
TITLES = frozenset(
    "mr mrs ms miss mx mister missus dr doctor professor prof sir madam ma'am maam lady lord reverend father sister "
    "captain colonel major sergeant councillor chief oga auntie uncle".split()
)
"""What stands before a name and alone calls nobody by it."""
PLACEHOLDERS = frozenset(
    "unknown unavailable undefined unspecified anonymous anon valued dear customer client caller guest visitor user "
    "member person agent bot chatbot assistant virtual automated representative rep operator adviser advisor associate "
    "support team system none null nil nan test tester dummy sample example withheld private blocked hidden redacted "
    "number name id no not given provided available applicable known tbc tba".split()
)
"""What a field of a name holds where nobody's name is known: "Valued Customer", "Withheld", "Guest"."""
_BETWEEN_NAMES = re.compile(r"[\s.,;:()\"/–—-]+")
_NUMBERED = re.compile(r"[\d_#]+")
_APOSTROPHES = str.maketrans(dict.fromkeys("’‘‛`´′ʼʻʹ＇", "'"))


@dataclass(frozen=True, slots=True)
class Past:
    """A turn before the present one, in normalised words, and the facts its cues made known."""

    speaker: Speaker
    words: tuple[str, ...]
    facts: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Memory:
    """What the turns so far made known; all that scoring a turn may use beside the turn itself.

    `heard` and `agent_turns` count turns with words; names are in lower case, word by word.
    """

    heard: int = 0
    agent_turns: int = 0
    customer_heard: bool = False
    unknown_heard: int = 0
    agent_turns_since_need: int = -1
    recent: tuple[Past, ...] = ()
    facts: frozenset[str] = frozenset()
    customer_names: frozenset[str] = frozenset()
    agent_names: frozenset[str] = frozenset()

    @property
    def need_stated(self) -> bool:
        """The customer has said what the call is about."""
        return self.agent_turns_since_need >= 0

    @property
    def strained(self) -> bool:
        """The agent has brushed the customer off, or the customer lashed out just now: kind words may not be meant."""
        return BRUSHED_OFF in self.facts or any(LASHED_OUT in past.facts for past in self.recent)

    @property
    def need_handled(self) -> bool:
        """The agent has had turns enough since the need was stated to have dealt with it."""
        return self.agent_turns_since_need >= HANDLED_AGENT_TURNS


@dataclass(frozen=True, slots=True)
class Emission:
    """What a turn and its revisions gave out, kept so that what is delivered again gives out the same."""

    decisions: tuple[Decision, ...] = ()
    rewards: tuple[RewardEvent, ...] = ()

    def followed_by(self, decisions: tuple[Decision, ...], rewards: tuple[RewardEvent, ...]) -> "Emission":
        """Return this and what was given out after it: a decision as it was told last, of each slot the last events.

        What came before is kept, for the broker may not have it yet when the worker is killed.
        """
        if not (decisions or rewards):
            return self
        if not (self.decisions or self.rewards):
            return Emission(decisions, rewards)
        told = {one.decision_id: one for one in (*self.decisions, *decisions)}
        return Emission(tuple(told.values()), _last_of_each_slot((*self.rewards, *rewards)))


NOTHING_TOLD = Emission()


def _last_of_each_slot(events: Sequence[RewardEvent]) -> tuple[RewardEvent, ...]:
    """Return events in their order, of each slot no more than the last `EVENTS_OF_A_SLOT`."""
    seen, kept = Counter[tuple[str, str, int]](), list[RewardEvent]()
    for event in reversed(events):
        slot = (event.data.agent_id, event.data.behaviour, event.data.slot)
        seen[slot] += 1
        if seen[slot] <= EVENTS_OF_A_SLOT:
            kept.append(event)
    return tuple(reversed(kept))


@dataclass(frozen=True, slots=True)
class CallState:
    """Everything known of one call. `decisions` are those that stand; `emissions` go by turn id or verdict id."""

    header: CallHeader
    turns: tuple[Turn, ...] = ()
    memory: Memory = field(default_factory=Memory)
    decisions: tuple[Decision, ...] = ()
    credits: tuple[Credit, ...] = ()
    emissions: Mapping[str, Emission] = field(default_factory=dict)
    judgements: Judgements = field(default_factory=dict)
    ended: bool = False


def with_straight_apostrophes(text: str) -> str:
    """Return a text, as long as before, with the signs that are written for an apostrophe made one."""
    return text.translate(_APOSTROPHES)


def comparable(text: str) -> str:
    """Return a text as names are compared: in lower case, composed characters, straight apostrophes."""
    return with_straight_apostrophes(unicodedata.normalize("NFC", text)).lower()


def words_of_name(name: str | None) -> frozenset[str]:
    """Return the words of a full name as they are compared; initials, titles and signs between them left out.

    So are the place-holders it begins with: of "Valued Customer" and "guest_12" nothing is left, of "Guest Rosa Guest"
    the name.
    """
    words = [word.strip("'") for word in _BETWEEN_NAMES.split(comparable(name or ""))]
    return frozenset(dropwhile(_holds_a_place, (word for word in words if len(word) > 1 and word not in TITLES)))


def _holds_a_place(word: str) -> bool:
    """Tell whether a word, with or without a number, stands where nobody's name is known."""
    return PLACEHOLDERS.issuperset(part for part in _NUMBERED.split(word) if part)


def opened(header: CallHeader) -> CallState:
    """Return the state of a call of which nothing is said yet."""
    memory = Memory(customer_names=words_of_name(header.customer_name), agent_names=words_of_name(header.agent_name))
    return CallState(header=header, memory=memory)


def remember(memory: Memory, turn: Turn, reading: Reading) -> Memory:
    """Return the memory after a turn was heard; one without words leaves it as it was.

    A name known to be one speaker's does not become the other's by being said. The customer's is known, too, once an
    agent has called them by it.
    """
    if not reading.words:
        return memory
    facts = frozenset([hit.owner for hit in reading.hits if hit.kind is CUE]) if reading.hits else frozenset()
    past = Past(turn.speaker, reading.words[-RECENT_WORDS:], facts)
    by_agent, by_customer = turn.speaker is AGENT, turn.speaker is CUSTOMER
    names = reading.names
    of_customer = names if by_customer else reading.called
    return Memory(  # each field told: dataclasses.replace takes twice as long, and this is done every turn
        heard=memory.heard + 1,
        agent_turns=memory.agent_turns + by_agent,
        customer_heard=memory.customer_heard or by_customer,
        unknown_heard=memory.unknown_heard + (turn.speaker is UNKNOWN),
        agent_turns_since_need=_since_need(memory, turn, reading),
        recent=(*memory.recent, past)[-RECENT_TURNS:],
        facts=memory.facts | facts if facts else memory.facts,
        customer_names=_joined(memory.customer_names, of_customer, others=memory.agent_names)
        if of_customer
        else memory.customer_names,
        agent_names=_joined(memory.agent_names, names, others=memory.customer_names)
        if names and by_agent
        else memory.agent_names,
    )


def _joined(own: frozenset[str], heard: Sequence[str], *, others: frozenset[str]) -> frozenset[str]:
    """Return a speaker's own names and those heard, without what the other speaker is known by."""
    return own.union(set(heard) - others)


def _since_need(memory: Memory, turn: Turn, reading: Reading) -> int:
    """Return how many agent turns came since the customer stated a need, or -1 before that."""
    if memory.need_stated:
        return memory.agent_turns_since_need + (turn.speaker is AGENT)
    states_need = turn.speaker is CUSTOMER and len(reading.words) >= NEED_WORDS and memory.agent_turns > 0
    return 0 if states_need else -1


def had_opportunity(behaviour: Behaviour, memory: Memory) -> bool:
    """Tell whether the call gave occasion for the behaviour."""
    known = {
        Opportunity.ALWAYS: memory.agent_turns > 0,
        Opportunity.CALL_OPENED: memory.agent_turns > 0,
        Opportunity.NEED_STATED: memory.need_stated,
        Opportunity.NEED_HANDLED: memory.need_handled,
        Opportunity.NAME_KNOWN: bool(memory.customer_names),
        Opportunity.CALL_CLOSED: memory.need_stated and "call_closed" in memory.facts,
        Opportunity.NEVER: False,
    }
    return known.get(behaviour.opportunity, behaviour.opportunity.value in memory.facts)


def call_outcome(behaviour: Behaviour, state: CallState, *, abstains: bool) -> CallOutcome:
    """Return what the whole call shows of a behaviour.

    What only a person could tell (a review not yet decided, turns whose speaker is unknown) is abstained from.
    """
    own = (decision for decision in state.decisions if decision.behaviour == behaviour.id)
    outcomes = {outcome_after(decision, state.judgements) for decision in own} - {None}
    if Outcome.AWARD in outcomes or Outcome.SHADOW in outcomes:
        return CallOutcome.DONE
    if abstains or outcomes:
        return CallOutcome.ABSTAINED
    return CallOutcome.MISSED if had_opportunity(behaviour, state.memory) else CallOutcome.NOT_NEEDED
