"""The stream's commands, as the entry points name them: flags in, one function called, exit code out."""

from streams.commands.bridging import bridge
from streams.commands.describing import schemas
from streams.commands.reviewing import review_bridge
from streams.commands.running import replay, stream, tail
from streams.commands.showing import demo
from streams.commands.soaking import soak
from streams.commands.tending import dead_letters, topics

__all__ = ["bridge", "dead_letters", "demo", "replay", "review_bridge", "schemas", "soak", "stream", "tail", "topics"]
