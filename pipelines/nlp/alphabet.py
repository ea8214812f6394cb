"""Turns as short texts of one letter a word, and phrases as regular expressions over such texts.

A regular expression finds a phrase with gaps in well under a microsecond, where spaCy's token Matcher takes about
fifteen for one pattern. tests/pipelines prove that both find the same.
"""

from collections.abc import Iterable
from functools import lru_cache

from spacy.lang.lex_attrs import is_punct

from detector.playbook import AnyWord, Element, Gap, Sequence, Words
from pipelines.nlp.words import CLAUSE_ENDS

KNOWN_LETTERS = 50_000
WORD, MARK, END = 0x10000, 0xF0000, 0x100000
"""Where the letters of words, of punctuation marks, and of marks that end a clause begin; the first is for all that no
phrase has."""
ANY_WORD = f"[^{chr(MARK)}-{chr(0x10FFFF)}]"
CLAUSE_ENDS_HERE = f"(?![^{chr(END)}-{chr(0x10FFFF)}])"


class Alphabet:
    """Gives each word of a phrasebook a letter of its own; all other words share one, and other marks another."""

    def __init__(self) -> None:
        self._letters: dict[str, str] = {}
        self._learned: set[frozenset[str]] = set()
        self._known = lru_cache(maxsize=KNOWN_LETTERS)(self._letter)

    def learn(self, sequence: Sequence) -> None:
        """Give the words of a phrase their letters. Nothing may be spelled before all phrases are learned."""
        for element in sequence.elements:
            if isinstance(element, Words) and element.options not in self._learned:
                self._learned.add(element.options)
                for word in sorted(element.options):
                    self._letters.setdefault(word, chr(_kind(word) + len(self._letters) + 1))

    def spelled(self, words: Iterable[str]) -> str:
        """Return a turn's words in letters, one a word."""
        return "".join(map(self._known, words))

    def expression(self, sequence: Sequence) -> str:
        """Return the regular expression of a learned phrase; of what starts at a word it takes the longest."""
        return "".join(map(self._piece, sequence.elements)) + (CLAUSE_ENDS_HERE if sequence.at_end else "")

    def _piece(self, element: Element) -> str:
        match element:
            case Words(options, optional):
                letters = "".join(self._letters[word] for word in sorted(options))
                return (letters if len(letters) == 1 else f"[{letters}]") + "?" * optional
            case AnyWord():
                return ANY_WORD
            case Gap(width):
                return f"{ANY_WORD}{{0,{width}}}"
            case _:
                raise AssertionError("word classes are sets of words by now")

    def _letter(self, word: str) -> str:
        return self._letters.get(word) or chr(_kind(word))


def _kind(word: str) -> int:
    """Return where the letters of such a word begin."""
    if word in CLAUSE_ENDS:
        return END
    return MARK if is_punct(word) else WORD
