"""Files that vendors themselves published: read from beside the project, skipped where they are absent."""

import re
from pathlib import Path

import pytest
from readers.cases import GENUINE

from detector.detect import Detection, Detector
from detector.transcript import Call, Speaker
from pipelines import assemble
from pipelines.readers import NO_ROLES, Roles, reader, sniff
from pipelines.settings import Settings

pytestmark = pytest.mark.skipif(not GENUINE.is_dir(), reason="the genuine samples are not here")
CONTACT_LENS = GENUINE / "aws-contact-lens" / "post-call-v1.1.0.json"
CALL_ANALYTICS = GENUINE / "aws-transcribe-call-analytics" / "example-call.json"
AZURE = GENUINE / "azure" / "conversation-input.json"
ALL_AGENT = GENUINE / "webvtt" / "azure-content-understanding-call.vtt"
ONE_SPEAKER = GENUINE / "webvtt" / "azure-content-understanding-call.speakers.vtt"
GOOGLE = GENUINE / "google-ccai" / "README.md"
DEEPGRAM_VCON = GENUINE / "vcon" / "ab_call_ext_rec_analysis.vcon"


@pytest.fixture(scope="module")
def detector() -> Detector:
    """The detector as it is shipped."""
    return assemble.detector(Settings(_env_file=None))


def call_of(file: Path, *, roles: Roles = NO_ROLES) -> Call:
    """Return the one call of a file in the format it is recognised as."""
    (call,) = reader("auto", file)(file, roles=roles)
    assert isinstance(call, Call)
    return call


def rewarded(detection: Detection) -> set[str]:
    """Return the turns that lead to a reward."""
    return {one.turn_id for one in detection.decisions} if detection.rewards else set()


@pytest.mark.parametrize(
    ("file", "expected", "turns"),
    [
        (CONTACT_LENS, "contact-lens", 10),
        (CALL_ANALYTICS, "transcribe-call-analytics", 37),
        (AZURE, "azure-conversation", 17),
        (ALL_AGENT, "webvtt", 19),
        (DEEPGRAM_VCON, "vcon", 4),
    ],
    ids=lambda value: value.name if isinstance(value, Path) else None,
)
def test_genuine_files_are_recognised_and_read_whole(file: Path, expected: str, turns: int) -> None:
    """Each is known by its content, and every turn is there."""
    assert sniff(file) == expected
    assert len(call_of(file).turns) == turns


def test_a_contact_lens_turn_joins_its_participant(detector: Detector) -> None:
    """Ids of participants and bare roles both say who speaks; an id that all turns share names none of them."""
    call = call_of(CONTACT_LENS)

    assert [turn.speaker for turn in call.turns] == [Speaker.AGENT, Speaker.CUSTOMER] * 5
    assert len({turn.turn_id for turn in call.turns}) == 10


def test_the_customer_s_nice_evening_is_never_rewarded(detector: Detector) -> None:
    """It is the customer who says "have a nice evening": nothing is decided of the turn, with an agent's id or not."""
    call = call_of(CONTACT_LENS, roles=Roles.parse([], ["AGENT=a-1"]))
    last = call.turns[-1]
    decisions = detector.detect(call).decisions

    assert "Have a nice evening" in last.text
    assert last.speaker is Speaker.CUSTOMER
    assert last.turn_id not in {one.turn_id for one in decisions}
    assert "wish_well" not in {one.behaviour for one in decisions}


def test_a_call_that_is_all_agent_gives_no_reward(detector: Detector) -> None:
    """Where every line is tagged Agent, the customer's too, the tags are left as they are and nothing is rewarded."""
    call = call_of(ALL_AGENT, roles=Roles.parse([], ["Agent=a-1"]))
    detection = detector.detect(call)

    assert {turn.speaker for turn in call.turns} == {Speaker.AGENT}
    assert call.agent_id == "a-1"
    assert detection.rewards == ()
    assert detection.scorecard.abstained == ("no customer was heard: nothing is rewarded",)


@pytest.mark.parametrize("file", [ONE_SPEAKER, DEEPGRAM_VCON], ids=lambda file: file.name)
def test_one_speaker_number_for_two_people_is_abstained_from(file: Path, detector: Detector) -> None:
    """Two people under one number are nobody: nothing is decided, and the scorecard says why."""
    call = call_of(file)
    detection = detector.detect(call)

    assert {turn.speaker for turn in call.turns} == {Speaker.UNKNOWN}
    assert detection.decisions == ()
    assert detection.scorecard.abstained == (f"{len(call.turns)} turns without a known speaker",)


def test_even_told_to_be_the_agent_one_number_gives_no_reward(detector: Detector) -> None:
    """A user who says that the one speaker is the agent is believed, and still no customer is heard."""
    call = call_of(DEEPGRAM_VCON, roles=Roles.parse(["0=agent"], ["0=a-1"]))

    assert {turn.speaker for turn in call.turns} == {Speaker.AGENT}
    assert detector.detect(call).rewards == ()


@pytest.mark.skipif(not GENUINE.is_dir(), reason="the genuine samples are not here")
def test_text_vcons_name_their_agents() -> None:
    """Parties have roles and ids; a telephone number in the place of a name is no name."""
    for file in (GENUINE / "vcon").glob("*.vcon.json"):
        call = call_of(file)

        assert {turn.speaker for turn in call.turns} == {Speaker.AGENT, Speaker.CUSTOMER}
        assert call.agent_id is not None
        assert call.agent_name is not None
        assert call.customer_name is None
        assert call.turns[0].start_ms == 0


def test_google_s_example_is_read(tmp_path: Path) -> None:
    """The import format's example has roles, starts from the first entry, and no ends."""
    match = re.search(r"```json\n(.*?)```", GOOGLE.read_text(encoding="utf-8"), re.DOTALL)
    assert match is not None
    file = tmp_path / "chat.json"
    file.write_text(match[1], encoding="utf-8")
    call = call_of(file)

    assert sniff(file) == "google-ccai"
    assert [turn.start_ms for turn in call.turns] == [15_000 * number for number in range(14)]
    assert {turn.end_ms for turn in call.turns} == {None}
    assert call.agent_id is None
