"""What is done when the sum over z is too long, and where it ends up: derivations/marginal/approximations.md.

Averages over prior draws take a Model p, theta (P,) flat and eps (R, S); log_joint (N, K) holds log p(x_n, z_n = k) in nats; log_next(prefix) (V,)
the log probabilities of the next word. UA, "Approximations"; SA, "But I know approximations!".
"""
import autograd.numpy as np

from refvi.base.checks import require_count, require_shape
from refvi.base.core import gradient_of_each
from refvi.base.special import logsumexp


# ---- what an average over the prior can and cannot do

def log_of_average(eps, p, x, theta):
    """log of the average likelihood of S prior draws: below log p(x) on average, by about Var / (2 S p(x)^2). Returns (R,)."""
    return logsumexp(p.log_likelihood(x, eps, theta), axis=-1) - np.log(np.shape(eps)[-1])


def differentiated_average(eps, p, x, theta):
    """The gradient of an average of likelihoods over prior draws: nothing is broken as long as theta does not move the draws. Returns (R, P)."""
    return np.mean(gradient_of_each(lambda z, theta: np.exp(p.log_likelihood(x, z, theta)), eps, theta), axis=-2)


def gradient_of_log_average(eps, p, x, theta):
    """The gradient of the logarithm of that average: a ratio of two averages, and biased. Returns (R, P)."""
    likelihood = np.exp(p.log_likelihood(x, eps, theta))
    return np.mean(gradient_of_each(lambda z, theta: np.exp(p.log_likelihood(x, z, theta)), eps, theta), axis=-2) / np.mean(likelihood, axis=-1)[..., None]


# ---- sums cut short

def truncated_responsibilities(log_joint, k):
    """p(z|x) with all but the k most probable values struck out and the rest renormalized, (N, K); k = K is exact, k = 1 hard."""
    log_joint = require_shape("log_joint", log_joint, (None, None), "(N=number of data, K=number of values of z)")
    K = log_joint.shape[1]
    if require_count("k", k) > K:
        raise ValueError(f"the k={k} most probable of K={K} values: k must be at most K")
    kept = np.argsort(np.argsort(-log_joint, axis=1, kind="stable"), axis=1) < k
    kept_log = np.where(kept, log_joint, -np.inf)
    return np.exp(kept_log - logsumexp(kept_log, axis=1)[:, None])


def beam_search(log_next, length, width):
    """(words, log probability) of the best sequence that keeping `width` prefixes finds; exact once width reaches V^(length - 1)."""
    require_count("length", length)
    require_count("width", width)
    beam = [((), 0.)]
    for _ in range(length):
        grown = [(prefix + (v,), score + log_p) for prefix, score in beam for v, log_p in enumerate(log_next(prefix))]
        beam = sorted(grown, key=lambda item: -item[1])[:width]
    return beam[0]
