"""The reparameterized gradient, line by line: derivations/reparameterization.md.

Shapes: noise eps (R, S, ...) ~ q(0), z = q.transport(eps, lam) alike; f(z, lam) (..., S) in nats, where lam comes with sample axes of its own,
(..., P), to be read as lam[..., p]; estimators return (R, P). PML, "The Reparametrization Trick"; Kingma and Welling (2014), Auto-encoding variational Bayes.
"""
import autograd.numpy as np

from refvi.core import carried, gradient_of_each


def path_gradient(eps, f, q, lam):
    """The gradient in lam of the average of f(z_s, lam) over S draws z_s = transport(eps_s, lam): through the draws, and wherever else lam stands. Returns (R, P)."""
    def average(eps, lam):
        lam = lam[..., None, :]
        z = carried(q, eps, lam)
        return np.mean(one_for_each(f(z, lam), np.shape(eps)[:2]), axis=-1)
    return gradient_of_each(average, eps, lam)


def one_for_each(values, shape):
    """values, or a ValueError where they are not one number for each of the R repetitions of S draws."""
    if np.shape(values) != shape:
        R, S = shape
        raise ValueError(f"f returned shape {np.shape(values)} for {R} repetitions of {S} draws, expected ({R}, {S}): one number for each draw, "
                         "sums over data and over the parts of z taken inside")
    return values
