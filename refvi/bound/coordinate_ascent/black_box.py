"""The factors of gaussian.py as a Family, for those who climb the same bound by stochastic gradients.

z = (mu, gamma) (..., S, 2); lam = (nu, log sd, log a, log b), so that every real vector is a pair of factors.
"""
import autograd.numpy as np

from refvi.base.core import Family
from refvi.base.families.gammas import gamma, gamma_lam
from refvi.base.families.gaussian import normal
from refvi.bound.coordinate_ascent.gaussian import Factors


def factors_log_prob(z, lam):
    """log q(mu) + log q(gamma), (..., S)."""
    return normal.log_prob(z[..., 0], lam[..., :2]) + gamma.log_prob(z[..., 1], lam[..., 2:])


def factors_sample(rng, lam, size):
    """Draws z (*size, 2)."""
    return np.stack([normal.sample(rng, lam[:2], size), gamma.sample(rng, lam[2:], size)], axis=-1)


def factors_nodes(lam, order=64):
    """All pairs of the factors' own nodes."""
    (mu, w), (precision, v) = normal.nodes(lam[:2], order), gamma.nodes(lam[2:], order)
    grid = np.stack(np.meshgrid(mu, precision, indexing="ij"), axis=-1)
    return grid.reshape(-1, 2), np.outer(w, v).ravel()


factors = Family(factors_log_prob, factors_sample, factors_nodes)       # the score function asks for no transport


def lam_of(q):
    """lam (4,) of Factors."""
    return np.array([q.nu, -0.5 * np.log(q.tau), np.log(q.a), np.log(q.b)])


def factors_of(lam):
    """Factors of lam (4,)."""
    return Factors(lam[0], np.exp(-2 * lam[1]), np.exp(lam[2]), np.exp(lam[3]))


def log_joint(z, data, prior):
    """log p(x, mu, gamma) (..., S) at z (..., S, 2), all that black-box inference asks for."""
    mu, precision = z[..., 0], z[..., 1]
    squares = data.scatter + data.N * (data.mean - mu)**2
    likelihood = 0.5 * data.N * (np.log(precision) - np.log(2 * np.pi)) - 0.5 * precision * squares
    prior_of_mean = normal.log_prob(mu, np.array([prior.nu, -0.5 * np.log(prior.tau)]))
    return likelihood + prior_of_mean + gamma.log_prob(precision, gamma_lam(shape=prior.a, rate=prior.b))
