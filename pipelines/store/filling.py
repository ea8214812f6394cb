"""Calls, decisions, scorecards and reward events into the store, by id: what is filled twice changes nothing."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from types import TracebackType
from typing import Any, Self

from sqlalchemy import Connection, select, update

from detector.decision import Decision, Outcome, Scorecard
from detector.detect import Detection
from detector.judgement import VerdictKind
from detector.playbook import Playbook
from detector.reward import RewardEvent
from detector.transcript import Call, CallHeader, Turn
from pipelines.store.engine import Store, now, upsert
from pipelines.store.masking import masked_header, masked_turn
from pipelines.store.outbox import note_settled
from pipelines.store.tables import calls, decisions, reward_events, scorecards, turns, verdicts

SAMPLE_SHARE = 0.02
CALLS_A_TRANSACTION = 50
NOTHING_AT_STAKE = 0.0


class StoreSink:
    """Fills a store with calls and their detections, some dozens a transaction; nothing is lost after `close`."""

    def __init__(self, store: Store, *, playbook: Playbook, sample_share: float = SAMPLE_SHARE) -> None:
        self._store, self._playbook, self._share = store, playbook, sample_share
        self._waiting: list[tuple[Call, Detection]] = []

    def write(self, call: Call, detection: Detection) -> None:
        """Take one call."""
        self._waiting.append((call, detection))
        if len(self._waiting) >= CALLS_A_TRANSACTION:
            self._flush()

    def close(self) -> None:
        """Write what is held."""
        self._flush()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Write what is held."""
        self.close()

    def _flush(self) -> None:
        with self._store.writing() as connection:
            filler = Filler(connection, playbook=self._playbook, sample_share=self._share)
            for call, detection in self._waiting:
                filler.call(call, detection)
        self._waiting.clear()


@dataclass(frozen=True, slots=True)
class Filler:
    """Fills a store within one transaction."""

    connection: Connection
    playbook: Playbook
    sample_share: float = SAMPLE_SHARE

    def call(self, call: Call, detection: Detection) -> None:
        """Take in a finished call; decisions that no longer come out of it are retracted."""
        self.header(call.header)
        self.turns(call.call_id, call.turns)
        standing = {one.decision_id for one in detection.decisions}
        known = self._known(call.call_id)
        gone = [Decision.model_validate_json(row.value) for key, row in known.items() if key not in standing]
        self.decisions([*detection.decisions, *(one.model_copy(update={"retracted": True}) for one in gone)])
        self.scorecard(detection.scorecard)
        self.events(detection.rewards)

    def header(self, header: CallHeader) -> None:
        """Take in what is known of a call; what was known before and is not told now stays."""
        told = masked_header(header).model_dump()
        if self._purged(header.call_id):
            told |= {"agent_name": None, "customer_name": None}
        fresh = {"filled_at": now(), "sampled": in_sample(header.call_id, self.sample_share)}
        upsert(self.connection, calls, [told | fresh], update=[name for name in told if told[name] is not None])
        theirs = decisions.c.call_id == header.call_id
        for name, value in (("team", told["team"]), ("happened_at", header.started_at)):
            if value is not None:
                self.connection.execute(update(decisions).where(theirs).values({name: value}))

    def turns(self, call_id: str, said: Iterable[Turn]) -> None:
        """Take in final turns, masked; an older revision replaces no newer. A purged call stays without words.

        A call to which something is added, or in which something is said otherwise, has been read whole by nobody.
        """
        columns = ("turn_id", "revision", "speaker", "words")
        there = self.connection.execute(select(*(turns.c[name] for name in columns)).where(turns.c.call_id == call_id))
        known = {row.turn_id: row for row in there}
        newest: dict[str, int] = {key: row.revision for key, row in known.items()}
        purged = self._purged(call_id)
        rows: dict[str, Mapping[str, Any]] = {}
        for turn in said:
            if turn.is_final and not purged and turn.revision >= newest.get(turn.turn_id, 0):
                newest[turn.turn_id] = turn.revision
                rows[turn.turn_id] = _turn_row(call_id, masked_turn(turn))
        changing = ("position", "revision", "speaker", "agent_id", "words", "start_ms", "end_ms")
        upsert(self.connection, turns, rows.values(), update=changing)
        if any(_said_otherwise(row, known.get(key)) for key, row in rows.items()):
            unread = {"read_by": None, "read_at": None}
            own = (calls.c.call_id == call_id) & calls.c.read_at.is_not(None)
            self.connection.execute(update(calls).where(own).values(unread))

    def decisions(self, made: Iterable[Decision]) -> None:
        """Take in decisions; what people did with one stays, also with one that was retracted and is told again."""
        given = {one.decision_id: one for one in made}
        for call_id in {one.call_id for one in given.values()}:
            known, judged = self._known(call_id), self._judged(call_id)
            header = self.connection.execute(select(calls).where(calls.c.call_id == call_id)).one_or_none()
            rows = [
                self._decision_row(one, known.get(one.decision_id), header, judged=one.decision_id in judged)
                for one in given.values()
                if one.call_id == call_id
            ]
            changing = ("agent_id", "outcome", "before", "score", "stake", "state", "value")
            upsert(self.connection, decisions, rows, update=changing)

    def scorecard(self, told: Scorecard) -> None:
        """Take in a call's scorecard; a later one replaces it."""
        row = {"call_id": told.call_id, "agent_id": told.agent_id, "value": told.model_dump_json()}
        upsert(self.connection, scorecards, [row], update=("agent_id", "value"))

    def events(self, told: Iterable[RewardEvent]) -> None:
        """Take in reward events, each once, and note the verdicts that they settle."""
        given = list(told)
        rows = [
            {
                "event_id": one.id,
                "call_id": one.data.call_id,
                "agent_id": one.data.agent_id,
                "behaviour": one.data.behaviour,
                "value": one.model_dump_json(),
            }
            for one in given
        ]
        upsert(self.connection, reward_events, rows)
        note_settled(self.connection, {one.data.call_id for one in given})

    def _purged(self, call_id: str) -> bool:
        query = select(calls.c.purged_at).where(calls.c.call_id == call_id)
        return self.connection.scalar(query) is not None

    def _known(self, call_id: str) -> dict[str, Any]:
        """Return the decisions there, locked: somebody may be judging one, and what is written goes by its state."""
        theirs = select(decisions).where(decisions.c.call_id == call_id).order_by(decisions.c.decision_id)
        rows = self.connection.execute(theirs.with_for_update())
        return {row.decision_id: row for row in rows}

    def _judged(self, call_id: str) -> set[str]:
        """Return the decisions, retracted ones too, of which a verdict stands; a mark of what was missed is none."""
        theirs = (verdicts.c.call_id == call_id) & verdicts.c.standing & (verdicts.c.kind != VerdictKind.MISSED.value)
        return set(self.connection.scalars(select(verdicts.c.decision_id).where(theirs)))

    def _decision_row(self, one: Decision, known: Any, header: Any, *, judged: bool) -> dict[str, Any]:
        state = "judged" if judged else "open"
        return {
            "decision_id": one.decision_id,
            "call_id": one.call_id,
            "agent_id": one.agent_id,
            "team": header.team if header else None,
            "behaviour": one.behaviour,
            "outcome": one.outcome.value,
            "before": _before(one, known),
            "score": one.score,
            "stake": stake(one, self.playbook),
            "state": "retracted" if one.retracted else state,
            "happened_at": _time(header),
            "value": one.model_dump_json(),
        }


