"""JSON decoding that forgives what real files hold: escaped lone surrogates, which strict decoders refuse."""

import json
from typing import Any

import orjson

from detector.errors import TranscriptError


def json_value(raw: bytes) -> Any:
    """Return the value of JSON bytes.

    Raises:
        TranscriptError: what is wrong, without the words.
    """
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        told = str(error).partition(":")[0]
    if b"\\ud" in raw.lower():
        try:
            return json.loads(raw)
        except (ValueError, RecursionError):
            pass
    raise TranscriptError(f"is not JSON: {told}")
