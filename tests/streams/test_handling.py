"""The pure function from a message to what it leads to, and the record between messages."""

import struct
import zlib
from base64 import b64decode
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from detector.decision import CallOutcome, Decision, Scorecard
from detector.detect import Detector
from detector.reward import RewardEvent
from detector.transcript import Call, CallHeader, Speaker, Turn
from streams.agents import Due, due
from streams.codecs import PoisonError, Reason
from streams.handling import Handled, handle
from streams.ledger import Ledger, differences, ledger_of
from streams.messages import CallEnded, CallForgotten, CallIdle, CallStarted, Message, TurnsSaid, WholeCall
from streams.records import FORMAT, CallRecord, Records, from_bytes, glance, written
from streams.replay import score

MakeCalls = Callable[..., list[Call]]


def turn(index: int, text: str, *, speaker: Speaker = Speaker.AGENT, revision: int = 0) -> Turn:
    """Return a turn of the call c."""
    return Turn(turn_id=f"c:{index}", index=index, speaker=speaker, text=text, revision=revision)


def said(*turns: Turn) -> TurnsSaid:
    """Return turns of the call c as a message."""
    return TurnsSaid(call_id="c", turns=turns)


def folded(detector: Detector, messages: Iterable[Message], *, through_bytes: bool = True) -> tuple[Records, Ledger]:
    """Handle messages in turn, each record taken through its bytes, and put together what is told."""
    records, ledger = Records({}, decoded_bytes=0 if through_bytes else 1_000_000), Ledger()
    for at, message in enumerate(messages, start=1):
        before = records.get(message.call_id)
        handled = handle(detector, before, message, at=float(at))
        if handled.record is None:
            records.drop(message.call_id)
        elif handled.record is not before:
            records.put(message.call_id, records.written(message.call_id, handled.record, before, partition=0))
        for value in (*handled.decisions, *handled.rewards):
            ledger.take(value)
        if handled.scorecard is not None:
            ledger.take(handled.scorecard)
    return records, ledger


OPENED = [
    CallStarted(call_id="c", agent_id="a"),
    said(turn(0, "hello")),
    said(turn(1, "my order is late", speaker=Speaker.CUSTOMER)),
]


@pytest.mark.parametrize("how", [{}, {"turns_per_message": 3}, {"turns_per_message": 50}, {"whole_calls": True}])
def test_messages_of_calls_tell_what_batch_tells(
    detector: Detector, make_calls: MakeCalls, how: dict[str, Any]
) -> None:
    """The fold over messages and the fold over whole calls agree, also with each record taken through bytes."""
    calls = make_calls(8, prefix="fold")
    _, ledger = folded(detector, (cue.message for cue in score(calls, **how)))

    assert differences(ledger_of(detector.detect(call) for call in calls), ledger) == []


@given(order=st.permutations(range(8)), again=st.lists(st.integers(0, 7), max_size=6))
def test_order_and_duplicates_of_turns_do_not_matter(detector: Detector, order: list[int], again: list[int]) -> None:
    """Turns that come late, in any order, some twice, leave standing what batch finds."""
    texts = ["hello", "late order", "sorry", "the parcel", "sorry sorry", "bye", "feedback", "wonderful"]
    turns = [turn(at, text, speaker=Speaker.CUSTOMER if at % 2 else Speaker.AGENT) for at, text in enumerate(texts)]
    call = Call(call_id="c", agent_id="a", turns=tuple(turns))
    messages: list[Message] = [CallStarted(call_id="c", agent_id="a")]
    messages += [said(turns[at]) for at in (*order, *again)]

    _, ledger = folded(detector, [*messages, CallEnded(call_id="c")])

    batch = ledger_of([detector.detect(call)])
    assert ledger.decisions == batch.decisions
    assert ledger.scorecards == batch.scorecards
    assert {_what(ledger)} == {_what(batch)}


def _what(ledger: Ledger) -> tuple[tuple[str, str, int], ...]:
    """Return who is rewarded for what; ids may differ, for a grant taken back is given again under another."""
    kept = (event.data for event in ledger.rewards.values())
    return tuple(sorted((one.agent_id, one.behaviour, one.slot) for one in kept))


