"""Raw spaCy token patterns of a playbook, tried before the first call instead of in it."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from spacy.matcher import Matcher
from spacy.tokens import Doc
from spacy.vocab import Vocab

Pattern: TypeAlias = tuple[dict[str, Any], ...]
NEVER_SET = frozenset("TAG POS MORPH LEMMA DEP ENT_TYPE ENT_IOB ENT_ID ENT_KB_ID SENT_START IS_SENT_START _".split())
"""Attributes that a tagger, a parser or an extension would set, of which the text engine has none."""


def what_is_wrong(pattern: Pattern, *, vocab: Vocab) -> str | None:
    """Return why spaCy cannot take a pattern, or None where it can."""
    unset = sorted(name for name in _names(pattern) if name in NEVER_SET)
    if unset:
        return f"asks for {', '.join(unset)}, which the text engine does not set; ORTH is a word in its normalised form"
    matcher = Matcher(vocab, validate=True)
    try:
        matcher.add("pattern", [list(pattern)])
        matcher.add("pattern", [[_once(token)] for token in pattern])
        matcher(Doc(vocab, words=["word"]))
    except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError, re.error) as error:
        return f"is refused by spaCy: {' '.join(str(error).split())}"
    return None


def _names(pattern: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    return (name.upper() for token in pattern for name in token)


def _once(token: Mapping[str, Any]) -> dict[str, Any]:
    """Return a token without its operator, so that what it asks for is tried though the tokens before do not match."""
    return {name: value for name, value in token.items() if name.upper() != "OP"}
