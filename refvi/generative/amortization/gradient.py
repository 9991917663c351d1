"""The bound's gradient in the weights of both networks, along the paths of its draws: by autograd, and by hand.

Shapes as in refvi.generative.amortization; gradients (P,), estimators (R, P). RAI, "Inference for VAE"; PML, "ELBO for VAEs".
"""
import autograd.numpy as np
from autograd import grad

from refvi.base.families.lam import halves
from refvi.generative.amortization.rows import (closed_divergence, drawn, encode, log_likelihood, standard_nodes)
from refvi.likelihood.networks import backward, forward, layers


def objective(phi, theta, x, eps, encoder, decoder, likelihood):
    """Reconstruction less the closed divergence, nats per datum, averaged over the S draws eps (S, N, D) of every datum."""
    lam = encode(phi, x, encoder)
    return np.mean(log_likelihood(x, drawn(eps, lam), theta, decoder, likelihood) - closed_divergence(lam))


# ---- on nodes, and along draws

def gradient_inside_the_mean(phi, theta, x, encoder, decoder, likelihood):
    """In phi: the noise stays, and what it becomes moves with phi. (P,)"""
    eps, w = standard_nodes(decoder.sizes[0])

    def bound(phi):
        lam = encode(phi, x, encoder)
        return np.mean(w @ log_likelihood(x, drawn(eps[:, None, :], lam), theta, decoder, likelihood) - closed_divergence(lam))
    return grad(bound)(phi)


def mean_gradient_of_fit(phi, theta, x, encoder, decoder, likelihood):
    """In theta: draws do not depend on it, neither does the divergence. (P,)"""
    eps, w = standard_nodes(decoder.sizes[0])
    z = drawn(eps[:, None, :], encode(phi, x, encoder))
    return grad(lambda theta: np.mean(w @ log_likelihood(x, z, theta, decoder, likelihood)))(theta)


def draws_held_fixed(phi, theta, x, encoder, decoder, likelihood):
    """The slip: the gradient in phi of the divergence alone, as if draws did not move; what a framework gives that cuts the graph at the draw."""
    return grad(lambda phi: -np.mean(closed_divergence(encode(phi, x, encoder))))(phi)


def path_with_closed_divergence(eps, phi, theta, x, encoder, decoder, likelihood):
    """Into each draw, and from there to its mean and log standard deviation; the divergence's own slope by hand. (R, P)"""
    lam, kept = encode_and_keep(phi, x, encoder)
    mu, log_sd = halves(lam)
    _, into_z = through_decoder(theta, x, drawn(eps, lam), decoder, likelihood)
    into_mu = np.mean(into_z, axis=1) - mu
    into_log_sd = np.mean(into_z * eps, axis=1) * np.exp(log_sd) - np.exp(2 * log_sd) + 1
    return backward_each(phi, kept, np.concatenate([into_mu, into_log_sd], axis=-1) / len(x), encoder)[0]


def path_with_drawn_divergence(eps, phi, theta, x, encoder, decoder, likelihood):
    """The divergence by draws as well: the prior pulls at the draw, and log q along its own path only grows thinner. (R, P)"""
    lam, kept = encode_and_keep(phi, x, encoder)
    z = drawn(eps, lam)
    into_z = through_decoder(theta, x, z, decoder, likelihood)[1] - z
    into_log_sd = np.mean(into_z * eps, axis=1) * np.exp(halves(lam)[1]) + 1
    return backward_each(phi, kept, np.concatenate([np.mean(into_z, axis=1), into_log_sd], axis=-1) / len(x), encoder)[0]


def gradient_of_fit_at_draws(eps, phi, theta, x, encoder, decoder, likelihood):
    """In theta, at the draws. (R, P)"""
    return np.mean(through_decoder(theta, x, drawn(eps, encode(phi, x, encoder)), decoder, likelihood)[0], axis=1) / len(x)


def weights_counted_twice(phi, theta, x, encoder, decoder, likelihood):
    """PML.137 writes omega twice in one density: differentiated in both places, the slope doubles. (P,)"""
    eps, w = standard_nodes(decoder.sizes[0])
    z = drawn(eps[:, None, :], encode(phi, x, encoder))
    return 2 * grad(lambda theta: np.mean(w @ log_likelihood(x, z, theta, decoder, likelihood)))(theta)


