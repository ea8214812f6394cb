# ruff: noqa: INP001 - a script beside its pom.xml, no package
"""A real single-node Apache Kafka (KRaft) on loopback, from jars that Maven fetches. For tests and for trying out.

Run: python kafka/broker.py [PORT]. It needs Java 17 and Maven; Ctrl-C ends it and drops what it held. Given a login it
also listens by SASL/SCRAM, with TLS and without, under a certificate made for it; given certificates of clients, by TLS
too, for those alone who show one of them.
"""

import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

HERE = Path(__file__).resolve().parent
JARS = HERE.parent / "build" / "kafka"
LARGEST_MESSAGE = 12 * 1024 * 1024
LAST_LINES = 15

PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{controller}
listeners=PLAINTEXT://{address},CONTROLLER://{controller}{secured}
advertised.listeners=PLAINTEXT://{address}{secured}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL_SSL:SASL_SSL,SASL_PLAINTEXT:SASL_PLAINTEXT,SSL:SSL
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
SECURITY = """\
sasl.enabled.mechanisms=SCRAM-SHA-512
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config={module} required;
listener.name.sasl_plaintext.scram-sha-512.sasl.jaas.config={module} required;
ssl.keystore.location={keystore}
ssl.keystore.type=PKCS12
ssl.keystore.password={password}
"""
MUTUAL = """\
listener.name.ssl.ssl.client.auth=required
listener.name.ssl.ssl.truststore.type=PEM
listener.name.ssl.ssl.truststore.location={clients}
"""
SCRAM_MODULE = "org.apache.kafka.common.security.scram.ScramLoginModule"
LOGGING = """\
log4j.rootLogger=WARN, out
log4j.appender.out=org.apache.log4j.ConsoleAppender
log4j.appender.out.layout=org.apache.log4j.PatternLayout
log4j.appender.out.layout.ConversionPattern=%d %p %m (%c)%n
"""


@dataclass(frozen=True, slots=True)
class Login:
    """Who may enter by the secured listeners, by SCRAM-SHA-512."""

    username: str
    password: str


class NoBrokerError(Exception):
    """Why no broker can be started here, or why the one that was started is none."""


def fetch_jars(folder: Path = JARS) -> Path:
    """Have Maven copy the jars into a folder, unless they are there.

    Raises:
        NoBrokerError: Java is missing, or Maven is, or the jars cannot be had by it.
    """
    there = any(folder.glob("kafka_*.jar"))
    missing = [tool for tool in ("java", *(() if there else ("mvn",))) if shutil.which(tool) is None]
    if missing:
        raise NoBrokerError(f"not on this machine: {', '.join(missing)}")
    if not there:
        goal = ["dependency:copy-dependencies", f"-DoutputDirectory={folder}"]
        done = subprocess.run(["mvn", "-q", "-B", "-f", str(HERE / "pom.xml"), *goal], check=False)  # noqa: S603, S607
        if done.returncode:
            shutil.rmtree(folder, ignore_errors=True)
            raise NoBrokerError("Maven could not fetch Kafka's jars")
    return folder


def make_certificate(folder: Path, *, password: str) -> Path:
    """Make a key for a broker on loopback; return its store. The certificate stands beside it, as `.pem`.

    It vouches for itself: who is to trust the broker is given this certificate as the authority.
    """
    store, certificate = folder / "broker.p12", folder / "broker.pem"
    where = ["-keystore", str(store), "-storetype", "PKCS12", "-storepass", password, "-alias", "broker"]
    named = ["-dname", "CN=localhost", "-ext", "SAN=dns:localhost,ip:127.0.0.1", "-ext", "BC=ca:true"]
    _keytool("-genkeypair", *where, "-keyalg", "EC", "-groupname", "secp256r1", "-validity", "30", *named)
    _keytool("-exportcert", *where, "-rfc", "-file", str(certificate))
    return store


