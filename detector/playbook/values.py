"""The values a playbook is made of. All are frozen; the YAML files in this folder are their written form."""

from enum import StrEnum
from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from detector.transcript import Speaker

Name: TypeAlias = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=64)]


LowerWord: TypeAlias = Annotated[str, Field(pattern=r"^[^\sA-Z]+$")]
"""A word as the text engine hears it: in lower case."""
WordList: TypeAlias = Annotated[tuple[Annotated[str, Field(pattern=r"\S")], ...], Field(min_length=1)]
"""What a class of words such as `{day}` stands for: one entry at least, each of a word or more."""


class Written(BaseModel):
    """A value read from YAML: frozen, and a key it does not know is a fault."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Phase(StrEnum):
    """Where in a call a behaviour is usual; it does not bind."""

    OPENING = "opening"
    MIDDLE = "middle"
    CLOSING = "closing"
    ANY = "any"


class Mode(StrEnum):
    """A live behaviour is rewarded; one in shadow is seen and reported, never rewarded."""

    LIVE = "live"
    SHADOW = "shadow"


class Opportunity(StrEnum):
    """What has to be so in a call for a behaviour to have had its occasion."""

    ALWAYS = "always"
    CALL_OPENED = "call_opened"
    NEED_STATED = "need_stated"
    TROUBLE_VOICED = "trouble_voiced"
    WORRY_VOICED = "worry_voiced"
    NAME_KNOWN = "name_known"
    NEED_HANDLED = "need_handled"
    WAITED = "waited"
    LOYALTY_MENTIONED = "loyalty_mentioned"
    CALL_CLOSED = "call_closed"
    NEVER = "never"


class Rule(Written):
    """Phrases, in the phrase notation, or raw spaCy token patterns, that say one thing."""

    id: Name
    phrases: tuple[str, ...] = ()
    patterns: tuple[tuple[dict[str, Any], ...], ...] = ()

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.phrases and not self.patterns:
            raise ValueError("a rule needs phrases, or patterns (raw spaCy token patterns)")
        return self


class Unless(Rule):
    """Phrases that void a rule's hit in the same clause, or anywhere in the turn."""

    scope: Literal["clause", "turn"] = "clause"


class Scope(Rule):
    """Phrases behind which, in the same clause and up to `reach` words on, no rule of any behaviour counts.

    With `scope: turn` none counts anywhere in the turn, as if every behaviour had them among its unless entries.
    """

    scope: Literal["clause", "turn"] = "clause"
    reach: int = Field(default=8, ge=1, le=60)
    back: bool = False
    """It reaches back, to what is said in front of its phrases, not on."""
    until: tuple[str, ...] = ()
    """Words that open a clause of their own, pause or no pause, unless they follow directly on the phrase.

    Of a scope that reaches back any of them in front of the phrase ends it.
    """
    except_for: tuple[Name, ...] = ()

    @model_validator(mode="after")
    def _no_place_matters_in_a_turn(self) -> Self:
        if self.scope == "turn" and self.model_fields_set & {"reach", "back", "until"}:
            raise ValueError("`scope: turn` holds everywhere in a turn: take `reach`, `back` and `until` away")
        return self


class Cue(Rule):
    """Phrases by which a speaker makes a fact of the call known."""

    fact: Name
    speaker: Literal["agent", "customer", "any"]


def _turn_before(value: object) -> object:
    """Read `customer: words` into a pair of speaker and words."""
    if isinstance(value, str):
        speaker, colon, words = value.partition(":")
        return (speaker.strip(), words.strip()) if colon else value
    return value


Before: TypeAlias = Annotated[tuple[Speaker, str], BeforeValidator(_turn_before)]


class Example(Written):
    """A turn a behaviour must be seen in, or must be left alone in, and why."""

    text: str
    before: tuple[Before, ...] = ()
    customer_name: str | None = None
    agent_name: str | None = None
    speaker: Speaker = Speaker.AGENT
    why: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _plain_text_is_enough(cls, value: object) -> object:
        return {"text": value} if isinstance(value, str) else value


class Examples(Written):
    """What a behaviour's rules and classifier are held to."""

    catch: tuple[Example, ...] = Field(min_length=8)
    leave: tuple[Example, ...] = Field(min_length=8)


class Thresholds(Written):
    """From `award` on a candidate is an award, from `review` on a person looks at it, below it is dropped."""

    award: float = Field(default=0.9, ge=0, le=1.01)
    review: float = Field(default=0.5, ge=0, le=1)
    measured: dict[str, float | int | str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.review > self.award:
            raise ValueError(f"review {self.review} is above award {self.award}")
        return self


class RewardPolicy(Written):
    """How many points one occurrence earns, and how many occurrences a call are credited at most."""

    points: int = Field(ge=1, le=1000)
    cap: int = Field(ge=1, le=50)
    mode: Mode


class Behaviour(Written):
    """A micro-behaviour: what it is, how it is recognised and what it earns."""

    id: Name
    name: str
    goal: str
    kpi: str
    speaker: Literal["agent"]
    phase: Phase
    definition: str
    rules: tuple[Rule, ...] = Field(min_length=1)
    hints: tuple[Rule, ...] = ()
    unless: tuple[Unless, ...] = ()
    examples: Examples
    thresholds: Thresholds
    opportunity: Opportunity
    reward: RewardPolicy
    needs_goodwill: bool = False
    """In a strained call a person should hear how it is meant: nothing is awarded unseen."""

    @model_validator(mode="after")
    def _ids_are_told_apart(self) -> Self:
        seen: set[str] = set()
        for rule in (*self.rules, *self.hints, *self.unless):
            if rule.id in seen:
                raise ValueError(f"two entries share the id {rule.id!r}")
            seen.add(rule.id)
        return self


class Strategy(Written):
    """What the playbook is for: its version, the languages it speaks, and the goals behaviours may serve."""

    version: int = Field(ge=1)
    languages: tuple[str, ...] = Field(min_length=1)
    award_precision_floor: float = Field(default=0.9, gt=0, lt=1)
    goals: tuple[str, ...] = Field(min_length=1)


class Shared(Written):
    """What all behaviours share: cues for facts, scopes that void, word lists, names and spellings."""

    cues: tuple[Cue, ...] = ()
    scopes: tuple[Scope, ...] = ()
    words: dict[Name, WordList] = Field(default_factory=dict)
    given_names: frozenset[LowerWord] = frozenset()
    spellings: dict[LowerWord, LowerWord] = Field(default_factory=dict)


class Playbook(Written):
    """All behaviours, in the order of their ids, and what they share. `version` changes with any word of it."""

    version: str
    strategy: Strategy
    shared: Shared
    behaviours: tuple[Behaviour, ...]

    def behaviour(self, identifier: str) -> Behaviour:
        """Return a behaviour by its id.

        Raises:
            KeyError: with the known ids.
        """
        for one in self.behaviours:
            if one.id == identifier:
                return one
        raise KeyError(f"{identifier!r} is not in the playbook; it has {', '.join(one.id for one in self.behaviours)}")

    def has(self, identifier: str) -> bool:
        """Tell whether a behaviour is in it: one that was decided on may have been removed since."""
        return any(one.id == identifier for one in self.behaviours)

    def speaks(self, language: str | None) -> bool:
        """Tell whether the playbook covers a language tag such as en-GB; a call with none is taken as covered."""
        if language is None:
            return True
        tag = language.lower().replace("_", "-")
        return any(tag == known or tag.startswith(f"{known}-") for known in self.strategy.languages)
