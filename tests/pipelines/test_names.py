"""Names heard in a call, and where a known name stands."""

import unicodedata

import pytest
from fakes import header, turn

from detector.call import Memory, Past, opened, remember
from detector.candidate import HitKind
from detector.transcript import Speaker
from pipelines.nlp import SpacyReader
from pipelines.nlp.names import greeted, signature, stands_as_name

ASKED = Memory(heard=1, recent=(Past(Speaker.AGENT, ("your", "name"), frozenset({"name_asked"})),))


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("My name is Rosa Diaz.", ("rosa", "diaz")),
        ("my name is rosa diaz", ("rosa", "diaz")),
        ("my name's Rosa", ("rosa",)),
        ("you can call me Bertie", ("bertie",)),
        ("this is Mrs Achterberg", ("achterberg",)),
        ("this is Achterberg calling", ("achterberg",)),
        ("this is maria", ("maria",)),
        ("this is ridiculous", ()),
        ("It is Monday", ()),
        ("I am calling about my bill", ()),
        ("i am very angry", ()),
        ("Thomas speaking", ("thomas",)),
        ("my name is.", ()),
        ("my name is 45", ()),
        ("hello there", ()),
        ("Hello Priya, my card is not working", ()),
        ("hello this is rosa", ("rosa",)),
        ("Hello, this is Wren, I need help", ("wren",)),
        ("Hi, I'm Oluwaseun Adeyemi from Leeds", ("oluwaseun", "adeyemi")),
        ("It's Mr. Abernathy again", ("abernathy",)),
        ("Thankgod Eze is my name", ("thankgod", "eze")),
        ("hi its angela about my refund", ("angela",)),
        ("its broken and im cross", ()),
        ("hi sarah jones here", ("sarah", "jones")),
        ("sarah is here", ()),
        ("My order is late. Kind regards, Sarah Jones", ("sarah", "jones")),
        ("Where is it? Regards, Oluwaseun", ("oluwaseun",)),
        ("Give my regards to your team", ()),
        ("It's Faith Adeyemi.", ("faith", "adeyemi")),
        ("This is Dawn Price, I rang earlier", ("dawn", "price")),
        ("It's Grange Farm.", ()),
        ("My name is Will Tanner", ("will", "tanner")),
        ("my name is may ling", ("may", "ling")),
        ("my name is, may i ask something", ()),
        ("you can call me xiadani", ("xiadani",)),
        ("It's Leeds.", ()),
        ("It's Vodafone.", ()),
        ("That's Visa.", ()),
        ("I am Spanish and I need help", ()),
        ("Hello, I'm Spanish.", ()),
        ("Spanish speaking, please", ()),
        ("I'm Gold and you put me in the middle seat", ()),
        ("Hi, it's Meadow Lane Primary School.", ()),
        ("This is Pickle's mum", ()),
        ("His name is Brian", ()),
        ("The hotel name is Seaview", ()),
        ("you can call me anytime", ()),
        ("you can call me later tonight", ()),
        ("people call me names all day", ()),
        ("I've got the BSB here", ()),
        ("Stop calling me", ()),
        ("I AM ANGRY", ()),
        ("THIS IS RIDICULOUS AND LATE", ()),
    ],
)
def test_a_customers_name_is_heard_where_it_is_given(reader: SpacyReader, text: str, names: tuple[str, ...]) -> None:
    """A name behind "my name is", "this is" or before "speaking" is heard, in lower case; other words are not."""
    assert names == tuple(sorted(reader.read(turn(0, "customer", text), Memory()).names, key=text.lower().index))


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Desmond Achebe", ("desmond", "achebe")),
        ("desmond achebe", ("desmond", "achebe")),
        ("Yes, it's Achebe.", ("achebe",)),
        ("uh achebe", ("achebe",)),
        ("no", ()),
        ("Mark Hill", ("mark", "hill")),
        ("mark", ("mark",)),
        ("hi, Rosa.", ("rosa",)),
        ("certainly patricia brown", ("patricia", "brown")),
        ("Certainly.", ()),
        ("absolutely", ()),
        ("Perfect.", ()),
        ("Okay. Perfect.", ()),
        ("lovely", ()),
        ("of course", ()),
        ("why do you need that", ()),
        ("Refund please", ()),
        ("Oluwaseun.", ("oluwaseun",)),
        ("It's Wren.", ("wren",)),
        ("WREN", ("wren",)),
        ("Sure. Oluwaseun Adeyemi.", ("oluwaseun", "adeyemi")),
        ("yes it's oluwaseun", ("oluwaseun",)),
        ("Wren, and my postcode is LS1", ("wren",)),
        ("papadakis first name dimitra", ("papadakis",)),
        ("missus balogun", ("balogun",)),
        ("Rosa keeps getting cut off", ("rosa",)),
        ("Netflix keeps charging me.", ()),
        ("netflix keeps charging me", ()),
        ("It's Netflix that keeps charging me.", ()),
        ("i have been charged twice", ()),
        ("Why, have Vodafone lost it?", ()),
    ],
)
def test_a_bare_answer_is_a_name_where_one_was_asked_for(
    reader: SpacyReader, text: str, names: tuple[str, ...]
) -> None:
    """Behind the question for a name the answer is one, unless it is a word of every day."""
    assert names == reader.read(turn(1, "customer", text), ASKED).names


