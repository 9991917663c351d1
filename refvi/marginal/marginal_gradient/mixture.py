"""A mixture of K normals: log-likelihood, gradient and EM over many data without an N x K table.

The log joint is a product of coefficients (K, 3) with [1, x, x^2] (3, n), taken in blocks that stay in cache, below one
common shift. By Fisher's identity the gradient needs only the posterior sums of [1, x, x^2] for each component, again a
product; the thin factor is divided by the evidence, never the table. Shapes: x (N,); logits, mu, log_sigma (K,); nats.
UA, "When do we have intractable likelihood?"
"""
from typing import NamedTuple

import numpy as np

from refvi.base.checks import require_finite, require_shape
from refvi.base.special import logsumexp
from refvi.likelihood.networks import backward, forward, tanh

BLOCK = 2**16           # numbers of a block: 512 kB of float64,
LONGEST = 4096          # but no more data than this, so that what is kept for each of them stays in cache as well
TINY = 1e-280           # an evidence below this has lost digits to the common shift


class Gradient(NamedTuple):
    """The log-likelihood and its gradients."""
    value: float
    logits: np.ndarray
    mu: np.ndarray
    log_sigma: np.ndarray


def log_joint_of_each(x, logits, mu, log_sigma):
    """log p(x_n, z_n = k) (N, K) of every datum and component."""
    log_pi = logits - logsumexp(logits)
    return log_pi - log_sigma - 0.5 * np.log(2 * np.pi) - 0.5 * ((x[:, None] - mu) * np.exp(-log_sigma))**2


def gradient(x, logits, mu, log_sigma):
    """Gradient of sum_n log p(x_n), with its value; time N K, memory beyond the data independent of N.

    Accuracy: the data are centred, so that the products lose about eps (largest |x - mean| / sigma)^2.
    """
    K = len(require_shape("logits", logits, (None,), "one for each component"))
    mu = require_shape("mu", mu, (K,), f"one for each of the K={K} components")
    log_sigma = require_shape("log_sigma", log_sigma, (K,), f"one for each of the K={K} components")
    x = require_data(x)
    centre = np.mean(x)
    log_pi, m, precision = logits - logsumexp(logits), mu - centre, np.exp(-2 * log_sigma)
    value, (count, first, second) = posterior_sums(x, log_pi, m, log_sigma, centre)
    in_mu = (first - m * count) * precision
    in_log_sigma = (second - 2 * m * first + m**2 * count) * precision - count
    return Gradient(value, count - len(x) * np.exp(log_pi), in_mu, in_log_sigma)


def require_data(x):
    """x (N,) as a float array; ValueError for another shape, no data, or a value that is not finite."""
    x = require_finite("x", require_shape("x", x, (None,), "(N=number of data,)"))
    if not len(x):
        raise ValueError("empty data: x has no entries")
    return x


def posterior_sums(x, log_pi, mu, log_sigma, centre):
    """(log-likelihood, sums (3, K)): over the data, of p(k|x_n) times 1, x_n and x_n^2, x counted from centre."""
    K, precision = len(mu), np.exp(-2 * log_sigma)
    height = log_pi - log_sigma - 0.5 * np.log(2 * np.pi)       # of each at its mean; the highest shifts them all
    shift = np.max(height)
    coefficients = np.stack([height - shift - 0.5 * mu**2 * precision, mu * precision, -0.5 * precision], axis=1)
    n = int(np.clip(BLOCK // K, 1, LONGEST))
    value, sums, ones = len(x) * shift, np.zeros((K, 3)), np.ones(K)
    features, table, thin, sum_of = buffers(K, n)
    for start in range(0, len(x), n):
        block = x[start:start + n]
        if len(block) < n:
            features, table, thin, sum_of = buffers(K, len(block))
        np.subtract(block, centre, out=features[1])
        np.multiply(features[1], features[1], out=features[2])
        np.dot(coefficients, features, out=table)
        np.exp(table, out=table)
        np.dot(ones, table, out=sum_of)
        if np.min(sum_of) < TINY:       # rare: some datum lies far from every component, and gets a shift of its own
            np.dot(coefficients, features, out=table)
            top = np.max(table, axis=0)
            table -= top
            np.exp(table, out=table)
            np.dot(ones, table, out=sum_of)
            value += np.sum(top)
        np.divide(features, sum_of, out=thin)
        sums += np.dot(table, thin.T)
        value += np.sum(np.log(sum_of, out=sum_of))
    return float(value), sums.T


def buffers(K, n):
    """Arrays for n data: features [1, x, x^2], table of joint densities, features over evidence, evidence."""
    return np.ones((3, n)), np.empty((K, n)), np.empty((3, n)), np.empty(n)


def network_gradient(theta, x, logits, y, sizes):
    """(log-likelihood, gradient in theta): a tanh network of the rows of y (K, F) gives means and log scales."""
    hs = forward(theta, y, sizes, tanh)
    g = gradient(x, logits, hs[-1][:, 0], hs[-1][:, 1])
    return g.value, backward(theta, hs, np.stack([g.mu, g.log_sigma], axis=1), sizes, tanh)


def expectation_maximization(x, logits, mu, log_sigma):
    """New (logits, mu, log_sigma) after one step of EM, which never lowers the log-likelihood; ValueError where the
    variance of a component falls to zero, since the likelihood then has no maximum.
    """
    x = require_data(x)
    centre = np.mean(x)
    _, (count, first, second) = posterior_sums(x, logits - logsumexp(logits), mu - centre, log_sigma, centre)
    mean = first / count
    variance = second / count - mean**2
    gone = np.flatnonzero(~(variance > 8 * np.finfo(float).eps * second / count))
    if len(gone):
        raise ValueError(f"component {gone[0]} falls onto the one value {mean[gone[0]] + centre:g}: its variance goes "
                         "to zero and the likelihood grows without end, take fewer components or start elsewhere")
    return np.log(count / len(x)), mean + centre, 0.5 * np.log(variance)
