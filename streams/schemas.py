"""The contracts as JSON Schemas, and the topics as an AsyncAPI 3 document (https://www.asyncapi.com/docs/reference)."""

from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter

from detector.decision import Decision, Scorecard
from detector.reward import RewardEvent
from detector.transcript import Call
from detector.verdict import Verdict
from pipelines.settings import Settings
from streams.messages import Transcript

ALWAYS_OF_A_TURN = ("speaker", "text")
"""What a turn always needs; a whole call gives its turns ids and indices where they have none."""
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schemas() -> Mapping[str, dict[str, Any]]:
    """Return the JSON Schema of each contract by its name."""
    made: Mapping[str, TypeAdapter[Any]] = {
        "call": TypeAdapter(Call),
        "transcript-message": TypeAdapter(Transcript),
        "decision": TypeAdapter(Decision),
        "scorecard": TypeAdapter(Scorecard),
        "reward-event": TypeAdapter(RewardEvent),
        "verdict": TypeAdapter(Verdict),
    }
    documents = {name: {"$schema": DIALECT, "title": name, **adapter.json_schema()} for name, adapter in made.items()}
    for name in ("call", "transcript-message"):
        documents[name]["$defs"]["Turn"]["required"] = list(ALWAYS_OF_A_TURN)
    return documents


def asyncapi(settings: Settings) -> dict[str, Any]:
    """Return the AsyncAPI document: each topic with its key and the schema of its values."""
    topics = (
        (settings.topic_transcripts, "call_id", "transcript-message", "receive"),
        (settings.topic_verdicts, "call_id", "verdict", "receive"),
        (settings.topic_decisions, "call_id", "decision", "send"),
        (settings.topic_scorecards, "call_id", "scorecard", "send"),
        (settings.topic_rewards, "agent_id", "reward-event", "send"),
    )
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Behaviour detector", "version": "1"},
        "channels": {
            topic: {"address": topic, "messages": {schema: _message(schema, key)}} for topic, key, schema, _ in topics
        },
        "operations": {
            f"{action}-{topic}": {"action": action, "channel": {"$ref": f"#/channels/{topic}"}}
            for topic, _, _, action in topics
        },
    }


def _message(schema: str, key: str) -> dict[str, Any]:
    return {
        "name": schema,
        "contentType": "application/json",
        "payload": {"$ref": f"{schema}.json"},
        "bindings": {"kafka": {"key": {"type": "string", "description": key}, "bindingVersion": "0.5.0"}},
    }
