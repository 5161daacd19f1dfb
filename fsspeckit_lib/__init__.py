"""The shared library of the gateway: storages, the cache, SQL translation and datasets."""
