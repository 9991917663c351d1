"""The variational autoencoder of the slides: derivations/vae.md."""
