"""The one pure step: what a turn, a revision, a repeat, a late turn and the end of a call lead to."""

import pytest
from fakes import behaviour, call, header, playbook_of, policy, turn, word_detector, word_playbook
from pydantic import TypeAdapter

from detector.call import EVENTS_OF_A_SLOT, CallState
from detector.decision import CallOutcome, Decision, Outcome, Scorecard
from detector.detect import Detector, Step
from detector.playbook import Mode
from detector.reward import RewardEvent
from detector.transcript import CallHeader, Turn

CUSTOMER = turn(0, "customer", "i lost my card")
WISH = turn(1, "agent", "i wish you well")
STATE: TypeAdapter[CallState] = TypeAdapter(CallState)


@pytest.fixture(scope="module")
def words() -> Detector:
    """A detector that goes by words."""
    return word_detector()


def steps(detector: Detector, *turns: Turn, of: CallHeader | None = None) -> list[Step]:
    """Return the steps of turns, one after the other."""
    state, made = detector.open(of or header()), list[Step]()
    for one in turns:
        made.append(detector.step(state, one))
        state = made[-1].state
    return made


def seen(decisions: tuple[Decision, ...]) -> list[tuple[str, str, str]]:
    """Return turn, behaviour and outcome of decisions; of a retraction, `retracted`."""
    return [(one.turn_id, one.behaviour, "retracted" if one.retracted else one.outcome.value) for one in decisions]


def told(rewards: tuple[RewardEvent, ...]) -> list[tuple[str, str, int]]:
    """Return kind, behaviour and slot of reward events."""
    return [(one.type.value.split(".")[1], one.data.behaviour, one.data.slot) for one in rewards]


def scorecard(detector: Detector, state: CallState) -> Scorecard:
    """Return the scorecard told at the call's end."""
    made = detector.end(state).scorecard
    assert made is not None
    return made


def test_an_agents_turn_is_decided_and_rewarded(words: Detector) -> None:
    """What an agent says leads to a decision and, where it is an award, to a grant; what a customer says to neither."""
    first, second = steps(words, CUSTOMER, WISH)

    assert (first.decisions, first.rewards) == ((), ())
    assert seen(second.decisions) == [("t1", "wish_well", "award")]
    assert told(second.rewards) == [("granted", "wish_well", 1)]
    assert second.state.decisions == second.decisions
    assert second.scorecard is None


def test_a_review_is_decided_and_not_rewarded(words: Detector) -> None:
    """What a person has to look at earns nothing yet."""
    _, step = steps(words, CUSTOMER, turn(1, "agent", "maybe"))

    assert seen(step.decisions) == [("t1", "wish_well", "review")]
    assert step.rewards == ()


def test_a_behaviour_in_shadow_is_seen_and_not_rewarded() -> None:
    """Shadow is reported, never rewarded."""
    shadow = word_detector(playbook_of(behaviour("wish_well", reward=policy(mode=Mode.SHADOW))))

    _, step = steps(shadow, CUSTOMER, WISH)

    assert seen(step.decisions) == [("t1", "wish_well", "shadow")]
    assert step.rewards == ()


@pytest.mark.parametrize("speaker", ["customer", "system", "unknown"])
def test_only_agents_are_scored(words: Detector, speaker: str) -> None:
    """The words of customers, systems and strangers are never scored."""
    _, step = steps(words, CUSTOMER, turn(1, speaker, "i wish you well"))

    assert (step.decisions, step.rewards) == ((), ())


def test_a_partial_turn_changes_nothing(words: Detector) -> None:
    """A turn still being said leaves the state as it is, also where its final words are known."""
    before = steps(words, CUSTOMER, WISH)[-1].state

    for partial in (turn(2, "agent", "wish", is_final=False), WISH.model_copy(update={"text": "i", "is_final": False})):
        step = words.step(before, partial)

        assert step.state is before
        assert (step.decisions, step.rewards, step.scorecard) == ((), (), None)


