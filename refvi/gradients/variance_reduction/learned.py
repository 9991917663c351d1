"""The best constant learned from draws: biased from the same draws, free of bias from others.

Shapes as in the chapter: estimators return (R, P) for eps (R, S, ...). A pilot is a Noise, M draws of which teach the coefficient.
Ranganath, Gerrish and Blei (2014); on the bias from the same draws, Mohamed et al. (2020).
"""
import autograd.numpy as np

from refvi.base.checks import require_count
from refvi.base.core import score
from refvi.gradients.variance_reduction.rows import (baseline_of_each, mean_squared_score, quadratic_in_baseline,
                                                     variance_at_best, weighted_mean)


def coefficient(z, f, q, lam):
    """The weighted mean of f, from the draws z (..., S) at hand: (..., P). Where every score vanishes there is no weight, and it is nan."""
    squares = score(q, z, lam)**2
    return np.sum(f(z)[..., None] * squares, axis=-2) / np.sum(squares, axis=-2)


def coefficient_from_the_same_draws(eps, f, q, lam):
    """The coefficient has seen the scores that it multiplies. Returns (R, P)."""
    return baseline_of_each(eps, f, q, lam, coefficient(eps, f, q, lam)[..., None, :])


def coefficient_from_a_pilot(eps, f, q, lam):
    """The first half of the draws gives the coefficient, the second the estimate: one is constant for the other. Returns (R, P)."""
    S = np.shape(f(eps))[-1]
    if S % 2:
        raise ValueError(f"S={S} draws do not split into a pilot and as many for the estimate: take an even number")
    return baseline_of_each(eps[:, S // 2:], f, q, lam, coefficient(eps[:, :S // 2], f, q, lam)[:, None, :])


def on_pilots(f, q, lam, pilot, M):
    """(weights (n,), coefficients (n, P)) of all pilots of M draws that the rule of the noise lists."""
    ruled = pilot.rule(require_count("M", M), 40)
    if ruled is None:
        raise ValueError(f"the rule of M={M} pilot draws has too many points: take fewer, or a family with fewer nodes")
    return ruled[1], coefficient(ruled[0], f, q, lam)


def average_over_pilots(f, q, lam, pilot, M, S):
    """The parabola at the coefficient, averaged over pilots: no pilot moves the mean, so the means add no variance of their own."""
    weights, coefficients = on_pilots(f, q, lam, pilot, M)
    return weights @ quadratic_in_baseline(f, q, lam, coefficients, S)


def best_and_price(f, q, lam, pilot, M, S):
    """The lowest point of the parabola, and the squared error of the coefficient times E[u^2] / S."""
    weights, coefficients = on_pilots(f, q, lam, pilot, M)
    return variance_at_best(f, q, lam, S) + weights @ (coefficients - weighted_mean(f, q, lam))**2 * mean_squared_score(f, q, lam) / S