def in_sample(call_id: str, share: float) -> bool:
    """Tell whether a call is in the random sample: by a hash of its id, so that it is the same at every replay."""
    return int.from_bytes(blake2b(call_id.encode(), digest_size=8).digest()) < share * 2**64


def stake(decision: Decision, playbook: Playbook) -> float:
    """Return what a person's word on a decision may change, in points: the points times how unsure the machine is.

    Of an award what is lost if it is wrong, of a review what is withheld if it is right; half a point where nothing
    is paid but a label is needed to leave the shadow.
    """
    try:
        behaviour = playbook.behaviour(decision.behaviour)
    except KeyError:
        return NOTHING_AT_STAKE
    if decision.agent_id is None:
        return NOTHING_AT_STAKE
    if decision.outcome is Outcome.SHADOW:
        return round(0.5 * (1 - abs(2 * decision.score - 1)), 6)
    doubt = decision.score if decision.outcome is Outcome.REVIEW else 1 - decision.score
    return round(behaviour.reward.points * doubt, 6)


def _before(one: Decision, known: Any) -> str | None:
    """Return the outcome an earlier version of the playbook or the model gave, where it is another."""
    if known is None:
        return None
    earlier = Decision.model_validate_json(known.value)
    same = (earlier.playbook_version, earlier.model_version) == (one.playbook_version, one.model_version)
    if same or earlier.outcome is one.outcome:
        return str(known.before) if known.before else None
    return earlier.outcome.value


def _turn_row(call_id: str, turn: Turn) -> Mapping[str, Any]:
    row = turn.model_dump(mode="json", exclude={"is_final", "index", "text"})
    return row | {"call_id": call_id, "position": turn.index, "words": turn.text}


def _said_otherwise(row: Mapping[str, Any], known: Any) -> bool:
    return known is None or (row["speaker"], row["words"]) != (known.speaker, known.words)


def _time(header: Any) -> datetime:
    return now() if header is None else header.started_at or header.filled_at
