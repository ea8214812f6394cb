"""What is kept decoded of calls is never anything but what their bytes hold."""

from hypothesis import given
from hypothesis import strategies as st

from detector.detect import Detector
from detector.transcript import CallHeader, Speaker, Turn
from streams.handling import Handled, handle
from streams.messages import CallEnded, CallForgotten, CallStarted, Message, TurnsSaid
from streams.records import CallRecord, Decoded, Records, decoded_bytes, from_bytes, read, written

CALLS = ("c-0", "c-1", "c-2")
Table = dict[bytes, bytes]


def said(call_id: str, index: int, revision: int, text: str) -> TurnsSaid:
    """Return one turn of a call, of the agent or the customer by its index."""
    speaker = Speaker.CUSTOMER if index % 2 else Speaker.AGENT
    turn = Turn(turn_id=f"{call_id}:{index}", index=index, speaker=speaker, text=text, revision=revision)
    return TurnsSaid(call_id=call_id, turns=(turn,))


def taken(detector: Detector, records: Records, message: Message) -> Handled:
    """Handle a message as the agent does; return what it led to."""
    before = records.get(message.call_id)
    handled = handle(detector, before, message, at=1.0)
    if handled.record is None:
        if before is not None:
            records.drop(message.call_id)
    elif handled.record is not before:
        records.put(message.call_id, records.written(message.call_id, handled.record, before, partition=0))
    return handled


IDS = st.sampled_from(CALLS)
TURNS = st.builds(
    said, IDS, st.integers(0, 5), st.integers(0, 1), st.sampled_from(["sorry", "feedback", "wonderful " * 150])
)
OTHERS = st.one_of(
    st.builds(CallStarted, call_id=IDS, agent_id=st.sampled_from("ab")),
    st.builds(CallEnded, call_id=IDS),
    st.builds(CallForgotten, call_id=IDS, seen_at=st.just(1.0)),
)
RECOVERED = st.tuples(IDS, st.integers(0, 30))
"""A call whose bytes are now those that stood in the table after so many happenings, or are gone with them."""


@given(
    happenings=st.lists(st.one_of(TURNS, OTHERS, RECOVERED), min_size=1, max_size=25),
    limit=st.sampled_from([20_000, 80_000, 10_000_000]),
)
def test_decoded_or_not_the_same_is_kept_and_told(
    detector: Detector, happenings: list[Message | tuple[str, int]], limit: int
) -> None:
    """After any messages, recoveries and deletions, records kept decoded are those read from bytes each time."""
    cached, bare = Table(), Table()
    ours, theirs = Records(cached, decoded_bytes=limit), Records(bare, decoded_bytes=0)
    past: list[tuple[Table, Table]] = [(Table(), Table())]
    for one in happenings:
        if isinstance(one, tuple):
            call_id, at = one
            for table, earlier in zip((cached, bare), past[at % len(past)], strict=True):
                recover(table, earlier, call_id.encode())
        else:
            assert taken(detector, ours, one) == taken(detector, theirs, one)
        past.append((dict(cached), dict(bare)))

        assert [ours.get(call_id) for call_id in CALLS] == [theirs.get(call_id) for call_id in CALLS]
        assert {key: from_bytes(raw) for key, raw in cached.items()} == {
            key: from_bytes(raw) for key, raw in bare.items()
        }


def recover(table: Table, earlier: Table, key: bytes) -> None:
    """Have a table hold of a call what it held earlier, as a recovery of the changelog may."""
    if key in earlier:
        table[key] = bytes(bytearray(earlier[key]))
    else:
        table.pop(key, None)


def test_record_that_was_read_grows_as_one_that_was_kept(detector: Detector) -> None:
    """A message costs what it adds also where the state was decoded: what was sealed is copied, not made again."""
    table = Table()
    kept = Records(table, decoded_bytes=10_000_000)
    for index in range(12):
        taken(detector, kept, said("c", index, 0, "wonderful " * 60))
    again = read(table[b"c"])

    after = handle(detector, again.record, said("c", 12, 0, "sorry"), at=1.0).record
    assert after is not None

    assert again.stored.turns.sealed
    grown = written(after, partition=0, known=again.stored)
    assert grown.stored.turns.sealed is again.stored.turns.sealed
    assert grown == kept.written("c", after, kept.get("c"), partition=0)


def test_memory_of_what_is_kept_decoded_is_bounded(detector: Detector) -> None:
    """Calls not touched for longest make room; a call that is dropped or written anew is counted once."""
    one = written(CallRecord(detector.open(CallHeader(call_id="c")), 1.0), partition=0)
    decoded = Decoded(limit=2 * decoded_bytes(one))

    for call_id in ("a", "b", "b", "c"):
        decoded.keep(call_id, one)
        decoded.get("b")

    assert [call_id for call_id in "abc" if decoded.get(call_id)] == ["b", "c"]
    assert decoded.bytes == 2 * decoded_bytes(one)
    decoded.drop("b")
    decoded.drop("b")
    assert decoded.bytes == decoded_bytes(one)


def test_a_call_of_another_partition_is_not_there_for_a_verdict(detector: Detector) -> None:
    """A record is found by the partition that its messages come from; written by another it would go with that."""
    records = Records(Table())
    handled = handle(detector, None, said("c-0", 0, 0, "sorry"), at=1.0)
    assert handled.record is not None
    records.put("c-0", records.written("c-0", handled.record, None, partition=3))

    assert records.in_partition("c-0", 3) == handled.record
    assert records.in_partition("c-0", 4) is None
    assert records.in_partition("c-1", 3) is None
