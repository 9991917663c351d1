"""A decoder without a hidden layer: what an E and an M step are there, in closed form, by refvi.generative.linear_latent.

Shapes as in model.py: theta (P,) flat, d a Decoder of layers (D, n) with normal data. Elsewhere the model is a Linear
(W (n, D), b, sd), a decoder's own weights being W'.
"""
import numpy as np

from refvi.base.families.lam import halves
from refvi.generative.deep_latent.model import weights_of
from refvi.generative.linear_latent import em, maximum
from refvi.generative.linear_latent.model import best_lam, log_evidence, posterior_map
from refvi.generative.linear_latent.network import encoder_network, from_network, to_network
from refvi.likelihood.networks import forward


def parts(theta, d):
    """The Linear model of theta (P,): W (n, D), b (n,), sd."""
    if len(d.sizes) != 2 or d.observed != "normal":
        raise ValueError(f"the decoder has layers {'-'.join(map(str, d.sizes))} and {d.observed} data, "
                         "expected D-n and normal ones: only these have a normal posterior")
    weights, log_sd = weights_of(theta, d)
    return from_network(weights, d.sizes, np.exp(log_sd))


def flat(model):
    """theta (P,) of a Linear model."""
    return np.concatenate([to_network(model), [np.log(model.sd)]])


def normal_marginal(x, theta, d):
    """log N(x_n | b, W W' + sd^2 I) (N,)."""
    return log_evidence(x, parts(theta, d))


def posterior_of_linear_decoder(x, theta, d):
    """lam (N, 2 D) of the highest bounds: the posteriors themselves for D = 1."""
    return best_lam(x, parts(theta, d))


def encoder_weights(theta, d):
    """phi of the one-layer encoder n-2 D that puts these lam out."""
    return encoder_network(parts(theta, d))


def one_layer_encoder(x, theta, d):
    """Its output lam (N, 2 D): one product and one shift, no nonlinearity."""
    D, n = d.sizes
    return forward(encoder_weights(theta, d), x, (n, 2 * D), d.g)[-1]


def m_step(x, lam, d):
    """theta that maximises the average bound of a linear decoder beside lam (N, 2 D): least squares of x on z, with q's variances."""
    mu, log_sd = halves(lam)
    second = mu.T @ mu / len(x) + np.diag(np.mean(np.exp(2 * log_sd), axis=0))
    return flat(em.m_step(x, (mu, second), each=False))


def e_step_then_m_step(x, theta, d):
    """One round of EM: exact posteriors, then theta."""
    return m_step(x, posterior_of_linear_decoder(x, theta, d), d)


def spread_of_posteriors(x, theta, d):
    """Largest stretch of the map from data to posterior means, times the distance of the first two data."""
    return np.linalg.norm(posterior_map(parts(theta, d))[0], 2) * np.linalg.norm(x[0] - x[1])


def from_moments(mean, covariance, D):
    """theta (P,) of the linear decoder of highest likelihood for data of this mean (n,) and covariance (n, n)."""
    n = len(mean)
    if not 1 <= D < n:
        raise ValueError(f"D={D} latent numbers for data of n={n}: expected 1 <= D < n, some direction must be left to the noise")
    return flat(maximum.from_moments(mean, covariance, np.arange(D), np.eye(D)))
