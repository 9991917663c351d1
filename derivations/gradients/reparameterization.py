"""Companion of reparameterization.md: its rows, its stages and its referees."""
import autograd.numpy as anp
import numpy as np
from scipy import special, stats

from refvi import Estimate, Family, Noise, diagonal_normal, noise, normal
from refvi.base.models import linear_gaussian, posterior, regression
from refvi.gradients.reparameterization.regression import (draws_by_hand, expected_by_hand,      # noqa: F401
                                                           moments_of_noise, one_and_noise, one_and_scaled_noise,
                                                           pull_of_approximation, pull_of_prior,
                                                           pull_of_unsquared_prior, residuals_over_variance)
from refvi.gradients.reparameterization.rows import (average_partial, density_of_transported,      # noqa: F401
                                                     difference_of_slopes, edge_added, gap_of_variances,
                                                     gradient_exchanged, gradient_of_expectation, in_terms_of_noise,
                                                     mean_partial, mean_total, minus_explicit_part, partial_of_density,
                                                     path_alone, path_and_explicit_part, path_estimate, path_gradient,
                                                     path_part, plus_explicit_part, plus_on_average,
                                                     score_of_carried_draws, second_argument_a_variance,
                                                     slope_of_the_model, slope_of_the_weight, total_derivative,
                                                     total_derivative_added, total_for_partial, total_of_density,
                                                     variance_of_full, variance_of_path, variance_of_slopes,
                                                     variances_and_covariance)
from refvi.gradients.score_function import (expected_score, expected_weighted_score,      # noqa: F401
                                            variance_of_average)


def central(f, at, h=1e-3):
    """Fourth-order central differences of f in its argument, with the error that a step twice as large shows."""
    def once(h):
        return np.stack([(8 * (f(at + h * e) - f(at - h * e)) - f(at + 2 * h * e) + f(at - 2 * h * e)) / (12 * h) for e in np.eye(len(at))], axis=-1)
    return Estimate(once(h), np.max(np.abs(once(h) - once(2 * h))))


def variance_of(terms, mass):
    return mass @ (terms - mass @ terms)**2


# ---- one and two latent variables under a log joint that is no normal

def carried_by_hand(log_joint, q, lam, points):
    """What single draws ask for: SciPy's densities at z = mu + sigma eps, differentiated by differences."""
    D = len(lam) // 2
    shape = (lambda v: v[..., 0]) if q is normal else (lambda v: v)

    def z(lam):
        return lam[:D] + np.exp(lam[D:]) * points.reshape(len(points), D)

    def log_q(z, lam):
        return np.sum(stats.norm.logpdf(z, lam[:D], np.exp(lam[D:])), axis=-1)

    def weight(lam):
        return log_joint(shape(z(lam))) - log_q(z(lam), lam)

    through_the_mean = central(weight, lam)
    return dict(q=q, lam=lam, points=points, log_joint=log_joint, f=lambda z, lam: log_joint(z) - q.log_prob(z, lam), S=1, noise=noise(q, 0 * lam),
                density_by_scipy=lambda: log_q(z(lam), lam), slope_along_a_path=lambda: through_the_mean,
                slope_in_the_mean=lambda: Estimate(shape(through_the_mean.value[:, :D]), through_the_mean.error),
                zero_on_average=lambda: 0 * lam, minus_one=lambda: np.tile(np.repeat([0., -1.], D), (len(points), 1)))


def quartic(a, c, mu, sigma, points):
    """log p = c z - a z^4 / 4, of one variable: E[z^4] = mu^4 + 6 mu^2 sigma^2 + 3 sigma^4."""
    stage = carried_by_hand(lambda z: c * z - a / 4 * z**4, normal, np.array([mu, np.log(sigma)]), points)
    t, mass = np.polynomial.hermite_e.hermegauss(20)
    full = (c - a * (mu + sigma * t)**3)[:, None] * np.stack([np.ones(20), sigma * t], axis=-1)
    return stage | dict(scale=1., gradient_of_bound=lambda: np.array([c - a * (mu**3 + 3 * mu * sigma**2), 1 - 3 * a * (mu**2 * sigma**2 + sigma**4)]),
                        exact_variance=lambda: variance_of(full, mass / mass.sum()))