def test_a_bare_name_is_nothing_where_none_was_asked_for(reader: SpacyReader) -> None:
    """Two capitals alone make no name."""
    assert reader.read(turn(1, "customer", "Purple Bicycle"), Memory()).names == ()


def test_an_agents_name_is_heard(reader: SpacyReader) -> None:
    """An agent who introduces herself makes her name known as the agent's."""
    said = turn(0, "agent", "Good morning, my name is Bronwen, how can I help?")

    memory = remember(Memory(), said, reader.read(said, Memory()))

    assert memory.agent_names == {"bronwen"}
    assert memory.customer_names == set()


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Hello, is that Patricia speaking?", ()),
        ("is this mrs patricia brown speaking", ()),
        ("hello is patricia here", ()),
        ("Good morning, Patricia speaking.", ("patricia",)),
        ("This is Patricia speaking", ("patricia",)),
    ],
)
def test_whom_an_agent_asks_for_is_not_the_agent(reader: SpacyReader, text: str, names: tuple[str, ...]) -> None:
    """A name in the question who is speaking is not its speaker's."""
    assert names == reader.read(turn(0, "agent", text), Memory()).names


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("You're through to Siobhan", ("siobhan",)),
        ("You're through to Oluwaseun, how can I help?", ("oluwaseun",)),
        ("this is Oluwaseun speaking", ("oluwaseun",)),
        ("you're through to billing, Wren speaking", ("wren",)),
        ("Bayside Smiles, Bron speaking.", ("bron",)),
        ("Hi, this is Wren, how can I help?", ("wren",)),
        ("Hello, you've got Wren today", ("wren",)),
        ("Pulse Fitness, this is Wren.", ("wren",)),
        ("My name is Wren Adeyemi", ("wren", "adeyemi")),
        ("Miss Baptiste speaking", ("baptiste",)),
        ("This is Mr. Abernathy, badge 1148.", ("abernathy",)),
        ("ballymore animal clinic rosa here", ("rosa",)),
        ("Hi, this is Coastal Power, how can I help?", ()),
        ("You're through to Coastal Power faults.", ()),
        ("You've reached Skyhop baggage", ()),
        ("hi you're through to billing how can i help", ()),
        ("I can see you've got Premium with us.", ()),
        ("You've got Premium with us.", ()),
        ("i can see you have got insurance with us", ()),
        ("This is Premium so it includes the router.", ()),
        ("I can see Premium here", ()),
        ("Coastal Power here, how can I help?", ()),
        ("This is Aviva, how can I help?", ()),
        ("this is ryanair how can i help", ()),
        ("Vodafone speaking, how can I help?", ()),
        ("This is Imogen at Aviva, how can I help?", ("imogen",)),
    ],
)
def test_a_company_is_not_the_agents_name(reader: SpacyReader, text: str, names: tuple[str, ...]) -> None:
    """A word in no list is an agent's name only where it stands alone and introduces a person."""
    assert names == reader.read(turn(0, "agent", text), Memory()).names


@pytest.mark.parametrize("text", ["This is Premium.", "It's Biscuit who is coming in", "It's Scotland, in winter."])
def test_who_has_spoken_before_introduces_nobody_by_this_is(reader: SpacyReader, text: str) -> None:
    """Behind the agent's first turn "this is" and a word in no list need a greeting or an offer beside them."""
    assert reader.read(turn(4, "agent", text), Memory(heard=4, agent_turns=2)).names == ()


