"""The evidence lower bound: derivations/bound/elbo.md."""