def encode_and_keep(phi, x, encoder):
    """lam, and what every layer returned."""
    kept = forward(phi, x, encoder.sizes, encoder.g)
    return kept[-1], kept


def through_decoder(theta, x, z, decoder, likelihood):
    """(gradient in theta (..., P), summed over the data, gradient in every z (..., N, D)) of the reconstruction."""
    kept = forward(theta, z, decoder.sizes, decoder.g)
    return backward_each(theta, kept, likelihood.slope(x, kept[-1]), decoder)


def backward_each(weights, kept, delta, network):
    """networks.backward for a stack of batches: the gradient (..., P) of each, and that in its inputs (..., N, n_0)."""
    own, parts = layers(weights, network.sizes), []
    for level in reversed(range(len(own))):
        W = np.matmul(np.swapaxes(kept[level], -1, -2), delta)
        parts.append(np.concatenate([W.reshape(W.shape[:-2] + (-1,)), np.sum(delta, axis=-2)], axis=-1))
        delta = np.matmul(delta, own[level][0].T) * (network.g.slope(kept[level]) if level else 1.)
    return np.concatenate(parts[::-1], axis=-1), delta


# ---- by hand, step by step, for held noise (S, N, D)

def slope_of_the_likelihood(x, outputs, likelihood):
    """Where the backward pass starts: for logits, what was seen less what was expected. (N, k)"""
    return likelihood.slope(x, outputs)


def slope_through_the_decoder(x, z, theta, decoder, likelihood):
    """d log p(x_n | z_n) / d z_n (N, D), by the decoder's backward pass, one product further than its weights."""
    inputs, kept = np.empty(np.shape(z)), forward(theta, z, decoder.sizes, decoder.g)
    backward(theta, kept, likelihood.slope(x, kept[-1]), decoder.sizes, decoder.g, inputs=inputs)
    return inputs


def slope_in_the_heads(held, x, lam, theta, decoder, likelihood):
    """d / d(mu_n, log sd_n) (N, 2 D) of log p(x_n | mu_n + sd_n eps_n) less the divergence, for eps = held (N, D)."""
    mu, log_sd = halves(lam)
    kept = forward(theta, mu + np.exp(log_sd) * held, decoder.sizes, decoder.g)
    _, into_z = backward_each(theta, kept, likelihood.slope(x, kept[-1]), decoder)
    return np.concatenate([into_z - mu, into_z * np.exp(log_sd) * held - np.exp(2 * log_sd) + 1], axis=-1)


def gradient_by_autograd(held, x, phi, theta, encoder, decoder, likelihood):
    """All weights at once, phi and then theta, by automatic differentiation of one estimate. (P,)"""
    gradients = [grad(objective, place)(phi, theta, x, held[None], encoder, decoder, likelihood) for place in (0, 1)]
    return np.concatenate(gradients)


def gradient_by_hand(held, x, phi, theta, encoder, decoder, likelihood):
    """Forward through both networks, backward through both. (P,)"""
    _, in_phi, in_theta = estimate_and_gradients(phi, theta, x, held, encoder, decoder, likelihood)
    return np.concatenate([in_phi, in_theta])


def estimate_and_gradients(phi, theta, x, eps, encoder, decoder, likelihood):
    """One estimate of the bound, nats per datum, from noise eps (N, D), and its gradients in phi and in theta: PML.140's second step by hand."""
    kept = forward(phi, x, encoder.sizes, encoder.g)
    mu, log_sd = halves(kept[-1])
    moved = np.exp(log_sd) * eps
    z = mu + moved
    above = forward(theta, z, decoder.sizes, decoder.g)
    estimate = np.mean(likelihood.log_prob(x, above[-1]) - closed_divergence(kept[-1]))
    into_z = np.empty_like(z)
    in_theta = backward(theta, above, likelihood.slope(x, above[-1]) / len(x), decoder.sizes, decoder.g, inputs=into_z)
    heads = np.concatenate([into_z - mu / len(x), into_z * moved - (np.exp(2 * log_sd) - 1) / len(x)], axis=-1)
    return estimate, backward(phi, kept, heads, encoder.sizes, encoder.g), in_theta
