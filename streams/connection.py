"""How Kafka is reached: the settings in the words of Faust and of librdkafka."""

import ssl
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
_PATIENCE = (0.5, 1.0, 2.0, 6.5)
"""How long an answer is waited for, again and again, in seconds: a refusal is told soon, a far broker has its time."""
_REFUSED = {
    "_AUTHENTICATION": "the broker refuses the login: check DETECTOR_SASL_USERNAME and DETECTOR_SASL_PASSWORD",
    "_SSL": "no TLS connection to the broker: check DETECTOR_CA_FILE, and DETECTOR_BROKERS for the port and host name",
}


class UnreachableBrokerError(DetectorError):
    """Settings by which no broker can be reached, or none that answers."""


def cluster(settings: Settings) -> ClusterMetadata:
    """Return what the brokers say of their topics. Also tells early and clearly whether they can be reached.

    Raises:
        UnreachableBrokerError: the login or the certificate is refused (told at once), or nobody answers in time.
    """
    refused: list[str] = []

    def note(error: KafkaError) -> None:
        if error.name() in _REFUSED:
            refused.append(error.name())

    client = AdminClient(client_options(settings) | {"error_cb": note})
    for patience in _PATIENCE:
        try:
            return client.list_topics(timeout=patience)
        except KafkaException:
            client.poll(0)
        if refused:
            raise UnreachableBrokerError(_REFUSED[refused[0]])
    raise UnreachableBrokerError("no broker answers: check DETECTOR_BROKERS and DETECTOR_SECURITY")


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


def client_options(settings: Settings) -> dict[str, Any]:
    """Return librdkafka's options, for the producers, consumers and admin clients of the command line.

    Raises:
        UnreachableBrokerError: as `credentials` does.
    """
    if settings.security.endswith("SSL"):
        _trust(settings)
    options: dict[str, Any] = {"bootstrap.servers": settings.brokers, "security.protocol": settings.security}
    if settings.ca_file is not None:
        options["ssl.ca.location"] = str(settings.ca_file)
    if settings.security.startswith("SASL"):
        username, password = _login(settings)
        options |= {"sasl.mechanism": settings.sasl_mechanism, "sasl.username": username, "sasl.password": password}
    return options | {"log_level": 2}


def _trust(settings: Settings) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=settings.ca_file)
    except OSError:
        raise UnreachableBrokerError(f"DETECTOR_CA_FILE: no certificate can be read from {settings.ca_file}") from None


def _login(settings: Settings) -> tuple[str, str]:
    if settings.security == "SASL_PLAINTEXT" and not settings.sasl_without_tls:
        raise UnreachableBrokerError(
            "SASL_PLAINTEXT sends what callers say, and with PLAIN the password, unencrypted: use SASL_SSL, "
            "or set DETECTOR_SASL_WITHOUT_TLS=true where the network itself is trusted"
        )
    if settings.sasl_username is None or settings.sasl_password is None:
        raise UnreachableBrokerError(f"{settings.security} needs DETECTOR_SASL_USERNAME and DETECTOR_SASL_PASSWORD")
    return settings.sasl_username, settings.sasl_password.get_secret_value()
