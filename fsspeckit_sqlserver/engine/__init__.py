"""SQL over datasets: prune, fetch through the cache, run in DuckDB, stream Arrow."""

from fsspeckit_sqlserver.engine.engine import DuckEngine, open_engine
from fsspeckit_sqlserver.engine.sources import TableSource

__all__ = ["DuckEngine", "TableSource", "open_engine"]
