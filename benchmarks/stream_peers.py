"""What the worker's throughput is held against: a Faust worker that only copies, and a bare aiokafka loop.

Run: python benchmarks/stream_peers.py copy | loop. The settings come from the environment, as the worker's do.
"""

import asyncio
import sys
from typing import Any

import faust
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from pipelines.settings import Settings
from streams.app import TABLE, options, raw_topic
from streams.delivery import DrainingWorker, LosslessTransport
from streams.logs import logging_config


def copy_with_faust(settings: Settings) -> None:
    """Run a Faust worker, as safe as the detector's, that copies each message and writes one table entry for it."""
    app = faust.App(settings.group, **options(settings))
    app.transport = LosslessTransport(app.conf.broker_consumer, app)
    app.producer_transport = LosslessTransport(app.conf.broker_producer, app)
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
    if sys.argv[1] == "copy":
        copy_with_faust(Settings())
    else:
        asyncio.run(copy_with_aiokafka(Settings()))
