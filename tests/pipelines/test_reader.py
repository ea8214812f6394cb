"""The reader: a turn's words with their places, and the playbook's phrases in them."""

from itertools import pairwise

import pytest
from fakes import behaviour, header, playbook_of, turn, unless
from hypothesis import given
from hypothesis import strategies as st

from detector.call import Memory, opened
from detector.candidate import HitKind, Reading
from detector.errors import PlaybookError
from detector.playbook import Cue, Element, Gap, Playbook, Rule, Scope, WordClass, Words, parse
from detector.transcript import Speaker
from pipelines.nlp import SpacyReader
from pipelines.nlp.entries import agent_entries, cue_entries
from pipelines.nlp.reader import READ_CHARACTERS
from pipelines.nlp.words import CLAUSE_ENDS, DROPPED

SMALL = playbook_of(
    behaviour(rules=(Rule(id="rule", phrases=("have a good day",)),), unless=(unless("asked", "did you"),)),
    cues=(Cue(id="bye", phrases=("bye",), fact="call_closed", speaker="customer"),),
    scopes=(
        Scope(id="reported", phrases=("he said",), reach=2),
        Scope(id="denied", phrases=("i never [say]",), reach=3, until=("but", "have")),
        Scope(id="tag", phrases=("she said $",), reach=2, back=True, until=("what", ".")),
    ),
)
MEMORY = opened(header(customer_name="Desmond Achebe", agent_name="Bronwen")).memory


@pytest.fixture(scope="module")
def small() -> SpacyReader:
    """A reader of one rule, one unless entry, one cue and one scope."""
    return SpacyReader(SMALL)


def hits(reading: Reading) -> list[tuple[str, str | None]]:
    """Return kind and voiding entry of the hits."""
    return [(one.kind.value, one.void_by) for one in reading.hits]


@pytest.mark.parametrize(
    ("text", "words", "clauses"),
    [
        ("Uh, thanks um a lot.", ("thanks", "a", "lot", "."), (1, 1, 1, 1)),
        ("thanks, mate. Bye", ("thanks", "mate", ".", "bye"), (0, 1, 1, 2)),
        ("I I am am here", ("i", "am", "here"), (0, 0, 0)),
        ("five five pounds", ("{number}", "{number}", "pounds"), (0, 0, 0)),
        ('"well [noise] said', ("well", "said"), (0, 0)),
        ("write-up", ("write", "up"), (0, 0)),
        ("write - up", ("write", "up"), (0, 1)),
        ("14-day", ("{number}", "day"), (0, 1)),
        ("N.C. is", ("n.c.", "is"), (0, 0)),
        ("it says no\nbye", ("it", "says", "no", "bye"), (0, 0, 0, 1)),
        ("no \r\n bye", ("no", "bye"), (0, 1)),
        ("no\tbye", ("no", "bye"), (0, 0)),
    ],
)
def test_what_does_not_count_is_left_out_and_clauses_are_told_apart(
    small: SpacyReader, text: str, words: tuple[str, ...], clauses: tuple[int, ...]
) -> None:
    """Fillers, marks, pauses and stammered words are left out; commas, dashes, full stops and new lines part clauses.

    A hyphen inside a word does not.
    """
    reading = small.read(turn(0, "agent", text), Memory())

    assert (words, clauses) == (reading.words, reading.clauses)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('It says "have a good day" here', ("it", "says", "❝", "here")),
        ("“Have a good day!” she said", ("❝", "she", "said")),
        ("did he ask 'may I?', or not", ("did", "he", "ask", "❝", "or", "not")),
        ("press ‘Enter’ now", ("press", "❝", "now")),
        ('"Have a good day."', ("have", "a", "good", "day", ".")),
        ("'cause it broke this mornin' see", ("because", "it", "broke", "this", "mornin", "see")),
        ('a 15" screen and a 20" one', ("a", "{number}", "screen", "and", "a", "{number}", "one")),
        ("the members' rooms and the boys' own", ("the", "members", "rooms", "and", "the", "boys", "own")),
    ],
)
def test_what_an_agent_quotes_is_one_sign(small: SpacyReader, text: str, words: tuple[str, ...]) -> None:
    """What is in quotation marks is another's, unless all of the turn is; clipped words and inches quote nothing."""
    assert words == small.read(turn(0, "agent", text), Memory()).words


