"""Black-box variational inference: derivations/gradients/bbvi.md."""