def test_same_message_again_leads_to_the_same_and_writes_nothing(detector: Detector) -> None:
    """A message that the record already holds tells its facts again; the record handed in comes back."""
    records, _ = folded(detector, OPENED, through_bytes=False)
    before = records.get("c")
    first = handle(detector, before, said(turn(2, "sorry")), at=9.0)

    again = handle(detector, first.record, said(turn(2, "sorry")), at=9.0)

    assert first.rewards
    assert (again.decisions, again.rewards) == (first.decisions, first.rewards)
    assert again.record is first.record


def test_header_delivered_again_tells_again_what_it_changed(detector: Detector) -> None:
    """A late header makes awards payable; delivered again after a crash, it tells the same grants."""
    turns = said(turn(0, "sorry"), turn(1, "thank you", speaker=Speaker.CUSTOMER))
    started = CallStarted(call_id="c", agent_id="a")
    before = handle(detector, None, turns, at=1.0)
    first = handle(detector, before.record, started, at=2.0)

    again = handle(detector, first.record, started, at=2.0)

    assert before.rewards == ()
    assert len(first.rewards) == 1
    assert again.rewards == first.rewards
    assert again.record is first.record


def test_header_that_tells_little_tells_again_what_it_changed(detector: Detector) -> None:
    """A header with some fields only adds to what is known; delivered again, it leads to the same again."""
    partial = CallStarted(call_id="c", agent_id="a")
    begun = [
        CallStarted(call_id="c", language="en"),
        said(*(turn(at, one) for at, one in enumerate(("hello", "sorry")))),
    ]
    records, _ = folded(detector, begun)
    before = records.get("c")

    first = handle(detector, before, partial, at=6.0)
    second = handle(detector, first.record, partial, at=7.0)

    assert first.record is not None
    assert first.record.state.header == CallHeader(call_id="c", agent_id="a", language="en")
    assert [one.agent_id for one in first.decisions] == ["a"] * len(first.decisions) != []
    assert second.decisions == first.decisions


def test_header_delivered_again_tells_again_what_those_before_it_changed(detector: Detector) -> None:
    """The grants of one header come again though another header, of the language, came behind it."""
    turns = said(turn(0, "sorry"), turn(1, "thank you", speaker=Speaker.CUSTOMER))
    agent, language = CallStarted(call_id="c", agent_id="a"), CallStarted(call_id="c", language="en-GB")
    before = handle(detector, None, turns, at=1.0)
    first = handle(detector, before.record, agent, at=2.0)
    other = handle(detector, first.record, language, at=3.0)

    for started in (agent, language):
        again = handle(detector, other.record, started, at=3.0)

        assert again.rewards == first.rewards != ()
        assert again.decisions == first.decisions
        assert again.record is other.record


WORDINGS = st.tuples(
    st.sampled_from([2, 2, 1]),
    st.sampled_from([Speaker.AGENT, Speaker.AGENT, Speaker.CUSTOMER]),
    st.sampled_from(["sorry", "so sorry", "hello", "sorry wonderful"]),
)
HEADERS = st.builds(CallStarted, call_id=st.just("c"), agent_id=st.sampled_from("ab"), team=st.sampled_from("xy"))
OLDER = said(turn(1, "my order", speaker=Speaker.CUSTOMER).model_copy(update={"is_final": False}))
ENDS = st.sampled_from([CallEnded(call_id="c"), CallIdle(call_id="c", seen_at=0.0), OLDER])
Told: TypeAlias = Decision | RewardEvent | Scorecard


