"""Three models to fit, and what is exact about each: a regression, a regression whose noise is unknown, a logistic
regression.

Shapes as the fit asks for them: weights (1, S, D), scalars (1, S), log densities (1, S) in nats; x (N,) targets, y (N,
D) inputs. PML, "Code-task: Score-function gradient for linear regression" for the first.
"""
import warnings
from typing import NamedTuple

import autograd.numpy as np
from scipy.special import expit

from refvi.base.checks import require_finite, require_shape
from refvi.base.core import around_peak
from refvi.base.models import isotropic, linear_gaussian, regression, targets
from refvi.base.special import logsumexp
from refvi.programs.automatic.model import Parts
from refvi.programs.automatic.space import space

PRIOR_SD = 1.5      # of every weight, unless said otherwise
NODES = 4001        # of the noise's logarithm
SMALLEST = 1e-100   # size of targets whose squares, over the smallest noise looked at, are still numbers


class Exact(NamedTuple):
    """Moments of a posterior by quadrature, and its evidence."""
    mean: np.ndarray            # (D,)
    covariance: np.ndarray      # (D, D)
    log_evidence: float
    error: float = 0.           # of the evidence, in nats


# ---- known noise: the posterior is normal

def code_task():
    """(x, theta) of the slides' task: five targets on a line of offset 1.04 and slope 0.51, noise of sd 0.1."""
    y = np.column_stack([np.ones(5), np.linspace(0, 1, 5)])
    return y @ np.array([1.041, 0.508]), regression(y, prior_sd=10., noise_sd=0.1)


def known_noise(x, theta):
    """(log_joint, latents) of models.linear_gaussian."""
    return lambda z: linear_gaussian.log_joint(z.weights, x, theta), dict(weights=("real", theta.y.shape[1]))


# ---- unknown noise: positive, with an exponential prior of mean one

def unknown_noise(D):
    """(Parts, latents): D weights and the noise's standard deviation; data are (x, y)."""
    def log_prior(z):
        return isotropic(z.weights, PRIOR_SD) - z.noise_sd

    def log_likelihood(z, x, y):
        residual = x - z.weights @ y.T
        log_normalizer = len(x) * (np.log(z.noise_sd) + 0.5 * np.log(2 * np.pi))
        return -0.5 * np.sum(residual**2, axis=-1) / z.noise_sd**2 - log_normalizer

    return Parts(log_prior, log_likelihood), dict(weights=("real", D), noise_sd="positive")


def unknown_noise_exact(x, y):
    """Exact of (weights, noise_sd): given the noise all is closed form, so that one quadrature is left, over its
    logarithm.

    ValueError where the inputs explain x to within rounding: the posterior of the noise then has all its mass at zero.
    """
    theta = regression(y, prior_sd=PRIOR_SD, noise_sd=1.)
    x, (N, D) = targets(x, theta), theta.y.shape
    size = np.linalg.norm(x)
    if size and not SMALLEST < size < 1 / SMALLEST:
        raise ValueError(f"x is of size {size:.1g}: rescale it, the prior's noise is of size one")
    U, s, V = np.linalg.svd(theta.y, full_matrices=False)
    rank = np.sum(s > N * np.finfo(float).eps * s[0])
    U, s, V = U[:, :rank], s[:rank], V[:rank]
    seen = U.T @ x
    missed = np.linalg.norm(x - U @ seen) if N > rank else 0.
    if N > rank and missed <= 1e-13 * size:
        raise ValueError(f"the inputs explain x to within rounding ({N} data, {D} weights): no noise can be estimated, "
                         "take more data or fewer inputs")

    def log_density(t):
        """The log joint density of x and t = log noise_sd."""
        variance = np.exp(2 * t)
        total = variance + (s[:, None] * PRIOR_SD)**2
        along = np.sum(seen[:, None]**2 / total + np.log(2 * np.pi * total), axis=0)
        across = missed**2 / variance + (N - len(s)) * np.log(2 * np.pi * variance)
        return -0.5 * (along + across) - np.exp(t) + t

    # below the low end the density falls like the noise itself or faster, above the high end the prior ends it
    low = np.log(min(1., missed / np.sqrt(N) if N > rank else size or 1.)) - 45
    t, density, step = around_peak(log_density, edges=(low, np.log(10 + size) + 5), n=NODES)
    sd = np.exp(t)[:, None]
    total = s**2 + (sd / PRIOR_SD)**2
    means = (s * seen / total) @ V
    unseen = PRIOR_SD**2 * (np.eye(D) - V.T @ V)

    def at(every):
        evidence = logsumexp(density[::every]) + np.log(every * step)
        w = np.exp(density[::every] - evidence) * every * step
        points = np.column_stack([means, sd])[::every]
        mean = w @ points
        covariance = (w[:, None] * (points - mean)).T @ (points - mean)
        covariance[:D, :D] += (V.T * (w @ (sd**2 / total)[::every])) @ V + unseen
        return Exact(mean, covariance, evidence)

    return at_two_resolutions(at(1), at(2))


def at_two_resolutions(fine, coarse):
    """fine with its error, what the evidence of a grid twice as coarse differs by; a RuntimeWarning if above 1e-6."""
    error = abs(fine.log_evidence - coarse.log_evidence)
    if not error <= 1e-6:
        warnings.warn(f"the quadrature is not exact: a grid twice as coarse differs by {error:.2g} nats",
                      RuntimeWarning, stacklevel=3)
    return fine._replace(error=float(error))


