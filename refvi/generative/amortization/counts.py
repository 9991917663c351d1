"""Amortized inference without an autoencoder: sets of counts, each set with a rate of its own. PML.133.

z_n ~ Gamma(a, b); a set of m = sizes_n counts ~ Poisson(z_n) has the sum totals_n ~ Poisson(m z_n), which is all that
inference asks of it. Arrays (N,) hold a number for every set; values in nats per set.
"""
import autograd.numpy as np

from refvi.base.core import expectation
from refvi.base.families.gammas import gamma, gamma_lam
from refvi.base.special import gammaln


def linear_map(totals, sizes, a, b):
    """lam (N, 2) of a gamma for every set: shape and rate are linear in the sufficient statistics (1, total, size)."""
    statistics = np.stack([np.ones(len(totals)), totals, sizes], axis=-1)
    return np.log(statistics @ np.array([[a, b], [1., 0.], [0., 1.]]))


def shape_over_rate(totals, sizes, a, b):
    """Mean and variance (N, 2) of every set's rate, read off one map."""
    shape, rate = np.exp(linear_map(totals, sizes, a, b)).T
    return np.stack([shape / rate, shape / rate**2], axis=-1)


def bound_of_counts(lam, totals, sizes, a, b):
    """E_q[log p(total_n, z) - log q(z)], averaged over the sets, for gammas lam (N, 2)."""
    prior = gamma_lam(shape=a, rate=b)

    def log_weight(z, lam, total, size):
        log_likelihood = total * np.log(size * z) - size * z - gammaln(total + 1)
        return gamma.log_prob(z, prior) + log_likelihood - gamma.log_prob(z, lam)

    each = zip(lam, totals, sizes)
    return np.mean([expectation(lambda z: log_weight(z, *one), gamma, one[0], gamma.nodes(one[0], 100))
                    for one in each])


def bound_of_the_linear_map(totals, sizes, a, b):
    """The bound where every set is mapped to a gamma of its own."""
    return bound_of_counts(linear_map(totals, sizes, a, b), totals, sizes, a, b)


def bound_of_one_for_all(totals, sizes, a, b):
    """The bound where all sets get the gamma of the average set: the smoothest map, a constant."""
    average = linear_map(np.full(len(totals), np.mean(totals)), np.full(len(sizes), np.mean(sizes)), a, b)
    return bound_of_counts(average, totals, sizes, a, b)
