"""Companion of elbo.md: its rows, its stages and its referees."""
import numpy as np
from scipy import stats

from refvi.core import Model, noise
from refvi.elbo import (average_log_weight, elbo_minus_kl, elbo_plus_kl, energy_minus_entropy, energy_plus_entropy,      # noqa: F401
                        evidence_minus_kl, expectation_of_log, fit_minus_kl, log_of_expectation, log_of_integral)
from refvi.families import categorical, diagonal_normal, normal
from refvi.models import linear_gaussian, regression


def stage_normal(rng):
    """z ~ N(m, s^2), x | z ~ N(a z + c, t^2): posterior and evidence are normal."""
    m, s, a, c, t = rng.uniform(0.3, 0.6), rng.uniform(1.3, 1.6), rng.uniform(1.2, 1.5), rng.uniform(-0.5, -0.2), rng.uniform(0.6, 0.8)
    x, lam = rng.uniform(1.1, 1.6), np.array([rng.uniform(0.3, 0.6), rng.uniform(-1.2, -0.9)])
    prior = np.array([m, np.log(s)])
    p = Model(lambda z, theta: normal.log_prob(z, theta[0]),
              lambda x, z, theta: normal.log_prob(x, np.stack([theta[1][0] * z + theta[1][1], np.full(np.shape(z), theta[1][2])], axis=-1)))
    precision = 1 / s**2 + a**2 / t**2
    mean = (m / s**2 + a * (x - c) / t**2) / precision
    mu, sd = lam[0], np.exp(lam[1])

    def closed_form():
        """E_q of each log density, term by term: E[(z - k)^2] = (mu - k)^2 + sd^2."""
        return (-0.5 * ((mu - m)**2 + sd**2) / s**2 - np.log(s) - 0.5 * ((x - a * mu - c)**2 + a**2 * sd**2) / t**2 - np.log(t)
                - np.log(2 * np.pi) + 0.5 * np.log(2 * np.pi * np.e * sd**2))

    return dict(p=p, q=normal, lam=lam, x=x, theta=(prior, (a, c, np.log(t))), S=2, eps=noise(normal, lam), closed_form=closed_form,
                log_posterior=lambda z: stats.norm.logpdf(z, mean, precision**-0.5),
                log_evidence=lambda: stats.norm.logpdf(x, a * m + c, np.hypot(a * s, t)))


def stage_mixture(rng):
    """A mixture of three normals: z is the component, and every expectation a sum of three terms."""
    prior, lam = rng.uniform(-0.6, 0.6, 3), np.array([0.9, -0.7, 0.4]) + rng.uniform(-0.2, 0.2, 3)
    mu, sd = np.array([-1.1, 0.4, 1.9]) + rng.uniform(-0.1, 0.1, 3), rng.uniform(0.6, 0.9, 3)
    x = rng.uniform(0.5, 1.1)
    p = Model(lambda z, theta: categorical.log_prob(z, theta[0]),
              lambda x, z, theta: normal.log_prob(x, np.stack([theta[1][z], np.log(theta[2][z])], axis=-1)))
    pi, r = (np.exp(v) / np.exp(v).sum() for v in (prior, lam))
    joint = pi * stats.norm.pdf(x, mu, sd)

    return dict(p=p, q=categorical, lam=lam, x=x, theta=(prior, mu, sd), S=2, eps=noise(categorical, lam),
                log_posterior=lambda z: np.log(joint / joint.sum())[z], log_evidence=lambda: np.log(joint.sum()),
                closed_form=lambda: sum(r[k] * (np.log(joint[k]) - np.log(r[k])) for k in range(3)))


def stage_regression(rng):
    """Linear regression with two weights, the model of the code task: q is factorized, the posterior is not."""
    y = np.column_stack([np.ones(5), np.linspace(-0.3, 1.1, 5)])
    theta = regression(y, prior_sd=rng.uniform(1.3, 1.7), noise_sd=rng.uniform(0.6, 0.8))
    x = y @ [0.9, 0.6] + rng.uniform(-0.5, 0.5, 5)
    lam = np.array([0.3, 0.9, -1.1, -0.9]) + rng.uniform(-0.1, 0.1, 4)
    covariance = np.linalg.inv(np.eye(2) / theta.prior_sd**2 + y.T @ y / theta.noise_sd**2)
    mean, mu, variance = covariance @ y.T @ x / theta.noise_sd**2, lam[:2], np.exp(2 * lam[2:])

    def closed_form():
        """Term by term: E|v - y z|^2 = |v - y mu|^2 + sum_d |y_d|^2 sigma_d^2."""
        fit = -0.5 * (np.sum((x - y @ mu)**2) + np.sum(y**2 @ variance)) / theta.noise_sd**2 - 5 * np.log(theta.noise_sd * np.sqrt(2 * np.pi))
        prior = -0.5 * (mu @ mu + variance.sum()) / theta.prior_sd**2 - 2 * np.log(theta.prior_sd * np.sqrt(2 * np.pi))
        return fit + prior + 0.5 * np.sum(np.log(2 * np.pi * np.e * variance))

    return dict(p=linear_gaussian, q=diagonal_normal, lam=lam, x=x, theta=theta, S=1, eps=noise(diagonal_normal, lam), closed_form=closed_form,
                log_posterior=lambda z: stats.multivariate_normal.logpdf(z, mean, covariance),
                log_evidence=lambda: stats.multivariate_normal.logpdf(x, np.zeros(5), theta.prior_sd**2 * y @ y.T + theta.noise_sd**2 * np.eye(5)))
