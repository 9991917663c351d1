"""A linear encoder that sees a part of x, its exact bound over a population or a data set, and its training.

The decoder is linear (refvi.generative.linear_latent), so that every gap is exact. The encoder is linear in those
coordinates of x that it sees: q(z | x) = N(c + V (x - b)[sees], diag(exp(2 log_sd))); phi = (V row by row, c, log_sd),
(D k + 2 D,). Averages are over a population or over a data set, which enter by their mean and covariance alone:
Moments. Nats per datum.
"""
from typing import NamedTuple

import autograd.numpy as np
from autograd import grad, hessian

from refvi.base.checks import require_count
from refvi.base.optimize import gradient_ascent
from refvi.generative.linear_latent.maximum import require_spread
from refvi.generative.linear_latent.model import deviations, log_density_of, observed, posterior_map, scatter

NEWTON = 6      # steps on the bound of an encoder, from somewhere near


class Moments(NamedTuple):
    """All that a linear model sees of a population or a data set."""
    mean: np.ndarray            # (n,)
    covariance: np.ndarray      # (n, n), divided by N


def moments_of(x):
    """Moments of data x (N, n), or a ValueError."""
    x = require_spread(x)
    return Moments(np.mean(x, axis=0), scatter(x, np.mean(x, axis=0)))


def require_sight(sees, moments, theta):
    """A ValueError where moments and theta are of other x, or sees does not name coordinates of x, each once."""
    n, sees = len(theta.b), np.asarray(sees)
    if np.shape(moments.mean) != (n,):
        raise ValueError(f"moments of {np.size(moments.mean)} coordinates, theta of n={n}: take those of the same x")
    if sees.dtype == bool:
        raise ValueError("sees is a mask, expected the indices of the coordinates that the encoder sees: "
                         "np.flatnonzero(mask)")
    if len(np.unique(sees)) != sees.size or np.any(sees < 0) or np.any(sees >= n):
        raise ValueError(f"sees is {sees.tolist()}, expected indices from 0 to {n - 1}, each at most once")


# ---- the encoder and its exact bound

def unpacked(phi, D):
    """V (D, k), c (D,) and log_sd (D,)."""
    k = len(phi) // D - 2
    return np.reshape(phi[:D * k], (D, k)), phi[D * k:D * k + D], phi[D * k + D:]


def placed(V, sees, n):
    """V (D, k) with a column of zeros for each coordinate that it does not see. (D, n)"""
    return V @ np.eye(n)[np.asarray(sees)]


def encode(x, phi, sees, theta):
    """lam (N, 2 D): means and log_sd for each datum."""
    V, c, log_sd = unpacked(phi, theta.W.shape[1])
    off = observed(x, theta) - theta.b
    return np.concatenate([c + off[:, sees] @ V.T, np.tile(log_sd, (len(off), 1))], axis=1)


def about_b(moments, theta):
    """The mean of x - b (n,) and its second moment (n, n)."""
    off = moments.mean - theta.b
    return off, moments.covariance + np.outer(off, off)


def log_evidence(moments, theta):
    """E[log p(x)]."""
    return log_density_of(about_b(moments, theta)[1], theta)


def elbo(moments, phi, sees, theta):
    """E[ELBO(x)]: the squares of x - b - W z in units of the noise, less the divergence from the prior."""
    n, D = theta.W.shape
    V, c, log_sd = unpacked(phi, D)
    off, second = about_b(moments, theta)
    weights, sd = placed(V, sees, n), deviations(theta)
    cross = second @ weights.T + np.outer(off, c)                           # E[(x - b) mu']
    of_mean = weights @ cross + np.outer(c, weights @ off + c)              # E[mu mu']
    of_z = of_mean + np.eye(D) * np.exp(2 * log_sd)
    W = theta.W / sd[:, None]
    squares = np.sum(np.diag(second) / sd**2) - 2 * np.sum(W * cross / sd[:, None]) + np.sum(W.T @ W * of_z)
    reconstruction = -0.5 * (n * np.log(2 * np.pi) + 2 * np.sum(np.log(sd)) + squares)
    return reconstruction - 0.5 * (np.trace(of_z) - D - 2 * np.sum(log_sd))


def mean_gap(moments, phi, sees, theta):
    """E[KL(q(z | x) || p(z | x))]: the distance of the means in units of the posterior, and the spreads."""
    A, precision = posterior_map(theta)
    V, c, log_sd = unpacked(phi, len(A))
    off, _ = about_b(moments, theta)
    weights = A - placed(V, sees, len(off))
    away = weights @ off - c
    distance = np.sum(precision * (weights @ moments.covariance @ weights.T + np.outer(away, away)))
    spread = np.diag(precision) @ np.exp(2 * log_sd) - len(c) - np.linalg.slogdet(precision)[1] - 2 * np.sum(log_sd)
    return 0.5 * (distance + spread)


# ---- the best encoder, and encoders on their way

def best_encoder(moments, sees, theta):
    """phi of the highest E[ELBO]: the regression of the posterior mean on what is seen, and the best spreads.

    ValueError where the seen coordinates are linearly dependent, so that many encoders are equally good: no more data
    than seen coordinates are the usual cause.
    """
    require_sight(sees, moments, theta)
    A, precision = posterior_map(theta)
    seen, off = moments.covariance[sees][:, sees], moments.mean - theta.b
    values = np.linalg.eigvalsh(seen)
    if len(values) and not values[0] > 1e3 * np.finfo(float).eps * values[-1]:
        raise ValueError(f"the {len(values)} seen coordinates have a singular covariance "
                         f"(eigenvalues from {values[0]:.2g} to {values[-1]:.2g}): see fewer of them, "
                         "or take more data than coordinates")
    V = A @ np.linalg.solve(seen, moments.covariance[sees]).T
    return np.concatenate([np.ravel(V), A @ off - V @ off[sees], -0.5 * np.log(np.diag(precision))])


def climbed_encoder(moments, phi, sees, theta):
    """phi where Newton's steps on E[ELBO], which is concave in phi, end; from somewhere near."""
    slope, curvature = grad(elbo, 1), hessian(elbo, 1)
    for _ in range(NEWTON):
        phi = phi - np.linalg.solve(curvature(moments, phi, sees, theta), slope(moments, phi, sees, theta))
    return phi


def trained(moments, phi, sees, theta, steps, rate):
    """phi after so many steps of gradient ascent, steps=0 for none."""
    if steps == 0:
        return phi
    slope = grad(lambda phi: elbo(moments, phi, sees, theta))
    return gradient_ascent(slope, phi, require_count("steps", steps), rate).lam
