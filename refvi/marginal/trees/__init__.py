"""Latent structure: derivations/marginal/trees.md."""
