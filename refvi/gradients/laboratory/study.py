"""The study: variances of any estimators with their standard errors, and where two variances cross.

An estimator is a function (eps, f, q, lam) -> (R, P); variances are those of an average of S draws, coordinate by coordinate, (P,).
Mohamed, Rosca, Figurnov and Mnih (2020), Monte Carlo gradient estimation in machine learning, whose integrands these are.
"""
import autograd.numpy as np
from scipy.optimize import brentq

from refvi.base.checks import require_count
from refvi.gradients.laboratory.measure_valued import variance_of_halves
from refvi.gradients.laboratory.moments import block_moments, merged, require_replicates, variance_with_error
from refvi.gradients.laboratory.rows import base_noise, variance_of_path, variance_of_score

BLOCK = 2**16           # draws held at once, over all repetitions, times parameters


# ---- integrands: functions of z (..., S) alone, of curvature k

def quadratic(k):
    return lambda z, lam=None: (z - k)**2


def bump(k):
    return lambda z, lam=None: np.exp(-k * z**2)


def cosine(k):
    return lambda z, lam=None: np.cos(k * z)


def sine(k):
    return lambda z, lam=None: np.sin(k * z)


def exponential(k):
    return lambda z, lam=None: np.exp(k * z)


# ---- the study

def variance_study(estimators, f, q, lam, rng, replicates, S):
    """{name: Estimate(variance (P,), its standard error (P,))} of estimates from S draws, each measured on `replicates` fresh estimates.

    estimators: {name: estimator} or {name: (estimator, noise)} where it has a noise of its own, as measure_valued has weak_noise(). In blocks: memory
    does not grow with the replicates. ValueError for too few replicates, or an estimator that returns another shape than (R, P).
    """
    require_count("S", S)
    require_replicates(replicates)
    found = {}
    for name, entry in estimators.items():
        estimator, eps = entry if isinstance(entry, tuple) else (entry, base_noise(q, lam))
        size, moments = max(1, BLOCK // (S * len(lam))), None
        for start in range(0, replicates, size):
            R = min(size, replicates - start)
            g = estimator(eps.draw(rng, R, S), f, q, lam)
            if np.shape(g) != (R, len(lam)):
                raise ValueError(f"estimator {name!r} returned shape {np.shape(g)} for {R} repetitions of {S} draws, expected ({R}, {len(lam)}): "
                                 "one gradient for each repetition, averaged over its draws")
            moments = merged(moments, block_moments(g))
        found[name] = variance_with_error(*moments)
    return found


# ---- how far a measured variance lies off; g: outcome -> value, q a family of outcomes, S the number of replicates

def from_fourth_moment(g, q, lam, S):
    """Variance of the sample variance of S replicates, for any law that has a fourth moment. A number."""
    z, w = q.nodes(lam)
    p = w * np.exp(q.log_prob(z, lam))
    off = g(z) - p @ g(z)
    return (p @ off**4 - (S - 3) / (S - 1) * (p @ off**2)**2) / S


def as_if_normal(g, q, lam, S):
    """The same for a normal law, whose fourth moment is three squared variances."""
    z, w = q.nodes(lam)
    p = w * np.exp(q.log_prob(z, lam))
    return 2 * (p @ (g(z) - p @ g(z))**2)**2 / (S - 1)


def squared_error_of_variance(eps, g, q, lam):
    """How far one sample variance lies off, squared. Returns (R,)."""
    z, w = q.nodes(lam)
    p = w * np.exp(q.log_prob(z, lam))
    return (np.var(g(eps), axis=-1, ddof=1) - p @ (g(z) - p @ g(z))**2)**2


# ---- where two variances cross

def crossing(first, second, low, high):
    """The k between low and high at which two variances, functions of k, are equal; ValueError where their order does not change."""
    def difference(k):
        return np.log(first(k)) - np.log(second(k))

    at_low, at_high = difference(low), difference(high)
    if at_low * at_high > 0:
        raise ValueError(f"the variances do not change their order between k = {low:g} and {high:g}: ratio {np.exp(at_low):.3g} there, {np.exp(at_high):.3g} here")
    return brentq(difference, low, high, xtol=1e-13, rtol=1e-13)


def curvature_of_equal_variance(q, lam):
    """The c at which sin(c z) is as hard for the path as for the score, in the mean of q: sought between 0.5 and 3 over sigma."""
    sigma = np.exp(lam[1])
    return crossing(lambda c: variance_of_path(sine(c), q, lam, 1)[0], lambda c: variance_of_score(sine(c), q, lam, 1)[0], 0.5 / sigma, 3 / sigma)


def distance_of_equal_variance(q, lam):
    """How far k must lie from the mean for coupled halves to be as hard as the path on (z - k)^2, in the mean of q."""
    mu, sigma = lam[0], np.exp(lam[1])
    return crossing(lambda k: variance_of_halves(quadratic(k), q, lam, 1)[0], lambda k: variance_of_path(quadratic(k), q, lam, 1)[0],
                    mu + 0.5 * sigma, mu + 5 * sigma) - mu
