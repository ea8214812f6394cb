"""The samples, and what the user has to say of each: all of them tell the same invented call."""

import shutil
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from detector.transcript import Call
from pipelines.readers import Columns, InputFault, Roles, native, reader

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "samples" / "formats"
GENUINE = ROOT.parent / "shared" / "formats"
NATIVE = SAMPLES / "native.jsonl"
WORDS = ("Waltzing", "parrot", "Quill", "whistles", "warranty", "evening")


@dataclass(frozen=True)
class Case:
    """A sample: its format and file, the roles it needs, and which of a turn's times the format has."""

    format_name: str
    file_name: str
    roles: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    times: tuple[str, ...] = field(default=("start_ms", "end_ms"))

    @property
    def file(self) -> Path:
        """The sample's file."""
        return SAMPLES / self.file_name

    def read(self, file: Path | None = None, *, roles: Roles | None = None) -> list[Call | InputFault]:
        """Return what the format's reader makes of the sample, or of another file."""
        read = reader(self.format_name, self.file, columns=Columns.parse(self.columns))
        return list(read(file or self.file, roles=Roles.parse(self.roles) if roles is None else roles))

    def call(self) -> Call:
        """Return the one call of the sample."""
        (call,) = self.read()
        assert isinstance(call, Call)
        return call

    def in_folder(self, folder: Path, content: bytes) -> Path:
        """Return a file of the sample's name with other content."""
        file = folder / self.file_name
        file.write_bytes(content)
        return file


CASES = (
    Case("native", "native.jsonl"),
    Case("labelled", "labelled.jsonl"),
    Case("contact-lens", "contact-lens.json"),
    Case("transcribe-call-analytics", "transcribe-call-analytics.json"),
    Case("post-call-analytics", "post-call-analytics.json"),
    Case("genesys", "genesys.json"),
    Case("google-ccai", "google-ccai.json", times=("start_ms",)),
    Case("google-ccai", "google-ccai-insights.json"),
    Case("twilio", "twilio.json", ("1=customer", "2=agent")),
    Case("vcon", "vcon.json", times=("start_ms",)),
    Case("vcon", "vcon-recording.json"),
    Case("azure-conversation", "azure-conversation.json"),
    Case("deepgram", "deepgram.json", ("0=customer", "1=agent")),
    Case("assemblyai", "assemblyai.json", ("A=agent", "B=customer")),
    Case("webvtt", "webvtt.vtt"),
    Case("webvtt", "webvtt-zoom.vtt", ("Odette Fern=agent", "mr quill=customer")),
    Case("csv", "csv.csv"),
    Case(
        "csv",
        "csv-columns.csv",
        columns=("call_id=Gespräch", "speaker=Wer", "text=Was", "start_seconds=Von", "end_seconds=Bis"),
    ),
    Case("plain-text", "plain-text.txt", times=()),
    *((Case("parquet", "parquet.parquet"),) if find_spec("pyarrow") else ()),
)
DOCUMENTS = tuple(case for case in CASES if case.file.suffix == ".json")


EDGES: tuple[Any, ...] = (
    *("", " ", "x", "0", "-1", "1e400", "nan", "inf", "9" * 30, "1.5s", "\ud83d", "\0"),
    *("0001-01-01T00:00:00", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "1969-12-31"),
    *(-1, 0, 0.5, 2**53, 2**63, -(2**63), 2**64, 10**30, 1e308, True, None, [], {}, [0, [1]], [[]], ["x"]),
)
"""Values that are of the right shape in one field or another, and that arithmetic, calendars or databases refuse."""


def keys_in(value: Any) -> set[str]:
    """Return the keys of a JSON value, at whatever depth."""
    if isinstance(value, dict):
        return set(value).union(*map(keys_in, value.values()))
    return set().union(*map(keys_in, value)) if isinstance(value, list) else set()


def replaced(value: Any, key: str, edge: Any) -> Any:
    """Return a JSON value in which another stands under a key, at whatever depth; objects of a list all have it."""
    if isinstance(value, dict):
        return {name: edge if name == key else replaced(part, key, edge) for name, part in value.items()}
    if isinstance(value, list):
        return [{**replaced(one, key, edge), key: edge} if isinstance(one, dict) else one for one in value]
    return value


def told() -> Call:
    """Return the call as the native sample tells it."""
    (call,) = native.read(NATIVE)
    assert isinstance(call, Call)
    return call


def copied(file: Path, folder: Path) -> Path:
    """Return a copy of a file in another folder."""
    return Path(shutil.copy(file, folder / file.name))
