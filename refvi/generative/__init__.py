"""Latent variable models with networks: linear anchors, amortization, deep latents, the VAE."""
