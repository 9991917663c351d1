"""A mixture of K normals, log-likelihood and gradient over many data without an N x K table. UA, "When do we have intractable likelihood?"

The log joint is a product of coefficients (K, 3) with [1, x, x^2] (3, n), taken in blocks that stay in cache, below one common shift. By Fisher's identity the
gradient needs only the posterior sums of [1, x, x^2] for each component, again a product; the thin factor is divided by the evidence,
never the table. Shapes: x (N,); logits, mu, log_sigma (K,); everything in nats.
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


def log_joint(x, logits, mu, log_sigma):
    """log p(x_n, k) (N, K), the readable way: what the blocks are checked against."""
    log_pi = logits - logsumexp(logits)
    return log_pi - log_sigma - 0.5 * np.log(2 * np.pi) - 0.5 * ((x[:, None] - mu) * np.exp(-log_sigma))**2


def gradient(x, logits, mu, log_sigma):
    """Gradient of sum_n log p(x_n), with its value; time N K, memory beyond the data independent of N.

    Accuracy: the data are centred, so that the products lose about eps (largest |x - mean| / sigma)^2.
    """
    K = len(require_shape("logits", logits, (None,), "one for each component"))
    mu, log_sigma = (require_shape(name, v, (K,), f"one for each of the K={K} components") for name, v in (("mu", mu), ("log_sigma", log_sigma)))
    x = require_finite("x", require_shape("x", x, (None,), "(N=number of data,)"))
    if not len(x):
        raise ValueError("empty data: x has no entries")
    centre = np.mean(x)
    value, sums = posterior_sums(x, logits - logsumexp(logits), mu - centre, log_sigma, centre)
    precision, m = np.exp(-2 * log_sigma), mu - centre
    return Gradient(value, sums[:, 0] - len(x) * np.exp(logits - logsumexp(logits)), (sums[:, 1] - m * sums[:, 0]) * precision,
                    (sums[:, 2] - 2 * m * sums[:, 1] + m**2 * sums[:, 0]) * precision - sums[:, 0])


def posterior_sums(x, log_pi, mu, log_sigma, centre):
    """(log-likelihood, sums (K, 3)): for each component the sum over data of p(k|x_n) [1, x_n, x_n^2], x counted from centre."""
    K, precision = len(mu), np.exp(-2 * log_sigma)
    height = log_pi - log_sigma - 0.5 * np.log(2 * np.pi)       # of each component at its mean; the highest shifts them all
    shift = np.max(height)
    coefficients = np.stack([height - shift - 0.5 * mu**2 * precision, mu * precision, -0.5 * precision], axis=1)
    n = int(np.clip(BLOCK // K, 1, LONGEST))
    value, sums, ones = len(x) * shift, np.zeros((K, 3)), np.ones(K)
    features, table, thin, sum_of = np.ones((3, n)), np.empty((K, n)), np.empty((3, n)), np.empty(n)
    for start in range(0, len(x), n):
        block = x[start:start + n]
        if len(block) < n:
            features, table, thin, sum_of = np.ones((3, len(block))), np.empty((K, len(block))), np.empty((3, len(block))), np.empty(len(block))
        np.subtract(block, centre, out=features[1])
        np.multiply(features[1], features[1], out=features[2])
        np.dot(coefficients, features, out=table)
        np.exp(table, out=table)
        np.dot(ones, table, out=sum_of)
        if np.min(sum_of) < TINY:           # rare: some datum lies far from every component, and gets a shift of its own
            np.dot(coefficients, features, out=table)
            top = np.max(table, axis=0)
            table -= top
            np.exp(table, out=table)
            np.dot(ones, table, out=sum_of)
            value += np.sum(top)
        np.divide(features, sum_of, out=thin)
        sums += np.dot(table, thin.T)
        value += np.sum(np.log(sum_of, out=sum_of))
    return float(value), sums


def network_gradient(theta, x, logits, y, sizes):
    """(log-likelihood, gradient in theta) where the means and log scales are the outputs of a tanh network of the K rows of y (K, F)."""
    hs = forward(theta, y, sizes, tanh)
    g = gradient(x, logits, hs[-1][:, 0], hs[-1][:, 1])
    return g.value, backward(theta, hs, np.stack([g.mu, g.log_sigma], axis=1), sizes, tanh)


def expectation_maximization(x, logits, mu, log_sigma):
    """One step of EM: new (logits, mu, log_sigma) from the same posterior sums; the log-likelihood never falls."""
    centre = np.mean(x)
    _, sums = posterior_sums(x, logits - logsumexp(logits), mu - centre, log_sigma, centre)
    mean = sums[:, 1] / sums[:, 0]
    return np.log(sums[:, 0] / len(x)), mean + centre, 0.5 * np.log(sums[:, 2] / sums[:, 0] - mean**2)
