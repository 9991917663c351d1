"""Companion of score_function.md: its rows, its stages and its referees."""
import numpy as np
from referees import by_differences, under_normal
from scipy import stats

from refvi import Estimate, beta, categorical, diagonal_normal, noise, normal
from refvi.base.core import expectation, gradient_of_each, score
from refvi.base.models import linear_gaussian, regression
from refvi.gradients.score_function import (average_score, density_times_score, expected_score,      # noqa: F401
                                            expected_weighted_score, gradient_of_integral, gradient_of_one,
                                            integral_of_gradient, log_weight, mean_score, product_rule, score_function,
                                            squared_standard_error, variance_of_average, weighted_score)


def zero(lam):
    return np.zeros(len(lam))


# ---- the identities, at three points: densities by SciPy, differentiated by differences

def points(q, lam, z, density, log_joint):
    """density(lam) (3,) at the points z; the log weight is log_joint(z) - log q(z)."""
    return dict(q=q, lam=lam, z=z, density=density, log_joint=log_joint(z),
                r=lambda z, lam: log_joint(z) - q.log_prob(z, lam))


def stage_points_of_a_normal(rng):
    lam = np.array([rng.uniform(0.4, 0.9), rng.uniform(-0.8, -0.3)])
    z = rng.uniform([-0.6, 0.1, 1.1], [-0.3, 0.3, 1.5])
    return points(normal, lam, z, lambda lam: stats.norm.pdf(z, lam[0], np.exp(lam[1])), lambda z: -0.5 * z**2)


def stage_points_of_a_beta(rng):
    lam = np.log([rng.uniform(1.6, 2.4), rng.uniform(2.6, 3.4)])
    z = rng.uniform([0.1, 0.3, 0.6], [0.2, 0.5, 0.8])
    return points(beta, lam, z, lambda lam: stats.beta.pdf(z, *np.exp(lam)), np.log)


def stage_outcomes(rng):
    lam, table = rng.uniform(-0.8, 0.8, 3), np.array([0.3, 1.7, -0.8])
    return points(categorical, lam, np.arange(3), lambda lam: np.exp(lam) / np.exp(lam).sum(), lambda z: table[z])


def slope_of_density(density, lam):
    return by_differences(density, lam)


def slope_of_product(density, log_joint, lam):
    return by_differences(lambda lam: density(lam) * (log_joint - np.log(density(lam))), lam)


# ---- expectations whose gradient is known by hand

def stage_normal(rng):
    """f = z^2 under N(mu, sigma^2): E[f] = mu^2 + sigma^2."""
    lam = np.array([rng.uniform(0.4, 0.9), rng.uniform(-0.8, -0.3)])
    mu, sigma = lam[0], np.exp(lam[1])
    return dict(f=np.square, q=normal, lam=lam, b=0.9, S=2, scale=1., noise=noise(normal, lam),
                truth=lambda: np.array([2 * mu, 2 * sigma**2]))


def stage_sine(rng):
    """f = sin z under N(mu, sigma^2): E[f] = sin(mu) exp(-sigma^2 / 2)."""
    lam = np.array([rng.uniform(0.4, 0.9), rng.uniform(-0.8, -0.3)])
    mu, sigma = lam[0], np.exp(lam[1])
    return dict(f=np.sin, q=normal, lam=lam, b=0.3, S=3, scale=1., noise=noise(normal, lam),
                truth=lambda: np.exp(-sigma**2 / 2) * np.array([np.cos(mu), -sigma**2 * np.sin(mu)]),
                exact_variance=lambda S, b: variance_of_sine(mu, sigma, S, b))


def variance_of_sine(mu, sigma, S, b):
    """By SciPy's quadrature, coordinate by coordinate, with the error that it knows of."""
    terms = [lambda z: (np.sin(z) - b) * (z - mu) / sigma**2, lambda z: (np.sin(z) - b) * ((z - mu)**2 / sigma**2 - 1)]
    means = [under_normal(g, mu, sigma) for g in terms]
    squares = [under_normal(lambda z: g(z)**2, mu, sigma) for g in terms]
    return Estimate(np.array([square.value - mean.value**2 for mean, square in zip(means, squares)]) / S,
                    np.array([square.error + 2 * abs(mean.value) * mean.error for mean, square in zip(means, squares)]))


def stage_categorical(rng):
    """A table f over four outcomes: every integral is a sum of four terms."""
    lam = rng.uniform(-1, 1, 4)
    table = np.array([0.3, 1.7, -0.8, 2.6]) + rng.uniform(-0.2, 0.2, 4)
    pi = np.exp(lam) / np.exp(lam).sum()

    def variance(S, b):
        terms = np.array([(table[k] - b) * ((np.arange(4) == k) - pi) for k in range(4)])
        mean = sum(pi[k] * terms[k] for k in range(4))
        return sum(pi[k] * (terms[k] - mean)**2 for k in range(4)) / S

    return dict(f=lambda z: table[z], q=categorical, lam=lam, b=np.array([0.3, 0.7, -0.2, 0.5]), S=3, scale=1.,
                noise=noise(categorical, lam), truth=lambda: pi * (table - pi @ table), exact_variance=variance)


