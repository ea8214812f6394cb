"""What an analyst does, through the pages: verdicts, stale pages, missed behaviours, hostile words."""

import csv
import json
from datetime import timedelta
from typing import Any

import pytest
from fakes import behaviour, call, playbook_of
from store_calls import a_call, fill

from detector.judgement import VerdictKind
from detector.reward import RewardType
from detector.settlement import judged_from_memory
from detector.verdict import Verdict
from pipelines.store import Filler, Store, outbox
from pipelines.store.accounts import Role
from pipelines.store.engine import now
from pipelines.store.purging import purge
from pipelines.store.reading import whole_call
from review.visit import Workbench


def first(client: Any, call_id: str = "c1") -> Any:
    """Return a call's first decision as the interface tells it."""
    return client.get(f"/api/calls/{call_id}").json()["decisions"][0]


def judge_all(client: Any, call_id: str = "c1", *, kind: str = "correct", note: str = "") -> None:
    """Judge every decision of a call alike."""
    for one in client.get(f"/api/calls/{call_id}").json()["decisions"]:
        told = {"kind": kind, "seen": one["seen"], "note": note}
        assert 200 == client.post(f"/api/decisions/{one['decision_id']}/verdict", json=told).status_code


def missed_words(client: Any, behaviour: str = "apologise", *, turn: int = 1, note: str = "") -> dict[str, Any]:
    """Return words of a turn of `c1` in which the machine missed a behaviour."""
    turn_id = client.get("/api/calls/c1").json()["turns"][turn]["turn_id"]
    return {"call_id": "c1", "turn_id": turn_id, "behaviour": behaviour, "start": 0, "end": 3, "note": note}


def test_verdict_is_settled_and_the_page_shows_it(visitor: Any, store: Store, workbench: Workbench) -> None:
    """A rejected award is pending, then sent, and settled once its reversal has come back."""
    client = visitor(Role.ANALYST)
    one = first(client)
    told = {"kind": "wrong_sense", "seen": one["seen"], "note": "sarcasm"}

    assert 200 == client.post(f"/api/decisions/{one['decision_id']}/verdict", json=told).status_code
    assert "pending" == first(client)["verdict"]["event"]

    (letter,) = outbox.waiting(store, older_than=0)
    assert outbox.take(store, letter)
    outbox.mark_sent(store, [letter])
    assert "sent" == first(client)["verdict"]["event"]

    verdict = Verdict.model_validate_json(letter.value)
    events = judged_from_memory(verdict, playbook=workbench.playbook, tenant="tests")
    with store.writing() as connection:
        Filler(connection, playbook=workbench.playbook).events(events)
    assert [RewardType.REVERSED] == [event.type for event in events]
    assert "settled" == first(client)["verdict"]["event"]


def test_verdict_holds_no_words(visitor: Any, store: Store) -> None:
    """Neither the call's words nor the note leave with the verdict."""
    client = visitor(Role.ANALYST)
    one = first(client)
    client.post(
        f"/api/decisions/{one['decision_id']}/verdict", json={"kind": "correct", "seen": one["seen"], "note": "aha"}
    )

    (letter,) = outbox.waiting(store, older_than=0)

    assert "wish you" not in letter.value
    assert "aha" not in letter.value


def test_stale_page_is_told_and_overwrites_nothing(visitor: Any) -> None:
    """Whoever judged on an old page hears who decided; what was decided stands."""
    early, late = visitor(Role.ANALYST, "early"), visitor(Role.ANALYST, "late")
    one = first(late)
    early.post(f"/api/decisions/{one['decision_id']}/verdict", json={"kind": "correct", "seen": one["seen"]})

    answer = late.post(
        f"/decisions/{one['decision_id']}/verdict",
        data={"kind": "wrong_sense", "seen": one["seen"]},
        headers={"HX-Request": "true"},
    )

    assert 409 == answer.status_code
    assert "early has said" in answer.text.lower()
    assert ("correct", "early") == tuple(first(late)["verdict"][name] for name in ("kind", "reviewer"))


