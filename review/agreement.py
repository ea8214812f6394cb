"""How far two people agree beyond chance: Cohen's kappa with its interval."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import sqrt

from models.evaluation import Z
from pipelines.store.calibrating import Pair


@dataclass(frozen=True, slots=True)
class Kappa:
    """Cohen's kappa (1960) with its 95% interval by the large-sample standard error.

    None where it is undefined; the interval is also where all or none agree: the error would be told as nought.
    """

    value: float | None
    low: float | None
    high: float | None
    agreed: int
    of: int


@dataclass(frozen=True, slots=True)
class Row:
    """The agreement on a behaviour, or between two people."""

    name: str
    kappa: Kappa


def kappa(pairs: Sequence[tuple[str, str]]) -> Kappa:
    """Return the agreement of pairs of labels; undefined where chance alone would make everybody agree."""
    total = len(pairs)
    agreed = sum(first == second for first, second in pairs)
    firsts, seconds = Counter(first for first, _ in pairs), Counter(second for _, second in pairs)
    chance = sum(firsts[label] * seconds[label] for label in firsts) / total**2 if total else 1.0
    if chance >= 1.0:
        return Kappa(None, None, None, agreed, total)
    observed = agreed / total
    value = (observed - chance) / (1 - chance)
    if agreed in {0, total}:
        return Kappa(value, None, None, agreed, total)
    error = sqrt(observed * (1 - observed) / total) / (1 - chance)
    return Kappa(value, max(-1.0, value - Z * error), min(1.0, value + Z * error), agreed, total)


def by_behaviour(pairs: Iterable[Pair]) -> list[Row]:
    """Return the agreement on each behaviour."""
    return _rows((one.behaviour, (one.first_kind, one.second_kind)) for one in pairs)


def by_people(pairs: Iterable[Pair]) -> list[Row]:
    """Return the agreement of each two people, whoever of them was first."""
    return _rows((" and ".join(people), labels) for people, labels in map(_sides, pairs))


def _sides(one: Pair) -> tuple[tuple[str, str], tuple[str, str]]:
    (left, said), (right, replied) = sorted(((one.first_by, one.first_kind), (one.second_by, one.second_kind)))
    return (left, right), (said, replied)


def _rows(told: Iterable[tuple[str, tuple[str, str]]]) -> list[Row]:
    groups: dict[str, list[tuple[str, str]]] = {}
    for name, labels in told:
        groups.setdefault(name, []).append(labels)
    return [Row(name, kappa(labels)) for name, labels in sorted(groups.items())]