def found_in_calls(reader: SpacyReader, *said: tuple[str, str]) -> set[str]:
    """Return the behaviours that rules find in the last turn of a call."""
    memory, found = Memory(), set[str]()
    for at, (speaker, text) in enumerate(said):
        one = turn(at, speaker, text)
        reading = reader.read(one, memory)
        memory = remember(memory, one, reading)
        found = {hit.owner for hit in reading.hits if hit.kind is HitKind.RULE and hit.void_by is None}
    return found


@pytest.mark.parametrize(
    "said",
    [
        [("agent", "which city is it?"), ("customer", "It's Leeds."), ("agent", "Okay, Leeds, lovely.")],
        [("customer", "It's Vodafone."), ("agent", "Thanks, Vodafone, I'll note that down.")],
        [("customer", "It's Visa."), ("agent", "Okay, Visa. And the expiry date?")],
        [
            ("agent", "Can I take your name, please?"),
            ("customer", "Netflix keeps charging me."),
            ("agent", "Okay, Netflix, I see."),
        ],
        [("customer", "you can call me anytime"), ("agent", "okay i will and you are welcome anytime")],
        [("customer", "I am Spanish, sorry"), ("agent", "Would you prefer Spanish?")],
        [("agent", "What's the name of the hill?"), ("customer", "Ardmore Brae."), ("agent", "Mind your feet, Brae.")],
        [("agent", "Hi, this is Coastal Power."), ("agent", "You're through to Coastal Power faults.")],
        [("agent", "I can see you've got Premium with us."), ("agent", "This is Premium so it includes the router.")],
        [("agent", "i can see you have got insurance with us"), ("agent", "this is insurance for your home")],
    ],
)
def test_what_is_no_name_is_not_called_by_it_later(reader: SpacyReader, said: list[tuple[str, str]]) -> None:
    """Cities, companies, cards and plans earn neither the use of a name nor an introduction."""
    assert found_in_calls(reader, *said).isdisjoint({"use_customer_name", "introduce_self"})


@pytest.mark.parametrize(
    "said",
    [
        [("agent", "And your name?"), ("customer", "Oluwaseun."), ("agent", "Thanks, Oluwaseun.")],
        [("agent", "And your name?"), ("customer", "It's Wren."), ("agent", "Okay, Wren, lovely.")],
        [("agent", "CAN I TAKE YOUR NAME"), ("customer", "I'M WREN"), ("agent", "THANKS WREN")],
    ],
)
def test_an_unusual_name_that_was_asked_for_is_called(reader: SpacyReader, said: list[tuple[str, str]]) -> None:
    """A name in no list that answers the question for it is the customer's."""
    assert "use_customer_name" in found_in_calls(reader, *said)


@pytest.mark.parametrize(
    ("text", "asks"),
    [
        ("can i take your name please", True),
        ("What's your surname?", True),
        ("Thank you. And your full name?", True),
        ("Please could you confirm your first name for me?", True),
        ("can you spell your last name", True),
        ("And the name on the account?", True),
        ("I've corrected the spelling of your name on the account.", False),
        ("it is on hold under your name", False),
        ("Your name is on the list.", False),
        ("The name on the account is wrong.", False),
    ],
)
def test_who_mentions_a_name_does_not_ask_for_it(*, reader: SpacyReader, text: str, asks: bool) -> None:
    """Questions and requests for the customer's name ask for it; statements about it do not."""
    owners = {hit.owner for hit in reader.read(turn(0, "agent", text), Memory()).hits}

    assert asks is ("name_asked" in owners)


