"""What is particular to a format: its traps, each with a few words of its own."""

import json
import os
import struct
import sys
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from readers.cases import SAMPLES

from detector.transcript import Call, Speaker
from pipelines.readers import READERS, Columns, FormatError, InputFault, Roles, reader, sniff

AGENT, CUSTOMER, SYSTEM, UNKNOWN = Speaker.AGENT, Speaker.CUSTOMER, Speaker.SYSTEM, Speaker.UNKNOWN


def read(
    format_name: str, folder: Path, content: Any, *options: str, name: str = "call-1.x"
) -> list[Call | InputFault]:
    """Return what a format's reader makes of content: text, bytes or a value to be written as JSON."""
    file = folder / name
    raw = content if isinstance(content, bytes) else content.encode() if isinstance(content, str) else None
    file.write_bytes(json.dumps(content).encode() if raw is None else raw)
    return list(READERS[format_name].read(file, roles=Roles.parse(options)))


def call(format_name: str, folder: Path, content: Any, *options: str) -> Call:
    """Return the one call of content."""
    (found,) = read(format_name, folder, content, *options)
    assert isinstance(found, Call), str(found)
    return found


def speakers(found: Call) -> list[Speaker]:
    """Return who speaks, turn by turn."""
    return [turn.speaker for turn in found.turns]


def test_a_contact_lens_chat_has_moments_for_offsets(tmp_path: Path) -> None:
    """A chat's times run from its first message; who joined is no turn; a bot is the system."""
    moments = ["2026-03-01T09:00:00.000Z", "2026-03-01T09:00:01.500Z", "2026-03-01T09:00:04.000Z"]
    turns = [
        {"Id": f"m{at}", "ParticipantId": who, "Content": "hi", "ContentType": "text/plain", "AbsoluteTime": moment}
        for at, (who, moment) in enumerate(zip(("B", "C", "A"), moments, strict=True))
    ]
    joined = {"Id": "e", "ParticipantId": "A", "ContentType": "application/vnd.amazonaws.connect.event.joined"}
    roles = (("A", "AGENT"), ("B", "CUSTOM_BOT"), ("C", "CUSTOMER"))
    participants = [{"ParticipantId": one, "ParticipantRole": role} for one, role in roles]
    found = call("contact-lens", tmp_path, {"Participants": participants, "Transcript": [*turns, joined]})

    assert speakers(found) == [SYSTEM, CUSTOMER, AGENT]
    assert [turn.start_ms for turn in found.turns] == [0, 1500, 4000]


def test_an_id_that_several_turns_share_is_nobody_s(tmp_path: Path) -> None:
    """Ids of the vendor are kept where they tell turns apart, and only there."""
    turns = [{"Id": name, "ParticipantId": "AGENT", "Content": "hello"} for name in ("x", "y", "x")]
    found = call("contact-lens", tmp_path, {"Transcript": turns})

    assert [turn.turn_id for turn in found.turns] == ["call-1:0", "y", "call-1:2"]


def test_participants_without_ids_are_joined_to_nobody(tmp_path: Path) -> None:
    """A turn and a participant that both lack an id have nothing to do with each other."""
    document = {"Participants": [{"ParticipantRole": "AGENT"}], "Transcript": [{"Content": "hello"}]}

    assert speakers(call("contact-lens", tmp_path, document)) == [UNKNOWN]


def test_an_end_before_its_start_is_left_out(tmp_path: Path) -> None:
    """A time that cannot be is absent; the turn stays."""
    turn = {"ParticipantId": "AGENT", "Content": "hello", "BeginOffsetMillis": 900, "EndOffsetMillis": 100}
    found = call("contact-lens", tmp_path, {"Transcript": [turn, {**turn, "BeginOffsetMillis": -5}]})

    assert [(turn.start_ms, turn.end_ms) for turn in found.turns] == [(900, None), (None, 100)]


def test_a_missing_field_is_told_by_its_path(tmp_path: Path) -> None:
    """The place in a document is the path of the field."""
    (fault,) = read("transcribe-call-analytics", tmp_path, {"Transcript": [{"Content": "a"}, {"Words": "secret"}]})

    assert str(fault) == f"{tmp_path / 'call-1.x'}: Transcript.1.Content: Field required"


def test_recorded_menus_of_post_call_analytics_are_the_system(tmp_path: Path) -> None:
    """A menu's words are nobody's merit, and a display text that is no role says nothing."""
    said = [("spk_0", False), ("spk_1", False), ("spk_0", True)]
    segments = [{"SegmentSpeaker": one, "IVRSegment": menu, "OriginalText": "hello"} for one, menu in said]
    labels = [{"Speaker": "spk_0", "DisplayText": "Agent 2"}, {"Speaker": "spk_1", "DisplayText": "Speaker 1"}]
    document = {"ConversationAnalytics": {"SpeakerLabels": labels}, "SpeechSegments": segments}

    assert speakers(call("post-call-analytics", tmp_path, document)) == [AGENT, UNKNOWN, SYSTEM]


def test_of_several_agents_of_post_call_analytics_none_is_named(tmp_path: Path) -> None:
    """Two speakers, or two names, and nothing tells who is who: the user may."""

    def found(*names: str, second: str, options: tuple[str, ...] = ()) -> list[str | None]:
        shown = (("spk_0", "Agent 1"), ("spk_1", "Customer"), ("spk_2", second))
        labels = [{"Speaker": one, "DisplayText": text} for one, text in shown]
        segments = [{"SegmentSpeaker": one, "OriginalText": "hello"} for one, _ in shown]
        known = {"Agent": names[0], "Agents": list(names), "SpeakerLabels": labels}
        document = {"ConversationAnalytics": known, "SpeechSegments": segments}
        file = tmp_path / "call.json"
        file.write_text(json.dumps(document), encoding="utf-8")
        (one,) = READERS["post-call-analytics"].read(file, roles=Roles.parse([], options))
        assert isinstance(one, Call)
        return [turn.agent_id for turn in one.turns]

    assert found("a-1", second="Customer 2") == ["a-1", None, None]
    assert found("a-1", "a-2", second="Customer 2") == [None, None, None]
    assert found("a-1", second="Agent 2") == [None, None, None]
    assert found("a-1", "a-2", second="Agent 2", options=("spk_0=a-1", "spk_2=a-2")) == ["a-1", None, "a-2"]


