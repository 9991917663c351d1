"""Reparametrizable distributions, line by line: derivations/gradients/distributions.md. Here what holds for every transport; table.py holds the slide's
formulas, implicit.py draws whose noise is only implied, relaxed.py the categorical made smooth.

Shapes: noise eps (R, S) or (R, S, D), carried to z = q.transport(eps, lam); points (k,) or (k, D) of the noise, z (k,) or (k, D) where they are
carried to; lam (P,). PML, "Reparametrizable Distributions"; Mohamed et al. (2020), Monte Carlo gradient estimation.
"""
import autograd.numpy as np
from autograd import elementwise_grad, grad, jacobian


# ---- the density of what the noise becomes

def density_of_family(z, q, lam):
    """The density a family claims. Returns (k,)."""
    return np.exp(q.log_prob(z, lam))


def noise_over_slope(points, q, lam, log_noise):
    """The density of the noise over the size of the slope, for vectors over that of the determinant of the Jacobian. Returns (k,)."""
    return np.exp(log_noise(points) - log_slope(points, q, lam))


def log_slope(points, q, lam):
    """log |d transport / d eps| at every point. Returns (k,)."""
    if np.ndim(points) == 1:
        return np.log(np.abs(elementwise_grad(q.transport)(points, lam)))
    return np.array([np.linalg.slogdet(jacobian(q.transport)(point, lam))[1] for point in points])


def slope_forgotten(points, log_noise):
    """The density of the noise, as if it were carried along unchanged. Returns (k,)."""
    return np.exp(log_noise(points))


# ---- draws of what the noise becomes

def share_below(eps, q, lam, x):
    """The share of S carried draws that are at most x (k,). Returns (R, k)."""
    return np.mean(q.transport(eps, lam)[..., None] <= x, axis=1)


# ---- gradients

def gradient_over_noise(f, q, lam, base):
    """The gradient in lam of an expectation over the noise, base, by its rule: the noise does not know lam. Returns (P,)."""
    points, mass = base.rule(1, 64)
    return grad(lambda lam: mass @ f(q.transport(points, lam), lam)[:, 0])(lam)