def test_what_a_customer_quotes_is_read(small: SpacyReader) -> None:
    """What customers quote tells what happened to them."""
    said = turn(0, "customer", 'your page says "bye" and nothing else')

    assert [one.kind for one in small.read(said, Memory()).hits] == [HitKind.CUE]


def test_words_have_their_places_in_the_text(small: SpacyReader) -> None:
    """Each word's span is where it stands in the text as it was said."""
    text = "Uh, I'm  sorry, [noise] Desmond!"

    reading = small.read(turn(0, "agent", text), MEMORY)

    assert [text[start:end] for start, end in reading.spans] == ["I", "'m", "sorry", "Desmond", "!"]
    assert reading.words == ("i", "am", "sorry", "{customer_name}", "!")
    assert reading.characters(0, 3) == (4, 14)


@pytest.mark.parametrize("text", ["", "...", "uh um", "[noise] <unk>", " \n", "\0"])
def test_a_turn_without_words_reads_as_nothing(small: SpacyReader, text: str) -> None:
    """Without a word there is no reading."""
    assert small.read(turn(0, "agent", text), Memory()) == Reading()


def test_agents_are_searched_for_rules_and_customers_for_cues(small: SpacyReader) -> None:
    """Rules are looked for in agents' turns, customers' cues in customers', and nothing in a stranger's."""
    text = "have a good day, bye"

    found = {who: hits(small.read(turn(0, who, text), Memory())) for who in ("agent", "customer", "unknown")}

    assert found == {"agent": [("rule", None)], "customer": [("cue", None)], "unknown": []}


@pytest.mark.parametrize(
    ("text", "void_by"),
    [
        ("have a good day", None),
        ("did you have a good day", "asked"),
        ("did you? have a good day", None),
        ("he said have a good day", "reported"),
        ("he said to my mother have a good day", None),
        ("he said, have a good day", None),
        ("he said: have a good day", "reported"),
        ("he said so: have a good day", None),
        ("did you: have a good day", None),
        ("i never have a good day", "denied"),
        ("i never say have a good day", "denied"),
        ("i never knew have a good day", None),
        ("i never but then have a good day", None),
        ("have a good day, she said", "tag"),
        ("Have a good day! she said.", "tag"),
        ("have a good day indeed she said", "tag"),
        ("have a good day, dear, she said", None),
        ("have a good day. She said", None),
        ("have a good day what she said", None),
        ("have a good day she said so", None),
        ("he said no\nhave a good day", None),
    ],
)
def test_hits_are_void_where_the_playbook_says_so(small: SpacyReader, text: str, void_by: str | None) -> None:
    """An unless entry voids a rule in its clause, a shared scope up to its reach or a clause opened without a pause.

    One that reaches back voids what is in front of it, behind a pause too.
    """
    reading = small.read(turn(0, "agent", text), Memory())

    assert [one.void_by for one in reading.hits if one.kind is HitKind.RULE] == [void_by]