def test_a_turn_delivered_again_tells_the_same_again(words: Detector) -> None:
    """A repeat leaves the state as it is and tells what the turn told first, so that a crash loses nothing."""
    made = steps(words, CUSTOMER, WISH, turn(2, "agent", "wish"), turn(3, "agent", "sorry"))
    last = made[-1].state

    for one, first in zip((CUSTOMER, WISH), made, strict=False):
        again = words.step(last, one)

        assert again.state is last
        assert (first.decisions, first.rewards) == (again.decisions, again.rewards)


def test_a_turn_delivered_again_does_not_undo_a_retraction(words: Detector) -> None:
    """Where a late turn took a decision back, a repeat of its turn tells the retraction and not the award."""
    too = turn(2, "agent", "you too")
    *_, state = (step.state for step in steps(words, turn(0, "customer", "hi"), too, turn(1, "agent", "bye")))

    assert seen(words.step(state, too).decisions) == [("t2", "wish_well", "retracted")]


def test_a_revision_retracts_and_reverses(words: Detector) -> None:
    """What a later version of a turn no longer says is retracted, and its reward reversed."""
    *_, before, step = steps(words, CUSTOMER, WISH, turn(1, "agent", "i see", revision=1))

    assert seen(step.decisions) == [("t1", "wish_well", "retracted")]
    assert step.decisions[0].decision_id == before.decisions[0].decision_id
    assert told(step.rewards) == [("reversed", "wish_well", 1)]
    assert step.rewards[0].causationid == before.rewards[0].id
    assert step.state.decisions == ()


def test_a_revision_that_says_the_same_keeps_the_reward(words: Detector) -> None:
    """An edited turn that still earns its reward has its decision told anew and nothing paid or taken back."""
    *_, step = steps(words, CUSTOMER, WISH, turn(1, "agent", "oh i wish you well", revision=1))

    assert [(one.revision, one.outcome) for one in step.decisions] == [(1, Outcome.AWARD)]
    assert step.rewards == ()


def test_a_revision_can_grant_again(words: Detector) -> None:
    """What was reversed and is earned again is granted under a new id."""
    made = steps(words, CUSTOMER, WISH, turn(1, "agent", "no", revision=1), turn(1, "agent", "wish", revision=2))

    events = [event for step in made for event in step.rewards]

    assert [one.type.value for one in events] == ["reward.granted.v1", "reward.reversed.v1", "reward.granted.v1"]
    assert len({one.id for one in events}) == 3


def test_a_revision_delivered_again_tells_what_those_before_it_granted(words: Detector) -> None:
    """The grant of a first wording comes again with the last one: the first, outdated by then, tells nothing."""
    better = turn(1, "agent", "oh i wish you well", revision=1)
    _, first, last = steps(words, CUSTOMER, WISH, better)

    outdated, again = words.step(last.state, WISH), words.step(last.state, better)

    assert (outdated.decisions, outdated.rewards) == ((), ())
    assert again.rewards == first.rewards != ()
    assert again.decisions == last.decisions
    assert again.state is last.state


def test_a_revision_delivered_again_tells_the_retractions_of_those_before_it(words: Detector) -> None:
    """What a late turn took back elsewhere comes again with its revision, which takes nothing back itself."""
    said = turn(0, "customer", "hi"), turn(2, "agent", "you too"), turn(1, "agent", "bye")
    revised = turn(1, "agent", "bye sorry", revision=1)
    *_, last = steps(words, *said, revised)

    again = words.step(last.state, revised)

    assert seen(last.decisions) == [("t1", "apologise", "award")]
    assert seen(again.decisions) == [("t2", "wish_well", "retracted"), ("t1", "apologise", "award")]
    assert told(again.rewards) == [("reversed", "wish_well", 1), ("granted", "apologise", 1)]


def test_a_wording_without_a_new_revision_tells_what_came_before_it(words: Detector) -> None:
    """A source that does not number its revisions may be delivering again: each wording tells what all led to."""
    other = turn(1, "agent", "i see")
    _, granted, reversed_, again, last = steps(words, CUSTOMER, WISH, other, WISH, other)

    assert told(reversed_.rewards) == [("granted", "wish_well", 1), ("reversed", "wish_well", 1)]
    assert reversed_.rewards[0] == granted.rewards[0]
    assert again.rewards[:2] == reversed_.rewards
    assert last.rewards[:3] == again.rewards
    assert seen(last.decisions) == [("t1", "wish_well", "retracted")]


