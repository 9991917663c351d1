"""Implicit reparameterization, line by line: draws by any sampler, and the derivative of the draw from the distribution function.

Shapes: points eps (k,) of q(0), z (k,) where q.transport carries them, lam (P,); rows return (k, P). Figurnov, Mohamed and Mnih (2018), Implicit
reparameterization gradients. The derivatives themselves, of gamma, beta and Student's t, are families/implicit.py.
"""
import autograd.numpy as np

from refvi.base.core import gradient_of_each, score


def slope_of_distribution_over_density(z, q, lam, mass_below):
    """-(dF/dlam) / q, where dF/dlam is the integral of the score up to z: mass_below(z) gives nodes (n,) and weights (n,) of the integral to z."""
    return np.stack([-slope_of_distribution(point, q, lam, mass_below) / np.exp(q.log_prob(point, lam)) for point in z])


def slope_of_distribution(point, q, lam, mass_below):
    """dF(z)/dlam, the expectation of the score over what lies below z. Returns (P,)."""
    t, w = mass_below(point)
    return (w * np.exp(q.log_prob(t, lam))) @ score(q, t, lam)


def derivative_of_transport(points, q, lam):
    """What the transport says of itself: autograd through the quantile function."""
    return gradient_of_each(q.transport, points, lam)
