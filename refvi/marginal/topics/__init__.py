"""Topics, factors and zeros: derivations/marginal/topics.md."""
