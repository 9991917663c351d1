"""Reparameterizable distributions: derivations/gradients/distributions.md."""
