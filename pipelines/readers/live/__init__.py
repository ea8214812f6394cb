"""Translators of vendors' live messages to native ones, one a vendor, by name.

Each is pure: a call as it is and a message lead to the call as it then is and native messages; so a restart loses no
more than what stands in the value. A new vendor is one module with `call_id` and `translate`, and one line here.
"""

from collections.abc import Mapping

from pipelines.readers.live import assemblyai_live, contact_lens_realtime, deepgram_live, lca, twilio_live
from pipelines.readers.live.under_way import Message, Translated, Translator, UnderWay, rest

TRANSLATORS: Mapping[str, Translator] = {
    "contact-lens-realtime": contact_lens_realtime,
    "lca": lca,
    "deepgram-live": deepgram_live,
    "assemblyai-live": assemblyai_live,
    "twilio-live": twilio_live,
}

__all__ = ["TRANSLATORS", "Message", "Translated", "Translator", "UnderWay", "rest"]
