"""The best constant learned from draws: free of bias if they are others than those of the estimate.

Shapes as in the chapter: estimators return (R, P) for eps (R, S, ...). Of the S draws the first M are the pilot;
where all pilots are averaged over, pilot is their Noise. Ranganath, Gerrish and Blei (2014); Mohamed et al. (2020).
"""
import autograd.numpy as np

from refvi.base.checks import require_count
from refvi.base.core import score
from refvi.gradients.score_function import score_function
from refvi.gradients.variance_reduction.rows import (mean_squared_score, quadratic_in_baseline, variance_at_best,
                                                     weighted_mean)


def coefficient(z, f, q, lam):
    """The weighted mean of f over the draws z (..., S): (..., P), or nan where every score vanishes."""
    squares = score(q, z, lam)**2
    return np.sum(f(z)[..., None] * squares, axis=-2) / np.sum(squares, axis=-2)


def coefficient_from_a_pilot(eps, f, q, lam, M):
    """The first M draws give the coefficient, the others the estimate. Returns (R, P)."""
    S = np.shape(f(eps))[-1]
    if not 1 <= M < S:
        raise ValueError(f"a pilot of M={M} of S={S} draws leaves none for the estimate, or is none: take 1 <= M < S")
    return score_function(eps[:, M:], f, q, lam, coefficient(eps[:, :M], f, q, lam)[:, None])


def on_pilots(f, q, lam, pilot, M):
    """(weights (n,), coefficients (n, P)) of all pilots of M draws that the rule of the noise lists."""
    ruled = pilot.rule(require_count("M", M), 40)
    if ruled is None:
        raise ValueError(f"the rule of M={M} pilot draws has too many points: "
                         "take fewer, or a family with fewer nodes")
    return ruled[1], coefficient(ruled[0], f, q, lam)


def average_over_pilots(f, q, lam, pilot, M, S):
    """The variance at the coefficient, averaged over the pilots that M of the S draws may be."""
    weights, coefficients = on_pilots(f, q, lam, pilot, M)
    return weights @ quadratic_in_baseline(f, q, lam, coefficients, S - M)


def best_and_price(f, q, lam, pilot, M, S):
    """The variance at the best constant, plus the mean squared error of the coefficient times E[u^2] / (S - M)."""
    weights, coefficients = on_pilots(f, q, lam, pilot, M)
    error = weights @ (coefficients - weighted_mean(f, q, lam))**2
    return variance_at_best(f, q, lam, S - M) + error * mean_squared_score(f, q, lam) / (S - M)