def test_of_several_agents_of_google_only_those_are_named_whom_the_segments_name(tmp_path: Path) -> None:
    """A participant with an agent's id is that agent; else all turns are the one agent's, where only one speaks."""

    def found(*users: str | None, infos: tuple[str, ...], agent: str | None = None) -> list[str | None]:
        segments = [
            {"text": "hello", "channelTag": 1, "segmentParticipant": {"role": "HUMAN_AGENT", "userId": user}}
            for user in users
        ]
        quality = {"agentInfo": [{"agentId": one} for one in infos]}
        document = {"agentId": agent, "qualityMetadata": quality, "transcript": {"transcriptSegments": segments}}
        return [turn.agent_id for turn in call("google-ccai", tmp_path, document).turns]

    assert found(None, None, infos=("a-1",)) == ["a-1", "a-1"]
    assert found(None, None, infos=(), agent="a-1") == ["a-1", "a-1"]
    assert found("7", None, infos=("a-1", "a-2"), agent="a-1") == [None, None]
    assert found("7", "8", infos=("a-1",)) == [None, None]
    assert found("a-2", "a-1", infos=("a-1", "a-2"), agent="a-1") == ["a-2", "a-1"]


def test_a_genesys_agent_is_the_one_on_the_line(tmp_path: Path) -> None:
    """Menus speak before the agents; after a transfer it is the second agent; of two at once none is named."""
    participants = [
        {"participantPurpose": "ivr", "startTimeMs": 0, "endTimeMs": 900},
        {"participantPurpose": "agent", "userId": "u1", "startTimeMs": 1000, "endTimeMs": 2000},
        {"participantPurpose": "agent", "userId": "u2", "startTimeMs": 1900, "endTimeMs": 3000},
    ]
    times = (500, 1500, 1950, 2500)
    phrases = [{"text": "hello", "startTimeMs": at, "participantPurpose": "internal"} for at in times]
    document = {"participants": participants, "transcripts": [{"phrases": phrases}]}
    found = call("genesys", tmp_path, document)

    assert speakers(found) == [SYSTEM, AGENT, AGENT, AGENT]
    assert [turn.agent_id for turn in found.turns] == [None, "u1", None, "u2"]
    assert found.agent_id is None


@pytest.mark.parametrize(("begin", "at"), [(1_700_000_000_000, 1000), (0, 1_700_000_001_000), (0, None)])
def test_where_times_do_not_tell_a_menu_s_words_are_not_the_agent_s(begin: int, at: int | None, tmp_path: Path) -> None:
    """By two clocks, or without a time, an internal phrase is nobody's if there was a menu, else the sole agent's."""
    agent = {"participantPurpose": "agent", "userId": "u1", "startTimeMs": begin + 10_000, "endTimeMs": begin + 90_000}
    menu = {"participantPurpose": "ivr", "startTimeMs": begin, "endTimeMs": begin + 10_000}

    def found(*participants: Any) -> list[tuple[Speaker, str | None]]:
        phrases = [{"text": "hello", "startTimeMs": at, "participantPurpose": "internal"}]
        document = {"participants": participants, "transcripts": [{"phrases": phrases}]}
        return [(turn.speaker, turn.agent_id) for turn in call("genesys", tmp_path, document).turns]

    assert found(menu, agent) == [(UNKNOWN, None)]
    assert found(agent) == [(AGENT, "u1")]


def test_a_user_id_of_google_is_not_taken_for_a_channel(tmp_path: Path) -> None:
    """Who is in channel 1 is not the participant whose id is 1, unless the file tells neither channel nor role."""

    def found(*options: str, **segment: Any) -> list[Speaker]:
        document = {"transcript": {"transcriptSegments": [{"text": "hello", **segment}]}}
        return speakers(call("google-ccai", tmp_path, document, *options))

    assert found("1=agent", channelTag=2, segmentParticipant={"role": "END_USER", "userId": "1"}) == [CUSTOMER]
    assert found("1=agent", channelTag=2, segmentParticipant={"userId": "1"}) == [UNKNOWN]
    assert found("1=agent", channelTag=1, segmentParticipant={"userId": "2"}) == [AGENT]
    assert found("1=agent", segmentParticipant={"userId": "1"}) == [AGENT]
    assert found("u-1=agent", channelTag=2, segmentParticipant={"role": "END_USER", "userId": "u-1"}) == [AGENT]
    assert found(segmentParticipant={"role": "agent"}) == [AGENT]


def test_what_is_in_no_channel_of_twilio_is_nobody_s(tmp_path: Path) -> None:
    """A sentence without a channel and a participant without one have nothing to do with each other."""
    participants = [{"role": "Customer"}, {"role": "Agent", "user_id": "a1"}]
    sentences = [{"media_channel": number, "transcript": "hello"} for number in (None, 2)]
    found = call("twilio", tmp_path, {"channel": {"participants": participants}, "sentences": sentences})

    assert speakers(found) == [UNKNOWN, UNKNOWN]


def test_the_legs_of_genesys_are_in_the_order_of_their_times(tmp_path: Path) -> None:
    """A transfer's second leg may stand first in the file; legs without times stay as they stand."""

    def found(*starts: int | None) -> list[str]:
        legs = [{"phrases": [{"text": str(at), "startTimeMs": at, "participantPurpose": "internal"}]} for at in starts]
        return [turn.text for turn in call("genesys", tmp_path, {"transcripts": legs}).turns]

    assert found(1_700_000_100_000, 1_700_000_000_000) == ["1700000000000", "1700000100000"]
    assert found(900, None, 100) == ["900", "None", "100"]


def test_twilio_s_participants_have_roles_and_pages_are_not_calls(tmp_path: Path) -> None:
    """The transcript resource names channels and call; one page of several is a fault: the end would be missing."""
    sentences = [{"media_channel": number, "transcript": "hello", "sentence_index": number} for number in (1, 2)]
    participants = [
        {"channel_participant": 1, "role": "Customer"},
        {"channel_participant": 2, "role": "Agent", "user_id": "a-5", "full_name": "Jo"},
    ]
    document = {"sid": "GT1", "channel": {"participants": participants}, "sentences": sentences}
    found = call("twilio", tmp_path, document)
    (fault,) = read("twilio", tmp_path, {**document, "meta": {"next_page_url": "https://…"}})

    keyed = call("twilio", tmp_path, {**document, "customer_key": "cust-9"})

    assert (found.call_id, found.agent_id, speakers(found)) == ("GT1", "a-5", [CUSTOMER, AGENT])
    assert keyed.call_id == "GT1"
    assert call("twilio", tmp_path, {"customer_key": "cust-9", "sentences": sentences}).call_id == "cust-9"
    assert "one page of several" in str(fault)


def test_channels_of_a_vcon_are_parties_only_where_there_are_as_many(tmp_path: Path) -> None:
    """Numbered speakers of one channel are not the parties in their order."""
    words = [{"word": "hello", "start": 0, "end": 1, "speaker": 0}, {"word": "bye", "start": 1, "end": 2, "speaker": 1}]
    mono = {"channels": [{"alternatives": [{"transcript": "hello bye", "words": words}]}]}
    stereo = {"channels": [{"alternatives": [{"transcript": one["word"], "words": [one]}]} for one in words]}
    parties = [{"name": "Jo", "role": "agent"}, {"name": "Al", "role": "customer"}]
    dialog = [{"type": "recording", "parties": [1, 0]}]

    def vcon(results: Any) -> Call:
        analysis = [{"type": "transcript", "dialog": 0, "body": {"results": results}}]
        return call("vcon", tmp_path, {"parties": parties, "dialog": dialog, "analysis": analysis})

    assert speakers(vcon(mono)) == [UNKNOWN, UNKNOWN]
    assert speakers(vcon(stereo)) == [CUSTOMER, AGENT]


