"""The bound's gradient in the weights of both networks, along the paths of its draws: by autograd, and by hand.

Shapes as in model.py; gradients (P,), estimators (R, P). RAI, "Inference for VAE"; PML, "ELBO for VAEs".
"""
import autograd.numpy as np
from autograd import grad

from refvi.base.families.lam import halves
from refvi.generative.amortization.model import (bound_and_gradients, closed_divergence, drawn, encode, log_likelihood,
                                                 standard_nodes)
from refvi.generative.amortization.rows import on_nodes
from refvi.likelihood.heads import back, through


# ---- on nodes, and along draws

def gradient_inside_the_mean(phi, theta, x, encoder, decoder):
    """In phi: the nodes of the noise stay, and what they become moves with phi. (P,)"""
    nodes = standard_nodes(decoder.sizes[0])
    return grad(lambda phi: on_nodes(encode(x, phi, encoder), x, theta, decoder, nodes))(phi)


def mean_gradient_of_fit(phi, theta, x, encoder, decoder):
    """In theta: draws do not depend on it, neither does the divergence. (P,)"""
    eps, w = standard_nodes(decoder.sizes[0])
    z = drawn(eps[:, None, :], encode(x, phi, encoder))
    return grad(lambda theta: np.mean(w @ log_likelihood(z, x, theta, decoder)))(theta)


def path_with_closed_divergence(eps, phi, theta, x, encoder, decoder):
    """Into each draw, and from there to its mean and log standard deviation; the divergence's own slope by hand. (R,
    P)"""
    hs = through(phi, x, encoder)
    mu, log_sd = halves(hs[-1])
    _, in_z = through_decoder(drawn(eps, hs[-1]), x, theta, decoder)
    in_mu = np.mean(in_z, axis=1) - mu
    in_log_sd = np.mean(in_z * eps, axis=1) * np.exp(log_sd) - np.exp(2 * log_sd) + 1
    return back(phi, hs, np.concatenate([in_mu, in_log_sd], axis=-1) / len(x), encoder)[0]


def path_with_drawn_divergence(eps, phi, theta, x, encoder, decoder):
    """The divergence by draws as well: the prior pulls at the draw, and log q along its own path falls by log sd. (R,
    P)"""
    hs = through(phi, x, encoder)
    z = drawn(eps, hs[-1])
    in_z = through_decoder(z, x, theta, decoder)[1] - z
    in_log_sd = np.mean(in_z * eps, axis=1) * np.exp(halves(hs[-1])[1]) + 1
    return back(phi, hs, np.concatenate([np.mean(in_z, axis=1), in_log_sd], axis=-1) / len(x), encoder)[0]


def gradient_of_fit_at_draws(eps, phi, theta, x, encoder, decoder):
    """In theta, at the draws. (R, P)"""
    in_theta, _ = through_decoder(drawn(eps, encode(x, phi, encoder)), x, theta, decoder)
    return np.mean(in_theta, axis=1) / len(x)


def through_decoder(z, x, theta, decoder):
    """The gradients of log p(x_n | z_n) in theta (..., P), summed over the data, and in every z (..., N, D)."""
    hs = through(theta, z, decoder)
    return back(theta, hs, decoder.observed.slope(x, hs[-1]), decoder)


# ---- by hand, for held noise (S, N, D) or on nodes

def gradient_by_autograd(held, x, phi, theta, encoder, decoder):
    """All weights at once, phi and then theta, by automatic differentiation of one estimate. (P,)"""
    def estimate(phi, theta):
        lam = encode(x, phi, encoder)
        return np.mean(log_likelihood(drawn(held, lam), x, theta, decoder) - closed_divergence(lam))
    return np.concatenate([grad(estimate, place)(phi, theta) for place in (0, 1)])


def gradient_by_hand(held, x, phi, theta, encoder, decoder):
    """Forward through both networks, backward through both. (P,)"""
    w = np.full(len(held), 1 / len(held))
    return np.concatenate(bound_and_gradients(phi, theta, x, encoder, decoder, held, w)[1:])


def bound_by_two_passes(phi, theta, x, encoder, decoder):
    """The bound that comes with its gradients, on nodes of the noise: nats per datum."""
    eps, w = standard_nodes(decoder.sizes[0])
    return bound_and_gradients(phi, theta, x, encoder, decoder, eps[:, None], w)[0]
