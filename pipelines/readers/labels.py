"""Lines that begin with who speaks, as plain text and captions have them: `Customer: …`, `[100:02] Customer:…`."""

import re
from dataclasses import dataclass

from pipelines.readers.roles import named, role_word, written_role

_CLOCK = r"\d{1,3}:\d{2}(?::\d{2})?(?:[.,]\d+)?(?:\s?[AaPp]\.?[Mm]\b\.?)?"
_DATE = r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}(?:[T,]\s?|\s)"
_MOMENT = rf"[\[(<]\s*\d[\d:.,/+>TZAPMapm\s–-]{{0,60}}[\])>]|(?:{_DATE})?{_CLOCK}Z?(?=[\s,|–-])|\d{{1,5}}[.)]?(?=\s)"
_MARKS = r"[\s*_#>•|,–—\u200b-\u200f\u202a-\u202e\ufeff-]*+"
_LABELLED = re.compile(
    rf"{_MARKS}(?:(?:{_MOMENT}){_MARKS})?"
    r'(?P<label>(?:[^:：\[\](){}"<>]|[\[(<][^\[\](){}<>]{1,60}[\])>]|"[^":：]{1,60}"){1,80}?)(?P<colon>[:：])(?P<text>.*)'
)
_WITHIN = re.compile(r"[\[(<]([^\[\](){}<>]+)[\])>]")
PARTICLES = frozenset(
    "af al av bin bint da das de del della den der di do dos du e el ibn la le of ten ter van von y zu".split()
)
WORDS_OF_A_NAME = 3
LETTERS_WITHOUT_CASE = 10
"""Of a word in a script that has no capitals: a longer one is a sentence, where no spaces part its words."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """A line that may begin with who speaks; `tight` tells that no space follows the colon."""

    label: str
    text: str
    tight: bool


def labelled(line: str) -> Labelled | None:
    """Return what a line begins with before a colon, and the rest; None where the colon is of a time or an address."""
    match = _LABELLED.fullmatch(line)
    label = match["label"].strip(" \t*_") if match else ""
    if within := _WITHIN.fullmatch(label):
        label = within[1].strip()
    if not match or not label:
        return None
    text = match["text"].lstrip("*_")
    tight = match["colon"] == ":" and text[:1].strip() != ""
    if tight and (text.startswith("//") or (label[-1].isdigit() and text[0].isdigit() and written_role(label) is None)):
        return None
    return Labelled(label, text.strip(), tight)


def names_somebody(label: str, said: str) -> bool:
    """Tell whether `Label: said` looks like somebody's words: a name of one to three words, and no bare value.

    So `Supervisor: Hello`, `Note: she was cross` and `customer's wife: Hello` do; `Total: 5.20` and `my view: no` do
    not. The words of a name have capitals, or a script without; the first may be a role's.
    """
    first, *others = named(label)[-1].split() or [""]
    if len(others) >= WORDS_OF_A_NAME or (said and not any(map(str.isalpha, said))):
        return False
    return _is_role_s(first) or (_is_name(first) and all(_goes_on(word) for word in others))


def _is_role_s(word: str) -> bool:
    return role_word(word.replace("’", "'").removesuffix("'s")) is not None


def _is_name(word: str) -> bool:
    if word[:1].isupper():
        return True
    without_case = word[:1].isalpha() and not any(one.isupper() or one.islower() for one in word)
    return without_case and len(word) <= LETTERS_WITHOUT_CASE


def _goes_on(word: str) -> bool:
    return _is_name(word) or word.isdigit() or word in PARTICLES