def test_the_dialogs_of_a_vcon_are_in_the_order_of_their_starts(tmp_path: Path) -> None:
    """Texts and transcripts, in whatever order they stand, are told by dialog; without starts by its number."""

    def found(*minutes: int | None) -> list[str]:
        starts = [{} if at is None else {"start": f"2026-01-01T09:0{at}:00Z"} for at in minutes]
        dialog = [{"type": "recording"}, {"type": "text", "body": "one"}, {"type": "recording"}]
        analysis = [{"type": "transcript", "dialog": at, "body": text} for at, text in ((2, "two"), (0, "zero"))]
        parts = [{**one, **start} for one, start in zip(dialog, starts, strict=True)]
        return [turn.text for turn in call("vcon", tmp_path, {"dialog": parts, "analysis": analysis}).turns]

    assert found(0, 1, 2) == ["zero", "one", "two"]
    assert found(2, 1, 0) == ["two", "one", "zero"]
    assert found(1, 1, 1) == found(None, None, None) == found(2, None, 0) == ["zero", "one", "two"]


def test_a_channel_that_parties_of_a_vcon_share_is_nobody_s(tmp_path: Path) -> None:
    """Parties may be listed by channel; a channel of one is that party's, one of several is unknown."""

    def found(parties: Any) -> list[Speaker]:
        body = channels([("hello", 0.0)], [("bye", 1.0)])
        analysis = [{"type": "transcript", "dialog": 0, "body": body}]
        who = [{"role": "agent"}, {"role": "customer"}, {"role": "agent"}]
        document = {"parties": who, "dialog": [{"type": "recording", "parties": parties}], "analysis": analysis}
        return speakers(call("vcon", tmp_path, document, "1=agent"))

    assert found([0, [1]]) == found([[0], 1]) == [AGENT, AGENT]
    assert found([2, [0, 1]]) == [AGENT, UNKNOWN]
    assert found([[0, 1]]) == [UNKNOWN, AGENT]


def test_a_vcon_holds_segments_too(tmp_path: Path) -> None:
    """Segments of the World Transcription Format have a speaker's label, which is no role."""
    segments = [{"id": 0, "start": 0.5, "end": 1.0, "text": "hello", "speaker": "S1"}]
    analysis = [{"type": "wtf_transcription", "dialog": 0, "body": json.dumps({"segments": segments})}]
    found = call("vcon", tmp_path, {"uuid": "u", "parties": [], "analysis": analysis}, "s1=agent")

    assert [(turn.text, turn.speaker, turn.start_ms) for turn in found.turns] == [("hello", AGENT, 500)]


def test_two_transcripts_of_one_recording_are_read_once(tmp_path: Path) -> None:
    """The first transcript that is known is the recording's; a second one of it would be paid a second time."""

    def transcript(dialog: int | list[int], body: Any, kind: str = "transcript") -> dict[str, Any]:
        return {"type": kind, "dialog": dialog, "body": body}

    segments = {"segments": [{"text": "hello", "speaker": "S1"}]}
    analysis = [
        transcript(0, {"odd": 1}),
        transcript([0], segments, "wtf_transcription"),
        transcript(0, "hello again"),
        transcript(1, "bye"),
        transcript([0, 1], "hello bye"),
    ]
    dialog = [{"type": "recording", "parties": [0, 1]}] * 2
    found = call("vcon", tmp_path, {"uuid": "u", "parties": [], "dialog": dialog, "analysis": analysis})

    assert [turn.text for turn in found.turns] == ["hello", "bye"]


def test_no_transcript_of_a_vcon_is_lost_in_silence(tmp_path: Path) -> None:
    """A list of segments is read; what is of no known kind, may be a repeat or lies elsewhere is a fault."""

    def found(*analysis: Any, dialog: Any = ({"type": "recording"},) * 3) -> list[str]:
        told = [{"type": "transcript", **one} for one in analysis]
        (one,) = read("vcon", tmp_path, {"parties": [], "dialog": list(dialog), "analysis": told})
        return [str(one.message)] if isinstance(one, InputFault) else [turn.text for turn in one.turns]

    segments = [{"speaker": 0, "text": "hello"}, {"speaker": 1, "text": "bye"}]
    elsewhere = {"type": "text", "url": "https://example.org/text"}

    assert found({"dialog": 1, "body": segments}) == ["hello", "bye"]
    assert found({"body": segments}, {"body": "hello bye"}, dialog=[{"type": "recording"}]) == ["hello", "bye"]
    assert found({"dialog": [0, 1], "body": "one"}, {"dialog": 1, "body": "two"}) == ["one"]
    assert "analysis.1.body: is no transcript that is known" in found({"dialog": 0, "body": "a"}, {"dialog": 1})[0]
    assert "analysis.1.dialog: does not tell" in found({"body": "first part"}, {"body": "second part"})[0]
    assert "analysis.1.dialog: another" in found({"dialog": [0, 1], "body": "a"}, {"dialog": [1, 2], "body": "b"})[0]
    assert "dialog.1: its text is at a url" in found(dialog=[{"type": "text", "body": "a"}, elsewhere])[0]


def test_brackets_in_a_plain_transcript_of_a_vcon_are_no_json(tmp_path: Path) -> None:
    """What begins as no JSON does is text; what does, and is broken, is a fault."""
    found, broken = (
        read("vcon", tmp_path, {"parties": [], "dialog": [], "analysis": [{"type": "transcript", "body": body}]})
        for body in ("[music] Hello", '[{"text": "Hello"')
    )

    assert [turn.text for one in found if isinstance(one, Call) for turn in one.turns] == ["[music] Hello"]
    assert ["analysis.0.body: is not JSON"] == [one.message for one in broken if isinstance(one, InputFault)]


def test_whatever_a_chat_of_contact_lens_holds_is_a_turn(tmp_path: Path) -> None:
    """Types of content are compared without regard to case; only events are left aside, content or not."""
    kinds = ("TEXT/plain", "text/markdown", "application/json", "application/vnd.amazonaws.connect.event.typing")
    turns = [{"ParticipantId": "C", "Content": kind, "ContentType": kind} for kind in kinds]
    participants = [{"ParticipantId": "C", "ParticipantRole": "Customer"}]
    found = call("contact-lens", tmp_path, {"Participants": participants, "Transcript": turns})

    assert [turn.text for turn in found.turns] == list(kinds[:3])
    assert set(speakers(found)) == {CUSTOMER}


