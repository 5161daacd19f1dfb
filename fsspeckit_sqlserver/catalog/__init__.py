"""Configured datasets as tables, and the system catalogs clients ask for."""
