"""A decoder, z ~ N(0, I), x | z ~ Cat(softmax of a network of z): marginal and gradient by quadrature, D = 1 or 2.

UA, "When do we have intractable likelihood?", says infinitely many forward passes; for so few dimensions a few hundred
do. Shapes: counts (V,) of the observed outcomes; the network maps (n, D) nodes to (n, V) logits.
"""
import numpy as np

from refvi.base.checks import require_finite, require_positive, require_shape
from refvi.base.families.gaussian import diagonal_normal
from refvi.likelihood.mle.classifier import log_softmax
from refvi.likelihood.networks import backward, forward, tanh


def prior_nodes(D, order=40):
    """(z (n, D), weights (n,)) that integrate against N(0, I)."""
    lam = np.zeros(2 * D)
    z, w = diagonal_normal.nodes(lam, order)
    return z, w * np.exp(diagonal_normal.log_prob(z, lam))


def probabilities(theta, sizes, order=40):
    """p(x) (V,) of every outcome: the softmax averaged over the prior."""
    z, w = prior_nodes(sizes[0], order)
    return w @ np.exp(log_softmax(forward(theta, z, sizes, tanh)[-1]))


def gradient(theta, counts, sizes, order=40):
    """(log-likelihood of the counts in nats, its gradient in theta (P,)), by Fisher's identity on the nodes.

    The gradient in a node's logits is sum_v counts_v p(z|v) (indicator of v - softmax).
    """
    meaning = f"one for each of the V={sizes[-1]} outcomes"
    counts = require_finite("counts", require_shape("counts", counts, (sizes[-1],), meaning))
    if np.min(counts) < 0:
        raise ValueError(f"counts[{np.argmin(counts)}] is {np.min(counts):g}: a number of observations is not negative")
    require_positive("sum of counts", np.sum(counts), "observe something first")
    z, w = prior_nodes(sizes[0], order)
    hs = forward(theta, z, sizes, tanh)
    softmax = np.exp(log_softmax(hs[-1]))
    p = w @ softmax
    posterior = w[:, None] * softmax * (counts / p)            # counts_v p(z_i | v), (n, V)
    delta = posterior - np.sum(posterior, axis=1, keepdims=True) * softmax
    return float(counts @ np.log(p)), backward(theta, hs, delta, sizes, tanh)
