"""Typed options for every storage, from dicts, the environment, YAML and URLs."""

from fsspeckit_lib.storage_options.aws import AwsStorageOptions
from fsspeckit_lib.storage_options.azure import AzureStorageOptions
from fsspeckit_lib.storage_options.base import BaseStorageOptions
from fsspeckit_lib.storage_options.client import ClientStorageOptions
from fsspeckit_lib.storage_options.facade import (
    StorageOptions,
    from_dict,
    from_env,
    merge_storage_options,
    storage_options_from_uri,
)
from fsspeckit_lib.storage_options.gcs import GcsStorageOptions
from fsspeckit_lib.storage_options.generic import GenericStorageOptions
from fsspeckit_lib.storage_options.github import GitHubStorageOptions
from fsspeckit_lib.storage_options.gitlab import GitLabStorageOptions
from fsspeckit_lib.storage_options.hosts import FtpStorageOptions, SftpStorageOptions
from fsspeckit_lib.storage_options.http import HttpStorageOptions
from fsspeckit_lib.storage_options.local import LocalStorageOptions, MemoryStorageOptions
from fsspeckit_lib.storage_options.plugins import register_plugin
from fsspeckit_lib.storage_options.registry import storage_options_for
from fsspeckit_lib.storage_options.uri import Location, canonical_protocol, infer_protocol_from_uri
from fsspeckit_lib.storage_options.yaml_files import from_yaml, to_yaml

__all__ = [
    "AwsStorageOptions",
    "AzureStorageOptions",
    "BaseStorageOptions",
    "ClientStorageOptions",
    "FtpStorageOptions",
    "GcsStorageOptions",
    "GenericStorageOptions",
    "GitHubStorageOptions",
    "GitLabStorageOptions",
    "HttpStorageOptions",
    "LocalStorageOptions",
    "Location",
    "MemoryStorageOptions",
    "SftpStorageOptions",
    "StorageOptions",
    "canonical_protocol",
    "from_dict",
    "from_env",
    "from_yaml",
    "infer_protocol_from_uri",
    "merge_storage_options",
    "register_plugin",
    "storage_options_for",
    "storage_options_from_uri",
    "to_yaml",
]
