"""What is looked for in a turn: the entries of a playbook, by the speaker whose turns they are of."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from detector.candidate import HitKind
from detector.errors import Fault
from detector.playbook import Playbook, Rule


@dataclass(frozen=True, slots=True)
class Entry:
    """What a match stands for. `scope` and `reach` are of unless entries and shared scopes."""

    kind: HitKind
    owner: str
    rule: str
    scope: Literal["clause", "turn"] = "clause"
    reach: int = 0
    except_for: frozenset[str] = frozenset()

    @property
    def file(self) -> str:
        """The playbook's file the entry is written in."""
        if self.kind is HitKind.CUE:
            return "shared/cues.yaml"
        return "shared/scopes.yaml" if self.owner == SHARED_SCOPE else f"{self.owner}.yaml"

    def fault(self, message: str) -> Fault:
        """Return what is wrong with the entry. Its line is not known once a playbook is loaded, so its id is told."""
        return Fault(self.file, 1, f"the entry {self.rule!r} {message}")


Match: TypeAlias = tuple[Entry, int, int]
"""An entry, the first word of a match, and the word after its last."""
SHARED_SCOPE = "*"
"""The owner of an unless entry that holds for every behaviour."""


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
        except_for = frozenset(scope.except_for)
        yield Entry(HitKind.UNLESS, SHARED_SCOPE, scope.id, reach=scope.reach, except_for=except_for), scope
    yield from cue_entries(playbook, "agent")


def cue_entries(playbook: Playbook, speaker: Literal["agent", "customer"]) -> Iterator[tuple[Entry, Rule]]:
    """Yield the cues by which a speaker makes facts of the call known."""
    for cue in playbook.shared.cues:
        if cue.speaker in {speaker, "any"}:
            yield Entry(HitKind.CUE, cue.fact, cue.id), cue