def test_the_last_page_of_twilio_is_not_the_call(tmp_path: Path) -> None:
    """A page that others come before is as much a part as one that others come behind."""
    document = {"sentences": [{"transcript": "bye"}], "meta": {"previous_page_url": "https://…", "next_page_url": None}}
    (fault,) = read("twilio", tmp_path, document)

    assert "meta.previous_page_url: is one page of several" in str(fault)


@pytest.mark.parametrize("block", ["Two three.", "00:00:05.000 -", "7"])
def test_text_between_cues_is_told(block: str, tmp_path: Path) -> None:
    """What an empty line parts from its cue, or is cut off, is a fault at its line; notes and styles are not."""
    notes = f"WEBVTT\n\nanything\n\n{cues_of((1, 2, '<v Agent>One.')).partition(chr(10) * 2)[2]}\nNOTE so\n\n"
    (fault,) = read("webvtt", tmp_path, f"{notes}{block}\n")

    assert call("webvtt", tmp_path, notes).turns[0].text == "One."
    assert isinstance(fault, InputFault)
    assert (fault.line, fault.message.partition(":")[0]) == (10, "is not a cue")


def test_words_are_put_together_by_speaker(tmp_path: Path) -> None:
    """Without utterances or paragraphs, Deepgram's words of one speaker after another are turns."""
    said = [("hello", 0), ("there", 0), ("hi", 1), ("bye", 0)]
    words = [
        {"word": word, "punctuated_word": word.title(), "speaker": who, "start": at, "end": at + 0.5}
        for at, (word, who) in enumerate(said)
    ]
    results = {"channels": [{"alternatives": [{"transcript": "hello there hi bye", "words": words}]}]}
    found = call("deepgram", tmp_path, {"results": results}, "0=agent")

    assert [turn.text for turn in found.turns] == ["Hello There", "Hi", "Bye"]
    assert speakers(found) == [AGENT, UNKNOWN, AGENT]
    assert (found.turns[0].start_ms, found.turns[0].end_ms) == (0, 1500)


def channels(*told: list[tuple[str, float]]) -> dict[str, Any]:
    """Return results of a channel for each list of words with their starts; a word takes 0.4 seconds."""
    found = [[{"word": word, "start": at, "end": at + 0.4} for word, at in words] for words in told]
    heard = [{"transcript": " ".join(one["word"] for one in words), "words": words} for words in found]
    return {"results": {"channels": [{"alternatives": [one]} for one in heard]}}


def test_words_of_channels_are_put_together_by_pauses_and_by_who_speaks(tmp_path: Path) -> None:
    """Without utterances a channel is cut at pauses, short ones where the other begins in them; not in overlaps."""
    agent = [("hello", 0.0), ("there", 0.5), ("sorry", 2.0), ("for", 2.5), ("that", 3.0), ("bye", 5.0)]
    customer = [("help", 1.3), ("yes", 2.6), ("please", 3.1)]
    found = call("deepgram", tmp_path, channels(agent, customer), "0=agent", "1=customer")

    assert [(turn.text, turn.start_ms) for turn in found.turns] == [
        ("hello there", 0),
        ("help", 1300),
        ("sorry for that", 2000),
        ("yes please", 2600),
        ("bye", 5000),
    ]
    assert speakers(found) == [AGENT, CUSTOMER, AGENT, CUSTOMER, AGENT]


def test_channels_that_nothing_puts_in_order_are_a_fault(tmp_path: Path) -> None:
    """A whole side as one turn is no call: what to ask for is told. Where only one side spoke there is an order."""
    heard = [{"alternatives": [{"transcript": text}]} for text in ("hello", "bye", "")]
    results = [{"results": {"channels": [heard[0], one]}} for one in heard[1:]]
    analysis = [{"type": "transcript", "dialog": 0, "body": results[0]}]
    faults = [
        *read("deepgram", tmp_path, results[0]),
        *read("vcon", tmp_path, {"parties": [], "dialog": [], "analysis": analysis}),
    ]

    assert ["several channels, and no times to put what was said in order: ask for utterances=true"] * 2 == [
        one.message for one in faults if isinstance(one, InputFault)
    ]
    assert [turn.text for turn in call("deepgram", tmp_path, results[1]).turns] == ["hello"]


def test_what_is_not_completed_is_told(tmp_path: Path) -> None:
    """A job that failed, or goes on, is no call without turns."""
    (assembly,) = read("assemblyai", tmp_path, {"status": "error", "text": None, "audio_url": "x"})
    (amazon,) = read("transcribe-call-analytics", tmp_path, {"JobStatus": "FAILED", "Transcript": []})

    assert "not completed" in str(assembly)
    assert "not completed" in str(amazon)


def test_azure_holds_several_calls(tmp_path: Path) -> None:
    """Each conversation is a call; those without an id are told apart by their place."""
    items = [{"participantId": "Agent_1", "lexical": "hello"}]
    document = {"analysisInput": {"conversations": [{"conversationItems": items}, {"conversationItems": items}]}}
    found = read("azure-conversation", tmp_path, document)

    assert [one.call_id for one in found if isinstance(one, Call)] == ["call-1:0", "call-1:1"]


def test_an_azure_id_that_is_only_a_number_in_its_request_names_no_call(tmp_path: Path) -> None:
    """Two requests each have their conversation 1; an id that tells calls apart stands as it is."""
    items = [{"participantId": "Agent_1", "text": "hello"}]
    document = {"conversations": [{"id": name, "conversationItems": items} for name in ("1", "2b601070-f418")]}
    found = [*read("azure-conversation", tmp_path, document), *read("azure-conversation", tmp_path, document, name="b")]

    assert [one.call_id for one in found[:2] if isinstance(one, Call)] == ["call-1:1", "2b601070-f418"]
    assert [one.call_id for one in found[2:] if isinstance(one, Call)] == ["b:1", "2b601070-f418"]


def test_a_bad_conversation_of_azure_leaves_the_others(tmp_path: Path) -> None:
    """Each conversation is read by itself: what is wrong with one is told with its place, without its words."""
    items = [{"participantId": "Agent_1", "maskedItn": "hello"}]
    wordless = [*items, {"participantId": "Agent_1", "secret": "secret"}]
    bad = [{"id": "w", "conversationItems": wordless}, {"secret": "secret"}, "secret"]
    good = [{"id": name, "conversationItems": items} for name in ("a", "b")]
    found = read("azure-conversation", tmp_path, {"conversations": [good[0], *bad, good[1]]})
    faults = [one.message for one in found if isinstance(one, InputFault)]

    assert [(one.call_id, one.turns[0].text) for one in found if isinstance(one, Call)] == [
        ("call-1:a", "hello"),
        ("call-1:b", "hello"),
    ]
    assert faults[:2] == [
        "conversations.1: conversationItems.1: has neither text nor itn nor lexical nor maskedItn",
        "conversations.2: conversationItems: Field required",
    ]
    assert faults[2].startswith("conversations.3: ")
    assert "secret" not in "".join(faults)


