"""Semi-supervised learning: derivations/generative/semi_supervised.md."""
