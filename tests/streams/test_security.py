"""Who may enter, and who may listen: SASL and TLS on a real Apache Kafka, and the worker's own port."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka.admin import (
    AdminClient,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialDeletion,
    UserScramCredentialUpsertion,
)

from detector.detect import Detector
from detector.transcript import Call
from pipelines.settings import Settings
from streams import topics
from streams.connection import UnreachableBrokerError, client_options, cluster, credentials
from streams.demo import environment, free_port
from streams.letters import letters
from streams.listening import Listener
from streams.producing import EXIT_REFUSED
from streams.replay import play, score
from streams.tail import next_event

MakeCalls = Callable[..., list[Call]]
USERNAME, PASSWORD, WRONG = "worker", "correct-horse-battery", "staple-staple-staple"
CLI = ["-c", "from pipelines.cli import main; main()"]
COMMANDS = {
    "worker": ["-m", "streams"],
    "topics": [*CLI, "topics", "check"],
    "tail": [*CLI, "tail", "--until-quiet", "1"],
    "dead-letters": [*CLI, "dead-letters", "list"],
    "replay": [*CLI, "replay", "samples/calls.jsonl", "--speed", "max"],
    "bridge": [*CLI, "bridge", "--from", "lca", "--from-topic", "segments"],
    "review-bridge": [*CLI, "review-bridge", "--store", "sqlite://"],
}
ENDS_WITHIN = 90
"""Seconds a refused worker may take to end: nine as a rule."""
ON_KAFKA = [pytest.mark.kafka, pytest.mark.slow, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def certificates(bare_broker_script: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Three certificates, each with its key: ours, one that may lose its standing, a stranger's; and whom to admit."""
    folder = tmp_path_factory.mktemp("certificates")
    try:
        named = {
            name: bare_broker_script.make_client_certificate(folder, name) for name in ("ours", "passing", "stranger")
        }
    except bare_broker_script.NoBrokerError as error:
        pytest.skip(str(error))
    made = SimpleNamespace(**named, admitted=folder / "admitted.pem")
    admit(made, "ours", "passing")
    return made


@pytest.fixture(scope="module")
def guarded(broker_script: Any, certificates: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A real Apache Kafka with a login and a certificate of its own, which knows the certificates admitted."""
    login = broker_script.Login(USERNAME, PASSWORD)
    folder = tmp_path_factory.mktemp("guarded")
    with broker_script.KafkaBroker(folder, login=login, clients=certificates.admitted) as broker:
        yield broker


@pytest.fixture
def secured(guarded: Any, real_on: Callable[..., Any]) -> Iterator[Any]:
    """Topics of their own on the guarded Kafka, reached by SASL/SCRAM over TLS."""
    made = real_on(
        guarded,
        brokers=guarded.secured_address,
        security="SASL_SSL",
        sasl_username=USERNAME,
        sasl_password=PASSWORD,
        ca_file=guarded.ca_file,
    )
    yield made
    made.close()


@pytest.fixture
def mutual(guarded: Any, certificates: Any, real_on: Callable[..., Any]) -> Iterator[Any]:
    """Topics of their own on the guarded Kafka, reached by TLS with the worker's certificate and without a login."""
    certificate, key = certificates.ours
    made = real_on(
        guarded,
        brokers=guarded.mutual_address,
        security="SSL",
        ca_file=guarded.ca_file,
        certificate_file=certificate,
        key_file=key,
    )
    yield made
    made.close()


def run(settings: Settings, *command: str, **env: str) -> tuple[int, str, float]:
    """Run a command of ours to its end; return its code, what it wrote and how long it took, in seconds."""
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, *command],
        env=os.environ | environment(settings) | env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr, time.monotonic() - began


def assert_all_enter(stage: Any, detector: Detector, calls: list[Call]) -> None:
    """Have topics made, a worker take in calls and something that is none, and see that all came out as it should."""
    topics.create(stage.settings, replicas=1)
    stage.start_worker()
    stage.send("poison-0", b"no json")
    play(score(calls), stage.settings, speed=None)

    assert stage.agrees(detector, calls) == []
    assert [one.reason for one in letters(stage.settings)] == ["not_json"]


