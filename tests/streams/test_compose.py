"""The compose file and the image, as far as can be proved without Docker: every name in them is one that exists."""

import re
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from pipelines.cli.main import application
from pipelines.settings import Settings

ROOT = Path(__file__).parents[2]
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if "build" in service}
DOCKERFILE = (ROOT / "Dockerfile").read_text()


def settings_of(service: dict[str, Any]) -> dict[str, str]:
    """Return the settings that a service is given, by their names in `Settings`."""
    return {
        name.removeprefix("DETECTOR_").lower(): value
        for name, value in service["environment"].items()
        if name.startswith("DETECTOR_")
    }


@pytest.mark.parametrize("name", OURS)
def test_command_exists(name: str) -> None:
    """What a service of ours runs is read by the command line itself, options included."""
    command: Any = typer.main.get_command(application())
    left = list(OURS[name]["command"])
    while left and left[0] in getattr(command, "commands", ()):
        command = command.commands[left.pop(0)]

    assert command.make_context(name, left).args == []


@pytest.mark.parametrize("name", OURS)
def test_settings_exist(name: str) -> None:
    """Every setting given to a service is one of ours, with a value that it may have."""
    given = settings_of(OURS[name])

    assert given.keys() <= Settings.model_fields.keys()
    assert Settings(_env_file=None, **given).brokers == given["brokers"]


def test_services_find_each_other() -> None:
    """The worker asks where Kafka says it is; Prometheus asks where the worker tells; Grafana asks Prometheus."""
    worker = settings_of(SERVICES["worker"])
    scraped = yaml.safe_load((ROOT / "operations/prometheus.yml").read_text())["scrape_configs"][0]
    source = yaml.safe_load((ROOT / "operations/grafana/provisioning/datasources/prometheus.yml").read_text())

    assert f"INSIDE://{worker['brokers']}" in SERVICES["kafka"]["environment"]["KAFKA_ADVERTISED_LISTENERS"].split(",")
    assert scraped["dns_sd_configs"] == [{"names": ["worker"], "type": "A", "port": int(worker["web_port"])}]
    assert f":{worker['web_port']}/readyz" in SERVICES["worker"]["healthcheck"]["test"][-1]
    assert source["datasources"][0]["url"] == "http://prometheus:9090"


def test_review_app_and_its_bridge_share_a_store() -> None:
    """What the bridge fills from Kafka is what the app shows, on the database that is there."""
    stores = {settings_of(SERVICES[name])["store"] for name in ("review", "review-bridge")}
    database = SERVICES["postgres"]["environment"]

    (store,) = stores
    password = database["POSTGRES_PASSWORD"]
    assert store == f"postgresql://{database['POSTGRES_USER']}:{password}@postgres/{database['POSTGRES_DB']}"


def test_database_is_asked_whether_it_is_ready_by_options_alone() -> None:
    """`pg_isready` takes nothing else, each with a value; it asks for the user and the database that there are."""
    database = SERVICES["postgres"]["environment"]
    command, *given = SERVICES["postgres"]["healthcheck"]["test"][1].split()
    options = dict(zip(given[::2], given[1::2], strict=True))

    assert command == "pg_isready"
    assert all(option.startswith("-") for option in options)
    assert (options["-U"], options["-d"]) == (database["POSTGRES_USER"], database["POSTGRES_DB"])


def test_dashboard_is_where_grafana_looks() -> None:
    """The folder that is provisioned is the folder that is mounted."""
    provider = yaml.safe_load((ROOT / "operations/grafana/provisioning/dashboards/dashboards.yml").read_text())
    mounted = {target: source for source, target, *_ in (one.split(":") for one in SERVICES["grafana"]["volumes"])}

    folder = ROOT / mounted[provider["providers"][0]["options"]["path"]]

    assert [file.name for file in folder.iterdir()] == ["behaviour-detector.json"]


def test_what_is_named_is_there() -> None:
    """Mounted files, named volumes and the services waited for exist."""
    mounted = [one.split(":")[0] for service in SERVICES.values() for one in service.get("volumes", [])]
    awaited = {one for service in SERVICES.values() for one in service.get("depends_on", [])}

    assert all((ROOT / one).exists() if one.startswith(".") else one in COMPOSE["volumes"] for one in mounted)
    assert awaited <= SERVICES.keys()


def test_nothing_is_published_beyond_this_machine() -> None:
    """Every published port is on loopback."""
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]

    assert ports
    assert all(re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port) for port in ports)


def test_images_are_of_one_version() -> None:
    """An image that is fetched is named with its version, and Kafka's is the one the tests run on."""
    fetched = {name: service["image"] for name, service in SERVICES.items() if name not in OURS}
    tested = re.search(r"<kafka.version>(.+)</kafka.version>", (ROOT / "kafka/pom.xml").read_text())

    assert all(re.search(r":v?\d+\.\d+", image) for image in fetched.values())
    assert tested is not None
    assert fetched["kafka"] == f"apache/kafka:{tested[1]}"


def test_image_is_locked_and_runs_as_nobody_special() -> None:
    """What is installed is checked by hashes; the last user is not root; the entry point is our command."""
    users = re.findall(r"^USER (\S+)$", DOCKERFILE, re.MULTILINE)
    installed = re.findall(r"pip install (.+)$", DOCKERFILE, re.MULTILINE)

    assert users[-1].isdigit()
    assert users[-1] != "0"
    assert all("--require-hashes" in one or "--no-deps" in one for one in installed)
    assert DOCKERFILE.count("ENTRYPOINT") == 1


def test_the_worker_may_write_into_its_folder() -> None:
    """The image's user may, and a file system in memory that is laid over the folder takes over the folder's mode."""
    (folder,) = re.findall(r"^WORKDIR (/data)$", DOCKERFILE, re.MULTILINE)

    assert f"RUN chmod 1777 {folder}\n" in DOCKERFILE[: DOCKERFILE.index("\nUSER ")] + "\n"
    assert f"DETECTOR_DATA_FOLDER={folder}" in DOCKERFILE
    assert all(folder in service["tmpfs"] for service in OURS.values())
