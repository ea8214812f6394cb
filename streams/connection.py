"""How Kafka is reached: the settings in the words of Faust and of librdkafka."""

import ssl
from typing import Any

import faust
from faust.types.auth import CredentialsT
from yarl import URL

from detector.errors import DetectorError
from pipelines.settings import Settings


class UnreachableBrokerError(DetectorError):
    """Settings by which no broker can be reached."""


def addresses(settings: Settings) -> list[URL]:
    """Return the brokers' addresses as Faust wants them."""
    return [URL(f"kafka://{one.strip()}") for one in settings.brokers.split(",") if one.strip()]


def credentials(settings: Settings) -> CredentialsT | None:
    """Return Faust's credentials, or None for a plain connection.

    Raises:
        UnreachableBrokerError: SASL without a user name or password.
    """
    context = ssl.create_default_context(cafile=settings.ca_file) if settings.security.endswith("SSL") else None
    if settings.security == "PLAINTEXT":
        return None
    if settings.security == "SSL":
        return faust.SSLCredentials(context)
    username, password = _login(settings)
    return faust.SASLCredentials(
        username=username, password=password, ssl_context=context, mechanism=settings.sasl_mechanism
    )


def client_options(settings: Settings) -> dict[str, Any]:
    """Return librdkafka's options, for the producers, consumers and admin clients of the command line."""
    options: dict[str, Any] = {"bootstrap.servers": settings.brokers, "security.protocol": settings.security}
    if settings.ca_file is not None:
        options["ssl.ca.location"] = str(settings.ca_file)
    if settings.security.startswith("SASL"):
        username, password = _login(settings)
        options |= {"sasl.mechanism": settings.sasl_mechanism, "sasl.username": username, "sasl.password": password}
    return options | {"log_level": 2}


def _login(settings: Settings) -> tuple[str, str]:
    if settings.sasl_username is None or settings.sasl_password is None:
        raise UnreachableBrokerError(f"{settings.security} needs DETECTOR_SASL_USERNAME and DETECTOR_SASL_PASSWORD")
    return settings.sasl_username, settings.sasl_password.get_secret_value()
