"""Conditional models, and what is decided with them: derivations/likelihood/conditional.md."""
