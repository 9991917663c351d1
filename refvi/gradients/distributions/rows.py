"""Reparametrizable distributions, line by line, what holds for every transport: derivations/gradients/distributions.md.

table.py has the slide's formulas, implicit.py draws whose noise is implied, relaxed.py the categorical made smooth.
Shapes: noise eps (R, S) or (R, S, D), carried to z = q.transport(eps, lam); points (k,) or (k, D) of the noise, z where
they are carried to; lam (P,). PML, "Reparametrizable Distributions"; Mohamed et al. (2020), Monte Carlo gradient
estimation in machine learning.
"""
import autograd.numpy as np
from autograd import elementwise_grad, grad, jacobian


def density_of_family(z, q, lam):
    """The density that a family claims. Returns (k,)."""
    return np.exp(q.log_prob(z, lam))


def noise_over_slope(points, q, lam, log_noise):
    """The density of the noise, exp(log_noise(points)), over the size of the transport's slope. Returns (k,)."""
    return np.exp(log_noise(points) - log_slope(points, q, lam))


def log_slope(points, q, lam):
    """log |d transport / d eps| at every point, for vectors that of the Jacobian's determinant. Returns (k,)."""
    if np.ndim(points) == 1:
        return np.log(np.abs(elementwise_grad(q.transport)(points, lam)))
    return np.array([np.linalg.slogdet(jacobian(q.transport)(point, lam))[1] for point in points])


def share_below(eps, q, lam, x):
    """The share of S carried draws that are at most x (k,). Returns (R, k)."""
    return np.mean(q.transport(eps, lam)[..., None] <= x, axis=1)


def gradient_over_noise(f, q, lam, base):
    """The gradient in lam of the expectation of f(z, lam) over the noise base, by its rule. Returns (P,)."""
    points, mass = base.rule(1, order=64)
    return grad(lambda lam: mass @ f(q.transport(points, lam), lam)[:, 0])(lam)
