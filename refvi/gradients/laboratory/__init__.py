"""The estimator laboratory: derivations/gradients/laboratory.md."""
