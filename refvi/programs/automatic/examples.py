"""Three models to fit, and what is exact about each: a regression, a regression whose noise is unknown, a logistic
regression.

Shapes as the fit asks for them: weights (1, S, D), scalars (1, S), log densities (1, S) in nats; x (N,) targets, y (N,
D) inputs. PML, "Code-task: Score-function gradient for linear regression" for the first.
"""
from typing import NamedTuple

import autograd.numpy as np

from refvi.base.models import LinearGaussian, isotropic, linear_gaussian, log_evidence, posterior, regression
from refvi.base.special import logsumexp
from refvi.programs.automatic.model import Parts
from refvi.programs.automatic.space import space

PRIOR_SD = 1.5      # of every weight, unless said otherwise


class Exact(NamedTuple):
    """Moments of a posterior by quadrature, and its evidence."""
    mean: np.ndarray            # (D,)
    covariance: np.ndarray      # (D, D)
    log_evidence: float


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


def unknown_noise_exact(x, y, points=61):
    """Exact of (weights, noise_sd): given the noise all is closed form, so that one quadrature is left, over its
    logarithm."""
    N, D = y.shape
    residual = x - y @ np.linalg.lstsq(y, x, rcond=None)[0]
    log_sd, h = np.linspace(-8, 8, points, retstep=True)
    width = 1 / np.sqrt(2 * max(N - D, 1))
    sd = np.sqrt(np.sum(residual**2) / max(N - D, 1)) * np.exp(width * log_sd)
    log_w = np.array([log_evidence(x, LinearGaussian(y, PRIOR_SD, s)) - s + np.log(s) for s in sd]) + np.log(width * h)
    evidence = logsumexp(log_w)
    w = np.exp(log_w - evidence)
    means, precisions = zip(*(posterior(x, LinearGaussian(y, PRIOR_SD, s)) for s in sd))
    points = np.column_stack([means, sd])
    mean = w @ points
    covariance = (w[:, None] * (points - mean)).T @ (points - mean)
    covariance[:D, :D] += np.tensordot(w, np.linalg.inv(np.array(precisions)), 1)
    return Exact(mean, covariance, evidence)


# ---- a logistic regression in the plane: x 0 or 1

def logistic():
    """(Parts, latents): two weights; data are (x, y)."""
    def log_likelihood(z, x, y):
        return -np.sum(np.logaddexp(0., (1 - 2 * x) * (z.weights @ y.T)), axis=-1)

    return Parts(lambda z: isotropic(z.weights, PRIOR_SD), log_likelihood), dict(weights=("real", 2))


def logistic_grid(x, y, centre=np.zeros(2), sd=np.full(2, PRIOR_SD), points=101, wide=7.):
    """(axes, log_joint (points, points), cell): the log joint density on a grid around centre."""
    axes = [c + s * np.linspace(-wide, wide, points) for c, s in zip(centre, sd)]
    model, latents = logistic()
    values = space(latents).values(np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1))
    cell = np.prod([axis[1] - axis[0] for axis in axes])
    return axes, model.log_prior(values) + model.log_likelihood(values, x, y), cell


def logistic_exact(x, y):
    """Exact of both weights, on a grid that a coarser one has found."""
    found = moments_of_grid(*logistic_grid(x, y))
    return moments_of_grid(*logistic_grid(x, y, found.mean, np.sqrt(np.diag(found.covariance))))


def moments_of_grid(axes, log_joint, cell):
    """Exact of a log joint density (points, points) on a grid."""
    evidence = logsumexp(log_joint.ravel()) + np.log(cell)
    w = np.exp(log_joint.ravel() - evidence) * cell
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 2)
    mean = w @ points
    return Exact(mean, (w[:, None] * (points - mean)).T @ (points - mean), evidence)


def toy_classes(rng, N=16):
    """(x, y): N points on a line, an intercept beside them, and the side on which each one falls."""
    y = np.column_stack([np.ones(N), rng.uniform(-1, 2, N)])
    return (rng.random(N) < 1 / (1 + np.exp(-y @ np.array([-0.8, 2.0])))).astype(float), y
