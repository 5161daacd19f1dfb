"""The structure-preserving cache."""

from fsspeckit_lib.cache.cache import Cache
from fsspeckit_lib.cache.config import CacheConfig, Quota
from fsspeckit_lib.cache.files import CachedFile
from fsspeckit_lib.cache.mapper import FileNameCacheMapper
from fsspeckit_lib.cache.monitored import MonitoredSimpleCacheFileSystem
from fsspeckit_lib.cache.offline import OfflineStore
from fsspeckit_lib.cache.stats import CacheStats
from fsspeckit_lib.cache.storage import StorageCache

__all__ = [
    "Cache",
    "CacheConfig",
    "CacheStats",
    "CachedFile",
    "FileNameCacheMapper",
    "MonitoredSimpleCacheFileSystem",
    "OfflineStore",
    "Quota",
    "StorageCache",
]
