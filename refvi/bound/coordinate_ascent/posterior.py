"""The exact posterior of mean and precision of a normal, by quadrature: what gaussian.py is held against.

Given gamma, mu is normal and integrates out by hand; what is left is an integral over gamma > 0. Everything in nats.
"""
from typing import NamedTuple

import numpy as np

from refvi.base.core import around_peak
from refvi.base.special import gammaln, logsumexp


class Exact(NamedTuple):
    """The posterior on n nodes of gamma."""
    log_evidence: float
    gamma: np.ndarray           # (n,), the nodes
    weights: np.ndarray         # (n,), their posterior probabilities
    nu: np.ndarray              # (n,), the mean of mu given each


def heights(data, prior, n=4000):
    """(gamma (n,), log of the posterior density of log gamma there up to a constant, distance of the nodes).

    mu is integrated out by hand. Left of the first node the density falls like gamma to a power of 1/2 or more, right
    of the last like exp(-gamma).
    """
    counts, slow, away = prior.a + 0.5 * data.N, prior.b + 0.5 * data.scatter, (data.mean - prior.nu)**2

    def log_density(t):
        gamma = np.exp(t)
        tau = prior.tau + data.N * gamma
        distance = 0.5 * prior.tau * data.N * gamma / tau * away
        return counts * t - slow * gamma - distance + 0.5 * (np.log(prior.tau) - np.log(tau))

    t, found, step = around_peak(log_density, n=n, edges=(
        min(np.log(counts / (slow + 0.5 * data.N * away)), np.log(prior.tau / data.N)) - 80 / counts - 3,
        np.log((counts + 60 + 12 * np.sqrt(counts)) / slow)))
    return np.exp(t), found, step


def mean_given(gamma, data, prior):
    """The mean of mu given gamma."""
    return (prior.tau * prior.nu + gamma * data.N * data.mean) / (prior.tau + data.N * gamma)


def posterior(data, prior, n=4000):
    """The Exact posterior of the Data under the prior, by the trapezoid in log gamma."""
    gamma, found, step = heights(data, prior, n)
    mass = logsumexp(found)
    constant = prior.a * np.log(prior.b) - gammaln(prior.a) - 0.5 * data.N * np.log(2 * np.pi)
    return Exact(float(constant + mass + np.log(step)), gamma, np.exp(found - mass), mean_given(gamma, data, prior))


def exact_moments(data, prior):
    """Mean and standard deviation of mu, then of gamma, under the posterior. (4,)"""
    gamma, found, _ = heights(data, prior)
    weights, nu = np.exp(found - logsumexp(found)), mean_given(gamma, data, prior)
    mean, middle = weights @ nu, weights @ gamma
    variance = weights @ (1 / (prior.tau + data.N * gamma) + (nu - mean)**2)
    return np.array([mean, variance**0.5, middle, (weights @ (gamma - middle)**2)**0.5])