def test_what_is_told_again_does_not_grow_with_each_revision(words: Detector) -> None:
    """Of a turn revised to and fro for ever each decision is kept once, and of each slot its own last events."""
    said = [turn(1, "agent", "sorry" if at % 2 else "sorry wish", revision=at) for at in range(40)]
    made = steps(words, CUSTOMER, *said)
    events = [event for step in made for event in step.rewards]

    again = words.step(made[-1].state, said[-1])

    wishes, apology = ([one for one in events if one.data.behaviour == name] for name in ("wish_well", "apologise"))
    assert len(again.decisions) == 2
    assert list(again.rewards) == [*apology, *wishes[-EVENTS_OF_A_SLOT:]]
    assert len(apology) == 1


def test_an_older_revision_is_left_aside(words: Detector) -> None:
    """A version that was superseded before it came changes nothing."""
    *_, before, step = steps(words, CUSTOMER, turn(1, "agent", "wish", revision=2), turn(1, "agent", "no", revision=1))

    assert step.state is before.state
    assert (step.decisions, step.rewards) == ((), ())


def test_a_turn_told_otherwise_without_a_new_revision_is_the_later_word(words: Detector) -> None:
    """A source that does not number its revisions is believed in the order of delivery."""
    *_, step = steps(words, CUSTOMER, WISH, turn(1, "agent", "i see"))

    assert seen(step.decisions) == [("t1", "wish_well", "retracted")]
    assert [one.text for one in step.state.turns] == [CUSTOMER.text, "i see"]


def test_a_late_turn_is_put_in_its_place(words: Detector) -> None:
    """A turn is read where its index puts it, and what that changes behind it is told."""
    too = turn(2, "agent", "you too")

    first, second, late = steps(words, turn(0, "customer", "hi"), too, turn(1, "agent", "bye"))

    assert first.decisions == ()
    assert seen(second.decisions) == [("t2", "wish_well", "award")]
    assert [one.turn_id for one in late.state.turns] == ["t0", "t1", "t2"]
    assert seen(late.decisions) == [("t2", "wish_well", "retracted")]
    assert told(late.rewards) == [("reversed", "wish_well", 1)]


def test_turns_are_ordered_by_index_and_not_by_time(words: Detector) -> None:
    """The two channels' clocks differ: only the index says what came first."""
    early = turn(1, "agent", "too", start_ms=0)
    later = turn(0, "customer", "bye", start_ms=90_000)

    assert seen(steps(words, early, later)[-1].state.decisions) == [("t1", "wish_well", "award")]


def test_turns_of_one_index_are_ordered_by_their_id(words: Detector) -> None:
    """Where two turns share an index, the order is still one and the same."""
    two = turn(1, "agent", "too", turn_id="b"), turn(1, "customer", "bye", turn_id="a")

    assert steps(words, *two)[-1].state.turns == steps(words, *reversed(two))[-1].state.turns


def test_nothing_is_rewarded_until_a_customer_is_heard(words: Detector) -> None:
    """Two agents talking, or a test call, earns nothing; the first words of a customer's grant what stands."""
    only_agents, more, heard = steps(
        words, turn(0, "agent", "wish"), turn(1, "agent", "sorry"), turn(2, "customer", "hello")
    )

    assert seen(only_agents.decisions) == [("t0", "wish_well", "award")]
    assert (only_agents.rewards, more.rewards) == ((), ())
    assert told(heard.rewards) == [("granted", "wish_well", 1), ("granted", "apologise", 1)]


def test_rewards_are_taken_back_where_no_customer_was_heard_after_all(words: Detector) -> None:
    """Where the only customer's turn turns out to be a colleague's, what it granted is reversed."""
    *_, step = steps(words, CUSTOMER, WISH, turn(0, "unknown", "i lost my card", revision=1))

    assert told(step.rewards) == [("reversed", "wish_well", 1)]
    assert seen(step.state.decisions) == [("t1", "wish_well", "award")]


