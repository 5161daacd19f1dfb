"""The structure-preserving cache."""

from fsspeckit_lib.cache.cache import Cache, StorageCache
from fsspeckit_lib.cache.config import CacheConfig
from fsspeckit_lib.cache.files import CachedFile
from fsspeckit_lib.cache.mapper import FileNameCacheMapper
from fsspeckit_lib.cache.stats import CacheStats

__all__ = ["Cache", "CacheConfig", "CacheStats", "CachedFile", "FileNameCacheMapper", "StorageCache"]
