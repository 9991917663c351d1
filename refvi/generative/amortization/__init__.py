"""Amortized inference: derivations/generative/amortization.md."""
