"""Companion of approximations.md: its rows, its stages and its referees."""
import itertools
import math

import autograd.numpy as anp
import numpy as np
from referees import bell, by_differences
from scipy import integrate, special, stats

from refvi import Estimate, Model, categorical, noise, normal
from refvi.base.special import logsumexp
from refvi.likelihood.conditional.decisions import beam_search
from refvi.marginal.approximations import (differentiated_average, gradient_of_log_average,      # noqa: F401
                                           log_of_average, truncated_responsibilities)

# ---- averages over the prior

K = 3
MANY, DEGREES = 10 * np.arange(1, 7), (3, 4, 5)     # numbers of draws from which the limit is told, and how


def stage_prior(rng):
    """z one of three with fixed probabilities, x | z ~ N(mu_z, sigma_z^2), theta = (mu, log sigma); two draws."""
    prior, x = rng.dirichlet([9, 12, 15]), rng.uniform(0.6, 0.9)
    mu = np.array([-2., 1., 2.5]) + rng.uniform(-0.2, 0.2, K)
    log_sigma = np.array([0.1, -0.3, 0.2]) + rng.uniform(-0.1, 0.1, K)

    def log_likelihood(x, z, theta):
        return normal.log_prob(x, anp.stack([picked(theta[..., :K], z), picked(theta[..., K:], z)], axis=-1))

    p = Model(lambda z, theta: np.log(prior)[z], log_likelihood)
    return dict(p=p, x=x, theta=np.concatenate([mu, log_sigma]), prior=prior, S=2,
                noise=noise(categorical, np.log(prior)), likelihood=stats.norm.pdf(x, mu, np.exp(log_sigma)))


def picked(values, z):
    """The z-th of the last axis; values may carry sample axes."""
    return anp.sum(values * (z[..., None] == np.arange(K)), axis=-1)


def densities(x, theta):
    """p(x | z) of the three values of z at any theta, by SciPy."""
    return stats.norm.pdf(x, theta[:K], np.exp(theta[K:]))


def gradient_of_density(x, theta, prior, likelihood):
    """By hand: each density times its own slope, in its mean and in its log sigma."""
    t = (x - theta[:K]) / np.exp(theta[K:])
    return np.concatenate([prior * likelihood * t / np.exp(theta[K:]), prior * likelihood * (t**2 - 1)])


def slope_by_differences(x, theta, prior):
    return by_differences(lambda t: prior @ densities(x, t), theta)


def evidence_in_logs(prior, likelihood):
    return np.log(prior @ likelihood)


def sum_in_logs(p, x, theta):
    """From the model's own log densities, added in logs."""
    return logsumexp(p.log_joint(np.arange(K), x, theta))


def over_all_tuples(prior, likelihood, S):
    """E log of the average, over all S-tuples of prior draws."""
    tuples = map(list, itertools.product(range(K), repeat=S))
    return sum(np.prod(prior[z]) * np.log(np.mean(likelihood[z])) for z in tuples)


def mass_of_counts(n, prior):
    """Multinomial probability (...,) that the values of z are drawn n (..., K) times."""
    return special.factorial(np.sum(n, axis=-1)) * np.prod(prior**n / special.factorial(n), axis=-1)


def over_all_counts(x, theta, prior, S):
    """E log of the average, over how often each value of z is drawn."""
    p, total = densities(x, theta), 0.
    for z in itertools.combinations_with_replacement(range(K), S):
        n = np.bincount(z, minlength=K)
        total += mass_of_counts(n, prior) * np.log(n @ p / S)
    return total


def leading_term(prior, likelihood):
    return (prior @ likelihood**2 / (prior @ likelihood)**2 - 1) / 2


def for_many_draws(scaled):
    """scaled(S) as S grows: a polynomial in 1/S continued to 0; its error is how far three degrees disagree."""
    values = np.array([scaled(S) for S in MANY])
    *_, fine = found = [np.polyfit(1 / MANY, values, degree)[-1] for degree in DEGREES]
    return Estimate(fine, np.ptp(found, axis=0))


def scaled_gap(prior, likelihood):
    """S times the gap. A logarithm is an integral, log m = int (exp(-t) - exp(-m t)) / t dt, and under it the S draws
    part: a power.
    """
    ratio = likelihood / (prior @ likelihood)

    def scaled(S):
        return S * integrate.quad(lambda t: ((prior @ np.exp(-t * ratio / S))**S - np.exp(-t)) / t,
                                  0., np.inf, epsabs=1e-13, epsrel=1e-11, limit=200)[0]

    return for_many_draws(scaled)


def slope_of_evidence(x, theta, prior, likelihood):
    """By hand: responsibilities times the slopes of the log densities."""
    t, share = (x - theta[:K]) / np.exp(theta[K:]), prior * likelihood / (prior @ likelihood)
    return np.concatenate([share * t / np.exp(theta[K:]), share * (t**2 - 1)])


def evidence_by_differences(x, theta, prior):
    return by_differences(lambda t: np.log(prior @ densities(x, t)), theta)