@settings(max_examples=200)
@given(
    happenings=st.lists(st.one_of(WORDINGS, WORDINGS, HEADERS, ENDS), min_size=2, max_size=6),
    numbered=st.booleans(),
    arrived=st.sampled_from([0, 0.5, 1]),
    committed=st.integers(0, 8),
)
def test_nothing_is_lost_when_a_worker_is_killed(
    detector: Detector,
    happenings: list[tuple[int, Speaker, str] | Message],
    numbered: bool,  # noqa: FBT001 - drawn
    arrived: float,
    committed: int,
) -> None:
    """With the state kept and of each topic only some outputs, redelivery of what was not committed tells the rest."""
    messages: list[Message] = list(OPENED)
    for at, one in enumerate(happenings, start=1):
        if isinstance(one, tuple):
            messages.append(said(turn(one[0], one[2], speaker=one[1], revision=at * numbered)))
        elif isinstance(one, CallIdle):
            messages.append(CallIdle(call_id="c", seen_at=float(len(messages))))
        else:
            messages.append(one)
    records, ledger = Records({}), Ledger()

    safe = delivered(detector, records, messages[:committed])
    before = delivered(detector, records, messages[committed:], since=committed)
    after = delivered(detector, records, messages[committed:], since=committed)

    for kind in (Decision, RewardEvent, Scorecard):
        kept, told, again = ([one for one in every if isinstance(one, kind)] for every in (safe, before, after))
        for value in (*kept, *told[: int(arrived * len(told))], *again):
            ledger.take(value)
    record = records.get("c")
    assert record is not None
    assert ledger.decisions == {one.decision_id: one for one in record.state.decisions}
    assert set(ledger.rewards) == {one.event.id for one in record.state.credits if one.standing}
    assert ledger.scorecards.get("c") == (detector.end(record.state).scorecard if record.state.ended else None)


@pytest.mark.parametrize("after", [OLDER, CallStarted(call_id="c", agent_id="b")], ids=["partial turn", "header"])
@pytest.mark.parametrize("over", [CallEnded(call_id="c"), CallIdle(call_id="c", seen_at=3.0)], ids=["end", "silence"])
def test_scorecard_is_told_again_with_all_that_comes_again_after_the_end(
    detector: Detector, over: Message, after: Message
) -> None:
    """Delivered again, the end and what changed nothing behind it each tell the scorecard of the call as it is."""
    records = Records({})
    delivered(detector, records, [*OPENED, over, after])
    record = records.get("c")
    assert record is not None

    again = [handle(detector, record, message, at=9.0).scorecard for message in (over, after)]

    assert again == 2 * [detector.end(record.state).scorecard]


def delivered(detector: Detector, records: Records, messages: Iterable[Message], *, since: int = 0) -> list[Told]:
    """Handle messages in turn over records, some having come before; return what is told."""
    told: list[Told] = []
    for at, message in enumerate(messages, start=since + 1):
        before = records.get("c")
        handled = handle(detector, before, message, at=float(at))
        if handled.record is not None and handled.record is not before:
            records.put("c", records.written("c", handled.record, before, partition=0))
        told += [*handled.decisions, *handled.rewards, *filter(None, [handled.scorecard])]
    return told


def test_whole_call_after_its_turns_adds_nothing_but_the_scorecard(detector: Detector) -> None:
    """The finished call that follows the live turns leads to no id that was not told before."""
    turns = (turn(0, "hello"), turn(1, "late", speaker=Speaker.CUSTOMER), turn(2, "sorry"))
    _, live = folded(detector, [CallStarted(call_id="c", agent_id="a"), said(*turns)])

    whole = WholeCall(call_id="c", agent_id="a", turns=turns)
    _, both = folded(detector, [CallStarted(call_id="c", agent_id="a"), said(*turns), whole])

    assert both.rewards == live.rewards
    assert both.decisions == live.decisions
    assert list(both.scorecards) == ["c"]


def test_revision_takes_its_reward_back(detector: Detector) -> None:
    """A corrected turn without the behaviour retracts the decision and reverses the reward."""
    _, ledger = folded(detector, [*OPENED, said(turn(2, "sorry")), said(turn(2, "lorry", revision=1))])

    assert ledger.decisions == {}
    assert ledger.rewards == {}
    assert ledger.reversed == set(ledger.grants)


def test_turn_after_the_end_tells_a_new_scorecard(detector: Detector) -> None:
    """A turn that comes after the call's end is taken in, and the scorecard follows."""
    _, ledger = folded(detector, [*OPENED, CallEnded(call_id="c"), said(turn(2, "sorry"))])

    assert ledger.scorecards["c"].outcomes["apologise"] is CallOutcome.DONE


