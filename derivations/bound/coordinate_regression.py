"""Companion of coordinate_regression.md: its rows, its stages and its referees."""
import autograd.numpy as anp
import numpy as np
from scipy import stats

from refvi.base import models
from refvi.bound import coordinate_regression
from refvi.bound.coordinate_ascent import messages      # noqa: F401
from refvi.bound.coordinate_ascent.rows import (gradient_step, natural_gradient_step,      # noqa: F401
                                                prior_plus_messages, updated_exponent)
from refvi.bound.coordinate_regression import (both_slips, entropy_subtracted, pi_for_two_pi,      # noqa: F401
                                               sweep_error, three_terms, update_of_weight,
                                               update_with_marginal_precision, update_with_own_part)


def stage_weights(rng):
    """Three correlated weights, means away from their optimum."""
    u = np.linspace(-0.4, 1.2, 7)
    y = np.column_stack([np.ones(7), u, u**2 - 0.3]) + rng.uniform(-0.05, 0.05, (7, 3))
    theta = models.regression(y, prior_sd=rng.uniform(0.8, 1.1), noise_sd=rng.uniform(0.22, 0.3))
    x = y @ [0.7, 0.5, -0.4] + theta.noise_sd * rng.uniform(-1, 1, 7)
    mean = np.array([0.4, 0.9, -0.2]) + rng.uniform(-0.1, 0.1, 3)
    best = models.mean_field(x, theta)
    return dict(x=x, theta=theta, mean=mean, d=1, lam=best + rng.uniform(0.02, 0.04, 6), start=mean, T=3)


def stage_thirty(rng):
    """Thirty data without chance: y from 0 to 6, x = 9 - y/5 + sin(2 n), unit noise and unit priors, as in the notebook. q is the optimum."""
    theta = models.regression(np.column_stack([np.ones(30), THIRTY]), prior_sd=1., noise_sd=1.)
    x = 9 - THIRTY / 5 + np.sin(2 * np.arange(1, 31))
    return dict(x=x, theta=theta, mean=np.array([1., 0.5]), d=0, lam=models.mean_field(x, theta), start=np.array([1., 0.5]), T=12)


THIRTY = np.linspace(0, 6, 30)


def stage_collinear(rng):
    """Three inputs that are nearly one, and means off the optimum along what they share."""
    common, own = np.linspace(-1, 1, 12), np.linspace(0, 3, 12)
    y = np.column_stack([common + 0.3 * np.cos(own * k + 0.7) for k in (1., 2., 3.)])
    theta = models.regression(y, prior_sd=rng.uniform(1.2, 1.5), noise_sd=rng.uniform(0.5, 0.7))
    x = y @ [0.6, 0.2, -0.3] + rng.uniform(-0.4, 0.4, 12)
    return dict(x=x, theta=theta, poised=models.posterior(x, theta)[0] + rng.uniform(0.5, 0.7) * np.array([1., 1.1, 0.9]))


def precision_and_side(x, theta):
    """Lambda and h by sums over data."""
    Lambda = sum((np.outer(row, row) / theta.noise_sd**2 for row in theta.y), np.eye(theta.y.shape[1]) / theta.prior_sd**2)
    return Lambda, sum(value * row for value, row in zip(x, theta.y)) / theta.noise_sd**2


def moments_of_weight(x, theta, mean, d):
    """exp of the expected log joint, normalized over w_d on a fine grid; the others' spreads only add a constant."""
    w = np.linspace(-20, 20, 20_001)
    z = np.where(np.arange(len(mean)) == d, w[:, None], mean)
    log_density = stats.norm.logpdf(x, z @ theta.y.T, theta.noise_sd).sum(axis=1) + stats.norm.logpdf(w, 0, theta.prior_sd)
    density = np.exp(log_density - log_density.max())
    value = density @ w / density.sum()
    return np.array([value, 1.]) / (density @ (w - value)**2 / density.sum())


def conditional_of_posterior(x, theta, mean, d):
    """The posterior of w_d given the other weights at their means, from its covariance by Schur's complement."""
    Lambda, h = precision_and_side(x, theta)
    cov = np.linalg.inv(Lambda)
    rest = np.arange(len(h)) != d
    weights = np.linalg.solve(cov[np.ix_(rest, rest)], cov[rest, d])
    return np.array([cov[d] @ h + weights @ (mean[rest] - (cov @ h)[rest]), 1.]) / (cov[d, d] - weights @ cov[rest, d])


def posterior_mean(x, theta):
    """Least squares, the prior as D more data."""
    y, D = theta.y, theta.y.shape[1]
    return np.linalg.lstsq(np.vstack([y / theta.noise_sd, np.eye(D) / theta.prior_sd]), np.append(x / theta.noise_sd, np.zeros(D)), rcond=None)[0]