# ---- a logistic regression in the plane: x 0 or 1

def logistic():
    """(Parts, latents): two weights; data are (x, y)."""
    def log_likelihood(z, x, y):
        return -np.sum(np.logaddexp(0., (1. - 2. * x) * (z.weights @ y.T)), axis=-1)

    return Parts(lambda z: isotropic(z.weights, PRIOR_SD), log_likelihood), dict(weights=("real", 2))


def logistic_grid(x, y, centre=np.zeros(2), sd=np.full(2, PRIOR_SD), points=101, wide=7.):
    """(axes, log_joint (points, points), cell): the log joint density on a grid around centre."""
    axes = [c + s * np.linspace(-wide, wide, points) for c, s in zip(centre, sd)]
    cell = np.prod([axis[1] - axis[0] for axis in axes])
    return axes, logistic_at(np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1), x, y), cell


def logistic_at(weights, x, y):
    """The log joint density (..., S) of weights (..., S, 2)."""
    model, latents = logistic()
    values = space(latents).values(weights)
    return model.log_prior(values) + model.log_likelihood(values, x, y)


def logistic_exact(x, y):
    """Exact of both weights, on a grid around the peak along the axes of the curvature there.

    It reaches until 45 nats below the peak on every side, where a log-concave density has nothing left, and is refined
    until two resolutions agree.
    """
    y = require_finite("y", require_shape("y", y, (None, 2), "(N=number of data, 2)"))
    x = require_shape("x", x, (len(y),), f"one label for each of the N={len(y)} rows of y")
    if not np.all((x == 0) | (x == 1)):
        raise ValueError(f"x must hold labels 0 and 1, got {x[(x != 0) & (x != 1)][0]:g}")
    centre, root = logistic_peak(x, y)
    sides = reach(lambda u: logistic_at(centre + u @ root.T, x, y))
    points, found = 61, None
    while found is None or found.error > 1e-9 and points < 1000:
        axes = [np.linspace(*side, points) for side in sides]
        weights = centre + np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1) @ root.T
        log_joint = np.array([logistic_at(row, x, y) for row in weights])
        cell = np.prod([axis[1] - axis[0] for axis in axes]) * np.abs(np.linalg.det(root))
        fine, coarse = (moments_of_grid(weights[::k, ::k], log_joint[::k, ::k], cell * k**2) for k in (1, 2))
        found, points = fine._replace(error=abs(fine.log_evidence - coarse.log_evidence)), 2 * points - 1
    return at_two_resolutions(fine, coarse)


def logistic_peak(x, y, most=500):
    """(weights at the peak (2,), a root of the inverse curvature there (2, 2)): Newton's steps, halved until they
    climb."""
    z, height = np.zeros(2), logistic_at(np.zeros((1, 2)), x, y)[0]
    for _ in range(most):
        p = expit(y @ z)
        slope = y.T @ (x - p) - z / PRIOR_SD**2
        curvature = (y.T * (p * (1 - p))) @ y + np.eye(2) / PRIOR_SD**2
        step = np.linalg.solve(curvature, slope)
        gain = slope @ step
        while gain > 1e-12 and not logistic_at((z + step)[None], x, y)[0] > height:
            step, gain = step / 2, gain / 2
        if gain <= 1e-12:
            break
        z = z + step
        height = logistic_at(z[None], x, y)[0]
    return z, np.linalg.cholesky(np.linalg.inv(curvature))


def reach(log_density, below=45., points=21):
    """[(low, high), (low, high)] in the plane: a box on whose border a log-concave density is that far below its
    peak."""
    box = np.array([[-8., 8.], [-8., 8.]])
    for _ in range(200):
        axes = [np.linspace(*side, points) for side in box]
        values = log_density(np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1))
        peak = max(np.max(values), log_density(np.zeros((1, 2)))[0])
        grown = box.copy()
        for d in (0, 1):
            across = np.max(values, axis=1 - d)
            grown[d, 0] *= 1.5 if across[0] > peak - below else 1.
            grown[d, 1] *= 1.5 if across[-1] > peak - below else 1.
        if np.all(grown == box):
            break
        box = grown
    for d in (0, 1):        # and not farther than needed
        alive = np.flatnonzero(np.max(values, axis=1 - d) > peak - below)
        if len(alive):
            box[d] = axes[d][max(alive[0] - 1, 0)], axes[d][min(alive[-1] + 1, points - 1)]
    return box


def moments_of_grid(weights, log_joint, cell):
    """Exact of a log joint density (n, m) at weights (n, m, 2) of a grid."""
    evidence = logsumexp(log_joint.ravel()) + np.log(cell)
    w = np.exp(log_joint.ravel() - evidence) * cell
    points = weights.reshape(-1, 2)
    mean = w @ points
    return Exact(mean, (w[:, None] * (points - mean)).T @ (points - mean), evidence)


def toy_classes(rng, N=16):
    """(x, y): N points on a line, an intercept beside them, and the side on which each one falls."""
    y = np.column_stack([np.ones(N), rng.uniform(-1, 2, N)])
    return (rng.random(N) < 1 / (1 + np.exp(-y @ np.array([-0.8, 2.0])))).astype(float), y