def closed(detector: Detector, *, seen_at: float) -> Handled:
    """Return what a closing leads to for a call last heard of at 3.0."""
    records, _ = folded(detector, OPENED)
    return handle(detector, records.get("c"), CallIdle(call_id="c", seen_at=seen_at), at=99.0)


def test_silent_call_is_closed_with_its_scorecard(detector: Detector) -> None:
    """A closing that acts on the last thing heard ends the call; delivered again it tells the scorecard again."""
    first = closed(detector, seen_at=3.0)
    again = handle(detector, first.record, CallIdle(call_id="c", seen_at=3.0), at=99.0)

    assert first.record is not None
    assert (first.record.state.ended, first.record.ended_at, first.record.seen_at) == (True, 99.0, 3.0)
    assert first.scorecard is not None
    assert (again.scorecard, again.record) == (first.scorecard, first.record)


def test_closing_is_void_when_something_was_heard_meanwhile(detector: Detector) -> None:
    """The agent looks again: a closing that acts on an earlier moment does nothing."""
    handled = closed(detector, seen_at=2.0)

    assert handled.scorecard is None
    assert handled.record is not None
    assert not handled.record.state.ended


def test_only_ended_calls_are_forgotten(detector: Detector) -> None:
    """Forgetting drops an ended call of which nothing was heard since, and no other."""
    going, _ = folded(detector, OPENED)
    ended, _ = folded(detector, [*OPENED, CallEnded(call_id="c")])

    assert handle(detector, going.get("c"), CallForgotten(call_id="c", seen_at=3.0), at=9.0).record is not None
    assert handle(detector, ended.get("c"), CallForgotten(call_id="c", seen_at=3.0), at=9.0).record is not None
    assert handle(detector, ended.get("c"), CallForgotten(call_id="c", seen_at=4.0), at=9.0).record is None


def test_end_of_a_forgotten_call_leads_to_nothing(detector: Detector) -> None:
    """The end that comes again after the call is forgotten tells no empty scorecard over the good one."""
    handled = handle(detector, None, CallEnded(call_id="c"), at=9.0)

    assert handled == Handled(None)


def test_header_and_end_of_a_forgotten_call_tell_no_scorecard(detector: Detector) -> None:
    """Both may come again without the turns between them: an empty scorecard would take the good one's place."""
    begun = handle(detector, None, CallStarted(call_id="c", agent_id="a"), at=1.0)

    assert handle(detector, begun.record, CallEnded(call_id="c"), at=2.0).scorecard is None


def test_header_of_a_forgotten_call_is_closed_without_a_scorecard(detector: Detector) -> None:
    """A header that comes again after the call is forgotten opens it anew; its silence tells nothing, and it goes."""
    opened = handle(detector, None, CallStarted(call_id="c", agent_id="a"), at=1.0)

    closed = handle(detector, opened.record, CallIdle(call_id="c", seen_at=1.0), at=9.0)
    gone = handle(detector, closed.record, CallForgotten(call_id="c", seen_at=1.0), at=99.0)

    assert closed.scorecard is None
    assert gone == Handled(None)


def test_whole_call_put_back_tells_what_the_forgotten_one_told(detector: Detector) -> None:
    """After the grace a call put back whole leads to the same decisions, rewards and scorecard, under the same ids."""
    turns = [*(one for message in OPENED[1:] for one in message.turns), turn(2, "sorry")]
    _, live = folded(detector, [OPENED[0], said(*turns), CallEnded(call_id="c")])

    _, whole = folded(detector, [WholeCall(call_id="c", agent_id="a", turns=tuple(turns))])

    assert differences(live, whole) == []
    assert live.rewards


def test_record_survives_its_bytes(detector: Detector) -> None:
    """State, times and the last introduction come back from the bytes; the head is read without the rest."""
    records, _ = folded(detector, [*OPENED, said(turn(2, "sorry")), CallEnded(call_id="c")], through_bytes=False)
    record = records.get("c")
    assert record is not None

    raw = written(record, partition=3).raw

    assert from_bytes(raw) == record
    assert (glance(raw).partition, glance(raw).seen_at, glance(raw).ended_at) == (3, 5.0, 5.0)