def ratio_over_all_tuples(x, theta, prior, likelihood, S):
    """E of the ratio of averages, over all S-tuples: each draw moves the parameters of its own component."""
    sigma = np.exp(theta[K:])
    t, total = (x - theta[:K]) / sigma, 0.
    for z in itertools.product(range(K), repeat=S):
        share = np.bincount(z, minlength=K) * likelihood / likelihood[list(z)].sum()
        total = total + np.prod(prior[list(z)]) * np.concatenate([share * t / sigma, share * (t**2 - 1)])
    return total


def slope_of_the_bound(x, theta, prior, S):
    return by_differences(lambda t: over_all_counts(x, t, prior, S), theta)


def slope_of_the_leading_term(x, theta, prior):
    return by_differences(lambda t: leading_term(prior, densities(x, t)), theta)


def scaled_bias(p, x, theta, prior, likelihood):
    """S times what the gradient of the log of an average lacks, over all counts of the three values."""
    def scaled(S):
        draws = np.array(list(itertools.combinations_with_replacement(range(K), S)))
        counts = np.stack([np.sum(draws == k, axis=1) for k in range(K)], axis=1)
        mean = mass_of_counts(counts, prior) @ gradient_of_log_average(draws, p, x, theta)
        return S * (slope_of_evidence(x, theta, prior, likelihood) - mean)

    return for_many_draws(scaled)


# ---- sums cut short

def stage_truncation(rng):
    """Six components of unequal weights around one datum: gradients in the six means."""
    means = np.array([-1.4, -0.5, 0.2, 0.9, 1.6, 2.6]) + rng.uniform(-0.1, 0.1, 6)
    return dict(means=means, shares=rng.dirichlet(np.full(6, 20.)), datum=rng.uniform(0.4, 0.6))


def all_six(means, shares, datum):
    density = shares * stats.norm.pdf(datum, means, 0.8)
    return density / density.sum() * (datum - means) / 0.64


def best_six(means, shares, datum):
    log_joint = np.log(shares) - 0.5 * (datum - means)**2 / 0.64
    return (truncated_responsibilities(log_joint[None], len(means)) * (datum - means) / 0.64).ravel()


def best_three(means, shares, datum):
    kept = truncated_responsibilities((np.log(shares) - 0.5 * ((datum - means) / 0.8)**2)[None], 3)
    return kept[0] * (datum - means) / 0.64


def largest_of_all_triples(means, shares, datum):
    """Those three that hold most of the joint density, found by trying all twenty triples."""
    density = shares * stats.norm.pdf(datum, means, 0.8)
    triple = list(max(itertools.combinations(range(6), 3), key=lambda chosen: sum(density[k] for k in chosen)))
    gradient = np.zeros(6)
    gradient[triple] = density[triple] / density[triple].sum() * (datum - means[triple]) / 0.64
    return gradient


def stage_hard(rng):
    return dict(centre=rng.uniform(0.6, 0.9))


def the_centre(centre):
    return centre


def soft_update(centre):
    """E[x tanh(centre x)] under the two components, by quadrature."""
    return Estimate(*integrate.quad(lambda x: x * np.tanh(centre * x) * np.mean(stats.norm.pdf(x, [centre, -centre])),
                                    -np.inf, np.inf, epsabs=1e-12))


def hard_update(centre):
    """Every x assigned to the nearer centre by the truncated responsibilities, by quadrature on either side of zero."""
    def integrand(x):
        log_joint = np.log(0.5) + bell(x, np.array([centre, -centre]))
        return truncated_responsibilities(log_joint[None], 1)[0] @ [x, -x] * np.sum(np.exp(log_joint))

    return Estimate(*np.add(integrate.quad(integrand, -np.inf, 0, epsabs=1e-12),
                            integrate.quad(integrand, 0, np.inf, epsabs=1e-12)))


def mean_of_the_folded(centre):
    """E|x| for x ~ (N(centre, 1) + N(-centre, 1))/2."""
    return centre * (2 * stats.norm.cdf(centre) - 1) + 2 * stats.norm.pdf(centre)


def stage_words(rng):
    """Three words out of three: the likeliest first word leads to a worse sentence."""
    first = np.array([0.45, 0.35, 0.20]) + rng.uniform(-0.02, 0.02, 3)
    second = np.array([[0.36, 0.33, 0.31], [0.80, 0.15, 0.05], [0.6, 0.3, 0.1]]) + rng.uniform(-0.01, 0.01, (3, 3))
    third = np.array([0.58, 0.27, 0.15]) + rng.uniform(-0.06, 0.06, (3, 3, 3))
    tables = [table / table.sum(axis=-1, keepdims=True) for table in (first, second, third)]
    return dict(tables=tables, log_next=lambda prefix: np.log(tables[len(prefix)][prefix]))


def best_by_enumeration(tables):
    first, second, third = tables
    return max(first[i] * second[i, j] * third[i, j, k] for i, j, k in itertools.product(range(3), repeat=3))


def wide_beam(log_next):
    return np.exp(beam_search(log_next, length=3, width=9)[1])


def greedy(log_next):
    return np.exp(beam_search(log_next, 3, 1)[1])


def likeliest_words_in_turn(tables):
    first, second, third = tables
    i = np.argmax(first)
    j = np.argmax(second[i])
    return math.prod([first[i], second[i, j], np.max(third[i, j])])
