"""Companion of score_function.md: its rows, its stages and its referees."""
import numpy as np
from scipy import integrate, stats

from refvi import Estimate, beta, categorical, diagonal_normal, noise, normal
from refvi.base.models import linear_gaussian, regression
from refvi.gradients.score_function import (average_score, density_times_score, expected_score,      # noqa: F401
                                            expected_weighted_score, gradient_inside, gradient_of_density,
                                            gradient_of_integral, gradient_of_one, gradient_of_product,
                                            integral_of_gradient, mean_score, product_rule, score_function,
                                            squared_standard_error, variance_of_average, weighted_score)


def zero(lam):
    return np.zeros(len(lam))


def zero_times_undefined():
    return 0.


def differences(function, lam):
    """Central differences of a vector function of lam at two steps, extrapolated, with their error. (k, P)"""
    fine, coarse = (np.stack([(function(lam + h * e) - function(lam - h * e)) / (2 * h) for e in np.eye(len(lam))], axis=-1) for h in (1e-3, 2e-3))
    return Estimate((4 * fine - coarse) / 3, np.abs(fine - coarse) / 100)


def stage_points_of_a_normal(rng):
    """Density and log weight of a normal at three points, differentiated by hand."""
    lam, z = np.array([rng.uniform(0.4, 0.9), rng.uniform(-0.8, -0.3)]), rng.uniform([-0.6, 0.1, 1.1], [-0.3, 0.3, 1.5])
    mu, sigma = lam[0], np.exp(lam[1])
    density, scores = stats.norm.pdf(z, mu, sigma), np.stack([(z - mu) / sigma**2, ((z - mu) / sigma)**2 - 1], axis=-1)
    weight = -0.5 * z**2 - stats.norm.logpdf(z, mu, sigma)
    return dict(z=z, q=normal, lam=lam, r=lambda z, lam: -0.5 * z**2 - normal.log_prob(z, lam), slope_of_density=lambda: density[:, None] * scores,
                slope_of_product=lambda: (density * weight)[:, None] * scores - density[:, None] * scores)


def stage_points_of_a_beta(rng):
    """The same for a beta density, by differences of SciPy's."""
    lam, z = np.log([rng.uniform(1.6, 2.4), rng.uniform(2.6, 3.4)]), rng.uniform([0.1, 0.3, 0.6], [0.2, 0.5, 0.8])

    def density(lam):
        return stats.beta.pdf(z, *np.exp(lam))

    return dict(z=z, q=beta, lam=lam, r=lambda z, lam: np.log(z) - beta.log_prob(z, lam), slope_of_density=lambda: differences(density, lam),
                slope_of_product=lambda: differences(lambda lam: density(lam) * (np.log(z) - stats.beta.logpdf(z, *np.exp(lam))), lam))


def stage_outcomes(rng):
    """The same for the probabilities of three outcomes: softmax by hand."""
    lam, z, table = rng.uniform(-0.8, 0.8, 3), np.arange(3), np.array([0.3, 1.7, -0.8])
    pi = np.exp(lam) / np.exp(lam).sum()
    slope = pi[:, None] * (np.eye(3) - pi)
    return dict(z=z, q=categorical, lam=lam, r=lambda z, lam: table[z] - categorical.log_prob(z, lam), slope_of_density=lambda: slope,
                slope_of_product=lambda: (table - np.log(pi))[:, None] * slope - slope)


def stage_crossing(rng):
    a, c = rng.uniform(0.6, 1.4), rng.uniform(0.3, 0.7)
    return dict(slope_at_a_crossing=lambda: (a * (c + 1e-3 - c) - a * (c - 1e-3 - c)) / 2e-3)


def stage_normal(rng):
    """f = z^2 under N(mu, sigma^2): E[f] = mu^2 + sigma^2."""
    lam = np.array([rng.uniform(0.4, 0.9), rng.uniform(-0.8, -0.3)])
    mu, sigma = lam[0], np.exp(lam[1])
    return dict(f=np.square, q=normal, lam=lam, b=0.3, S=1, scale=1., noise=noise(normal, lam), truth=lambda: np.array([2 * mu, 2 * sigma**2]))


def stage_sine(rng):
    """f = sin z under N(mu, sigma^2): E[f] = sin(mu) exp(-sigma^2 / 2). Bounded, so that its variance is quickly estimated."""
    lam = np.array([rng.uniform(0.4, 0.9), rng.uniform(-0.8, -0.3)])
    mu, sigma = lam[0], np.exp(lam[1])

    def mean(g):
        return stats.norm.expect(g, loc=mu, scale=sigma, epsabs=1e-13, epsrel=1e-13)

    def variance(S, b):
        terms = [lambda z: (np.sin(z) - b) * (z - mu) / sigma**2, lambda z: (np.sin(z) - b) * ((z - mu)**2 / sigma**2 - 1)]
        return np.array([(mean(lambda z: g(z)**2) - mean(g)**2) / S for g in terms])

    return dict(f=np.sin, q=normal, lam=lam, b=0.3, S=3, scale=1., noise=noise(normal, lam), exact_variance=variance,
                truth=lambda: np.exp(-sigma**2 / 2) * np.array([np.cos(mu), -sigma**2 * np.sin(mu)]))


