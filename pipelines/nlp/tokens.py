"""A turn's tokens: spaCy's, each run of signs between two spaces split once and then known."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any, TypeAlias

from spacy.attrs import NORM
from spacy.language import Language
from spacy.tokens import Token as SpacyToken

from detector.call import with_straight_apostrophes
from pipelines.nlp.words import CLAUSE_ENDS, DROPPED, PAUSES

KNOWN_RUNS = 50_000
Token: TypeAlias = tuple[str, int, int, bool, bool]
"""Normalised word; its first character and the one behind its last; whether it counts; whether it parts clauses."""

Run: TypeAlias = tuple[int, Sequence[Token]]
"""The place in the text that its tokens count their characters from, and the tokens, white space left out."""


class Tokens:
    """Splits texts as spaCy's tokenizer does, which splits each run between spaces by itself."""

    def __init__(self, nlp: Language) -> None:
        self.vocab = nlp.vocab
        self._nlp = nlp
        splitter: Any = nlp.tokenizer
        self._exceptions = frozenset(splitter.rules)
        self._form: Callable[[str], str] = splitter.vocab.lex_attr_getters[NORM]
        self._known = lru_cache(maxsize=KNOWN_RUNS)(self._split)

    def of(self, text: str) -> list[Run]:
        """Return the runs of a text."""
        runs: list[Run] = []
        begin = 0
        for run in text.split(" "):
            runs.append((begin, self._known(run)))
            begin += len(run) + 1
        return runs

    def _split(self, written: str) -> tuple[Token, ...]:
        run = with_straight_apostrophes(written)
        if run.isalpha() and run.isascii() and run not in self._exceptions:  # such a run is one token: no rule parts it
            return (_token(self._form(run), 0, len(run)),)
        return tuple(
            _token(token.norm_, token.idx, token.idx + len(token), parts=_parts(run, token))
            for token in self._nlp.make_doc(run)
            if not token.norm_.isspace()
        )


def _token(word: str, start: int, end: int, *, parts: bool = False) -> Token:
    return word, start, end, word not in DROPPED, parts


def _parts(run: str, token: SpacyToken) -> bool:
    """Tell whether a token parts clauses: the end of a line does, and a sign that makes no one word of two."""
    if "\n" in token.text:
        return True
    return (token.norm_ in CLAUSE_ENDS or token.norm_ in PAUSES) and not _joins(run, token.idx)


def _joins(run: str, at: int) -> bool:
    """Tell whether a hyphen at a place in a run makes one word of two: that in "follow-up" does."""
    return run[at] == "-" and run[at - 1 : at].isalpha() and run[at + 1 : at + 2].isalpha()


def flat(runs: Iterable[Run]) -> Iterator[Token]:
    """Yield all tokens of runs, their places counted from the start of the text."""
    for begin, tokens in runs:
        for word, start, end, counts, parts in tokens:
            yield word, begin + start, begin + end, counts, parts
