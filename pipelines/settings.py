"""Settings, from the environment (`DETECTOR_…`) or a file of such lines (`.env` in the folder it runs in)."""

from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from detector.playbook import DEFAULT_FOLDER
from models.registry import SHIPPED_FOLDER
from models.semantic import SHIPPED_FOLDER as SEMANTIC_FOLDER

KafkaName: TypeAlias = Annotated[str, Field(min_length=1, max_length=249, pattern=r"^[A-Za-z0-9._-]+$")]
"""What Kafka takes for a topic's name; a group's is part of one."""


def changelog_of(group: str) -> str:
    """Return the name Faust gives the changelog of the table of calls."""
    return f"{group}-calls-changelog"


class Settings(BaseSettings):
    """What every door reads. Secrets print as stars."""

    model_config = SettingsConfigDict(env_prefix="DETECTOR_", env_file=".env", extra="ignore", frozen=True)

    tenant: str = Field(default="default", min_length=1, description="Whose calls these are; part of every id.")
    playbook: Path = Field(default=DEFAULT_FOLDER, description="The folder of the playbook.")
    model: Path = Field(default=SHIPPED_FOLDER, description="The folder of the model.")
    semantic: Literal["auto", "on", "off"] = Field(
        default="auto",
        description="Ask the sentence encoder where the classifier is unsure: auto is where its extra is installed.",
    )
    semantic_model: Path = Field(default=SEMANTIC_FOLDER, description="The folder of the sentence encoder.")

    brokers: str = Field(default="127.0.0.1:9092", description="Kafka's addresses, host:port, parted by commas.")
    group: KafkaName = Field(default="behaviour-detector", description="The consumer group, and the Faust app's id.")
    topic_transcripts: KafkaName = "transcripts"
    topic_decisions: KafkaName = "decisions"
    topic_scorecards: KafkaName = "scorecards"
    topic_rewards: KafkaName = "reward-events"
    topic_verdicts: KafkaName = "verdicts"
    topic_dead_letters: KafkaName = "transcripts.dead-letters"
    partitions: int = Field(default=4, ge=1, le=4096, description="Of the transcripts topic and the state's changelog.")
    security: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    sasl_username: str | None = None
    sasl_password: SecretStr | None = None
    sasl_without_tls: bool = Field(default=False, description="Allow SASL_PLAINTEXT, which encrypts nothing.")
    ca_file: Path | None = Field(default=None, description="The certificates (PEM) the brokers are trusted by.")
    certificate_file: Path | None = Field(
        default=None, description="Our own certificate (PEM), where brokers ask for one; its chain may follow it."
    )
    key_file: Path | None = Field(default=None, description="The certificate's key (PEM), if it is not beside it.")
    key_password: SecretStr | None = Field(default=None, description="What the key is encrypted by, if it is.")
    data_folder: Path = Field(default=Path("out/worker"), description="Where the worker keeps its local state.")
    decoded_mib: int = Field(
        default=320, ge=0, description="The memory (MiB) for the state of calls that need not be decoded again."
    )
    session_seconds: float = Field(
        default=30, ge=1, le=30, description="A worker silent for this long has its partitions given to others."
    )
    idle_seconds: float = Field(default=3600, gt=0, description="A call silent for this long is closed.")
    grace_seconds: float = Field(default=600, ge=0, description="How long the state of an ended call is kept.")
    web_host: str = Field(default="127.0.0.1", description="Where the worker tells its health and metrics.")
    web_port: int = Field(default=0, ge=0, le=65535, description="The port for that; 0 is nowhere.")

    store: str = Field(
        default="out/review.db",
        repr=False,  # a URL may hold a password
        description="The review app's store: a file (SQLite) or a URL.",
    )
    sample_share: float = Field(default=0.02, ge=0, le=1, description="Calls drawn at random to be read as a whole.")
    second_share: float = Field(default=0.1, ge=0, le=1, description="Decisions that two people judge, both blind.")
    appeal_days: int = Field(default=30, ge=1, description="How long after a call came in an appeal can be made.")

    @field_validator("brokers")
    @classmethod
    def _has_an_address(cls, brokers: str) -> str:
        """Refuse a list without any address: it would be asked for seconds, and told as a broker that is silent."""
        if not any(one.strip() for one in brokers.split(",")):
            raise ValueError("no address is in it: give host:port, several parted by commas")
        return brokers

    @field_validator(
        "topic_transcripts",
        "topic_decisions",
        "topic_scorecards",
        "topic_rewards",
        "topic_verdicts",
        "topic_dead_letters",
    )
    @classmethod
    def _is_a_topic_of_its_own(cls, name: str, info: ValidationInfo) -> str:
        """Refuse a topic that is another as well: what the worker tells would come back to it."""
        others = {field: told for field, told in info.data.items() if field.startswith("topic_")}
        if "group" in info.data:
            others["the changelog of the group"] = changelog_of(info.data["group"])
        for other, told in others.items():
            if told == name:
                raise ValueError(f"it has the name of {other}: each topic needs its own")
        return name
