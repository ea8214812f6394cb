# ruff: noqa: INP001 - a script beside its pom.xml, no package
"""A real single-node Apache Kafka (KRaft) on loopback, from jars that Maven fetches. For tests and for trying out.

Run: python kafka/broker.py [PORT]. It needs Java 17 and Maven; Ctrl-C ends it and drops what it held.
"""

import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

HERE = Path(__file__).resolve().parent
JARS = HERE.parent / "build" / "kafka"
LARGEST_MESSAGE = 12 * 1024 * 1024

PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs={logs}
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
group.initial.rebalance.delay.ms=0
auto.create.topics.enable=false
message.max.bytes={largest}
"""
LOGGING = """\
log4j.rootLogger=WARN, out
log4j.appender.out=org.apache.log4j.ConsoleAppender
log4j.appender.out.layout=org.apache.log4j.PatternLayout
log4j.appender.out.layout.ConversionPattern=%d %p %m (%c)%n
"""


def tools_missing() -> str | None:
    """Return what a broker cannot be started without here, or None."""
    missing = [tool for tool in ("java", "mvn") if shutil.which(tool) is None]
    return f"not on this machine: {', '.join(missing)}" if missing else None


def fetch_jars(folder: Path = JARS) -> Path:
    """Have Maven copy the jars into a folder, unless they are there."""
    if not any(folder.glob("kafka_*.jar")):
        goal = ["dependency:copy-dependencies", f"-DoutputDirectory={folder}"]
        subprocess.run(["mvn", "-q", "-B", "-f", str(HERE / "pom.xml"), *goal], check=True)  # noqa: S603, S607
    return folder


class KafkaBroker:
    """A broker process; `stop` and `start` bring it down and back with what it held."""

    def __init__(self, folder: Path, *, port: int | None = None) -> None:
        self._folder = folder
        self._port = port or _free_port()
        self.address = f"127.0.0.1:{self._port}"
        self._process: subprocess.Popen[bytes] | None = None
        self._classpath = f"{fetch_jars()}/*"
        (folder / "log4j.properties").write_text(LOGGING)
        self._properties = folder / "server.properties"
        self._properties.write_text(
            PROPERTIES.format(port=self._port, controller=_free_port(), logs=folder / "logs", largest=LARGEST_MESSAGE)
        )
        made = self._run("kafka.tools.StorageTool", "random-uuid").strip().splitlines()[-1]
        self._run("kafka.tools.StorageTool", "format", "-t", made, "-c", str(self._properties))

    def start(self) -> None:
        """Start the broker and wait until it answers."""
        with (self._folder / "broker.log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own command
                self._command("-Xms256m", "-Xmx512m", "kafka.Kafka", str(self._properties)), stdout=log, stderr=log
            )
        client = AdminClient({"bootstrap.servers": self.address, "log_level": 0})
        for _ in range(60):
            try:
                if client.list_topics(timeout=1).brokers:
                    return
            except KafkaException:
                time.sleep(0.5)
        raise TimeoutError(f"the broker did not answer; see {self._folder / 'broker.log'}")

    def stop(self, *, kill: bool = False) -> None:
        """Stop the broker, gently or not."""
        if self._process is not None:
            (self._process.kill if kill else self._process.terminate)()
            self._process.wait(timeout=60)
            self._process = None

    def __enter__(self) -> Self:
        """Start it."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop it."""
        self.stop(kill=True)

    def _command(self, *arguments: str) -> list[str]:
        logging = f"-Dlog4j.configuration=file:{self._folder / 'log4j.properties'}"
        return ["java", logging, "-cp", self._classpath, *arguments]

    def _run(self, *arguments: str) -> str:
        done = subprocess.run(self._command(*arguments), check=True, capture_output=True, text=True)  # noqa: S603
        return done.stdout


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main() -> None:
    """Run a broker until Ctrl-C."""
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 9092
    if (missing := tools_missing()) is not None:
        sys.exit(f"{missing}; give KAFKA_BOOTSTRAP_SERVERS instead")
    with tempfile.TemporaryDirectory() as folder, KafkaBroker(Path(folder), port=port) as broker:
        sys.stderr.write(f"Apache Kafka at {broker.address}; Ctrl-C ends it\n")
        try:
            while True:
                time.sleep(60)
        except KeyboardInterrupt:
            sys.stderr.write("ended\n")


if __name__ == "__main__":
    main()
