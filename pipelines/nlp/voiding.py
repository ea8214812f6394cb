"""Which rule hits do not count, because an unless entry or a shared scope reaches them."""

from collections.abc import Iterator, Sequence
from operator import itemgetter

from detector.candidate import RULE, UNLESS, Hit
from pipelines.nlp.entries import SHARED_SCOPE, Entry, Match

_FIRST = itemgetter(1)


def voided(found: list[Match], words: Sequence[str], clauses: Sequence[int]) -> Iterator[Hit]:
    """Yield the hits, rule hits with the unless entry that voids them; overlapping hits of one entry become one."""
    merged = merged_matches(found)
    unless = [(entry, first, last) for entry, first, last in merged if entry.kind is UNLESS]
    for match in merged:
        entry, first, last = match
        void_by = None
        if entry.kind is RULE and unless:
            void_by = next((one[0].rule for one in unless if _voids(one, match, words, clauses)), None)
        yield Hit(entry.kind, entry.owner, entry.rule, first, last, void_by)


def _voids(unless: Match, rule: Match, words: Sequence[str], clauses: Sequence[int]) -> bool:
    entry, begins, ends = unless
    ruled, first, last = rule
    if entry.owner == SHARED_SCOPE:
        reaches = _reaches_back if entry.back else _reaches_on
        return ruled.owner not in entry.except_for and reaches(unless, rule, words, clauses)
    if entry.owner != ruled.owner:
        return False
    return entry.scope == "turn" or (clauses[begins] <= clauses[last - 1] and clauses[first] <= clauses[ends - 1])


def _reaches_on(scope: Match, rule: Match, words: Sequence[str], clauses: Sequence[int]) -> bool:
    """Tell whether no clause begins between a scope and a hit; a colon directly behind the scope begins none."""
    entry, begins, ends = scope
    _, first, _ = rule
    if not begins < first <= ends + entry.reach:
        return False
    behind = ends + 1 if ends < first and words[ends] == ":" else ends
    held = clauses[behind if behind > ends else ends - 1]
    return held == clauses[first] and not _opened(entry, words, behind + 1, first + 1)


def _reaches_back(scope: Match, rule: Match, words: Sequence[str], clauses: Sequence[int]) -> bool:
    """Tell whether no clause begins between a hit and a scope; a pause directly in front of the scope begins none."""
    entry, begins, _ = scope
    _, first, last = rule
    if not first < begins <= last + entry.reach:
        return False
    return clauses[min(last, begins) - 1] == clauses[begins - 1] and not _opened(entry, words, last - 1, begins)


def _opened(scope: Entry, words: Sequence[str], begin: int, end: int) -> bool:
    """Tell whether a clause opens, by a scope's `until`, at one of the words from `begin` to before `end`."""
    return any(tuple(words[at : at + len(one)]) == one for at in range(begin, end) for one in scope.until)


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
