"""EM for probabilistic PCA and for factor analysis: the posterior of each z, then a regression of x on it.

Shapes as in model.py; `each` says whether every coordinate of x has a noise of its own (factor analysis) or all share
one (probabilistic PCA). Likelihoods and bounds are nats per datum. Rubin and Thayer (1982), EM algorithms for ML factor
analysis; Tipping and Bishop (1999), section 3.3 and appendix B.
"""
from typing import NamedTuple

import autograd.numpy as np

from refvi.base.checks import require_count, require_positive
from refvi.generative.linear_latent.maximum import closed_form, gradient
from refvi.generative.linear_latent.model import Linear, covariance, log_likelihood, posterior, scatter, small


# ---- one step

def e_step(x, theta):
    """E[z] of every datum (N, D), and the average over the data of E[z z'] (D, D)."""
    mean, precision = posterior(x, theta)
    return mean, np.linalg.inv(precision) + mean.T @ mean / len(x)


def m_step(x, moments, each):
    """theta of the highest expected log p(x, z): x regressed on z and on 1, and as noise what is left.

    moments: E[z] of every datum (N, D), and the average over the data of E[z z'] (D, D).
    """
    mean, second = moments
    centre, b = np.mean(mean, axis=0), np.mean(x, axis=0)
    cross = (x - b).T @ mean / len(x)
    W = np.linalg.solve(second - np.outer(centre, centre), cross.T).T
    left = np.mean((x - b)**2, axis=0) - np.sum(W * cross, axis=1)
    return Linear(W, b - W @ centre, np.sqrt(left if each else np.mean(left)))


def em_step(x, theta, each):
    """theta after one step. Where b is the mean of the data, it stays there."""
    return m_step(x, e_step(x, theta), each)


def iterated(x, theta, each, steps):
    """theta after so many steps."""
    for _ in range(steps):
        theta = em_step(x, theta, each)
    return theta


# ---- the fit

class Fit(NamedTuple):
    """theta, the likelihood in nats per datum before each step and after the last, and whether it has come to rest."""
    theta: Linear
    log_likelihoods: np.ndarray
    converged: bool


def fit(x, D, *, each=True, steps=5000, tolerance=1e-13):
    """Maximum likelihood by EM from the closed form of probabilistic PCA: factor analysis with each=True. A Fit.

    It stops where a step changes no entry of the covariance by more than tolerance times its largest. Where a
    coordinate's noise falls to nothing (a Heywood case: the likelihood has no interior maximum there) it goes on
    slowly, and `converged` is False.
    """
    require_count("steps", steps)
    require_positive("tolerance", tolerance, "relative to the largest entry of the covariance")
    theta = closed_form(x, D)
    if each:
        still = np.flatnonzero(np.ptp(x, axis=0) == 0)
        if len(still):
            value = np.asarray(x)[0, still[0]]
            raise ValueError(f"x[:, {still[0]}] is {value} in every datum: its noise would fall to zero "
                             "and the likelihood grow without end; leave it out")
        theta = with_noise_of_each(theta)
    values, C = [log_likelihood(x, theta)], covariance(theta)
    for _ in range(steps):
        theta, before = em_step(x, theta, each), C
        C = covariance(theta)
        values.append(log_likelihood(x, theta))
        if np.max(np.abs(C - before)) <= tolerance * np.max(np.abs(C)):
            return Fit(theta, np.array(values), True)
    return Fit(theta, np.array(values), False)


def with_noise_of_each(theta):
    """theta with its one sd repeated for every coordinate: factor analysis that happens to be probabilistic PCA."""
    return theta._replace(sd=theta.sd * np.ones(len(theta.b)))


def parts(theta):
    """W (n, D), b (n, 1) and the noise variances (n, 1) side by side: what a step returns, as one array."""
    return np.column_stack([theta.W, theta.b, theta.sd**2 * np.ones(len(theta.b))])


# ---- why it climbs

