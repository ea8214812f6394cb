"""Normalised words: one form for the many ways a word is written, said or misheard."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

from spacy.attrs import NORM, ORTH
from spacy.lang.en import English
from spacy.language import Language
from spacy.tokenizer import Tokenizer
from spacy.util import compile_infix_regex, compile_prefix_regex, compile_suffix_regex

NAME, CUSTOMER_NAME, AGENT_NAME, NUMBER = "{name}", "{customer_name}", "{agent_name}", "{number}"
SIGNED = "{signed}"
"""A name or initials at the end of a written turn, behind a sign: "^JB", "*TN", "- Rosa"."""
QUOTED = "❝"
"""Stands for what a written turn has in quotation marks: words shown, read out or another's, of which none counts."""
CLAUSE_ENDS = frozenset({".", "?", "!", ";", ":", "…", "..", "..."})
PAUSES = frozenset({",", "-", "–", "—", "--"})
"""Signs that part clauses and are otherwise left out: "thanks, Rosa" is matched as two words."""
FILLERS = frozenset("uh um erm er uhm umm uhh mm".split())
DROPPED = FILLERS | PAUSES | frozenset({"", '"', "'", "“", "”", "‘", "’", "*", "(", ")", "[", "]", "<", ">"})

_NAME_MARKS = ("[name]", "[surname]", "[agent]", "[customer]", "[person]", "[first_name]", "[last_name]")
_MARK = re.compile(
    r"<[^<>]{1,40}>|\[(?!" + "|".join(mark[1:-1] for mark in _NAME_MARKS) + r")[\w -]{1,24}\]", re.IGNORECASE
)
_HANDLES = re.compile(r"\s*(?:@\w+[\s,:]*)+")
_QUOTATIONS = re.compile(
    r"""(?<!\w)(?:"(?=\S)[^"\n]+(?<=\S)"|[“❝][^“”❝❞\n]+[”❞]|«[^«»\n]+»)(?!\w)"""
    r"""|(?<!\w)['‘](?!(?:cause|til|till|em|bout|tis|twas|n|ere|ave|appen|s|d|cos|round|fraid|scuse)\b)(?=\w)"""
    r"""(?:[^'‘’\n]|(?<=\w)['’](?=\w))+(?<=[\w.,!?…])(?<!\win)['’](?!\w)""",
    re.IGNORECASE,
)
"""Pairs of marks that stand as a quotation's; an apostrophe that opens or closes a clipped word ('cause, mornin') and
the sign of inches do not."""
_QUOTATION_MARKS = '"', "“", "❝", "«", "‘", " '", "\n'", "('"
LONGEST_WORD = 80
_ENDLESS = re.compile(rf"(\S{{{LONGEST_WORD}}})\S+")
_INVISIBLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufffd]")
_DIGITS = re.compile(r"[£$€]?\d[\d,.:/-]*(?:st|nd|rd|th|p|pm|am|k|%)?$")
_NUMBER_WORDS = frozenset(
    "zero two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million".split()
)
_PIECES = {"s": "is", "m": "am", "ll": "will", "re": "are", "ve": "have", "d": "would", "nt": "not", "n't": "not"}
_STANDING_PIECES = {f"'{piece}": word for piece, word in _PIECES.items() if piece != "n't"} | {"n't": "not"}
_OPENED = {
    "let's": ("let", "us"),
    "lets": ("let", "us"),
    "wanna": ("want", "to"),
    "gimme": ("give", "me"),
    "lemme": ("let", "me"),
    "dunno": ("do", "not"),
    "cannot": ("can", "not"),
}
_CUTS = {"lets": 3, "cannot": 3}
"""Behind how many letters a word is parted, where it is not before its last two."""
_ABBREVIATIONS = frozenset({"ID", "WED"})
"""What in capitals is no contraction."""
JOINED = {
    ("i", "will"): "ill",
    ("we", "will"): "well",
    ("we", "are"): "were",
    ("it", "is"): "its",
    ("i", "would"): "id",
    ("we", "would"): "wed",
    ("you", "are"): "your",
    ("name", "is"): "names",
}
"""What a recogniser without apostrophes writes for two words, where it is a word of its own too."""

Form: TypeAlias = Callable[[str], str]
Pieces: TypeAlias = list[dict[int, str]]


def normalised_form(*, given_names: frozenset[str], spellings: Mapping[str, str]) -> Form:
    """Return the function from a word as written to its normalised form; applied twice it changes nothing more."""

    def form(text: str) -> str:
        word = _INVISIBLE.sub("", text).lower().strip()
        if word.startswith("{") and word.endswith("}"):
            return word
        word = _STANDING_PIECES.get(word) or spellings.get(word, word)
        if word in _NUMBER_WORDS or _DIGITS.match(word):
            return NUMBER
        return NAME if word in given_names else word

    return form


