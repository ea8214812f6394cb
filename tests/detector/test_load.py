"""Loading a playbook: all faults together, each with file, line and what to do."""

import shutil
from pathlib import Path

import pytest

from detector.errors import PlaybookError
from detector.playbook import DEFAULT_FOLDER, Playbook, load_playbook
from detector.playbook.load import EXPECTED

BEHAVIOUR = """\
id: {id}
name: A name
goal: Trust
kpi: NPS
speaker: agent
phase: closing
definition: What it is.
rules:
  - id: first
    phrases:
      - good day
      - see you on {{day}}
examples:
  catch: [a, b, c, d, e, f, g, h]
  leave: [a, b, c, d, e, f, g, h]
opportunity: always
thresholds: {{award: 0.9, review: 0.5}}
reward: {{points: 1, cap: 1, mode: live}}
"""
SHARED = {
    "playbook": "version: 3\nlanguages: [en]\ngoals: [Trust, Warmth]\n",
    "words": "day: [monday, tuesday]\n",
    "cues": "- id: closing\n  fact: call_closed\n  speaker: any\n  phrases: [bye]\n",
    "scopes": "- id: denied\n  phrases:\n    - never\n",
    "given_names": "[rosa]\n",
    "spellings": "u: you\n",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A sound playbook of two behaviours."""
    (tmp_path / "shared").mkdir()
    for name, text in SHARED.items():
        (tmp_path / "shared" / f"{name}.yaml").write_text(text)
    for name in ("greet", "part"):
        (tmp_path / f"{name}.yaml").write_text(BEHAVIOUR.format(id=name))
    return tmp_path


def _edit(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


def _faults(folder: Path) -> list[tuple[str, int, str]]:
    with pytest.raises(PlaybookError) as caught:
        load_playbook(folder)
    for fault in caught.value.faults:
        assert str(fault) in str(caught.value)
    return [(Path(one.file).name, one.line, one.message) for one in caught.value.faults]


def test_a_sound_playbook_is_loaded_in_the_order_of_ids(folder: Path) -> None:
    """Behaviours come in the order of their ids, with what they share."""
    loaded = load_playbook(folder)

    assert [one.id for one in loaded.behaviours] == ["greet", "part"]
    assert loaded.shared.spellings == {"u": "you"}
    assert loaded.version.startswith("3+")


def test_the_version_changes_with_any_word_and_with_nothing_else(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The version tells the words of the files: a copy has the same, an edited one another."""
    copied = shutil.copytree(folder, tmp_path_factory.mktemp("copy") / "playbook")
    before = load_playbook(folder).version

    assert before == load_playbook(copied).version
    _edit(copied / "shared" / "spellings.yaml", "u: you", "u: you\nur: your")
    assert before != load_playbook(copied).version


WRONG: dict[str, tuple[str, str, str, int, tuple[str, ...]]] = {
    "unknown key": (
        "part.yaml",
        "phase: closing",
        "phase: closing\nopportunty: never",
        7,
        ("unknown key 'opportunty'", "did you mean 'opportunity'?", "id, name, goal, kpi"),
    ),
    "unknown key deep down": (
        "part.yaml",
        "mode: live}",
        "mode: live, pints: 1}",
        18,
        ("unknown key 'pints'", "did you mean 'points'?", "points, cap, mode"),
    ),
    "unknown key of a cue": (
        "cues.yaml",
        "  speaker: any",
        "  speaker: any\n  facts: x",
        4,
        ("unknown key 'facts'", "id, phrases, patterns, fact"),
    ),
    "unknown goal": (
        "part.yaml",
        "goal: Trust",
        "goal: Trusst",
        3,
        ("'Trusst'", "did you mean 'Trust'?", "Trust, Warmth"),
    ),
    "unknown phase": ("part.yaml", "phase: closing", "phase: end", 6, ("'opening', 'middle', 'closing' or 'any'",)),
    "unknown opportunity": (
        "part.yaml",
        "opportunity: always",
        "opportunity: once",
        16,
        ("opportunity", "'need_stated'"),
    ),
    "bad phrase": ("part.yaml", "- good day", "- good (day", 11, ("'good (day'", "without its ')'")),
    "unknown word list": ("part.yaml", "{day}", "{weekday}", 12, ("{weekday}", "customer_name, day, name, number")),
    "bad phrase of a cue": ("cues.yaml", "[bye]", "[bye, '[see']", 4, ("'[see'", "without its ']'")),
    "bad phrase of a scope": ("scopes.yaml", "- never", "- never\n    - '* *'", 4, ("'* *'", "fixed word")),
    "too few examples": ("part.yaml", "catch: [a, ", "catch: [", 14, ("catch", "at least 8 items")),
    "no thresholds in order": ("part.yaml", "award: 0.9", "award: 0.4", 17, ("review 0.5 is above award 0.4",)),
    "a rule that says nothing": (
        "part.yaml",
        "definition: What it is.",
        "definition: d\nhints: [{id: x}]",
        8,
        ("needs phrases",),
    ),
    "two rules of one id": ("part.yaml", "examples:", "hints: [{id: first, phrases: [x]}]\nexamples:", 1, ("'first'",)),
    "missing key": ("part.yaml", "kpi: NPS\n", "", 1, ("kpi", "required")),
    "id that is not the file's": ("part.yaml", "id: part", "id: leave", 1, ("'leave'", "'part'")),
    "id of another file": ("part.yaml", "id: part", "id: greet", 1, ("'greet'", "'part'")),
    "a key said twice": ("part.yaml", "phase: closing", "phase: closing\nkpi: CSAT", 7, ("'kpi'", "line 4")),
    "rules said twice": (
        "part.yaml",
        "examples:",
        "rules:\n  - id: other\n    phrases: [x]\nexamples:",
        13,
        ("'rules'", "line 8"),
    ),
    "YAML error": ("part.yaml", "rules:", "rules: [", 9, ("is not YAML",)),
    "a tag of another program": ("part.yaml", "phase: closing", "phase: !later closing", 6, ("!later",)),
    "a key that is a list": ("part.yaml", "phase: closing", "? [a]\n: b", 6, ("unhashable key",)),
    "a date that is none": ("part.yaml", "kpi: NPS", "kpi: 2026-99-99", 1, ("month must be in 1..12",)),
    "something that contains itself": ("part.yaml", "kpi: NPS", "kpi: &a [*a]", 1, ("contains itself",)),
    "an empty languages list": ("playbook.yaml", "[en]", "[]", 2, ("languages", "at least 1 item")),
    "an empty word list": ("words.yaml", "[monday, tuesday]", "[]", 1, ("day", "at least 1 item")),
    "a word list with an entry of no word": ("words.yaml", "[monday,", "[' ',", 1, ("0: String should match",)),
    "a scope that leaves alone what is not there": (
        "scopes.yaml",
        "    - never",
        "    - never\n  except_for:\n    - greet\n    - parting",
        6,
        ("unknown behaviour 'parting'", "did you mean 'part'?", "greet, part"),
    ),
    "a scope that ends at a word list not there": (
        "scopes.yaml",
        "    - never",
        "    - never\n  until: [but, '{night}']",
        4,
        ("'{night}'", "unknown class", "day"),
    ),
    "a scope that ends at more than words": (
        "scopes.yaml",
        "    - never",
        "    - never\n  until:\n    - but\n    - is * there",
        6,
        ("'is * there'", "alternatives and word lists only"),
    ),
    "a scope of a whole turn with a place in it": (
        "scopes.yaml",
        "    - never",
        "    - never\n  scope: turn\n  reach: 3",
        1,
        ("holds everywhere in a turn", "reach"),
    ),
    "a name in capitals": ("given_names.yaml", "[rosa]", "[Rosa]", 1, ("String should match pattern",)),
    "a spelling in capitals": ("spellings.yaml", "u: you", "U: you", 1, ("String should match pattern",)),
    "a spelling that is no text": ("spellings.yaml", "u: you", "u: [you]", 1, ("u", "valid string")),
}


@pytest.mark.parametrize(("file", "old", "new", "line", "told"), WRONG.values(), ids=WRONG.keys())
def test_a_fault_is_told_with_file_line_and_choices(
    *, folder: Path, file: str, old: str, new: str, line: int, told: tuple[str, ...]
) -> None:
    """What is wrong in a file is the one fault told, with the file, the line, and what would be right."""
    shared = folder / "shared" / file
    _edit(shared if shared.exists() else folder / file, old, new)

    ((name, at, message),) = _faults(folder)

    assert (file, line) == (name, at)
    assert [part for part in told if part not in message] == []


def test_all_faults_are_told_together(folder: Path) -> None:
    """Faults of several files, and several of one, come in one error, in the order of files and lines."""
    _edit(folder / "greet.yaml", "goal: Trust", "goal: Trusst")
    _edit(folder / "greet.yaml", "- good day", "- good (day")
    _edit(folder / "part.yaml", "phase: closing", "phase: end\nmood: good")
    _edit(folder / "shared" / "cues.yaml", "[bye]", "['(bye']")
    (folder / "third.yaml").write_text("id: [")
    (folder / "fourth.yaml").write_bytes(b"\xff\xfe")
    (folder / "shared" / "playbook.yaml").unlink()

    found = [(name, line) for name, line, _ in _faults(folder)]

    assert found == [
        ("fourth.yaml", 1),
        ("greet.yaml", 11),
        ("part.yaml", 6),
        ("part.yaml", 7),
        ("cues.yaml", 4),
        ("playbook.yaml", 1),
        ("third.yaml", 2),
    ]


def test_a_missing_strategy_is_told(folder: Path) -> None:
    """Without shared/playbook.yaml there is no playbook: the setting is named, and what its folder must have."""
    (folder / "shared" / "playbook.yaml").unlink()

    assert _faults(folder) == [("playbook.yaml", 1, f"is missing; {EXPECTED}")]
    assert all(part in EXPECTED for part in ("DETECTOR_PLAYBOOK", "*.yaml", "shared/playbook.yaml"))


def test_a_folder_without_behaviours_is_told(tmp_path: Path) -> None:
    """An empty folder, and one that is not there, are told by their name, with what is expected."""
    for empty, missing in ((tmp_path, "no *.yaml file here"), (tmp_path / "nowhere", "there is no such folder")):
        assert _faults(empty) == [(empty.name, 1, f"{missing}; {EXPECTED}")]


def test_what_is_shared_may_be_left_out(folder: Path) -> None:
    """Cues, scopes, names and spellings are optional; only the strategy is not."""
    for name in ("cues", "scopes", "given_names", "spellings"):
        (folder / "shared" / f"{name}.yaml").unlink()

    assert load_playbook(folder).shared.cues == ()


def test_a_turn_before_an_example_names_its_speaker(folder: Path) -> None:
    """`customer: words` before an example is a turn of the customer's; an unknown speaker is a fault."""
    example = "{text: thanks, before: ['customer: here: five']}"
    _edit(folder / "part.yaml", "catch: [a, ", f"catch: [{example}, ")

    assert load_playbook(folder).behaviour("part").examples.catch[0].before == (("customer", "here: five"),)
    _edit(folder / "part.yaml", "customer: here", "robot: here")
    assert ("part.yaml", 14) in [(name, line) for name, line, _ in _faults(folder)]


@pytest.mark.parametrize("loose", ["__init__.py", "values.py"])
def test_only_yaml_files_are_read(folder: Path, loose: str) -> None:
    """Other files in the folder are nobody's business."""
    (folder / loose).write_text("id: [")

    assert len(load_playbook(folder).behaviours) == 2


def test_the_shipped_playbook_is_sound_and_speaks_english(playbook: Playbook) -> None:
    """The default playbook has no faults, more than ten behaviours, and every goal is served."""
    assert playbook == load_playbook(DEFAULT_FOLDER)
    assert {one.goal for one in playbook.behaviours} == set(playbook.strategy.goals)
    assert len(playbook.behaviours) > 10


def test_shared_scopes_except_only_known_behaviours(playbook: Playbook) -> None:
    """The behaviours a shared scope leaves alone are all in the playbook."""
    known = {one.id for one in playbook.behaviours}

    assert [name for scope in playbook.shared.scopes for name in scope.except_for if name not in known] == []


@pytest.mark.parametrize(
    ("language", "spoken"),
    [
        (None, True),
        ("en", True),
        ("EN", True),
        ("en-GB", True),
        ("en_US", True),
        ("enx", False),
        ("fr", False),
        ("", False),
    ],
)
def test_a_language_tag_is_spoken_with_its_regions(*, playbook: Playbook, language: str | None, spoken: bool) -> None:
    """English of any region is spoken, and a call that tells no language is taken as spoken."""
    assert playbook.speaks(language) is spoken


def test_an_unknown_behaviour_is_told_with_the_known_ones(playbook: Playbook) -> None:
    """Asking for a behaviour that is not there names those that are."""
    with pytest.raises(KeyError) as caught:
        playbook.behaviour("whistle")

    assert "'whistle'" in str(caught.value)
    assert "wish_well" in str(caught.value)


def test_faults_are_counted(folder: Path) -> None:
    """One fault is told as one, two as two."""
    _edit(folder / "part.yaml", "kpi: NPS\n", "")
    with pytest.raises(PlaybookError, match=r"^1 fault in the playbook:"):
        load_playbook(folder)

    _edit(folder / "greet.yaml", "kpi: NPS\n", "")
    with pytest.raises(PlaybookError, match=r"^2 faults in the playbook:"):
        load_playbook(folder)
