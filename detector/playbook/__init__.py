"""The playbook: strategy goal, KPI, behaviours; and its default, one behaviour a YAML file beside this one."""

from detector.playbook.load import DEFAULT_FOLDER, load_playbook
from detector.playbook.phrases import (
    AnyWord,
    Element,
    Gap,
    PhraseError,
    Sequence,
    WordClass,
    Words,
    parse,
)
from detector.playbook.values import (
    Behaviour,
    Cue,
    Example,
    Mode,
    Opportunity,
    Phase,
    Playbook,
    RewardPolicy,
    Rule,
    Scope,
    Shared,
    Thresholds,
    Unless,
)

__all__ = [
    "DEFAULT_FOLDER",
    "AnyWord",
    "Behaviour",
    "Cue",
    "Element",
    "Example",
    "Gap",
    "Mode",
    "Opportunity",
    "Phase",
    "PhraseError",
    "Playbook",
    "RewardPolicy",
    "Rule",
    "Scope",
    "Sequence",
    "Shared",
    "Thresholds",
    "Unless",
    "WordClass",
    "Words",
    "load_playbook",
    "parse",
]