def test_undo_opens_the_decision_again(visitor: Any, store: Store) -> None:
    """A verdict that is not yet sent is taken back as a whole; one that is sent is not."""
    client = visitor(Role.ANALYST)
    one = first(client)
    path = f"/api/decisions/{one['decision_id']}/verdict"
    made = client.post(path, json={"kind": "correct", "seen": one["seen"]}).json()["id"]

    assert 200 == client.post(f"/api/verdicts/{made}/undo").status_code
    assert first(client)["verdict"] is None
    assert [] == outbox.waiting(store, older_than=0)

    again = client.post(path, json={"kind": "correct", "seen": one["seen"]}).json()["id"]
    assert all(outbox.take(store, letter) for letter in outbox.waiting(store, older_than=0))
    assert 409 == client.post(f"/api/verdicts/{again}/undo").status_code


def test_sampled_call_opened_from_the_queue_is_claimed(visitor: Any) -> None:
    """Whoever opens a call to read it whole is alone with it, as with a decision; one that is not there is told."""
    one, two = visitor(Role.ANALYST, "one"), visitor(Role.ANALYST, "two")

    def offered(client: Any) -> list[str]:
        return [item["call_id"] for item in client.get("/api/queue").json() if item["decision_id"] is None]

    opened = one.post("/queue/call", data={"call_id": "c1"})

    assert 'action="/queue/call"' in one.get("/queue").text
    assert (303, "/calls/c1") == (opened.status_code, opened.headers["location"])
    assert (["c1", "c2"], ["c2"]) == (offered(one), offered(two))
    assert 409 == two.post("/queue/call", data={"call_id": "c1"}).status_code
    assert 404 == two.post("/queue/call", data={"call_id": "nothing"}).status_code


def test_missed_behaviour_is_marked_and_counted_for_recall(visitor: Any) -> None:
    """Words the machine did not see are marked, and the sampled call read whole tells recall."""
    client = visitor(Role.ANALYST)
    turn = client.get("/api/calls/c1").json()["turns"][1]["turn_id"]
    told = {"call_id": "c1", "turn_id": turn, "behaviour": "apologise", "start": 0, "end": 6}
    judge_all(client)

    assert 200 == client.post("/api/missed", json=told).status_code
    assert 303 == client.post("/read", data={"call_id": "c1"}).status_code

    assert '<mark data-owners="' in client.get("/calls/c1").text
    rows = client.get("/figures/behaviours.csv").text.splitlines()
    apologies = dict(
        zip(rows[0].split(","), next(row for row in rows if row.startswith("apologise")).split(","), strict=True)
    )
    assert ("0.0", "1") == (apologies["recall_value"], apologies["recall_of"])


@pytest.mark.parametrize(
    "change",
    [
        {"start": 5, "end": 5},
        {"end": 10_000},
        {"behaviour": "nothing"},
        {"note": "x" * 4_001},
        {"behaviour": "wish_well"},
        {"turn": 0},
    ],
)
def test_missed_that_makes_no_sense_is_refused(visitor: Any, change: dict[str, Any]) -> None:
    """Empty words, words beyond the turn, unknown behaviours, huge notes, what the machine did see, a customer's."""
    client = visitor(Role.ANALYST)
    told = missed_words(client, turn=change.get("turn", 1)) | {key: change[key] for key in change if key != "turn"}

    assert 422 == client.post("/api/missed", json=told).status_code


def test_mark_of_somebody_else_is_not_overwritten(visitor: Any) -> None:
    """Whoever marks a behaviour in a turn where another did hears of it; one's own mark can be set anew, and undone."""
    one, two = visitor(Role.ANALYST, "one"), visitor(Role.ANALYST, "two")
    told = missed_words(one)
    early = one.post("/api/missed", json=told).json()["id"]

    refused = two.post("/api/missed", json=told | {"end": 6})
    late = one.post("/api/missed", json=told | {"end": 6}).json()["id"]
    stale = one.post(f"/api/verdicts/{early}/undo")

    assert (409, True) == (refused.status_code, "one has marked" in refused.text)
    assert late == one.post("/api/missed", json=told | {"end": 6}).json()["id"]
    assert (409, True) == (stale.status_code, "no longer stands: another took its place" in stale.text)
    assert 200 == one.post(f"/api/verdicts/{late}/undo").status_code
    assert "no longer stands: it was undone" in one.post(f"/api/verdicts/{late}/undo").text


