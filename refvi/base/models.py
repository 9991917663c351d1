"""Models that several chapters meet: a joint density, and where they exist its exact posterior and evidence.

Linear-Gaussian: z ~ N(0, prior_sd^2 I_D), x = y z + N(0, noise_sd^2 I_N). Read y as the inputs of a regression (N, D),
z as its weights (D,) and x as its targets (N,); or y as the loadings of factor analysis. PML, "Code-task:
Score-function gradient for linear regression" writes x_i, theta and Y_i for them.
"""
from typing import NamedTuple

import autograd.numpy as np
from scipy.linalg import cho_factor, cho_solve

from refvi.base.checks import require_bound, require_finite, require_positive, require_shape
from refvi.base.core import Model


class LinearGaussian(NamedTuple):
    """theta of the linear-Gaussian model."""
    y: np.ndarray               # (N, D)
    prior_sd: float
    noise_sd: float


def regression(y, *, prior_sd, noise_sd):
    """A checked LinearGaussian; ValueError for a wrong shape, a value that is not finite, a standard deviation that
    is not positive."""
    y = require_finite("y", require_shape("y", y, (None, None), "(N=number of data, D=number of inputs)"))
    if y.size == 0:
        raise ValueError(f"y has shape {y.shape}: no data")
    remedy = "a standard deviation, not a variance or its logarithm"
    sds = (require_positive("prior_sd", prior_sd, remedy), require_positive("noise_sd", noise_sd, remedy))
    return LinearGaussian(y.astype(float), *map(float, sds))


def targets(x, theta):
    """The observed x (N,) of a regression, checked against its inputs."""
    N = len(theta.y)
    return require_finite("x", require_shape("x", x, (N,), f"one target for each of the N={N} rows of y"))


def isotropic(residual, sd):
    """log density (...,) of residual (..., D) under N(0, sd^2 I)."""
    D = np.shape(residual)[-1]
    return -0.5 * np.sum(residual**2, axis=-1) / sd**2 - D * (np.log(sd) + 0.5 * np.log(2 * np.pi))


def log_prior(z, theta):
    """log p(z) (..., S) of weights z (..., S, D)."""
    return isotropic(z, theta.prior_sd)


def log_likelihood(x, z, theta):
    """log p(x | z) (..., S) of targets x (N,) given weights z (..., S, D)."""
    return isotropic(x - z @ theta.y.T, theta.noise_sd)


linear_gaussian = Model(log_prior, log_likelihood)


def posterior(x, theta):
    """Mean (D,) and precision (D, D) of p(z | x), which is normal."""
    y, D = theta.y, theta.y.shape[1]
    precision = np.eye(D) / theta.prior_sd**2 + y.T @ y / theta.noise_sd**2
    return cho_solve(cho_factor(precision), y.T @ targets(x, theta) / theta.noise_sd**2), precision


def log_evidence(x, theta):
    """log p(x) in nats, from Bayes' rule read at the posterior mean: p(x) = p(x, z) / p(z | x) for every z."""
    mean, precision = posterior(x, theta)
    log_density = 0.5 * np.linalg.slogdet(precision)[1] - 0.5 * len(mean) * np.log(2 * np.pi)
    return linear_gaussian.log_joint(mean, x, theta) - log_density


def mean_field(x, theta):
    """lam of the diagonal normal with the highest ELBO: the posterior mean, and the precision's own diagonal for the
    spreads."""
    mean, precision = posterior(x, theta)
    return np.concatenate([mean, -0.5 * np.log(np.diag(precision))])


def elbo(lam, x, theta):
    """Exact ELBO in nats of a diagonal normal q(lam): the evidence less the divergence of two normals."""
    D = theta.y.shape[1]
    mean, precision = posterior(x, theta)
    mu, log_sd = lam[:D], lam[D:]
    step = mu - mean
    divergence = 0.5 * (np.sum(np.diag(precision) * np.exp(2 * log_sd)) + step @ precision @ step - D
                        - np.linalg.slogdet(precision)[1] - 2 * np.sum(log_sd))
    evidence = log_evidence(x, theta)
    return require_bound(evidence - divergence, evidence)
