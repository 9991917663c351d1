"""A part of bnn_inference.py: descent of constant step on a quadratic, and normals from its iterates."""
import itertools

import numpy as np
from bnn_curvature import conditioned
from bnn_nodes import hermite
from scipy import linalg

from refvi.bayes.bnn_inference.swag import (covariance_of_a_long_run, moments_of_draws,     # noqa: F401
                                            stationary_covariance, stationary_of_minibatches, swag_moments,
                                            swag_normal)

DOUBLINGS = 14      # of the number of steps: enough for descent to come to rest


# ---- a quadratic

def stage_quadratic(rng):
    """Steps so large that their square is not small."""
    A = np.array([[1.4, 0.4], [0.4, 0.8]]) + rng.uniform(-0.05, 0.05)
    C = np.array([[0.9, -0.3], [-0.3, 0.6]]) + rng.uniform(-0.05, 0.05)
    return dict(A=A, C=C, eta=rng.uniform(0.6, 0.7), S=2)


def lyapunov_by_scipy(A, C, eta):
    return linalg.solve_discrete_lyapunov(np.eye(2) - eta * A, eta**2 * C)


# ---- minibatches of a regression

def mean_at_rest(x, y, B, prior_sd, eta, M):
    """Of all 25 batches: the weights that an average step leaves where they are."""
    carry, pull = np.zeros((6, 6)), np.zeros(6)
    for batch in itertools.product(range(5), repeat=M):
        for n in batch:
            carry = carry - eta * 5 / M * np.kron(np.outer(y[n], y[n]), B) / 25
            pull = pull + eta * 5 / M * np.outer(y[n], B @ x[n]).ravel() / 25
    return linalg.solve(eta / prior_sd**2 * np.eye(6) - carry, pull)


def batch_by_batch(x, y, B, prior_sd, eta, M):
    """All 25 batches: what a step makes of a covariance, repeated 2^14 times by doubling."""
    w = conditioned(x, y, B, prior_sd)[0].reshape(3, 2)
    steps, noises = [], []
    for batch in itertools.product(range(5), repeat=M):
        rows, targets = y[list(batch)], x[list(batch)]
        bend = 5 / M * np.kron(rows.T @ rows, B) + np.eye(6) / prior_sd**2
        slope = w / prior_sd**2 - 5 / M * rows.T @ (targets - rows @ w) @ B
        steps.append(np.kron(np.eye(6) - eta * bend, np.eye(6) - eta * bend))
        noises.append(eta**2 * np.outer(slope, slope).ravel())
    carry, found = np.mean(steps, axis=0), np.mean(noises, axis=0)
    for _ in range(DOUBLINGS):
        found, carry = found + carry @ found, carry @ carry
    return found.reshape(6, 6)


# ---- a normal from iterates

def stage_iterates(rng):
    """Seven iterates, the last three of which make the factor."""
    return dict(iterates=rng.uniform(-0.2, 0.2, (7, 2)) + np.linspace(-0.6, 0.9, 7)[:, None] * [1, -0.7], K=3, S=2,
                noise=hermite(5, 3))


def entry_by_entry(iterates, K, deviation):
    """The mean; half of deviation^2 on the diagonal, half of the products of the last K deviations, one by one."""
    found = np.diag([deviation(column)**2 / 2 for column in iterates.T])
    for t in range(len(iterates) - K, len(iterates)):
        off = iterates[t] - np.mean(iterates[:t + 1], axis=0)
        found = found + np.outer(off, off) / (2 * (K - 1))
    return np.vstack([np.mean(iterates, axis=0), found])


def by_definition(iterates, K):
    return entry_by_entry(iterates, K, np.std)


def variance_for_deviation(iterates, K):
    """A slip: the diagonal part is drawn with the variances where its deviations belong."""
    mean, variances, deviations = swag_moments(iterates, K)
    return np.vstack([mean, np.diag(variances**2) / 2 + deviations @ deviations.T / (2 * (K - 1))])


def definition_with_variance(iterates, K):
    return entry_by_entry(iterates, K, np.var)


def stage_long_run(rng):
    deviations = rng.uniform([0.4, 0.8, 1.3], [0.6, 1., 1.5])
    correlation = np.array([[1., 0.6, -0.3], [0.6, 1., 0.2], [-0.3, 0.2, 1.]])
    return dict(S=correlation * np.outer(deviations, deviations), deviations=deviations, correlation=correlation)


def correlations_halved(deviations, correlation):
    """The deviations as they are, with half of each correlation."""
    found = np.empty((3, 3))
    for i, j in itertools.product(range(3), repeat=2):
        found[i, j] = deviations[i] * deviations[j] * (1 if i == j else correlation[i, j] / 2)
    return found
