"""The playbook's own examples, run through the real pipeline."""

from collections.abc import Iterator
from dataclasses import dataclass

from detector.candidate import HitKind
from detector.decision import Outcome
from detector.detect import Detector
from detector.playbook import Behaviour, Example
from detector.ports import Reader
from detector.transcript import Call, call_of


@dataclass(frozen=True, slots=True)
class Checked:
    """What became of one example: `seen` is the outcome, None where the behaviour was not seen."""

    behaviour: str
    example: Example
    wanted: bool
    seen: Outcome | None
    rules: tuple[str, ...] = ()

    @property
    def right(self) -> bool:
        """Tell whether the example is caught, or left alone, as it must be."""
        return (self.seen is not None) is self.wanted


def check(detector: Detector, reader: Reader) -> Iterator[Checked]:
    """Yield every example of the playbook with what the detector makes of it."""
    for behaviour in detector.playbook.behaviours:
        for wanted, examples in ((True, behaviour.examples.catch), (False, behaviour.examples.leave)):
            for number, example in enumerate(examples):
                yield _checked(detector, reader, behaviour, example, wanted=wanted, number=number)


def example_call(example: Example, call_id: str) -> Call:
    """Return an example as a call that ends with it."""
    said = [*example.before, (example.speaker, example.text)]
    return call_of(
        {
            "call_id": call_id,
            "agent_id": "example",
            "agent_name": example.agent_name,
            "customer_name": example.customer_name,
            "turns": [{"speaker": speaker, "text": text} for speaker, text in said],
        }
    )


def _checked(
    detector: Detector, reader: Reader, behaviour: Behaviour, example: Example, *, wanted: bool, number: int
) -> Checked:
    call = example_call(example, f"{behaviour.id}/{number}")
    last = call.turns[-1]
    decisions = detector.detect(call).decisions
    seen = next(
        (one.outcome for one in decisions if (one.turn_id, one.behaviour) == (last.turn_id, behaviour.id)), None
    )
    hits = reader.read(last, detector.open(call.header).memory).hits
    rules = tuple(
        hit.rule if hit.void_by is None else f"{hit.rule} (void by {hit.void_by})"
        for hit in hits
        if hit.kind is HitKind.RULE and hit.owner == behaviour.id
    )
    return Checked(behaviour.id, example, wanted, seen, rules)
