"""`fsspeckit ls|cat|cp|rm|sync|du|tree`: any storage from the command line.

Results go to stdout, as text for people or with `--json` as one object a line; progress and failures go to stderr.
"""

from fsspeckit_lib.storage_commands.contents import cat, rm
from fsspeckit_lib.storage_commands.listing import du, ls, tree
from fsspeckit_lib.storage_commands.transfer import cp, sync

__all__ = ["cat", "cp", "du", "ls", "rm", "sync", "tree"]
