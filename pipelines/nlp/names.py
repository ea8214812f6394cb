"""Personal names heard in a call, and where they stand in a turn."""

import re
from collections.abc import Collection, Container, Iterable, Iterator, Sequence

from spacy.lang.en.stop_words import STOP_WORDS

from detector.call import TITLES, comparable
from detector.candidate import CUE, Hit
from pipelines.nlp.words import CLAUSE_ENDS, FILLERS, NAME, PAUSES

FOLLOWS, PRECEDES, ASKED = "name_follows", "name_precedes", "name_asked"
NAME_FACTS = frozenset({FOLLOWS, PRECEDES, ASKED})
REPLY_WORDS = 6
NAME_WORDS = 3
WEAK_WITHIN = 3
"""Only so early in a turn do "it is" and "this is" introduce a person."""

_NOT_NAMES = STOP_WORDS.union(
    FILLERS,
    (
        "yes yeah yep no nope hi hello hey okay ok sure please thanks thank sorry calling ringing phoning speaking "
        "looking having trying going just about right good morning afternoon evening fine great well mr mrs ms miss "
        "mister missus doctor dr sir madam maam dear account number order booking reservation card customer first "
        "last name surname spelt spelled address email postcode date birth double letter capital the a an urgent "
        "ridiculous broken wrong day time lord god gosh mate love hang wait one moment second minute back sister "
        "brother mother father mum dad husband wife son daughter friend account's it's that's i'm don't not here "
        "there monday tuesday wednesday thursday friday saturday sunday january february march july september "
        "october november december today tomorrow yesterday certainly absolutely definitely indeed perfect lovely "
        "brilliant excellent correct course need alright awesome cool cheers ta aye nah yup ya exactly understood "
        "nothing never mind what's"
    ).split(),
)
SIGNED_WITHIN = 80
ALSO_WORDS = STOP_WORDS.union(
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
"""Words that are somebody's name too; where they stand tells which."""

_AUXILIARIES = frozenset({"may", "will"})
_FINITE = frozenset("am are is have has had could should would can was were".split())
_SUBJECTS = frozenset("i we you he she it they the".split())
_CALLS = frozenset(
    "thanks cheers hi hello hey hiya dear morning afternoon evening welcome sorry okay ok right bye".split()
)
_TALKS_ON = frozenset("i we you what how let can could there".split())
_IDENTIFIES = frozenset(
    {("is", "that"), ("is", "this"), ("is", "it"), ("was", "that"), ("is",), ("hi", "is"), ("hello", "is")}
)
"""What asks, before a name, whether somebody else bears it."""

_SIGNATURE = re.compile(
    r"(?:(?<=\s)|^)"
    r"(?:\^\s?[A-Za-z]{1,12}|~[A-Za-z]{1,12}|[*/–—-][A-Z][A-Za-z]{0,11}|-[a-z]{2}"
    r"|(?<=[.!?…)] )[–—-] [A-Z][A-Za-z]{0,11})"
    r"(?=(?:\s+x{1,3})?(?:\s*(?:https?://\S+|\d/\d))*\s*$)"
)
_GREETING = re.compile(r"\s*(?i:hi|hello|hey|hiya|dear)(?i: again)? ([A-Z][\w'’]+)(?=\s*[,!.–-])")
_NOT_GREETED = _NOT_NAMES.union(
    "all team folks guys both everyone everybody customer user friend friends ladies caller".split()
)
_VOCATIVE_LEADS = frozenset(
    "thanks thank you okay ok right sorry hi hello morning afternoon evening well yes no sure now so alright "
    "great perfect lovely cheers ta bye please dear oh ah mr mrs ms miss mister missus doctor dr sir auntie uncle "
    "sec second minute moment tick ticks secs there mate".split()
)


def could_be_name(text: str, norm: str, *, lower_case: bool, strict: bool) -> bool:
    """Tell whether a word said where a name is expected may be one."""
    if norm == NAME:
        return True
    if not text[:1].isalpha() or len(text) <= 1 or norm in _NOT_NAMES or text.lower() in _NOT_NAMES:
        return False
    return not strict if lower_case else text[0].isupper()


def heard(
    texts: Sequence[str], norms: Sequence[str], hits: Iterable[Hit], *, asked: bool, everyday: Container[str]
) -> tuple[str, ...]:
    """Return the words of names a speaker gave, as names are compared.

    `asked` says that the turn before asked for a name, so that a bare answer is one unless it is an `everyday` word.
    """
    lower_case = not any(text[:1].isupper() for text in texts)
    names: list[str] = []
    for hit in hits:
        if hit.kind is CUE and hit.owner == FOLLOWS:
            weak = hit.rule.startswith("weak")
            if not weak or hit.first <= WEAK_WITHIN:
                names.extend(_run(texts, norms, range(hit.last, len(texts)), lower_case=lower_case, strict=weak))
        elif hit.kind is CUE and hit.owner == PRECEDES:
            run = tuple(_run(texts, norms, range(hit.first - 1, -1, -1), lower_case=lower_case, strict=True))
            names.extend(() if _asks_who(norms[: hit.first - len(run)]) else run)
    if asked and not names:
        start = next(
            (at for at, norm in enumerate(norms[:REPLY_WORDS]) if norm not in _NOT_NAMES and norm not in PAUSES), 0
        )
        if not _is_everyday(norms, start, everyday, lower_case=lower_case):
            strict = len(texts) > REPLY_WORDS
            names.extend(_run(texts, norms, range(start, len(texts)), lower_case=lower_case, strict=strict))
    return tuple(dict.fromkeys(names))


def _is_everyday(norms: Sequence[str], at: int, everyday: Container[str], *, lower_case: bool) -> bool:
    """Tell whether a word is one of every day, and no capital but that of a sentence's start says that it is a name."""
    capital_tells = not lower_case and at > 0 and norms[at - 1] not in CLAUSE_ENDS
    return norms[at] in everyday and norms[at] not in ALSO_WORDS and not capital_tells


def _asks_who(norms: Sequence[str]) -> bool:
    """Tell whether words before a name ask if somebody else bears it: "is that Mrs Diaz speaking"."""
    before = [norm for norm in norms if norm not in TITLES][-2:]
    return tuple(before) in _IDENTIFIES


def _run(
    texts: Sequence[str], norms: Sequence[str], places: Iterable[int], *, lower_case: bool, strict: bool
) -> Iterator[str]:
    """Yield up to three words in a row that may be a name; behind a known given name a surname is believed."""
    for count, at in enumerate(places):
        if count == NAME_WORDS or norms[at] in CLAUSE_ENDS:
            return
        if not could_be_name(texts[at], norms[at], lower_case=lower_case, strict=strict):
            return
        yield comparable(texts[at])
        strict = False if norms[at] == NAME and count == 0 else strict


def signature(text: str, *, not_of: Collection[str]) -> tuple[int, int] | None:
    """Return where a written turn is signed, unless with a name of `not_of` or with a common word."""
    tail = max(0, len(text) - SIGNED_WITHIN)
    found = _SIGNATURE.search(text, tail)
    if found is None:
        return None
    name = found.group().strip("^~*/-–— ").lower()
    return None if name in _NOT_NAMES or name in not_of else found.span()


def greeted(text: str) -> tuple[int, int] | None:
    """Return where somebody is greeted at the start of a written turn by what can only be a name, listed or not."""
    found = _GREETING.match(text)
    if found is None or found[1].lower() in _NOT_GREETED:
        return None
    return found.span(1)


def stands_as_name(texts: Sequence[str], at: int) -> bool:
    """Tell whether a word that is a known name, and a common word too, is the name at this place."""
    text = texts[at]
    before = texts[at - 1].lower() if at else ""
    after = texts[at + 1].lower() if at + 1 < len(texts) else ""
    if text.lower() in _AUXILIARIES and after in _SUBJECTS and not _is_finite(texts[at + 2 : at + 3]):
        return False
    if _written_amid(texts, at):
        return text[:1].isupper()
    return before in _VOCATIVE_LEADS or after in PAUSES or after in {"", "."} or before in PAUSES


def is_called(texts: Sequence[str], at: int) -> bool:
    """Tell whether an everyday word, which only this customer or agent has for a name, is the name at this place.

    A title before it or a capital amid a sentence tells; else it must be called: "thanks power", "okay power i see".
    """
    before = texts[at - 1].lower() if at else ""
    if before in TITLES:
        return True
    if _written_amid(texts, at):
        return texts[at][:1].isupper()
    after = texts[at + 1].lower() if at + 1 < len(texts) else ""
    if not before or before in CLAUSE_ENDS:
        return texts[at][:1].isupper() and (after in PAUSES or not after)
    return (before in _CALLS or before in PAUSES) and (after in _TALKS_ON or after in PAUSES or after in {"", "."})


def _is_finite(texts: Sequence[str]) -> bool:
    """Tell whether a verb of its own comes next: "will i should", "will i've" call Will, "will i be" does not."""
    return any(text[:1] in {"'", "’"} or text.lower() in _FINITE for text in texts)


def _written_amid(texts: Sequence[str], at: int) -> bool:
    """Tell whether a word stands amid a sentence in writing, where a capital means something."""
    return at > 0 and texts[at - 1] not in CLAUSE_ENDS and any(one[:1].isupper() for one in texts)
