"""A decoder without a hidden layer: probabilistic principal components, by refvi.generative.linear_latent.

theta (P,) flat, the decoder a Network of layers (D, n) with normal data. Elsewhere the model is a Linear (W (n, D), b,
sd), a decoder's own weights being W'.
"""
import numpy as np

from refvi.generative.linear_latent import maximum
from refvi.generative.linear_latent.model import best_lam, log_evidence
from refvi.generative.linear_latent.network import from_network, to_network
from refvi.likelihood import heads


def parts(theta, decoder):
    """The Linear model of theta (P,): W (n, D), b (n,), sd."""
    if len(decoder.sizes) != 2 or decoder.observed != heads.normal:
        raise ValueError(f"the decoder has layers {decoder} and {decoder.observed.name} data, "
                         "expected D-n and normal ones: only these have a normal posterior")
    weights, log_sd = heads.parts(theta, decoder)
    return from_network(weights, decoder.sizes, np.exp(log_sd[0]))


def normal_marginal(x, theta, decoder):
    """log N(x_n | b, W W' + sd^2 I) (N,)."""
    return log_evidence(x, parts(theta, decoder))


def posterior_of_linear_decoder(x, theta, decoder):
    """lam (N, 2 D) of the highest bounds: the posteriors themselves for D = 1."""
    return best_lam(x, parts(theta, decoder))


def from_moments(mean, covariance, D):
    """theta (P,) of the linear decoder of highest likelihood for data of this mean (n,) and covariance (n, n)."""
    n = len(mean)
    if not 1 <= D < n:
        raise ValueError(f"D={D} latent numbers for data of n={n}: expected 1 <= D < n, some direction must be left "
                         f"to the noise")
    best = maximum.from_moments(mean, covariance, np.arange(D), np.eye(D))
    return np.concatenate([to_network(best), [np.log(best.sd)]])