def mean_of_sweeps(x, theta, start):
    mean = start
    for _ in range(200):
        mean = coordinate_regression.sweep(mean, x, theta)
    return mean


def posterior_variances(x, theta):
    return np.diag(np.linalg.inv(precision_and_side(x, theta)[0]))


def factor_variances(x, theta):
    return np.exp(2 * coordinate_regression.fit(x, theta).q[theta.y.shape[1]:])


def error_by_power(x, theta, start, T):
    """Gauss-Seidel: the error is multiplied by minus (lower triangle)^-1 (upper part) in every sweep."""
    Lambda, h = precision_and_side(x, theta)
    iteration = -np.linalg.solve(np.tril(Lambda), np.triu(Lambda, 1))
    return np.linalg.matrix_power(iteration, T) @ (start - np.linalg.solve(Lambda, h))


def exact_bound(x, theta, mean):
    """Evidence by SciPy, less the divergence of the factors N(mean, 1/Lambda_dd) from the posterior."""
    return stats.multivariate_normal.logpdf(x, np.zeros(len(x)), evidence_covariance(theta)) - divergence_of_normals(x, theta, mean, 1 / np.diag(precision_and_side(x, theta)[0]))


def evidence_covariance(theta):
    return theta.prior_sd**2 * theta.y @ theta.y.T + theta.noise_sd**2 * np.eye(len(theta.y))


def divergence_of_normals(x, theta, mean, variance):
    """KL from a diagonal normal to the posterior: (trace + square - D - log determinants) / 2."""
    Lambda, h = precision_and_side(x, theta)
    off = mean - np.linalg.solve(Lambda, h)
    return 0.5 * (np.diag(Lambda) @ variance + off @ Lambda @ off - len(off) - np.linalg.slogdet(Lambda)[1] - np.log(variance).sum())


def after_simultaneous_updates(x, theta, poised):
    return coordinate_regression.bound_at(coordinate_regression.simultaneous(poised, x, theta), x, theta)


def before_any_update(x, theta, poised):
    return exact_bound(x, theta, poised)


def after_all_in_turn(x, theta, poised):
    return coordinate_regression.bound_at(coordinate_regression.sweep(poised, x, theta), x, theta)


def of_the_first_means(x, theta, start):
    return exact_bound(x, theta, start)


def of_one_sweep(x, theta, start):
    return coordinate_regression.bound_at(coordinate_regression.sweep(start, x, theta), x, theta)


def of_the_best_factors(x, theta):
    return coordinate_regression.fit(x, theta).trace[-1]


def log_evidence_of_regression(x, theta):
    return stats.multivariate_normal.logpdf(x, np.zeros(len(x)), evidence_covariance(theta))


def divergence_turned(x, theta, lam):
    D = len(lam) // 2
    return -divergence_of_normals(x, theta, lam[:D], np.exp(2 * lam[D:]))


def nothing_lost(lam):
    """No divergence is below zero."""
    return 0.


# ---- read off the graph

def stage_message_to_weight(rng):
    s = stage_weights(rng)
    x, theta, mean, d, lam = s["x"], s["theta"], s["mean"], s["d"], s["lam"]
    D = len(mean)

    def expected_log_joint(w):
        """The log joint at the others' means; their spreads add a constant."""
        z = np.where(np.arange(D) == d, w[:, None], mean)
        return stats.norm.logpdf(x, z @ theta.y.T, theta.noise_sd).sum(axis=1) + stats.norm.logpdf(z, 0, theta.prior_sd).sum(axis=1)

    def bound(eta):
        value, tau = messages.mean_of_natural(eta)
        at = anp.arange(D) == d
        moved = anp.concatenate([anp.where(at, value, mean), anp.where(at, -0.5 * anp.log(tau), lam[D:])])
        return coordinate_regression.expected_log_joint(x, theta, moved) + coordinate_regression.entropy(moved)

    return dict(points=np.linspace(-1, 2, 9), features=lambda w: np.stack([w, w**2], axis=1), expected_log_joint=expected_log_joint, bound=bound,
                log_normalizer=messages.log_normalizer_of_mean, eta=messages.natural_of_mean(mean[d], 0.5 * np.exp(-2 * lam[D + d])),
                update=lambda: update_of_weight(x, theta, mean, d) * [1., -0.5], messages=lambda: coordinate_regression.messages_to_weight(x, theta, mean, d))


def fitted_exponent(points, features, expected_log_joint):
    """The coefficients of the statistics in the expected log joint, by least squares with a constant."""
    columns = np.column_stack([np.ones(len(points)), features(points)])
    return np.linalg.lstsq(columns, expected_log_joint(points), rcond=None)[0][1:]
