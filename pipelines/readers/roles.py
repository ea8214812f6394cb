"""Who is who: what a format says itself, or what the user says of its labels. Nothing is guessed."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from detector.errors import DetectorError
from detector.transcript import Call, Speaker

ROLE_WORDS: Mapping[str, Speaker] = {
    "agent": Speaker.AGENT,
    "adviser": Speaker.AGENT,
    "advisor": Speaker.AGENT,
    "representative": Speaker.AGENT,
    "customer": Speaker.CUSTOMER,
    "caller": Speaker.CUSTOMER,
    "client": Speaker.CUSTOMER,
    "system": Speaker.SYSTEM,
    "ivr": Speaker.SYSTEM,
    "bot": Speaker.SYSTEM,
    "unknown": Speaker.UNKNOWN,
}
Value = TypeVar("Value")
_NUMBERED = re.compile(r"(?P<word>[a-z]+)[ _-]?\d*")
_BRACKETED = re.compile(r"(?P<name>[^(\[]+?)\s*[(\[](?P<inside>[^)\]]*)[)\]]")


class RolesError(DetectorError):
    """A role or an agent's id that is given in a way that cannot be understood."""


@dataclass(frozen=True, slots=True)
class Who:
    """Who says a turn: the speaker, and the agent's id where one is known."""

    speaker: Speaker
    agent_id: str | None = None


def _unheard(label: str | None, speaker: Speaker) -> None:
    """Take no note of a label."""


@dataclass(frozen=True, slots=True)
class Roles:
    """What the user says of a format's labels: channels, speaker labels and names; compared without regard to case.

    `hear` is told each label that is asked for, None where a turn has none, and the speaker it stands for.
    """

    speakers: Mapping[str, Speaker] = field(default_factory=dict)
    agent_ids: Mapping[str, str] = field(default_factory=dict)
    hear: Callable[[str | None, Speaker], None] = _unheard

    @classmethod
    def parse(
        cls,
        roles: Iterable[str] = (),
        agent_ids: Iterable[str] = (),
        *,
        hear: Callable[[str | None, Speaker], None] = _unheard,
    ) -> "Roles":
        """Return the roles of options such as `0=agent`, `Speaker 1=customer`, and of ids such as `Jo Marsh=a-17`.

        Raises:
            RolesError: what cannot be understood, or is said twice in two ways.
        """
        speakers: dict[str, Speaker] = {}
        for option in roles:
            label, _, role = option.rpartition("=")
            if not label.strip() or role.strip().lower() not in set(Speaker):
                raise RolesError(f"role {option!r} is not LABEL=ROLE; the roles: {', '.join(Speaker)}")
            _put(speakers, label, Speaker(role.strip().lower()))
        ids: dict[str, str] = {}
        for option in agent_ids:
            name, _, agent_id = option.partition("=")
            if not name.strip() or not agent_id.strip():
                raise RolesError(f"agent id {option!r} is not NAME=ID, such as 'Jo Marsh=a-17'")
            _put(ids, name, agent_id.strip())
        return cls(speakers, ids, hear)

    def __bool__(self) -> bool:
        """Tell whether the user said anything."""
        return bool(self.speakers or self.agent_ids)

    def maps(self, label: object) -> bool:
        """Tell whether the user says who a label is."""
        return _key(label) in self.speakers

    def renames(self, label: object) -> bool:
        """Tell whether the user gives the agent of a label an id."""
        return _key(label) in self.agent_ids

    def tells(self, label: str) -> bool:
        """Tell whether a written label is a role by itself, or the user says who it is."""
        return written_role(label) is not None or any(map(self.maps, named(label)))

    def written(self, label: str | None) -> Who:
        """Return who a written label stands for, as `who` does; of `Agent (Jo)` the user may say who `Jo` is."""
        return self.who(*named(label), known=written_role(label))

    def speaker(self, *labels: object, known: Speaker | None = None) -> Speaker:
        """Return the speaker that labels stand for, as `who` does."""
        keys = (_key(label) for label in labels if label is not None)
        return next((self.speakers[key] for key in keys if key in self.speakers), known or Speaker.UNKNOWN)

    def who(self, *labels: object, known: Speaker | None = None, agent_id: str | None = None) -> Who:
        """Return who a turn's labels stand for: what the user says of the first that is mapped, else what is `known`.

        `agent_id` is the id the format gives; the user may map it, as any label, to another. Only agents have one.
        """
        keys = [_key(label) for label in labels if label is not None]
        speaker = self.speaker(*labels, known=known)
        self.hear(next((str(label) for label in labels if label is not None and _key(label)), None), speaker)
        if speaker is not Speaker.AGENT:
            return Who(speaker)
        mapped = (self.agent_ids[key] for key in (*keys, _key(agent_id)) if key in self.agent_ids)
        return Who(speaker, next(mapped, agent_id or None))


def role_word(label: object) -> Speaker | None:
    """Return the speaker a label means by itself, as `Agent`, `AGENT_1` or `customer 2` do; or None."""
    match = _NUMBERED.fullmatch(_key(label))
    return ROLE_WORDS.get(match["word"]) if match else None


def named(label: str | None) -> tuple[str, ...]:
    """Return what a written label may be called by: as it stands, and of `Agent (Jo)` also `Jo` and `Agent`."""
    if label is None:
        return ()
    parts = _BRACKETED.fullmatch(label)
    return (label, parts["inside"], parts["name"]) if parts else (label,)


def written_role(label: str | None) -> Speaker | None:
    """Return the speaker that a written label means by itself; of `Agent (Jo)` what `Agent` does."""
    return next((speaker for name in reversed(named(label)) if (speaker := role_word(name)) is not None), None)


def _key(label: object) -> str:
    return str(label).strip().casefold()


def _put(into: dict[str, Value], label: str, value: Value) -> None:
    key = _key(label)
    if into.setdefault(key, value) != value:
        raise RolesError(f"{label.strip()!r} is given twice: as {into[key]} and as {value}")


NO_ROLES = Roles()


def assigned(call: Call, roles: Roles) -> Call:
    """Return a call that names its speakers itself, with what the user says of those words and of its agents."""
    if not roles and roles.hear is _unheard:
        return call
    named = roles.agent_ids.get(_key(call.agent_name)) or roles.agent_ids.get(_key(call.agent_id)) or call.agent_id
    turns = []
    for turn in call.turns:
        who = roles.who(turn.speaker.value, known=turn.speaker, agent_id=turn.agent_id)
        turns.append(turn.model_copy(update={"speaker": who.speaker, "agent_id": who.agent_id}))
    return call.model_copy(update={"agent_id": named, "turns": tuple(turns)})
