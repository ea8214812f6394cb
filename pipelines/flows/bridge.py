"""A bridge from a vendor's live messages, a JSON line each, to native ones."""

import base64
import binascii
from collections import deque
from collections.abc import Iterator
from typing import Any, BinaryIO

import orjson

from detector.errors import DetectorError
from detector.transcript import Speaker
from pipelines.readers import NO_ROLES, InputFault, Roles
from pipelines.readers.document import decoded
from pipelines.readers.live import TRANSLATORS, Message, Translated, Translator, UnderWay, rest
from pipelines.readers.source import UnreadableError, lines

CALLS_UNDER_WAY = 100_000
REVISED_LATELY = 1_000


class VendorError(DetectorError):
    """A vendor of live messages that is not known."""


def translator(name: str) -> Translator:
    """Return the translator of a vendor by its name.

    Raises:
        VendorError: no such vendor.
    """
    if name not in TRANSLATORS:
        raise VendorError(f"unknown source {name!r}; the known ones: {', '.join(TRANSLATORS)}")
    return TRANSLATORS[name]


class Bridge:
    """Translates messages one by one, whatever calls they belong to.

    Keeps what `translate` keeps of each call under way, of `CALLS_UNDER_WAY` calls at most: the one heard least lately
    is forgotten, and told anew when it is heard again. A `call_id` given is the call of all messages.
    """

    def __init__(self, vendor: Translator, *, roles: Roles = NO_ROLES, call_id: str | None = None) -> None:
        self._vendor = vendor
        self._roles = roles
        self._call_id = call_id
        self._under_way: dict[str, UnderWay] = {}
        self._waiting: dict[str, int] = {}

    @property
    def waiting_since(self) -> int | None:
        """Return the first place from which words wait to be told; None where none wait."""
        return min(self._waiting.values(), default=None)

    def translate(self, message: Any, *, place: int = 0) -> tuple[Message, ...]:
        """Return the native messages that a decoded message leads to; `place` is where it stands in its stream.

        Raises:
            UnreadableError: it is not in the vendor's shape, or names no call.
        """
        message = unwrapped(message)
        name = self._call_id or message.get("call_id") or self._vendor.call_id(message)
        if not isinstance(name, str):
            raise UnreadableError("names no call: give --call-id")
        translated = self._vendor.translate(self._under_way.get(name) or UnderWay(name), message, roles=self._roles)
        self._keep(name, translated.call, place)
        return translated.messages

    def rest(self) -> Iterator[Message]:
        """Yield the words that wait for the end of their utterance as turns: nothing more comes. No call is ended."""
        for name in [*self._waiting]:
            told = rest(Translated(self._under_way[name]), self._roles)
            self._keep(name, told.call, 0)
            yield from told.messages

    def _keep(self, name: str, call: UnderWay | None, place: int) -> None:
        self._under_way.pop(name, None)
        if call is None or not call.pieces:
            self._waiting.pop(name, None)
        else:
            self._waiting.setdefault(name, place)
        if call is not None:
            self._under_way[name] = call
        if len(self._under_way) > CALLS_UNDER_WAY:
            forgotten = next(iter(self._under_way))
            del self._under_way[forgotten]
            self._waiting.pop(forgotten, None)


class UnknownTurns:
    """Counts turns that nobody is known for; a revision of one of the last `REVISED_LATELY` is not counted again."""

    def __init__(self) -> None:
        self.count = 0
        self._lately: deque[str] = deque(maxlen=REVISED_LATELY)

    def take(self, message: Message) -> None:
        """Count those of a native message."""
        for turn in message.get("turns", ()):
            if turn["speaker"] == Speaker.UNKNOWN and turn["turn_id"] not in self._lately:
                self.count += 1
                self._lately.append(turn["turn_id"])


def unwrapped(message: Any) -> dict[str, Any]:
    """Return a message; out of the record that Kinesis wraps it in (`Data`, base64), where it is one.

    Raises:
        UnreadableError: it is no JSON object, or its record holds none.
    """
    if isinstance(message, dict) and isinstance(message.get("Data"), str) and "SequenceNumber" in message:
        try:
            message = orjson.loads(base64.b64decode(message["Data"], validate=True))
        except (binascii.Error, ValueError):
            raise UnreadableError("Data: is not base64 of JSON") from None
    if not isinstance(message, dict):
        raise UnreadableError("is not a JSON object")
    return message


def bridge(stream: BinaryIO, name: str, over: Bridge) -> Iterator[Message | InputFault]:
    """Yield the native messages of a stream of JSON lines, as they come; a bad line is a fault.

    Words that still wait for the end of their utterance when the stream ends are told then.
    """
    for line in lines(stream, name):
        if isinstance(line, InputFault):
            yield line
            continue
        number, raw = line
        try:
            yield from over.translate(decoded(raw.strip()))
        except UnreadableError as error:
            yield InputFault(name, number, str(error))
    yield from over.rest()
