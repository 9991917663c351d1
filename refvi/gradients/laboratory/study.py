"""The study: variances of any estimators with their standard errors, and where two variances cross.

An estimator is a function (eps, f, q, lam) -> (R, P); variances (P,) are those of an average of S draws.
Mohamed, Rosca, Figurnov and Mnih (2020), Monte Carlo gradient estimation in machine learning, has the integrands.
"""
import autograd.numpy as np
from scipy.optimize import brentq

from refvi.base.checks import require_count
from refvi.base.core import expectation
from refvi.gradients.laboratory.moments import block_moments, merged, require_replicates, variance_with_error
from refvi.gradients.laboratory.rows import base_noise, variance_of_path, variance_of_score

BLOCK = 2**16           # draws held at once, over all repetitions, times parameters


# ---- integrands: functions of z (..., S) alone, of curvature, distance or frequency k

def quadratic(k):
    """(z - k)^2."""
    return lambda z, lam=None: (z - k)**2


def bump(k):
    """exp(-k z^2)."""
    return lambda z, lam=None: np.exp(-k * z**2)


def cosine(k):
    """cos(k z)."""
    return lambda z, lam=None: np.cos(k * z)


def sine(k):
    """sin(k z)."""
    return lambda z, lam=None: np.sin(k * z)


# ---- the study

def variance_study(estimators, f, q, lam, rng, replicates, S):
    """{name: Estimate(variance (P,), its standard error (P,))} of estimates from S draws, each measured on `replicates`
    of them.

    estimators: {name: estimator}, or {name: (estimator, noise)} for one with a noise of its own, as measure_valued has
    weak_noise(). In blocks: memory does not grow with the replicates. ValueError for too few replicates, or for an
    estimator that returns another shape than (R, P).
    """
    require_count("S", S)
    require_replicates(replicates)
    found = {}
    for name, entry in estimators.items():
        estimator, base = entry if isinstance(entry, tuple) else (entry, base_noise(q, lam))
        size, moments = max(1, BLOCK // (S * len(lam))), None
        for start in range(0, replicates, size):
            R = min(size, replicates - start)
            g = require_gradients(name, estimator(base.draw(rng, R, S), f, q, lam), R, S, len(lam))
            moments = merged(moments, block_moments(g))
        found[name] = variance_with_error(*moments)
    return found


def require_gradients(name, g, R, S, P):
    """g, or a ValueError where an estimator did not return one gradient for each repetition."""
    if np.shape(g) != (R, P):
        raise ValueError(f"estimator {name!r} returned shape {np.shape(g)} for {R} repetitions of {S} draws, "
                         f"expected ({R}, {P}): one gradient for each repetition, averaged over its draws")
    return g


# ---- how far a measured variance lies off; g: outcome -> value, q a family of outcomes, S replicates

def from_fourth_moment(g, q, lam, S):
    """Variance of the sample variance of S replicates, for any law that has a fourth moment. A number."""
    mean = expectation(g, q, lam)
    second, fourth = (expectation(lambda z: (g(z) - mean)**power, q, lam) for power in (2, 4))
    return (fourth - (S - 3) / (S - 1) * second**2) / S


def squared_error_of_variance(eps, g, q, lam):
    """The squared distance (R,) of the sample variance of S replicates from the variance."""
    mean = expectation(g, q, lam)
    variance = expectation(lambda z: (g(z) - mean)**2, q, lam)
    return (np.var(g(eps), axis=-1, ddof=1) - variance)**2


# ---- where two variances cross

def crossing(first, second, low, high):
    """The k between low and high at which two variances, functions of k, are equal; ValueError where their order
    does not change."""
    def difference(k):
        return np.log(first(k)) - np.log(second(k))

    at_low, at_high = difference(low), difference(high)
    if at_low * at_high > 0:
        raise ValueError(f"the variances do not change their order between k = {low:g} and {high:g}: "
                         f"ratio {np.exp(at_low):.3g} there, {np.exp(at_high):.3g} here")
    return brentq(difference, low, high, xtol=1e-13, rtol=1e-13)


def frequency_of_equal_variance(q, lam, low, high):
    """The k between low and high at which sin(k z) is as hard for the path as for the score, in the mean of q."""
    return crossing(lambda k: variance_of_path(sine(k), q, lam, 1)[0],
                    lambda k: variance_of_score(sine(k), q, lam, 1)[0], low, high)
