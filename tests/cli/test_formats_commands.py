"""`detector convert`, `inspect`, `bridge` and the roles of `detect`, run as a user runs them."""

import json
from pathlib import Path

import pytest
from readers.cases import CASES, SAMPLES, Case
from typer.testing import CliRunner, Result

from detector.detect import Detector
from pipelines import assemble
from pipelines.cli.main import application
from pipelines.flows import detect as flow
from pipelines.readers import Columns, Roles, native
from pipelines.readers.roles import RolesError
from pipelines.settings import Settings


@pytest.fixture(scope="module")
def detector() -> Detector:
    """The detector as it is shipped."""
    return assemble.detector(Settings(_env_file=None))


each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.file_name)


def run(*arguments: object) -> Result:
    """Return what a command line leads to."""
    return CliRunner().invoke(application(), [str(one) for one in arguments], env={"COLUMNS": "200"})


def options(case: Case) -> list[str]:
    """Return the options a sample needs."""
    roles = [option for role in case.roles for option in ("--role", role)]
    return roles + [option for column in case.columns for option in ("--column", column)]


@each_case
def test_convert_writes_the_call_of_any_format(case: Case, tmp_path: Path) -> None:
    """The native file holds the very call the reader gives."""
    output = tmp_path / "folder" / "calls.jsonl"
    result = run("convert", case.file, "-o", output, *options(case))

    assert result.exit_code == 0, result.output
    assert list(native.read(output)) == [case.call()]
    assert "no known speaker" not in result.output


@each_case
def test_every_format_leads_to_a_reward(case: Case, detector: Detector) -> None:
    """From every format, with the agent's id told where it lacks one, reward events come out."""
    labels = ("Agent", "Agent_1", "internal", "1", "2", "A", "Odette Fern", "spk_0")
    roles = Roles.parse(case.roles, [f"{label}=a-31" for label in labels])
    items = flow.items(
        [case.file],
        format_name="auto",
        on_bytes=lambda _: None,
        roles=roles,
        columns=Columns.parse(case.columns),
    )
    tally = flow.run(items, detector=detector, make_detector=lambda: detector, sinks=[], jobs=1)

    assert (tally.calls, tally.turns, tally.faults, tally.unknown_files) == (1, 11, 0, set())
    assert tally.points > 0


def test_unknown_speakers_are_counted_by_file_and_the_option_is_told(tmp_path: Path) -> None:
    """Detecting and converting say how many turns nobody is known for, in how many files, and what to give."""
    unknown = [SAMPLES / "deepgram.json", SAMPLES / "assemblyai.json", SAMPLES / "native.jsonl"]
    told = "22 turns of 2 files have no known speaker: give --role 0=agent"

    assert told in run("detect", *unknown, "--jobs", 1).output
    assert told in run("convert", *unknown, "-o", tmp_path / "calls.jsonl").output


def test_inspect_tells_what_a_file_is_and_lacks() -> None:
    """Format, counts, labels and what to give stand in the table; words of the call do not."""
    shown = run("inspect", SAMPLES / "assemblyai.json", SAMPLES / "webvtt.vtt").output

    for part in ("assemblyai", "'A' is unknown: 6 turns", "who says 11 of 11 turns: give --role A=agent", "49.9 s"):
        assert part in shown
    for part in ("webvtt", "agent 6, customer 5", "en-GB 1", "the agent's id in 1 call: give --agent-id NAME=ID"):
        assert part in shown
    assert "kettle whistles" not in shown


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        (
            "a.vtt",
            "WEBVTT\n\n00:00.000 --> 00:02.000\nhello\n",
            "get a transcript that tells speakers or channels apart",
        ),
        ("a.csv", "call_id,text\n1,hello\n", "give --column speaker=COLUMN, or fill that column in"),
        ("a.csv", "call_id,speaker,text\n1, ,hello\n", "give --column speaker=COLUMN, or fill that column in"),
    ],
)
def test_inspect_tells_what_helps_where_turns_have_no_label(name: str, text: str, told: str, tmp_path: Path) -> None:
    """No role is recommended for a label that is not there: no option could name it."""
    file = tmp_path / name
    file.write_text(text, encoding="utf-8")

    shown = run("inspect", file).output

    assert f"who says 1 of 1 turns: 1 turn without a label, which no --role can name: {told}" in shown
    assert "no label is unknown: 1 turns" in shown
    assert "=agent" not in shown


