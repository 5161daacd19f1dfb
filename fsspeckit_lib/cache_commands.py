"""`fsspeckit cache …`: looking into a cache and changing it, while daemons use it.

Everything goes through the index, which all processes share. Results go to stdout, as text for people or with `--json`
for programs; progress and failures go to stderr.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from typing import Any

import click

from fsspeckit_lib.cache import Cache, CacheConfig, StorageCache
from fsspeckit_lib.cache.index import Row
from fsspeckit_lib.cache.root import FOOTERS_FOLDER
from fsspeckit_lib.cache.verify import verify as verify_copies
from fsspeckit_lib.cache.warm import Warmed
from fsspeckit_lib.cache.warm import warm as warm_objects
from fsspeckit_lib.common.command_line import with_context
from fsspeckit_lib.common.progress import progress_bar
from fsspeckit_lib.common.units import format_size
from fsspeckit_lib.core.backend_errors import translated
from fsspeckit_lib.core.objects import ObjectInfo, ObjectStore
from fsspeckit_lib.errors import BadInput, Corrupt, NotFound, ResourceExhausted, Unavailable
from fsspeckit_lib.service.settings import Settings, cache_config, load_settings, parse_option_pairs
from fsspeckit_lib.storage_options.uri import parse_location

__all__ = ["cache"]

_STEP_BYTES = 16 << 20
_BUCKETS = frozenset({"s3", "gs", "az"})


@dataclass(frozen=True, slots=True)
class _Context:
    settings: Settings
    config: CacheConfig
    options: dict[str, str]
    as_json: bool

    @contextmanager
    def opened(self, *, create: bool = False, stale: bool = False) -> Iterator[Cache]:
        """Open the cache; without `create` it must be there. `stale`: answer in an outage as `when_offline` says."""
        if not create and not os.path.exists(f"{self.config.root}/VERSION"):
            raise NotFound(f"cache folder {self.config.root}: there is no cache; see --cache-dir")
        cache = Cache(self.config if stale else replace(self.config, when_offline="fail"))
        try:
            yield cache
        finally:
            cache.close()

    def locate(self, url: str) -> tuple[ObjectStore, str]:
        """Return the storage that a URL, a path, or the name of a storage with a path below it is in, and the key."""
        name, _, rest = url.partition("/")
        if name in self.settings.storages:
            return self.settings.open_source(name, self.options), rest.strip("/")
        location = parse_location(url)
        if location.protocol in _BUCKETS:
            return self.settings.open_source(f"{location.protocol}://{location.bucket}", self.options), location.path
        if location.protocol == "file" and location.path != "/":
            parent, _, last = location.path.rpartition("/")
            return self.settings.open_source(parent or "/", self.options), last
        return self.settings.open_source(url, self.options), ""

    def say(self, text: str, facts: object) -> None:
        """Print a result."""
        click.echo(json.dumps(facts, ensure_ascii=False) if self.as_json else text)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def cache() -> None:
    """Look into the cache and change it, also while daemons use it.

    URL is a URL or path, or the name of a storage from --config with a path below it: lake/raw/2024.
    """


def _context(cache_dir: str | None, config_path: str | None, options: tuple[str, ...], as_json: bool) -> _Context:
    settings = load_settings(config_path)
    return _Context(settings, cache_config(settings, cache_dir, None), parse_option_pairs(options), as_json)


_options = with_context(
    _context,
    click.option("--json", "as_json", is_flag=True, help="Print JSON."),
    click.option("-o", "options", multiple=True, metavar="K=V,…", help="Options of the storage."),
    click.option("--config", "config_path", metavar="FILE", help="fsspeckit.yaml."),
    click.option("--cache-dir", metavar="D", help="Where the cache lies.  [default: ~/.cache/fsspeckit]"),
)


@cache.command()
@_options
def status(context: _Context) -> None:
    """Show how much is cached, against which bounds."""
    with context.opened() as opened:
        stats, config = opened.stats(), opened.config
        disk = os.statvfs(config.root)
        quotas = opened.index.bounds.quotas()
        storages = opened.index.storages()
        pins = [_shown(pin) for pin in opened.index.bounds.pins()]
    free = disk.f_bavail * disk.f_frsize
    facts = {
        "root": config.root, "entries": stats.entries, "size_bytes": stats.size_bytes,
        "max_size_bytes": config.max_size_bytes, "pinned_bytes": stats.pinned_bytes, "free_bytes": free,
        "min_free_bytes": config.min_free_bytes, "max_age_s": config.max_age_s, "when_offline": config.when_offline,
        "pins": pins,
        "quotas": [{"name": q.name, "size_bytes": q.size_bytes, "max_size_bytes": q.max_size_bytes} for q in quotas],
        "storages": [{"name": name, "entries": count, "size_bytes": size} for name, count, size in storages],
    }  # fmt: skip
    used = f"{format_size(stats.size_bytes)} of {format_size(config.max_size_bytes)}"
    lines = [
        f"{config.root}: {stats.entries} objects, {used}, {format_size(stats.pinned_bytes)} pinned",
        f"disk: {format_size(free)} free, {format_size(config.min_free_bytes)} stay free",
        *(f"storage {name}: {count} objects, {format_size(size)}" for name, count, size in storages),
        *(f"quota {q.name}: {format_size(q.size_bytes)} of {format_size(q.max_size_bytes)}" for q in quotas),
        *(f"pinned: {pin}" for pin in pins),
    ]
    context.say("\n".join(lines), facts)


@cache.command("ls")
@click.argument("url", required=False)
@_options
def list_copies(context: _Context, url: str | None) -> None:
    """List the copies below URL, or all of them: size, state, last use, name."""
    with context.opened() as opened:
        if url is None:
            rows = ((_shown(name), row, used_at, pinned) for name, row, used_at, pinned in _all_entries(opened))
        else:
            store, key = context.locate(url)
            base = "/".join(store.namespace)
            found = opened.bind(store).entries(key)
            rows = ((f"{base}/{name}", row, used_at, pinned) for name, row, used_at, pinned in found)
        for name, row, used_at, pinned in rows:
            state = "whole" if row.complete else "part"
            used = time.strftime("%Y-%m-%d %H:%M", time.localtime(used_at))
            facts = {
                "name": name, "state": state, "cached_bytes": row.size_bytes, "size_bytes": row.object_bytes,
                "used_at": used_at, "confirmed_at": row.confirmed_at, "pinned": pinned, "version": row.version,
                "path": f"{opened.config.root}/{row.path}",
            }  # fmt: skip
            mark = "P" if pinned else "-"
            context.say(f"{mark} {state:5} {format_size(row.size_bytes):>10} {used} {name}", facts)


@cache.command()
@click.argument("url")
@click.argument("target", required=False)
@_options
def get(context: _Context, url: str, target: str | None) -> None:
    """Fetch the object at URL if it is not cached, and print where its copy lies; or copy it to TARGET.

    With TARGET an object that the cache may not hold is read through it.
    """
    store, key = context.locate(url)
    with context.opened(create=True, stale=True) as opened:
        storage = opened.bind(opened.resilient(store))
        entry = storage.stat(key)
        if not isinstance(entry, ObjectInfo):
            raise BadInput(f"{url}: is a folder, an object was wanted; see: fsspeckit cache warm")
        path = storage.cached_path(entry) if storage.fetch(entry) else None
        if path is None and target is None:
            raise ResourceExhausted(
                f"{url}: its {entry.size_bytes} bytes do not fit into the cache; name a TARGET to copy it there"
            )
        if target is not None:
            with translated(target):
                if path is not None:
                    shutil.copyfile(path, target)
                else:
                    _copy_through(storage, entry, target)
        context.say(target or path or "", {"path": path, "size_bytes": entry.size_bytes, "target": target})


@cache.command()
@click.argument("url")
@click.option("--parallel", default=8, show_default=True, type=click.IntRange(1, 64), help="Objects at once.")
@_options
def pin(context: _Context, url: str, parallel: int) -> None:
    """Fetch what lies at and below URL, and keep it from eviction."""
    store, key = context.locate(url)
    with context.opened(create=True) as opened:
        storage = opened.bind(store)
        infos = storage.pin(key)
        result = _warm(storage, infos, parallel)
        context.say(f"pinned {url}: {len(infos)} objects", {"pinned": url, "objects": len(infos), **_facts(result)})
        _raise_failures(url, result)


@cache.command()
@click.argument("url")
@_options
def unpin(context: _Context, url: str) -> None:
    """Let what lies at and below URL be evicted again."""
    store, key = context.locate(url)
    with context.opened() as opened:
        count = opened.bind(store).unpin(key)
    if not count:
        raise NotFound(f"{url}: nothing is pinned there; see: fsspeckit cache status")
    context.say(f"unpinned {url}", {"unpinned": url, "pins": count})


@cache.command()
@click.argument("urls", nargs=-1, required=True, metavar="URL…")
@click.option("--parallel", default=8, show_default=True, type=click.IntRange(1, 64), help="Objects at once.")
@_options
def warm(context: _Context, urls: tuple[str, ...], parallel: int) -> None:
    """Fetch what lies at and below each URL."""
    with context.opened(create=True) as opened:
        for url in urls:
            store, key = context.locate(url)
            storage = opened.bind(store)
            infos = storage.objects_at(key)
            if not infos:
                raise NotFound(f"{url}: nothing lies there")
            result = _warm(storage, infos, parallel)
            size = format_size(sum(info.size_bytes for info in infos))
            context.say(
                f"{url}: {len(infos)} objects, {size}; {result.fetched} fetched, {result.present} were here"
                + (f", {len(result.evicted)} did not stay" if result.evicted else ""),
                {"url": url, "objects": len(infos), **_facts(result)},
            )
            _raise_failures(url, result)


@cache.command()
@click.argument("url")
@click.option("--pinned", is_flag=True, help="Also what is pinned.")
@_options
def evict(context: _Context, url: str, pinned: bool) -> None:
    """Remove the copies at and below URL; files that are open stay readable."""
    store, key = context.locate(url)
    with context.opened() as opened:
        count, size_bytes, kept = opened.bind(store).evict(key, pinned_too=pinned)
    if not count and not kept:
        raise NotFound(f"{url}: nothing is cached there; see: fsspeckit cache ls")
    _say_removed(context, count, size_bytes, kept)


@cache.command()
@click.option("--pinned", is_flag=True, help="Also what is pinned, and the pins.")
@_options
def clear(context: _Context, pinned: bool) -> None:
    """Remove every copy, and what is known of the storages."""
    count, freed, kept = 0, 0, 0
    with context.opened() as opened:
        if pinned:
            for found in opened.index.bounds.pins():
                opened.index.bounds.unpin(found, _shown(found))
        for name, _, _, is_pinned in list(_all_entries(opened)):
            if is_pinned:
                kept += 1
            else:
                freed += opened.index.evict(name)
                count += 1
        opened.metadata.clear()
        opened.sweep()
        shutil.rmtree(f"{opened.config.root}/{FOOTERS_FOLDER}", ignore_errors=True)  # each file is one or none
    _say_removed(context, count, freed, kept)


@cache.command()
@click.argument("urls", nargs=-1, metavar="[URL…]")
@click.option("--repair", is_flag=True, help="Remove what is wrong or out of date; it is fetched again when read.")
@_options
def verify(context: _Context, urls: tuple[str, ...], repair: bool) -> None:
    """Compare the copies below each URL with the storage: by its checksum, or by reading again.

    Without URL: those of every storage in --config, and files that belong to no copy.
    """
    counts: Counter[str] = Counter()
    with context.opened() as opened:
        if not urls and not context.settings.storages and not repair:
            raise BadInput("cache verify: found no URL and no storage in --config to compare with, wanted one of them")
        for url in urls or tuple(context.settings.storages):
            store, key = context.locate(url)
            before = counts.total()
            for finding in verify_copies(opened.bind(store), key, repair=repair):
                counts[finding.state] += 1
                if context.as_json or finding.state != "right":
                    facts = {**asdict(finding), "url": f"{store.url}/{finding.key}"}
                    context.say(f"{finding.state}: {store.url}/{finding.key} ({finding.how})", facts)
            if urls and counts.total() == before:
                raise NotFound(f"{url}: nothing is cached there; see: fsspeckit cache ls")
        if repair and not urls:
            counts["orphaned"] = opened.sweep()[0]
    summary = ", ".join(f"{count} {state}" for state, count in sorted(counts.items()) if count) or "nothing to verify"
    if not context.as_json:
        click.echo(summary)
    bad = counts["wrong"] + counts["changed"]
    if bad and not repair:
        raise Corrupt(f"cache folder {context.config.root}: {bad} copies are not what they should be; use --repair")
    if counts["unknown"]:
        raise Unavailable(f"{counts['unknown']} copies could not be compared with the storage")


def _copy_through(storage: StorageCache, info: ObjectInfo, target: str) -> None:
    handle = storage.open(info)
    try:
        with open(target, "wb") as file:
            for start in range(0, info.size_bytes, _STEP_BYTES):
                file.write(handle.read(start, min(start + _STEP_BYTES, info.size_bytes)))
    finally:
        handle.close()


def _warm(storage: StorageCache, infos: list[ObjectInfo], parallel: int) -> Warmed:
    total = sum(info.size_bytes for info in infos)
    label = f"{len(infos)} objects, {format_size(total)}"
    with progress_bar(total, label) as advance:
        return warm_objects(storage, infos, parallel=parallel, on_bytes=advance)


def _facts(result: Warmed) -> dict[str, Any]:
    return {
        "fetched": result.fetched,
        "present": result.present,
        "not_fitting": result.not_fitting,
        "evicted": result.evicted,
        "failed": {key: str(error) for key, error in result.failed},
    }


def _raise_failures(url: str, result: Warmed) -> None:
    for key, error in result.failed:
        click.echo(f"failed: {key}: {error}", err=True)
    if result.failed:
        raise type(result.failed[0][1])(*result.failed[0][1].args)
    if result.not_fitting:
        raise ResourceExhausted(f"{url}: {len(result.not_fitting)} objects do not fit into the cache")
    if result.evicted:
        raise ResourceExhausted(
            f"{url}: {len(result.evicted)} objects made way for others of them: all do not fit below the cache's "
            "limits at once; raise max_size or the quota"
        )


def _say_removed(context: _Context, count: int, size_bytes: int, kept: int) -> None:
    stayed = f"; {kept} stay because they are pinned (--pinned removes them)" if kept else ""
    facts = {"removed": count, "size_bytes": size_bytes, "kept": kept}
    context.say(f"removed {count} copies, {format_size(size_bytes)}{stayed}", facts)


def _all_entries(opened: Cache) -> Iterator[tuple[bytes, Row, float, bool]]:
    after = b""
    while rows := opened.index.entries(after=after):
        yield from rows
        after = rows[-1][0]


def _shown(name: bytes) -> str:
    return name.decode(errors="replace")
