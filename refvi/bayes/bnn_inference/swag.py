"""A normal from the iterates of stochastic gradient descent, line by line: derivations/bayes/bnn_inference.md.

Shapes: w (D,) descends a quadratic of curvature A (D, D) and minimum zero by steps eta (A w + xi), the noise xi of
covariance C (D, D). Minibatches: a regression as in laplace.py, M of its N data drawn with replacement for each step.
iterates (T, D), of which the last K make the factor of low rank. RAI, "Computing posterior over W"; Maddox, Izmailov,
Garipov, Vetrov and Wilson (2019), A simple baseline for Bayesian uncertainty in deep learning; Mandt, Hoffman and Blei
(2017), Stochastic gradient descent as approximate Bayesian inference.
"""
import numpy as np

from refvi.bayes.bnn_inference.laplace import curvature, mode


# ---- how far descent of constant step spreads

def stationary_covariance(A, C, eta):
    """S (D, D) of A S + S A - eta A S A = eta C, one linear system in its entries."""
    return at_rest(kronecker_sum(A) - eta * np.kron(A, A), eta * C)


def kronecker_sum(A):
    """The matrix (D^2, D^2) that turns the entries of S into those of A S + S A."""
    one = np.eye(len(A))
    return np.kron(A, one) + np.kron(one, A)


def at_rest(system, noise):
    """The symmetric matrix whose entries solve the system."""
    return np.linalg.solve(system, noise.ravel()).reshape(noise.shape)


def slopes_and_curvatures(x, y, B, prior_sd):
    """Slopes of log p(x_n|w) at the mode (N, D K), and the curvatures of minus that (N, D K, D K)."""
    rest = x - y @ mode(x, y, B, prior_sd).reshape(y.shape[1], len(B))
    slopes = [np.kron(row, own @ B) for row, own in zip(y, rest)]
    return np.array(slopes), np.array([np.kron(np.outer(row, row), B) for row in y])


def stationary_of_minibatches(x, y, B, prior_sd, eta, M):
    """S (D K, D K) of descent on minibatches: their curvatures differ as well, and add noise that grows with S.

    ValueError where the step is so large that nothing comes to rest.
    """
    slopes, each = slopes_and_curvatures(x, y, B, prior_sd)
    N, A, total = len(each), curvature(y, B, prior_sd), np.sum(each, axis=0)
    C = (N * slopes.T @ slopes - np.outer(slopes.sum(axis=0), slopes.sum(axis=0))) / M
    scatter = (N * sum(np.kron(own, own) for own in each) - np.kron(total, total)) / M
    system = kronecker_sum(A) - eta * (np.kron(A, A) + scatter)
    return at_rest(require_rest(system, eta), eta * C)


def require_rest(system, eta):
    """system, symmetric, or a ValueError where descent runs away: one step multiplies the spread by 1 - eta system."""
    if not np.linalg.eigvalsh(system)[0] > 0:
        raise ValueError(f"with steps eta={eta:.3g} nothing comes to rest (the spread grows by "
                         f"{-eta * np.linalg.eigvalsh(system)[0]:.3g} of itself a step): take smaller steps or larger "
                         "minibatches")
    return system


# ---- a normal from iterates

def swag_moments(iterates, K):
    """(mean (D,), variances (D,), deviations (D, K) of the last K iterates from the mean of those up to them)."""
    running = np.cumsum(iterates, axis=0) / np.arange(1, len(iterates) + 1)[:, None]
    return running[-1], np.var(iterates, axis=0), (iterates - running)[-K:].T


def swag_normal(iterates, K):
    """The mean and, below it, the covariance (1 + D, D): half of the variances on a diagonal, half of the covariance of
    the last K deviations.
    """
    mean, variances, deviations = swag_moments(iterates, K)
    return np.vstack([mean, 0.5 * np.diag(variances) + deviations @ deviations.T / (2 * (K - 1))])


def swag_draws(eps, iterates, K):
    """Weights (..., D) of the normal with that mean and covariance, from standard normals eps (..., D + K)."""
    mean, variances, deviations = swag_moments(iterates, K)
    D = len(mean)
    return mean + np.sqrt(variances / 2) * eps[..., :D] + eps[..., D:] @ deviations.T / np.sqrt(2 * (K - 1))


def moments_of_draws(eps, iterates, K):
    """Averages over S draws of w and, below it, of (w - mean)(w - mean)', (R, 1 + D, D)."""
    w = swag_draws(eps, iterates, K)
    off = w - swag_moments(iterates, K)[0]
    return np.concatenate([np.mean(w, axis=1, keepdims=True), np.swapaxes(off, -1, -2) @ off / eps.shape[1]], axis=1)


def covariance_of_a_long_run(S):
    """What the covariance of swag_normal comes to, of many iterates of covariance S: variances, half of the rest."""
    return 0.5 * (np.diag(np.diag(S)) + S)
