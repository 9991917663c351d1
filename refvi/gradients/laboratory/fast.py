"""The study on Bayesian linear regression with a diagonal normal, by hand: study.variance_study twenty times as fast
with 5 data, a hundred times with 100.

In terms of its standard normal noise the log weight is r_0 + h.eps - eps'K eps / 2 + |eps|^2 / 2, whatever the number
of data. Layout: features first, eps (D, R, S), estimates (2 D, R), so that every inner loop is long. lam (2 D,) = (mu,
log sigma). PML, "Code-task: Score-function gradient for linear regression" and "Code-task: Reparameterization-gradient
for linear regression".
"""
from typing import NamedTuple

import numpy as np

from refvi.base.checks import require_count, require_finite, require_shape
from refvi.gradients.bbvi.regression import log_constant, whitened
from refvi.gradients.laboratory.moments import block_moments, merged, require_replicates, variance_with_error

BLOCK = 2**17           # numbers of noise, or residuals, at once: they stay in the cache


class InNoise(NamedTuple):
    """A regression seen from the noise of q."""
    rows: np.ndarray            # (n, D): residuals are offset + rows eps
    offset: np.ndarray          # (n,)
    sigma: np.ndarray           # (D,)
    constant: float             # what half the squared residuals lack of log p(x, z) - log q(z), without eps
    quadratic: tuple | None     # (r_0, h (D,), K (D, D)), or None where every draw is to meet all data


def in_noise(x, theta, lam, rotate=True):
    """The regression at lam, checked. rotate=False: every draw meets all N data, as a log joint that is not
    quadratic needs it."""
    D = theta.y.shape[1]
    lam = require_shape("lam", lam, (2 * D,), f"D={D} means, then D={D} log standard deviations")
    lam = require_finite("lam", lam, squared=False).astype(float)
    B, sigma = whitened(x, theta), np.exp(lam[D:])
    offset, rows = B[:, 0] + B[:, 1:] @ lam[:D], B[:, 1:] * sigma
    constant = log_constant(theta) + np.sum(lam[D:]) + 0.5 * D * np.log(2 * np.pi)
    quadratic = (constant - 0.5 * offset @ offset, -rows.T @ offset, rows.T @ rows) if rotate else None
    return InNoise(rows, offset, sigma, constant, quadratic)


def values_and_slopes(eps, problem):
    """For eps (D, n): r - |eps|^2 / 2 (n,) with the log weight r, and the gradient of log p(x, mu + sigma eps) in
    eps (D, n)."""
    if problem.quadratic is None:
        residuals = problem.rows @ eps
        residuals += problem.offset[:, None]
        slopes = -(problem.rows.T @ residuals)
        np.multiply(residuals, residuals, out=residuals)
        values = np.full(len(residuals), -0.5) @ residuals
        values += problem.constant
        return values, slopes
    r_0, h, K = problem.quadratic
    slopes = -K @ eps
    slopes += h[:, None]
    work = slopes + h[:, None]
    work *= eps
    values = np.full(len(h), 0.5) @ work        # a product with a constant vector: a third of the time of sum(axis=0)
    values += r_0
    return values, slopes


def estimates(eps, problem):
    """(score-function estimates (2 D, R), path estimates (2 D, R)) from the noise eps (D, R, S)."""
    D, R, S = eps.shape
    flat, mean = eps.reshape(D, R * S), np.full(S, 1 / S)
    values, slopes = values_and_slopes(flat, problem)
    square = flat * flat
    values += np.full(D, 0.5) @ square
    by_score, path = np.empty((2 * D, R)), np.empty((2 * D, R))

    def average(terms, out):
        np.matmul(terms.reshape(D, R, S), mean, out=out)

    average(slopes, path[:D])
    slopes *= flat
    average(slopes, path[D:])
    path[:D] /= problem.sigma[:, None]
    path[D:] += 1
    square -= 1
    square *= values
    average(square, by_score[D:])
    np.multiply(flat, values, out=slopes)
    average(slopes, by_score[:D])
    by_score[:D] /= problem.sigma[:, None]
    return by_score, path


def regression_study(x, theta, lam, rng, replicates, S, rotate=True):
    """{"score": Estimate, "path": Estimate} of the variances (2 D,) of both gradients of the bound, measured on the
    same draws."""
    require_count("S", S)
    require_replicates(replicates)
    problem, found = in_noise(x, theta, lam, rotate), [None, None]
    D = len(problem.sigma)
    size = max(1, BLOCK // (S * (D if rotate else len(problem.offset))))
    for start in range(0, replicates, size):
        eps = rng.standard_normal((D, min(size, replicates - start), S))
        found = [merged(before, block_moments(g.T)) for before, g in zip(found, estimates(eps, problem))]
    return dict(zip(("score", "path"), (variance_with_error(*moments) for moments in found)))
