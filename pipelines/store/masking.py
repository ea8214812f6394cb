"""Card numbers, telephone numbers, e-mail addresses and spoken digit strings are made unreadable, letter by letter.

A masked text is as long as the original, so that character ranges of evidence stay true.
"""

import re

from detector.transcript import Call, CallHeader, Turn

MASK = "•"
LEAST_DIGITS = 6
LEAST_SPOKEN = 4

_SPOKEN = (
    "zero|nought|naught|oh|one|two|three|four|five|six|seven|eight|nine|double|triple|treble|ten|eleven|twelve|"
    "thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|"
    "ninety"
)
# A colon before two digits is a clock's: "10:30, 11:45" is no number.
_BETWEEN = r"(?:[\s,;.…\-–—()/+_#*\u200b-\u200f\u2060\ufeff]|:(?!\d\d(?!\d))){0,4}"
_TOKEN = rf"(?:\d|\b(?:{_SPOKEN})\b|\bo\b)"
_NUMBERS = re.compile(rf"{_TOKEN}(?:{_BETWEEN}{_TOKEN})+", re.IGNORECASE)
_ONE = re.compile(_TOKEN, re.IGNORECASE)
_WITHIN = r"[^\s@<>()\[\],;:\"]"
_SAID = r"[\w+•\-]"
# Nothing is tried again from the middle of a run of letters: a text takes time by its length, whatever is in it.
_ADDRESS = re.compile(rf"(?<!{_WITHIN}){_WITHIN}++\s?@\s?{_WITHIN}++")
_SPOKEN_ADDRESS = re.compile(
    rf"(?<!{_SAID}){_SAID}++(?:(?:\s++(?:dot|underscore|dash|hyphen|minus)\s++|\.){_SAID}++){{0,40}}+\s++at\s++"
    r"[\w\-]++(?:\s++dot\s++[\w\-]++)++",
    re.IGNORECASE,
)
_DOTTED = rf"{_SAID}++(?:\.{_SAID}++)*+"
_BEGINS = rf"(?<!{_SAID})(?<!{_SAID}\.)"
_WRITTEN_ADDRESS = re.compile(
    rf"{_BEGINS}(?P<name>{_DOTTED})\s++at\s++(?P<home>[\w\-]++(?:\.[\w\-]++)++)", re.IGNORECASE
)
_BRACKETED_ADDRESS = re.compile(
    rf"{_BEGINS}{_DOTTED}\s*+[(\[{{<]\s*+(?:at|@)\s*+[)\]}}>]\s*+"
    r"[\w\-]++(?:(?:\s*+[(\[{<]\s*+dot\s*+[)\]}>]\s*+|\s++dot\s++|\.)[\w\-]++)++",
    re.IGNORECASE,
)
_HANDLE = re.compile(r"(?!www\.)(?=.{4})[^\W\d_][\w+•\-]*(?:[._+][\w+•\-.]*\w|(?<=[^\W\d_])\d[\w+•\-.]*)")
"""A name that no word of talk looks like: its parts are joined, or a digit is behind a letter."""
_MAIL = frozenset(
    "aol blueyonder btinternet btopenworld fastmail gmail gmx googlemail hotmail icloud live mac me msn ntlworld "
    "outlook pm proton protonmail rocketmail t-online yahoo yandex ymail zoho".split()
)
"""Where people have their mail: whatever stands before it is a name, but for the words of `_TALK`."""
_TALK = frozenset(
    "a account accounts address am an and are available be by contact down email emails folder form free found "
    "help her here him i in inbox is it live log login look looked looking mail mailbox me message messages more "
    "not now off on one online or out over page password people register security settings shop sign site "
    "somebody someone something start support team that them there these things this those up us was we website "
    "were work working you".split()
)
_READABLE = re.compile(r"\w")


def masked(text: str) -> str:
    """Return the text with what identifies or pays made unreadable; its length stays.

    It is gone over until nothing more is found: what is hidden may leave two halves of something beside each other.
    """
    while (hidden := _once(text)) != text:
        text = hidden
    return text


def masked_header(header: CallHeader) -> CallHeader:
    """Return a call's header, its names masked where they hold what should not be kept."""
    names = {"agent_name": header.agent_name, "customer_name": header.customer_name, "team": header.team}
    return header.model_copy(update={name: masked(text) if text else text for name, text in names.items()})


def masked_turn(turn: Turn) -> Turn:
    """Return a turn with its words masked."""
    return turn.model_copy(update={"text": masked(turn.text)})


def masked_call(call: Call) -> Call:
    """Return a call with its header and all its turns masked."""
    header = masked_header(call)
    names = {"agent_name": header.agent_name, "customer_name": header.customer_name, "team": header.team}
    return call.model_copy(update={**names, "turns": tuple(masked_turn(turn) for turn in call.turns)})


def _once(text: str) -> str:
    text = _NUMBERS.sub(_hide_number, text)
    text = _ADDRESS.sub(lambda found: _hidden(found.group()), text)
    text = _SPOKEN_ADDRESS.sub(lambda found: _hidden(found.group()), text)
    text = _BRACKETED_ADDRESS.sub(lambda found: _hidden(found.group()), text)
    return _WRITTEN_ADDRESS.sub(_hide_written, text)


def _hide_number(found: re.Match[str]) -> str:
    tokens = _ONE.findall(found.group())
    digits = sum(token.isdigit() for token in tokens)
    spoken = len(tokens) - digits
    said = spoken and len(tokens) >= LEAST_SPOKEN
    return _hidden(found.group()) if digits >= LEAST_DIGITS or said else found.group()


def _hide_written(found: re.Match[str]) -> str:
    """Hide an address that is said in part, "jo.bloggs at example.com", but not talk, "look at example.com"."""
    name, home = found["name"].lower(), found["home"].lower().split(".")
    if not home[-1].isalpha() or len(home[-1]) == 1:
        return found.group()
    address = name not in _TALK if home[0] in _MAIL else _HANDLE.fullmatch(name)
    return _hidden(found.group()) if address else found.group()


def _hidden(text: str) -> str:
    return _READABLE.sub(MASK, text)
