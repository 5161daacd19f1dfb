"""S3, Google Cloud Storage and Azure as fsspec filesystems whose bytes move in obstore (Rust).

For everything that takes an fsspec filesystem: pandas, pyarrow, DuckDB, `fsspec.open`. Paths are `bucket/key`.
"""

from __future__ import annotations

import threading
from typing import Any, ClassVar

from pydantic import SecretStr

from fsspeckit_lib.core.abstract_filesystem import AbstractFileSystem, Place
from fsspeckit_lib.core.objects import ObjectStore
from fsspeckit_lib.errors import Unsupported
from fsspeckit_lib.storage_options.base import BaseStorageOptions
from fsspeckit_lib.storage_options.registry import storage_options_for

__all__ = ["AzureObjectFileSystem", "GcsObjectFileSystem", "ObstoreFileSystem", "S3ObjectFileSystem"]


class ObstoreFileSystem(AbstractFileSystem):
    """The buckets that one set of options reaches."""

    scheme: ClassVar[str] = ""

    def __init__(self, options: BaseStorageOptions | None = None, **kwargs: Any) -> None:
        """Reach the buckets that options, or keyword arguments in their place, describe. Makes no request."""
        super().__init__(options, **kwargs)
        self._options = storage_options_for(self.scheme, options if options is not None else kwargs)
        self._buckets: dict[str, ObjectStore] = {}
        self._lock = threading.Lock()

    def to_dict(self, *, include_password: bool = True) -> dict[str, Any]:
        """Return what `AbstractFileSystem.from_dict` makes the same filesystem of, secrets in clear or left out."""
        given = self._options.to_dict()
        secret = {name for name in given if isinstance(getattr(self._options, name, None), SecretStr)}
        kept = {name: value for name, value in given.items() if include_password or name not in secret}
        kind = type(self)
        return {**kept, "cls": f"{kind.__module__}:{kind.__name__}", "protocol": self.scheme, "args": []}

    def _place(self, path: str) -> Place:
        bucket, _, key = path.partition("/")
        if not bucket:
            raise Unsupported(f"{self.scheme}://: the list of buckets is not served; name one: {self.scheme}://BUCKET")
        return Place(self._bucket(bucket), bucket, key.strip("/"))

    def _bucket(self, bucket: str) -> ObjectStore:
        from fsspeckit_lib.core.stores import open_store

        with self._lock:
            found = self._buckets.get(bucket)
            if found is None:
                found = open_store(f"{self.scheme}://{bucket}", self._options)
                self._buckets[bucket] = found
            return found


class S3ObjectFileSystem(ObstoreFileSystem):
    """S3 and what speaks its protocol."""

    scheme = "s3"
    protocol = ("s3", "s3a", "s3n")


class GcsObjectFileSystem(ObstoreFileSystem):
    """Google Cloud Storage."""

    scheme = "gs"
    protocol = ("gs", "gcs")


class AzureObjectFileSystem(ObstoreFileSystem):
    """Azure Blob Storage and Data Lake Storage; a bucket is a container, `container@account.…` is one too."""

    scheme = "az"
    protocol = ("az", "abfs", "abfss", "adl", "azure", "wasb", "wasbs")

    def _place(self, path: str) -> Place:
        container, slash, key = path.partition("/")
        return super()._place(container.partition("@")[0] + slash + key)