def test_nobody_is_paid_where_no_agent_is_known(words: Detector) -> None:
    """An award without an agent id stands; when the agent becomes known it is granted."""
    before = steps(words, CUSTOMER, WISH, of=header(agent_id=None))[-1].state

    step = words.introduce(before, header(agent_id="late"))

    assert before.credits == ()
    assert [(one.agent_id, one.retracted) for one in step.decisions] == [("late", False)]
    assert [one.subject for one in step.rewards] == ["late"]


def test_a_header_that_comes_late_counts_as_if_it_came_first(words: Detector) -> None:
    """What a header tells, such as the customer's name, is used for the turns before it too."""
    turns = (CUSTOMER, turn(1, "agent", "thank you rosa"))
    of = header(customer_name="Rosa Diaz")

    late = words.introduce(steps(words, *turns)[-1].state, of)

    assert seen(late.decisions) == [("t1", "use_customer_name", "award")]
    assert late.state.decisions == steps(words, *turns, of=of)[-1].state.decisions


def test_a_header_that_is_known_changes_nothing(words: Detector) -> None:
    """The same header again leaves the state as it is."""
    state = steps(words, CUSTOMER, WISH)[-1].state

    assert words.introduce(state, header()) == Step(state)


def test_a_header_that_tells_little_wipes_nothing(words: Detector) -> None:
    """A late header with a language only leaves the agent known: no reward is taken back."""
    before = steps(words, CUSTOMER, WISH)[-1].state

    step = words.introduce(before, CallHeader(call_id="c", language="en-GB"))

    assert step.rewards == ()
    assert step.state.header == header(language="en-GB")
    assert step.state.credits == before.credits


def test_an_unsupported_language_is_abstained_from(words: Detector) -> None:
    """A call in a language the playbook does not speak is not scored, and its scorecard says so."""
    step = steps(words, CUSTOMER, WISH, of=header(language="fr-FR"))[-1]

    made = scorecard(words, step.state)

    assert (step.decisions, step.rewards) == ((), ())
    assert set(made.outcomes.values()) == {CallOutcome.ABSTAINED}
    assert made.abstained == ("the playbook does not speak 'fr-FR'",)


def test_turns_of_unknown_speakers_make_the_scorecard_abstain(words: Detector) -> None:
    """Who said a turn being unknown, nothing can be called missed; what was done stays done."""
    step = steps(words, CUSTOMER, WISH, turn(2, "unknown", "angry"), turn(3, "unknown", "sorry"))[-1]

    made = scorecard(words, step.state)

    assert made.abstained == ("2 turns without a known speaker",)
    assert made.outcomes == {"wish_well": "done", "apologise": "abstained", "use_customer_name": "abstained"}


def test_a_call_without_a_customer_is_abstained_from(words: Detector) -> None:
    """Where no customer was heard the scorecard says that nothing is rewarded."""
    made = scorecard(words, steps(words, turn(0, "agent", "hello"))[-1].state)

    assert made.abstained == ("no customer was heard: nothing is rewarded",)


def test_system_turns_are_not_heard(words: Detector) -> None:
    """An announcement is neither remembered nor does it make anybody abstain."""
    state = steps(words, turn(0, "system", "angry bye called rosa"))[-1].state

    assert state.memory == words.open(header()).memory
    assert scorecard(words, state).abstained == ()


def test_the_end_tells_the_scorecard(words: Detector) -> None:
    """At the end of a call each behaviour is done, missed, not needed or abstained from."""
    said = (CUSTOMER, turn(1, "customer", "i am angry"), turn(2, "agent", "maybe"), turn(3, "agent", "bye"))
    state = steps(words, *said, of=header(team="blue"))[-1].state

    made = scorecard(words, state)

    assert made.outcomes == {"wish_well": "abstained", "apologise": "missed", "use_customer_name": "not_needed"}
    assert (made.call_id, made.agent_id, made.team, made.abstained) == ("c", "a", "blue", ())
    assert (made.playbook_version, made.model_version) == ("1+test", "words")