def stage_quartic(rng):
    return quartic(rng.uniform(0.6, 0.9), rng.uniform(1.4, 1.8), rng.uniform(-0.6, -0.3), rng.uniform(0.4, 0.55), np.array([1.3, -0.7, 0.1]) + rng.uniform(-0.1, 0.1, 3))


def stage_quoted():
    """One draw, eps = 1.3 at mu = 0.4 and sigma = 0.7: what plus and minus differ by does not depend on the model."""
    stage = quartic(0.75, 1., 0.4, 0.7, np.array([1.3]))
    return {name: stage[name] for name in ("log_joint", "q", "lam", "points", "slope_along_a_path")}


def stage_plane(rng):
    """log p = sin(c'z) - z'Az/2, of two variables: E[sin(c'z)] = sin(c'mu) exp(-sum_d c_d^2 sigma_d^2 / 2)."""
    lam = np.concatenate([rng.uniform(0.8, 1.1, 2), rng.uniform(-0.9, -0.6, 2)])
    A, c = np.array([[1.3, 0.5], [0.5, 0.9]]) + rng.uniform(0, 0.1), np.array([0.8, -0.6]) + rng.uniform(-0.1, 0.1, 2)
    mu, sigma = lam[:2], np.exp(lam[2:])
    fall, at = np.exp(-0.5 * np.sum((c * sigma)**2)), c @ mu
    stage = carried_by_hand(lambda z: anp.sin(z @ c) - 0.5 * anp.sum((z @ A) * z, axis=-1), diagonal_normal, lam,
                            np.array([[1.3, -0.6], [-0.8, 1.2], [0.2, -0.1]]) + rng.uniform(-0.1, 0.1, (3, 2)))
    return stage | dict(scale=1., gradient_of_bound=lambda: np.concatenate([fall * np.cos(at) * c - A @ mu, 1 - np.diag(A) * sigma**2 - (c * sigma)**2 * np.sin(at) * fall]))


# ---- the regression: x_n = z_0 + z_1 y_n + noise

def line(x, theta, lam):
    """The bound's gradient and both variances by hand, on Gauss-Hermite nodes: the bound is quadratic."""
    precision, h = np.eye(2) / theta.prior_sd**2 + theta.y.T @ theta.y / theta.noise_sd**2, theta.y.T @ x / theta.noise_sd**2
    mu, sigma, (t, w) = lam[:2], np.exp(lam[2:]), np.polynomial.hermite_e.hermegauss(8)
    eps, mass = np.stack(np.meshgrid(t, t), axis=-1).reshape(-1, 2), np.outer(w, w).ravel() / (2 * np.pi)
    path = h - (mu + sigma * eps) @ precision + eps / sigma
    fisher = np.concatenate([1 / sigma**2, [2., 2.]])
    path = np.concatenate([path, path * sigma * eps], axis=-1)
    return dict(x=x, theta=theta, q=diagonal_normal, lam=lam, log_joint=lambda z: linear_gaussian.log_joint(z, x, theta), S=1, noise=noise(diagonal_normal, 0 * lam),
                gradient_of_a_regression=lambda: np.concatenate([h - precision @ mu, 1 - np.diag(precision) * sigma**2]),
                gap_by_hand=lambda: fisher * np.tile(1 - 2 * np.diag(precision) * sigma**2, 2)), lambda: variance_of(path, mass), fisher


def problem(rng, spread):
    """A regression whose weights are correlated under the posterior, and q at `spread` times the reciprocal of the precision's diagonal, as variance."""
    y = np.column_stack([np.ones(5), np.linspace(-0.3, 1.1, 5) + rng.uniform(-0.05, 0.05, 5)])
    theta = regression(y, prior_sd=rng.uniform(1.3, 1.7), noise_sd=rng.uniform(0.7, 0.9))
    x = y @ [0.9, 0.6] + rng.uniform(-0.5, 0.5, 5)
    mean, precision = posterior(x, theta)
    return x, theta, np.concatenate([mean + rng.uniform(0.2, 0.3, 2) * [1, -1], 0.5 * np.log(spread / np.diag(precision))])


