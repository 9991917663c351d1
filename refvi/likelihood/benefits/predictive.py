"""A mixture of K normals with a prior on all that it does not know, its posterior by Gibbs sampling, and what it
predicts. WI and UA, "What are the benefits of probabilistic models?".

Shapes: data x (N,), standardized; draws hold shares, mu and sd (T, K) of T draws from the posterior. Prior: shares
uniform, precision 1/sd_k^2 ~ Gamma(shape, rate), mu_k ~ N(centre, sd_k^2 / pseudo).
"""
from typing import NamedTuple

import numpy as np
from scipy.special import gammaln, ndtr

from refvi.base.checks import require_count, require_finite, require_positive, require_shape, require_some, spread
from refvi.base.special import logsumexp


class Prior(NamedTuple):
    """Of mean and precision of one component."""
    centre: float = 0.
    pseudo: float = 0.1         # data that the prior of a mean is worth
    shape: float = 2.
    rate: float = 0.5


class Draws(NamedTuple):
    """T draws of a mixture's parameters."""
    shares: np.ndarray          # (T, K)
    mu: np.ndarray
    sd: np.ndarray


def updated(prior, count, total, square):
    """The prior after `count` data with this sum and sum of squares, numbers or arrays alike: again a Prior."""
    pseudo = prior.pseudo + count
    centre = (prior.pseudo * prior.centre + total) / pseudo
    rate = prior.rate + 0.5 * (square + prior.pseudo * prior.centre**2 - pseudo * centre**2)
    return Prior(centre, pseudo, prior.shape + 0.5 * count, rate)


def log_evidence(x, prior):
    """log p(x) in nats of data (N,) from one component, mean and precision integrated out."""
    x = require_data(x)
    after = updated(prior, len(x), np.sum(x), np.sum(x**2))
    return (gammaln(after.shape) - gammaln(prior.shape) + prior.shape * np.log(prior.rate)
            - after.shape * np.log(after.rate) + 0.5 * np.log(prior.pseudo / after.pseudo)
            - 0.5 * len(x) * np.log(2 * np.pi))


def require_data(x):
    """x (N,), or a ValueError."""
    return require_finite("x", require_some("x", require_shape("x", x, (None,), "one number for each of N data")))


def gibbs(rng, x, K, sweeps, burn=200, prior=Prior()):
    """Draws (sweeps, K) from the posterior: parameters given labels, labels given parameters, in turn."""
    x, first = require_data(x), 1 + require_count("burn", burn)
    require_positive("pseudo, shape, rate", np.array(prior[1:]), "a proper prior")
    labels = np.argsort(np.argsort(x)) * require_count("K", K) // len(x)
    kept = Draws(*np.empty((3, require_count("sweeps", sweeps), K)))
    for sweep in range(1 - first, sweeps):
        counts, totals, squares = (np.bincount(labels, weight, K) for weight in (None, x, x**2))
        after = updated(prior, counts, totals, squares)
        sd = 1 / np.sqrt(rng.gamma(after.shape) / after.rate)
        mu = after.centre + sd / np.sqrt(after.pseudo) * rng.standard_normal(K)
        shares = rng.dirichlet(1. + counts)
        labels = np.argmax(log_parts(x, shares, mu, sd) + rng.gumbel(size=(len(x), K)), axis=1)
        if sweep >= 0:
            kept.shares[sweep], kept.mu[sweep], kept.sd[sweep] = shares, mu, sd
    return kept


def log_parts(x, shares, mu, sd):
    """log p(x_n, z_n = k) (..., N, K) in nats; shares, mu, sd (..., K)."""
    t = (x[:, None] - mu[..., None, :]) / sd[..., None, :]
    return np.log(shares / sd)[..., None, :] - 0.5 * t**2 - 0.5 * np.log(2 * np.pi)


def predictive(x, draws):
    """(log density, distribution function), (N,) each, of new data x, averaged over the draws."""
    x, log_p, below = require_data(x), -np.inf, 0.
    T = len(draws.mu)
    for shares, mu, sd in zip(*draws):              # one by one: T N K numbers would not fit into a cache
        log_p = np.logaddexp(log_p, logsumexp(log_parts(x, shares, mu, sd), axis=1))
        below = below + ndtr((x[:, None] - mu) / sd) @ shares
    return log_p - np.log(T), below / T


def replicate(rng, draws, N):
    """For each draw of the parameters a data set of N from it, (T, N)."""
    T, K = draws.mu.shape
    labels = np.argmax(np.log(draws.shares)[:, None] + rng.gumbel(size=(T, N, K)), axis=2)
    mu, sd = (np.take_along_axis(values, labels, axis=1) for values in (draws.mu, draws.sd))
    return mu + sd * rng.standard_normal((T, N))


def excess_kurtosis(x):
    """Fourth moment around the mean in units of the variance squared, less 3 (...,) of x (..., N): zero for a normal.

    ValueError for data that are all alike.
    """
    x = require_finite("x", require_some("x", require_shape("x", x, (..., None), "N data on the last axis")))
    sd = np.moveaxis(spread(np.moveaxis(x, -1, 0))[None], 0, -1)
    if not np.all(sd):
        raise ValueError(f"x holds N={np.shape(x)[-1]} data that are all alike: they have no kurtosis")
    return np.mean(((x - np.mean(x, axis=-1, keepdims=True)) / sd)**4, axis=-1) - 3
