"""The variance of the score function, and what a constant does to it: derivations/gradients/variance_reduction.md.

leave_one_out.py, learned.py and rao_blackwell.py beside this file hold the other cures. Shapes: z (..., S) or (...,
S, D), f(z) (..., S), lam (P,), the score u (..., S, P); deterministic rows return (P,), estimators (R, P) for eps (R,
S, ...). Squares, products and quotients of scores are taken coordinate by coordinate. PML, "Recap & Conclusions":
beware of the variance; Ranganath, Gerrish and Blei (2014), Black box variational inference; Mohamed et al. (2020),
Monte Carlo gradient estimation in machine learning.
"""
import autograd.numpy as np
from autograd import elementwise_grad

from refvi.base.core import expectation, score
from refvi.gradients.score_function import variance_of_average


def on_nodes(f, q, lam):
    """(density (n,), f (n, 1), score (n, P)) on the nodes of q(lam): density @ g is the expectation of g."""
    z, w = q.nodes(lam)
    return w * np.exp(q.log_prob(z, lam)), f(z)[:, None], score(q, z, lam)


# ---- an average of f itself

def expectation_of_f(f, q, lam):
    """E[f(z)], a number."""
    return expectation(f, q, lam)


def average_of_f(eps, f):
    """Average of f over S draws z_s = eps_s ~ q(lam). Returns (R,). PML, "BBVI - calculating the gradient"."""
    return np.mean(f(eps), axis=-1)


# ---- what a constant b does to the variance

def quadratic_in_baseline(f, q, lam, b, S):
    """The variance as a parabola in b, which may be a number, (P,), or (n, P) for n guesses at once."""
    p, f, u = on_nodes(f, q, lam)
    return (p @ (f * u)**2 - 2 * b * (p @ (f * u**2)) + b**2 * (p @ u**2) - (p @ (f * u))**2) / S


def completed_square(f, q, lam, b, S):
    """The lowest point of the parabola, plus the squared distance of b from it times the curvature."""
    return variance_at_best(f, q, lam, S) + (b - weighted_mean(f, q, lam))**2 * mean_squared_score(f, q, lam) / S


def mean_squared_score(f, q, lam):
    """E[u^2], the diagonal of the Fisher information."""
    p, _, u = on_nodes(f, q, lam)
    return p @ u**2


# ---- the best constant

def zero_of_slope(f, q, lam):
    """Where the slope of the parabola is zero: from b = 0, one step by slope over curvature."""
    b, ones = np.zeros(len(lam)), np.ones(len(lam))
    slope = elementwise_grad(lambda b: np.sum(quadratic_in_baseline(f, q, lam, b, 1)))
    return b - slope(b) / (slope(b + ones) - slope(b))


def covariance_over_variance(f, q, lam):
    """Cov[f u, u] / Var[u]: the coefficient of the regression of one term f u on the score."""
    p, f, u = on_nodes(f, q, lam)
    return (p @ (f * u * u) - (p @ (f * u)) * (p @ u)) / (p @ u**2 - (p @ u)**2)


def weighted_mean(f, q, lam):
    """The mean of f with weights u^2: draws with a large score count for more."""
    p, f, u = on_nodes(f, q, lam)
    return (p @ (f * u**2)) / (p @ u**2)


# ---- what it saves

def variance_at_best(f, q, lam, S):
    """The variance at the best constant of each coordinate, b = E[f u^2] / E[u^2]."""
    p, f, u = on_nodes(f, q, lam)
    return (p @ (f * u)**2 - (p @ (f * u**2))**2 / (p @ u**2) - (p @ (f * u))**2) / S


def variance_at_mean(f, q, lam, S):
    """The variance with the baseline E[f]."""
    return variance_of_average(f, q, lam, expectation(f, q, lam), S)


def variance_without(f, q, lam, S):
    """The variance without a baseline."""
    return variance_of_average(f, q, lam, 0., S)


def ratio_of_variances(f, q, lam):
    """The share of the variance that the best constant leaves."""
    return variance_at_best(f, q, lam, 1) / variance_without(f, q, lam, 1)


def one_minus_squared_correlation(f, q, lam):
    """One minus the squared correlation of a term f u with the score u, its control variate."""
    p, f, u = on_nodes(f, q, lam)
    term, control = f * u - p @ (f * u), u - p @ u
    return 1 - (p @ (term * control))**2 / (p @ term**2 * (p @ control**2))
