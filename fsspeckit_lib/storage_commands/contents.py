"""`fsspeckit cat` and `rm`."""

from __future__ import annotations

import re
import sys

import click

from fsspeckit_lib.core.abstract_filesystem import as_writable
from fsspeckit_lib.core.local_objects import LocalObjects
from fsspeckit_lib.core.objects import DirectoryInfo, read_chunks
from fsspeckit_lib.errors import BadInput, GatewayError, InvalidValue, IsADirectory
from fsspeckit_lib.storage_commands.places import Context, Place, storage_options

__all__ = ["cat", "rm"]

_BATCH = 1000


@click.command()
@click.argument("urls", nargs=-1, required=True, metavar="URL…")
@click.option("--range", "span", metavar="START:STOP", help="Only these bytes; negative ones count from the end.")
@storage_options
def cat(context: Context, urls: tuple[str, ...], span: str | None) -> None:
    """Write files to stdout, as they are."""
    context.need_output()
    first, last = _span(span)
    out = sys.stdout.buffer
    for url in urls:
        place = context.place(url)
        info = place.stat()
        if isinstance(info, DirectoryInfo):
            raise IsADirectory(f"{url}: is a folder, a file was wanted; see: fsspeckit ls")
        if not info.size_bytes and isinstance(place.store, LocalObjects):
            data = bytes(memoryview(place.store.get(place.key)[1]))  # files of /proc have a size of 0 and content
            out.write(data[slice(first, last)])
            continue
        start, stop, _ = slice(first, last).indices(info.size_bytes)
        if span is not None and start >= stop and info.size_bytes:
            raise InvalidValue(f"{url}: found no byte in --range {span}; the file has {info.size_bytes} bytes")
        for chunk in read_chunks(place.store, info, start, stop):
            out.write(chunk)
    out.flush()


@click.command()
@click.argument("urls", nargs=-1, required=True, metavar="URL…")
@click.option("-r", "recursive", is_flag=True, help="Also folders, with all that lies below.")
@click.option("--yes", is_flag=True, help="Also the root of a storage.")
@storage_options
def rm(context: Context, urls: tuple[str, ...], recursive: bool, yes: bool) -> None:
    """Delete files; a quoted * matches. Asks nothing. Nothing is deleted unless every URL can be."""
    keys: list[tuple[Place, list[str]]] = []
    trees: list[tuple[Place, LocalObjects]] = []
    for place in [found for url in urls for found in context.matches(url)]:
        if not place.key and not yes:
            raise BadInput(f"{place.text}: is the root of a storage; add --yes to delete all of it")
        as_writable(place.store)
        if isinstance(place.stat(), DirectoryInfo):
            if not recursive:
                raise IsADirectory(f"{place.text}: is a folder; add -r to delete it with all that lies below")
            if place.store.namespace == ("file",) and not place.key:
                raise BadInput(f"{place.text}: is the root of this machine's files; it is not deleted")
            if isinstance(place.store, LocalObjects):
                trees.append((place, place.store))
            else:
                keys.append((place, [info.key for info in place.files()]))
        else:
            keys.append((place, [place.key]))
    for place, store in trees:
        count = store.delete_tree(place.key)
        context.say(f"deleted {count} files: {place.url}", {"url": place.url, "deleted": count})
    for place, found in keys:
        done = 0
        try:
            for start in range(0, len(found), _BATCH):
                as_writable(place.store).delete(found[start : start + _BATCH])
                done += len(found[start : start + _BATCH])
        except GatewayError:
            click.echo(f"{place.text}: {done} of {len(found)} files were deleted before the failure", err=True)
            raise
        context.say(f"deleted {len(found)} files: {place.url}", {"url": place.url, "deleted": len(found)})


def _span(text: str | None) -> tuple[int | None, int | None]:
    if text is None:
        return None, None
    match = re.fullmatch(r"(-?\d+)?:(-?\d+)?", text)
    if match is None:
        raise InvalidValue(f"--range: found {text!r}, wanted START:STOP such as 0:100, 100: or -100:")
    first, last = match.groups()
    return (None if first is None else int(first)), (None if last is None else int(last))
