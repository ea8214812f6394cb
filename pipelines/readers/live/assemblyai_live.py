"""AssemblyAI, live (version 3): the turns of one session.

A finished turn may come twice, as heard and then formatted: the second is a revision of the first. Turns name neither
call nor speaker: give `--call-id`, or put `call_id`, and `channel` where sessions run side by side, into each message.
"""

from detector.transcript import Speaker
from pipelines.readers.conversation import Said, milliseconds
from pipelines.readers.document import Shape, shaped
from pipelines.readers.live.under_way import Message, Translated, UnderWay, ended, started, turn, turns
from pipelines.readers.roles import Roles, role_word

ONLY_CHANNEL = "0"


class Word(Shape):
    """A word; times in milliseconds."""

    start: float
    end: float


class Turn(Shape):
    """A turn, finished where `end_of_turn`."""

    turn_order: int
    turn_is_formatted: bool = False
    end_of_turn: bool = False
    transcript: str
    words: tuple[Word, ...] = ()
    channel: str = ONLY_CHANNEL


def call_id(message: Message) -> str | None:
    """Return the session, where the message has its id."""
    session = message.get("id")
    return session if isinstance(session, str) and message.get("type") == "Begin" else None


def translate(call: UnderWay, message: Message, *, roles: Roles) -> Translated:
    """Return what a message of the session leads to."""
    match message.get("type"):
        case "Begin":
            return started(call)
        case "Turn":
            found = shaped(message, Turn)
            begun = started(call)
            return turns(begun, _turn(call.call_id, found, roles)) if found.end_of_turn and found.words else begun
        case "Termination":
            return ended(started(call), call.call_id)
        case _:
            return Translated(call)


def _turn(call_id: str, found: Turn, roles: Roles) -> Message:
    start = milliseconds(found.words[0].start, per_second=1000) or 0
    known: Speaker | None = role_word(found.channel)
    said = Said(
        who=roles.who(found.channel, known=known),
        text=found.transcript,
        start_ms=start,
        end_ms=milliseconds(found.words[-1].end, per_second=1000),
    )
    revision = int(found.turn_is_formatted)
    return turn(said, turn_id=f"{call_id}:{found.channel}:{found.turn_order}", index=start, revision=revision)
