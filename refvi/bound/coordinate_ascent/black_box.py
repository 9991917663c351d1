"""The factors of gaussian.py as a Family, for those who climb the same bound by stochastic gradients.

z = (mu, gamma) (..., S, 2); lam = (nu, log sd, log a, log b), so that every vector of real numbers is a pair of factors.
"""
import autograd.numpy as np

from refvi.base.core import Family
from refvi.base.families.gaussian import normal
from refvi.base.families.lam import trapezoid
from refvi.base.special import gammaln
from refvi.bound.coordinate_ascent.gaussian import Factors


def gamma_log_prob(z, lam):
    a, b = np.exp(lam[..., 0]), np.exp(lam[..., 1])
    return a * lam[..., 1] - gammaln(a) + (a - 1) * np.log(z) - b * z


def gamma_nodes(lam, order=64):
    """The trapezoid in log gamma: exponential decay at rate a on the left, faster on the right."""
    a, b = np.exp(lam)
    t, h = trapezoid(order)
    stretch = np.sqrt(2 / min(a, 1.)) / max(1., np.sqrt(a))
    z = a / b * np.exp(stretch * t)
    return z, stretch * h * z


def factors_log_prob(z, lam):
    return normal.log_prob(z[..., 0], lam[..., :2]) + gamma_log_prob(z[..., 1], lam[..., 2:])


def factors_sample(rng, lam, size):
    return np.stack([normal.sample(rng, lam[:2], size), rng.gamma(np.exp(lam[2]), np.exp(-lam[3]), size)], axis=-1)


def factors_nodes(lam, order=64):
    (mu, w), (gamma, v) = normal.nodes(lam[:2], order), gamma_nodes(lam[2:], order)
    return np.stack(np.meshgrid(mu, gamma, indexing="ij"), axis=-1).reshape(-1, 2), np.outer(w, v).ravel()


factors = Family(factors_log_prob, factors_sample, factors_nodes)       # no transport: a Gamma has none in closed form


def lam_of(q):
    """lam (4,) of Factors."""
    return np.array([q.nu, -0.5 * np.log(q.tau), np.log(q.a), np.log(q.b)])


def factors_of(lam):
    """Factors of lam (4,)."""
    return Factors(lam[0], np.exp(-2 * lam[1]), np.exp(lam[2]), np.exp(lam[3]))


def log_joint(z, data, prior):
    """log p(x, mu, gamma) (..., S) at z (..., S, 2), all that black-box inference asks for."""
    mu, gamma = z[..., 0], z[..., 1]
    likelihood = 0.5 * data.N * (np.log(gamma) - np.log(2 * np.pi)) - 0.5 * gamma * (data.scatter + data.N * (data.mean - mu)**2)
    return (likelihood + normal.log_prob(mu, np.array([prior.nu, -0.5 * np.log(prior.tau)]))
            + gamma_log_prob(gamma, np.log(np.array([prior.a, prior.b]))))
