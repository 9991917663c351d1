"""The variance of the score function and its cures: derivations/gradients/variance_reduction.md."""
