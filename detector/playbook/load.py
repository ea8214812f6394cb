"""Reads a playbook's folder; tells all its faults together, each with file and line."""

import difflib
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ValidationError

from detector.errors import Fault, PlaybookError
from detector.playbook.phrases import PhraseError, parse, parse_words
from detector.playbook.values import Behaviour, Playbook, Rule, Shared, Strategy

DEFAULT_FOLDER = Path(__file__).parent
Value = TypeVar("Value", bound=BaseModel)
EXPECTED = "the folder that DETECTOR_PLAYBOOK names has one behaviour a *.yaml, and shared/playbook.yaml"
SHARED_FILES = ("cues", "scopes", "words", "given_names", "spellings")


@dataclass(frozen=True, slots=True)
class _Document:
    """A YAML file read into plain values, with the line of every path into it."""

    file: str
    value: Any
    lines: dict[tuple[str | int, ...], int]

    def line(self, path: tuple[str | int, ...]) -> int:
        """Return the line of the longest known beginning of a path."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def load_playbook(folder: Path = DEFAULT_FOLDER) -> Playbook:
    """Return the playbook in a folder: one behaviour a `*.yaml`, and `shared/*.yaml`.

    Raises:
        PlaybookError: every fault found, with file, line and the known choices.
    """
    faults: list[Fault] = []
    files = sorted(folder.glob("*.yaml"))
    if not files:
        missing = "no *.yaml file here" if folder.is_dir() else "there is no such folder"
        raise PlaybookError([Fault(str(folder), 1, f"{missing}; {EXPECTED}")])
    shared = _shared(folder / "shared", tuple(file.stem for file in files), faults)
    strategy = _strategy(folder / "shared" / "playbook.yaml", faults)
    documents = [document for file in files if (document := _document(file, faults)) is not None]
    behaviours = [
        behaviour for document in documents if (behaviour := _behaviour(document, strategy, shared, faults)) is not None
    ]
    if faults or strategy is None or shared is None:
        raise PlaybookError(sorted(faults, key=lambda fault: (fault.file, fault.line)))
    version = f"{strategy.version}+{_digest(folder)}"
    ordered = tuple(sorted(behaviours, key=lambda behaviour: behaviour.id))
    return Playbook(version=version, strategy=strategy, shared=shared, behaviours=ordered)


def _digest(folder: Path) -> str:
    """Return eight hexadecimal digits of the words of all the playbook's files."""
    digest = hashlib.sha256()
    for file in sorted([*folder.glob("*.yaml"), *(folder / "shared").glob("*.yaml")]):
        digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()[:8]


def _shared(folder: Path, known: tuple[str, ...], faults: list[Fault]) -> Shared | None:
    values: dict[str, Any] = {}
    found: dict[str, _Document] = {}
    for name in SHARED_FILES:
        document = _document(folder / f"{name}.yaml", faults) if (folder / f"{name}.yaml").exists() else None
        if document is not None:
            values[name], found[name] = document.value, document
    try:
        shared = Shared.model_validate(values)
    except ValidationError as error:
        for part in error.errors():
            where = found[str(part["loc"][0])]
            faults.append(_fault(where, part["loc"][1:], _told(part, Shared)))
        return None
    for name in ("cues", "scopes"):
        for at, rule in enumerate(getattr(shared, name)):
            faults.extend(_phrase_faults(found[name], (at,), rule, shared))
    if "scopes" in found:
        faults.extend(_exception_faults(found["scopes"], shared, known))
        faults.extend(_until_faults(found["scopes"], shared))
    return shared


def _exception_faults(document: _Document, shared: Shared, known: tuple[str, ...]) -> Iterator[Fault]:
    """Yield a fault for each behaviour that a scope leaves alone and no file is named for."""
    for at, scope in enumerate(shared.scopes):
        for place, name in enumerate(scope.except_for):
            if name not in known:
                yield _fault(document, (at, "except_for", place), _unknown(name, known, what="behaviour"))


def _until_faults(document: _Document, shared: Shared) -> Iterator[Fault]:
    """Yield a fault for each entry of a scope's `until` that stands for no words."""
    for at, scope in enumerate(shared.scopes):
        for place, phrase in enumerate(scope.until):
            try:
                parse_words(phrase, word_lists=shared.words)
            except PhraseError as error:
                yield _fault(document, (at, "until", place), f"the words {phrase!r} {error}")


