"""The text engine: a turn's normalised words, and the playbook's phrases found in them, by spaCy."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from detector.call import Memory, comparable
from detector.candidate import Reading
from detector.errors import PlaybookError
from detector.playbook import Playbook
from detector.transcript import AGENT, CUSTOMER, Turn
from pipelines.nlp.entries import agent_entries, cue_entries, everyday_words
from pipelines.nlp.names import (
    ALSO_WORDS,
    ASKED,
    NAME_FACTS,
    WRITTEN_TITLES,
    Said,
    called,
    greeted,
    heard,
    is_called,
    signature,
    stands_as_name,
    with_titled,
)
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
    without_quotations,
)

READ_CHARACTERS = 20_000
"""Of a longer turn only the beginning is read: no one says more in one breath, and a step must stay short."""

COMPANIES = "company"
"""The word list of a playbook that holds companies' names: no agent bears one, however it is introduced."""

NOTHING = Reading()


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
        self._everyday = everyday_words(playbook)
        self._companies = frozenset(shared.words.get(COMPANIES, ()))
        faults = dict.fromkeys(fault for book in self._books.values() for fault in book.faults)
        if faults:
            raise PlaybookError(faults)

    def read(self, turn: Turn, memory: Memory) -> Reading:
        """Return the reading of a turn. Names known from the call are read as `{customer_name}`, `{agent_name}`."""
        by_agent = turn.speaker is AGENT
        text = without_endless_words(without_marks(without_handles(turn.text[:READ_CHARACTERS])))
        if by_agent:
            text = without_quotations(text)
        words, spans, clauses = _kept(self._named(text, memory, by_agent=by_agent))
        if CLAUSE_ENDS.issuperset(words):
            return NOTHING
        if by_agent and not WRITTEN_TITLES.isdisjoint(words):
            words = with_titled(Said([text[start:end] for start, end in spans], words, clauses), self._everyday)
        book = self._books.get(turn.speaker)
        if book is None:
            return Reading(words=words)
        found = book.matches(words)
        hits = tuple(voided(found, words, clauses)) if found else ()
        asked = not by_agent and bool(memory.recent) and ASKED in memory.recent[-1].facts
        if not asked and not (by_agent and NAME in words) and NAME_FACTS.isdisjoint([hit.owner for hit in hits]):
            return Reading(words=words, spans=spans, clauses=clauses, hits=hits)
        said = Said([text[start:end] for start, end in spans], words, clauses)
        opening = not (memory.agent_turns if by_agent else memory.customer_heard)
        names = heard(said, hits, asked=asked, opening=opening, everyday=self._everyday)
        others: tuple[str, ...] = ()
        if by_agent:
            names = self._of_people(names)
            others = self._of_people(name for name in called(said, hits) if name not in names)
        return Reading(words=words, spans=spans, clauses=clauses, hits=hits, names=names, called=others)

    def _of_people(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return the names that are no company's."""
        return tuple(name for name in names if name not in self._companies)

    def _named(self, text: str, memory: Memory, *, by_agent: bool) -> list[Run]:
        """Return a text's tokens, the customer's and the agent's name and an agent's signature by place-holders."""
        runs = self._tokens.of(text)
        if by_agent:
            somebody, signed = greeted(text), signature(text, not_of=memory.customer_names)
            runs = runs if somebody is None else _as_one(runs, *somebody, NAME, parts=False)
            runs = runs if signed is None else _as_one(runs, *signed, SIGNED, parts=True)
        if not memory.agent_names and not memory.customer_names:
            return runs
        compared = _form_of_names(text)(text)
        for names, holder in ((memory.agent_names, AGENT_NAME), (memory.customer_names, CUSTOMER_NAME)):
            for name in names:
                if name in compared:
                    runs = [(0, list(self._with_name(list(flat(runs)), text, name, holder)))]
        return runs

    def _with_name(self, tokens: Sequence[Token], text: str, name: str, holder: str) -> Iterator[Token]:
        """Yield the tokens, a place-holder for each that is a name and stands as one."""
        form = _form_of_names(text)
        texts = [text[start:end] for _, start, end, _, _ in tokens]
        for at, (token, said) in enumerate(zip(tokens, texts, strict=True)):
            is_name = form(said) == name and self._stands(name, texts, at)
            yield (holder, *token[1:3], True, False) if is_name else token

    def _stands(self, name: str, texts: Sequence[str], at: int) -> bool:
        """Tell whether a word that reads like a name is one at its place; only common words may not be."""
        if name in ALSO_WORDS:
            return stands_as_name(texts, at)
        return name not in self._everyday or is_called(texts, at)


def _form_of_names(text: str) -> Callable[[str], str]:
    """Return what makes the words of a text comparable with names; of a plain text case alone matters."""
    return str.lower if text.isascii() else _without_last_sign


def _without_last_sign(said: str) -> str:
    """Return a word as names are compared; to one that ends in a decomposed letter spaCy leaves the sign behind it."""
    return comparable(said).rstrip(".,!?")


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
