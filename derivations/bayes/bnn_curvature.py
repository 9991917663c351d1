"""A part of bnn_inference.py: a regression with two outputs, and a small network, whose curvature is wanted."""
import numpy as np
from bnn_nodes import hermite
from referees import by_differences, complex_step
from scipy import linalg, stats

from refvi.bayes.bayesian_nn.model import bayesian_network
from refvi.bayes.bnn_inference.laplace import (curvature, damped_laplace, diagonal_laplace,     # noqa: F401
                                               full_laplace, gauss_newton, kronecker_block, kronecker_laplace, mode,
                                               spread_by_the_root)

STEP = 1.       # of differences that are exact whatever it is


# ---- a regression with two outputs, whose noise is correlated

def stage_outputs(rng):
    """Five data, three inputs, two targets; the prior is strong enough to be seen. Descent takes two data a step."""
    y = np.column_stack([np.ones(5), np.linspace(-0.4, 2.4, 5) + rng.uniform(-0.1, 0.1, 5),
                         np.cos(2. * np.arange(5)) + rng.uniform(-0.1, 0.1, 5)])
    B = np.array([[1.9, 0.9], [0.9, 1.2]]) + rng.uniform(-0.1, 0.1)
    x = y @ [[0.9, -0.7], [0.6, 0.8], [-0.4, 0.5]] + rng.uniform(-0.5, 0.5, (5, 2))
    return dict(x=x, y=y, B=B, prior_sd=rng.uniform(0.55, 0.65), S=2, noise=hermite(6, 2),
                eta=rng.uniform(0.01, 0.015), M=2)


def conditioned(x, y, B, prior_sd):
    """(mean (6,), covariance (6, 6)) of the weights given the targets, from the joint normal of both."""
    design = np.kron(y, np.eye(2))
    ahead = prior_sd**2 * design.T
    seen = design @ ahead + np.kron(np.eye(5), np.linalg.inv(B))
    gain = linalg.solve(seen, ahead.T, assume_a="pos").T
    return gain @ x.ravel(), prior_sd**2 * np.eye(6) - gain @ ahead.T


def conditioned_covariance(x, y, B, prior_sd):
    return conditioned(x, y, B, prior_sd)[1]


def root_not_transposed(y, B, prior_sd):
    """A slip: w = L^-1 eps, whose covariance is this."""
    inverse = np.linalg.inv(np.linalg.cholesky(curvature(y, B, prior_sd)))
    return inverse @ inverse.T


def inverse_of_turned_product(x, y, B, prior_sd):
    """The inverse of L' L, where it should be that of L L'."""
    lower = linalg.cholesky(linalg.inv(conditioned(x, y, B, prior_sd)[1]), lower=True)
    return linalg.inv(lower.T @ lower)


def curvature_by_differences(y, B, prior_sd):
    """The inverse of minus the second differences of SciPy's log densities, which do not depend on targets; exact for a
    quadratic, whatever the step.
    """
    noise, prior = (stats.multivariate_normal(np.zeros(len(c)), c)
                    for c in (np.linalg.inv(B), prior_sd**2 * np.eye(6)))

    def log_joint(w):
        return np.sum(noise.logpdf(y @ w.reshape(3, 2))) + prior.logpdf(w)

    def slope(w):
        return by_differences(log_joint, w, STEP).value

    return linalg.inv(-by_differences(slope, np.zeros(6), STEP).value)


def conditioned_mean(x, y, B, prior_sd):
    return conditioned(x, y, B, prior_sd)[0]


def precision_for_variance(x, y, B, prior_sd):
    """A slip: prior_sd^2 is added to the curvature, a weight decay that grows where it should shrink."""
    return linalg.solve(np.kron(y.T @ y, B) + prior_sd**2 * np.eye(6), (y.T @ x @ B).ravel())


def mean_of_inverse_prior(x, y, B, prior_sd):
    return conditioned(x, y, B, 1 / prior_sd)[0]


def conditioned_variances(x, y, B, prior_sd):
    return np.diag(conditioned(x, y, B, prior_sd)[1])


def variances_of_full(y, B, prior_sd):
    return np.diag(full_laplace(y, B, prior_sd))


def variances_given_the_others(x, y, B, prior_sd):
    """Of each weight, when the five others are known as well, from the posterior's covariance."""
    covariance, found = conditioned(x, y, B, prior_sd)[1], []
    for j in range(6):
        rest = np.delete(np.arange(6), j)
        gain = linalg.solve(covariance[np.ix_(rest, rest)], covariance[rest, j])
        found.append(covariance[j, j] - covariance[j, rest] @ gain)
    return np.array(found)


def damped_and_dense(y, B, prior_sd):
    """The product of both factors multiplied out: the curvature, and two terms that nobody asked for."""
    A = y.T @ y
    more = np.kron(A, np.eye(2)) + np.kron(np.eye(3), B)
    return linalg.inv(np.kron(A, B) + more / prior_sd + np.eye(6) / prior_sd**2)


# ---- a network 3-3-2

def stage_small_network(rng):
    """Weights near one, so that units bend; targets that it does not meet."""
    net = bayesian_network(3, (3,), 2, prior_sd=1.5, beta=rng.uniform(1.6, 2.2))
    w = rng.uniform(0.4, 1.1, 20) * rng.choice([-1, 1], 20)
    return dict(w=w, y=rng.uniform(-1.5, 1.5, (4, 3)), net=net, beta=net.beta, x=rng.uniform(-1, 1, (4, 2)))


def outputs_by_hand(w, y):
    W, b, V, c = w[:9].reshape(3, 3), w[9:12], w[12:18].reshape(3, 2), w[18:]
    return np.tanh(y @ W + b) @ V + c


def bent(w, y, x, beta):
    """Minus the second derivatives (20, 20) of the log likelihood: differences of complex steps."""
    def slope(w):
        return complex_step(lambda at: beta / 2 * np.sum((x - outputs_by_hand(at, y))**2), w)

    return by_differences(slope, w)


def curvature_of_a_perfect_fit(w, y, beta):
    """Where the targets are what the network puts out."""
    return bent(w, y, outputs_by_hand(w, y), beta)


def last_block_by_differences(w, y, x, beta):
    found = bent(w, y, x, beta)
    return found._replace(value=found.value[12:, 12:], error=found.error[12:, 12:])
