"""What to look at next, and why: pure ordering of what the store holds open."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from math import isnan

from models.evaluation import Share
from pipelines.store.queueing import OpenDecision, SampledCall

SAMPLE_EVERY = 5
NEAR_FLOOR, UNKNOWN_PRECISION, CHANGED = 2.0, 1.5, 2.0
NEAR = 0.05


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to look at. `decision_id` is None of a call that is to be read as a whole."""

    call_id: str
    decision_id: str | None
    behaviour: str | None
    outcome: str | None
    agent_id: str | None
    team: str | None
    score: float | None
    happened_at: datetime
    reasons: tuple[str, ...]

    @property
    def key(self) -> str:
        """What it is claimed by."""
        return self.decision_id or f"call:{self.call_id}"


def weight(share: Share, floor: float) -> tuple[float, str | None]:
    """Return how much more a verdict of a behaviour matters, and why, by its precision so far."""
    if share.of == 0 or isnan(share.value):
        return UNKNOWN_PRECISION, "nothing is known yet of its precision"
    if share.low < floor <= share.high or abs(share.low - floor) <= NEAR:
        return NEAR_FLOOR, f"precision {share.value:.2f} is near the floor {floor:.2f}"
    return 1.0, None


def ordered(
    made: Iterable[OpenDecision],
    *,
    changed: Sequence[OpenDecision] = (),
    sample: Sequence[SampledCall] = (),
    appealed: Sequence[OpenDecision] = (),
    second: Sequence[OpenDecision] = (),
    precision: Mapping[str, Share],
    floor: float,
    limit: int = 60,
) -> list[Item]:
    """Return what to look at, first things first.

    Appeals come before all else, since somebody waits. Then decisions by what a verdict may change; every fifth item
    is one that chance chose (a call to be read as a whole) or a second review, since figures rest on those.
    """
    worth = {one.decision_id: _worth(one, precision, floor) for one in (*made, *changed)}
    candidates = {one.decision_id: one for one in (*made, *changed)}
    ranked = sorted(candidates.values(), key=lambda one: (-worth[one.decision_id][0], one.decision_id))
    by_stake = [item(one, worth[one.decision_id][1]) for one in ranked]
    chance = [*(item(one, ("a second, blind review",)) for one in second), *map(_whole_call, sample)]
    first = [item(one, ("an appeal waits",)) for one in appealed]
    return _told_once([*first, *_mixed(by_stake, chance)], limit)


def item(one: OpenDecision, reasons: tuple[str, ...]) -> Item:
    """Return a decision as an item of the queue."""
    return Item(
        one.call_id,
        one.decision_id,
        one.behaviour,
        one.outcome,
        one.agent_id,
        one.team,
        one.score,
        one.happened_at,
        reasons,
    )


def _worth(one: OpenDecision, precision: Mapping[str, Share], floor: float) -> tuple[float, tuple[str, ...]]:
    factor, why = weight(precision.get(one.behaviour, Share(float("nan"), 0, 1, 0)), floor)
    reasons = [f"{one.stake:.1f} points at stake"] if one.stake >= 0.05 else ["little at stake"]  # noqa: PLR2004 - rounds to 0.1
    if one.before is not None:
        factor *= CHANGED
        reasons.append(f"was {one.before} before the playbook or the model changed")
    return one.stake * factor, (*reasons, *((why,) if why else ()))


def _whole_call(one: SampledCall) -> Item:
    reasons = ("drawn at random: read the whole call",)
    return Item(one.call_id, None, None, None, one.agent_id, one.team, None, one.happened_at, reasons)


def _mixed(ranked: Sequence[Item], chance: Sequence[Item]) -> Iterable[Item]:
    """Yield every fifth from those that chance chose, as long as there are any; of both all that there is."""
    drawn, chosen = iter(chance), iter(ranked)
    while True:
        some = [*islice(chosen, SAMPLE_EVERY - 1), *islice(drawn, 1)]
        if not some:
            return
        yield from some


def _told_once(items: Iterable[Item], limit: int) -> list[Item]:
    found: dict[str, Item] = {}
    for one in items:
        found.setdefault(one.key, one)
        if len(found) == limit:
            break
    return list(found.values())