@pytest.mark.parametrize("bad", ['{"conversation_id":"x","utterances":["hello"]}', '{"id":"x","before":"hello"}', "7"])
def test_a_bad_labelled_line_leaves_the_others(bad: str, tmp_path: Path) -> None:
    """Whatever a line holds in place of a conversation is a fault at its line, and the next one is read."""
    good = '{"conversation_id":"y","utterances":[{"speaker":"agent","text":"hi","labels":[]}]}'
    fault, found = read("labelled", tmp_path, f"{bad}\n{good}\n")

    assert isinstance(fault, InputFault)
    assert fault.line == 1
    assert isinstance(found, Call)


def test_a_labelled_conversation_may_have_the_id_0_and_roles_with_capitals(tmp_path: Path) -> None:
    """Zero is an id as others are, and a role is one whatever its case."""
    turns = [{"speaker": "Agent", "text": "hi"}, {"speaker": "CUSTOMER", "text": "hi"}]
    found = call("labelled", tmp_path, {"conversation_id": 0, "utterances": turns})

    assert (found.call_id, speakers(found)) == ("0", [AGENT, CUSTOMER])


@pytest.mark.parametrize("moment", ["soon", "2024-05-01T10:00:00+00:00[Europe/Paris]", {}, []])
def test_a_time_that_cannot_be_read_is_absent(moment: Any, tmp_path: Path) -> None:
    """The words are worth more than when they were said, be the time a moment or a number."""
    dialog = [{"type": "text", "start": moment, "body": "hello"}]
    sentences = [{"transcript": "hello", "start_time": moment, "media_channel": 1}]
    entries = [{"role": "AGENT", "text": "hello", "start_timestamp_usec": moment}]
    found = (
        call("vcon", tmp_path, {"parties": [], "dialog": dialog}),
        call("twilio", tmp_path, {"sentences": sentences}),
        call("google-ccai", tmp_path, {"entries": entries}),
    )

    assert [(turn.text, turn.start_ms) for one in found for turn in one.turns] == [("hello", None)] * 3


def test_several_voices_in_a_cue_are_several_turns(tmp_path: Path) -> None:
    """A cue may hold more than one voice, with tags and entities in it; notes and styles are not said."""
    cue = "00:01.000 --> 00:02.500 align:start\n<v.loud Agent>Tea &amp; <i>toast</i>?</v> <v Customer>Tea.\nOnly tea."
    text = f"WEBVTT - made up\nLanguage: en-IE\n\nSTYLE\n::cue {{}}\n\nNOTE Agent: no\n\none\n{cue}\n"
    found = call("webvtt", tmp_path, text)

    assert [turn.text for turn in found.turns] == ["Tea & toast?", "Tea. Only tea."]
    assert speakers(found) == [AGENT, CUSTOMER]
    assert (found.turns[1].start_ms, found.turns[1].end_ms, found.language) == (1000, 2500, "en-IE")


def cues_of(*cues: tuple[int, int, str]) -> str:
    """Return a file of cues, each from one hundredth of a minute to another."""
    told = (f"00:{start:02}.000 --> 00:{end:02}.000\n{text}\n" for start, end, text in cues)
    return "\n".join(("WEBVTT\n", *told))


def test_a_sentence_cut_by_captions_is_one_turn(tmp_path: Path) -> None:
    """While the same voice goes on without a pause; what ended, and another voice, is a turn of its own."""
    cues = [
        (1, 3, "<v Agent>Thanks for calling, my name"),
        (3, 4, "<v Agent>is Deborah. How can I"),
        (4, 5, "<v Agent>help?"),
        (5, 6, "<v Agent>Hello?"),
        (6, 7, "<v Customer>my card is"),
        (7, 8, "<v Agent>yes"),
        (8, 9, "<v Customer>gone"),
        (12, 13, "<v Customer>really gone"),
    ]
    found = call("webvtt", tmp_path, cues_of(*cues))

    assert [turn.text for turn in found.turns] == [
        "Thanks for calling, my name is Deborah. How can I help?",
        "Hello?",
        "my card is",
        "yes",
        "gone",
        "really gone",
    ]
    assert (found.turns[0].start_ms, found.turns[0].end_ms) == (1000, 5000)


def test_captions_of_nobody_known_are_not_put_together(tmp_path: Path) -> None:
    """Two cues without a name may be two people's; and an unpunctuated monologue is not one turn without end."""
    nameless = call("webvtt", tmp_path, cues_of((1, 2, "is that"), (2, 3, "yes it is")))
    monologue = call("webvtt", tmp_path, cues_of(*((at, at + 1, f"<v Agent>{'so ' * 20}") for at in range(6))))

    assert [turn.text for turn in nameless.turns] == ["is that", "yes it is"]
    assert [len(turn.text.split()) for turn in monologue.turns] == [60, 60]


def test_a_colon_is_not_a_name(tmp_path: Path) -> None:
    """In a file whose cues bear no names, words before a colon are words."""
    cues = "00:01.000 --> 00:02.000\nHello there.\n\n00:03.000 --> 00:04.000\nThe number is: 42\n"
    found = call("webvtt", tmp_path, f"WEBVTT\n\n{cues}")

    assert [turn.text for turn in found.turns] == ["Hello there.", "The number is: 42"]


def test_a_broken_cue_is_told_with_its_line(tmp_path: Path) -> None:
    """A cue whose times cannot be read spoils the call: it is not passed over in silence."""
    text = "WEBVTT\n\n00:01.000 --> 00:02.000\nHello\n\n00:99.x --> 00:04.000\nsecret\n"
    (fault,) = read("webvtt", tmp_path, text)

    assert isinstance(fault, InputFault)
    assert fault.line == 6
    assert "secret" not in str(fault)


def test_plain_text_goes_on_over_lines_and_leaves_times_aside(tmp_path: Path) -> None:
    """A label is a role, or told, or comes twice; a colon in what is said is none of these."""
    text = "[00:01] Agent: Hello,\n  dear.\n\nJo Marsh: The total is this:\nsum: 4\n[00:09] Agent: Fine.\n"
    found = call("plain-text", tmp_path, text, "jo marsh=customer")

    assert [turn.text for turn in found.turns] == ["Hello, dear.", "The total is this: sum: 4", "Fine."]
    assert speakers(found) == [AGENT, CUSTOMER, AGENT]
    assert {turn.start_ms for turn in found.turns} == {None}


