"""The folder of a cache: its format, whether it is still the one that the index was written for, who uses it.

A folder that was copied has other inodes, and its sparse files may be torn: nothing in it is believed. It is told from
the original by the inode and change time of its VERSION file, which a copy cannot keep and a rename of the folder does
not touch.
"""

from __future__ import annotations

import contextlib
import errno
import os
import zlib

from fsspeckit_lib.cache.locks import hold_shared, is_held_elsewhere
from fsspeckit_lib.core.backend_errors import translate
from fsspeckit_lib.errors import AccessDenied, NotADirectory, NotFound, ResourceExhausted, Unavailable

__all__ = ["FOOTERS_FOLDER", "FORMAT", "INDEX_NAME", "CacheRoot", "local_error"]

FORMAT = "fsspeckit-cache 2\n"
FOOTERS_FOLDER = "footers"
"""Below the root: the statistics of parquet datasets, made anew where they are missing; outside the bounds."""
INDEX_NAME = "index.sqlite3"


class CacheRoot:
    """The opened folder.

    Attributes:
        path: absolute.
        identity: differs for every copy of the folder.
        boot_id: 63 bits that differ for every boot of the machine.
        ignores_case: the disk takes `A` and `a` for one name.
        is_first: no other process has the folder open.
        was_reset: it held another format; whatever lies in it has no claim.
        lock_descriptor: of the file whose bytes are locked while something is fetched.
    """

    def __init__(self, path: str) -> None:
        """Open or create the folder.

        Raises:
            AccessDenied, ResourceExhausted, NotADirectory: it cannot be used.
        """
        self.path = path
        try:
            os.makedirs(path, mode=0o700, exist_ok=True)
            for name in ("partial", "data"):
                os.makedirs(f"{path}/{name}", mode=0o700, exist_ok=True)
            self.was_reset, self.identity = False, ""
            try:
                self.settle()
            except OSError as error:
                if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
                    raise  # on a full disk nothing is kept, so nothing needs a format
            self.ignores_case = os.path.exists(f"{path}/version")
            with open("/proc/sys/kernel/random/boot_id", "rb") as file:
                boot_id = file.read().strip()
            self.is_first = not is_held_elsewhere(f"{path}/locks")
            self.lock_descriptor = os.open(f"{path}/locks", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            hold_shared(self.lock_descriptor)
        except (FileExistsError, NotADirectoryError) as error:
            raise NotADirectory(
                f"cache folder {path}: found a file there or above it, wanted a folder; choose another one"
            ) from error
        except OSError as error:
            raise translate(error, f"cache folder {path}: cannot be created or read") from error
        self.boot_id = (zlib.crc32(boot_id) << 31) | (zlib.adler32(boot_id) & 0x7FFFFFFF)

    def settle(self) -> None:
        """Write down the format where it is not, and learn which folder this is.

        Raises:
            OSError: the disk refuses.
        """
        self.was_reset = self._check_format()
        status = os.stat(f"{self.path}/VERSION")
        self.identity = f"{status.st_ino}:{status.st_ctime_ns}"

    def is_alone(self) -> bool:
        """Tell whether this process is the only one that has the folder open. Only true on its way out: see `close`."""
        os.close(self.lock_descriptor)
        self.lock_descriptor = -1
        return not is_held_elsewhere(f"{self.path}/locks")

    def close(self) -> None:
        """Give the folder back."""
        if self.lock_descriptor >= 0:
            os.close(self.lock_descriptor)
            self.lock_descriptor = -1

    def _check_format(self) -> bool:
        path = f"{self.path}/VERSION"
        try:
            with open(path, encoding="ascii", errors="replace") as file:
                found = file.read(100)
        except FileNotFoundError:
            found = ""
        if found == FORMAT:
            return False
        is_used = bool(found) or os.path.exists(f"{self.path}/{INDEX_NAME}")
        if is_used:  # another format: nothing of it can be trusted
            for suffix in ("", "-wal", "-shm"):
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(f"{self.path}/{INDEX_NAME}{suffix}")
        temporary = f"{path}.{os.getpid()}"
        try:
            with open(temporary, "w", encoding="ascii") as file:
                file.write(FORMAT)
            os.rename(temporary, path)
        except OSError:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary)
            raise
        return is_used


def local_error(error: OSError, root: str) -> AccessDenied | ResourceExhausted | Unavailable:
    """Return what a failure of the cache's own disk is: never that a remote file is not there."""
    translated = translate(error, f"cache folder {root}")
    if isinstance(translated, AccessDenied | ResourceExhausted):
        return translated
    if isinstance(translated, NotFound):
        return ResourceExhausted(f"cache folder {root}: something of it was removed while it was in use")
    return Unavailable(str(translated))
