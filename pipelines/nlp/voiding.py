"""Which rule hits do not count, because an unless entry or a shared scope reaches them."""

from collections.abc import Iterator
from operator import itemgetter

from detector.candidate import RULE, UNLESS, Hit
from pipelines.nlp.entries import SHARED_SCOPE, Match

_FIRST = itemgetter(1)


def voided(found: list[Match], clauses: tuple[int, ...]) -> Iterator[Hit]:
    """Yield the hits, rule hits with the unless entry that voids them; overlapping hits of one entry become one."""
    merged = merged_matches(found)
    unless = [(entry, first, last) for entry, first, last in merged if entry.kind is UNLESS]
    for entry, first, last in merged:
        void_by = None
        if entry.kind is RULE and unless:
            void_by = next((one[0].rule for one in unless if _voids(one, entry.owner, first, last, clauses)), None)
        yield Hit(entry.kind, entry.owner, entry.rule, first, last, void_by)


def _voids(unless: Match, owner: str, first: int, last: int, clauses: tuple[int, ...]) -> bool:
    entry, begins, ends = unless
    if entry.owner == SHARED_SCOPE:
        near = ends <= first <= ends + entry.reach
        return near and owner not in entry.except_for and clauses[ends - 1] == clauses[first]
    if entry.owner != owner:
        return False
    return entry.scope == "turn" or (clauses[begins] <= clauses[last - 1] and clauses[first] <= clauses[ends - 1])


def merged_matches(found: list[Match]) -> list[Match]:
    """Join overlapping matches of the same entry into the widest."""
    in_order = sorted(found, key=_FIRST)
    if len({id(entry) for entry, _, _ in found}) == len(found):
        return in_order
    merged: dict[int, list[Match]] = {}
    for match in in_order:
        entry, first, last = match
        runs = merged.setdefault(id(entry), [])
        if runs and first < runs[-1][2]:
            runs[-1] = (entry, runs[-1][1], max(last, runs[-1][2]))
        else:
            runs.append(match)
    return [run for runs in merged.values() for run in runs]
