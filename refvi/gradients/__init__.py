"""Gradients of expectations: score function, reparameterization, their variances."""
