"""Any order of delivery, with repeats, partial turns and revisions, ends where batch ends on the final turns."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from fakes import word_detector
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from detector.call import CallState
from detector.decision import Decision
from detector.detect import Detector
from detector.reward import RewardEvent, RewardType
from detector.transcript import Call, CallHeader, Turn

STATE: TypeAdapter[CallState] = TypeAdapter(CallState)
HEADER = CallHeader(call_id="c", agent_id="a", customer_name="Rosa Diaz", team="blue")
WORDS = st.lists(
    st.sampled_from("wish maybe doubt sorry too bye angry called tom rosa i lost my card hello".split()), max_size=6
).map(" ".join)
SENTENCES = st.sampled_from(
    [
        "Good morning, you're through to Bronwen, how can I help?",
        "My name is Rosa Diaz and I have lost my card.",
        "my name is tom",
        "I'm so worried, it was stolen",
        "I'm really sorry about that, Rosa.",
        "thanks rosa",
        "Bear with me a moment while I look into that for you.",
        "Is there anything else I can help you with, Tom?",
        "no that is all thank you bye",
        "you too",
        "Have a lovely day!",
        "[noise]",
        "",
    ]
)


@dataclass(frozen=True)
class Delivery:
    """What is delivered, in which order; the header comes before the delivery of that number."""

    turns: tuple[Turn, ...]
    header_at: int
    final: tuple[Turn, ...]


@st.composite
def deliveries(draw: st.DrawFn, texts: st.SearchStrategy[str], *, most: int) -> Delivery:
    """Draw final turns with earlier versions, some of them twice and some partial, in any order."""
    final, others = [], []
    for at in range(draw(st.integers(1, most))):
        revision = draw(st.integers(0, 2))
        versions = [_version(draw, at, number, texts) for number in range(revision + 1)]
        final.append(versions[-1])
        others += draw(st.lists(st.sampled_from(versions), max_size=2)) if draw(st.booleans()) else []
        if draw(st.booleans()):
            others.append(versions[-1].model_copy(update={"text": draw(texts), "is_final": False}))
    turns = tuple(draw(st.permutations([*final, *others])))
    return Delivery(turns, draw(st.integers(0, len(turns))), tuple(final))


def _version(draw: st.DrawFn, at: int, revision: int, texts: st.SearchStrategy[str]) -> Turn:
    value: dict[str, Any] = {
        "turn_id": f"t{at}",
        "index": at if draw(st.booleans()) else draw(st.integers(0, 9)),
        "revision": revision,
        "speaker": draw(st.sampled_from(["agent", "agent", "customer", "unknown", "system"])),
        "agent_id": draw(st.sampled_from([None, None, "b"])),
        "text": draw(texts),
    }
    return Turn.model_validate(value)


def standing(events: Iterable[RewardEvent]) -> set[tuple[str, str, int]]:
    """Return the slots that are granted and not reversed, each event counted once by its id; a reward system's view."""
    once = {one.id: one for one in events}
    granted = {key: one for key, one in once.items() if one.type is RewardType.GRANTED}
    reversed_ = {one.causationid for one in once.values() if one.type is RewardType.REVERSED}
    assert reversed_ <= granted.keys()
    slots = [
        (one.data.agent_id, one.data.behaviour, one.data.slot) for key, one in granted.items() if key not in reversed_
    ]
    assert len(slots) == len(set(slots)), "a slot is paid twice"
    return set(slots)


def check(detector: Detector, delivery: Delivery) -> None:
    """Deliver, and compare with batch; each step must leave what it was given as it was."""
    state, events = detector.open(CallHeader(call_id="c")), list[RewardEvent]()
    told: dict[str, Decision] = {}
    for at, one in enumerate((*delivery.turns, None)):
        if at == delivery.header_at:
            step = detector.introduce(state, HEADER)
            events += step.rewards
            told |= {made.decision_id: made for made in step.decisions}
            state = step.state
        if one is None:
            break
        before = STATE.dump_json(state)
        step = detector.step(state, one)
        assert STATE.dump_json(state) == before
        assert detector.step(state, one) == step
        state = STATE.validate_json(STATE.dump_json(step.state))
        assert state == step.state
        events += step.rewards
        told |= {made.decision_id: made for made in step.decisions}

    batch = detector.detect(Call(**dict(HEADER), turns=delivery.final))
    ended = detector.end(state)
    assert batch.decisions == state.decisions
    assert standing(batch.rewards) == standing(events)
    assert batch.scorecard == ended.scorecard
    assert {made.decision_id: made for made in batch.decisions} == {
        key: made for key, made in told.items() if not made.retracted
    }


@settings(max_examples=300)
@given(deliveries(WORDS, most=6))
def test_any_order_of_delivery_ends_like_batch(delivery: Delivery) -> None:
    """Decisions, paid slots and scorecard are those of the final turns in their order, however they came."""
    check(word_detector(), delivery)


@settings(max_examples=150)
@given(delivery=deliveries(SENTENCES, most=5))
def test_any_order_of_delivery_ends_like_batch_with_the_shipped_model(detector: Detector, delivery: Delivery) -> None:
    """The same holds with the real text engine, the shipped playbook and the shipped model."""
    check(detector, delivery)
