"""The marginal gradient: derivations/marginal/marginal_gradient.md."""
