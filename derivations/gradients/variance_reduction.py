"""Companion of variance_reduction.md: its rows, its stages and its referees."""
import itertools
from typing import NamedTuple

import numpy as np

from refvi import bernoulli, categorical, diagonal_normal, noise, normal
from refvi.base.core import expectation, score
from refvi.gradients.score_function import expected_score, score_function, variance_of_average      # noqa: F401
from refvi.gradients.variance_reduction.learned import (average_over_pilots, best_and_price,      # noqa: F401
                                                        coefficient_from_a_pilot)
from refvi.gradients.variance_reduction.leave_one_out import (covariance, leave_one_out,      # noqa: F401
                                                              mean_baseline_and_price, mean_of_all_rescaled,
                                                              sum_over_pairs)
from refvi.gradients.variance_reduction.rao_blackwell import (conditional_weight,      # noqa: F401
                                                              law_of_total_variance, local_weight, score_of_all,
                                                              score_of_own_factor, touching_terms,
                                                              variance_of_conditional, variance_of_local,
                                                              variance_of_whole)
from refvi.gradients.variance_reduction.rows import (average_of_f, completed_square,      # noqa: F401
                                                     covariance_over_variance, expectation_of_f,
                                                     one_minus_squared_correlation, quadratic_in_baseline,
                                                     ratio_of_variances, variance_at_best, variance_at_mean,
                                                     variance_without, weighted_mean, zero_of_slope)


class Law(NamedTuple):
    """q as Gauss-Hermite nodes or a list of outcomes: masses (n,), values of f (n,), and scores by hand (n, P)."""
    mass: np.ndarray
    values: np.ndarray
    scores: np.ndarray


def variance(mass, estimate):
    """Variance of an estimate (n, P) whose outcomes have the masses (n,): the mean squared distance from the mean."""
    return mass @ (estimate - mass @ estimate)**2


# ---- stages of one variable

def law_of_a_normal(f, mu, sigma, order):
    t, mass = np.polynomial.hermite_e.hermegauss(order)
    return Law(mass / mass.sum(), f(mu + sigma * t), np.stack([t / sigma, t**2 - 1], axis=-1))


def under_normal(f, mu, sigma, gradient, best, b):
    """A stage with its gradient and its best constants by hand; its law is that of two orders that agree."""
    law, second = (law_of_a_normal(f, mu, sigma, order) for order in (60, 44))
    one, other = (variance(law.mass, law.values[:, None] * law.scores) for law in (law, second))
    np.testing.assert_allclose(one, other, rtol=1e-10)
    lam = np.array([mu, np.log(sigma)])
    return dict(f=f, q=normal, lam=lam, b=b, S=2, law=law, noise=noise(normal, lam), truth=lambda: gradient,
                best=best)


def stage_normal(rng):
    """f = z^2 under N(mu, sigma^2)."""
    mu, sigma = rng.uniform(0.7, 0.9), rng.uniform(0.4, 0.5)
    best = np.array([mu**2 + 3 * sigma**2, mu**2 + 5 * sigma**2])
    stage = under_normal(np.square, mu, sigma, np.array([2 * mu, 2 * sigma**2]), best, np.array([0.9, 0.4]))
    return stage | dict(mean_by_hand=lambda: mu**2 + sigma**2)


def sine(mu, sigma):
    """f = sin z: E[sin(mu + sigma t) g(t)] by the expansion of g in Hermite polynomials."""
    fall = np.exp(-sigma**2 / 2)
    gradient = fall * np.array([np.cos(mu), -sigma**2 * np.sin(mu)])
    best = fall * np.sin(mu) * np.array([1 - sigma**2, 1 - 2 * sigma**2 + sigma**4 / 2])
    return under_normal(np.sin, mu, sigma, gradient, best, np.array([0.7, 0.2])) | dict(gradient=gradient)


def stage_sine(rng):
    """A narrow q: sin is bounded, and its best constants are somewhat below its mean."""
    mu, sigma = rng.uniform(0.6, 0.9), rng.uniform(0.5, 0.6)
    return sine(mu, sigma) | dict(mean_by_hand=lambda: np.sin(mu) * np.exp(-sigma**2 / 2))


