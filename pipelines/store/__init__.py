"""The store of what is reviewed: the only SQL. SQLite or PostgreSQL; what is in it is masked before it is written."""

from pipelines.store.engine import Store, StoreError, open_store
from pipelines.store.filling import Filler, StoreSink

__all__ = ["Filler", "Store", "StoreError", "StoreSink", "open_store"]