def test_a_greeted_agent_stays_the_agent(reader: SpacyReader) -> None:
    """A customer who greets the agent by name is not called so, and the agent's signature uses no name."""
    memory = opened(header(agent_name="Priya")).memory
    hello = turn(0, "customer", "Hello Priya, my card is not working")

    memory = remember(memory, hello, reader.read(hello, memory))

    assert memory.customer_names == set()
    assert reader.read(turn(1, "agent", "Regards, Priya"), memory).words == ("regards", "{agent_name}")


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("Desmond Achebe", "thank you mr achebe", "thank you mr {customer_name}"),
        ("Desmond Achebe", "Thank you, Desmond.", "thank you {customer_name} ."),
        ("Mark Hill", "thanks mark", "thanks {customer_name}"),
        ("Mark Hill", "Thanks, Mark, bye", "thanks {customer_name} bye"),
        ("Mark Hill", "i will mark it down", "i will mark it down"),
        ("Mark Hill", "I'll mark it down the hill, Mark.", "i will mark it down the hill {customer_name} ."),
        ("Mark Hill", "I WILL MARK IT DOWN", "i will mark it down"),
        ("Mark Hill", "THANKS MARK", "thanks {customer_name}"),
        ("May Wood", "may i help", "may i help"),
        ("May Will", "sorry may i take your postcode", "sorry may i take your postcode"),
        ("May Will", "okay will you hold please", "okay will you hold please"),
        ("May Will", "thanks will i've sent it", "thanks {customer_name} i have sent it"),
        ("John Power Close", "right power is back", "right power is back"),
        ("John Power Close", "okay close the app", "okay close the app"),
        ("John Power Close", "are you close", "are you close"),
        ("John Power Close", "thanks mr power", "thanks mr {customer_name}"),
        ("John Power Close", "thanks power", "thanks {customer_name}"),
        ("John Power Close", "I see, Power, bye", "i see {customer_name} bye"),
        ("John Power Close", "Power, I see.", "{customer_name} i see ."),
        ("John Power Close", "Power is back.", "power is back ."),
        ("O'Brien", "Thanks, O’Brien.", "thanks {customer_name} ."),
        ("Brown, Zoltana", "hi mr brown", "hi mr {customer_name}"),
        ("José", unicodedata.normalize("NFD", "Thanks, José"), "thanks {customer_name}"),
        ("José", unicodedata.normalize("NFD", "Thanks, José."), "thanks {customer_name}"),
        ("R. T. Wood", "r t said so", "r t said so"),
        (None, "thanks achebe", "thanks achebe"),
    ],
)
def test_a_known_name_is_placed_where_it_stands_as_one(
    reader: SpacyReader, name: str | None, text: str, words: str
) -> None:
    """The customer's name is read as such, and a common word that is a name too only where it stands as a name."""
    memory = opened(header(customer_name=name)).memory

    assert words.split() == list(reader.read(turn(0, "agent", text), memory).words)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("He slept, Mrs Adeyemi, and ate.", "he slept mr {name} and ate ."),
        ("Mr. Okonedo, it is here", "mr {name} it is here"),
        ("it is ready mister abara", "it is ready mr {name}"),
        ("it is ready missus abara", "it is ready mr {name}"),
        ("Thank you, Miss Ferrera.", "thank you miss {name} ."),
        ("please tell Dr Okonedo", "please tell dr {name}"),
        ("you might miss ferrera", "you might miss ferrera"),
        ("you might miss the bus", "you might miss the bus"),
        ("Mr and Mrs Okonedo", "mr and mr {name}"),
        ("mr is there more", "mr is there more"),
        ("Good morning, Doctor, it hurts", "good morning doctor it hurts"),
    ],
)
def test_what_a_title_stands_before_is_a_name(reader: SpacyReader, text: str, words: str) -> None:
    """A surname in no list is one behind a title; in small letters only behind what can be nothing but a title."""
    assert words.split() == list(reader.read(turn(0, "agent", text), Memory()).words)


def test_the_customers_name_goes_before_the_agents(reader: SpacyReader) -> None:
    """Where both are called alike, the word is the customer's name."""
    memory = opened(header(customer_name="Desmond", agent_name="Desmond")).memory

    assert reader.read(turn(0, "agent", "thanks desmond"), memory).words == ("thanks", "{customer_name}")


@pytest.mark.parametrize(
    ("texts", "at", "stands"),
    [
        (["mark"], 0, True),
        (["thanks", "mark"], 1, True),
        (["please", "mark", "it"], 1, True),
        (["to", "mark", "it"], 1, False),
        (["well", ",", "mark", "it"], 2, True),
        (["mark", ",", "hello"], 0, True),
        (["I", "mark", "it"], 1, False),
        (["Tell", "Mark", "that"], 1, True),
        (["mark", "it"], 0, False),
    ],
)
def test_capitals_and_pauses_tell_a_name_from_a_word(*, texts: list[str], at: int, stands: bool) -> None:
    """In written text the capital decides; in a recogniser's, the pause and the word before."""
    assert stands is stands_as_name(texts, at)


