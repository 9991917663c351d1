"""Likelihoods, heads and losses: derivations/likelihood/likelihoods.md."""