def assert_refusal_loses_nothing(
    stage: Any,
    detector: Detector,
    calls: list[Call],
    *,
    entering: dict[str, str],
    lose: Callable[[], None],
    regain: Callable[[], None],
    told: str,
) -> None:
    """Have a worker shut out amid calls; it ends and says why, and the next one, let in, leaves nothing out."""
    topics.create(stage.settings, replicas=1)
    worker = stage.start_worker(**entering)
    play(score(calls[:40]), stage.settings, speed=None)
    assert stage.wait_for(lambda: len(stage.read(stage.settings.topic_decisions)) > 10)

    lose()
    play(score(calls[40:]), stage.settings, speed=None)

    assert stage.wait_for(lambda: worker.poll() is not None, seconds=ENDS_WITHIN), stage.logs()
    if worker.returncode != EXIT_REFUSED:  # it crashed as its connections ended, before it was refused
        worker = stage.start_worker(**entering)
        assert stage.wait_for(lambda: worker.poll() is not None, seconds=ENDS_WITHIN), stage.logs()
    assert worker.returncode == EXIT_REFUSED, stage.logs()
    assert told in stage.logs()
    regain()
    stage.start_worker(**entering)
    assert stage.agrees(detector, calls, seconds=60) == []


class TestOnKafka:
    """What only a real broker can prove."""

    pytestmark = ON_KAFKA

    def test_everything_works_by_scram_over_tls(self, secured: Any, detector: Detector, make_calls: MakeCalls) -> None:
        """Topics, worker, replay, tail and dead letters all enter by login and trust the given certificate."""
        assert_all_enter(secured, detector, make_calls(20, prefix="secured"))
        with Listener(secured.settings, [secured.settings.topic_rewards], from_beginning=True) as listener:
            event = next_event(listener, 10)
        assert event is not None
        assert event.data.call_id.startswith("secured-")
        assert PASSWORD not in secured.logs()

    @pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
    @pytest.mark.parametrize(
        ("env", "told"),
        [
            ({"DETECTOR_SASL_PASSWORD": WRONG}, "the broker refuses the login"),
            ({"DETECTOR_CA_FILE": ""}, "no TLS connection to the broker"),
        ],
        ids=["wrong password", "untrusted certificate"],
    )
    def test_refusal_is_told_at_once(self, secured: Any, command: list[str], env: dict[str, str], told: str) -> None:
        """A wrong password and a certificate that nobody vouches for end every door with a clear error, soon."""
        settings = secured.settings.model_copy(update={"ca_file": None} if "DETECTOR_CA_FILE" in env else {})
        entered = {name: value for name, value in env.items() if value}

        code, said, seconds = run(settings, *command, **entered)

        assert code == 2
        assert told in said
        assert "Traceback" not in said
        assert PASSWORD not in said
        assert WRONG not in said
        assert seconds < 20

    def test_everything_works_by_a_certificate_of_our_own(
        self, mutual: Any, detector: Detector, make_calls: MakeCalls
    ) -> None:
        """Topics, worker, replay and dead letters all show the broker the certificate that it wants."""
        assert_all_enter(mutual, detector, make_calls(20, prefix="mutual"))

    @pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
    @pytest.mark.parametrize("shown", [None, "stranger"], ids=["no certificate", "a stranger's"])
    def test_certificate_that_the_broker_does_not_know_is_refused(
        self, mutual: Any, certificates: Any, command: list[str], shown: str | None
    ) -> None:
        """Without a certificate, or with one nobody vouches for, every door ends soon and says what to look at."""
        certificate, key = getattr(certificates, shown) if shown else (None, None)
        settings = mutual.settings.model_copy(update={"certificate_file": certificate, "key_file": key})

        code, said, seconds = run(settings, *command)

        assert code == 2
        assert "DETECTOR_CERTIFICATE_FILE" in said
        assert "Traceback" not in said
        assert seconds < 20

    def test_login_revoked_while_the_worker_runs_is_told_and_loses_nothing(
        self, guarded: Any, secured: Any, detector: Detector, make_calls: MakeCalls
    ) -> None:
        """Once its connections end, the worker ends too and says why; with the login back the next one goes on."""
        grant(guarded, secured, "passing")

        def lose() -> None:
            revoke(guarded, "passing")
            restart(guarded)
            # Kafka 3.9.1, restarted after the deletion of one login, has forgotten all of them.
            grant(guarded, secured, USERNAME)

        assert_refusal_loses_nothing(
            secured,
            detector,
            make_calls(80, prefix="revoked"),
            entering={"DETECTOR_SASL_USERNAME": "passing"},
            lose=lose,
            regain=lambda: grant(guarded, secured, "passing"),
            told="the broker refuses the login: check DETECTOR_SASL_USERNAME",
        )
        assert PASSWORD not in secured.logs()

    def test_certificate_disowned_while_the_worker_runs_is_told_and_loses_nothing(
        self, guarded: Any, mutual: Any, certificates: Any, detector: Detector, make_calls: MakeCalls
    ) -> None:
        """Once its connections end, the worker ends too and says why; admitted again, the next one goes on."""
        certificate, key = map(str, certificates.passing)

        def admit_only(*names: str) -> None:
            admit(certificates, *names)
            restart(guarded)

        assert_refusal_loses_nothing(
            mutual,
            detector,
            make_calls(80, prefix="disowned"),
            entering={"DETECTOR_CERTIFICATE_FILE": certificate, "DETECTOR_KEY_FILE": key},
            lose=lambda: admit_only("ours"),
            regain=lambda: admit_only("ours", "passing"),
            told="the broker refuses our certificate",
        )

    def test_login_without_tls_works_where_it_is_asked_for(self, guarded: Any, secured: Any) -> None:
        """SASL_PLAINTEXT is refused before anything is sent, and works once it is allowed."""
        plain = secured.settings.model_copy(update={"brokers": guarded.sasl_address, "security": "SASL_PLAINTEXT"})
        topics.create(secured.settings, replicas=1)

        with pytest.raises(UnreachableBrokerError, match="DETECTOR_SASL_WITHOUT_TLS"):
            topics.faults(plain)
        assert topics.faults(plain.model_copy(update={"sasl_without_tls": True})) == []