def stage_categorical(rng):
    """A table f over four outcomes: every integral is a sum of four terms."""
    lam, table = rng.uniform(-1, 1, 4), np.array([0.3, 1.7, -0.8, 2.6]) + rng.uniform(-0.2, 0.2, 4)
    pi = np.exp(lam) / np.exp(lam).sum()

    def variance(S, b):
        terms = np.array([(table[k] - b) * ((np.arange(4) == k) - pi) for k in range(4)])
        return sum(pi[k] * (terms[k] - sum(pi[j] * terms[j] for j in range(4)))**2 for k in range(4)) / S

    return dict(f=lambda z: table[z], q=categorical, lam=lam, b=0.3, S=3, scale=1., noise=noise(categorical, lam),
                truth=lambda: pi * (table - pi @ table), exact_variance=variance)


def stage_plane(rng):
    """f = z'Az + c'z in the plane: E[f] = mu'A mu + sum_d A_dd sigma_d^2 + c'mu."""
    lam = np.concatenate([rng.uniform(0.3, 0.8, 2) * [1, -1], rng.uniform(-0.7, -0.2, 2)])
    A, c = np.array([[0.9, 0.4], [0.2, -0.6]]), np.array([0.7, -0.4])
    mu, sigma = lam[:2], np.exp(lam[2:])

    def f(z):
        return np.sum((z @ A) * z, axis=-1) + z @ c

    return dict(f=f, q=diagonal_normal, lam=lam, b=0.3, S=1, scale=1., noise=noise(diagonal_normal, lam),
                truth=lambda: np.concatenate([(A + A.T) @ mu + c, 2 * np.diag(A) * sigma**2]))


def stage_beta(rng):
    """f = z^2 under Beta(a, b), which has no transport: E[f] = a (a + 1) / ((a + b) (a + b + 1))."""
    lam = np.log([rng.uniform(1.8, 2.6), rng.uniform(3.1, 4.2)])
    a, b = np.exp(lam)
    mean, total = a * (a + 1) / ((a + b) * (a + b + 1)), 1 / (a + b) + 1 / (a + b + 1)

    return dict(f=np.square, q=beta, lam=lam, b=0.1, S=1, scale=1., noise=noise(beta, lam),
                truth=lambda: mean * np.array([a * (1 / a + 1 / (a + 1) - total), -b * total]))


def stage_regression(rng):
    """The bound of a linear regression with two weights under a diagonal normal: quadratic, so its gradient is done by hand."""
    y = np.column_stack([np.ones(5), np.linspace(-0.3, 1.1, 5)])
    theta = regression(y, prior_sd=rng.uniform(1.3, 1.7), noise_sd=rng.uniform(0.6, 0.8))
    x = y @ [0.9, 0.6] + rng.uniform(-0.5, 0.5, 5)
    lam = np.array([0.3, 0.9, -1.3, -0.6]) + rng.uniform(-0.1, 0.1, 4)
    precision = np.eye(2) / theta.prior_sd**2 + y.T @ y / theta.noise_sd**2

    def gradient_of_bound():
        """L = const - mu'P mu/2 + mu'h - sum_d P_dd sigma_d^2/2 + sum_d log sigma_d, P the posterior's precision, h = y'x / noise_sd^2."""
        return np.concatenate([y.T @ x / theta.noise_sd**2 - precision @ lam[:2], 1 - np.diag(precision) * np.exp(2 * lam[2:])])

    return dict(log_joint=lambda z: linear_gaussian.log_joint(z, x, theta), q=diagonal_normal, lam=lam, b=-8., S=1, scale=1.,
                noise=noise(diagonal_normal, lam), gradient_of_bound=gradient_of_bound)


# where the exchange fails: the support of Uniform(0, edge) moves with its parameter

def stage_uniform(rng):
    return dict(edge=rng.uniform(1.4, 2.3), g=np.exp)


def moving_edge(edge, g):
    """d/d edge of (1/edge) int_0^edge g(z) dz by central differences of an adaptive quadrature."""
    h = 1e-4
    mean = [integrate.quad(g, 0, e, epsabs=1e-13)[0] / e for e in (edge + h, edge - h)]
    return (mean[0] - mean[1]) / (2 * h)


def edge_and_score(edge, g):
    """The boundary term closes the gap: g(edge) times the density there, times the speed of the edge."""
    z, w = np.polynomial.legendre.leggauss(40)
    return g(edge) / edge + np.sum(w / 2 * g(edge * (z + 1) / 2)) * (-1 / edge)


def score_alone(edge, g):
    """E[g(z) d log q / d edge] with log q = -log edge."""
    z, w = np.polynomial.legendre.leggauss(40)
    return np.sum(w / 2 * g(edge * (z + 1) / 2)) * (-1 / edge)
