"""Chains that keep their target, line by line: Metropolis and Hastings, Gibbs: derivations/bayes/mcmc.md.

Shapes: states z (..., D); of K states weights (K,), up to a factor, and proposal (K, K), from the state in the row to
that in the column; a normal posterior has mean (D,) and precision (D, D). Random rows take a step from each of S draws
of the target, and average over them: eps (R, S, ...) holds what a draw needs, then what its step needs.
RAI, "Classic MCMC". Metropolis et al. (1953), Hastings (1970), Geman and Geman (1984).
"""
import numpy as np
from scipy.linalg import solve_triangular

from refvi.generative.deep_latent.balance import accept


# ---- few states: Metropolis and Hastings

def transition(weights, proposal):
    """Probabilities (K, K) of going from the state in the row to that in the column, those of staying among them."""
    flow = weights[:, None] * proposal
    moves = proposal * accept(np.log(flow.T) - np.log(flow))
    return moves + np.diag(1 - np.sum(moves, axis=1))


def after_a_step(weights, proposal):
    """Distribution (K,) one step after the target."""
    return weights / np.sum(weights) @ transition(weights, proposal)


def long_run(weights, proposal):
    """Distribution (K,) after 4,096 steps from the first state."""
    return np.linalg.matrix_power(transition(weights, proposal), 4096)[0]


def draws_after_a_step(eps, weights, proposal):
    """Shares (R, K) of the states one step after S draws: eps holds a state, one proposed to it, and a uniform."""
    state, to = eps[..., 0].astype(int), eps[..., 1].astype(int)
    ratio = weights[to] * proposal[to, state] / (weights[state] * proposal[state, to])
    return np.mean(np.eye(len(weights))[np.where(eps[..., 2] < ratio, to, state)], axis=-2)


# ---- a random walk

def walk(z, e, u, log_density, size):
    """(z (..., D), accepted (...)) after a proposal z + size e, from log_density(z) (...) up to a constant."""
    to = z + size * e
    accepted = u < accept(log_density(to) - log_density(z))
    return np.where(accepted[..., None], to, z), accepted


def random_walk(rng, z, log_density, steps, size):
    """(draws (steps, C, D), share accepted) of C chains from z (C, D)."""
    draws, share = [], 0.
    for _ in range(steps):
        z, accepted = walk(z, rng.standard_normal(z.shape), rng.random(len(z)), log_density, size)
        draws.append(z)
        share += np.mean(accepted) / steps
    return np.array(draws), share


def share_and_variance_of_walk(curvature, size):
    """How often a walk of this size is accepted on N(0, 1/curvature), and the variance there, (2,)."""
    return np.array([2 / np.pi * np.arctan(2 / (size * np.sqrt(curvature))), 1 / curvature])


def draws_after_walk(eps, curvature, size):
    """Share accepted and mean square (R, 2) after a step from S draws: eps holds two normals and a uniform."""
    z, e, u = np.split(eps, 3, axis=-1)
    z, accepted = walk(z / np.sqrt(curvature), e, u[..., 0], lambda z: -0.5 * curvature * z[..., 0]**2, size)
    return np.stack([np.mean(accepted, axis=-1), np.mean(z[..., 0]**2, axis=-1)], axis=-1)


# ---- Gibbs, on a normal posterior

def exact_draw(e, mean, precision):
    """A draw (..., D) of N(mean, precision^-1) for each standard normal e (..., D): the precision is L L', z = mean +
    L'^-1 e.
    """
    return mean + np.linalg.solve(np.linalg.cholesky(precision).T, e[..., None])[..., 0]


def exact_draws(eps, mean, precision):
    """Second moments (R, D, D) of S draws from the first normals in eps (R, S, 2, D)."""
    return second_moments(exact_draw(eps[..., 0, :], mean, precision))


def second_moments(z):
    """The average of z z' (R, D, D) over S draws z (R, S, D)."""
    return np.einsum("rsi,rsj->rij", z, z) / z.shape[1]


def sweep(z, e, mean, precision):
    """z (..., D) after each coordinate was drawn anew, in turn, given all others as they are then."""
    z = np.array(z)
    for d, own in enumerate(np.diag(precision)):
        z[..., d] = z[..., d] - (z - mean) @ precision[:, d] / own + e[..., d] / np.sqrt(own)
    return z


def moments_after_a_sweep(mean, precision):
    """Second moments (D, D) after a sweep from the posterior: it solves with the triangle of what has been drawn."""
    lower = np.tril(precision)
    kept = solve_triangular(lower, np.triu(precision, 1), lower=True)
    added = solve_triangular(lower, np.diag(np.sqrt(np.diag(precision))), lower=True)
    return kept @ np.linalg.inv(precision) @ kept.T + added @ added.T + np.outer(mean, mean)


def draws_after_a_sweep(eps, mean, precision):
    """Second moments (R, D, D) after a sweep from S exact draws: eps (R, S, 2, D)."""
    return second_moments(sweep(exact_draw(eps[..., 0, :], mean, precision), eps[..., 1, :], mean, precision))