def admit(certificates: Any, *names: str) -> None:
    """Name the certificates that a broker, once started, lets in."""
    admitted = "".join(getattr(certificates, name)[0].read_text() for name in names)
    certificates.admitted.write_text(admitted)


def restart(guarded: Any) -> None:
    """End all connections to a broker."""
    guarded.stop()
    guarded.start()


def grant(guarded: Any, stage: Any, username: str) -> None:
    """Let a user enter a broker by the password of these tests, and wait until its listeners know."""
    how = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096)
    alter(guarded, UserScramCredentialUpsertion(username, how, PASSWORD.encode()))
    assert stage.wait_for(lambda: admitted(stage.settings.model_copy(update={"sasl_username": username})))


def admitted(settings: Settings) -> bool:
    """Tell whether a login is let in."""
    try:
        cluster(settings)
    except UnreachableBrokerError:
        return False
    return True


def revoke(guarded: Any, username: str) -> None:
    """Let a user enter no more; what is connected stays so."""
    alter(guarded, UserScramCredentialDeletion(username, ScramMechanism.SCRAM_SHA_512))


def alter(guarded: Any, alteration: Any) -> None:
    """Change who may enter a broker."""
    admin = AdminClient({"bootstrap.servers": guarded.address})
    for altered in admin.alter_user_scram_credentials([alteration]).values():
        altered.result(10)


def test_login_without_tls_is_refused() -> None:
    """Neither Faust nor librdkafka gets a login for an unencrypted connection that was not asked for."""
    login = {"sasl_username": "u", "sasl_password": "p", "security": "SASL_PLAINTEXT"}
    plain = Settings(_env_file=None, **login)

    with pytest.raises(UnreachableBrokerError, match="unencrypted"):
        credentials(plain)
    with pytest.raises(UnreachableBrokerError, match="unencrypted"):
        client_options(plain)
    assert credentials(Settings(_env_file=None, **login, sasl_without_tls=True)) is not None


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_certificate_that_cannot_be_read_is_told(tmp_path: Path, content: str | None) -> None:
    """A missing or broken file of certificates is a clear error, not a traceback."""
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content)

    with pytest.raises(UnreachableBrokerError, match="DETECTOR_CA_FILE"):
        client_options(Settings(_env_file=None, security="SSL", ca_file=file))


