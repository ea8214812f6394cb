"""Which rule hits do not count, because an unless entry or a shared scope reaches them."""

from collections.abc import Iterator

from detector.candidate import Hit, HitKind
from pipelines.nlp.entries import SHARED_SCOPE, Entry


def voided(found: list[tuple[Entry, int, int]], clauses: tuple[int, ...]) -> Iterator[Hit]:
    """Yield the hits, rule hits with the unless entry that voids them; overlapping hits of one entry become one."""
    merged = _merged(found)
    unless = [(entry, first, last) for entry, first, last in merged if entry.kind is HitKind.UNLESS]
    for entry, first, last in merged:
        void_by = None
        if entry.kind is HitKind.RULE and unless:
            void_by = next((one[0].rule for one in unless if _voids(one, entry.owner, first, last, clauses)), None)
        yield Hit(entry.kind, entry.owner, entry.rule, first, last, void_by)


def _voids(unless: tuple[Entry, int, int], owner: str, first: int, last: int, clauses: tuple[int, ...]) -> bool:
    entry, begins, ends = unless
    if entry.owner == SHARED_SCOPE:
        near = ends <= first <= ends + entry.reach
        return near and owner not in entry.except_for and clauses[ends - 1] == clauses[first]
    if entry.owner != owner:
        return False
    return entry.scope == "turn" or (clauses[begins] <= clauses[last - 1] and clauses[first] <= clauses[ends - 1])


def _merged(found: list[tuple[Entry, int, int]]) -> list[tuple[Entry, int, int]]:
    """Join overlapping matches of the same rule into the widest."""
    if len(found) <= 1:
        return found
    merged: dict[tuple[HitKind, str, str], list[tuple[Entry, int, int]]] = {}
    for entry, first, last in sorted(found, key=_place):
        runs = merged.setdefault((entry.kind, entry.owner, entry.rule), [])
        if runs and first < runs[-1][2]:
            runs[-1] = (entry, runs[-1][1], max(last, runs[-1][2]))
        else:
            runs.append((entry, first, last))
    return [run for runs in merged.values() for run in runs]


def _place(match: tuple[Entry, int, int]) -> tuple[int, int, HitKind, str, str]:
    """Return what matches are ordered by: wholly, so that two processes tell the same evidence in the same order."""
    entry, first, last = match
    return first, -last, entry.kind, entry.owner, entry.rule
