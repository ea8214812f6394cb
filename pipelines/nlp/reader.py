"""The text engine: a turn's normalised words, and the playbook's phrases found in them, by spaCy."""

from collections.abc import Iterable, Iterator, Sequence

from spacy.lang.en.stop_words import STOP_WORDS

from detector.call import Memory
from detector.candidate import Reading
from detector.errors import PlaybookError
from detector.playbook import Playbook
from detector.transcript import AGENT, CUSTOMER, Turn
from pipelines.nlp.entries import agent_entries, cue_entries
from pipelines.nlp.names import ASKED, NAME_FACTS, greeted, heard, signature, stands_as_name
from pipelines.nlp.phrasebook import Phrasebook
from pipelines.nlp.tokens import Run, Token, Tokens, flat
from pipelines.nlp.voiding import voided
from pipelines.nlp.words import (
    AGENT_NAME,
    CLAUSE_ENDS,
    CUSTOMER_NAME,
    NAME,
    NUMBER,
    SIGNED,
    normalised_form,
    tokenizer,
    without_endless_words,
    without_handles,
    without_marks,
)

READ_CHARACTERS = 20_000
"""Of a longer turn only the beginning is read: no one says more in one breath, and a step must stay short."""

NOTHING = Reading()
_ALSO_WORDS = STOP_WORDS | frozenset(
    "mark grace hope rich joy faith angel sunny dawn rose chase bill may april june grant frank jack pat rob sue "
    "drew guy art dean earl miles dale glen heath reed summer autumn violet daisy lily ruby pearl crystal amber "
    "ivy holly olive iris melody harmony destiny mercy patience prudence charity penny page price young long good "
    "best strong wise gay merry christian major king queen prince baker cook miller carter hunter bush stone wood "
    "woods brook brooks banks field fields hill hills lane street church bell ball love day knight bishop pope "
    "law case stock short small little brown green white black gray grey gold silver bird fox wolf lamb fish "
    "sharp swift hardy moody kit dot max ray sandy chip skip cliff clay chuck don duke gene gill herb lance norm "
    "peg rod scout sky star storm trace ward ginger buddy bunny tab van honey sugar precious treasure jade opal coral "
    "fern heather laurel poppy marina trinity promise favour mo al ed".split()
)


class SpacyReader:
    """Reads turns with spaCy's tokenizer and the phrasebooks. Pure: the same turn and memory give the same reading.

    Raises:
        PlaybookError: every phrase that can never be found, and every raw pattern that spaCy refuses.
    """

    def __init__(self, playbook: Playbook) -> None:
        shared = playbook.shared
        self._tokens = Tokens(tokenizer(normalised_form(given_names=shared.given_names, spellings=shared.spellings)))
        self._books = {
            AGENT: Phrasebook(self._tokens, agent_entries(playbook), playbook=playbook),
            CUSTOMER: Phrasebook(self._tokens, cue_entries(playbook, "customer"), playbook=playbook),
        }
        faults = dict.fromkeys(fault for book in self._books.values() for fault in book.faults)
        if faults:
            raise PlaybookError(faults)

    def read(self, turn: Turn, memory: Memory) -> Reading:
        """Return the reading of a turn. Names known from the call are read as `{customer_name}`, `{agent_name}`."""
        text = without_endless_words(without_marks(without_handles(turn.text[:READ_CHARACTERS])))
        words, spans, clauses = _kept(self._named(text, memory, by_agent=turn.speaker is AGENT))
        if CLAUSE_ENDS.issuperset(words):
            return NOTHING
        book = self._books.get(turn.speaker)
        if book is None:
            return Reading(words=words)
        found = book.matches(words)
        hits = tuple(voided(found, clauses)) if found else ()
        asked = turn.speaker is CUSTOMER and bool(memory.recent) and ASKED in memory.recent[-1].facts
        names: tuple[str, ...] = ()
        if asked or not NAME_FACTS.isdisjoint([hit.owner for hit in hits]):
            names = heard([text[start:end] for start, end in spans], words, hits, asked=asked)
        return Reading(words=words, spans=spans, clauses=clauses, hits=hits, names=names)

    def _named(self, text: str, memory: Memory, *, by_agent: bool) -> list[Run]:
        """Return a text's tokens, the customer's and the agent's name and an agent's signature by place-holders."""
        runs = self._tokens.of(text)
        if by_agent:
            somebody, signed = greeted(text), signature(text, not_of=memory.customer_names)
            runs = runs if somebody is None else _as_one(runs, *somebody, NAME, parts=False)
            runs = runs if signed is None else _as_one(runs, *signed, SIGNED, parts=True)
        if not memory.agent_names and not memory.customer_names:
            return runs
        lowered = text.lower()
        for names, holder in ((memory.agent_names, AGENT_NAME), (memory.customer_names, CUSTOMER_NAME)):
            for name in names:
                if name in lowered:
                    runs = [(0, list(_with_name(list(flat(runs)), text, name, holder)))]
        return runs


def _kept(runs: Iterable[Run]) -> tuple[tuple[str, ...], tuple[tuple[int, int], ...], tuple[int, ...]]:
    """Return the words that count, the characters and the number of the clause of each.

    Fillers, marks such as [noise], commas and a word said twice in a row are left out; commas still part clauses.
    """
    words: list[str] = []
    spans: list[tuple[int, int]] = []
    clauses: list[int] = []
    clause, previous = 0, ""
    for begin, tokens in runs:
        for word, start, end, counts, parts in tokens:
            if word == previous and word != NUMBER:
                continue
            if counts:
                words.append(word)
                spans.append((begin + start, begin + end))
                clauses.append(clause)
                previous = word
            clause += parts
    return tuple(words), tuple(spans), tuple(clauses)


def _as_one(runs: Iterable[Run], begin: int, end: int, word: str, *, parts: bool) -> list[Run]:
    """Return the runs, one word instead of what stands between two places; a run starts at the first of them."""
    size = end - begin
    return [
        (at, tokens)
        if at != begin
        else (at, ((word, 0, size, True, parts), *[one for one in tokens if one[1] >= size]))
        for at, tokens in runs
        if not begin < at < end
    ]


def _with_name(tokens: Sequence[Token], text: str, name: str, holder: str) -> Iterator[Token]:
    """Yield the tokens, a place-holder for each that is a name."""
    texts = [text[start:end] for _, start, end, _, _ in tokens]
    for at, (token, said) in enumerate(zip(tokens, texts, strict=True)):
        is_name = said.lower() == name and (name not in _ALSO_WORDS or stands_as_name(texts, at))
        yield (holder, *token[1:3], True, False) if is_name else token
