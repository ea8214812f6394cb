"""Batch detection: what processes hand on is what the sinks write, in order, and no more than is wanted."""

import pickle
from pathlib import Path

import pytest
from fakes import call, word_detector
from hypothesis import given
from hypothesis import strategies as st

from detector.detect import Detection
from detector.transcript import Call
from pipelines.flows import detect as flow
from pipelines.flows.tally import Tally
from pipelines.flows.work import Heard, Item, Portion, Work
from pipelines.readers import InputFault
from pipelines.sinks import JsonLines, Outputs

DETECTOR = word_detector()
SPEAKERS = st.sampled_from(["agent", "customer", "unknown"])
SAID = st.lists(st.tuples(SPEAKERS, st.sampled_from(["sorry", "hello there", "sorry doubt"])), max_size=5)
CALLS = st.lists(SAID, max_size=8).map(
    lambda several: [call(*said, call_id=f"c{at}") for at, said in enumerate(several)]
)


def tally_of(calls: list[Call]) -> Tally:
    """Return the tally of calls, each of a file of its own."""
    tally = Tally()
    for one in calls:
        tally.add(one, DETECTOR.detect(one), file=one.call_id)
    return tally


@given(calls=CALLS, cut=st.integers(0, 8))
def test_tallies_of_parts_make_the_tally_of_all(calls: list[Call], cut: int) -> None:
    """However calls are shared out, what the processes count adds up to what one would have counted."""
    whole = tally_of(calls[:cut])
    whole.include(tally_of(calls[cut:]))

    assert tally_of(calls) == whole


@given(calls=CALLS, faults=st.sets(st.integers(0, 8)))
def test_a_fault_parts_what_is_before_and_behind_it(calls: list[Call], faults: set[int]) -> None:
    """Faults stand among the portions where they stood among the items, and every call is in a portion."""
    items: list[Item] = []
    for at, one in enumerate(calls):
        items += [InputFault("file", at, "is broken")] * (at in faults) + [Heard("file", one)]

    told: list[object] = []
    for result in Work(DETECTOR, [lambda detection: detection.scorecard.call_id], keep=False).of(items):
        told += [result] if isinstance(result, InputFault) else [one for (one,) in result.encoded]

    assert [one.call.call_id if isinstance(one, Heard) else one for one in items] == told


@pytest.mark.parametrize("keep", [True, False])
def test_calls_are_handed_on_only_where_they_are_wanted(keep: bool) -> None:  # noqa: FBT001  # the parameter
    """No words of a call come back from a process unless the run asks for them."""
    one = call(("customer", "hello"), ("agent", "sorry"))

    (portion,) = Work(DETECTOR, [], keep=keep).of([one])

    assert isinstance(portion, Portion)
    assert [(one, DETECTOR.detect(one))] * keep == portion.calls


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_strict_run_writes_what_came_before_the_fault(jobs: int) -> None:
    """The run stops at the fault: calls before it were written, none behind it."""
    written: list[Detection] = []
    calls = [call(("agent", "sorry"), call_id=f"c{at}") for at in range(3)]
    items: list[Item] = [*calls[:2], InputFault("file", 3, "is broken"), calls[2]]

    with pytest.raises(flow.StoppedAtFaultError, match="is broken"):
        flow.run(
            items,
            detector=DETECTOR,
            make_detector=word_detector,
            sinks=[Kept(written)],
            jobs=jobs,
            strict=True,
        )

    assert ["c0", "c1"] == [one.scorecard.call_id for one in written]


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_id_that_comes_again_is_told(jobs: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both files are named, and whether the words are the same, none of the words; long ago is forgotten."""
    monkeypatch.setattr(flow, "BATCH_CALLS", 1)
    monkeypatch.setattr(flow, "KNOWN_CALLS", 2)
    said = [
        ("a", "c1", "sorry"),
        ("b", "c1", "sorry"),
        ("c", "c1", "hello"),
        ("d", "c2", "hello"),
        ("e", "c3", "hello"),
    ]
    items = [Heard(file, call(("agent", text), call_id=name)) for file, name, text in (*said, ("f", "c1", "hello"))]
    told: list[InputFault] = []

    tally = flow.run(items, detector=DETECTOR, make_detector=word_detector, sinks=[], jobs=jobs, on_repeat=told.append)

    assert (6, 0) == (tally.calls, tally.faults)
    assert [
        f"b: the call 'c1' comes again with the same words, before in a: {flow.ONCE_PAID}",
        f"c: the call 'c1' comes again with other words, before in a: {flow.ONCE_PAID}",
    ] == [*map(str, told)]


class Kept:
    """A sink that keeps the detections themselves."""

    def __init__(self, written: list[Detection]) -> None:
        self._written = written
        self.encode = pickle.dumps

    def write(self, encoded: bytes) -> None:
        """Keep one call's detection."""
        self._written.append(pickle.loads(encoded))  # noqa: S301  # our own bytes

    def close(self) -> None:
        """Hold nothing."""


def test_lines_encoded_elsewhere_are_written_to_their_files(tmp_path: Path) -> None:
    """The encoder can be sent to another process; what it gives is written line by line, a kind a file."""
    detection = DETECTOR.detect(call(("customer", "hello"), ("agent", "sorry"), agent_id="a-1"))
    files = [tmp_path / name for name in ("decisions", "rewards", "both")]
    sinks = [JsonLines(Outputs(str(files[0]), str(files[1]))), JsonLines(Outputs(str(files[2]), str(files[2])))]

    for sink in sinks:
        sink.write(pickle.loads(pickle.dumps(sink.encode))(detection))  # noqa: S301  # our own bytes
        sink.close()

    lines = [file.read_text(encoding="utf-8").splitlines() for file in files]
    assert [one.model_dump_json(exclude_none=True) for one in detection.decisions] == lines[0]
    assert [one.model_dump_json(exclude_none=True) for one in detection.rewards] == lines[1]
    assert lines[0] + lines[1] == lines[2]
    assert lines[0]