@pytest.mark.parametrize(
    ("behaviour", "text"),
    [
        ("take_ownership", "i'm not sure let me check that for you"),
        ("take_ownership", "I don't know offhand but let me check that for you."),
        ("take_ownership", "I don't have that here but I'll find out for you"),
        ("thank_customer", "we don't charge for that thank you for calling"),
        ("thank_customer", "We don't charge for that and thank you for your patience."),
        ("ask_to_hold", "i can't see it at the moment can i put you on a brief hold"),
        ("wish_well", "i don't want to keep you any longer so have a great day"),
        ("offer_further_help", "i don't think so but is there anything else i can help you with"),
        ("take_ownership", "my manager said yes so I'll get this sorted for you"),
        ("take_ownership", "The driver said Tuesday i'll chase that up for you"),
        ("take_ownership", "the app says delivered but i'll call the depot myself"),
        ("offer_further_help", "the website says it is out for delivery is there anything else i can help you with"),
        ("thank_customer", "they told me you had called so thank you for your patience"),
        ("thank_customer", "i was told by my manager you had called so thank you for your patience"),
        ("wish_well", "she said she would so thanks for letting me know and have a great day"),
        ("apologise", "he said it was a mistake so we do apologise for the mix up"),
        ("take_ownership", "did they give you a reference i can take care of that for you"),
        ("ask_to_hold", "did anyone give you a date can i put you on a brief hold"),
        ("take_ownership", "rather than wait i'll get this sorted for you now"),
        ("take_ownership", "it goes without saying i'll get this sorted for you"),
        ("take_ownership", "no need to call back i'll get this sorted for you"),
        ("offer_further_help", "no need to wait is there anything else i can help you with today"),
        ("take_ownership", "tell them not to worry i'll get this sorted for you"),
        ("ask_to_hold", "if i could just ask you to hold for one moment please"),
        ("take_ownership", "if i could get your name i'll get this sorted for you"),
        ("wish_well", "The system says no\nhave a great day"),
        ("reassure", "no one will charge you"),
        ("take_ownership", "I doubt it but i'll get this sorted for you"),
        ("take_ownership", "that's not right i'll get this sorted for you"),
        ("take_ownership", "there's no way to tell from here let me check that for you"),
        ("set_expectations", "no one will call you back you'll receive an email"),
        ("thank_customer", "We can't thank you enough for your patience"),
        ("acknowledge_loyalty", "we don't take your custom for granted"),
        ("thank_customer", "Thank you for letting me know what he said."),
        ("take_ownership", "i'll look into everything she told you"),
        ("apologise", "I'm really sorry about the things they said"),
        ("take_ownership", "I'll get this sorted for you, my manager said yes."),
        ("take_ownership", "I'll get that sorted for you. I don't know why he said that."),
    ],
)
def test_an_act_behind_a_denial_of_something_else_counts(reader: SpacyReader, behaviour: str, text: str) -> None:
    """The shipped scopes leave alone what a clause of its own says, though no pause parts it from what is denied."""
    found = {one.owner for one in reader.read(turn(0, "agent", text), Memory()).hits if one.void_by is None}

    assert behaviour in found


@pytest.mark.parametrize(
    "text",
    [
        "I'm not allowed to say have a great day",
        "we don't say thank you for calling",
        "I am not going to ask is there anything else",
        "I can't promise I will call you",
        "I can't guarantee that I'll call you back",
        "I'm not sure I can help you with that",
        "I will not tell you to have a great day",
        "I won't be saying thank you for calling",
        "I didn't get to say thank you for calling",
        "I can't honestly say I will call you back",
        "they told me to say thank you so I won't",
        "I'm not allowed to do a follow-up survey on how I did today",
        "The script says: have a great day!",
        "I'm supposed to say: thank you for calling",
        "my manager always says have a great day",
        "they told me to say thank you for calling",
        "i was told by my boss to say have a great day",
        "my trainer said to ask is there anything else i can help you with",
        "the driver said that i'll get this sorted for you",
        "they said they were so sorry for the wait",
        "did she say that i'll get this sorted for you",
        "if i could i would be happy to help you with that",
        "Have a great day, my manager always says.",
        "Have a great day! he said.",
        "Thank you for calling, says the script.",
        "I'll get this sorted for you today, they said.",
        "Is there anything else I can help you with is what the script says.",
        "Have a lovely day is what we're told to say",
        "no one will call you back within two days",
        "you'll never get the card in five to seven days",
        "there's no way I'll get this sorted for you today",
        "there is no chance that i'll get this sorted for you",
        "I doubt you'll receive an email",
        "it's unlikely I'll get this sorted for you",
        "it isn't true that I'll get this sorted for you",
        "we stopped asking is there anything else I can help you with",
        "we no longer say thank you for calling",
        "rather than saying thank you for calling",
        "there's no point in asking is there anything else i can help you with",
        "I was told by my supervisor: is there anything else I can help you with",
    ],
)
def test_an_act_that_is_denied_or_quoted_does_not_count(reader: SpacyReader, text: str) -> None:
    """The shipped scopes void each rule's hit that is denied or reported, behind it or in front."""
    found = [one for one in reader.read(turn(0, "agent", text), Memory()).hits if one.kind is HitKind.RULE]

    assert found
    assert [one for one in found if one.void_by is None] == []