def test_a_turn_after_the_end_tells_the_scorecard_anew(words: Detector) -> None:
    """What comes after the end, also when it comes twice, is told with a scorecard that counts it."""
    ended = words.end(steps(words, CUSTOMER)[-1].state).state

    first = words.step(ended, WISH)
    again = words.step(first.state, WISH)

    assert first.scorecard is not None
    assert first.scorecard.outcomes["wish_well"] is CallOutcome.DONE
    assert (again.scorecard, again.rewards) == (first.scorecard, first.rewards)


def test_a_call_that_ends_twice_tells_the_same_twice(words: Detector) -> None:
    """The end delivered again leads to an equal step."""
    ended = words.end(steps(words, CUSTOMER, WISH)[-1].state)

    assert words.end(ended.state) == ended


def test_batch_folds_the_step_over_a_call(words: Detector) -> None:
    """A whole call leads to what its turns led to one by one, whatever their order in the file."""
    made = words.detect(call(("customer", "hello"), ("agent", "you too"), ("agent", "sorry")))

    backwards = call().model_copy(update={"turns": (turn(2, "agent", "sorry"), turn(1, "agent", "you too"))})
    backwards = backwards.model_copy(update={"turns": (*backwards.turns, turn(0, "customer", "hello"))})
    assert [one.behaviour for one in made.decisions] == ["wish_well", "apologise"]
    assert told(made.rewards) == told(words.detect(backwards).rewards)


def test_a_call_without_turns_has_a_scorecard(words: Detector) -> None:
    """Of a call in which nothing was said, nothing was needed."""
    made = words.detect(call())

    assert (made.decisions, made.rewards) == ((), ())
    assert set(made.scorecard.outcomes.values()) == {CallOutcome.NOT_NEEDED}


@pytest.mark.parametrize("update", [{"agent_id": "b"}, {"call_id": "d"}])
def test_rewards_of_another_call_or_agent_have_other_ids(words: Detector, update: dict[str, str]) -> None:
    """The same words in another call, or by another agent, are paid on their own."""
    one, other = (
        {event.id for step in steps(words, CUSTOMER, WISH, of=of) for event in step.rewards}
        for of in (header(), header(**update))
    )

    assert len(one | other) == 2


def test_tenants_have_ids_of_their_own() -> None:
    """Two tenants' calls of one id are two calls."""
    made = {
        Detector(
            playbook=word_playbook(), reader=word_detector()._reader, scorer=word_detector()._scorer, tenant=tenant
        )
        .detect(call(("customer", "hello"), ("agent", "wish")))
        .rewards[0]
        .id
        for tenant in ("one", "two")
    }

    assert len(made) == 2


def test_the_state_of_a_call_survives_json(words: Detector) -> None:
    """A state written as JSON and read again is equal, and leads on to the same."""
    turns = (CUSTOMER, WISH, turn(1, "agent", "no", revision=1), turn(3, "customer", "called rosa bye"))
    state = steps(words, *turns, of=header(started_at="2026-03-02T09:14:05Z", customer_name="Rosa"))[-1].state

    read = STATE.validate_json(STATE.dump_json(state))

    assert state == read
    for late in (turn(2, "agent", "sorry rosa"), WISH, turn(1, "agent", "wish", revision=2)):
        assert words.step(state, late) == words.step(read, late)
        assert STATE.dump_json(words.step(state, late).state) == STATE.dump_json(words.step(read, late).state)


def test_kind_words_beside_a_brush_off_are_left_to_a_person() -> None:
    """Who brushes a customer off and wishes well in one breath may not mean it; before that, it was meant."""
    detector = word_detector(playbook_of(behaviour(needs_goodwill=True, reward=policy(cap=9))))

    *_, kind, unkind, after = steps(
        detector, CUSTOMER, WISH, turn(2, "agent", "suit yourself wish"), turn(3, "agent", "wish")
    )

    assert [seen(one.decisions)[0][2] for one in (kind, unkind, after)] == ["award", "review", "review"]