def test_who_speaks_once_in_plain_text_is_no_part_of_the_turn_before(tmp_path: Path) -> None:
    """Somebody new is unknown until told; a bare value, or words without capitals, are what the speaker says."""
    text = (
        "Call Notes: made up\nAgent: Hello.\nCustomer: My card\nAgent: One moment.\nSupervisor: Have a great day!\n"
        "Agent: So:\nTotal: 5.20\nand then: bye\nJo Marsh:\nGoodbye\n"
    )
    found = call("plain-text", tmp_path, text)

    assert [turn.text for turn in found.turns] == [
        "Call Notes: made up",
        "Hello.",
        "My card",
        "One moment.",
        "Have a great day!",
        "So: Total: 5.20 and then: bye",
        "Goodbye",
    ]
    assert speakers(found) == [UNKNOWN, AGENT, CUSTOMER, AGENT, UNKNOWN, AGENT, UNKNOWN]


@pytest.mark.parametrize(
    ("line", "speaker"),
    [
        ("Customer:Have a lovely day!", CUSTOMER),
        ("Customer\uff1aHave a lovely day!", CUSTOMER),
        ("[100:02] Customer: Have a lovely day!", CUSTOMER),
        ("00:12 Customer: Have a lovely day!", CUSTOMER),
        ("10:02 AM - Customer: Have a lovely day!", CUSTOMER),
        ("[2026-03-02 09:14:05] Customer: Have a lovely day!", CUSTOMER),
        ("17 Customer: Have a lovely day!", CUSTOMER),
        ("- **Customer:** Have a lovely day!", CUSTOMER),
        ('Customer (Anna "Annie" Lee): Have a lovely day!', CUSTOMER),
        ("Customer (00:12): Have a lovely day!", CUSTOMER),
        ("[Customer]: Have a lovely day!", CUSTOMER),
        ("<Customer>: Have a lovely day!", CUSTOMER),
        ("\u200eCustomer: Have a lovely day!", CUSTOMER),
        ("Maria de Souza: Have a lovely day!", UNKNOWN),
        ("customer's wife: Have a lovely day!", UNKNOWN),
        ("Customer Lee:Have a lovely day!", UNKNOWN),
        ("\u5ba2\u6237: Have a lovely day!", UNKNOWN),
    ],
)
def test_a_line_of_another_speaker_is_never_the_agent_s(line: str, speaker: Speaker, tmp_path: Path) -> None:
    """However its label is written, and though it comes once, what it says is a turn of its own."""
    found = call("plain-text", tmp_path, f"Agent: Hello.\n{line}\nAgent: Bye.\n")

    assert [turn.text for turn in found.turns] == ["Hello.", "Have a lovely day!", "Bye."]
    assert speakers(found) == [AGENT, speaker, AGENT]


@pytest.mark.parametrize(
    "line",
    [
        "the code is: twelve",
        "http://example.org/a is it",
        "Https://example.org is it",
        "10:30 works for us",
        "At 10:30 we open",
        "my view:no",
        "Total:5.20",
        "This is what we do: nothing",
        "\u60a8\u7684\u8ba2\u5355\u53f7\u7801\u73b0\u5728\u662f\u8fd9\u4e2a: A",
    ],
)
def test_a_colon_in_what_is_said_is_no_speaker(line: str, tmp_path: Path) -> None:
    """A sentence, a time or an address on a line of its own goes on with the turn."""
    found = call("plain-text", tmp_path, f"Agent: Look:\n{line}\nCustomer: Yes.\n")

    assert [(turn.text, turn.speaker) for turn in found.turns] == [(f"Look: {line}", AGENT), ("Yes.", CUSTOMER)]


def test_times_and_addresses_are_no_speakers_however_often_they_come(tmp_path: Path) -> None:
    """What begins two lines is a label only where a space follows its colon."""
    lines = ("10:30 works", "10:45 works", "https://a is it", "https://b is it", "mailto:a is it", "mailto:b is it")

    assert len(call("plain-text", tmp_path, "\n".join(("Agent: Look:", *lines))).turns) == 1


def test_a_label_may_have_a_name_in_brackets(tmp_path: Path) -> None:
    """The role is what it is without the name; the name tells two agents apart."""
    text = "Agent (Anna): Hello.\nCustomer [Jo]: Hi.\nAgent (Ben): Bye (for now): bye.\nWe said (twice): no\n"
    file = tmp_path / "call-1.txt"
    file.write_text(text, encoding="utf-8")
    (found,) = reader("auto", file)(file, roles=Roles.parse([], ["Anna=a-1", "Ben=a-2"]))

    assert isinstance(found, Call)
    assert [turn.text for turn in found.turns] == ["Hello.", "Hi.", "Bye (for now): bye. We said (twice): no"]
    assert speakers(found) == [AGENT, CUSTOMER, AGENT]
    assert [turn.agent_id for turn in found.turns] == ["a-1", None, "a-2"]


def test_each_line_of_a_cue_may_have_its_own_speaker(tmp_path: Path) -> None:
    """Where names stand before the text, another name at the head of a line opens a turn; a value does not."""
    cues = ["Agent: Well,\nthat is all.\nTotal: 5\nCustomer: Thank you!", "- Customer: Bye\n- Agent: Bye", "Jo:\nHm"]
    text = "\n\n".join(f"00:0{at}.000 --> 00:0{at}.900\n{cue}" for at, cue in enumerate(cues))
    found = call("webvtt", tmp_path, f"WEBVTT\n\n{text}\n")

    assert [turn.text for turn in found.turns] == ["Well, that is all. Total: 5", "Thank you!", "Bye", "Bye", "Hm"]
    assert speakers(found) == [AGENT, CUSTOMER, CUSTOMER, AGENT, UNKNOWN]


@pytest.mark.parametrize(
    ("cue", "speaker"),
    [
        ("Agent: One moment.\nCustomer:Have a lovely day!", CUSTOMER),
        ("Agent: One moment.\n<i>Customer</i>: Have a lovely day!", CUSTOMER),
        ("Agent: One moment.\nMaria de Souza: Have a lovely day!", UNKNOWN),
        ("<v Agent>One moment.\nCustomer: Have a lovely day!", CUSTOMER),
        ("<v Agent>One moment. <v>Have a lovely day!", UNKNOWN),
        ("<v Agent>One moment. <V Customer>Have a lovely day!</V>", CUSTOMER),
    ],
)
def test_another_speaker_s_words_in_a_cue_are_never_the_agent_s(cue: str, speaker: Speaker, tmp_path: Path) -> None:
    """However names and voices are written, another one opens a turn."""
    found = call("webvtt", tmp_path, cues_of((1, 2, cue)))

    assert [(turn.text, turn.speaker) for turn in found.turns] == [
        ("One moment.", AGENT),
        ("Have a lovely day!", speaker),
    ]


