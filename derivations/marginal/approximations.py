"""Companion of approximations.md: its rows, its stages and its referees."""
import itertools
import math

import autograd.numpy as anp
import numpy as np
from referees import by_differences
from scipy import integrate, stats

from refvi import Estimate, Model, categorical, noise, normal
from refvi.base.special import logsumexp
from refvi.likelihood.conditional.decisions import beam_search
from refvi.marginal.approximations import (differentiated_average, gradient_of_log_average,      # noqa: F401
                                           log_of_average, truncated_responsibilities)

# ---- averages over the prior

K = 3


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


def over_all_counts(x, theta, prior, S):
    """E log of the average, over how often each value of z is drawn."""
    p, total = densities(x, theta), 0.
    for a in range(S + 1):
        for b in range(S + 1 - a):
            n = np.array([a, b, S - a - b])
            total += stats.multinomial.pmf(n, S, prior) * np.log(n @ p / S)
    return total


def leading_term(prior, likelihood):
    return (prior @ likelihood**2 / (prior @ likelihood)**2 - 1) / 2


def scaled_gap(prior, likelihood):
    """S times the gap over all counts, extrapolated by two orders of 1/S.

    What is left falls as 1/S^3. The error is what half of all S change, or a quarter of what a quarter of them changed
    on the way there, if that is more: the first can vanish by chance.
    """
    def scaled(S):
        a, b = np.meshgrid(np.arange(S + 1), np.arange(S + 1))
        n = np.stack([a, b, S - a - b], axis=-1)[a + b <= S]
        return -S * stats.multinomial.pmf(n, S, prior) @ np.log(n @ likelihood / S / np.dot(prior, likelihood))

    gaps = [scaled(S) for S in (10, 20, 40, 80, 160)]
    coarse, middle, fine = ((8 * c - 6 * b + a) / 3 for a, b, c in zip(gaps, gaps[1:], gaps[2:]))
    return Estimate(fine, max(abs(fine - middle), abs(middle - coarse) / 4))


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
    def integrand(x):
        return x * np.tanh(centre * x) * 0.5 * (stats.norm.pdf(x - centre) + stats.norm.pdf(x + centre))

    return Estimate(*integrate.quad(integrand, -12, 12, epsabs=1e-12))


def hard_update(centre):
    """Every x assigned to the nearer centre by the truncated responsibilities, on two grids of midpoints."""
    def on_grid(n):
        x = (np.arange(n) + 0.5) * 24 / n - 12
        density = 0.5 * (np.exp(-0.5 * (x - centre)**2) + np.exp(-0.5 * (x + centre)**2)) / np.sqrt(2 * np.pi)
        side = truncated_responsibilities(np.stack([centre * x, -centre * x], axis=1), 1) @ [1., -1.]
        return np.sum(x * side * density) * 24 / n

    coarse, fine = on_grid(2000), on_grid(4000)
    return Estimate((4 * fine - coarse) / 3, abs(fine - coarse) / 3)


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
