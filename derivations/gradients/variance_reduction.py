"""Companion of variance_reduction.md: its rows, its stages and its referees."""
import itertools
from typing import NamedTuple

import numpy as np

from refvi import bernoulli, categorical, diagonal_normal, noise, normal
from refvi.gradients.score_function import score_function, variance_of_average      # noqa: F401
from refvi.gradients.variance_reduction.learned import (average_over_pilots, best_and_price,      # noqa: F401
                                                        coefficient_from_a_pilot, coefficient_from_the_same_draws)
from refvi.gradients.variance_reduction.leave_one_out import (covariance, leave_one_out,      # noqa: F401
                                                              mean_baseline_and_price, mean_of_all_rescaled,
                                                              own_draw_included, squared_deviation, sum_over_pairs)
from refvi.gradients.variance_reduction.rao_blackwell import (child_forgotten, conditional_weight,      # noqa: F401
                                                              law_of_total_variance, local_weight, score_of_all,
                                                              score_of_own_factor, touching_terms,
                                                              variance_of_conditional, variance_of_local,
                                                              variance_of_whole, whole_weight)
from refvi.gradients.variance_reduction.rows import (average_of_f, baseline_of_each, completed_square,      # noqa: F401
                                                     covariance_over_variance, expectation_of_f, mean_of_f, one_for_all,
                                                     one_minus_squared_correlation, quadratic_in_baseline,
                                                     ratio_of_variances, variance_at_best, variance_at_mean,
                                                     variance_without, weighted_mean, zero_of_slope)


class Law(NamedTuple):
    """q by another route, Gauss-Hermite nodes or a list of outcomes: masses (n,), values of f (n,), and scores by hand (n, P)."""
    mass: np.ndarray
    values: np.ndarray
    scores: np.ndarray


def variance(mass, estimate):
    """Variance of an estimate (n, P) whose outcomes have the masses (n,): the mean squared distance from the mean."""
    return mass @ (estimate - mass @ estimate)**2


# ---- stages of one variable

def under_normal(f, mu, sigma, gradient, best):
    """A stage with its gradient and its best constants by hand."""
    t, mass = np.polynomial.hermite_e.hermegauss(60)
    z, lam = mu + sigma * t, np.array([mu, np.log(sigma)])
    law = Law(mass / mass.sum(), f(z), np.stack([t / sigma, t**2 - 1], axis=-1))
    return dict(f=f, q=normal, lam=lam, b=0.7, S=2, law=law, noise=noise(normal, lam), truth=lambda: gradient, best_by_hand=lambda: best)


def stage_normal(rng):
    """f = z^2 under N(mu, sigma^2): E[f] = mu^2 + sigma^2, but the best constants hold three and five times sigma^2."""
    mu, sigma = rng.uniform(0.7, 0.9), rng.uniform(0.4, 0.5)
    return under_normal(np.square, mu, sigma, np.array([2 * mu, 2 * sigma**2]), np.array([mu**2 + 3 * sigma**2, mu**2 + 5 * sigma**2])) | dict(
        b_each=np.array([0.9, 0.4]), mean_by_hand=lambda: mu**2 + sigma**2)


def sine(mu, sigma):
    """f = sin z: E[sin(mu + sigma t) g(t)] by the expansion of g in Hermite polynomials."""
    fall = np.exp(-sigma**2 / 2)
    gradient, best = np.array([np.cos(mu), -sigma**2 * np.sin(mu)]), np.sin(mu) * np.array([1 - sigma**2, 1 - 2 * sigma**2 + sigma**4 / 2])
    return under_normal(np.sin, mu, sigma, fall * gradient, fall * best)


def stage_sine(rng):
    """A narrow q: sin is bounded, and its best constants are somewhat below its mean."""
    mu, sigma = rng.uniform(0.6, 0.9), rng.uniform(0.5, 0.6)
    stage = sine(mu, sigma)
    return stage | dict(gradient=stage["truth"](), mean_by_hand=lambda: np.sin(mu) * np.exp(-sigma**2 / 2), variance_of_pairs=variance_by_enumeration)


def stage_wide_sine(rng):
    """A wide q: the mean of sin is positive, its best constants are negative."""
    mu, sigma = rng.uniform(0.6, 0.9), rng.uniform(1.1, 1.3)
    stage = sine(mu, sigma)
    return {name: stage[name] for name in ("f", "q", "lam", "S")} | dict(variance_of_a_wide_q=lambda: exact_variance_without(stage["law"], 2))


