"""Implicit reparameterization, line by line: draws by any sampler, their derivative from the distribution function.

Shapes: points eps (k,) of q(0), z (k,) where q.transport carries them, lam (P,); rows return (k, P). What autograd is
told of the quantile functions of gamma, beta and Student's t stands in base/families/implicit.py. Figurnov, Mohamed and
Mnih (2018), Implicit reparameterization gradients.
"""
import autograd.numpy as np

from refvi.base.core import gradient_of_each, score


def slope_of_distribution_over_density(z, q, lam, mass_below):
    """-(dF/dlam) / q at every z; mass_below(z) gives nodes and weights (n,) of the integral up to z. (k, P)"""
    return np.stack([-slope_of_distribution(point, q, lam, mass_below) / np.exp(q.log_prob(point, lam)) for point in z])


def slope_of_distribution(point, q, lam, mass_below):
    """dF/dlam at one point: the integral up to it of the density times its score. Returns (P,)."""
    t, w = mass_below(point)
    return (w * np.exp(q.log_prob(t, lam))) @ score(q, t, lam)


def derivative_of_transport(points, q, lam):
    """The derivative of q.transport in lam by autograd, at every point of the noise. (k, P)"""
    return gradient_of_each(q.transport, points, lam)
