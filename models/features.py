"""Features of an agent's turn and of the turns before it: the one place for training and for serving.

A feature is a key of a family. Its name is `family=key`, its value that of its family. What a word brings of its own,
itself and its letters, is summed over the turn's words, so that serving can keep all of it in one row of weights.
"""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import chain
from typing import NamedTuple, TypeAlias

from detector.call import TITLES, Memory, Past
from detector.candidate import HitKind, Reading
from detector.transcript import CUSTOMER, Speaker

WORD, LETTERS, PAIR, HIT, CONTEXT = "word", "letters", "pair", "hit", "context"
BEFORE = {speaker: f"before.{speaker[0]}" for speaker in Speaker}
"""The family of the words of the turn before, by who said it."""
VALUES = {WORD: 1.0, LETTERS: 0.2, PAIR: 1.0, HIT: 1.0, CONTEXT: 0.25} | dict.fromkeys(BEFORE.values(), 0.7)
"""How much a feature counts, by its family; chosen by average precision out of fold."""

CHARACTERS = (3, 4, 5)
CONTEXT_WORDS = 24
START, END = "^", "$"
NAMED = "name:given"
CALLS = frozenset({"{name}", "{customer_name}"})
"""Words that stand for a name by which somebody may be called."""
PLACES = {(True, True): "apart", (True, False): "opening", (False, True): "closing", (False, False): "amid"}
"""How a name stands, by whether something ends in front of it and behind it."""
NOBODY = Past(Speaker.UNKNOWN, ())
COMMON = frozenset(
    "i you he she it we they me him her us them my your his its our their a an the this that these those and or "
    "but so if then than as at by for from in into of off on onto out over to up with about after before is am "
    "are was were be been being do does did done have has had having can could will would shall should may might "
    "must not no yes yeah okay ok just right well now here there what which who whom when where why how all any "
    "some one more very too also please thanks thank sorry hi hello get got getting go going know like want need "
    "see say said tell let make take come back again really still only because . ? !".split()
)
"""Words that are echoed by chance."""
MOST_ECHOED = 5
ASKING = frozenset(
    "do does did is are am was were can could will would shall should may might have has had what which who whom whose "
    "when where why how any".split()
)
"""Words that open a question."""
LEADING = frozenset(
    "okay right and so ah oh sorry sure now well but yes yeah no great perfect lovely good then".split()
)
"""Words in front of a sentence that are not yet its opening."""
QUESTION, STOP = "?", "."
ENDS = frozenset({QUESTION, STOP, "!"})
MOST_KNOWN, MOST_NEW = 3, 4
KNOWN = 20_000
"""How many hits and contexts are remembered; of each there are far fewer."""
Pair: TypeAlias = tuple[str, str]


class Features(NamedTuple):
    """The keys found, by family. A word counts once in a turn and once in the turn before: a number spelled out is one.

    `by_hit` are the keys of each hit of the reading, `hits` all of them; `before` are words of the family `side`.
    """

    words: dict[str, None]
    pairs: list[Pair]
    hits: dict[str, None]
    context: tuple[str, ...]
    side: str
    before: tuple[str, ...]
    by_hit: list[tuple[str, ...]]


def features(reading: Reading, memory: Memory) -> Features:
    """Return the features of a turn after what is remembered."""
    words, need = reading.words, _state_of_need(memory)
    last = memory.recent[-1] if memory.recent else NOBODY
    said = _said_by_the_customer(memory)
    by_hit = [_hit_keys(hit.kind, hit.owner, hit.rule, hit.void_by is not None, need) for hit in reading.hits]
    return Features(
        words=dict.fromkeys(words),
        pairs=[*zip((START, *words), (*words, END), strict=True)],
        hits=dict.fromkeys(chain(*by_hit, _named(reading), () if CALLS.isdisjoint(words) else _calls(reading))),
        context=(
            *_context(
                min(len(words).bit_length(), 7),
                need,
                min(memory.heard, 4),
                memory.facts,
                last.speaker if memory.recent else None,
                min(len(last.words).bit_length(), 6),
                last.facts,
                min(len(said.intersection(words)), MOST_ECHOED),
            ),
            *_forms(words, said),
        ),
        side=BEFORE[last.speaker],
        before=tuple(dict.fromkeys(last.words[-CONTEXT_WORDS:])),
        by_hit=by_hit,
    )


def _said_by_the_customer(memory: Memory) -> set[str]:
    """Return the words that tell something in what the customer said just before."""
    said: set[str] = set()
    for past in memory.recent:
        if past.speaker is CUSTOMER:
            said.update(past.words)
    return said - COMMON


