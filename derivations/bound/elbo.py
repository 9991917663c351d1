"""Companion of elbo.md: its rows, its stages and its referees."""
import itertools

import autograd.numpy as anp
import numpy as np
from scipy import integrate, optimize, stats

from refvi import Estimate, Model, categorical, diagonal_normal, noise, normal
from refvi.base.models import linear_gaussian, regression
from refvi.bound.elbo.importance import (average_over_pairs_of_log, gradient_of_two_weights,      # noqa: F401
                                         log_average_weight, log_of_average_over_pairs, log_sum_of_weights, one_weight,
                                         path_gradient, signal_of_one, signal_of_three, signal_of_two, three_weights,
                                         two_weights)
from refvi.bound.elbo.rows import (average_log_weight, bound_at_posterior, elbo_minus_kl,      # noqa: F401
                                   elbo_plus_kl, energy_minus_entropy, energy_plus_entropy, evidence_minus_kl,
                                   expectation_of_log, fit_minus_kl, gradient_of_bound, highest_bound, least_divergence,
                                   log_of_expectation, log_of_integral, minus_gradient_of_kl)


def one_normal(rng):
    """z ~ N(m, s^2), x | z ~ N(a z + c, t^2): posterior and evidence are normal."""
    m, s, a, c, t = rng.uniform(0.3, 0.6), rng.uniform(1.3, 1.6), rng.uniform(1.2, 1.5), rng.uniform(-0.5, -0.2), rng.uniform(0.7, 0.85)
    x, lam = rng.uniform(1.1, 1.4), np.array([rng.uniform(0.4, 0.6), rng.uniform(-0.95, -0.75)])
    prior = np.array([m, np.log(s)])
    p = Model(lambda z, theta: normal.log_prob(z, theta[0]),
              lambda x, z, theta: normal.log_prob(x - theta[1][0] * z - theta[1][1], np.array([0., theta[1][2]])))
    precision = 1 / s**2 + a**2 / t**2
    mean = (m / s**2 + a * (x - c) / t**2) / precision
    mu, sd = lam[0], np.exp(lam[1])

    def log_weight(z, mu=mu, sd=sd):
        return stats.norm.logpdf(z, m, s) + stats.norm.logpdf(x, a * z + c, t) - stats.norm.logpdf(z, mu, sd)

    def slope_of_two():
        """Finite differences of L_2 at two steps."""
        fine, coarse = (np.array([(two_at(lam + h * e) - two_at(lam - h * e)) / (2 * h) for e in np.eye(2)]) for h in (1e-3, 2e-3))
        return Estimate((4 * fine - coarse) / 3, np.abs(fine - coarse) / 100)

    def two_at(lam):
        return average_of_logs(lambda z: log_weight(z, lam[0], np.exp(lam[1])), lam, 2)

    def closed_form():
        """E_q of each log density, term by term: E[(z - k)^2] = (mu - k)^2 + sd^2."""
        return (-0.5 * ((mu - m)**2 + sd**2) / s**2 - np.log(s) - 0.5 * ((x - a * mu - c)**2 + a**2 * sd**2) / t**2 - np.log(t)
                - np.log(2 * np.pi) + 0.5 * np.log(2 * np.pi * np.e * sd**2))

    return dict(p=p, q=normal, lam=lam, x=x, theta=(prior, (a, c, np.log(t))), S=2, noise=noise(normal, lam), closed_form=closed_form,
                log_posterior=lambda z: stats.norm.logpdf(z, mean, precision**-0.5), at=np.array([-0.4, 0.3, 1.1]),
                closed_slope=lambda: np.array([precision * (mean - mu), 1 - precision * sd**2]),
                best_density=lambda: stats.norm.pdf([-0.4, 0.3, 1.1], mean, precision**-0.5),
                two_exact=lambda: average_of_logs(log_weight, lam, 2), slope_of_two=slope_of_two, closed_signal=lambda: abs(mean - mu) / sd,
                log_evidence=lambda: stats.norm.logpdf(x, a * m + c, np.hypot(a * s, t)))


def stage_normal(rng):
    return without(one_normal(rng), "slope_of_two", "closed_signal")