def stage_wide_sine(rng):
    """A wide q: the mean of sin is positive, its best constants are negative."""
    stage = sine(rng.uniform(0.6, 0.9), rng.uniform(1.1, 1.3))
    return {name: stage[name] for name in ("f", "q", "lam", "S", "law")} | dict(wide=stage["law"])


def stage_categorical(rng):
    """A table of three values: every expectation is a sum. At a probability of a half the mean would be the best."""
    lam = np.array([0.1, -0.1, -0.3]) + rng.uniform(-0.1, 0.1, 3)
    table = np.array([1.9, 3.6, 1.1]) + rng.uniform(-0.1, 0.1, 3)
    pi = np.exp(lam) / np.exp(lam).sum()
    gradient = pi * (table - pi @ table)
    others = (pi @ table - pi * table) / (1 - pi)       # mean of the other two
    return dict(f=lambda z: table[z], q=categorical, lam=lam, b=np.array([2.4, 3.2, 1.7]), S=4,
                law=Law(pi, table, np.eye(3) - pi), noise=noise(categorical, lam), truth=lambda: gradient,
                best=(1 - pi) * table + pi * others, mean_by_hand=lambda: pi @ table, gradient=gradient)


def stage_pilot(rng):
    """A table of three values and five draws, two of them the pilot."""
    stage = stage_categorical(rng)
    kept = {name: stage[name] for name in ("f", "q", "lam", "law", "noise", "truth", "gradient")}
    return kept | dict(S=5, M=2, pilot=stage["noise"])


# ---- referees: the variance of an average of terms, from the law of one draw or of all S of them

def exact_variance(law, b, S):
    return variance(law.mass, (law.values[:, None] - b) * law.scores) / S


def exact_variance_without(law, S):
    return variance(law.mass, law.values[:, None] * law.scores) / S


def variance_of_a_wide_q(wide, S):
    return variance(wide.mass, wide.values[:, None] * wide.scores) / S


def exact_variance_at_mean(law, S):
    return variance(law.mass, (law.values - np.dot(law.mass, law.values))[:, None] * law.scores) / S


def best_by_hand(best):
    return best


def share_left(law, best):
    terms = law.values[:, None] * law.scores
    return variance(law.mass, terms - best * law.scores) / variance(law.mass, terms)


def shrunken_truth(gradient, S):
    return (1 - 1 / S) * gradient


def joint(law, S):
    """All S-tuples of outcomes: masses (n^S,), values (n^S, S, 1) and scores (n^S, S, P)."""
    index = np.array(list(itertools.product(range(len(law.mass)), repeat=S)))
    return np.prod(law.mass[index], axis=1), law.values[index][..., None], law.scores[index]


def mean_over_tuples(law, S):
    """E[mean of (f - its mean over all draws) u], over all S-tuples."""
    mass, f, u = joint(law, S)
    return mass @ np.mean((f - np.mean(f, axis=1, keepdims=True)) * u, axis=1)


def variance_of_pairs(law, S):
    """Variance of the sample covariance of f and the score, over all S-tuples."""
    mass, f, u = joint(law, S)
    return variance(mass, (np.sum(f * u, axis=1) - np.sum(f, axis=1) * np.sum(u, axis=1) / S) / (S - 1))


def variance_of_both(law, M, S):
    """Variance of the estimate from S - M draws whose coefficient comes from the first M, over all S-tuples."""
    mass, f, u = joint(law, S)
    learned = np.sum(f[:, :M] * u[:, :M]**2, axis=1) / np.sum(u[:, :M]**2, axis=1)
    return variance(mass, np.mean((f[:, M:] - learned[:, None]) * u[:, M:], axis=1))


# ---- estimates taken apart: their average without a baseline, and what the baseline takes off

def less_control_variate(eps, f, q, lam, b):
    u = score(q, eps, lam)
    return np.mean(f(eps)[..., None] * u, axis=1) - b * np.mean(u, axis=1)


# ---- single estimates, squared distance from the truth

def squared_deviation(eps, f, q, lam, b, gradient):
    return (score_function(eps, f, q, lam, b) - gradient)**2