@given(
    said_of=st.lists(
        st.tuples(
            st.integers(0, 9), st.integers(0, 2), st.sampled_from(["sorry", "feedback", "hello", "wonderful " * 90])
        ),
        min_size=1,
        max_size=14,
    )
)
def test_bytes_that_grew_hold_the_record(detector: Detector, said_of: list[tuple[int, int, str]]) -> None:
    """However turns come, late, twice or revised: bytes that grew message by message hold what was put in."""
    table: dict[bytes, bytes] = {}
    records = Records(table)
    messages: list[Message] = [*OPENED, *(said(turn(at, text, revision=again)) for at, again, text in said_of)]
    for at, message in enumerate([*messages, CallStarted(call_id="c", agent_id="b"), CallEnded(call_id="c")]):
        before = records.get("c")
        after = handle(detector, before, message, at=float(at)).record
        assert after is not None
        if after is not before:
            records.put("c", records.written("c", after, before, partition=0))

        assert from_bytes(table[b"c"]) == after


def test_record_of_the_first_format_is_read(detector: Detector) -> None:
    """What a worker of the release before wrote is read, and written anew in the present format."""
    records, _ = folded(detector, [*OPENED, said(turn(2, "sorry"))], through_bytes=False)
    record = records.get("c")
    assert record is not None
    body = {"state": record.state, "introduction": record.introduction}
    old = struct.pack(">BIdd", 1, 3, record.seen_at, 0.0) + zlib.compress(TypeAdapter(dict[str, Any]).dump_json(body))

    read = from_bytes(old)

    assert (read, glance(old).partition) == (record, 3)
    assert written(read, partition=3).raw[0] == FORMAT


def test_record_written_before_emissions_were_added_up_is_read(detector: Detector) -> None:
    """A state whose revision had wiped what its turn granted is read as it is, and grows as any other."""
    record = from_bytes(zlib.decompress(b64decode(REVISED_BY_AN_EARLIER_RELEASE)))
    grants = {one.event.data.behaviour: one.event.id for one in record.state.credits}

    handled = handle(detector, record, said(turn(2, "lorry", revision=2)), at=7.0)
    assert handled.record is not None

    assert (len(record.state.turns), sorted(grants)) == (3, ["apologise", "wish_well"])
    assert record.state.emissions["c:2"].rewards == ()
    assert [one.id for one in record.introduction.rewards] == [grants["wish_well"]]
    assert [one.causationid for one in handled.rewards] == [grants["apologise"]]
    assert from_bytes(written(handled.record, partition=3).raw) == handled.record