def stage_categorical(rng):
    """A table of three values, no probability near a half, where the mean is the best baseline: every expectation is a sum."""
    lam, table = np.array([0.1, -0.1, -0.3]) + rng.uniform(-0.1, 0.1, 3), np.array([1.9, 3.6, 1.1]) + rng.uniform(-0.1, 0.1, 3)
    pi = np.exp(lam) / np.exp(lam).sum()
    gradient, rest = pi * (table - pi @ table), (pi @ table - pi * table) / (1 - pi)        # mean of the other two
    eps = noise(categorical, lam)
    return dict(f=lambda z: table[z], q=categorical, lam=lam, b=2.3, b_each=np.array([2.4, 3.2, 1.7]), S=4, M=2, law=Law(pi, table, np.eye(3) - pi),
                noise=eps, pilot=eps, truth=lambda: gradient, gradient=gradient, best_by_hand=lambda: (1 - pi) * table + pi * rest,
                variance_of_pairs=variance_by_enumeration, variance_over_tuples=variance_by_enumeration, mean_with_bias=mean_by_enumeration,
                mean_by_hand=lambda: pi @ table, variance_of_both=pilot_by_enumeration)


# ---- referees

def exact_variance(law, b, S):
    return variance(law.mass, (law.values - b)[:, None] * law.scores) / S


def exact_variance_without(law, S):
    return variance(law.mass, law.values[:, None] * law.scores) / S


def smallest_variance(law, best_by_hand, S):
    return variance(law.mass, (law.values[:, None] - best_by_hand()) * law.scores) / S


def share_left(law, best_by_hand):
    return smallest_variance(law, best_by_hand, 1) / exact_variance_without(law, 1)


def shrunken_truth(gradient, S):
    return (1 - 1 / S) * gradient


def joint(law, S):
    """All S-tuples of outcomes: masses (n^S,), values (n^S, S, 1) and scores (n^S, S, P)."""
    index = np.array(list(itertools.product(range(len(law.mass)), repeat=S)))
    return np.prod(law.mass[index], axis=1), law.values[index][..., None], law.scores[index]


def variance_by_enumeration(law, S):
    """Variance of the sample covariance of f and the score, over all S-tuples."""
    mass, f, u = joint(law, S)
    return variance(mass, (np.sum(f * u, axis=1) - np.sum(f, axis=1) * np.sum(u, axis=1) / S) / (S - 1))


def mean_by_enumeration(law, gradient, S):
    """What the coefficient from the same draws does to the mean, over all S-tuples."""
    mass, f, u = joint(law, S)
    learned = np.sum(f * u**2, axis=1) / np.sum(u**2, axis=1)
    return gradient - mass @ (learned * np.mean(u, axis=1))


def pilot_by_enumeration(law, M, S):
    """Variance of the estimate from S draws whose coefficient comes from M others, over all tuples of both."""
    mass, f, u = joint(law, M + S)
    learned = np.sum(f[:, :M] * u[:, :M]**2, axis=1) / np.sum(u[:, :M]**2, axis=1)
    return variance(mass, np.mean((f[:, M:] - learned[:, None]) * u[:, M:], axis=1))


# ---- a hidden chain z_1 - z_2 - z_3, q factorised; terms: three of the chain, three of the data, three of -log q

OWN = np.eye(3, dtype=bool)
PARENT = np.eye(3, k=1, dtype=bool)         # z_i stands behind the bar of the next one's term
LOCAL = np.concatenate([OWN | PARENT, OWN, OWN], axis=1)
CHILD = np.concatenate([PARENT, OWN & False, OWN & False], axis=1)


def log_coin(value, pi):
    return np.where(value == 1, np.log(pi), np.log1p(-pi))


def hidden_markov(rng):
    """Binary states that mostly stay, seen through data that are mostly right; q believes otherwise."""
    start, stay, right = rng.uniform(0.6, 0.7), rng.uniform(0.8, 0.85), rng.uniform(0.85, 0.9)
    lam, x = np.array([-0.6, -0.9, -0.3]) + rng.uniform(-0.1, 0.1, 3), np.array([1, 1, 1])
    pi = 1 / (1 + np.exp(-lam))

    def terms(z):
        moves = log_coin(z[..., 1:] == z[..., :-1], stay)
        return np.concatenate([log_coin(z[..., :1], start), moves, log_coin(z == x, right), -log_coin(z, pi)], axis=-1)

    return terms, lam, pi