def squared_deviation_of_pairs(eps, f, q, lam, gradient):
    return (leave_one_out(eps, f, q, lam) - gradient)**2


def squared_deviation_of_pilot(eps, f, q, lam, M, gradient):
    return (coefficient_from_a_pilot(eps, f, q, lam, M) - gradient)**2


def squared_deviation_of_local(eps, terms, touches, q, lam, truth):
    return (local_weight(eps, terms, touches, q, lam) - truth())**2


# ---- slips: a baseline that is not the best, and one that knows the draw it stands beside

def mean_of_f(f, q, lam):
    """The plain mean of f for every coordinate."""
    return np.full(len(lam), expectation(f, q, lam))


def mean_for_each(mean_by_hand, lam):
    return np.full(len(lam), mean_by_hand())


def own_draw_included(eps, f, q, lam):
    """The mean of all draws for a baseline, the draw itself among them. Returns (R, P)."""
    return score_function(eps, f, q, lam, np.mean(f(eps), axis=-1)[:, None, None])


# ---- a hidden chain z_1 - z_2 - z_3, q factorised; terms: three of the chain, three of the data, three of -log q

OWN = np.eye(3, dtype=bool)
PARENT = np.eye(3, k=1, dtype=bool)         # z_i stands behind the bar of the next one's term
LOCAL = np.concatenate([OWN | PARENT, OWN, OWN], axis=1)
CHILD = np.concatenate([PARENT, OWN & False, OWN & False], axis=1)


def child_forgotten(terms, touches, is_child, q, lam):
    """Forgets the terms, marked in is_child (P, F), in which z_i stands behind the bar of its child."""
    return expectation(lambda z: (terms(z) @ (touches & ~is_child).T) * score(q, z, lam), q, lam)


def log_coin(value, pi):
    return np.where(value == 1, np.log(pi), np.log1p(-pi))


def hidden_markov(rng):
    """(terms, lam, pi): binary states that mostly stay, seen through data that are mostly right."""
    start, stay, right = rng.uniform(0.6, 0.7), rng.uniform(0.8, 0.85), rng.uniform(0.85, 0.9)
    lam, x = np.array([-0.6, -0.9, -0.3]) + rng.uniform(-0.1, 0.1, 3), np.array([1, 1, 1])
    pi = 1 / (1 + np.exp(-lam))

    def terms(z):
        moves = log_coin(z[..., 1:] == z[..., :-1], stay)
        data = log_coin(z == x, right)
        return np.concatenate([log_coin(z[..., :1], start), moves, data, -log_coin(z, pi)], axis=-1)

    return terms, lam, pi


def stage_hidden_markov(rng):
    terms, lam, pi = hidden_markov(rng)
    stage = binary(terms, lam, pi, LOCAL)
    table, kept = stage["table"], LOCAL & ~CHILD
    return stage | dict(
        is_child=CHILD, exact_variance_of_whole=variance_by_table,
        without_children=lambda: difference_of_halves(lambda z, i: np.sum(table[z][kept[i]]), pi))


def stage_offset(rng):
    """Data of density e^6 times as high, in a finer unit, and an outlier of density e^-13 that knows no state."""
    terms, lam, pi = hidden_markov(rng)

    def more(z):
        outlier = np.full(np.shape(z)[:-1] + (1,), -13.)
        return np.concatenate([terms(z) + 6. * np.repeat([0, 1, 0], 3), outlier], axis=-1)

    touches = np.concatenate([LOCAL, np.zeros((3, 1), bool)], axis=1)
    return binary(more, lam, pi, touches) | dict(variance_with_an_outlier=variance_by_table)


def binary(terms, lam, pi, touches):
    """What both stages of three states hold; table: the terms of each of the eight configurations."""
    one = bernoulli._replace(log_prob=lambda z, lam: bernoulli.log_prob(z[..., None], lam))
    table = {z: terms(np.array(z)) for z in itertools.product((0, 1), repeat=3)}
    return dict(terms=terms, q=bernoulli, q_one=one, lam=lam, owner=np.arange(3), touches=touches, table=table, pi=pi,
                noise=noise(bernoulli, lam), S=3, truth=lambda: difference_of_halves(lambda z, i: np.sum(table[z]), pi))


