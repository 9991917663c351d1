"""Linear latent variables: the exact anchors: derivations/generative/linear_latent.md."""
