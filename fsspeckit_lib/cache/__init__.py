"""The structure-preserving cache."""
