"""Stand-ins for GitLab and GitHub: their public APIs over real Git repositories, on real HTTP, with faults."""

from fsspeckit_lib.testing.forge.faults import Fault, FaultScript
from fsspeckit_lib.testing.forge.github import GitHubServer
from fsspeckit_lib.testing.forge.gitlab import GitLabServer
from fsspeckit_lib.testing.forge.repository import GitFile, GitRepository, link, submodule
from fsspeckit_lib.testing.forge.server import ForgeServer, Project, Seen

__all__ = [
    "Fault",
    "FaultScript",
    "ForgeServer",
    "GitFile",
    "GitHubServer",
    "GitLabServer",
    "GitRepository",
    "Project",
    "Seen",
    "link",
    "submodule",
]
