"""Who is who: parsed from options, asked by readers, never guessed."""

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st
from readers.cases import told

from detector.transcript import Speaker
from pipelines.readers.roles import NO_ROLES, Roles, RolesError, Who, assigned, role_word


def test_options_are_labels_names_and_channels() -> None:
    """A label is compared without regard to case, and may hold an equals sign or a space."""
    roles = Roles.parse(["0=agent", "Speaker 1=CUSTOMER", "a=b=system"])

    assert roles.who(0) == Who(Speaker.AGENT)
    assert roles.who("speaker 1") == Who(Speaker.CUSTOMER)
    assert roles.who(" A=B ") == Who(Speaker.SYSTEM)
    assert roles.who("1") == Who(Speaker.UNKNOWN)


def test_the_user_s_word_stands_above_the_format_s() -> None:
    """A format that tags the wrong side can be put right."""
    assert Roles.parse(["Agent=unknown"]).who("Agent", known=Speaker.AGENT) == Who(Speaker.UNKNOWN)


def test_an_agent_s_id_goes_by_any_label_and_to_agents_only() -> None:
    """An id is given by name, or in place of the format's own; a customer has none, and a name is no role."""
    roles = Roles.parse(["Jo=agent"], ["Jo=a-1", "user-9=a-9"])

    assert roles.who("Jo") == Who(Speaker.AGENT, "a-1")
    assert roles.who("x", known=Speaker.AGENT, agent_id="user-9") == Who(Speaker.AGENT, "a-9")
    assert roles.who("x", known=Speaker.AGENT, agent_id="user-8") == Who(Speaker.AGENT, "user-8")
    assert roles.who("Jo", known=Speaker.CUSTOMER, agent_id="user-9") == Who(Speaker.AGENT, "a-1")
    assert Roles.parse([], ["Jo=a-1"]).who("Jo") == Who(Speaker.UNKNOWN)


@pytest.mark.parametrize("option", ["agent", "=agent", "0=", "0=boss", ""])
def test_a_role_that_cannot_be_understood_is_told_with_the_known_ones(option: str) -> None:
    """The message says how to write it and which roles there are."""
    with pytest.raises(RolesError, match="LABEL=ROLE; the roles: agent, customer, system, unknown"):
        Roles.parse([option])


def test_a_label_given_twice_in_two_ways_is_told() -> None:
    """What contradicts itself is not settled by order."""
    with pytest.raises(RolesError, match="given twice"):
        Roles.parse(["0=agent", "0=customer"])
    with pytest.raises(RolesError, match="NAME=ID"):
        Roles.parse([], ["a-17"])


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("Agent", Speaker.AGENT),
        ("AGENT_1", Speaker.AGENT),
        ("Agent 2", Speaker.AGENT),
        ("caller", Speaker.CUSTOMER),
        ("Speaker 1", None),
        ("0", None),
        (None, None),
        ("Agent Smith", None),
    ],
)
def test_words_that_are_roles_by_themselves(label: str | None, expected: Speaker | None) -> None:
    """Only the role's own word, with or without a number, says who somebody is."""
    assert role_word(label) == expected


@given(st.text(), st.sampled_from(Speaker))
def test_any_label_that_is_given_is_found_again(label: str, speaker: Speaker) -> None:
    """Whatever a format's label is, it can be given a role."""
    if label.strip():
        assert Roles.parse([f"{label}={speaker}"]).who(label).speaker == speaker


def test_a_native_call_is_put_right_too() -> None:
    """Native calls say who speaks; the user may still say otherwise, and give the agent by name an id."""
    call = assigned(told(), Roles.parse(["customer=unknown"], ["Odette Fern=a-99"]))

    assert call.agent_id == "a-99"
    assert {turn.speaker for turn in call.turns} == {Speaker.AGENT, Speaker.UNKNOWN}
    assert assigned(told(), NO_ROLES) == told()


def test_labels_are_heard() -> None:
    """Whoever asks can be told each label and what it stands for."""
    heard: list[tuple[str, Speaker]] = []
    roles = Roles.parse(["0=agent"], hear=lambda label, speaker: heard.append((label, speaker)))
    roles.who(0)
    roles.who(None, "B")

    assert heard == [("0", Speaker.AGENT), ("B", Speaker.UNKNOWN)]


def test_roles_travel_to_worker_processes() -> None:
    """Roles are sent along with undecoded lines."""
    roles = Roles.parse(["0=agent"], ["Jo=a-1"])

    assert pickle.loads(pickle.dumps(roles)) == roles  # noqa: S301 (our own bytes)
