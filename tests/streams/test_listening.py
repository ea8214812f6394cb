"""A listener bears with a broker that has just started, and says which topic cannot be read."""

from collections.abc import Callable
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from streams import listening, topics
from streams.topics import TopicsError


def refusing(code: int, *, times: float) -> Callable[..., Any]:
    """Return a consumer whose question how far a partition goes is refused, so many times."""

    class Refused(listening.Consumer):
        left = times

        def get_watermark_offsets(self, *place: Any, **options: Any) -> Any:
            if self.left > 0:
                self.left -= 1
                raise KafkaException(KafkaError(code))
            return super().get_watermark_offsets(*place, **options)

    return Refused


def test_broker_that_does_not_yet_know_that_it_leads_is_asked_again(
    stage: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the topic holds is read all the same."""
    topics.create(stage.settings, replicas=1)
    stage.send("a", b"{}", topic=stage.settings.topic_rewards)
    monkeypatch.setattr(listening, "Consumer", refusing(KafkaError.NOT_LEADER_FOR_PARTITION, times=2))

    assert [one.value() for one in stage.read(stage.settings.topic_rewards)] == [b"{}"]


@pytest.mark.parametrize("code", [KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.NOT_LEADER_FOR_PARTITION])
def test_topic_of_which_no_broker_tells_is_named(stage: Any, code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """At once where it will not pass, in the end where it might have."""
    topics.create(stage.settings, replicas=1)
    monkeypatch.setattr(listening, "_ANSWER_SECONDS", 1)
    monkeypatch.setattr(listening, "Consumer", refusing(code, times=float("inf")))

    with pytest.raises(TopicsError, match=rf"{stage.settings.topic_rewards} cannot be read: {KafkaError(code).name()}"):
        stage.read(stage.settings.topic_rewards)
