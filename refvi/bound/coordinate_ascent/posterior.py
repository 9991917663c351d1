"""The exact posterior of mean and precision of a normal, by quadrature: what gaussian.py is held against.

Given gamma, mu is normal and integrates out by hand; what is left is an integral over gamma > 0. Everything in nats.
"""
from typing import NamedTuple

import numpy as np

from refvi.base.special import gammaln, logsumexp


class Exact(NamedTuple):
    """The posterior on n nodes of gamma."""
    log_evidence: float
    gamma: np.ndarray           # (n,), the nodes
    weights: np.ndarray         # (n,), their posterior probabilities
    nu: np.ndarray              # (n,), the mean of mu given each


def posterior(data, prior, n=4000):
    """The Exact posterior of the Data under the prior: mu integrated out by hand, gamma by the trapezoid in log gamma.

    Left of its first edge the integrand falls like gamma to a power of 1/2 or more, right of its last like exp(-gamma).
    """
    counts, slow = prior.a + 0.5 * data.N, prior.b + 0.5 * data.scatter
    fast = slow + 0.5 * data.N * (data.mean - prior.nu)**2
    low = min(np.log(counts / fast), np.log(prior.tau / data.N)) - 80 / counts - 3
    edges = low, np.log((counts + 60 + 12 * np.sqrt(counts)) / slow)
    alive = ()
    while len(alive) < n // 4:          # a wide grid finds the peak, narrower ones resolve it
        t = np.linspace(*edges, n)
        gamma = np.exp(t)
        tau = prior.tau + data.N * gamma
        distance = 0.5 * prior.tau * data.N * gamma / tau * (data.mean - prior.nu)**2
        log_density = counts * t - slow * gamma - distance + 0.5 * (np.log(prior.tau) - np.log(tau))
        alive = t[log_density > np.max(log_density) - 50]
        edges = alive[0] - (t[1] - t[0]), alive[-1] + (t[1] - t[0])
    constant = prior.a * np.log(prior.b) - gammaln(prior.a) - 0.5 * data.N * np.log(2 * np.pi)
    mass = logsumexp(log_density)
    nu = (prior.tau * prior.nu + gamma * data.N * data.mean) / tau
    return Exact(float(constant + mass + np.log(t[1] - t[0])), gamma, np.exp(log_density - mass), nu)