def _forms(words: tuple[str, ...], said: set[str]) -> Iterable[str]:
    """Return how a turn, or each sentence of one that asks, is put, and how many of its telling words are known or new.

    A statement that ends as a question asks whether it is right: of what the customer said it plays back, what is new
    is asked for the first time.
    """
    if QUESTION not in words:
        return (_form("told", words, said),)
    found: dict[str, None] = {}
    start = 0
    for at, word in enumerate((*words, STOP)):
        if word in ENDS:
            sentence, start = words[start:at], at + 1
            if sentence:
                kind = _kind(sentence) if word == QUESTION else "told"
                found |= {kind: None, _form(kind, sentence, said): None}
    return found


def _kind(sentence: tuple[str, ...]) -> str:
    """Return whether a sentence with a question mark is a question by its opening, too."""
    opening = next((word for word in sentence if word not in LEADING), "")
    return "asked" if opening in ASKING else "told and asked"


def _form(kind: str, words: tuple[str, ...], said: set[str]) -> str:
    telling = set(words) - COMMON
    known = len(telling & said)
    new = len(telling) - known
    return f"{kind}={min(MOST_KNOWN, known)}/{min(MOST_NEW, new)}"


def named(found: Features) -> Iterator[tuple[str, float]]:
    """Yield name and value of each feature; the values of a name that comes again are to be summed."""
    for word in found.words:
        yield from word_features(word)
    families = ((PAIR, map(" ".join, found.pairs)), (HIT, found.hits), (CONTEXT, found.context))
    for family, keys in (*families, (found.side, found.before)):
        for key in keys:
            yield f"{family}={key}", VALUES[family]


def word_features(word: str) -> Iterator[tuple[str, float]]:
    """Yield name and value of what a word brings wherever it stands."""
    yield f"{WORD}={word}", VALUES[WORD]
    for letters in runs_of_letters(word):
        yield f"{LETTERS}={letters}", VALUES[LETTERS]


def runs_of_letters(word: str) -> list[str]:
    """Return the runs of letters of a word, its ends marked: they forgive slips of spelling and hearing."""
    if word.startswith("{"):
        return []
    marked = f"<{word}>"
    runs = (marked[at : at + size] for size in CHARACTERS for at in range(len(marked) - size + 1))
    return list(dict.fromkeys(runs))


def _named(reading: Reading) -> tuple[str, ...]:
    """Return the key of a turn whose speaker gave a name, be it in no list."""
    return (NAMED,) if reading.names else ()


def _calls(reading: Reading) -> list[str]:
    """Return how each name stands that may call somebody: behind a title or not, and apart from its clause or in it."""
    words, found = reading.words, []
    for at, word in enumerate(words):
        if word in CALLS:
            titled = at > 0 and words[at - 1] in TITLES
            place = PLACES[_is_parted(reading, at - titled - 1), _is_parted(reading, at)]
            found.append(f"called:{word}:{'titled' if titled else 'plain'}:{place}")
    return found


def _is_parted(reading: Reading, at: int) -> bool:
    """Tell whether a clause or sentence, or the turn, ends behind the word at a place; -1 is before the turn."""
    words, clauses = reading.words, reading.clauses
    if at < 0 or at + 1 == len(words):
        return True
    return clauses[at] != clauses[at + 1] or words[at] in ENDS or words[at + 1] in ENDS


def key_of(kind: HitKind, owner: str, rule: str) -> str:
    """Return the key of a playbook's entry that hits and counts."""
    return f"{kind}:{owner}.{rule}"


@lru_cache(maxsize=KNOWN)
def _hit_keys(kind: HitKind, owner: str, rule: str, void: bool, need: str) -> tuple[str, ...]:  # noqa: FBT001  # cached
    """Return the keys of a hit: its entry, its owner and, of a rule that counts, the owner in the state of the need."""
    if void:
        return f"void:{owner}.{rule}", f"void:{owner}"
    keys = key_of(kind, owner, rule), f"{kind}:{owner}"
    return (*keys, f"rule:{owner}|{need}") if kind is HitKind.RULE else keys


@lru_cache(maxsize=KNOWN)
def _context(  # noqa: PLR0917  # cached: by position it is found faster
    length: int,
    need: str,
    heard: int,
    facts: frozenset[str],
    before: Speaker | None,
    before_length: int,
    before_facts: frozenset[str],
    echoed: int,
) -> tuple[str, ...]:
    told = f"length={length}", f"need={need}", f"heard={heard}", f"echoed={echoed}"
    known = (f"fact={fact}" for fact in sorted(facts))  # sets differ in order from process to process
    if before is None:
        return (*told, *known, "before=nobody")
    heard_before = (f"before.fact={fact}" for fact in sorted(before_facts))
    return (*told, *known, f"before={before}", f"before.length={before_length}", *heard_before)


def _state_of_need(memory: Memory) -> str:
    """Return what became of the customer's need; in a strained call, kind words are seldom meant kindly."""
    if memory.strained:
        return "strained"
    return "handled" if memory.need_handled else "stated" if memory.need_stated else "none"
