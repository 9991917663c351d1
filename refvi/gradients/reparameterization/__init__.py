"""The reparameterized gradient: derivations/gradients/reparameterization.md."""