def test_hostile_words_are_shown_as_text(visitor: Any, store: Store) -> None:
    """Markup in a transcript is escaped; a right-to-left override cannot reach beyond its turn."""
    hostile = "<script>alert(1)</script> \u202e wish"
    one = a_call("h<b>")
    turns = (*one.turns, one.turns[1].model_copy(update={"turn_id": "t9", "index": 9, "text": hostile}))
    fill(store, one.model_copy(update={"turns": turns}))

    page = visitor(Role.ANALYST).get("/calls/h%3Cb%3E").text

    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; \u202e " in page
    assert "h&lt;b&gt;" in page


def test_second_review_is_blind_until_it_is_given(visitor: Any, workbench: Workbench) -> None:
    """The second person neither sees nor is told the first word; then both are compared, and a lead settles it."""
    object.__setattr__(workbench.bench, "second_share", 1.0)
    one, two, lead = visitor(Role.ANALYST, "one"), visitor(Role.ANALYST, "two"), visitor(Role.LEAD, "lead")
    seen = first(one)
    path = f"/api/decisions/{seen['decision_id']}/verdict"
    one.post(path, json={"kind": "wrong_sense", "seen": seen["seen"], "note": "a secret"})

    assert "a secret" not in two.get("/calls/c1").text
    assert first(two)["verdict"] is None
    assert any(item["decision_id"] == seen["decision_id"] for item in two.get("/api/queue").json())

    assert {"id": None} == two.post(path, json={"kind": "correct", "seen": first(two)["seen"]}).json()
    assert "a secret" in lead.get("/calibration").text
    settled = lead.post(f"/decisions/{seen['decision_id']}/adjudication", data={"kind": "correct"})
    assert 303 == settled.status_code
    assert ("correct", "lead") == tuple(first(two)["verdict"][name] for name in ("kind", "reviewer"))
    assert 409 == lead.post(f"/decisions/{seen['decision_id']}/adjudication", data={"kind": "correct"}).status_code


def test_appeal_goes_its_way(visitor: Any) -> None:
    """An agent asks, a lead takes it up and overturns; each step is told, and to leads who did it."""
    agent, lead = visitor(Role.AGENT, "jo"), visitor(Role.LEAD, "lead")
    identifier = first(agent)["decision_id"]

    assert 422 == agent.post(f"/decisions/{identifier}/appeal", data={"note": " "}).status_code
    assert 303 == agent.post(f"/decisions/{identifier}/appeal", data={"note": "I meant it"}).status_code
    assert 409 == agent.post(f"/decisions/{identifier}/appeal", data={"note": "again"}).status_code
    assert "an appeal waits" in json.dumps(lead.get("/api/queue").json()[0]["reasons"])
    appeal = lead.get("/api/appeals").json()[0]["appeal_id"]
    assert 409 == lead.post(f"/appeals/{appeal}", data={"to": "overturned", "kind": "correct"}).status_code
    lead.post(f"/appeals/{appeal}", data={"to": "under_review"})
    lead.post(f"/appeals/{appeal}", data={"to": "overturned", "kind": "wrong_sense"})

    (told,) = lead.get("/api/appeals").json()
    assert "overturned" == told["state"]
    assert [("requested", "jo"), ("under_review", "lead"), ("overturned", "lead")] == [
        (step["state"], step["user_id"]) for step in told["steps"]
    ]
    assert VerdictKind.WRONG_SENSE == first(agent)["verdict"]["kind"]


@pytest.mark.parametrize(
    "path",
    ["/queue?since=yesterday", "/calls/nothing", "/figures/nothing.csv", "/exports/nothing", "/api/queue?since=x"],
)
def test_what_is_unknown_is_told(visitor: Any, path: str) -> None:
    """Unknown ids and dates are told plainly, with the right status."""
    assert visitor(Role.ADMIN).get(path).status_code in {404, 422}