def _behaviour(
    document: _Document, strategy: Strategy | None, shared: Shared | None, faults: list[Fault]
) -> Behaviour | None:
    behaviour = _validated(document, Behaviour, faults)
    if behaviour is None:
        return None
    stem = Path(document.file).stem
    if behaviour.id != stem:
        faults.append(_fault(document, ("id",), f"the id is {behaviour.id!r} but the file is named {stem!r}"))
    if strategy is not None and behaviour.goal not in strategy.goals:
        faults.append(_fault(document, ("goal",), _unknown(behaviour.goal, strategy.goals)))
    if shared is not None:
        for part in ("rules", "hints", "unless"):
            for at, rule in enumerate(getattr(behaviour, part)):
                faults.extend(_phrase_faults(document, (part, at), rule, shared))
    return behaviour


def _phrase_faults(document: _Document, path: tuple[str | int, ...], rule: Rule, shared: Shared) -> Iterator[Fault]:
    for at, phrase in enumerate(rule.phrases):
        try:
            parse(phrase, word_lists=shared.words)
        except PhraseError as error:
            yield _fault(document, (*path, "phrases", at), f"the phrase {phrase!r} {error}")


def _strategy(file: Path, faults: list[Fault]) -> Strategy | None:
    if not file.exists():
        faults.append(Fault(str(file), 1, f"is missing; {EXPECTED}"))
        return None
    document = _document(file, faults)
    return None if document is None else _validated(document, Strategy, faults)


def _validated(document: _Document, kind: type[Value], faults: list[Fault]) -> Value | None:
    try:
        return kind.model_validate(document.value)
    except ValidationError as error:
        faults.extend(_fault(document, part["loc"], _told(part, kind)) for part in error.errors())
        return None


def _told(part: Any, kind: type[BaseModel]) -> str:
    """Say what pydantic found, with the known keys where one is not known."""
    name = str(part["loc"][-1]) if part["loc"] else kind.__name__
    if part["type"] == "extra_forbidden":
        return _unknown(name, _keys(kind, part["loc"][:-1]), what="key")
    return f"{name}: {part['msg']}"


def _keys(kind: type[BaseModel], path: tuple[str | int, ...]) -> tuple[str, ...]:
    """Return the keys of the value at a path below a kind of value."""
    for name in path:
        if isinstance(name, str) and name in kind.model_fields:
            kind = next((one for one in _kinds(kind.model_fields[name].annotation)), kind)
    return tuple(kind.model_fields)


def _kinds(annotation: Any) -> Iterator[type[BaseModel]]:
    """Yield the kinds of value that a type speaks of: of `tuple[Rule, ...]` it is `Rule`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _kinds(inner)


def _unknown(name: str, known: tuple[str, ...], what: str = "value") -> str:
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else "."
    return f"unknown {what} {name!r}{hint} The known ones: {', '.join(known)}"


def _fault(document: _Document, path: tuple[str | int, ...], message: str) -> Fault:
    return Fault(document.file, document.line(path), message)


def _document(file: Path, faults: list[Fault]) -> _Document | None:
    try:
        node = yaml.compose(file.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
        lines = _lines(str(file), node, faults)
        return _Document(str(file), _plain(node), lines)
    except FileNotFoundError:
        faults.append(Fault(str(file), 1, "is missing"))
    except UnicodeDecodeError:
        faults.append(Fault(str(file), 1, "is not UTF-8 text"))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        faults.append(
            Fault(str(file), mark.line + 1 if mark else 1, f"is not YAML: {getattr(error, 'problem', error)}")
        )
    except RecursionError:
        faults.append(Fault(str(file), 1, "is not YAML that ends: something in it contains itself, or is too deep"))
    except ValueError as error:
        faults.append(Fault(str(file), 1, f"has a value that cannot be: {error}"))
    return None


def _plain(node: yaml.Node | None) -> Any:
    if node is None:
        return None
    loader = yaml.SafeLoader("")
    return loader.construct_document(node)


def _lines(file: str, node: yaml.Node | None, faults: list[Fault]) -> dict[tuple[str | int, ...], int]:
    """Return the line of each key and item; a key said twice, of which YAML would keep the last, is a fault."""
    lines: dict[tuple[str | int, ...], int] = {}
    twice: set[tuple[str | int, ...]] = set()
    for path, line in _places(node, ()):
        if path in lines:
            if path[:-1] not in twice:
                faults.append(Fault(file, line, f"the key {path[-1]!r} is on line {lines[path]} too"))
            twice.add(path)
        lines.setdefault(path, line)
    return lines


def _places(node: yaml.Node | None, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], int]]:
    """Yield the path and line of each key and item below a node."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode):
                yield (*path, key.value), key.start_mark.line + 1
                yield from _places(value, (*path, key.value))
    elif isinstance(node, yaml.SequenceNode):
        for at, item in enumerate(node.value):
            yield (*path, at), item.start_mark.line + 1
            yield from _places(item, (*path, at))
