"""Companion of mle.md: its rows, its stages and its referees."""
import itertools

import autograd.numpy as anp
import numpy as np
from scipy import stats

from refvi import Estimate, Noise, categorical, noise, normal
from refvi.base.optimize import gradient_ascent
from refvi.likelihood.mle.rows import (ascent_iterate, ascent_near_the_limit, ascent_too_far,      # noqa: F401
                                       average_over_indices, gradient_of_sum, log_of_product, mean_of_logs,
                                       minibatch_gradient, robbins_monro_mean, run_ends_outside, squared_deviation,
                                       squared_error_of_ascent, sum_of_gradients, sum_of_logs, uniform_expectation,
                                       variance_with_replacement, variance_without_replacement, weighted_sum,
                                       without_replacement)

N = 7


# ---- three likelihoods; minibatches of two with replacement, of three without

def normal_data(rng):
    """Data x, theta = (mu, log sigma), and the gradient of each log density by hand (N, 2)."""
    x, theta = np.array([-2.3, -0.6, 0.1, 0.9, 1.6, 3.2, 6.7]) + rng.uniform(-0.3, 0.3, N), np.array([rng.uniform(0.2, 0.5), rng.uniform(0.3, 0.6)])
    mu, sigma = theta[0], np.exp(theta[1])
    each = np.stack([(x - mu) / sigma**2, ((x - mu) / sigma)**2 - 1], axis=-1)
    return dict(log_density=normal.log_prob, x=x, theta=theta, log_likelihood=lambda: stats.norm.logpdf(x, mu, sigma).sum()), each


def stage_normal(rng):
    supplied, each = normal_data(rng)
    return supplied | dict(closed_gradient=lambda: each.sum(axis=0), S=2, noise=noise(categorical, np.zeros(N)),
                           variance_over_pairs=lambda S: spread(each, list(itertools.product(range(N), repeat=S))))


def stage_subsets(rng):
    supplied, each = normal_data(rng)
    return supplied | dict(closed_gradient=lambda: each.sum(axis=0), S=3, noise=without_replacement(N),
                           variance_over_subsets=lambda S: spread(each, list(itertools.combinations(range(N), S))))


def stage_categorical(rng):
    """Four outcomes with logits theta; the data are counted."""
    x, theta = np.array([0, 1, 1, 2, 2, 2, 3]), np.array([0.5, -0.2, -0.4, 0.3]) + rng.uniform(-0.2, 0.2, 4)
    counts, pi = np.bincount(x), np.exp(theta) / np.exp(theta).sum()
    return dict(log_density=categorical.log_prob, x=x, theta=theta, S=2, noise=noise(categorical, np.zeros(N)),
                log_likelihood=lambda: counts @ np.log(pi), closed_gradient=lambda: counts - N * pi)


def stage_logistic(rng):
    """Labels given two inputs: a datum is the row (label, inputs). WI and UA, a classifier sigma(y'theta)."""
    y = np.array([[1.6, -0.9], [-0.3, 0.5], [1.3, 0.1], [2.0, -1.5], [0.1, 0.3], [0.9, -1.2], [-0.7, 0.8]]) + rng.uniform(-0.2, 0.2, (N, 2))
    theta = rng.uniform(0.4, 0.9, 2) * [1, -1]
    label = np.array([1., 0, 1, 1, 0, 1, 0])
    pi = 1 / (1 + np.exp(-y @ theta))

    def log_density(x, theta):
        a = anp.sum(x[..., 1:] * theta, axis=-1)
        return x[..., 0] * a - anp.log1p(anp.exp(a))

    return dict(log_density=log_density, x=np.column_stack([label, y]), theta=theta, S=2, noise=noise(categorical, np.zeros(N)),
                log_likelihood=lambda: stats.bernoulli.logpmf(label, pi).sum(), closed_gradient=lambda: y.T @ (label - pi))


def spread(each, batches):
    """Variance over a list of all equally likely minibatches of N/M times their summed gradient."""
    estimates = [len(each) / len(batch) * sum(each[n] for n in batch) for batch in batches]
    mean = sum(estimates) / len(estimates)
    return sum((g - mean)**2 for g in estimates) / len(estimates)


# ---- how ascent moves