def stage_wide(rng):
    """About as wide as the best normal."""
    stage, path, _ = line(*problem(rng, rng.uniform(0.8, 1.2, 2)))
    return stage | dict(variance_of_a_wide_q=path)


def stage_narrow(rng):
    """Less than half the variance of the best normal, as q is at a cautious start."""
    stage, path, _ = line(*problem(rng, rng.uniform(0.15, 0.25, 2)))
    return {name: stage[name] for name in ("q", "lam", "log_joint", "gap_by_hand")} | dict(variance_of_a_narrow_q=path)


def stage_at_the_posterior(rng):
    """Inputs that are orthogonal: the posterior factorizes, and q is the posterior."""
    y = np.array([[1., 1., 1., 1.], [1., -1., 1., -1.]]).T * rng.uniform(0.7, 1.3, 2)
    theta = regression(y, prior_sd=rng.uniform(1.3, 1.7), noise_sd=rng.uniform(0.6, 0.8))
    x = y @ [0.9, 0.6] + rng.uniform(-0.5, 0.5, 4)
    mean, precision = posterior(x, theta)
    stage, _, fisher = line(x, theta, np.concatenate([mean, -0.5 * np.log(np.diag(precision))]))
    return {name: stage[name] for name in ("q", "lam", "log_joint")} | dict(scale=1., no_variance=lambda: np.zeros(4), fisher_information=lambda: fisher)


def stage_slopes(rng):
    """The code task's gradients at three weight vectors, by differences of SciPy's densities."""
    y = np.linspace(-0.3, 1.1, 5) + rng.uniform(-0.05, 0.05, 5)
    theta = regression(np.column_stack([np.ones(5), y]), prior_sd=rng.uniform(1.5, 2.), noise_sd=rng.uniform(0.6, 0.8))
    x, z = 0.9 + 0.6 * y + rng.uniform(-0.5, 0.5, 5), np.array([[1.3, -0.8], [0.2, 1.9], [-0.5, 0.4]]) + rng.uniform(-0.1, 0.1, (3, 2))
    mu, sigma = rng.uniform(0.3, 0.7, 2), rng.uniform(0.4, 0.6, 2)

    def slope(log_density):
        """The gradient of log_density(z) (k,) in the z of each of the three vectors. (3, 2)"""
        differences = central(lambda shift: log_density(z + shift), np.zeros(2))
        return lambda: differences

    return dict(x=x, z=z, theta=theta, mu=mu, sigma=sigma,
                slope_of_likelihood=slope(lambda z: stats.norm.logpdf(x, z[:, :1] + z[:, 1:] * y, theta.noise_sd).sum(axis=-1)),
                slope_of_prior=slope(lambda z: stats.norm.logpdf(z, 0, theta.prior_sd).sum(axis=-1)),
                slope_of_approximation=slope(lambda z: stats.norm.logpdf(z, mu, sigma).sum(axis=-1)))


def stage_transport(rng):
    """z = mu + sigma eps at three points of the noise."""
    mu, sigma, points = rng.uniform(0.3, 0.7), rng.uniform(0.4, 0.6), np.array([-1.4, 0.6, 1.7]) + rng.uniform(-0.1, 0.1, 3)
    return dict(points=points, sigma=sigma, slope_in_sigma=lambda: central(lambda v: v[0] + v[1] * points, np.array([mu, sigma])),
                slope_in_log_sigma=lambda: central(lambda v: v[0] + np.exp(v[1]) * points, np.array([mu, np.log(sigma)])))


# ---- where the path sees less than there is: a jump, a threshold