def bound(x, theta, moments, precision):
    """E[log p(x, z)] under q, and q's entropy, in nats per datum, for q with these moments and this precision."""
    mean, second = moments
    D, sd = len(second), theta.sd * np.ones(len(theta.b))
    W, off = theta.W / sd[:, None], (x - theta.b) / sd
    squares = np.mean(np.sum(off**2, axis=1)) - 2 * np.sum(W * (off.T @ mean / len(x))) + np.sum(W.T @ W * second)
    log_likelihood_of_z = -0.5 * (len(sd) * np.log(2 * np.pi) + 2 * np.sum(np.log(sd)) + squares)
    log_prior = -0.5 * (D * np.log(2 * np.pi) + np.trace(second))
    entropy = 0.5 * (D * (1 + np.log(2 * np.pi)) - np.linalg.slogdet(precision)[1])
    return log_likelihood_of_z + log_prior + entropy


def bound_touches(x, theta):
    """The bound at the posterior of the same theta, where it is the likelihood."""
    return bound(x, theta, e_step(x, theta), posterior(x, theta)[1])


def bound_after_m_step(x, theta, each):
    """The bound of the same q at the theta where it is highest."""
    moments = e_step(x, theta)
    return bound(x, m_step(x, moments, each), moments, posterior(x, theta)[1])


def likelihood_after_m_step(x, theta, each):
    """The likelihood at the new theta, which the bound of the old q no longer touches."""
    return log_likelihood(x, em_step(x, theta, each))


# ---- what one step is: W, b and variances (n, D + 2)

def regression_on_moments(x, theta, each):
    """x regressed on z by its posterior moments, and the squares that are left on average."""
    return parts(em_step(x, theta, each))


def one_matrix(x, theta):
    """For one noise and b at the mean: W <- S W (sd^2 I + M^-1 W' S W)^-1, with S the data's covariance."""
    S, W, M = scatter(x, theta.b), theta.W, small(theta)
    new = S @ W @ np.linalg.inv(theta.sd**2 * np.eye(len(M)) + np.linalg.solve(M, W.T @ S @ W))
    left = np.trace(S - S @ W @ np.linalg.solve(M, new.T)) / len(S)
    return np.column_stack([new, theta.b, np.full(len(S), left)])


# ---- where it ends

def covariance_after_em(x, theta, each, steps):
    """The model's covariance of x after so many steps. (n, n)"""
    return covariance(iterated(x, theta, each, steps))


def covariance_a_step_later(x, D):
    """The covariance one more step from the closed form: nothing moves. (n, n)"""
    return covariance(em_step(x, closed_form(x, D), False))


def likelihood_after_em(x, theta, each, steps):
    """The likelihood after so many steps."""
    return log_likelihood(x, iterated(x, theta, each, steps))


# ---- factor analysis: a noise for each coordinate

def fitted_variances(x, D):
    """The diagonal of C at the fit of factor analysis. (n,)"""
    return np.diag(covariance(fit(x, D).theta))


def variances_of_ppca(x, D):
    """The diagonal of C at the fit of probabilistic PCA, which has one number for all noises. (n,)"""
    return np.diag(covariance(closed_form(x, D)))


def gradient_at_fit(x, D):
    """The slope of factor analysis' likelihood in W, b and each log sd, where its EM ends. (n D + 2 n,)"""
    return gradient(x, fit(x, D).theta)


def gradient_at_ppca(x, D):
    """The slope of factor analysis' likelihood at the fit of probabilistic PCA, where all noises are one."""
    return gradient(x, with_noise_of_each(closed_form(x, D)))


def covariance_of_fit(x, D):
    """The covariance of x under factor analysis at its maximum. (n, n)"""
    return covariance(fit(x, D).theta)


def likelihood_of_fit(x, D):
    """The likelihood of factor analysis at its maximum."""
    return log_likelihood(x, fit(x, D).theta)


def likelihood_of_ppca(x, D):
    """The likelihood of probabilistic PCA at its maximum."""
    return log_likelihood(x, closed_form(x, D))
