"""The storage class of an object, and both questions about a name at once, on a real server."""

from __future__ import annotations

from pathlib import Path

import obstore

from fsspeckit_lib.core.objects import Below, ObjectInfo
from fsspeckit_lib.core.obstore_objects import ObstoreObjects
from fsspeckit_lib.core.stores import open_store
from fsspeckit_lib.testing.seaweedfs import SeaweedFS
from fsspeckit_lib.testing.servers import Moto


def _info(store: ObstoreObjects, key: str) -> ObjectInfo:
    entry = store.stat(key)
    assert isinstance(entry, ObjectInfo)
    return entry


def test_the_class_is_the_providers_word(tmp_path: Path) -> None:
    with Moto.start(tmp_path) as server:
        server.create_bucket("classes")
        options = server.storage_options()
        client = server.client()
        client.put_object(Bucket="classes", Key="cold", Body=b"x", StorageClass="STANDARD_IA")
        client.put_object(Bucket="classes", Key="usual", Body=b"x")
        store = open_store("s3://classes", options)
        assert isinstance(store, ObstoreObjects)
        assert store.storage_class(_info(store, "cold")) == "STANDARD_IA"
        assert store.storage_class(_info(store, "usual")) == "STANDARD"


def test_both_questions_about_a_name(s3_server: SeaweedFS) -> None:
    s3_server.create_bucket("both")
    store = open_store("s3://both", s3_server.storage_options())
    assert isinstance(store, ObstoreObjects)
    obstore.put(store.native, "file", b"x")
    obstore.put(store.native, "folder/file", b"x")
    assert store.stat_both("file") == (store.stat("file"), Below(False, []))
    assert store.stat_both("folder") == (None, Below(True, [_info(store, "folder/file")]))
    assert store.stat_both("none") == (None, Below(False, []))
    for number in range(900):
        obstore.put(store.native, f"many/{number}", b"x")
    assert store.stat_both("many") == (None, Below(True, None))