def test_inspect_recommends_a_role_for_the_labels_there_are(tmp_path: Path) -> None:
    """Where only some turns have a label, the option for those stands first; then what helps with the rest."""
    file = tmp_path / "a.csv"
    file.write_text("call_id,speaker,text\n1,,hello\n1,Jo Marsh,hello\n", encoding="utf-8")

    shown = run("inspect", file).output

    assert 'who says 2 of 2 turns: give --role "Jo Marsh"=agent or --role "Jo Marsh"=customer' in shown
    assert "and so for each label; 1 turn without a label, which no --role can name" in shown


def test_what_cannot_be_read_is_told_with_its_place_and_the_rest_goes_on(tmp_path: Path) -> None:
    """A broken, a missing and an unknown file are one line each; the exit code is 1."""
    broken, strange = tmp_path / "broken.json", tmp_path / "strange.bin"
    broken.write_bytes((SAMPLES / "vcon.json").read_bytes()[:900])
    strange.write_bytes(bytes(range(200)))
    output = tmp_path / "calls.jsonl"
    result = run("convert", broken, strange, tmp_path / "none.json", SAMPLES / "vcon.json", "-o", output)

    assert result.exit_code == 1
    assert f"{broken}:" in result.output
    assert f"{strange}: is in no known format" in result.output
    assert f"{tmp_path / 'none.json'}: cannot be opened: No such file or directory" in result.output
    assert len(list(native.read(output))) == 1
    assert run("inspect", strange).exit_code == 1


def test_bridge_writes_native_messages(tmp_path: Path) -> None:
    """A file of a vendor's messages becomes a file of native ones; a bad line makes the exit code 1."""
    messages, output = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    messages.write_bytes((SAMPLES / "live" / "lca.jsonl").read_bytes() + b"oops\n")
    result = run("bridge", "--from", "lca", messages, "-o", output)
    kinds = [json.loads(line)["type"] for line in output.read_text(encoding="utf-8").splitlines()]

    assert result.exit_code == 1
    assert f"{messages}:26: is not JSON" in result.output
    assert kinds == ["call.started", *["turns"] * 11, "call.ended"]


@pytest.mark.parametrize("name", ["deepgram-live", "assemblyai-live", "lca"])
def test_bridge_counts_turns_of_unknown_speakers_and_tells_the_option(name: str, tmp_path: Path) -> None:
    """The last line says how many turns nobody is known for, each once however often revised; else nothing of it."""
    unknown = [] if name == "lca" else ["--role", "agent=unknown", "--role", "customer=unknown"]
    live = SAMPLES / "live" / f"{name}.jsonl"
    last = run("bridge", "--from", name, live, "-o", tmp_path / "out.jsonl", *unknown).output.splitlines()[-1]

    told = "0 lines not read. 11 turns have no known speaker: give --role LABEL=agent, "
    assert (told in last) is (name != "lca"), last


def test_a_wrong_option_says_what_is_right() -> None:
    """A role that is none, a vendor or a column nobody knows, are known errors with the choices."""
    wrong = run("inspect", SAMPLES / "webvtt.vtt", "--role", "0=boss")

    assert isinstance(wrong.exception, RolesError)
    assert "the roles: agent, customer, system, unknown" in str(wrong.exception)
    assert "the known ones: contact-lens-realtime" in str(run("bridge", "--from", "x", "-").exception)
    assert "the fields: call_id, speaker, text" in str(
        run("convert", SAMPLES / "csv.csv", "-o", "-", "--column", "x=y").exception
    )
    assert not Roles.parse()