def test_a_long_turn_is_read_from_its_beginning(small: SpacyReader) -> None:
    """Of a very long turn the beginning is read."""
    words = "word other " * READ_CHARACTERS

    reading = small.read(turn(0, "agent", f"have a good day {words} have a good day"), Memory())

    assert hits(reading) == [("rule", None)]
    assert reading.spans[-1][1] <= READ_CHARACTERS


@given(
    text=st.text(max_size=50)
    | st.lists(st.sampled_from(["Desmond", "I'm", ",", "sorry", "bye.", "uh", "[noise]", "\u200b", "four"])).map(
        " ".join
    ),
    speaker=st.sampled_from(list(Speaker)),
)
def test_every_reading_keeps_its_form(reader: SpacyReader, text: str, speaker: Speaker) -> None:
    """Words, spans and clauses go together and forward; hits lie within the words; the same turn reads the same."""
    reading = reader.read(turn(0, speaker, text), MEMORY)

    assert reading == reader.read(turn(0, speaker, text), MEMORY)
    assert not DROPPED.intersection(reading.words)
    assert not reading.words or not CLAUSE_ENDS.issuperset(reading.words)
    assert all(0 <= hit.first < hit.last <= len(reading.words) for hit in reading.hits)
    if speaker in {Speaker.AGENT, Speaker.CUSTOMER}:
        assert len(reading.words) == len(reading.spans) == len(reading.clauses)
        ends = [place for span in reading.spans for place in span]
        assert ends == sorted(ends)
        assert list(reading.clauses) == sorted(reading.clauses)
        assert all(start < end <= len(text) for start, end in reading.spans)


SAID = {"customer_name": "Achebe", "agent_name": "Bronwen", "name": "Maria", "number": "42"}


def _choices(element: Element) -> list[str]:
    if isinstance(element, Words):
        return sorted(element.options)
    return [SAID[element.name] if isinstance(element, WordClass) else "bicycle"]


def test_all_faults_of_a_playbook_are_told_when_the_reader_is_made() -> None:
    """What spaCy refuses and what can never be found come in one error, a cue of both speakers' turns once."""
    rule = Rule(id="greeting", phrases=("uh",), patterns=(({"LEMM": "be"},),))
    cue = Cue(id="bye", phrases=("bye bye",), fact="call_closed", speaker="any")

    with pytest.raises(PlaybookError) as caught:
        SpacyReader(playbook_of(behaviour(rules=(rule,)), cues=(cue,)))

    assert [one.file for one in caught.value.faults] == ["wish_well.yaml", "wish_well.yaml", "shared/cues.yaml"]
    assert [name for name in ("'greeting'", "'uh'", "'bye'", "'bye bye'") if name not in str(caught.value)] == []


def sayings(phrase: str, playbook: Playbook) -> set[str]:
    """Return ways to say a phrase: each word of it in one of them, without a word said twice in a row."""
    made = set()
    for sequence in parse(phrase, word_lists=playbook.shared.words):
        choices = [_choices(one) for one in sequence.elements if not isinstance(one, Gap)]
        for at in range(max(len(options) for options in choices)):
            said = [options[at % len(options)] for options in choices]
            if all(a != b for a, b in pairwise(said)):
                made.add(" ".join(said))
    return made


@pytest.mark.parametrize("speaker", ["agent", "customer"])
def test_every_shipped_phrase_is_found_when_it_is_said(reader: SpacyReader, playbook: Playbook, speaker: str) -> None:
    """No phrase of the shipped playbook is dead: the reader finds each where it is said word for word."""
    entries = agent_entries(playbook) if speaker == "agent" else cue_entries(playbook, "customer")
    dead = []
    for entry, rule in entries:
        for phrase in rule.phrases:
            said = sorted(sayings(phrase, playbook))[:4]
            found = [reader.read(turn(0, speaker, text), MEMORY).hits for text in said]
            wanted = (entry.kind, entry.owner, entry.rule)
            if found and not any(wanted == (hit.kind, hit.owner, hit.rule) for one in found for hit in one):
                dead.append((*wanted, phrase))

    assert dead == []