def without_marks(text: str) -> str:
    """Return the text with marks such as [noise] and <unk> blanked out, as long as before, so that spans stay true."""
    if "<" not in text and "[" not in text:
        return text
    return _MARK.sub(lambda mark: " " * len(mark.group()), text)


def without_handles(text: str) -> str:
    """Return the text with the handles it starts with ("@user @shop") blanked out, as long as before.

    They say whom a post is for, as an envelope does, and are no words of it.
    """
    found = _HANDLES.match(text)
    return text if found is None else " " * found.end() + text[found.end() :]


def without_quotations(text: str) -> str:
    """Return the text with a sign in place of each quotation, as long as before; one that is all quoted as it is.

    Some files have every turn in quotation marks.
    """
    if not any(map(text.__contains__, _QUOTATION_MARKS)) and not text.startswith("'"):
        return text
    blanked = _QUOTATIONS.sub(lambda quotation: QUOTED + " " * (len(quotation[0]) - 1), text)
    return blanked if any(map(str.isalnum, blanked)) else text


def without_endless_words(text: str) -> str:
    """Return the text with what runs on without a space past 80 characters blanked out, as long as before.

    No word is as long; spaCy's time grows with the square of a run of signs.
    """
    if len(text) <= 2 * LONGEST_WORD:
        return text
    return _ENDLESS.sub(lambda run: run[1] + " " * (len(run[0]) - LONGEST_WORD), text)


def tokenizer(form: Form) -> Language:
    """Return spaCy's blank English pipeline, whose tokens' NORM is the normalised form."""
    nlp = English(create_tokenizer=lambda made: _splitter(made, form))
    for lexeme in nlp.vocab:
        lexeme.norm_ = form(lexeme.text)
    return nlp


def _splitter(nlp: Language, form: Form) -> Tokenizer:
    """Return spaCy's English tokenizer with exceptions of our own; made once, as it takes long to take them in."""
    getters: dict[int, Form] = nlp.vocab.lex_attr_getters  # type: ignore[attr-defined]  # not in spaCy's stubs
    getters[NORM] = form
    defaults: Any = nlp.Defaults
    return Tokenizer(
        nlp.vocab,
        rules={**dict(_contractions(defaults.tokenizer_exceptions, form)), **dict(_special_words())},
        prefix_search=compile_prefix_regex(defaults.prefixes).search,
        suffix_search=compile_suffix_regex(defaults.suffixes).search,
        infix_finditer=compile_infix_regex(defaults.infixes).finditer,
        token_match=defaults.token_match,
        url_match=defaults.url_match,
    )


def _contractions(rules: Mapping[str, Pieces], form: Form) -> Iterator[tuple[str, Pieces]]:
    """Yield spaCy's own exceptions with every piece opened to a full word; contractions also in capitals."""
    for written, pieces in rules.items():
        if len(pieces) == 1 and not written[:1].isalpha():
            yield written, pieces
            continue
        opened = [{ORTH: piece[ORTH], NORM: _opened(piece, form)} for piece in pieces]
        yield written, opened
        is_contraction = written[:1].isalpha() and (len(pieces) > 1 or "'" in written)
        if is_contraction and written.upper() not in rules.keys() | _ABBREVIATIONS:
            yield written.upper(), _in_capitals(opened)


def _in_capitals(pieces: Pieces) -> Pieces:
    """Return pieces written in capitals, their normalised words as before."""
    return [{**piece, ORTH: piece[ORTH].upper()} for piece in pieces]


def _opened(piece: Mapping[int, str], form: Form) -> str:
    bare = piece[ORTH].lower().strip("'’")
    norm = piece.get(NORM, piece[ORTH])
    return _PIECES.get(bare) or form(piece[ORTH] if " " in norm else norm)  # one token is one word


def _special_words() -> Iterator[tuple[str, Pieces]]:
    for word, pair in _OPENED.items():
        cut = _CUTS.get(word, len(word) - 2)
        for written in (word, word.capitalize(), word.upper()):
            yield written, [{ORTH: written[:cut], NORM: pair[0]}, {ORTH: written[cut:], NORM: pair[1]}]
    for mark in _NAME_MARKS:
        yield mark, [{ORTH: mark, NORM: NAME}]
        yield mark.upper(), [{ORTH: mark.upper(), NORM: NAME}]