def make_client_certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """Make a key for a client, and a certificate of it that vouches for itself; return the certificate and the key.

    Raises:
        NoBrokerError: OpenSSL is missing.
    """
    if shutil.which("openssl") is None:
        raise NoBrokerError("not on this machine: openssl")
    certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
    made = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30"]
    where = ["-subj", f"/CN={name}", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(["openssl", "req", *made, *where], check=True, capture_output=True)  # noqa: S603, S607
    return certificate, key


class KafkaBroker:
    """A broker process; `stop` and `start` bring it down and back with what it held, `freeze` and `thaw` hold it still.

    With a login there are `secured_address` (SASL_SSL, trusted by the certificate `ca_file`) and `sasl_address`
    (SASL_PLAINTEXT) beside the open `address`; with `clients`, a file of certificates, also `mutual_address` (SSL).
    """

    def __init__(
        self, folder: Path, *, port: int | None = None, login: Login | None = None, clients: Path | None = None
    ) -> None:
        self._folder = folder
        self.address, self.secured_address, self.sasl_address, self.mutual_address = (
            f"127.0.0.1:{one}" for one in (port or _free_port(), _free_port(), _free_port(), _free_port())
        )
        self.ca_file = folder / "broker.pem"
        self._process: subprocess.Popen[bytes] | None = None
        self._classpath = f"{fetch_jars()}/*"
        (folder / "log4j.properties").write_text(LOGGING)
        self._properties = folder / "server.properties"
        self._properties.write_text(self._written(login, clients))
        made = self._run("kafka.tools.StorageTool", "random-uuid").strip().splitlines()[-1]
        self._run("kafka.tools.StorageTool", "format", "-t", made, "-c", str(self._properties), *_scram(login))

    def start(self) -> None:
        """Start the broker and wait until it answers.

        Raises:
            NoBrokerError: it ended, or does not answer; with the end of its log, since the log goes with its folder.
        """
        with (self._folder / "broker.log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own command
                self._command("-Xms256m", "-Xmx512m", "kafka.Kafka", str(self._properties)), stdout=log, stderr=log
            )
        client = AdminClient({"bootstrap.servers": self.address, "log_level": 0})
        for _ in range(60):
            if (code := self._process.poll()) is not None:
                raise NoBrokerError(f"the broker ended with code {code}; its last words:\n{self._last_words()}")
            try:
                if client.list_topics(timeout=1).brokers:
                    return
            except KafkaException:
                time.sleep(0.5)
        self.stop(kill=True)
        raise NoBrokerError(f"the broker does not answer; its last words:\n{self._last_words()}")

    def stop(self, *, kill: bool = False) -> None:
        """Stop the broker, gently or not."""
        if self._process is not None:
            (self._process.kill if kill else self._process.terminate)()
            self._process.wait(timeout=60)
            self._process = None

    def freeze(self) -> None:
        """Hold the broker still: its connections stay open, and nothing is answered."""
        if self._process is not None:
            self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let the broker go on."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)

    def __enter__(self) -> Self:
        """Start it."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop it."""
        self.stop(kill=True)

    def _written(self, login: Login | None, clients: Path | None) -> str:
        secured = f",SASL_SSL://{self.secured_address},SASL_PLAINTEXT://{self.sasl_address}" if login else ""
        mutual = f",SSL://{self.mutual_address}" if clients else ""
        properties = PROPERTIES.format(
            address=self.address,
            controller=f"127.0.0.1:{_free_port()}",
            secured=secured + mutual,
            logs=self._folder / "logs",
            largest=LARGEST_MESSAGE,
        )
        if login is None:
            return properties
        store = make_certificate(self._folder, password=login.password)
        properties += SECURITY.format(keystore=store, password=login.password, module=SCRAM_MODULE)
        return properties + (MUTUAL.format(clients=clients) if clients else "")

    def _last_words(self) -> str:
        lines = (self._folder / "broker.log").read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(lines[-LAST_LINES:])

    def _command(self, *arguments: str) -> list[str]:
        logging = f"-Dlog4j.configuration=file:{self._folder / 'log4j.properties'}"
        return ["java", logging, "-cp", self._classpath, *arguments]

    def _run(self, *arguments: str) -> str:
        done = subprocess.run(self._command(*arguments), check=True, capture_output=True, text=True)  # noqa: S603
        return done.stdout


def _scram(login: Login | None) -> list[str]:
    if login is None:
        return []
    return ["--add-scram", f"SCRAM-SHA-512=[name={login.username},password={login.password}]"]


def _keytool(*arguments: str) -> None:
    subprocess.run(["keytool", *arguments], check=True, capture_output=True)  # noqa: S603, S607 - comes with Java


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def check_port(port: int) -> None:
    """Let a port of loopback be free.

    Raises:
        NoBrokerError: somebody listens there already.
    """
    with socket.socket() as probe:
        probe.setsockopt(
            socket.SOL_SOCKET, socket.SO_REUSEADDR, 1
        )  # as Java does: of a broker before only waits are left
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            told = f"port {port} of 127.0.0.1: {error.strerror}; name another: python kafka/broker.py PORT"
            raise NoBrokerError(told) from None


def main() -> None:
    """Run a broker until Ctrl-C or SIGTERM."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 9092
    try:
        check_port(port)
        fetch_jars()
        with tempfile.TemporaryDirectory() as folder, KafkaBroker(Path(folder), port=port) as broker:
            _run_until_interrupted(broker)
    except NoBrokerError as error:
        sys.exit(f"no Kafka can be started here: {error}\nFor the tests, KAFKA_BOOTSTRAP_SERVERS may name another.")


def _run_until_interrupted(broker: KafkaBroker) -> None:
    sys.stderr.write(f"Apache Kafka at {broker.address}; Ctrl-C ends it\n")
    try:
        while True:
            time.sleep(60)
    except KeyboardInterrupt:
        sys.stderr.write("ended\n")


if __name__ == "__main__":
    main()
