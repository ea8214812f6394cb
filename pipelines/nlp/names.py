"""Personal names heard in a call, and where they stand in a turn."""

import re
from collections.abc import Collection, Container, Iterable, Sequence
from dataclasses import dataclass

from spacy.lang.en.stop_words import STOP_WORDS

from detector.call import TITLES, comparable
from detector.candidate import CUE, Hit
from pipelines.nlp.words import CLAUSE_ENDS, FILLERS, NAME, PAUSES

FOLLOWS, PRECEDES, ASKED, CALLED = "name_follows", "name_precedes", "name_asked", "name_called"
NAME_FACTS = frozenset({FOLLOWS, PRECEDES, ASKED, CALLED})
REPLY_WORDS = 6
NAME_WORDS, FULL_NAME_WORDS = 3, 2
UNLISTED_WORDS, UNLISTED_AGENT_WORDS = 2, 1
"""How many words a name in no list may have; two that an agent says are more often a company."""
WEAK_WITHIN = 3
"""Only so early in a turn do "it is" and "this is" introduce a person."""
STRONG, WEAK, AGENT = "strong", "weak", "agent"
"""How surely a name stands by a cue, and whose it is, as the cue's id tells; see cues.yaml."""

_NOT_NAMES = STOP_WORDS.union(
    FILLERS,
    (
        "yes yeah yep no nope hi hello hey okay ok sure please thanks thank sorry calling ringing phoning speaking "
        "looking having trying going just about right good morning afternoon evening fine great well mr mrs ms miss "
        "mr. mrs. ms. dr. prof. "
        "mister missus doctor dr sir madam maam dear account number order booking reservation card customer first "
        "last name surname spelt spelled address email postcode date birth double letter capital the a an urgent "
        "ridiculous broken wrong day time lord god gosh mate love hang wait one moment second minute back sister "
        "brother mother father mum dad husband wife son daughter friend account's it's that's i'm don't not here "
        "there monday tuesday wednesday thursday friday saturday sunday january february march july september "
        "october november december today tomorrow yesterday certainly absolutely definitely indeed perfect lovely "
        "brilliant excellent correct course need alright awesome cool cheers ta aye nah yup ya exactly understood "
        "nothing never mind what's anytime whenever later tonight soon afterwards straight directly maybe names"
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
_LEADS_TO_CALLS = _CALLS.union(
    "good thank you there again so well and no yes yep yeah great perfect lovely sure alright of course ah oh all "
    "brilliant problem worries".split()
)
"""What an agent's turn begins with before the customer is called by name."""
_GOES_ON = _TALKS_ON.union(
    "thanks thank your it its it's that's this my good nice welcome just so sorry for have please and bye".split()
)
"""What comes behind a name that calls somebody; behind one that tells of somebody comes a verb."""
_IDENTIFIES = frozenset(
    {("is", "that"), ("is", "this"), ("is", "it"), ("was", "that"), ("is",), ("hi", "is"), ("hello", "is")}
)
"""What asks, before a name, whether somebody else bears it."""

_GREETINGS = frozenset("hi hello hey hiya morning afternoon evening welcome there yes".split())
_MAY_PRECEDE = _GREETINGS | TITLES
WRITTEN_TITLES = TITLES.union(f"{title}." for title in TITLES)
SURELY_TITLES = frozenset({"mr"})
"""Normalised words that are titles and nothing else, as "Mrs" and "missus" become; others may be verbs: "miss it"."""
MISS = "miss"
_OFFERS = frozenset({"how", "what", "your"})
_BEFORE_NAMES = _NOT_NAMES | CLAUSE_ENDS | PAUSES
_AFTER_NAMES = frozenset(
    "speaking here calling ringing phoning from with at in and but please thanks thank how what can may i we you your "
    "my it spelt spelled again first last surname now today till".split()
)
"""What a speaker goes on with behind the own name; a verb or noun there makes something else of it."""

_BEFORE_ANSWERS = frozenset(
    "yes yeah yep yup ya sure okay of course certainly absolutely definitely no sorry hi hello well so and um uh it is "
    "this i am that my the name first last surname its names put under thanks thank you please".split()
).union(TITLES, (".", "!"))
"""What may come before a name in the reply to the question for it."""

_PEOPLES = frozenset(
    "english british scottish welsh irish french german spanish portuguese italian polish romanian russian ukrainian "
    "turkish greek arabic persian farsi hindi urdu punjabi bengali tamil chinese mandarin cantonese japanese korean "
    "vietnamese thai indian pakistani bangladeshi african american canadian australian muslim christian catholic "
    "jewish".split()
)
"""Languages and peoples: "I am Spanish", "Polish speaking" name nobody."""

_ADDRESSES = frozenset(
    "lane street road avenue close court drive farm house hall park school college hotel hospital surgery clinic "
    "centre center square way terrace gardens place bank media mobile broadband".split()
)
"""What ends the name of a place or a company: "it's Grange Farm" names nobody."""

_SIGNATURE = re.compile(
    r"(?:(?<=\s)|^)"
    r"(?:\^\s?[A-Za-z]{1,12}|~[A-Za-z]{1,12}|[*/–—-][A-Z][A-Za-z]{0,11}|-[a-z]{2}"
    r"|(?:(?<=[.!?…)] )|(?<=TY )|(?<=hanks )|(?<=hx )|(?<=heers )|(?<=egards ))[–—-] [A-Z][A-Za-z]{0,11})"
    r"(?=(?:\s+x{1,3})?(?:\s*(?:https?://\S+|\d/\d))*\s*$)"
)
_GREETING = re.compile(
    r"\s*(?i:hi|hello|hey|hiya|dear|(?:good )?(?:morning|afternoon|evening)|thanks|thank you|cheers|sorry|bye)"
    r"(?i: again)? ([A-Z][\w'’]+)(?=\s*(?:[,!.–-]|$))"
)
_NOT_GREETED = _NOT_NAMES.union(
    "all team folks guys both everyone everybody customer user friend friends ladies caller pal bud boss bro fella lad "
    "lass hun chief babe darling sweetheart champ valued members people".split()
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


@dataclass(frozen=True, slots=True)
class Said:
    """A turn's words as written and in normalised form, and the number of the clause each stands in."""

    texts: Sequence[str]
    norms: Sequence[str]
    clauses: Sequence[int]

    def ends(self, at: int, *, before: Container[str] = _AFTER_NAMES) -> bool:
        """Tell whether what stands at a place may end there: a clause ends, or a word comes that goes on otherwise."""
        after = at + 1
        return (
            after == len(self.norms)
            or not self.norms[after][0].isalpha()
            or self.norms[after] in before
            or self.clauses[after] != self.clauses[at]
        )

    def has_title(self, at: int) -> bool:
        """Tell whether a title stands at a place, which may be behind the last word."""
        return not WRITTEN_TITLES.isdisjoint(self.norms[at : at + 1])

    def begins(self, at: int) -> bool:
        """Tell whether what stands at a place begins a clause, or comes behind a greeting or "this is"."""
        return (
            at == 0
            or self.norms[at - 1] in _MAY_PRECEDE
            or self.clauses[at - 1] != self.clauses[at]
            or tuple(self.norms[at - 2 : at]) in {("this", "is"), ("it", "is")}
        )


def heard(said: Said, hits: Iterable[Hit], *, asked: bool, opening: bool, everyday: Container[str]) -> tuple[str, ...]:
    """Return the words of names a speaker gave, as names are compared.

    `asked` says that the turn before asked for a name, so that a bare answer is one unless it is an `everyday` word;
    `opening`, that the speaker is heard for the first time: an agent then introduces nobody but himself, and a
    customer's first words may be a full name that no list holds.
    """
    lower_case = not _capitals_tell(said.texts)
    names: list[int] = []
    for hit in hits:
        if hit.kind is CUE and hit.owner == FOLLOWS:
            names.extend(_introduced(said, hit, asked=asked, opening=opening, lower_case=lower_case))
        elif hit.kind is CUE and hit.owner == PRECEDES:
            names.extend(_announced(said, hit, everyday, lower_case=lower_case))
    if asked and not names:
        names.extend(_answered(said, everyday, lower_case=lower_case))
    return tuple(dict.fromkeys(comparable(said.texts[at]) for at in names))


def called(said: Said, hits: Iterable[Hit]) -> tuple[str, ...]:
    """Return the words of names by which an agent calls the customer: greeted as the turn begins, or asked for."""
    lower_case = not _capitals_tell(said.texts)
    begins = next((at for at, norm in enumerate(said.norms) if norm not in _LEADS_TO_CALLS and norm not in PAUSES), 0)
    names = _called_at(said, begins, lower_case=lower_case) if begins or said.has_title(0) else ()
    if names and not said.ends(names[-1], before=_GOES_ON):
        names = ()
    for hit in hits:
        if hit.kind is CUE and hit.owner == CALLED:
            names = (*names, *_called_at(said, hit.last, lower_case=lower_case))
    return tuple(dict.fromkeys(comparable(said.texts[at]) for at in names))


def _called_at(said: Said, at: int, *, lower_case: bool) -> tuple[int, ...]:
    """Return where the name stands that begins at a place, behind a title or not; whose something is, is not called."""
    titled = said.has_title(at)
    run = _run(said, range(at + titled, len(said.texts)), lower_case=lower_case, strict=True)
    if not _is_listed(said, run[:1]) or any(text[0] in "'’" for text in said.texts[run[-1] + 1 : run[-1] + 2]):
        return ()
    return run


def _introduced(said: Said, hit: Hit, *, asked: bool, opening: bool, lower_case: bool) -> Sequence[int]:
    """Return where the name stands that a cue introduces; one in no list needs a title or a clear introduction."""
    weak = hit.rule.startswith(WEAK)
    if weak and hit.first > WEAK_WITHIN:
        return ()
    sure = hit.rule.startswith(STRONG)
    titled = said.has_title(hit.last)
    strict = weak or (AGENT in hit.rule and not sure)
    if sure and _is_named_like_an_auxiliary(said, hit.last):
        return range(hit.last, hit.last + 1 + bool(_surname(said, hit.last + 1, lower_case=lower_case)))
    run = _run(said, range(hit.last + titled, len(said.texts)), lower_case=lower_case, strict=strict)
    if sure or not run or _is_listed(said, run):
        return run
    if said.norms[run[0]] in _PEOPLES or not said.ends(run[-1]):
        return ()
    is_full = len(run) == FULL_NAME_WORDS and said.norms[run[-1]] not in _ADDRESSES
    first_words = opening and said.begins(hit.first) and (AGENT in hit.rule or is_full)
    introduces = not weak or first_words or _is_introduction(said, hit.first, run[-1])
    return run if asked or titled or (introduces and _is_short(run, hit)) else ()


def _is_named_like_an_auxiliary(said: Said, at: int) -> bool:
    """Tell whether a "will" or "may" where a name is due is one: "my name is will", not "my name is, may I ask"."""
    name, after = said.norms[at : at + 1], said.norms[at + 1 : at + 2]
    return not _AUXILIARIES.isdisjoint(name) and _SUBJECTS.isdisjoint(after)


def _surname(said: Said, at: int, *, lower_case: bool) -> Sequence[int]:
    """Return the place of a word that may be a surname, if there is one at it."""
    return _run(said, range(at, min(at + 1, len(said.texts))), lower_case=lower_case, strict=False)


def _is_short(run: Sequence[int], hit: Hit) -> bool:
    """Tell whether words in a row that no list holds are few enough for the name of who says them."""
    return len(run) <= (UNLISTED_AGENT_WORDS if AGENT in hit.rule else UNLISTED_WORDS)


def _is_introduction(said: Said, first: int, name: int) -> bool:
    """Tell whether "this is" and a word in no list introduce a person: behind a greeting, or an offer follows."""
    greeted_before = first > 0 and said.norms[first - 1] in _GREETINGS
    return greeted_before or not _OFFERS.isdisjoint(said.norms[name + 1 : name + 2])


def _announced(said: Said, hit: Hit, everyday: Container[str], *, lower_case: bool) -> Sequence[int]:
    """Return where the name stands that comes before a cue; one in no list must have the clause for itself."""
    run = _run(said, range(hit.first - 1, -1, -1), lower_case=lower_case, strict=True)
    run = run or _full_name_before(said, hit.first, everyday, lower_case=lower_case)
    if not run or _asks_who(said.norms[: run[-1]]):
        return ()
    if _is_listed(said, run):
        return run
    alone = said.begins(run[-1]) and said.ends(hit.last - 1) and said.norms[run[0]] not in _PEOPLES
    is_word = len(run) == 1 and _is_everyday(said, run[0], everyday, lower_case=lower_case)
    return run if alone and not is_word and _is_short(run, hit) else ()


def _full_name_before(said: Said, at: int, everyday: Container[str], *, lower_case: bool) -> tuple[int, ...]:
    """Return where a full name stands before a place whose given name is listed: "hi sarah jones here"."""
    surname = _surname(said, at - 1, lower_case=lower_case)
    is_full = at >= FULL_NAME_WORDS and said.norms[at - FULL_NAME_WORDS] == NAME and said.begins(at - FULL_NAME_WORDS)
    return (at - 1, at - FULL_NAME_WORDS) if surname and is_full and said.norms[at - 1] not in everyday else ()


def _answered(said: Said, everyday: Container[str], *, lower_case: bool) -> Sequence[int]:
    """Return where the name stands in the reply to the question for it; behind one in no list the reply may not go on.

    "Wren." is a name, as is "yes it is Wren"; "Netflix keeps charging me" and "I have been robbed" are none.
    """
    told = [at for at, norm in enumerate(said.norms) if norm not in CLAUSE_ENDS and norm not in PAUSES]
    if told and _is_named_like_an_auxiliary(said, told[0]) and len(told) <= FULL_NAME_WORDS:
        return told if len(told) == 1 or _surname(said, told[-1], lower_case=lower_case) else ()
    start = next((at for at, norm in enumerate(said.norms[:REPLY_WORDS]) if norm not in _BEFORE_NAMES), 0)
    if _is_everyday(said, start, everyday, lower_case=lower_case):
        return ()
    strict = len(said.texts) > REPLY_WORDS
    run = _run(said, range(start, len(said.texts)), lower_case=lower_case, strict=strict)
    if _is_listed(said, run):
        return run
    return run if run and said.ends(run[-1]) and _BEFORE_ANSWERS.issuperset(said.norms[:start]) else ()


def _is_listed(said: Said, run: Iterable[int]) -> bool:
    """Tell whether words in a row hold a known given name."""
    return any(said.norms[at] == NAME for at in run)


def _is_everyday(said: Said, at: int, everyday: Container[str], *, lower_case: bool) -> bool:
    """Tell whether a word is one of every day, and no capital but that of a sentence's start says that it is a name."""
    capital_tells = not lower_case and at > 0 and said.norms[at - 1] not in CLAUSE_ENDS
    return said.norms[at] in everyday and said.norms[at] not in ALSO_WORDS and not capital_tells


def _asks_who(norms: Sequence[str]) -> bool:
    """Tell whether words before a name ask if somebody else bears it: "is that Mrs Diaz speaking"."""
    before = [norm for norm in norms if norm not in TITLES][-2:]
    return tuple(before) in _IDENTIFIES


def _run(said: Said, places: range, *, lower_case: bool, strict: bool) -> tuple[int, ...]:
    """Return where up to three words in a row may be a name; behind a known given name a surname is believed."""
    run: list[int] = []
    for at in places:
        if len(run) == NAME_WORDS or (run and said.clauses[at] != said.clauses[run[0]]):
            break
        if not could_be_name(said.texts[at], said.norms[at], lower_case=lower_case, strict=strict):
            break
        strict = strict and (said.norms[at] != NAME or bool(run) or places.step < 0)
        run.append(at)
    return tuple(run)


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


def with_titled(said: Said, everyday: Container[str]) -> tuple[str, ...]:
    """Return a turn's words, `{name}` for each that a title says is a name, be it in no list: "Mrs Adeyemi"."""
    lower_case = not _capitals_tell(said.texts)

    def is_titled(at: int) -> bool:
        text, norm = said.texts[at], said.norms[at]
        return (
            at > 0
            and _is_title(said, at - 1, lower_case=lower_case)
            and said.clauses[at - 1] == said.clauses[at]
            and not norm.startswith("{")
            and could_be_name(text, norm, lower_case=lower_case, strict=False)
            and not (lower_case and norm in everyday)
        )

    return tuple(NAME if is_titled(at) else norm for at, norm in enumerate(said.norms))


def _is_title(said: Said, at: int, *, lower_case: bool) -> bool:
    """Tell whether a word is a title; in lower case "miss" is one where a call begins: "thank you miss boone"."""
    if not lower_case:
        return said.norms[at] in WRITTEN_TITLES
    return said.norms[at] in SURELY_TITLES or (said.norms[at] == MISS and _leads_to_call(said, at))


def _leads_to_call(said: Said, at: int) -> bool:
    """Tell whether what is in front of a place leads to a call by name, or begins a clause."""
    if at == 0 or said.clauses[at - 1] != said.clauses[at]:
        return True
    before = said.norms[at - 1]
    return before in _LEADS_TO_CALLS and (before != "you" or tuple(said.norms[at - 2 : at - 1]) == ("thank",))


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
    return at > 0 and texts[at - 1] not in CLAUSE_ENDS and _capitals_tell(texts)


def _capitals_tell(texts: Sequence[str]) -> bool:
    """Tell whether capitals mean something in a turn: it has some, and is not all in capitals."""
    initials = "".join([one[:1] for one in texts])
    return initials != initials.lower() and not "".join(texts).isupper()