def stage_quadratic(rng):
    a, low, high = rng.uniform(0.3, 1.2), rng.uniform(0.5, 0.8), rng.uniform(2.1, 3.2)
    turn = np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]])
    theta0, top = rng.uniform(1, 2, 2) * [1, -1], rng.uniform(-1, -0.5, 2) * [1, -1]        # apart along the steep direction, whatever a

    def closed_iterate(T, rate):
        return top + turn @ (np.array([1 - rate * low, 1 - rate * high])**T * (turn.T @ (theta0 - top)))

    return dict(theta0=theta0, top=top, H=turn @ np.diag([low, high]) @ turn.T, rate=rng.uniform(0.15, 0.3), T=25, closed_iterate=closed_iterate,
                distance_at_the_start=lambda: np.linalg.norm(theta0 - top))


def stage_stream(rng):
    """Steps of constant size towards data drawn at random, T = S of them."""
    x, theta0, rate = rng.normal(0.7, 1.4, 5) + np.array([0, 0, 0, 1, 3]), rng.uniform(-0.8, -0.3), rng.uniform(0.3, 0.5)

    def error_by_recursion(S):
        square = (theta0 - x.mean())**2
        for _ in range(S):
            square = (1 - rate)**2 * square + rate**2 * x.var()
        return square

    def error_in_closed_form(x, theta0, rate, S):
        left = (1 - rate)**(2 * S)
        return rate / (2 - rate) * np.var(x) * (1 - left) + left * (theta0 - np.mean(x))**2

    return dict(x=x, theta0=theta0, rate=rate, S=6, noise=noise(categorical, np.zeros(5)), error_by_recursion=error_by_recursion,
                error_in_closed_form=error_in_closed_form, neighbourhood=lambda: rate / (2 - rate) * x.var(), mean_of_data=lambda x: np.sum(x) / len(x))


def stage_frozen(rng):
    """Steps of size 1/(2 t^2), whose sum is finite, towards a top at zero."""
    return dict(start=rng.uniform(1.2, 2.3))


def limit_of_the_product(start):
    """prod_t (1 - 1/(2 t^2)) = sin(pi sqrt(1/2)) / (pi sqrt(1/2))."""
    return start * np.sin(np.pi * 0.5**0.5) / (np.pi * 0.5**0.5)


def frozen_ascent(start, steps=3000):
    """What is left to go after many steps; the steps not taken would change it by less than start / (2 steps)."""
    return Estimate(gradient_ascent(lambda theta: -theta, np.array([start]), steps, lambda t: 0.5 / t**2).lam[0], start / (2 * steps))


def the_top(start):
    return 0. * start


# ---- where there is no maximum

def stage_separable(rng):
    """Labels that a threshold at zero explains without fault."""
    y = np.array([-2.1, -1.3, -0.4, 0.6, 1.2, 2.4]) + rng.uniform(-0.2, 0.2, 6)
    return dict(margins=np.abs(y), weight=rng.uniform(0.6, 1.4))


def likelihood_at_weight(margins, weight):
    return -np.sum(np.logaddexp(0, -weight * margins))


def ten_times_the_weight(margins, weight):
    return np.log(np.prod(1 / (1 + np.exp(-10 * weight * margins))))


def supremum():
    return 0.


# ---- the categorical mass as a product

def stage_outcome(rng):
    return dict(pi=rng.dirichlet([3, 4, 5]))


def total_mass(pi):
    return np.sum(pi)


def product_over_outcomes(pi):
    """Each outcome's own probability to the power of its indicator."""
    return sum(np.prod([pi[i]**(x == i) for i in range(len(pi))]) for x in range(len(pi)))


def product_without_index(pi):
    """As printed: the whole vector to the power of each indicator, read coordinate by coordinate and summed over outcomes and coordinates."""
    return np.sum([np.prod([pi**(x == i) for i in range(len(pi))], axis=0) for x in range(len(pi))])


def half_of_the_runs():
    return 0.5


def stage_cauchy(rng):
    """Noise without a variance, nine steps."""
    return dict(top=rng.uniform(0.4, 0.9), width=rng.uniform(0.3, 0.7), S=9, noise=Noise(lambda rng, R, S: rng.standard_cauchy((R, S)), None))
