"""What is looked for in a turn: the entries of a playbook, by the speaker whose turns they are of."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Literal, TypeAlias

from detector.candidate import HitKind
from detector.errors import Fault
from detector.playbook import Playbook, Rule, Scope, Words, parse, parse_words


@dataclass(frozen=True, slots=True)
class Entry:
    """What a match stands for. `scope` is of unless entries, what follows it of those that all behaviours share."""

    kind: HitKind
    owner: str
    rule: str
    scope: Literal["clause", "turn"] = "clause"
    shared: bool = False
    reach: int = 0
    back: bool = False
    until: frozenset[tuple[str, ...]] = frozenset()
    except_for: frozenset[str] = frozenset()

    @property
    def file(self) -> str:
        """The playbook's file the entry is written in."""
        if self.kind is HitKind.CUE:
            return "shared/cues.yaml"
        return "shared/scopes.yaml" if self.shared else f"{self.owner}.yaml"

    def fault(self, message: str) -> Fault:
        """Return what is wrong with the entry. Its line is not known once a playbook is loaded, so its id is told."""
        return Fault(self.file, 1, f"the entry {self.rule!r} {message}")


Match: TypeAlias = tuple[Entry, int, int]
"""An entry, the first word of a match, and the word after its last."""
SHARED_SCOPE = "*"
"""The owner of an unless entry that holds for every behaviour, within its reach."""


def agent_entries(playbook: Playbook) -> Iterator[tuple[Entry, Rule]]:
    """Yield what is looked for in an agent's turn."""
    for behaviour in playbook.behaviours:
        for rule in behaviour.rules:
            yield Entry(HitKind.RULE, behaviour.id, rule.id), rule
        for hint in behaviour.hints:
            yield Entry(HitKind.HINT, behaviour.id, hint.id), hint
        for unless in behaviour.unless:
            yield Entry(HitKind.UNLESS, behaviour.id, unless.id, scope=unless.scope), unless
    for scope in playbook.shared.scopes:
        for entry in _scope_entries(scope, playbook):
            yield entry, scope
    yield from cue_entries(playbook, "agent")


def _scope_entries(scope: Scope, playbook: Playbook) -> Iterator[Entry]:
    """Yield one entry for all behaviours; of a scope that holds for a turn one for each, as no place matters."""
    if scope.scope == "turn":
        for one in playbook.behaviours:
            if one.id not in scope.except_for:
                yield Entry(HitKind.UNLESS, one.id, scope.id, scope="turn", shared=True)
        return
    openings = (parse_words(one, word_lists=playbook.shared.words) for one in scope.until)
    yield Entry(
        HitKind.UNLESS,
        SHARED_SCOPE,
        scope.id,
        shared=True,
        reach=scope.reach,
        back=scope.back,
        until=frozenset(chain.from_iterable(openings)),
        except_for=frozenset(scope.except_for),
    )


def cue_entries(playbook: Playbook, speaker: Literal["agent", "customer"]) -> Iterator[tuple[Entry, Rule]]:
    """Yield the cues by which a speaker makes facts of the call known."""
    for cue in playbook.shared.cues:
        if cue.speaker in {speaker, "any"}:
            yield Entry(HitKind.CUE, cue.fact, cue.id), cue


def everyday_words(playbook: Playbook) -> frozenset[str]:
    """Return the words that two rules or more look for in agents' turns: no names of people's, but for given names."""
    counts = Counter(word for _, rule in agent_entries(playbook) for word in _words(rule, playbook))
    return frozenset(word for word, count in counts.items() if count > 1) - playbook.shared.given_names


def _words(rule: Rule, playbook: Playbook) -> frozenset[str]:
    sequences = chain.from_iterable(parse(one, word_lists=playbook.shared.words) for one in rule.phrases)
    elements = {element for sequence in sequences for element in sequence.elements if isinstance(element, Words)}
    return frozenset(chain.from_iterable(element.options for element in elements))
