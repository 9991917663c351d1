"""Chains whose slopes are those of minibatches, and who reject nothing: derivations/bayes/mcmc.md.

Shapes: z, v (..., D); the posterior of a regression is normal with mean (D,) and precision (D, D), theta the
LinearGaussian it comes from, x (N,) its targets; batch (..., M) indices of data. A rate of Langevin's steps is the
square of the size of a leapfrog step. Random rows take a step from S draws of what the chain comes to, eps (R, S, ...).
RAI, "SGD-inspired methods (SGLD, online HMC)". Welling and Teh (2011), Chen, Fox and Guestrin (2014).
"""
import itertools

import numpy as np

from refvi.bayes.mcmc.rows import exact_draw, second_moments


# ---- stochastic gradient Langevin dynamics

def langevin(z, slope, e, rate):
    """z after a step along half the slope, with noise whose variance is the rate."""
    return z + 0.5 * rate * slope + np.sqrt(rate) * e


def stationary_moments(mean, precision, rate):
    """Second moments (D, D) that Langevin's steps with whole slopes come to, which is not the posterior's."""
    return np.linalg.inv(precision - rate / 4 * precision @ precision) + np.outer(mean, mean)


def draws_after_langevin(eps, mean, precision, rate):
    """Second moments (R, D, D) after a step from S draws of what the steps come to: eps (R, S, 2, D)."""
    z = exact_draw(eps[..., 0, :], mean, precision - rate / 4 * precision @ precision)
    return second_moments(langevin(z, (mean - z) @ precision, eps[..., 1, :], rate))


def minibatch_slope(z, batch, x, theta):
    """Of the log joint at z (..., D), (..., D), from data in batch (..., M): they stand for N, the prior for itself."""
    y, N, M = theta.y[batch], len(x), np.shape(batch)[-1]
    residual = x[batch] - np.einsum("...md,...d->...m", y, z)
    return N / M * np.einsum("...m,...md->...d", residual, y) / theta.noise_sd**2 - z / theta.prior_sd**2


def moments_with_minibatches(x, theta, M, rate):
    """(mean, and below it covariance) (1 + D, D) that the steps come to, over all minibatches of M different data.

    A step is z -> A z + c with A and c of its minibatch, so that the moments solve linear equations.
    """
    D = theta.y.shape[1]
    batches = np.array(list(itertools.combinations(range(len(x)), M)))
    c = 0.5 * rate * minibatch_slope(np.zeros((len(batches), D)), batches, x, theta)
    A = np.stack([e + 0.5 * rate * minibatch_slope(np.tile(e, (len(batches), 1)), batches, x, theta) - c
                  for e in np.eye(D)], axis=-1)
    mean = np.linalg.solve(np.eye(D) - np.mean(A, axis=0), np.mean(c, axis=0))
    off = A @ mean + c - mean
    added = np.einsum("bi,bj->ij", off, off) / len(batches) + rate * np.eye(D)
    twice = np.einsum("bik,bjl->ijkl", A, A).reshape(D * D, D * D) / len(batches)
    return np.vstack([mean, np.linalg.solve(np.eye(D * D) - twice, added.ravel()).reshape(D, D)])


def draws_with_minibatches(eps, stationary, x, theta, rate):
    """(mean, covariance around the stationary one) (R, 1 + D, D) after a step from S draws of what the steps come to.

    eps (R, S, 2 D + M): normals of the draw and of the step, then the data of the minibatch.
    """
    D, mean, covariance = theta.y.shape[1], stationary[0], stationary[1:]
    z = mean + eps[..., :D] @ np.linalg.cholesky(covariance).T
    slope = minibatch_slope(z, eps[..., 2 * D:].astype(int), x, theta)
    z = langevin(z, slope, eps[..., D:2 * D], rate)
    return np.concatenate([np.mean(z, axis=1)[:, None], second_moments(z - mean)], axis=1)


# ---- stochastic gradient Hamiltonian Monte Carlo

def pushed(z, v, slope, e, size, friction, known_sd=0.):
    """(z, v) after a push by the slope, friction, and noise that makes up for what friction takes.

    known_sd: so much of the spread of each coordinate of the slope is known, and the noise is less for it.
    """
    noise = 2 * size * friction - size**2 * known_sd**2
    v = (1 - size * friction) * v + size * slope + np.sqrt(noise) * e
    return z + size * v, v


def covariance_with_friction(precision, size, friction, slope_sd, known_sd):
    """Of z (D, D) in the long run, where each coordinate of the slope has this deviation, and that of what is known."""
    shape = np.linalg.inv(precision - size**2 / (4 - 2 * size * friction) * precision @ precision)
    return (1 + size * (slope_sd**2 - known_sd**2) / (2 * friction)) * shape


def draws_with_friction(eps, stationary, precision, size, friction, slope_sd, known_sd):
    """Second moments of z (R, D, D) after a step from S draws of z and v, whose covariance (2 D, 2 D) is stationary.

    eps (R, S, 4, D): normals of z and v, of the step, and of the slope.
    """
    D = len(precision)
    at = eps[..., :2, :].reshape(*eps.shape[:2], 2 * D) @ np.linalg.cholesky(stationary).T
    z, v = at[..., :D], at[..., D:]
    slope = slope_sd * eps[..., 3, :] - z @ precision
    return second_moments(pushed(z, v, slope, eps[..., 2, :], size, friction, known_sd)[0])


def energy_without_friction(z, v, precision, size, slope_sd, steps):
    """E[|v|^2 + z'(precision)(z - size v)] after so many pushes from z, v (D,): it grows by the same each time."""
    return v @ v + z @ precision @ (z - size * v) + steps * len(z) * (size * slope_sd)**2


def draws_without_friction(eps, z, v, precision, size, slope_sd):
    """That energy (R,) at the end of S paths of pushes without friction: eps (R, S, steps, D) of their slopes."""
    z, v = (np.broadcast_to(part, (*eps.shape[:2], len(precision))) for part in (z, v))
    for step in range(eps.shape[2]):
        z, v = pushed(z, v, slope_sd * eps[..., step, :] - z @ precision, 0., size, 0.)
    return np.mean(np.sum(v**2 + z @ precision * (z - size * v), axis=-1), axis=-1)
