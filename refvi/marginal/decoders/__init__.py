"""Decoders, networks with a latent variable in their input: derivations/marginal/decoders.md."""
