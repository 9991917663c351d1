"""Companion of score_function.md: its rows, its stages and its referees."""
import numpy as np
from referees import by_differences, under_normal
from scipy import stats

from refvi import Estimate, beta, categorical, diagonal_normal, noise, normal
from refvi.base.core import expectation, gradient_of_each
from refvi.base.models import linear_gaussian, regression
from refvi.gradients.score_function import (average_score, density_times_score, expected_score,      # noqa: F401
                                            expected_weighted_score, gradient_of_integral, gradient_of_one,
                                            integral_of_gradient, mean_score, product_rule, score_function,
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


def squared_deviation(eps, f, q, lam, b, truth):
    return (score_function(eps, f, q, lam, b) - truth())**2


# ---- the bound of a regression

def stage_regression(rng):
    """Two weights under a diagonal normal: the bound is quadratic in mu and sigma, up to log sigma."""
    y = np.column_stack([np.ones(5), np.linspace(-0.3, 1.1, 5)])
    theta = regression(y, prior_sd=rng.uniform(1.3, 1.7), noise_sd=rng.uniform(0.6, 0.8))
    x = y @ [0.9, 0.6] + rng.uniform(-0.5, 0.5, 5)
    lam = np.array([0.3, 0.9, -1.3, -0.6]) + rng.uniform(-0.1, 0.1, 4)
    precision = np.eye(2) / theta.prior_sd**2 + y.T @ y / theta.noise_sd**2

    def gradient_of_bound():
        """Of -mu'P mu/2 + mu'h - sum_d P_dd sigma_d^2/2 + sum_d log sigma_d, P the precision, h = y'x / noise_sd^2."""
        return np.concatenate([y.T @ x / theta.noise_sd**2 - precision @ lam[:2],
                               1 - np.diag(precision) * np.exp(2 * lam[2:])])

    return dict(log_joint=lambda z: linear_gaussian.log_joint(z, x, theta), q=diagonal_normal, lam=lam, b=-8., S=2,
                scale=1., noise=noise(diagonal_normal, lam), gradient_of_bound=gradient_of_bound)


def gradient_inside(log_joint, q, lam):
    """The log weight differentiated where the draws lie, and averaged."""
    def log_weight(z, lam):
        return log_joint(z) - q.log_prob(z, lam)

    return expectation(lambda z: gradient_of_each(log_weight, z, lam), q, lam)


# ---- where it fails: a function that crosses zero, and a support that moves with its parameter

def stage_crossing(rng):
    return dict(lam=rng.uniform(0.3, 0.7, 1), slope=rng.uniform(0.6, 1.4, 1), scale=1.)


def slope_at_a_crossing(slope, lam):
    return by_differences(lambda v: slope @ (v - lam), lam)


def slope_by_hand(slope):
    return slope


def zero_times_undefined(slope, lam):
    """The slip: f times the gradient of log |f|, read as zero where f is zero."""
    f = slope * (lam - lam)
    return np.divide(f * slope, f, out=np.zeros(1), where=f != 0)


def stage_uniform(rng):
    """g = exp, whose mean over (0, edge) is (exp(edge) - 1) / edge."""
    edge = rng.uniform(1.4, 2.3, 1)
    return dict(edge=edge, g=np.exp, mean_over=lambda edge: np.expm1(edge[0]) / edge[0])


def moving_edge(edge, mean_over):
    return by_differences(mean_over, edge)


def legendre(g, edge):
    """Points in (0, edge) and their weights under the uniform density, times g there."""
    t, w = np.polynomial.legendre.leggauss(40)
    return w / 2 * g(edge * (t + 1) / 2)


def edge_and_score(edge, g):
    return g(edge) / edge + np.sum(legendre(g, edge)) * (-1 / edge)


def score_alone(edge, g):
    """The slip: E[g(z) d log q / d edge], with log q = -log edge."""
    return np.sum(legendre(g, edge)) * (-1 / edge)


def minus_mean_over_edge(edge, mean_over):
    return -mean_over(edge) / edge