def test_a_voice_keeps_what_it_says_of_a_colon(tmp_path: Path) -> None:
    """A note or a value in a tagged voice, in most cues even, is what that voice says."""
    cues = [(at, at + 1, f"<v Agent>Note: it is\nworth: {at}.") for at in (1, 4)]

    assert [(turn.text, turn.speaker) for turn in call("webvtt", tmp_path, cues_of(*cues)).turns] == [
        ("Note: it is worth: 1.", AGENT),
        ("Note: it is worth: 4.", AGENT),
    ]


def test_words_behind_a_voice_are_nobody_s(tmp_path: Path) -> None:
    """A voice ends with its tag."""
    found = call("webvtt", tmp_path, "WEBVTT\n\n00:01.000 --> 00:02.000\n<v Agent>Have a nice day.</v> You too!\n")

    assert [(turn.text, turn.speaker) for turn in found.turns] == [("Have a nice day.", AGENT), ("You too!", UNKNOWN)]


def test_the_rows_of_a_call_stand_together(tmp_path: Path) -> None:
    """A call whose rows stand apart is not made into two; a wrong row spoils its own call only."""
    rows = ["a,agent,hello", "b,agent,hello", "a,customer,hi", "c,agent", "d,agent,hello"]
    found = read("csv", tmp_path, "\n".join(["call_id,speaker,text", *rows]))
    told = "the rows of a call stand apart: it was read without those from here on; sort the file by call, then by time"

    assert [one.call_id for one in found if isinstance(one, Call)] == ["a", "b", "d"]
    assert [(one.line, one.message) for one in found if isinstance(one, InputFault)] == [
        (4, told),
        (5, "has 2 fields, the header has 3; its call is left out"),
    ]


@pytest.mark.parametrize("turns", ['"Turns": []', '"utterances": []', '"agent_id": "a-1"'])
def test_a_native_call_whose_turns_are_called_otherwise_is_a_fault(turns: str, tmp_path: Path) -> None:
    """A call without `turns` is told with its line; one in which nothing was said is a call."""
    missing, silent = read("native", tmp_path, f'{{"call_id": "c", {turns}}}\n{{"call_id": "d", "turns": []}}\n')

    assert isinstance(missing, InputFault)
    assert (1, "the call: turns: the field is missing; a call with nothing said has []") == (
        missing.line,
        missing.message,
    )
    assert isinstance(silent, Call)


def test_columns_that_are_not_there_are_told(tmp_path: Path) -> None:
    """The message says how many columns there are and which of them are known, and what to give."""
    file = tmp_path / "turns.csv"
    file.write_text("call_id,who,what\na,agent,hello\n", encoding="utf-8")
    (unknown,) = reader("csv", file)(file)
    (missing,) = reader("csv", file, columns=Columns.parse(["text=words"]))(file)

    assert "give --column text=COLUMN; of its 3 columns these are known: call_id" in str(unknown)
    assert "there is no column 'words'; of its 3 columns these are known: call_id" in str(missing)


@pytest.mark.parametrize("columns", [(), ("text=words",)], ids=["none named", "one named"])
def test_a_table_without_a_header_tells_no_words(columns: tuple[str, ...], tmp_path: Path) -> None:
    """The first line of a table that has no header is what somebody said: none of it stands in the message."""
    file = tmp_path / "turns.csv"
    file.write_text("c-1,agent,my card number is 4929 1234\nc-1,customer,hello\n", encoding="utf-8")
    (fault,) = reader("csv", file, columns=Columns.parse(columns))(file)

    assert "of its 3 columns none is known: is the first line a header?" in str(fault)
    assert not any(word in str(fault) for word in ("c-1", "card", "4929"))


SPOILT_ROWS = {
    "other encoding": ("b,agent,caf\xe9 please".encode("latin-1"), "is not UTF-8 text"),
    "quote": (b'b,agent,"Hello" she said', "is not CSV: ',' expected after '\"'"),
    "open quote": (b'b,agent,"Hello', "is not CSV: ',' expected after '\"'"),
    "binary": (b"b,agent,\x00", "is binary, not text"),
    "too long": (b'b,agent,"' + b"x" * 17_000_000 + b'"', "the line is longer than 16 MB"),
}


@pytest.mark.parametrize(("row", "message"), SPOILT_ROWS.values(), ids=SPOILT_ROWS)
def test_a_row_that_cannot_be_read_leaves_out_its_own_call_only(row: bytes, message: str, tmp_path: Path) -> None:
    """The row is told with its line; the calls before and behind it are whole."""
    good = [b"a,agent,hello", b"b,customer,hello", row, b"b,agent,bye", b'c,agent,"well, hello"', b"c,agent,bye"]
    found = read("csv", tmp_path, b"\n".join([b"call_id,speaker,text", *good]))

    assert [(one.call_id, len(one.turns)) for one in found if isinstance(one, Call)] == [("a", 1), ("c", 2)]
    assert [(one.line, one.message) for one in found if isinstance(one, InputFault)] == [
        (4, f"{message}; its call is left out")
    ]


@pytest.mark.parametrize(("length", "calls"), [(180_000, ["a", "b", "c"]), (1_500_000, ["a", "c"])])
def test_a_long_field_costs_no_other_call(length: int, calls: list[str], tmp_path: Path) -> None:
    """A turn may be as long as any format's; beyond that its own call is left out, not the one before."""
    rows = ["a,agent,hello", f'b,customer,"{"x" * length}"', "c,agent,hello"]
    found = read("csv", tmp_path, "\n".join(["call_id,speaker,text", *rows]))

    assert [one.call_id for one in found if isinstance(one, Call)] == calls
    assert [one.line for one in found if isinstance(one, InputFault)] == [3] * (3 - len(calls))


def test_a_quote_that_is_never_closed_swallows_no_call(tmp_path: Path) -> None:
    """The lines behind an open quote are rows again, to the file's end; a field of several lines stays one."""
    rows = ['a,agent,"hello\n\ndear"', 'b,agent,"hello', *(f"c{at},agent,hello" for at in range(50))]
    found = read("csv", tmp_path, "\n".join(["call_id,speaker,text", *rows]))
    calls = [one for one in found if isinstance(one, Call)]

    assert [one.call_id for one in calls] == ["a", *(f"c{at}" for at in range(50))]
    assert calls[0].turns[0].text == "hello\n\ndear"
    assert [one.line for one in found if isinstance(one, InputFault)] == [5]


def test_a_file_in_no_known_format_is_told_with_the_known_ones(tmp_path: Path) -> None:
    """What is nothing is not taken for something; what may be JSON lines is left to their reader."""
    nothing, lines = tmp_path / "a.txt", tmp_path / "b.txt"
    nothing.write_text("Dear Sir or Madam\nwe are sorry\n", encoding="utf-8")
    lines.write_text("oops\n" + '{"call_id":"a","turns":[]}\n', encoding="utf-8")

    with pytest.raises(FormatError, match="in no known format; give --format, one of: native, vcon"):
        sniff(nothing)
    assert sniff(lines) == "native"