REVISED_BY_AN_EARLIER_RELEASE = (
    "eNrVll2O2jAQgPenh+hj5NeSLSQbQnjqPRBCjj1hswQb2c6yCHGUSj1Zr9HXzjj8s+zSXVVVkZBie2Y8/ubHvrm6urr99vnq9PdzyVxt1KiUrM"
    "9Ev81arFQSnlm/3WJ2BnwCBlf4GJTDNQfPDodzjTKmqKvgAapKs1Xr0ExnZ6azb0bU1ukpfm4tTReBNmgrKG1QcQcnpqKdqajFDDyVttTqyO6R"
    "e1YHVhuzYKtrPOLNjyWTILxeYxXiOCsEFyHvxTxMRK8I8zy6DwvodVIRAfSSLloTvKrWbpDts5j87s0Sx4UcHvhTqWtybF7ah9EcGeG8rp3Aw5"
    "PUnBuJM1Zog+P2XZa0GJ5MghI4HizxBLWhzx1pEnfcOL8jKNwsWw0JCLdaWVRiPJjrndmArBJV7oIKhVzgd8XpNGKoOKv4Itd6MnoC0xBlnS8d"
    "gLi4lwUamWoJ1d4i2bY+Oocsu3Gn006iPAQkGiYpxGEWQRH2ZMS7Ob8XcR6/yvKVAL8Cls90pcelhTfApufANgmyhRqvofbehJq+CLX7Eag3lK"
    "W/lugppXF/yfyR06wL9yDTsOCiGyaRTMI8bsdhGkMCPcgTJE6ObU70VULB68p93XIKJTgQTvt6W8xIyAA5fDc2XDmQd09UqbbOH1FsTXmGPEqH"
    "/k1gsZ6S3HFya6ZL5ayHdS7Jj0J2GHZbaecDe1xL7ytPrYpNZJsSeif+FWX1Ifs4y5JEpp2QtxF7UqTIPusWIYdECNHL00Jm/4Z9cr4O/px9dM"
    "L+0nI+ZJ9+gP0tJv/190GTCYO/3Kr/g97cYkoHPpRBKfuB0rmWi8DpoEmfD7SZYWswxH8T98FlofY6n6g/DZfsAbik+3Z5xPso8Zqh4sRT1VVF"
    "9zKfbr43b4ADgYqrcY16FHG1wQlyxF0jscJDwVRjx+57N5ADdaFmJwq39bfH1vZaxJkaWqxWE6XnajPZPtAb2RIDO1IA0peHAeEbAQX65H3RgM"
    "R47oe+eQJhWLBPU4UOhtRPXnz0bPWndPX4hw+lp2VEAB8/542ceGC17z90iR1o7Q+OYK/nduFZ78MeazmGKfj+slxRvTijZS2cT58Bo2y5qBAp"
    "uy66tjAPqVCIecErC6vf8yNeag=="
)
"""Three turns, compressed: a header came behind the second; the third was revised and kept its reward."""


def test_record_of_a_later_format_is_refused(detector: Detector) -> None:
    """A worker that is older than what wrote the state says so."""
    raw = written(CallRecord(detector.open(CallHeader(call_id="c")), 1.0), partition=0).raw

    with pytest.raises(PoisonError, match="format 9, this worker reads 1 and 2"):
        from_bytes(b"\x09" + raw[1:])


def test_record_larger_than_kafka_takes_is_poison(detector: Detector) -> None:
    """A state that its changelog would refuse is refused before anything is written."""
    noise = "".join(chr(0x4E00 + (at * 7919) % 20_000) for at in range(900_000))
    state = detector.step(detector.open(CallHeader(call_id="c")), turn(0, noise)).state

    with pytest.raises(PoisonError) as caught:
        written(CallRecord(state, 1.0), partition=0)

    assert caught.value.reason is Reason.STATE_TOO_LARGE


def test_decoded_record_counts_only_while_the_table_holds_its_bytes(detector: Detector) -> None:
    """What another worker wrote, restored from the changelog, wins over what is kept decoded."""
    table: dict[bytes, bytes] = {}
    records = Records(table)
    mine = CallRecord(detector.open(CallHeader(call_id="c")), 1.0)
    theirs = CallRecord(detector.open(CallHeader(call_id="c", team="t")), 2.0)
    records.put("c", written(mine, partition=0))

    table[b"c"] = written(theirs, partition=0).raw

    assert records.get("c") == theirs


def test_due_are_idle_and_ended_calls_of_own_partitions(detector: Detector) -> None:
    """Idle calls are to be closed, ended ones to be forgotten after their grace; other partitions are left alone."""
    records = Records({})
    for call_id, seen, ended, partition in [
        ("fresh", 95.0, 0.0, 0), ("idle", 10.0, 0.0, 0), ("theirs", 10.0, 0.0, 1),
        ("ended", 10.0, 20.0, 0), ("just-ended", 10.0, 90.0, 0),
    ]:  # fmt: skip
        record = CallRecord(detector.open(CallHeader(call_id=call_id)), seen, ended)
        records.put(call_id, written(record, partition=partition))

    found = due(records, now=100.0, idle_seconds=60, grace_seconds=30, partitions=[0])

    assert found == [
        Due(CallIdle(call_id="idle", seen_at=10.0), 0),
        Due(CallForgotten(call_id="ended", seen_at=10.0), 0),
    ]