@pytest.mark.parametrize(
    "path",
    ["/queue", "/calls/c1", "/figures", "/calibration", "/appeals", "/exports", "/accounts", "/trail", "/mine",
     "/figures/precision.csv", "/figures/weeks.csv", "/exports/decisions.csv", "/exports/label-studio.json"],
)  # fmt: skip
def test_every_page_shows(visitor: Any, path: str) -> None:
    """Each page and each file is there."""
    assert 200 == visitor(Role.ADMIN).get(path).status_code


@pytest.mark.parametrize("path", ["/calls/c1", "/api/calls/c1"])
def test_agent_reads_no_note_and_no_reviewer(visitor: Any, path: str) -> None:
    """What analysts write for each other, and who they are, is not told to the agent, of judged and missed alike."""
    analyst, agent = visitor(Role.ANALYST, "Quentin"), visitor(Role.AGENT)
    judge_all(analyst, kind="wrong_sense", note="a secret")
    analyst.post("/api/missed", json=missed_words(analyst, note="a secret"))

    told = agent.get(path).text

    assert "missed" in told
    assert "secret" not in told
    assert "Quentin" not in told


def test_agent_waits_for_the_second_word(visitor: Any, workbench: Workbench) -> None:
    """While a second review is due the agent is told nothing of the first."""
    object.__setattr__(workbench.bench, "second_share", 1.0)
    analyst, agent = visitor(Role.ANALYST), visitor(Role.AGENT)

    before = first(agent)
    judge_all(analyst)

    assert before == first(agent)
    assert first(analyst)["verdict"]["kind"] == "correct"
    assert (None, False) == (first(agent)["verdict"], first(agent)["blind"])
    assert "Not judged yet" in agent.get("/calls/c1").text


@pytest.mark.parametrize(
    ("to", "notes"),
    [("overturned", ["I meant it", "", ""]), ("upheld", ["I meant it", "", "a secret"])],
)
def test_agent_learns_how_an_appeal_was_decided_not_by_whom(visitor: Any, to: str, notes: list[str]) -> None:
    """The note of the verdict that overturns is for analysts, that of an appeal upheld for the agent; no name is."""
    agent, lead = visitor(Role.AGENT, "jo"), visitor(Role.LEAD, "Quentin")

    _appealed(agent, lead, to)

    (told,) = agent.get("/api/appeals").json()
    assert ["requested", "under_review", to] == [step["state"] for step in told["steps"]]
    assert ["jo", None, None] == [step["user_id"] for step in told["steps"]]
    assert notes == [step["note"] for step in told["steps"]]
    page = agent.get("/appeals").text
    assert (False, to == "upheld") == ("Quentin" in page, "a secret" in page)
    assert "a secret" in visitor(Role.ANALYST).get("/appeals").text


@pytest.mark.parametrize("path", ["/appeals", "/api/appeals"])
def test_second_reviewer_reads_no_note_on_an_appeal(visitor: Any, workbench: Workbench, path: str) -> None:
    """Before the blind review is given only the first reviewer and who decided the appeal read what was written."""
    object.__setattr__(workbench.bench, "second_share", 1.0)
    agent, lead = visitor(Role.AGENT, "jo"), visitor(Role.LEAD, "lead")
    one, two = visitor(Role.ANALYST, "one"), visitor(Role.ANALYST, "two")
    judge_all(one)

    _appealed(agent, lead, "overturned")

    assert [True, True, False] == ["a secret" in client.get(path).text for client in (one, lead, two)]
    assert "I meant it" in two.get(path).text
    judge_all(two)
    assert "a secret" in two.get(path).text


def test_first_word_is_in_no_trail_and_no_export(visitor: Any, workbench: Workbench) -> None:
    """Admins learn the first word neither by the trail nor by files before the second is given; who gave it does."""
    object.__setattr__(workbench.bench, "second_share", 1.0)
    one, admin = visitor(Role.ADMIN, "one"), visitor(Role.ADMIN, "admin")
    judge_all(one)
    one.post("/read", data={"call_id": "c1"})

    def told(client: Any) -> list[bool]:
        labelled = bool(client.get("/exports/labels.jsonl").text)
        return ["kind correct" in client.get("/trail").text, ",correct," in client.get("/exports/decisions.csv").text,
                labelled]  # fmt: skip

    assert [True, True, True] == told(one)
    assert [False, False, False] == told(admin)
    judge_all(admin)
    assert [True, True, True] == told(admin)