def test_a_document_whose_beginning_tells_nothing_is_looked_at_whole(tmp_path: Path) -> None:
    """What fills the first 64 KB of a file may be something that many formats have; in one line or in several."""
    document = json.loads((SAMPLES / "contact-lens.json").read_text(encoding="utf-8"))
    long = {"AccountId": "1", "Categories": {"MatchedCategories": ["x" * 70_000]}}
    for indent in (None, 1):
        file = tmp_path / "a.json"
        file.write_text(json.dumps({**long, **document, **long}, indent=indent), encoding="utf-8")

        assert sniff(file) == "contact-lens"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"conversation": {"messages": [{"from": "agent"}]}}, "is in no known format; give --format"),
        ([{"conversation": 1}, {"conversation": 2}], "is in no known format; give --format"),
        ({"call_id": "a", "turns": []}, "holds native calls over several lines: write each in one line"),
        ([{"call_id": "a", "turns": []}], "holds native calls over several lines: write each in one line"),
    ],
)
def test_a_document_in_no_known_format_is_one_error(value: Any, message: str, tmp_path: Path) -> None:
    """JSON over several lines is no JSON lines; in one line it is one line."""
    file = tmp_path / "a.json"
    file.write_text(json.dumps(value, indent=1), encoding="utf-8")

    with pytest.raises(FormatError, match=message):
        sniff(file)


@pytest.mark.parametrize(
    "content",
    ['{"conversation":1}\n{"call_id":"a","turns":[]}\n', '{oops\n{"call_id":"a","turns":[]}\n', '{"odd":1}', "", "\n"],
)
def test_what_may_be_lines_is_native(content: str, tmp_path: Path) -> None:
    """There a bad line spoils no other, be it the first."""
    file = tmp_path / "a.jsonl"
    file.write_text(content, encoding="utf-8")

    assert sniff(file) == "native"


@pytest.mark.parametrize("format_name", ["native", "labelled"])
def test_lines_in_utf_16_are_one_error(format_name: str, tmp_path: Path) -> None:
    """The encoding is told once, and what to do about it."""
    (fault,) = read(format_name, tmp_path, '{"call_id":"a","turns":[]}\n{"call_id":"b","turns":[]}\n'.encode("utf-16"))

    assert "call-1.x:1: is UTF-16 text, and lines of JSON are UTF-8" in str(fault)


def test_a_pipe_is_not_looked_at_beforehand(tmp_path: Path) -> None:
    """Who looks at a pipe's beginning takes it from the reader: without a format it is refused, unread."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    thread = Thread(target=pipe.write_bytes, args=[b'{"call_id":"a","turns":[]}\n' * 5_000])

    with pytest.raises(FormatError, match="is a pipe, whose beginning can be read only once; give --format"):
        sniff(pipe)
    thread.start()
    found = list(reader("native", pipe)(pipe))
    thread.join()

    assert 5_000 == sum(isinstance(one, Call) for one in found)


def test_parquet_from_a_pipe_is_told_what_to_do(tmp_path: Path) -> None:
    """What is read from its end cannot come through a pipe: it is told as such, unread, not as a broken file."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    held_open = os.open(pipe, os.O_RDWR)

    os.write(held_open, b"PAR1")
    found = list(reader("parquet", pipe)(pipe))
    os.close(held_open)

    assert [str(one) for one in found] == [
        f"{pipe}: is a pipe, and Parquet is read from its end: save it as a file, and give that"
    ]


def test_parquet_without_its_library_tells_how_it_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The extra is installed from the project's folder, as other messages tell it."""
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    file = tmp_path / "calls.parquet"
    file.write_bytes(b"PAR1")

    (fault,) = reader("parquet", file)(file)

    assert f"{file}: Parquet needs pyarrow: pip install '.[parquet]' in the project's folder" == str(fault)


def test_of_parquet_only_the_columns_wanted_are_read(tmp_path: Path) -> None:
    """A column nobody asks for spoils nothing; a value that cannot be read leaves out its own call only."""
    arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    offsets, letters = arrow.py_buffer(struct.pack("<4i", 0, 2, 4, 6)), arrow.py_buffer(b"hi\xff\xfeyo")
    columns = {
        "at": arrow.array([1_700_000_000_000_000_001] * 3, type=arrow.timestamp("ns")),
        "never": arrow.array([2**62] * 3, type=arrow.timestamp("us")),
        "call_id": arrow.array(["a", "b", "c"]),
        "Text": arrow.Array.from_buffers(arrow.string(), 3, [None, offsets, letters]),
    }
    file = tmp_path / "calls.parquet"
    parquet.write_table(arrow.table(columns), file)
    found = list(reader("parquet", file)(file))
    asked = list(reader("parquet", file, columns=Columns.parse(["start_ms=never"]))(file))

    assert [(one.call_id, one.turns[0].text) for one in found if isinstance(one, Call)] == [("a", "hi"), ("c", "yo")]
    assert [(one.line, one.message) for one in found if isinstance(one, InputFault)] == [
        (2, "text: cannot be read; its call is left out")
    ]
    assert [str(one) for one in asked] == [
        f"{file}:{row}: {field}: cannot be read; its call is left out"
        for row, field in ((1, "start_ms"), (2, "start_ms"), (3, "start_ms"))
    ]


@pytest.mark.parametrize("format_name", ["native", "labelled"])
def test_a_byte_order_mark_costs_no_call(format_name: str, tmp_path: Path) -> None:
    """Editors of some systems put a mark before the first line, which is a call like the others."""
    lines = {
        "native": '{"call_id":"a","turns":[]}',
        "labelled": '{"conversation_id":"a","utterances":[{"speaker":"agent","text":"hi"}]}',
    }
    found = read(format_name, tmp_path, f"\ufeff{lines[format_name]}\n")

    assert [one.call_id for one in found if isinstance(one, Call)] == ["a"]


def test_text_in_utf_16_is_read(tmp_path: Path) -> None:
    """A byte order mark tells the encoding; text in another one is a fault at its line."""
    found = call("plain-text", tmp_path, "Agent: Grüß Gott\nCustomer: Hallo\n".encode("utf-16"))
    (fault,) = read("plain-text", tmp_path, "Agent: hi\nCustomer: Grüß\n".encode("latin-1"))

    assert found.turns[0].text == "Grüß Gott"
    assert isinstance(fault, InputFault)
    assert (fault.line, fault.message) == (2, "is not UTF-8 text")


def test_half_a_character_does_not_cost_the_call(tmp_path: Path) -> None:
    """Platforms cut emoji in half; what is left of one becomes the replacement character, and the rest is read."""
    text = r'{"entries": [{"role": "AGENT", "text": "hello \ud83d \ud83d\ude00"}]}'

    assert call("google-ccai", tmp_path, text).turns[0].text == "hello \ufffd \U0001f600"
