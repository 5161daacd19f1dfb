"""SQL to predicates, and predicates to pruning."""
