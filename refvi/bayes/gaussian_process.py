"""Regression by a Gaussian process, and the networks that are one: derivations/bayes/gaussian_process.md.

Shapes: inputs y (N, D), outcomes x (N,), further inputs new (M, D); theta (3,), the logarithms of a length, of the
signal's standard deviation and of the noise's: x = f(y) + noise. The prior mean of f is zero: centre x.
RAI, "What We Want..". Rasmussen and Williams (2006), Gaussian Processes for Machine Learning; Cho and Saul (2009).
"""
from typing import NamedTuple

import numpy as np
from scipy.linalg import cho_solve, solve_triangular
from scipy.linalg.lapack import dpotrf
from scipy.optimize import minimize
from scipy.spatial.distance import cdist, pdist

from refvi.base.checks import require_finite, require_positive, require_shape, spread
from refvi.base.core import Fit
from refvi.likelihood.networks import relu, require_inputs

NAMES = "length", "signal_sd", "noise_sd"
PIVOT = 1e3 * np.finfo(float).eps       # of N times the largest variance: what leaves three digits of a pivot
LEFT = 1e-6                             # nats that a fit at rest may leave on the slope
RANGE = np.array([[0.1, 100.], [0.01, 30.], [0.001, 10.]])      # of a fit, in units of distances and of outcomes


class Chosen(NamedTuple):
    """Hyperparameters of the largest evidence, and how flat it is there, to second order."""
    theta: np.ndarray           # (3,)
    cost: float                 # nats that a step of one in the flattest direction takes off
    direction: np.ndarray       # (3,), of length one


def hyperparameters(*, length, signal_sd, noise_sd):
    """theta (3,); ValueError where one is not positive, but for a noise_sd of zero: f itself is seen."""
    for name, value in zip(NAMES, (length, signal_sd, noise_sd or 1.)):
        require_positive(name, value, "no logarithm is wanted; a noise_sd of 0 where f itself is seen")
    return np.array([np.log(length), np.log(signal_sd), np.log(noise_sd) if noise_sd else -np.inf])


def require_data(theta, x, y):
    """theta (3,), outcomes x (N,) and inputs y (N, D) as floats; else a ValueError."""
    theta = require_shape("theta", theta, (3,), f"logarithms of {', '.join(NAMES)}")
    require_finite("exp(theta)", np.exp(theta))
    y = require_finite("y", require_inputs(y, np.shape(y)[-1] if np.ndim(y) == 2 else 1))
    return theta, require_finite("x", require_shape("x", x, (len(y),), f"one for each of the N={len(y)} rows of y")), y


def squares(a, b, theta):
    """Squared distances (N, M) of inputs a (N, D) from b (M, D), in lengths."""
    return cdist(a, b, "sqeuclidean") / np.exp(2 * theta[0])


def rbf(a, b, theta):
    """Prior covariance (N, M) of f at a with f at b."""
    return np.exp(2 * theta[1] - 0.5 * squares(a, b, theta))


def covariance(theta, y):
    """Prior covariance C (N, N) of outcomes at y."""
    return rbf(y, y, theta) + np.exp(2 * theta[2]) * np.eye(len(y))


def factor(C):
    """Lower triangular L with L L' = C; ValueError where C is not positive definite, with the two data most alike."""
    L, failed = dpotrf(C, lower=True, clean=True)
    if failed or not np.min(np.diag(L))**2 > PIVOT * len(C) * np.max(np.diag(C)):
        raise ValueError(f"the covariance of the {len(C)} data is not positive definite to within rounding; data "
                         f"{divmod(int(np.argmax(np.triu(C / np.sqrt(np.outer(np.diag(C), np.diag(C))), 1))), len(C))} "
                         "are most alike: leave out inputs that come twice, take a shorter length, or a noise_sd of "
                         f"at least {2 * np.sqrt(PIVOT * len(C) * np.max(np.diag(C))):.1g}")
    return L


def conditioned(x, C, cross, own):
    """(1 + M, M): mean, then covariance, of what has prior covariance own (M, M) and cross (N, M) with x, given x."""
    L = factor(C)
    t, half = solve_triangular(L, x, lower=True), solve_triangular(L, cross, lower=True)
    return np.vstack([t @ half, own - half.T @ half])


def posterior(theta, x, y, new):
    """(1 + M, M): mean of f at new inputs, then its covariance, given data; ValueError for what are no data."""
    theta, x, y = require_data(theta, x, y)
    new = require_finite("new", require_inputs(new, y.shape[1], "new"))
    return conditioned(x, covariance(theta, y), rbf(y, new, theta), rbf(new, new, theta))


def log_predictive(at, theta, x, y, new):
    """log p(at_m | x) (M,) in nats, of an outcome at each new input: neither f nor the noise is known there."""
    mean, *rest = posterior(theta, x, y, new)
    at = require_finite("at", require_shape("at", at, mean.shape, "one outcome for each new input"))
    variance = np.diag(rest) + np.exp(2 * theta[2])
    return -0.5 * (at - mean)**2 / variance - 0.5 * np.log(2 * np.pi * variance)


