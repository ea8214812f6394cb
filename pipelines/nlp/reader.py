"""The text engine: a turn's normalised words, and the playbook's phrases found in them, by spaCy."""

from collections.abc import Iterable, Sequence

from spacy.lang.en.stop_words import STOP_WORDS
from spacy.tokens import Doc

from detector.call import Memory
from detector.candidate import Reading
from detector.errors import PlaybookError
from detector.playbook import Playbook
from detector.transcript import Speaker, Turn
from pipelines.nlp.entries import agent_entries, cue_entries
from pipelines.nlp.names import ASKED, NAME_FACTS, heard, stands_as_name
from pipelines.nlp.phrasebook import Phrasebook
from pipelines.nlp.voiding import voided
from pipelines.nlp.words import (
    AGENT_NAME,
    CLAUSE_ENDS,
    CUSTOMER_NAME,
    DROPPED,
    NUMBER,
    PAUSES,
    normalised_form,
    tokenizer,
    without_endless_words,
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
    "sharp swift hardy moody".split()
)


class SpacyReader:
    """Reads turns with spaCy's tokenizer and matchers. Pure: the same turn and memory give the same reading.

    Raises:
        PlaybookError: every phrase that can never be found, and every raw pattern that spaCy refuses.
    """

    def __init__(self, playbook: Playbook) -> None:
        shared = playbook.shared
        form = normalised_form(given_names=shared.given_names, spellings=shared.spellings)
        self._nlp = tokenizer(form)
        self._books = {
            Speaker.AGENT: Phrasebook(self._nlp, agent_entries(playbook), playbook=playbook),
            Speaker.CUSTOMER: Phrasebook(self._nlp, cue_entries(playbook, "customer"), playbook=playbook),
        }
        faults = dict.fromkeys(fault for book in self._books.values() for fault in book.faults)
        if faults:
            raise PlaybookError(faults)

    def read(self, turn: Turn, memory: Memory) -> Reading:
        """Return the reading of a turn. Names known from the call are read as `{customer_name}`, `{agent_name}`."""
        tokens = self._nlp.make_doc(without_endless_words(without_marks(turn.text[:READ_CHARACTERS])))
        norms = _with_names(tokens, [token.norm_ for token in tokens], memory)
        words, kept, clauses = _kept(norms)
        if not any(word not in CLAUSE_ENDS for word in words):
            return NOTHING
        book = self._books.get(turn.speaker)
        if book is None:
            return Reading(words=words)
        found = list(book.matches(Doc(self._nlp.vocab, words=list(words)), words))
        hits = tuple(voided(found, clauses)) if found else ()
        asked = turn.speaker is Speaker.CUSTOMER and bool(memory.recent) and ASKED in memory.recent[-1].facts
        names: tuple[str, ...] = ()
        if asked or any(hit.owner in NAME_FACTS for hit in hits):
            names = heard([tokens[at].text for at in kept], words, hits, asked=asked)
        spans = tuple((tokens[at].idx, tokens[at].idx + len(tokens[at])) for at in kept)
        return Reading(words=words, spans=spans, clauses=clauses, hits=hits, names=names)


def _kept(norms: Sequence[str]) -> tuple[tuple[str, ...], tuple[int, ...], tuple[int, ...]]:
    """Return the words that count, their tokens' places, and the number of the clause of each.

    Fillers, marks such as [noise], commas and a word said twice in a row are left out; commas still part clauses.
    """
    words: list[str] = []
    kept: list[int] = []
    clauses: list[int] = []
    clause, previous = 0, ""
    for at, norm in enumerate(norms):
        if norm in DROPPED or norm.isspace():
            clause += norm in PAUSES
            continue
        if norm == previous and norm != NUMBER:
            continue
        words.append(norm)
        kept.append(at)
        clauses.append(clause)
        previous = norm
        clause += norm in CLAUSE_ENDS
    return tuple(words), tuple(kept), tuple(clauses)


def _with_names(tokens: Doc, norms: list[str], memory: Memory) -> list[str]:
    """Put the place-holders of the customer's and the agent's name where those stand."""
    if not memory.customer_names and not memory.agent_names:
        return norms
    lowered = [token.lower_ for token in tokens]
    for names, holder in ((memory.agent_names, AGENT_NAME), (memory.customer_names, CUSTOMER_NAME)):
        if names.isdisjoint(lowered):
            continue
        for at in _places(tokens, lowered, names):
            norms[at] = holder
    return norms


def _places(tokens: Doc, lowered: Sequence[str], names: Iterable[str]) -> Iterable[int]:
    wanted = frozenset(names)
    texts: list[str] = []
    for at, word in enumerate(lowered):
        if word not in wanted:
            continue
        if word in _ALSO_WORDS:
            texts = texts or [token.text for token in tokens]
            if not stands_as_name(texts, at):
                continue
        yield at