def stage_standard_noise(rng):
    """The same model for the gradient that goes through the draws: eps is standard, transport makes it z."""
    supplied = one_normal(rng)
    return without(supplied, "log_evidence", "closed_form", "closed_slope", "best_density") | dict(noise=noise(normal, np.zeros(2)))


def without(supplied, *names):
    return {name: value for name, value in supplied.items() if name not in names}


def mixture(rng):
    """A mixture of three normals: z is the component, and every expectation a sum of three terms."""
    prior, lam = rng.uniform(-0.6, 0.6, 3), np.array([0.9, -0.7, 0.4]) + rng.uniform(-0.2, 0.2, 3)
    mu, sd = np.array([-1.1, 0.4, 1.9]) + rng.uniform(-0.1, 0.1, 3), rng.uniform(0.6, 0.9, 3)
    x = rng.uniform(0.5, 1.1)
    p = Model(lambda z, theta: categorical.log_prob(z, theta[0]),
              lambda x, z, theta: normal.log_prob(x, np.stack([theta[1][z], np.log(theta[2][z])], axis=-1)))
    pi, r = (np.exp(v) / np.exp(v).sum() for v in (prior, lam))
    joint = pi * stats.norm.pdf(x, mu, sd)

    supplied = dict(p=p, q=categorical, lam=lam, x=x, theta=(prior, mu, sd), noise=noise(categorical, lam),
                    log_posterior=lambda z: np.log(joint / joint.sum())[z], log_evidence=lambda: np.log(joint.sum()),
                    at=np.arange(3), best_density=lambda: joint / joint.sum(), closed_slope=lambda: r * (np.log(joint / r) - r @ np.log(joint / r)),
                    closed_form=lambda: sum(r[k] * (np.log(joint[k]) - np.log(r[k])) for k in range(3)))
    return supplied, joint, r


def stage_mixture(rng):
    supplied, joint, r = mixture(rng)
    return supplied | dict(S=2, two_exact=lambda: over_all(2, joint / r, r))


def stage_mixture_of_three_draws(rng):
    supplied, joint, r = mixture(rng)
    return supplied | dict(S=3, three_exact=lambda: over_all(3, joint / r, r))


def over_all(S, weights, r):
    """Mean of the log of the average of S weights, every combination of components in turn."""
    return sum(np.prod(r[list(k)]) * np.log(np.mean(weights[list(k)])) for k in itertools.product(range(len(r)), repeat=S))


def stage_regression(rng):
    """Linear regression with two weights, the model of the code task: q is factorized, the posterior is not."""
    y = np.column_stack([np.ones(5), np.linspace(-0.3, 1.1, 5)])
    theta = regression(y, prior_sd=rng.uniform(1.3, 1.7), noise_sd=rng.uniform(0.6, 0.8))
    x = y @ [0.9, 0.6] + rng.uniform(-0.4, 0.4, 5)
    lam = np.array([0.2, 1.0, -0.9, -0.7]) + rng.uniform(-0.1, 0.1, 4)
    covariance = np.linalg.inv(np.eye(2) / theta.prior_sd**2 + y.T @ y / theta.noise_sd**2)
    mean, mu, variance = covariance @ y.T @ x / theta.noise_sd**2, lam[:2], np.exp(2 * lam[2:])

    def closed_form():
        """Term by term: E|v - y z|^2 = |v - y mu|^2 + sum_d |y_d|^2 sigma_d^2."""
        fit = -0.5 * (np.sum((x - y @ mu)**2) + np.sum(y**2 @ variance)) / theta.noise_sd**2 - 5 * np.log(theta.noise_sd * np.sqrt(2 * np.pi))
        prior = -0.5 * (mu @ mu + variance.sum()) / theta.prior_sd**2 - 2 * np.log(theta.prior_sd * np.sqrt(2 * np.pi))
        return fit + prior + 0.5 * np.sum(np.log(2 * np.pi * np.e * variance))

    at, precision = np.array([[0.2, 0.4], [1.1, 0.3]]), np.linalg.inv(covariance)
    return dict(p=linear_gaussian, q=diagonal_normal, lam=lam, x=x, theta=theta, S=1, noise=noise(diagonal_normal, lam), closed_form=closed_form,
                closed_slope=lambda: np.concatenate([precision @ (mean - mu), 1 - np.diag(precision) * variance]),
                at=at, best_density=lambda: np.prod(stats.norm.pdf(at, mean, np.diag(precision)**-0.5), axis=1),
                log_posterior=lambda z: stats.multivariate_normal.logpdf(z, mean, covariance),
                log_evidence=lambda: stats.multivariate_normal.logpdf(x, np.zeros(5), theta.prior_sd**2 * y @ y.T + theta.noise_sd**2 * np.eye(5)))