def stage_threshold(rng):
    """z ~ N(0, s^2), an observation of probability `above` where z > edge and `below` elsewhere."""
    lam, s, edge = np.array([rng.uniform(0.4, 0.7), rng.uniform(-0.6, -0.3)]), rng.uniform(1.3, 1.7), rng.uniform(0.8, 1.)
    above, below = rng.uniform(0.85, 0.95), rng.uniform(0.05, 0.1)
    mu, sigma, prior = lam[0], np.exp(lam[1]), np.array([0., np.log(s)])

    def split_nodes(at, order=64):
        """Gauss-Legendre on either side of the edge: of z under q(lam), of the noise under q(0)."""
        t, w = np.polynomial.legendre.leggauss(order)
        ends = [-9., (edge - mu) / sigma, 9.]
        sides = [((b - a) / 2 * t + (a + b) / 2, (b - a) / 2 * w) for a, b in zip(ends, ends[1:])]
        t, w = (np.concatenate(parts) for parts in zip(*sides))
        return at[0] + np.exp(at[1]) * t, np.exp(at[1]) * w

    def log_joint(z):
        return normal.log_prob(z, prior) + anp.where(z > edge, np.log(above), np.log(below))

    def gradient_with_a_jump():
        """E[log p(x|z)] = log below + log(above/below) Phi((mu - edge)/sigma), less KL(q || N(0, s^2))."""
        jump = np.log(above / below) * stats.norm.pdf((mu - edge) / sigma)
        return np.array([jump / sigma - mu / s**2, -jump * (mu - edge) / sigma + 1 - sigma**2 / s**2])

    q = normal._replace(nodes=split_nodes)
    return dict(log_joint=log_joint, f=lambda z, lam: log_joint(z) - q.log_prob(z, lam), q=q, lam=lam, edge=edge, jump=np.log(above / below), S=1,
                noise=noise(q, 0 * lam), gradient_with_a_jump=gradient_with_a_jump)


def stage_bernoulli(rng):
    """z = 1 where a uniform u falls below pi = sigmoid(lam), else 0. For every u the draw stands still as lam moves, but at one."""
    lam, table = np.array([rng.uniform(-0.8, -0.4)]), rng.uniform([0.3, 1.4], [0.6, 1.8])
    pi = special.expit(lam[0])

    def log_prob(z, lam):
        return z * lam[..., 0] - anp.logaddexp(0., lam[..., 0])

    def threshold(u, lam):
        """0 lam keeps autograd's tape from tearing: what it computes is what the threshold lets through."""
        return np.where(u < pi, 1., 0.) + 0. * lam[..., 0]

    def rule(S, order):
        """Gauss-Legendre on either side of pi."""
        t, w = np.polynomial.legendre.leggauss(order)
        return np.concatenate([(t + 1) / 2 * pi, pi + (t + 1) / 2 * (1 - pi)])[:, None], np.concatenate([w / 2 * pi, w / 2 * (1 - pi)])

    q = Family(log_prob, None, lambda lam, order=64: (np.arange(2.), np.ones(2)), threshold)
    return dict(q=q, lam=lam, f=lambda z, lam=None: table[0] + (table[1] - table[0]) * z, S=1, scale=0.2, noise=Noise(lambda rng, R, S: rng.random((R, S)), rule),
                slope_by_enumeration=lambda: np.array([pi * (1 - pi) * (table[1] - table[0])]))


# ---- where the score function has less variance: a fast wave

def wave(c, mu, sigma):
    """f = sin(c z), and the variance of its path gradient on a fine grid, by hand."""
    t = np.linspace(-10, 10, 4001)
    mass, slope = stats.norm.pdf(t) / stats.norm.pdf(t).sum(), c * np.cos(c * (mu + sigma * t))
    fine = normal._replace(nodes=lambda lam, order=64: normal.nodes(lam, 6 * order))       # for sin^2(c z)
    return dict(f=lambda z: anp.sin(c * z), q=fine, lam=np.array([mu, np.log(sigma)]), b=0., S=1), lambda: variance_of(np.stack([slope, slope * sigma * t], axis=-1), mass)


def stage_slow_wave(rng):
    stage, path = wave(rng.uniform(0.4, 0.8), rng.uniform(0.3, 0.5), rng.uniform(0.8, 1.))
    return stage | dict(variance_of_a_slow_wave=path)


def stage_fast_wave(rng):
    stage, path = wave(rng.uniform(3., 5.), rng.uniform(0.3, 0.5), rng.uniform(0.8, 1.))
    return stage | dict(variance_of_a_fast_wave=path)
