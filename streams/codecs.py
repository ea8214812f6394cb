"""Bytes to messages and values to bytes. What cannot be read is told without its words."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, TypeAlias

import orjson
from pydantic import BaseModel, ValidationError

from detector.errors import DetectorError
from detector.transcript import what_is_wrong
from streams.messages import SCHEMA_VERSION, TRANSCRIPTS, Message, Messages

MAX_MESSAGE_BYTES = 8 * 1024 * 1024

Headers: TypeAlias = list[tuple[str, bytes]]


class Reason(StrEnum):
    """Why a message stands among the dead letters."""

    TOO_LARGE = "too_large"
    NOT_JSON = "not_json"
    UNKNOWN_TYPE = "unknown_type"
    UNKNOWN_SCHEMA_VERSION = "unknown_schema_version"
    BROKEN_SCHEMA = "broken_schema"
    WRONG_KEY = "wrong_key"
    STATE_TOO_LARGE = "state_too_large"
    BUG = "bug"


class PoisonError(DetectorError):
    """A message that cannot be handled: the reason, and what is wrong in words that are not the call's."""

    def __init__(self, reason: Reason, detail: str) -> None:
        self.reason = reason
        self.detail = detail
        super().__init__(f"{reason}: {detail}")


def decode(key: bytes | None, value: bytes | None, *, messages: Messages = TRANSCRIPTS) -> Message:
    """Return the message of the bytes of a record: one of those its topic may hold.

    Raises:
        PoisonError: what is wrong, without the words of the call.
    """
    message = _message(_fields(value), messages)
    if key != message.call_id.encode():
        raise PoisonError(Reason.WRONG_KEY, "the key of a message must be its call_id: it orders the call's turns")
    return message


def encode(value: BaseModel) -> bytes:
    """Return a contract's value as JSON, fields without a value left out."""
    return value.model_dump_json(exclude_none=True).encode()


def _fields(value: bytes | None) -> Mapping[str, Any]:
    if value is None or len(value) > MAX_MESSAGE_BYTES:
        told = "the message has no value" if value is None else f"more than {MAX_MESSAGE_BYTES:,} bytes"
        raise PoisonError(Reason.NOT_JSON if value is None else Reason.TOO_LARGE, told)
    try:
        fields = orjson.loads(value)
    except orjson.JSONDecodeError as error:
        raise PoisonError(Reason.NOT_JSON, str(error).partition(":")[0]) from None
    if not isinstance(fields, dict):
        raise PoisonError(Reason.BROKEN_SCHEMA, f"a message is a JSON object, not a {type(fields).__name__}")
    return fields


def _message(fields: Mapping[str, Any], messages: Messages) -> Message:
    kind = fields.get("type")
    model = messages.get(kind) if isinstance(kind, str) else None
    if model is None:
        raise PoisonError(Reason.UNKNOWN_TYPE, f"type must be one of: {', '.join(messages)}")
    if fields.get("schema_version", SCHEMA_VERSION) != SCHEMA_VERSION:
        raise PoisonError(Reason.UNKNOWN_SCHEMA_VERSION, f"this worker reads schema_version {SCHEMA_VERSION}")
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        raise PoisonError(Reason.BROKEN_SCHEMA, what_is_wrong(error)) from None
