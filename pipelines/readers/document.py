"""JSON documents of one call or few, read whole and checked against the shape a vendor gives them."""

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, TypeAlias, TypeVar

import orjson
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)
from pydantic.alias_generators import to_camel, to_pascal

from detector.errors import TranscriptError
from detector.transcript import what_is_wrong
from pipelines.readers.decoding import json_value
from pipelines.readers.source import UnreadableError, contents, text_of

FIRST_YEAR, LAST_YEAR = 1970, 9998


class Shape(BaseModel):
    """Part of a vendor's document: the fields that are read, under the vendor's own names; others are left aside.

    A field that is null is as one that is not there.
    """

    model_config = ConfigDict(
        frozen=True, extra="ignore", coerce_numbers_to_str=True, populate_by_name=True, defer_build=True
    )

    @model_validator(mode="before")
    @classmethod
    def _drop_nulls(cls, value: Any) -> Any:
        if not isinstance(value, Mapping):
            return value
        return {name: part for name, part in value.items() if part is not None}


def or_none(value: Any, valid: ValidatorFunctionWrapHandler) -> Any:
    """Return a value as its field takes it; None where it is none for it."""
    try:
        return valid(value)
    except ValidationError:
        return None


def _moment(value: datetime | None) -> datetime | None:
    """Return a moment; None for what stands where there is none (`0001-01-01`), and cannot be reckoned with."""
    return value if value is not None and FIRST_YEAR <= value.year <= LAST_YEAR else None


Moment: TypeAlias = Annotated[datetime | None, AfterValidator(_moment), WrapValidator(or_none)]
Clock: TypeAlias = Annotated[float | None, WrapValidator(or_none)]
"""A time as a number. It is there to be shown: of a call none is lost over it."""


class PascalShape(Shape):
    """A shape whose fields are written `LikeThis`."""

    model_config = ConfigDict(alias_generator=to_pascal)


class CamelShape(Shape):
    """A shape whose fields are written `likeThis`; `like_this` is read too."""

    model_config = ConfigDict(alias_generator=to_camel)


AnyShape = TypeVar("AnyShape", bound=Shape)


def document(file: Path, shape: type[AnyShape]) -> AnyShape:
    """Return the document a file holds.

    Raises:
        UnreadableError: the file is no JSON (with the line), or not of the shape (with the field's path).
    """
    return shaped(decoded(text_of(contents(file)).encode()), shape)


def decoded(raw: bytes) -> Any:
    """Return the value that JSON holds; escaped lone surrogates, which no encoder can write, become U+FFFD.

    Raises:
        UnreadableError: it is no JSON; with the line.
    """
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        try:
            return _mended(raw)
        except (TranscriptError, ValueError, RecursionError):
            message = f"is not JSON: {error.msg} (column {error.colno})"
            raise UnreadableError(message, line=error.lineno) from None


def _mended(raw: bytes) -> Any:
    text = json.dumps(json_value(raw), ensure_ascii=False)
    return orjson.loads(text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace"))


def shaped(value: Any, shape: type[AnyShape]) -> AnyShape:
    """Return a decoded value in its shape.

    Raises:
        UnreadableError: with the path of what is missing or wrong, without the words said.
    """
    try:
        return shape.model_validate(value)
    except ValidationError as error:
        raise UnreadableError(what_is_wrong(error).replace("the call:", "the document:")) from None