def test_call_is_read_whole_once_all_is_judged(visitor: Any) -> None:
    """As long as a decision is open the call cannot be marked as read, and what to do is told."""
    client = visitor(Role.ANALYST)

    refused = client.post("/read", data={"call_id": "c1"})
    judge_all(client)

    assert 409 == refused.status_code
    assert "judge every decision" in refused.text
    assert 303 == client.post("/read", data={"call_id": "c1"}).status_code


def test_decision_that_comes_later_takes_the_call_out_again(visitor: Any, store: Store, workbench: Workbench) -> None:
    """Where a call read whole is decided anew, neither recall nor labels rest on it until that is judged."""
    client, lead = visitor(Role.ANALYST), visitor(Role.LEAD)
    one = a_call("c1")
    silent = one.turns[1].model_copy(update={"turn_id": "silent", "index": 4, "text": "so long"})
    one = one.model_copy(update={"turns": (*one.turns, silent)})
    fill(store, one, share=1.0)
    judge_all(client)
    client.post("/api/missed", json=missed_words(client, "wish_well", turn=4))
    client.post("/read", data={"call_id": "c1"})

    def told() -> tuple[str, int]:
        rows = csv.DictReader(client.get("/figures/behaviours.csv").text.splitlines())
        recall = next(row["recall_of"] for row in rows if row["behaviour"] == "wish_well")
        return recall, len(lead.get("/exports/labels.jsonl").text.splitlines())

    before = told()
    with store.writing() as connection:
        made = whole_call(connection, "c1").decisions[0]
        more = made.model_copy(update={"decision_id": "later", "turn_id": silent.turn_id, "behaviour": "apologise"})
        Filler(connection, playbook=workbench.playbook).decisions([more])

    assert ("3", 1) == before
    assert ("0", 0) == told()
    judge_all(client)
    assert ("3", 1) == told()


def test_call_to_which_something_is_added_is_read_anew(visitor: Any, store: Store) -> None:
    """It leaves the labels, and is offered again to be read whole; once it has no words left that is not asked."""
    client, lead = visitor(Role.ANALYST), visitor(Role.LEAD)
    judge_all(client)
    client.post("/read", data={"call_id": "c1"})
    one = a_call("c1")

    def told() -> tuple[bool, bool]:
        offered = any(
            (item["call_id"], item["decision_id"]) == ("c1", None) for item in client.get("/api/queue").json()
        )
        return offered, bool(lead.get("/exports/labels.jsonl").text)

    assert (False, True) == told()
    more = one.turns[1].model_copy(update={"turn_id": "later", "index": 9, "text": "so long"})
    fill(store, one.model_copy(update={"turns": (*one.turns, more)}), share=1.0)
    assert (True, False) == told()
    assert "I read it whole" in client.get("/calls/c1").text
    purge(store, before=now() + timedelta(days=1))
    assert "I read it whole" not in client.get("/calls/c1").text
    assert 422 == client.post("/read", data={"call_id": "c1"}).status_code


def test_next_goes_on_while_an_appeal_is_open(visitor: Any) -> None:
    """An appeal is offered to leads who did not ask themselves, and to one of them at a time; others go on working."""
    analyst, asking, lead, late = (
        visitor(role, name)
        for role, name in ((Role.ANALYST, "q"), (Role.LEAD, "asking"), (Role.LEAD, "lead"), (Role.LEAD, "late"))
    )
    identifier = first(analyst)["decision_id"]
    judge_all(analyst)
    assert 303 == asking.post(f"/decisions/{identifier}/appeal", data={"note": "look again"}).status_code

    def offered(client: Any) -> bool:
        return any("an appeal waits" in item["reasons"] for item in client.get("/api/queue").json())

    assert [False, False, True, True] == [offered(one) for one in (analyst, asking, lead, late)]
    assert f"/calls/c1#d-{identifier}" == lead.post("/queue/next").headers["location"]
    assert [False, False, True, False] == [offered(one) for one in (analyst, asking, lead, late)]
    places = []
    for _ in range(2):
        place = analyst.post("/queue/next").headers["location"]
        judge_all(analyst, place.removeprefix("/calls/").partition("#")[0])
        places.append(place)
    assert len(set(places)) == 2