@pytest.mark.parametrize(
    ("text", "signed"),
    [
        ("Sorry about the wait. *TN", "*TN"),
        ("What is the order number? - Rosa", "- Rosa"),
        ("Please send us a DM -Kha", "-Kha"),
        ("Please DM the barcode. TY - Kieran", "- Kieran"),
        ("The train is Paris - Rome", None),
        ("On it ^ JB https://example.org/a", "^ JB"),
        ("We can do that. - Mel x", "- Mel"),
        ("Done. - Thanks", None),
        ("You are right. - Hugo", None),
        ("that is five -10", None),
        ("we can - yes", None),
        ("two * x", None),
        ("either /or", None),
    ],
)
def test_a_written_turn_is_signed_at_its_end(text: str, signed: str | None) -> None:
    """Initials or a name behind a sign are a signature; the customer's name and common words there are not."""
    span = signature(text, not_of={"hugo"})

    assert signed == (span and text[slice(*span)])


def test_a_signature_is_read_as_one_word(reader: SpacyReader) -> None:
    """The place-holder stands for sign and name together, and its span covers both."""
    text = "On its way. - Rosa x"
    reading = reader.read(turn(0, "agent", text), Memory())

    assert ("on", "its", "way", ".", "{signed}", "x") == reading.words
    assert text[slice(*reading.spans[4])] == "- Rosa"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Hi Xiadani, it is on its way.", "Xiadani"),
        ("  Hello again Xiadani - it is on its way", "Xiadani"),
        ("Hi Team, it is on its way.", None),
        ("Hi There! What is wrong?", None),
        ("Hello Fibrenet support", None),
        ("hi xiadani, it is on its way", None),
        ("It is on its way, Xiadani.", None),
    ],
)
def test_whoever_is_greeted_in_writing_is_a_name(text: str, name: str | None) -> None:
    """A capital behind the greeting and a pause behind that make a name of a word in no list."""
    span = greeted(text)

    assert name == (span and text[slice(*span)])


def test_handles_at_the_start_are_no_words(reader: SpacyReader) -> None:
    """Whom a post is for is left out; a handle further on stays, and places in the text stay true."""
    text = "@user_1 @shop Hi Xiadani, ask @shop"
    reading = reader.read(turn(0, "agent", text), Memory())

    assert ("hi", "{name}", "ask", "@shop") == reading.words
    assert text[slice(*reading.spans[1])] == "Xiadani"


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Hi Marcus 👋", ("marcus",)),
        ("Thanks Dani! We're on it.", ("dani",)),
        ("Hi Zubeyde, thanks for getting in touch.", ("zubeyde",)),
        ("good morning sarah how are you", ("sarah",)),
        ("miss jones i have found it", ("jones",)),
        ("is that julie pearson at mill lane", ("julie", "pearson")),
        ("Am I speaking with Mrs Adeyemi?", ("adeyemi",)),
        ("ok sarah is on holiday this week", ()),
        ("is this emma's account", ()),
        ("Hi Emma here, how can I help?", ()),
        ("Hi, Sarah from accounts speaking", ()),
        ("Thanks Vodafone!", ()),
        ("Hi team, how are we?", ()),
    ],
)
def test_the_customers_name_is_what_an_agent_calls_them_by(
    reader: SpacyReader, text: str, names: tuple[str, ...]
) -> None:
    """Whom an agent greets, thanks or asks for as the turn begins is the customer; who is spoken of is not."""
    reading = reader.read(turn(0, "agent", text), Memory())

    assert names == reading.called
    assert set(names) == remember(Memory(), turn(0, "agent", text), reading).customer_names


@pytest.mark.parametrize(
    ("text", "names"), [("Will Tanner", {"will", "tanner"}), ("May.", {"may"}), ("will it", set())]
)
def test_an_answer_may_be_a_name_that_is_an_auxiliary(reader: SpacyReader, text: str, names: set[str]) -> None:
    """Asked for a name, "will" alone or before a surname is one."""
    assert names == set(reader.read(turn(1, "customer", text), ASKED).names)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("thank you miss boone", ("thank", "you", "miss", "{name}")),
        ("okay miss jones", ("okay", "miss", "{name}")),
        ("you might miss ferrera", ("you", "might", "miss", "ferrera")),
        ("do not miss deliveries", ("do", "not", "miss", "deliveries")),
    ],
)
def test_miss_is_a_title_where_a_call_begins(reader: SpacyReader, text: str, words: tuple[str, ...]) -> None:
    """In lower case "miss" may be a verb; behind a greeting or thanks it is a title."""
    assert words == reader.read(turn(0, "agent", text), Memory()).words
