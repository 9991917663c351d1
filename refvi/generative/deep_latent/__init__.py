"""Deep latent Gaussian models: derivations/generative/deep_latent.md."""
