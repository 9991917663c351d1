"""What coordinate_ascent.md needs for the weights of a regression: rows, stages and referees."""
import numpy as np
from scipy import stats

from refvi.base import models
from refvi.bound.coordinate_ascent import regression
from refvi.bound.coordinate_ascent.regression import three_terms, update_of_weight      # noqa: F401

THIRTY = np.linspace(0, 6, 30)
LINE = np.linspace(-20, 20, 20_001)     # of one weight
SWEEPS = 200                            # beyond which nothing moves


def stage_weights(rng):
    """Three correlated weights, means away from their optimum."""
    u = np.linspace(-0.4, 1.2, 7)
    y = np.column_stack([np.ones(7), u, u**2 - 0.3]) + rng.uniform(-0.05, 0.05, (7, 3))
    theta = models.regression(y, prior_sd=rng.uniform(0.8, 1.1), noise_sd=rng.uniform(0.22, 0.3))
    x = y @ [0.7, 0.5, -0.4] + theta.noise_sd * rng.uniform(-1, 1, 7)
    mean = np.array([0.4, 0.9, -0.2]) + rng.uniform(-0.1, 0.1, 3)
    lam = models.mean_field(x, theta) + rng.uniform(0.02, 0.04, 6)
    return dict(x=x, theta=theta, mean=mean, d=1, lam=lam, start=mean, T=3)


def stage_thirty(rng):
    """Thirty data without chance: y from 0 to 6, x = 9 - y/5 + sin(2 n), the notebook's unit noise and unit priors."""
    theta = models.regression(np.column_stack([np.ones(30), THIRTY]), prior_sd=1., noise_sd=1.)
    x, mean = 9 - THIRTY / 5 + np.sin(2 * np.arange(1, 31)), np.array([1., 0.5]) + rng.uniform(-0.1, 0.1, 2)
    return dict(x=x, theta=theta, mean=mean, d=0, lam=models.mean_field(x, theta), start=mean, T=12)


def stage_collinear(rng):
    """Three inputs that are nearly one, and means off the optimum along what they share."""
    common, own = np.linspace(-1, 1, 12), np.linspace(0, 3, 12)
    y = np.column_stack([common + 0.3 * np.cos(own * k + 0.7) for k in (1., 2., 3.)])
    theta = models.regression(y, prior_sd=rng.uniform(1.2, 1.5), noise_sd=rng.uniform(0.5, 0.7))
    x = y @ [0.6, 0.2, -0.3] + rng.uniform(-0.4, 0.4, 12)
    off = rng.uniform(0.5, 0.7) * np.array([1., 1.1, 0.9])
    return dict(x=x, theta=theta, poised=models.posterior(x, theta)[0] + off)


def precision_and_side(x, theta):
    """The posterior's precision Lambda, and h = Lambda mean, by sums over data."""
    Lambda = np.eye(theta.y.shape[1]) / theta.prior_sd**2
    for row in theta.y:
        Lambda = Lambda + np.outer(row, row) / theta.noise_sd**2
    return Lambda, sum(value * row for value, row in zip(x, theta.y)) / theta.noise_sd**2


# ---- the update

def moments_of_weight(x, theta, mean, d):
    """exp of the expected log joint, normalized over w_d on a fine grid; the others' spreads only add a constant."""
    z = np.where(np.arange(len(mean)) == d, LINE[:, None], mean)
    log_density = stats.norm.logpdf(x, z @ theta.y.T, theta.noise_sd).sum(axis=1)
    density = np.exp(log_density + stats.norm.logpdf(LINE, 0, theta.prior_sd))
    value = density @ LINE / density.sum()
    return np.array([value, 1.]) / (density @ (LINE - value)**2 / density.sum())


