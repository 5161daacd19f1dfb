"""Typed options for every storage, from dicts, the environment, YAML and URLs."""

from fsspeckit_lib.storage_options.aws import AwsStorageOptions
from fsspeckit_lib.storage_options.azure import AzureStorageOptions
from fsspeckit_lib.storage_options.base import BaseStorageOptions
from fsspeckit_lib.storage_options.client import ClientStorageOptions
from fsspeckit_lib.storage_options.gcs import GcsStorageOptions
from fsspeckit_lib.storage_options.generic import GenericStorageOptions
from fsspeckit_lib.storage_options.hosts import FtpStorageOptions, SftpStorageOptions
from fsspeckit_lib.storage_options.http import HttpStorageOptions
from fsspeckit_lib.storage_options.local import LocalStorageOptions, MemoryStorageOptions
from fsspeckit_lib.storage_options.plugins import register_plugin
from fsspeckit_lib.storage_options.registry import storage_options_for
from fsspeckit_lib.storage_options.uri import Location, canonical_protocol, infer_protocol_from_uri

__all__ = [
    "AwsStorageOptions",
    "AzureStorageOptions",
    "BaseStorageOptions",
    "ClientStorageOptions",
    "FtpStorageOptions",
    "GcsStorageOptions",
    "GenericStorageOptions",
    "HttpStorageOptions",
    "LocalStorageOptions",
    "Location",
    "MemoryStorageOptions",
    "SftpStorageOptions",
    "canonical_protocol",
    "infer_protocol_from_uri",
    "register_plugin",
    "storage_options_for",
]