def stage_hidden_markov(rng):
    terms, lam, pi = hidden_markov(rng)
    stage = binary(terms, lam, pi, LOCAL)
    return stage | dict(noise=noise(bernoulli, lam), is_child=CHILD, truth=lambda: difference_of_halves(stage["table"], pi), exact_variance_of_whole=variance_by_table)


def stage_offset(rng):
    """The same chain with data of density e^6 times as high, in a finer unit, and an outlier of density e^-13 that knows no state."""
    terms, lam, pi = hidden_markov(rng)

    def more(z):
        return np.concatenate([terms(z) + 6. * np.repeat([0, 1, 0], 3), np.full(np.shape(z)[:-1] + (1,), -13.)], axis=-1)

    return binary(more, lam, pi, np.concatenate([LOCAL, np.zeros((3, 1), bool)], axis=1)) | dict(variance_with_an_outlier=variance_by_table)


def binary(terms, lam, pi, touches):
    one = bernoulli._replace(log_prob=lambda z, lam: bernoulli.log_prob(z[..., None], lam))
    table = {z: float(np.sum(terms(np.array(z)))) for z in itertools.product((0, 1), repeat=3)}
    return dict(terms=terms, q=bernoulli, q_one=one, lam=lam, owner=np.arange(3), touches=touches, table=table, pi=pi, S=3)


def mass_of(z, pi):
    return np.prod([p if value else 1 - p for value, p in zip(z, pi)])


def difference_of_halves(table, pi):
    """d/dlambda_i E[f] = pi_i (1 - pi_i) (E[f | z_i = 1] - E[f | z_i = 0])."""
    halves = [[sum(f * mass_of(z, pi) for z, f in table.items() if z[i] == value) / (p if value else 1 - p) for value in (0, 1)] for i, p in enumerate(pi)]
    return np.array([p * (1 - p) * (one - zero) for p, (zero, one) in zip(pi, halves)])


def variance_by_table(table, pi, S):
    """Variance of f u over the eight states, u = z - pi."""
    return variance(np.array([mass_of(z, pi) for z in table]), np.array([f * (np.array(z) - pi) for z, f in table.items()])) / S


def bell(z, mean, sd):
    """A normal log density up to a constant."""
    return -0.5 * ((z - mean) / sd)**2


def stage_gaussian_chain(rng):
    """z_1 ~ N(0, 1.3^2), z_(i+1) ~ N(a z_i, t^2), x_i ~ N(z_i, s^2), up to constants: quadratic, so that the gradient is done by hand."""
    a, t, s = rng.uniform(0.85, 0.95), rng.uniform(0.55, 0.65), rng.uniform(0.9, 1.1)
    x, mu, sigma = np.array([1.2, 1.5, 1.]), np.array([0.5, 0.3, -0.4]) + rng.uniform(-0.05, 0.05, 3), rng.uniform(0.3, 0.4, 3)
    lam = np.concatenate([mu, np.log(sigma)])

    def terms(z):
        return np.concatenate([bell(z[..., :1], 0., 1.3), bell(z[..., 1:], a * z[..., :-1], t), bell(x, z, s), -bell(z, mu, sigma)], axis=-1)

    def truth():
        """mu: h - L mu with L the precision of z and h = x / s^2; log sigma: 1 - L_ii sigma_i^2."""
        L = np.diag([1 / 1.3**2 + a**2 / t**2, (1 + a**2) / t**2, 1 / t**2]) + np.eye(3) / s**2 - a / t**2 * (np.eye(3, k=1) + np.eye(3, k=-1))
        return np.concatenate([x / s**2 - L @ mu, 1 - np.diag(L) * sigma**2])

    q = diagonal_normal._replace(nodes=lambda lam, order=20: diagonal_normal.nodes(lam, order))      # three dimensions: 8000 nodes will do
    return dict(terms=terms, q=q, q_one=normal, lam=lam, owner=np.tile(np.arange(3), 2), touches=np.tile(LOCAL, (2, 1)), is_child=np.tile(CHILD, (2, 1)),
                truth=truth)