def test_retracted_decision_is_not_reviewed_twice(visitor: Any, store: Store, workbench: Workbench) -> None:
    """Where the machine takes a decision back that waits for a second review, neither queue nor labels wait for it."""
    object.__setattr__(workbench.bench, "second_share", 1.0)
    one, two = visitor(Role.ANALYST, "one"), visitor(Role.ANALYST, "two")
    judge_all(one)
    one.post("/read", data={"call_id": "c1"})

    fill(store, call(("customer", "hello"), ("agent", "nothing"), call_id="c1"))
    one.post("/read", data={"call_id": "c1"})

    assert not [item for item in two.get("/api/queue").json() if item["call_id"] == "c1" and item["decision_id"]]
    assert visitor(Role.LEAD).get("/exports/labels.jsonl").text


def test_purged_call_is_not_in_the_queue(visitor: Any, store: Store, workbench: Workbench) -> None:
    """Nobody is asked to judge words that are gone, neither first nor second."""
    object.__setattr__(workbench.bench, "second_share", 1.0)
    one, two = visitor(Role.ANALYST, "one"), visitor(Role.ANALYST, "two")
    judge_all(one, "c2")
    assert two.get("/api/queue").json()

    purge(store, before=now() + timedelta(days=1))

    assert [] == two.get("/api/queue").json()


@pytest.mark.parametrize("path", ["/decisions/{}/verdict", "/api/decisions/{}/verdict", "/decisions/{}/adjudication"])
def test_decision_on_a_removed_behaviour_is_shown_not_judged(visitor: Any, workbench: Workbench, path: str) -> None:
    """What the playbook no longer has cannot be settled: that is told, and nothing else waits for it."""
    lead = visitor(Role.LEAD)
    one = first(lead)
    for part in (workbench, workbench.bench):
        object.__setattr__(part, "playbook", playbook_of(behaviour("apologise")))
    told = {"kind": "correct", "seen": one["seen"]}

    answer = lead.post(path.format(one["decision_id"]), **{"json" if path.startswith("/api") else "data": told})

    assert 422 == answer.status_code
    assert "no longer has this behaviour" in answer.text
    assert "no longer in the playbook" in lead.get("/calls/c1").text
    assert 303 == lead.post("/read", data={"call_id": "c1"}).status_code


def test_appeal_on_a_removed_behaviour_can_only_be_upheld(visitor: Any, workbench: Workbench) -> None:
    """Overturning it would need a verdict that cannot be settled."""
    agent, lead = visitor(Role.AGENT), visitor(Role.LEAD)
    agent.post(f"/decisions/{first(agent)['decision_id']}/appeal", data={"note": "why"})
    path = f"/appeals/{lead.get('/api/appeals').json()[0]['appeal_id']}"
    lead.post(path, data={"to": "under_review"})
    for one in (workbench, workbench.bench):
        object.__setattr__(one, "playbook", playbook_of(behaviour("apologise")))

    assert 422 == lead.post(path, data={"to": "overturned", "kind": "correct"}).status_code
    assert 303 == lead.post(path, data={"to": "upheld"}).status_code


def _appealed(agent: Any, lead: Any, to: str) -> None:
    """Let an agent appeal against the first decision, and a lead decide it with a note."""
    agent.post(f"/decisions/{first(agent)['decision_id']}/appeal", data={"note": "I meant it"})
    (appeal,) = lead.get("/api/appeals").json()
    lead.post(f"/appeals/{appeal['appeal_id']}", data={"to": "under_review"})
    lead.post(f"/appeals/{appeal['appeal_id']}", data={"to": to, "kind": "wrong_sense", "note": "a secret"})