def mass_of(z, pi):
    return np.prod([p if value else 1 - p for value, p in zip(z, pi)])


def halves(weigh, pi, i):
    """(E[weigh(z) | z_i = 0], E[weigh(z) | z_i = 1])."""
    states = list(itertools.product((0, 1), repeat=3))
    return [sum(weigh(z) * mass_of(z, pi) for z in states if z[i] == value) / (pi[i] if value else 1 - pi[i])
            for value in (0, 1)]


def difference_of_halves(weigh, pi):
    """pi_i (1 - pi_i) times the difference of the two halves of weigh(z, i), for each i."""
    return np.array([p * (1 - p) * np.diff(halves(lambda z: weigh(z, i), pi, i))[0] for i, p in enumerate(pi)])


def variance_by_table(table, pi, S):
    """Variance of f u over the eight states, u = z - pi."""
    terms = [np.sum(table[z]) * (np.array(z) - pi) for z in table]
    return variance(np.array([mass_of(z, pi) for z in table]), np.array(terms)) / S


def variance_by_halves(table, pi, S):
    """Variance of E[f | z_i] (z_i - pi_i), which takes two values."""
    found = []
    for i, p in enumerate(pi):
        low, high = halves(lambda z: np.sum(table[z]), pi, i)
        found.append(p * (1 - p) * (p * low + (1 - p) * high)**2)       # the two values differ by p low + (1 - p) high
    return np.array(found) / S


def variance_by_local_table(table, touches, pi, S):
    """Variance over the eight states of the terms that touch z_i, times z_i - pi_i."""
    terms = [[np.sum(table[z][touches[i]]) * (z[i] - pi[i]) for i in range(3)] for z in table]
    return variance(np.array([mass_of(z, pi) for z in table]), np.array(terms)) / S


def bell(z, mean, sd):
    """A normal log density up to a constant."""
    return -0.5 * ((z - mean) / sd)**2


def stage_gaussian_chain(rng):
    """z_1 ~ N(0, 1.3^2), z_(i+1) ~ N(a z_i, t^2), x_i ~ N(z_i, s^2), up to constants; quadratic."""
    a, t, s = rng.uniform(0.85, 0.95), rng.uniform(0.55, 0.65), rng.uniform(0.9, 1.1)
    x, mu = np.array([1.2, 1.5, 1.]), np.array([0.5, 0.3, -0.4]) + rng.uniform(-0.05, 0.05, 3)
    sigma = rng.uniform(0.3, 0.4, 3)
    lam = np.concatenate([mu, np.log(sigma)])

    def terms(z):
        first, links = bell(z[..., :1], 0., 1.3), bell(z[..., 1:], a * z[..., :-1], t)
        return np.concatenate([first, links, bell(x, z, s), -bell(z, mu, sigma)], axis=-1)

    def truth():
        """mu: h - L mu with L the precision of z and h = x / s^2; log sigma: 1 - L_ii sigma_i^2."""
        links = np.diag([1 / 1.3**2 + a**2 / t**2, (1 + a**2) / t**2, 1 / t**2])
        L = links + np.eye(3) / s**2 - a / t**2 * (np.eye(3, k=1) + np.eye(3, k=-1))
        return np.concatenate([x / s**2 - np.dot(L, mu), 1 - np.diag(L) * sigma**2])

    def without_children():
        """Each z_i with its parent held at its mean: the precision of z_i given it, and of its datum."""
        own, parent = np.array([1 / 1.3**2, 1 / t**2, 1 / t**2]), a * np.array([0., mu[0], mu[1]])
        return np.concatenate([(x - mu) / s**2 - own * (mu - parent), 1 - (own + 1 / s**2) * sigma**2])

    coarse = diagonal_normal._replace(nodes=lambda lam, order=20: diagonal_normal.nodes(lam, order))     # 8000 of them
    return dict(terms=terms, q=coarse, q_one=normal, lam=lam, owner=np.tile(np.arange(3), 2), truth=truth,
                touches=np.tile(LOCAL, (2, 1)), is_child=np.tile(CHILD, (2, 1)), without_children=without_children,
                noise=noise(diagonal_normal, lam), S=2)
