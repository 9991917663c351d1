"""Latent variables that are summed out: the marginal gradient, and what replaces it when the sum is too long."""
