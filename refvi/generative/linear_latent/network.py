"""The linear model as networks of one layer, for chapters whose decoders and encoders are networks.

A network multiplies from the right: a decoder (D, n) holds W' and b, an encoder (n, 2 D) holds A' and -A b. Weights are
flat, in the order of refvi.likelihood.networks.
"""
import autograd.numpy as np

from refvi.base.checks import require_positive
from refvi.generative.linear_latent.model import Linear, posterior_map
from refvi.likelihood.networks import layers


def from_network(weights, sizes, sd):
    """The Linear model of a decoder of layers (D, n) and a noise of standard deviation sd."""
    if len(sizes) != 2:
        raise ValueError(f"the decoder has layers {sizes}: only one of two, (D, n), is linear, and has this posterior")
    (W, b), = layers(weights, sizes)
    return Linear(W.T, b, require_positive("sd", sd, "a standard deviation, not a variance"))


def to_network(theta):
    """Weights ((D + 1) n,) of the decoder (D, n) that puts out W z + b."""
    return np.concatenate([np.ravel(theta.W.T), theta.b])


def encoder_network(theta):
    """Weights ((n + 1) 2 D,) of the encoder (n, 2 D) that puts out best_lam of every datum. RAI.072."""
    A, precision = posterior_map(theta)
    weights = np.concatenate([A.T, np.zeros_like(A.T)], axis=1)
    return np.concatenate([np.ravel(weights), -A @ theta.b, -0.5 * np.log(np.diag(precision))])
