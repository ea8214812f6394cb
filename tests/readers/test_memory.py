"""Formats of many calls are read in a stream: memory does not grow with the file."""

import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from readers.cases import CASES, Case, told

from pipelines.readers import READERS, InputFault, native
from pipelines.readers.source import MAX_DOCUMENT_BYTES

CALLS = 40
MANY = 12


def _native(number: int) -> str:
    return native.write(told().model_copy(update={"call_id": f"c{number}"})).decode()


def _labelled(number: int) -> str:
    said = '{"speaker":"agent","text":"' + "hello " * 40 + '"}'
    return f'{{"conversation_id":"c{number}","utterances":[{",".join([said] * 10)}]}}\n'


def _csv(number: int) -> str:
    return f"c{number},agent,{'hello ' * 40}\n" * 10


@pytest.mark.parametrize(
    ("format_name", "header", "call"),
    [("native", "", _native), ("labelled", "", _labelled), ("csv", "call_id,speaker,text\n", _csv)],
    ids=["native", "labelled", "csv"],
)
def test_memory_does_not_grow_with_the_file(
    format_name: str, header: str, call: Callable[[int], str], tmp_path: Path
) -> None:
    """Twelve times the calls take no more than a little more memory at their peak."""
    few, many = tmp_path / "few", tmp_path / "many"
    few.write_text(header + "".join(map(call, range(CALLS))), encoding="utf-8")
    many.write_text(header + "".join(map(call, range(CALLS * MANY))), encoding="utf-8")
    _peak(format_name, few)

    assert _peak(format_name, many) < _peak(format_name, few) * 2 + 100_000


@pytest.mark.parametrize("case", [case for case in CASES if case.file.suffix in (".json", ".vtt", ".txt")][:3], ids=str)
def test_a_document_too_large_to_hold_is_refused(case: Case, tmp_path: Path) -> None:
    """A document is one call; one that no call can be is not loaded, and the limit is told."""
    file = tmp_path / case.file_name
    with file.open("wb") as stream:
        stream.truncate(MAX_DOCUMENT_BYTES + 1)
    (fault,) = case.read(file)

    assert isinstance(fault, InputFault)
    assert fault.message == "is larger than the 64 MB that one call may have"


def _peak(format_name: str, file: Path) -> int:
    """Return the most bytes held while a file is read."""
    tracemalloc.start()
    try:
        for one in READERS[format_name].read(file):
            assert not isinstance(one, InputFault)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
