"""The exact posterior of mean and precision of a normal, by one-dimensional quadrature: what q(mu) q(gamma) of gaussian.py is held against.

Given gamma, mu is normal and integrates out by hand; what is left is an integral over gamma > 0. Everything in nats.
"""
from typing import NamedTuple

import numpy as np

from refvi.base.special import gammaln, logsumexp


class Exact(NamedTuple):
    """The posterior on nodes of gamma: log evidence, gamma (n,), weights (n,) that sum to one, and the mean of mu at each node (n,)."""
    log_evidence: float
    gamma: np.ndarray
    weights: np.ndarray
    nu: np.ndarray


def posterior(data, prior, n=4000):
    """The Exact posterior of the Data under the prior: mu integrated out by hand, gamma by the trapezoid in log gamma.

    To the left of its first edge the integrand falls like a power of gamma of at least 1/2, to the right of its second like exp(-gamma).
    """
    counts, slow = prior.a + 0.5 * data.N, prior.b + 0.5 * data.scatter
    fast = slow + 0.5 * data.N * (data.mean - prior.nu)**2
    edges = min(np.log(counts / fast), np.log(prior.tau / data.N)) - 80 / counts - 3, np.log((counts + 60 + 12 * np.sqrt(counts)) / slow)
    alive = ()
    while len(alive) < n // 4:          # a wide grid finds the peak, narrower ones resolve it
        t = np.linspace(*edges, n)
        gamma = np.exp(t)
        tau = prior.tau + data.N * gamma
        log_density = (counts * t - slow * gamma - 0.5 * prior.tau * data.N * gamma / tau * (data.mean - prior.nu)**2
                       + 0.5 * (np.log(prior.tau) - np.log(tau)))
        alive = t[log_density > np.max(log_density) - 50]
        edges = alive[0] - (t[1] - t[0]), alive[-1] + (t[1] - t[0])
    constant = prior.a * np.log(prior.b) - gammaln(prior.a) - 0.5 * data.N * np.log(2 * np.pi)
    total = logsumexp(log_density) + np.log(t[1] - t[0])
    return Exact(float(constant + total), gamma, np.exp(log_density - logsumexp(log_density)), (prior.tau * prior.nu + gamma * data.N * data.mean) / tau)