def stage_plane(rng):
    """f = z'Az + c'z in the plane: E[f] = mu'A mu + sum_d A_dd sigma_d^2 + c'mu."""
    lam = np.concatenate([rng.uniform(0.3, 0.8, 2) * [1, -1], rng.uniform(-0.7, -0.2, 2)])
    A, c = np.array([[0.9, 0.4], [0.2, -0.6]]), np.array([0.7, -0.4])
    mu, sigma = lam[:2], np.exp(lam[2:])
    return dict(f=lambda z: np.sum((z @ A) * z, axis=-1) + z @ c, q=diagonal_normal, lam=lam, b=0.3, S=2, scale=1.,
                noise=noise(diagonal_normal, lam),
                truth=lambda: np.concatenate([(A + A.T) @ mu + c, 2 * np.diag(A) * sigma**2]))


def stage_beta(rng):
    """f = z^2 under Beta(a, b): E[f] = a (a + 1) / ((a + b) (a + b + 1))."""
    lam = np.log([rng.uniform(1.8, 2.6), rng.uniform(3.1, 4.2)])
    a, b = np.exp(lam)
    mean = a * (a + 1) / ((a + b) * (a + b + 1))
    total = 1 / (a + b) + 1 / (a + b + 1)
    return dict(f=np.square, q=beta, lam=lam, b=0.1, S=2, scale=1., noise=noise(beta, lam),
                truth=lambda: mean * np.array([a * (1 / a + 1 / (a + 1) - total), -b * total]))


def baseline_taken_apart(eps, f, q, lam, b):
    """The average without a baseline, less b times the average score."""
    u = score(q, eps, lam)
    return np.mean(f(eps)[..., None] * u, axis=-2) - b * np.mean(u, axis=-2)


def effect_of_one(eps, f, q, lam):
    """The estimate without a baseline, less that with b = 1."""
    return score_function(eps, f, q, lam, 0.) - score_function(eps, f, q, lam, 1.)


def squared_deviation(eps, f, q, lam, b, truth):
    return (score_function(eps, f, q, lam, b) - truth())**2


# ---- the bound of a regression

def stage_regression(rng):
    """Two weights under a diagonal normal: the bound is quadratic in mu and sigma, up to log sigma."""
    y = np.column_stack([np.ones(5), np.linspace(-0.3, 1.1, 5)])
    theta = regression(y, prior_sd=rng.uniform(1.3, 1.7), noise_sd=rng.uniform(0.6, 0.8))
    x = y @ [0.9, 0.6] + rng.uniform(-0.5, 0.5, 5)
    lam = np.array([0.3, 0.9, -1.3, -0.6]) + rng.uniform(-0.1, 0.1, 4)

    def gradient_of_bound():
        """In mu the gradient of the log joint there; in log sigma 1 - P_dd sigma_d^2, P the precision of the
        posterior.
        """
        residual, precision = x - y @ lam[:2], 1 / theta.prior_sd**2 + np.sum(y**2, axis=0) / theta.noise_sd**2
        return np.concatenate([y.T @ residual / theta.noise_sd**2 - lam[:2] / theta.prior_sd**2,
                               1 - precision * np.exp(2 * lam[2:])])

    return dict(log_joint=lambda z: linear_gaussian.log_joint(z, x, theta), q=diagonal_normal, lam=lam, b=-8., S=2,
                scale=1., noise=noise(diagonal_normal, lam), gradient_of_bound=gradient_of_bound)


def gradient_inside(log_joint, q, lam):
    """The log weight differentiated where the draws lie, and averaged."""
    return expectation(lambda z: gradient_of_each(lambda z, lam: log_weight(z, log_joint, q, lam), z, lam), q, lam)


def bound_taken_apart(eps, log_joint, q, lam, b):
    """The average of log weight times score, less b times the average score."""
    u, r = score(q, eps, lam), log_joint(eps) - q.log_prob(eps, lam)
    return np.mean(r[..., None] * u, axis=-2) - b * np.mean(u, axis=-2)


# ---- where it fails: a function that crosses zero, and a support that moves with its parameter

def stage_crossing(rng):
    """f = a (lam - c) at three points: below its zero c, on it and above it."""
    a, c = rng.uniform(0.6, 1.4), rng.uniform(0.3, 0.7)
    return dict(f=lambda lam: a * (lam - c), lam=c + np.array([-0.4, 0., 0.6]), a=a)


def slope_about_a_crossing(f, lam):
    return by_differences(lambda lam: np.sum(f(lam)), lam)


def slope_by_hand(a):
    return np.array([a, a, a])


def zero_times_undefined(f, lam, a):
    """The slip: f times the slope of log |f|, which is a / f, read as zero where f is zero."""
    return f(lam) * np.divide(a, f(lam), out=np.zeros(3), where=f(lam) != 0)


def nothing_at_the_crossing(a):
    return np.array([a, 0., a])


def stage_uniform(rng):
    """g = exp, whose mean over (0, edge) is (exp(edge) - 1) / edge."""
    edge = rng.uniform(1.4, 2.3, 1)
    return dict(edge=edge, g=np.exp, mean_over=lambda edge: np.expm1(edge[0]) / edge[0])


def moving_edge(edge, mean_over):
    return by_differences(mean_over, edge)


NODES, WEIGHTS = np.polynomial.legendre.leggauss(40)


def mean_by_nodes(g, edge):
    """E[g(z)] for z uniform on (0, edge)."""
    return np.dot(WEIGHTS, g(edge * (NODES + 1) / 2)) / 2


def edge_and_score(edge, g):
    return g(edge) / edge + mean_by_nodes(g, edge) * (-1 / edge)


def score_alone(edge, g):
    """The slip: E[g(z) d log q / d edge], with log q = -log edge."""
    return mean_by_nodes(g, edge) * (-1 / edge)


def minus_mean_over_edge(edge, mean_over):
    return -mean_over(edge) / edge
