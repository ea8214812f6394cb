"""The topics as they have to be on the broker: made by a command, checked before the worker starts."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from detector.errors import DetectorError
from pipelines.settings import Settings, changelog_of
from streams.connection import ANSWER_SECONDS, client_options, cluster

_HOUR_MS = 60 * 60 * 1000
_DAY_MS = 24 * _HOUR_MS


class TopicsError(DetectorError):
    """Topics that are missing or do not fit; the message lists all of them."""


@dataclass(frozen=True, slots=True)
class TopicPlan:
    """A topic as it has to be. `partitions` is binding only where `copartitioned`: state goes by partition there."""

    name: str
    key: str
    partitions: int
    config: Mapping[str, str] = field(default_factory=dict)
    copartitioned: bool = False


def plan(settings: Settings) -> tuple[TopicPlan, ...]:
    """Return every topic the worker reads or writes, its table's changelog included."""
    count = settings.partitions
    kept = {"cleanup.policy": "delete"}
    # Kafka compacts no segment that is still written to: with large ones a worker would read days of state to recover.
    latest = {"cleanup.policy": "compact", "segment.ms": str(_HOUR_MS), "min.cleanable.dirty.ratio": "0.1"}
    latest_for_a_while = {"cleanup.policy": "compact,delete"} | _days(365)
    return (
        TopicPlan(settings.topic_transcripts, "call_id", count, kept | _days(7), copartitioned=True),
        TopicPlan(settings.topic_verdicts, "call_id", count, kept | _days(90), copartitioned=True),
        TopicPlan(changelog(settings), "call_id", count, latest, copartitioned=True),
        TopicPlan(settings.topic_decisions, "call_id", count, kept | _days(30)),
        TopicPlan(settings.topic_scorecards, "call_id", count, latest_for_a_while),
        TopicPlan(settings.topic_rewards, "agent_id", count, kept | _days(90)),
        TopicPlan(settings.topic_dead_letters, "as came", count, kept | _days(30)),
    )


def names(settings: Settings) -> list[str]:
    """Return the names of every topic."""
    return [one.name for one in plan(settings)]


def changelog(settings: Settings) -> str:
    """Return the name of the changelog of the table of calls."""
    return changelog_of(settings.group)


def create(settings: Settings, *, replicas: int) -> dict[str, str]:
    """Make the topics that are missing; return for each topic what became of it.

    Raises:
        TopicsError: the broker refused.
        UnreachableBrokerError: no broker answers, or none to us.
    """
    there = _partitions(settings)
    missing = [one for one in plan(settings) if one.name not in there]
    wanted = [new_topic(one, replicas=replicas) for one in missing]
    done = {name: "was there" for name in there if name in names(settings)}
    try:
        admin = AdminClient(client_options(settings))
        for name, made in (admin.create_topics(wanted, request_timeout=30) if wanted else {}).items():
            made.result()
            done[name] = "made"
    except KafkaException as error:
        raise TopicsError(f"the broker refused: {error.args[0].str()}") from None
    _wait_for(done, settings)
    return done


def new_topic(one: TopicPlan, *, replicas: int) -> NewTopic:
    """Return a topic to be made. Of three copies or more two must be written before a message counts as taken."""
    safe = {"min.insync.replicas": "2"} if replicas > 2 else {}  # noqa: PLR2004 - with two, none could be missing
    config = dict(one.config) | safe
    return NewTopic(one.name, num_partitions=one.partitions, replication_factor=replicas, config=config)


def faults(settings: Settings) -> list[str]:
    """Return what is wrong with the topics on the broker, one line each.

    Raises:
        UnreachableBrokerError: no broker answers, or none to us.
    """
    there = _partitions(settings)
    found: list[str] = []
    for one in plan(settings):
        count = there.get(one.name)
        if count is None:
            found.append(f"{one.name}: missing")
        elif one.copartitioned and count != one.partitions:
            found.append(f"{one.name}: has {count} partitions, the settings say {one.partitions}")
    return found


def check(settings: Settings) -> None:
    """Refuse topics that are missing or do not fit.

    Raises:
        TopicsError: all that is wrong, with what to do.
    """
    wrong = faults(settings)
    if wrong:
        listed = "\n".join(f"  {one}" for one in wrong)
        raise TopicsError(f"the topics at {settings.brokers} do not fit:\n{listed}\nmake them: detector topics create")


def _wait_for(made: Iterable[str], settings: Settings) -> None:
    """Wait until the brokers know what the controller has made."""
    wanted, end = set(made), time.monotonic() + ANSWER_SECONDS
    while wanted - _partitions(settings).keys() and time.monotonic() < end:
        time.sleep(0.1)


def _partitions(settings: Settings) -> dict[str, int]:
    return {name: len(about.partitions) for name, about in cluster(settings).topics.items() if about.error is None}


def _days(count: int) -> dict[str, str]:
    return {"retention.ms": str(count * _DAY_MS)}
