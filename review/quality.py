"""Figures of what was judged: precision, recall, and whether a behaviour is safe to reward. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import isnan

from detector.playbook import Behaviour, Playbook
from models.evaluation import Share, wilson
from pipelines.store.counting import Band, Sampled

MOST_MORE = 5_000


@dataclass(frozen=True, slots=True)
class Safety:
    """Whether a behaviour is safe to reward; `more` is how many further labels may tell, None where none would."""

    word: str
    told: str
    more: int | None = None


@dataclass(frozen=True, slots=True)
class BandShare:
    """Precision in one tenth of the score."""

    low: float
    high: float
    precision: Share


@dataclass(frozen=True, slots=True)
class Quality:
    """What is known of a behaviour."""

    behaviour: str
    name: str
    shadow: bool
    awards: Share
    bands: tuple[BandShare, ...]
    sample_precision: Share
    recall: Share
    safety: Safety
    waiting: int = 0


def qualities(
    playbook: Playbook, *, bands: Sequence[Band], sampled: Iterable[Sampled], waiting: dict[str, int]
) -> list[Quality]:
    """Return what is known of each behaviour of the playbook."""
    drawn = {one.behaviour: one for one in sampled}
    return [
        _quality(
            one,
            [band for band in bands if band.behaviour == one.id],
            drawn.get(one.id),
            floor=playbook.strategy.award_precision_floor,
            waiting=waiting.get(one.id, 0),
        )
        for one in playbook.behaviours
    ]


def award_scores(playbook: Playbook) -> dict[str, float]:
    """Return the score from which each behaviour is awarded, or in shadow would be."""
    return {one.id: one.thresholds.award for one in playbook.behaviours}


def award_precision(bands: Iterable[Band]) -> dict[str, Share]:
    """Return the precision of what was awarded (or, in shadow, would have been), of each behaviour judged."""
    told: dict[str, tuple[int, int]] = {}
    for one in bands:
        if one.outcome != "review":
            hits, judged = told.get(one.behaviour, (0, 0))
            told[one.behaviour] = (hits + one.correct, judged + one.judged)
    return {name: wilson(hits, judged) for name, (hits, judged) in told.items()}


def safety(awards: Share, floor: float) -> Safety:
    """Tell whether awards are surely right often enough: the interval's lower end is held against the floor."""
    if awards.of and awards.low >= floor:
        return Safety("yes", f"at least {awards.low:.2f} of awards are right, surely above {floor:.2f}")
    if awards.of and awards.high < floor:
        return Safety("no", f"at most {awards.high:.2f} of awards are right, surely below {floor:.2f}")
    more = labels_wanted(awards, floor)
    if more is None:
        return Safety("not enough labels", f"{awards.value:.2f} so far, no better than the floor {floor:.2f}")
    if awards.of == 0:
        return Safety("not enough labels", f"none yet; {more} would do if all are right", more)
    return Safety("not enough labels", f"about {more} more would do if {awards.value:.2f} of them are right", more)


def labels_wanted(awards: Share, floor: float) -> int | None:
    """Return the fewest further labels by which the interval clears the floor at the present share; None if never."""
    share = 1.0 if awards.of == 0 or isnan(awards.value) else awards.value
    hits = 0 if awards.of == 0 else round(awards.value * awards.of)
    for more in range(1, MOST_MORE):
        if wilson(hits + int(share * more), awards.of + more).low >= floor:
            return more
    return None


def _quality(
    behaviour: Behaviour, bands: Sequence[Band], drawn: Sampled | None, *, floor: float, waiting: int
) -> Quality:
    awards = award_precision(bands).get(behaviour.id, wilson(0, 0))
    correct, rejected, missed = (drawn.correct, drawn.rejected, drawn.missed) if drawn else (0, 0, 0)
    return Quality(
        behaviour=behaviour.id,
        name=behaviour.name,
        shadow=behaviour.reward.mode.value == "shadow",
        awards=awards,
        bands=_by_band(bands),
        sample_precision=wilson(correct, correct + rejected),
        recall=wilson(correct, correct + missed),
        safety=safety(awards, floor),
        waiting=waiting,
    )


def _by_band(bands: Sequence[Band]) -> tuple[BandShare, ...]:
    told: dict[int, tuple[int, int]] = {}
    for one in bands:
        hits, judged = told.get(one.band, (0, 0))
        told[one.band] = (hits + one.correct, judged + one.judged)
    return tuple(
        BandShare(band / 10, (band + 1) / 10, wilson(hits, judged)) for band, (hits, judged) in sorted(told.items())
    )
