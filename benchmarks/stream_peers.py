"""What the worker's throughput is held against: a Faust worker that only copies, and a bare aiokafka loop.

Run: python benchmarks/stream_peers.py copy | swift-copy | loop.
The settings come from the environment, as the worker's do.
"""

import asyncio
import sys
from typing import Any

import faust
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from pipelines.settings import Settings
from streams.app import TABLE, options, raw_topic
from streams.connection import client_options
from streams.delivery import DrainingWorker, LosslessTransport
from streams.logs import logging_config

FAUSTS_OWN = {
    "producer_acks": -1,
    "producer_linger": 0.02,
    "producer_max_batch_size": 65_536,
    "stream_buffer_maxsize": 20_000,
}
"""What is best for Faust's own producer and consumer (aiokafka's)."""


def copy_with_faust(settings: Settings, *, ours: bool) -> None:
    """Run a Faust worker that copies each message and writes one table entry for it.

    It reads and writes by Faust's own consumer and producer, or by the detector's.
    """
    app = faust.App(settings.group, **options(settings) | ({} if ours else FAUSTS_OWN))
    if ours:
        app.transport = LosslessTransport(app.conf.broker_consumer, app, options=client_options(settings))
    source = raw_topic(app, settings.topic_transcripts, partitions=settings.partitions)
    target = raw_topic(app, settings.topic_decisions)
    table = app.Table(TABLE, partitions=settings.partitions, key_type=bytes, value_type=bytes)

    @app.agent(source, concurrency=1)
    async def copy(stream: Any) -> None:
        async for event in stream.events():
            table[event.message.key] = event.message.value
            await target.send(key=event.message.key, value=event.message.value)

    logs = logging_config(level="WARNING", json_logs=False)
    DrainingWorker(app, loglevel="WARNING", logging_config=logs, quiet=True).execute_from_commandline()


async def copy_with_aiokafka(settings: Settings) -> None:
    """Copy each message to the changelog's topic, with neither state nor the detector, for as long as it runs."""
    consumer = AIOKafkaConsumer(
        settings.topic_transcripts,
        bootstrap_servers=settings.brokers,
        group_id=settings.group,
        auto_offset_reset="earliest",
    )
    producer = AIOKafkaProducer(bootstrap_servers=settings.brokers, linger_ms=20, enable_idempotence=True)
    async with consumer, producer:
        async for message in consumer:
            await producer.send(f"{settings.group}-{TABLE}-changelog", key=message.key, value=message.value)


if __name__ == "__main__":
    if sys.argv[1] != "loop":
        copy_with_faust(Settings(), ours=sys.argv[1] == "swift-copy")
    else:
        asyncio.run(copy_with_aiokafka(Settings()))
