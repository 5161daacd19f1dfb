"""`fsspeckit ls`, `du` and `tree`: what is there, and how much."""

from __future__ import annotations

import time
from collections import defaultdict
from typing import Any

import click

from fsspeckit_lib.common.units import format_size
from fsspeckit_lib.core.objects import DirectoryInfo, Entry, ObjectInfo
from fsspeckit_lib.errors import NotFound
from fsspeckit_lib.storage_commands.places import Context, Place, storage_options

__all__ = ["du", "ls", "tree"]


@click.command()
@click.argument("urls", nargs=-1, required=True, metavar="URL…")
@click.option("-l", "long", is_flag=True, help="Also size and time of the last change.")
@click.option("-R", "recursive", is_flag=True, help="Also what lies deeper.")
@click.option("--human/--bytes", default=True, help="Sizes with units, or as numbers of bytes.")
@storage_options
def ls(context: Context, urls: tuple[str, ...], long: bool, recursive: bool, human: bool) -> None:
    """List files and folders; a quoted * matches."""
    context.need_output()
    for place in [found for url in urls for found in context.matches(url)]:
        entry = place.stat()
        if isinstance(entry, ObjectInfo):
            _show(context, place, entry, place.key.rpartition("/")[2], long, human)
            continue
        skip = len(place.key) + 1 if place.key else 0
        for found in place.files() if recursive else place.children():
            _show(context, place, found, found.key[skip:], long, human)


@click.command()
@click.argument("urls", nargs=-1, required=True, metavar="URL…")
@click.option("-s", "summary", is_flag=True, help="Only the total.")
@click.option("-d", "depth", default=1, show_default=True, type=click.IntRange(0), help="Levels of folders.")
@click.option("--human/--bytes", default=True, help="Sizes with units, or as numbers of bytes.")
@storage_options
def du(context: Context, urls: tuple[str, ...], summary: bool, depth: int, human: bool) -> None:
    """Add up the sizes of files, for each folder."""
    context.need_output()
    for place in [found for url in urls for found in context.matches(url)]:
        entry = place.stat()
        sizes: dict[str, list[int]] = defaultdict(lambda: [0, 0])
        sizes[""] = [0, 0]
        skip = len(place.key) + 1 if place.key else 0
        for info in [entry] if isinstance(entry, ObjectInfo) else place.files():
            folders = info.key[skip:].split("/")[:-1]
            for level in range(min(len(folders), 0 if summary else depth) + 1):
                total = sizes["/".join(folders[:level])]
                total[0] += info.size_bytes
                total[1] += 1
        for folder in [*sorted(name for name in sizes if name), ""]:
            size_bytes, files = sizes[folder]
            shown = place.below(folder).url if folder else place.url
            size = format_size(size_bytes) if human else str(size_bytes)
            context.say(
                f"{size:>10} {files:>8} files  {shown}", {"url": shown, "size_bytes": size_bytes, "files": files}
            )


@click.command()
@click.argument("url")
@click.option("-L", "levels", default=None, type=click.IntRange(1), help="Levels to go down.  [default: all]")
@storage_options
def tree(context: Context, url: str, levels: int | None) -> None:
    """Draw a folder and what lies below it."""
    context.need_output()
    place = context.place(url)
    entry = place.stat()
    context.say(place.url, _facts(place, entry))
    if isinstance(entry, DirectoryInfo):
        _draw(context, place, "", levels)


def _draw(context: Context, place: Place, indent: str, levels: int | None) -> None:
    try:
        entries = place.children()
    except NotFound:
        return  # SeaweedFS lists folders after their last file is gone
    for number, entry in enumerate(entries, 1):
        is_last = number == len(entries)
        is_folder = isinstance(entry, DirectoryInfo)
        branch = "└── " if is_last else "├── "
        context.say(f"{indent}{branch}{_printable(entry.name)}{'/' if is_folder else ''}", _facts(place, entry))
        if is_folder and levels != 1:
            below = indent + ("    " if is_last else "│   ")
            _draw(context, place.at(entry.key), below, None if levels is None else levels - 1)


def _show(context: Context, place: Place, entry: Entry, name: str, long: bool, human: bool) -> None:
    is_folder = isinstance(entry, DirectoryInfo)
    line = _printable(name) + ("/" if is_folder else "")
    if long:
        size = "-" if isinstance(entry, DirectoryInfo) else format_size(entry.size_bytes) if human else entry.size_bytes
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(entry.mtime_ns / 1e9)) if entry.mtime_ns else "-"
        line = f"{size:>12} {when:16} {line}"
    context.say(line, _facts(place, entry))


def _facts(place: Place, entry: Entry) -> dict[str, Any]:
    mtime_s = entry.mtime_ns / 1e9 if entry.mtime_ns else None
    facts: dict[str, Any] = {"url": place.at(entry.key).url, "key": entry.key, "mtime_s": mtime_s}
    if isinstance(entry, DirectoryInfo):
        return {**facts, "type": "directory"}
    return {**facts, "type": "file", "size_bytes": entry.size_bytes, "etag": entry.etag}


def _printable(name: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in name)
