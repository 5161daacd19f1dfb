"""`fsspeckit cp` and `sync`: between any two storages and the local disk."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import click

from fsspeckit_lib.common.parallel import iter_parallel
from fsspeckit_lib.common.progress import progress_bar
from fsspeckit_lib.common.sync import SyncIncomplete, sync_dir
from fsspeckit_lib.common.transfer import copy_file, identity
from fsspeckit_lib.common.units import format_size
from fsspeckit_lib.core.abstract_filesystem import as_writable
from fsspeckit_lib.core.backend_errors import translate
from fsspeckit_lib.core.objects import DirectoryInfo
from fsspeckit_lib.errors import BadInput, GatewayError, IsADirectory, NotADirectory, NotFound, Unavailable
from fsspeckit_lib.storage_commands.places import Context, Place, storage_options

__all__ = ["cp", "sync"]

_PARALLEL = click.option("--parallel", default=8, show_default=True, type=click.IntRange(1, 64), help="Files at once.")


@dataclass(frozen=True, slots=True)
class _Copy:
    source: Place
    target: Place
    size_bytes: int
    below: str | None
    """Key of the target's folder below which links to folders are not followed."""


@click.command()
@click.argument("sources", nargs=-1, required=True, metavar="SOURCE…")
@click.argument("target")
@click.option("-r", "recursive", is_flag=True, help="Also folders, with all that lies below.")
@click.option("--no-clobber", is_flag=True, help="Leave files that exist as they are.")
@_PARALLEL
@storage_options
def cp(
    context: Context, sources: tuple[str, ...], target: str, recursive: bool, no_clobber: bool, parallel: int
) -> None:
    """Copy files to TARGET, or into it if it is a folder or ends with a slash; a quoted * matches."""
    end = context.place(target)
    as_writable(end.store)
    found = [place for source in sources for place in context.matches(source)]
    into = target.endswith("/") or not end.key or _is_folder(end)
    if len(found) > 1 and not into:
        raise NotADirectory(f"{target}: is no folder, and {len(found)} files were to be copied; end it with a slash")
    odd: list[str] = []
    copies = [copy for place in found for copy in _plan(place, end, into, recursive, odd)]
    for url in odd:
        click.echo(f'skipping non-regular file "{url}"', err=True)
    twice = len(copies) - len({copy.target.key for copy in copies})
    if twice:
        raise BadInput(f"{target}: {twice} of the files would get the name of another one; copy them one by one")
    total = sum(copy.size_bytes for copy in copies)
    copied, skipped, size_bytes = 0, 0, 0
    failed: list[tuple[str, str]] = []
    with progress_bar(total, f"{len(copies)} files, {format_size(total)}") as advance:

        def bring(copy: _Copy) -> int:
            source, at = copy.source, copy.target
            _refuse_odd_name(source, at)
            return copy_file(
                source.fs, source.key, at.fs, at.key, copy.size_bytes, advance, create=no_clobber, below=copy.below
            )

        results = iter_parallel(bring, copies, max_workers=parallel, on_error="collect")
        for copy, result in zip(copies, results, strict=True):
            if isinstance(result, FileExistsError) and no_clobber:
                skipped += 1
            elif isinstance(result, Exception):
                failed.append((copy.source.url, str(_ours(result, copy.source.url))))
            else:
                copied += 1
                size_bytes += result
    facts = {"copied": copied, "skipped": skipped, "bytes": size_bytes, "not_regular": odd, "failed": dict(failed)}
    context.say(
        f"copied {copied} files, {format_size(size_bytes)}" + (f"; skipped {skipped}" if skipped else ""), facts
    )
    if failed:
        raise Unavailable(f"cp: {len(failed)} of {len(copies)} files failed, the first: {failed[0][1]}")


@click.command()
@click.argument("source")
@click.argument("target")
@click.option("--delete", is_flag=True, help="Remove files that the source has not.")
@click.option("--checksum", is_flag=True, help="Read files whose ETags cannot be compared.")
@click.option("--dry-run", is_flag=True, help="Change nothing.")
@_PARALLEL
@storage_options
def sync(
    context: Context, source: str, target: str, delete: bool, checksum: bool, dry_run: bool, parallel: int
) -> None:
    """Make the folder TARGET like the folder SOURCE: copy what differs."""
    start, end = context.place(source), context.place(target)
    as_writable(end.store)
    try:
        result = sync_dir(
            start.fs, end.fs, start.key, end.key,
            delete=delete, checksum=checksum, dry_run=dry_run, max_workers=parallel, progress=not context.as_json,
        )  # fmt: skip
    except SyncIncomplete as error:
        if context.as_json:
            context.say("", asdict(error.result))
        raise
    except OSError as error:
        raise _ours(error, f"{source} → {target}") from error
    if context.as_json:
        context.say("", asdict(result))  # for people, sync_dir has said it


def _plan(place: Place, end: Place, into: bool, recursive: bool, odd: list[str]) -> list[_Copy]:
    entry = place.stat()
    name = place.key.rpartition("/")[2]
    if not isinstance(entry, DirectoryInfo):
        target = end.below(name) if into else end
        if identity(place.fs, place.key) == identity(target.fs, target.key):
            raise BadInput(f"{place.text}: source and target are the same file")
        return [_Copy(place, target, entry.size_bytes, None)]
    if not recursive:
        raise IsADirectory(f"{place.text}: is a folder; add -r to copy it with all that lies below")
    target = end.below(name) if into and name and _is_folder(end) else end
    outer, inner = identity(place.fs, place.key), identity(target.fs, target.key)
    if inner[: len(outer)] == outer:
        raise BadInput(f"{place.text}: cannot be copied into itself ({target.text})")
    skip = len(place.key) + 1 if place.key else 0
    files = place.files(lambda key: odd.append(place.at(key).url))
    return [_Copy(place.at(info.key), target.below(info.key[skip:]), info.size_bytes, end.key) for info in files]


def _refuse_odd_name(source: Place, target: Place) -> None:
    if any(part in {"", ".", ".."} for part in target.key.split("/")):
        raise BadInput(f"{source.url}: no file elsewhere can have this name")


def _is_folder(place: Place) -> bool:
    try:
        return isinstance(place.store.stat(place.key), DirectoryInfo)
    except (NotFound, NotADirectory):
        return False


def _ours(error: BaseException, who: str) -> GatewayError:
    return error.__cause__ if isinstance(error.__cause__, GatewayError) else translate(error, who)