@pytest.mark.parametrize("fault", ["missing", "broken", "key of another", "key is encrypted"])
def test_certificate_of_our_own_that_cannot_be_used_is_told(tmp_path: Path, certificates: Any, fault: str) -> None:
    """A missing or broken certificate, or a key that does not fit it, is a clear error and not a question."""
    certificate, key = certificates.ours
    if fault in {"missing", "broken"}:
        certificate = tmp_path / "own.pem"
    if fault == "broken":
        certificate.write_text("no certificate")
    if fault == "key of another":
        key = certificates.stranger[1]
    if fault == "key is encrypted":
        key = encrypted(key, tmp_path / "own.key", password=PASSWORD)
    settings = Settings(_env_file=None, security="SSL", certificate_file=certificate, key_file=key)

    with pytest.raises(UnreachableBrokerError, match="DETECTOR_CERTIFICATE_FILE"):
        credentials(settings)
    with pytest.raises(UnreachableBrokerError, match="DETECTOR_CERTIFICATE_FILE"):
        client_options(settings)


def test_key_may_be_encrypted_or_stand_beside_its_certificate(tmp_path: Path, certificates: Any) -> None:
    """The password of a key is a setting; a key without a file of its own is looked for beside the certificate."""
    certificate, key = certificates.ours
    locked = encrypted(key, tmp_path / "own.key", password=PASSWORD)
    both = tmp_path / "both.pem"
    both.write_text(key.read_text() + certificate.read_text())
    trusted = {"security": "SSL", "ca_file": certificate}

    own = Settings(_env_file=None, **trusted, certificate_file=certificate, key_file=locked, key_password=PASSWORD)
    beside = Settings(_env_file=None, **trusted, certificate_file=both)

    for settings in (own, beside):
        assert credentials(settings) is not None
        AdminClient(client_options(settings))  # librdkafka reads the files as it is made
    assert PASSWORD not in f"{own!r} {own}"


def encrypted(key: Path, to: Path, *, password: str) -> Path:
    """Write a key encrypted by a password."""
    asked = ["openssl", "pkey", "-aes256", "-in", str(key), "-out", str(to), "-passout", f"pass:{password}"]
    subprocess.run(asked, check=True, capture_output=True)
    return to


def test_secrets_do_not_print() -> None:
    """Settings that are shown or logged by accident show stars."""
    settings = Settings(_env_file=None, sasl_password=PASSWORD)

    assert PASSWORD not in f"{settings!r} {settings} {settings.model_dump_json()}"


def test_password_in_the_address_of_the_store_does_not_print() -> None:
    """Settings that are shown or logged by accident leave out where the store is."""
    settings = Settings(_env_file=None, store=f"postgresql://detector:{PASSWORD}@database/review")

    assert PASSWORD not in f"{settings!r} {settings}"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has 127.0.0.2 without being told")
def test_web_port_is_on_loopback_only(stage: Any) -> None:
    """Another address of the machine does not answer, unless the worker is told to listen there."""
    port, wide = free_port(), free_port()
    stage.start_worker(DETECTOR_WEB_PORT=str(port))
    stage.start_worker(DETECTOR_WEB_PORT=str(wide), DETECTOR_WEB_HOST="0.0.0.0", DETECTOR_GROUP="other")  # noqa: S104 - asked for

    assert stage.wait_for(lambda: listens("127.0.0.1", port) and listens("127.0.0.1", wide))
    assert not listens("127.0.0.2", port)
    assert listens("127.0.0.2", wide)


def listens(host: str, port: int) -> bool:
    """Tell whether somebody accepts connections there; 127.0.0.2 is a second address of this machine."""
    with socket.socket() as probe:
        probe.settimeout(2)
        return probe.connect_ex((host, port)) == 0