def conditional_of_posterior(x, theta, mean, d):
    """The posterior of w_d given the other weights at their means, from its covariance by Schur's complement."""
    Lambda, h = precision_and_side(x, theta)
    covariance = np.linalg.inv(Lambda)
    rest = np.arange(len(h)) != d
    gain = np.linalg.solve(covariance[np.ix_(rest, rest)], covariance[rest, d])
    value = covariance[d] @ h + gain @ (mean[rest] - (covariance @ h)[rest])
    return np.array([value, 1.]) / (covariance[d, d] - gain @ covariance[rest, d])


# ---- sweeps

def posterior_mean(x, theta):
    """Least squares, with the prior as D more data."""
    D = theta.y.shape[1]
    rows = np.vstack([theta.y / theta.noise_sd, np.eye(D) / theta.prior_sd])
    return np.linalg.lstsq(rows, np.append(x / theta.noise_sd, np.zeros(D)), rcond=None)[0]


def mean_of_sweeps(x, theta, start):
    mean = start
    for _ in range(SWEEPS):
        mean = regression.sweep(mean, x, theta)
    return mean


# ---- the bound of factors with the precisions of the updates

def exact_bound(x, theta, mean):
    """Evidence by SciPy, less the divergence of the factors N(mean, 1/Lambda_dd) from the posterior."""
    covariance = theta.prior_sd**2 * theta.y @ theta.y.T + theta.noise_sd**2 * np.eye(len(x))
    evidence = stats.multivariate_normal.logpdf(x, np.zeros(len(x)), covariance)
    return evidence - divergence(x, theta, mean, 1 / np.diag(precision_and_side(x, theta)[0]))


def divergence(x, theta, mean, variance):
    """KL from a diagonal normal to the posterior: half of trace + square - D - log determinants."""
    Lambda, h = precision_and_side(x, theta)
    off = mean - np.linalg.solve(Lambda, h)
    log_dets = np.linalg.slogdet(Lambda)[1] + np.log(variance).sum()
    return 0.5 * (np.diag(Lambda) @ variance + off @ Lambda @ off - len(off) - log_dets)


def simultaneous(mean, x, theta):
    """A slip: every weight given the old means of all others, at once. (D,)"""
    Lambda, h = regression.normal_equations(x, theta)
    return mean + (h - Lambda @ mean) / np.diag(Lambda)


def after_simultaneous_updates(x, theta, poised):
    return regression.bound_at(simultaneous(poised, x, theta), x, theta)


def simultaneous_by_matrix(x, theta, poised):
    """Jacobi: the error is multiplied by minus (diagonal)^-1 (the rest)."""
    Lambda, h = precision_and_side(x, theta)
    best = np.linalg.solve(Lambda, h)
    rest = Lambda - np.diag(np.diag(Lambda))
    return exact_bound(x, theta, best - (rest @ (poised - best)) / np.diag(Lambda))


def before_any_update(x, theta, poised):
    return regression.bound_at(poised, x, theta)


def before_by_divergence(x, theta, poised):
    return exact_bound(x, theta, poised)


# ---- what the notebook calls the bound

def divergence_turned(x, theta, lam):
    mean, log_sd = np.split(lam, 2)
    return -divergence(x, theta, mean, np.exp(2 * log_sd))


def both_slips(x, theta, lam):
    """What the notebook calls the bound, less the log evidence: the entropy taken away, with pi for 2 pi in it."""
    log_sd = lam[len(lam) // 2:]
    entropy = 0.5 * np.sum(np.log(np.pi * np.e * np.exp(2 * log_sd)))
    return regression.expected_log_joint(x, theta, lam) - entropy - models.log_evidence(x, theta)


def what_both_slips_do(x, theta, lam):
    """Twice the entropy is lost, and log 2 / 2 for each weight regained."""
    mean, log_sd = np.split(lam, 2)
    entropy = stats.norm.entropy(scale=np.exp(log_sd)).sum()
    return -divergence(x, theta, mean, np.exp(2 * log_sd)) - 2 * entropy + 0.5 * len(mean) * np.log(2)
