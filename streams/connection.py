"""How Kafka is reached: the settings in the words of Faust and of librdkafka."""

import logging
import re
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import faust
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._metadata import ClusterMetadata
from faust.types.auth import CredentialsT
from yarl import URL

from detector.errors import DetectorError
from pipelines.settings import Settings

ANSWER_SECONDS = 10.0
PRODUCING: Mapping[str, Any] = {"enable.idempotence": True, "partitioner": "murmur2_random"}
"""What every producer goes by. The partitioner is that of Java, Faust and aiokafka, not librdkafka's own: a call's
verdicts must be in the partition of the same number as its transcripts, whoever wrote these."""
_PATIENCE = (0.5, 1.0, 2.0, 6.5)
"""How long an answer is waited for, again and again, in seconds: a refusal is told soon, a far broker has its time."""
_HOPELESS = frozenset(
    {
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.GROUP_AUTHORIZATION_FAILED,
    }
)
_LOGIN = "the broker refuses the login: check DETECTOR_SASL_USERNAME and DETECTOR_SASL_PASSWORD"
_CERTIFICATE = (
    "the broker refuses our certificate, or wants one: check DETECTOR_CERTIFICATE_FILE and DETECTOR_KEY_FILE, "
    "and that the broker trusts who signed it"
)
_GONE = "no broker answers any more"
_TURNED_AWAY = re.compile(r"\balert (?:\w+ )?(?:certificate|unknown ca)")
"""What TLS says where the other side turns our certificate away; it comes as an error of the transport."""
_TLS = "no TLS connection to the broker: check DETECTOR_CA_FILE, and DETECTOR_BROKERS for the port and host name"

log = logging.getLogger(__name__)


class UnreachableBrokerError(DetectorError):
    """Settings by which no broker can be reached, or none that answers."""


class Standing:
    """How a command stands with the broker while it runs. Its clients would try on for ever, and say nothing."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._doubted = False

    def hear_of(self, error: KafkaError) -> None:
        """Take in an error of a connection, as `error_cb` of a client; those that pass are the client's to mend."""
        if told := refusal(error) or (_GONE if error.name() == "_ALL_BROKERS_DOWN" else None):
            log.warning(told)
            self._doubted = True

    def ask_anew(self) -> None:
        """Where the broker refused us or was gone, ask once more: it may just be going or coming.

        Raises:
            UnreachableBrokerError: it refuses us still, or does not answer.
        """
        if self._doubted:
            self._doubted = False
            cluster(self._settings)


def cluster(settings: Settings) -> ClusterMetadata:
    """Return what the brokers say of their topics. Also tells early and clearly whether they can be reached.

    Raises:
        UnreachableBrokerError: the login or the certificate is refused (told at once), or nobody answers in time.
    """
    refused: list[str] = []

    def note(error: KafkaError) -> None:
        if told := refusal(error) or (_TLS if error.name() == "_SSL" else None):
            refused.append(told)

    client = AdminClient(client_options(settings) | {"error_cb": note})
    for patience in _PATIENCE:
        try:
            return client.list_topics(timeout=patience)
        except KafkaException:
            client.poll(0)
        if refused:
            raise UnreachableBrokerError(refused[0])
    raise UnreachableBrokerError("no broker answers: check DETECTOR_BROKERS and DETECTOR_SECURITY")


def hopeless(error: KafkaError) -> bool:
    """Tell whether an error of reading does not pass: the topic is gone, or is not ours to read."""
    return error.fatal() or error.code() in _HOPELESS


def refusal(error: KafkaError) -> str | None:
    """Return what to do about an error by which a broker refuses our login or certificate; None for any other."""
    if error.name() == "_AUTHENTICATION":
        return _LOGIN
    return _CERTIFICATE if _TURNED_AWAY.search(error.str()) else None


def addresses(settings: Settings) -> list[URL]:
    """Return the brokers' addresses as Faust wants them."""
    return [URL(f"kafka://{one.strip()}") for one in settings.brokers.split(",") if one.strip()]


def credentials(settings: Settings) -> CredentialsT | None:
    """Return Faust's credentials, or None for a plain connection.

    Raises:
        UnreachableBrokerError: no login for SASL, SASL without TLS that was not asked for, no readable certificate.
    """
    context = _trust(settings) if settings.security.endswith("SSL") else None
    if settings.security == "PLAINTEXT":
        return None
    if settings.security == "SSL":
        return faust.SSLCredentials(context)
    username, password = _login(settings)
    return faust.SASLCredentials(
        username=username, password=password, ssl_context=context, mechanism=settings.sasl_mechanism
    )


def producer_options(settings: Settings) -> dict[str, Any]:
    """Return librdkafka's options for the producers of the command line.

    Raises:
        UnreachableBrokerError: as `credentials` does.
    """
    return {**client_options(settings), **PRODUCING}


def client_options(settings: Settings) -> dict[str, Any]:
    """Return librdkafka's options for reaching the broker: those of the command line's consumers and admin clients.

    Raises:
        UnreachableBrokerError: as `credentials` does.
    """
    if settings.security.endswith("SSL"):
        _trust(settings)
    options: dict[str, Any] = {"bootstrap.servers": settings.brokers, "security.protocol": settings.security}
    if settings.ca_file is not None:
        options["ssl.ca.location"] = str(settings.ca_file)
    if settings.certificate_file is not None:
        options["ssl.certificate.location"] = str(settings.certificate_file)
        options["ssl.key.location"] = str(settings.key_file or settings.certificate_file)
        options["ssl.key.password"] = _key_password(settings)
    if settings.security.startswith("SASL"):
        username, password = _login(settings)
        options |= {"sasl.mechanism": settings.sasl_mechanism, "sasl.username": username, "sasl.password": password}
    return options | {"log_level": 2}


def _trust(settings: Settings) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=settings.ca_file)
    except OSError:
        raise UnreachableBrokerError(f"DETECTOR_CA_FILE: no certificate can be read from {settings.ca_file}") from None
    if settings.certificate_file is not None:
        _show(context, settings.certificate_file, settings)
    return context


def _show(context: ssl.SSLContext, certificate: Path, settings: Settings) -> None:
    """Have a connection show our own certificate."""
    try:
        context.load_cert_chain(certificate, settings.key_file, _key_password(settings))
    except OSError:
        raise UnreachableBrokerError(
            f"DETECTOR_CERTIFICATE_FILE: no certificate can be read from {certificate}, or no key that fits it from "
            f"{settings.key_file or certificate}; check DETECTOR_KEY_FILE and DETECTOR_KEY_PASSWORD too"
        ) from None


def _key_password(settings: Settings) -> str:
    """Return what the key is encrypted by; never None, for which OpenSSL would ask at the terminal."""
    return settings.key_password.get_secret_value() if settings.key_password is not None else ""


def _login(settings: Settings) -> tuple[str, str]:
    if settings.security == "SASL_PLAINTEXT" and not settings.sasl_without_tls:
        raise UnreachableBrokerError(
            "SASL_PLAINTEXT sends what callers say, and with PLAIN the password, unencrypted: use SASL_SSL, "
            "or set DETECTOR_SASL_WITHOUT_TLS=true where the network itself is trusted"
        )
    if settings.sasl_username is None or settings.sasl_password is None:
        raise UnreachableBrokerError(f"{settings.security} needs DETECTOR_SASL_USERNAME and DETECTOR_SASL_PASSWORD")
    return settings.sasl_username, settings.sasl_password.get_secret_value()
