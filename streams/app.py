"""The Faust app: two agents, one table, and the settings that make Faust safe (each with its reason)."""

import time
from collections.abc import Callable
from typing import Any, cast

import faust
from faust.types import StreamT, TopicT

from detector.detect import Detector
from pipelines.settings import Settings
from streams.agents import Due, Outbox, Shell, due
from streams.codecs import encode
from streams.connection import addresses, client_options, credentials
from streams.delivery import DrainingWorker, LosslessTransport
from streams.messages import TRANSCRIPTS, VERDICTS
from streams.metrics import Metrics
from streams.producing import LosslessProducer
from streams.records import Records
from streams.table import CallTable

TABLE = "calls"
MAX_REQUEST_BYTES = 1_048_000


def make_app(
    settings: Settings,
    detector: Detector,
    *,
    metrics: Metrics,
    clock: Callable[[], float] = time.time,
) -> faust.App:
    """Return the worker's app; nothing is connected before it is started."""
    app = faust.App(settings.group, **options(settings))
    app.transport = LosslessTransport(app.conf.broker_consumer, app, options=client_options(settings))
    app.producer_transport = app.transport
    transcripts = raw_topic(app, settings.topic_transcripts, partitions=settings.partitions)
    verdicts = raw_topic(app, settings.topic_verdicts, partitions=settings.partitions)
    table = app.Table(TABLE, partitions=settings.partitions, key_type=bytes, value_type=bytes)
    records = Records(table, decoded_bytes=settings.decoded_mib * 1024 * 1024)
    outbox = Outbox(
        producer=lambda: cast("LosslessProducer", app.producer),
        decisions=settings.topic_decisions,
        scorecards=settings.topic_scorecards,
        rewards=settings.topic_rewards,
        dead_letters=settings.topic_dead_letters,
    )
    shell = Shell(detector=detector, records=records, outbox=outbox, metrics=metrics)

    # Two or more at a time would acknowledge out of order, and Faust's committer steps over a hole of one message.
    @app.agent(transcripts, name="transcripts", concurrency=1)
    async def take_transcripts(stream: StreamT[bytes]) -> None:
        await shell.consume(stream.events(), TRANSCRIPTS)

    # A call's verdicts are in the partition of the same number as its transcripts, and so go to the same worker.
    @app.agent(verdicts, name="verdicts", concurrency=1)
    async def take_verdicts(stream: StreamT[bytes]) -> None:
        await shell.consume(stream.events(), VERDICTS)

    add_closing_timer(app, settings, records, transcripts, clock)
    return app


def add_closing_timer(
    app: faust.App, settings: Settings, records: Records, transcripts: TopicT, clock: Callable[[], float]
) -> None:
    """Have idle calls closed and ended ones forgotten.

    A timer must not write to a table: it sends a message to the call's own partition, and the agent looks again.
    What was asked for already is not asked for again, however long the queue.
    """
    asked: set[Due] = set()

    @app.timer(interval=scan_interval(settings), on_leader=False)  # type: ignore[untyped-decorator]
    async def close_silent_calls() -> None:
        found = due(
            records,
            now=clock(),
            idle_seconds=settings.idle_seconds,
            grace_seconds=settings.grace_seconds,
            partitions=own_partitions(app, settings.topic_transcripts),
        )
        fresh = [one for one in found if one not in asked]
        asked.intersection_update(found)
        for one in fresh:
            if app.should_stop:
                return
            await transcripts.send(key=one.message.call_id.encode(), value=encode(one.message), partition=one.partition)
            asked.add(one)


def scan_interval(settings: Settings) -> float:
    """Return how often silent calls are looked for, in seconds."""
    return min(30.0, max(0.5, min(settings.idle_seconds, settings.grace_seconds) / 4))


def own_partitions(app: faust.App, topic: str) -> list[int]:
    """Return the partitions of a topic that this worker has now."""
    return [one.partition for one in app.consumer.assignment() if one.topic == topic]


def raw_topic(app: faust.App, name: str, *, partitions: int | None = None) -> TopicT:
    """Return a topic of raw bytes: one that decodes would throw into the agent, and the message would be lost."""
    return app.topic(
        name, partitions=partitions, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw"
    )


def options(settings: Settings) -> dict[str, Any]:
    """Return Faust's settings."""
    return {
        "broker": addresses(settings),
        "broker_credentials": credentials(settings),
        "datadir": settings.data_folder,
        "store": "memory://",
        "Worker": DrainingWorker,
        "Table": CallTable,
        "autodiscover": False,
        "worker_redirect_stdouts": False,
        # exactly_once leaves the outputs out of the transaction; stable ids make up for duplicates.
        "processing_guarantee": "at_least_once",
        "stream_wait_empty": True,
        # So many messages wait in memory, and the fetched ones behind them; the rest waits on the broker.
        "stream_buffer_maxsize": 2_000,
        "topic_allow_declare": False,
        "topic_disable_leader": True,
        "topic_partitions": settings.partitions,
        "table_standby_replicas": 0,
        "broker_commit_interval": 1.0,
        "broker_commit_every": 1_000,
        "broker_request_timeout": 30.0,
        "broker_session_timeout": settings.session_seconds,
        "broker_heartbeat_interval": settings.session_seconds / 10,
        "broker_max_poll_interval": 300.0,
        "broker_rebalance_timeout": 60.0,
        "consumer_auto_offset_reset": "earliest",
        "producer_max_request_size": MAX_REQUEST_BYTES,
        # Faust's web server would listen on all interfaces and serve the table: call transcripts.
        "web_enabled": False,
        "web_bind": "127.0.0.1",
        "web_tables_enabled": False,
    }
