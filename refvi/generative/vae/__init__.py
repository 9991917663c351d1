"""The variational autoencoder: derivations/generative/vae.md."""
