"""pg_catalog and information_schema over the configured datasets."""

from fsspeckit_sqlserver.catalog.catalog import Catalog, CatalogTable

__all__ = ["Catalog", "CatalogTable"]