# ---- the evidence

def log_evidence(theta, x, y):
    """log p(x | theta) in nats."""
    theta, x, y = require_data(theta, x, y)
    L = factor(covariance(theta, y))
    t = solve_triangular(L, x, lower=True)
    return -0.5 * t @ t - np.sum(np.log(np.diag(L))) - 0.5 * len(x) * np.log(2 * np.pi)


def evidence_slopes(theta, x, y):
    """(1 + 3, 3): gradient of the log evidence in theta, then minus its second derivatives."""
    theta, x, y = require_data(theta, x, y)
    L, u, K = factor(covariance(theta, y)), squares(y, y, theta), rbf(y, y, theta)
    inverse, alpha = cho_solve((L, True), np.eye(*K.shape)), cho_solve((L, True), x)
    first = np.stack([K * u, 2 * K, 2 * np.exp(2 * theta[2]) * np.eye(*K.shape)])
    (a, b, c), none = 2 * first, np.zeros_like(K)
    second = np.array([[(u / 2 - 1) * a, a, none], [a, b, none], [none, none, c]])
    change, turned, pulled = np.outer(alpha, alpha) - inverse, inverse @ first, first @ alpha
    bend = 0.5 * np.sum(change * second, axis=(2, 3)) + 0.5 * np.einsum("iab,jba->ij", turned, turned)
    return np.vstack([0.5 * np.sum(change * first, axis=(1, 2)), pulled @ inverse @ pulled.T - bend])


def climb(x, y, theta, low, high):
    """[theta, ...], at first and after each quasi-Newton step up the log evidence, between low and high (3,)."""
    path = [np.clip(theta, low, high)]
    minimize(lambda theta: (-log_evidence(theta, x, y), -evidence_slopes(theta, x, y)[0]), path[0], jac=True,
             method="L-BFGS-B", bounds=np.transpose([low, high]), callback=lambda theta: path.append(theta.copy()),
             options=dict(ftol=1e-13, gtol=1e-8))
    return path


def fit(x, y):
    """A Fit whose found is Chosen, by quasi-Newton steps from three lengths; trace: log evidence in nats.

    stopped names what has run to the edge of its range. ValueError for data that cannot choose theta.
    """
    _, x, y = require_data(np.zeros(3), x, y)
    gaps, size, remedy = pdist(y), np.sqrt(np.mean(x**2)), "choose theta and call posterior"
    if not np.any(gaps):
        raise ValueError(f"N={len(x)} data at one input say nothing of a length: bring other inputs, or {remedy}")
    if not spread(x):
        raise ValueError(f"x is {x[0]:g} for all N={len(x)} data: less and less noise has no best value, {remedy}")
    gaps = gaps[gaps > 0]
    low, high = np.log(RANGE * [[gaps.min(), gaps.max()], [size, size], [size, size]]).T
    starts = (np.log([length, size, 0.3 * size]) for length in np.quantile(gaps, [0.05, 0.25, 0.75]))
    path = max((climb(x, y, start, low, high) for start in starts), key=lambda path: log_evidence(path[-1], x, y))
    theta, trace = path[-1], np.array([log_evidence(theta, x, y) for theta in path])
    slope, *bent = evidence_slopes(theta, x, y)
    costs, directions = np.linalg.eigh(bent)
    edges = ", ".join(name for name, at, *ends in zip(NAMES, theta, low, high) if at in ends)
    told = f"at the edge of its range: {edges}" if edges else f"not at rest after {len(path) - 1} steps"
    resting = not edges and costs[0] > 0 and np.sum((slope @ directions)**2 / costs) < 2 * LEFT
    return Fit(Chosen(theta, 0.5 * costs[0], directions[:, 0]), trace, "" if resting else told)


# ---- a network of any width

def arc_cosine(a, b, weight_sd, out_sd):
    """Prior covariance (N, M) of a network's outputs at a and b: one hidden layer of ReLU units, of any width."""
    a, b = (np.column_stack([y, np.ones(len(y))]) for y in (a, b))
    sizes = np.outer(np.linalg.norm(a, axis=1), np.linalg.norm(b, axis=1))
    angle = np.arccos(np.clip(a @ b.T / sizes, -1, 1))
    return (weight_sd * out_sd)**2 / (2 * np.pi) * sizes * (np.sin(angle) + (np.pi - angle) * np.cos(angle))


def outputs(eps, y, weight_sd, out_sd):
    """f(y) (..., N) of drawn networks, eps (..., H, D + 2): each unit's D weights, its bias, and its weight in f."""
    inside = relu(weight_sd * eps[..., :-1] @ np.column_stack([y, np.ones(len(y))]).T)
    return out_sd * np.sum(eps[..., -1:] * inside, axis=-2) / np.sqrt(eps.shape[-2])


def products_of_outputs(eps, a, b, weight_sd, out_sd):
    """Average of f(a) f(b) (R, N, M) over S networks, eps (R, S, H, D + 2)."""
    return np.einsum("rsn,rsm->rnm", *(outputs(eps, y, weight_sd, out_sd) for y in (a, b))) / eps.shape[1]