def average_of_logs(log_weight, lam, S, order=120):
    """Mean of the log of the average of S weights under a normal q, on Gauss-Hermite nodes."""
    t, w = np.polynomial.hermite_e.hermegauss(order)
    weights = np.exp(log_weight(lam[0] + np.exp(lam[1]) * t))
    average = sum(np.meshgrid(*[weights] * S, indexing="ij")) / S
    return np.sum(np.prod(np.meshgrid(*[w / w.sum()] * S, indexing="ij"), axis=0) * np.log(average))


def stage_logistic(rng):
    """z ~ N(m, s^2), three labels x_i ~ Bernoulli(sigmoid(a_i z + c)): no posterior in closed form, every truth by SciPy's quadrature."""
    m, s, c = rng.uniform(0.3, 0.6), rng.uniform(1.3, 1.6), rng.uniform(-0.5, -0.2)
    a, x, lam = rng.uniform(1.2, 1.9, 3), np.array([1., 0, 1]), np.array([rng.uniform(-0.4, -0.1), rng.uniform(-0.6, -0.4)])
    sign = 2 * x - 1
    p = Model(lambda z, theta: normal.log_prob(z, theta[0]),
              lambda x, z, theta: -anp.sum(anp.log1p(anp.exp(-(2 * x - 1) * (theta[1] * z[..., None] + theta[2]))), axis=-1))

    def log_joint(z):
        return stats.norm.logpdf(z, m, s) - np.sum(np.log1p(np.exp(-sign * (a * np.asarray(z)[..., None] + c))), axis=-1)

    def slope(z):
        return (m - z) / s**2 + np.sum(sign * a / (1 + np.exp(sign * (a * z[:, None] + c))), axis=-1)

    def curvature(z):
        return -1 / s**2 - np.sum(a**2 / (2 + 2 * np.cosh(a * z[:, None] + c)), axis=-1)

    def mean(g, mu, log_sd):
        sd = np.exp(log_sd)
        return integrate.fixed_quad(lambda z: stats.norm.pdf(z, mu, sd) * g(z), mu - 9 * sd, mu + 9 * sd, n=120)[0]

    def stationary(lam):
        """The slope of the bound in (mu, log sd): both are means of derivatives of the log joint density (Bonnet, Price)."""
        return np.array([mean(slope, *lam), mean(curvature, *lam) * np.exp(2 * lam[1]) + 1])

    evidence = integrate.quad(lambda z: np.exp(log_joint(z)), m - 9 * s, m + 9 * s, epsabs=1e-14, epsrel=1e-12)[0]
    at = np.array([-0.4, 0.3, 1.1])
    return dict(p=p, q=normal, lam=lam, x=x, theta=(np.array([m, np.log(s)]), a, c), S=2, noise=noise(normal, lam),
                closed_form=lambda: mean(log_joint, *lam) + 0.5 * np.log(2 * np.pi * np.e) + lam[1], log_evidence=lambda: np.log(evidence),
                log_posterior=lambda z: p.log_joint(z, x, (np.array([m, np.log(s)]), a, c)) - np.log(evidence),
                closed_slope=lambda: stationary(lam), at=at, best_density=lambda: stats.norm.pdf(at, *located(stationary, lam)),
                two_exact=lambda: average_of_logs(lambda z: log_joint(z) - stats.norm.logpdf(z, lam[0], np.exp(lam[1])), lam, 2))


def located(stationary, lam):
    """Mean and standard deviation where the slope of the bound is zero."""
    mu, log_sd = optimize.root(stationary, lam, tol=1e-11).x
    return mu, np.exp(log_sd)
