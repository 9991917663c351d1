"""A latent variable among a network's inputs, p(x | y) = integral of p(x | NN(z, y)) p(z | NN(y)), and its gradient.

Shapes: x (N, n) observed, y (N, F) side information, with F = 0 where there is none; z (S, N, D) nodes for each datum,
log_w (S, N) the logarithms of their widths; theta (P,) holds the prior's weights, then the decoder's. Nats.
WI, "Deep Generative Models"; UA, "Examples of latent variable models"; SA, "When do we have intractable likelihood?".
"""
from typing import NamedTuple

import autograd.numpy as np

from refvi.base.checks import require_finite, require_shape, require_some
from refvi.base.families.lam import halves
from refvi.base.special import logsumexp
from refvi.likelihood.heads import Network, back, categorical, normal_heads, output, through

ORDER = {1: 80, 2: 60, 3: 30}   # nodes on each of D axes of a normal z
REACH = 8.5                     # standard deviations of the prior: what lies beyond has a mass of 2e-17


class Latent(NamedTuple):
    """The two networks: p(z | y) is their first's likelihood, normal_heads or categorical, p(x | z, y) their second's.
    """
    prior: Network              # of y
    decoder: Network            # of z and y side by side

    @property
    def D(self):
        """Numbers in z; of a categorical z the number of its values, each a one among zeros."""
        return self.prior.n


def latent(prior, decoder):
    """A checked Latent; ValueError where the two networks do not fit, or z has no density that is known here."""
    if prior.observed not in (normal_heads, categorical):
        raise ValueError("the prior's likelihood must be normal_heads or categorical: the law of z")
    if decoder.observed is None:
        raise ValueError("the decoder has no likelihood: say what is observed of its outputs")
    if decoder.sizes[0] != prior.n + prior.sizes[0]:
        raise ValueError(f"the decoder takes {decoder.sizes[0]} inputs, expected {prior.n} + {prior.sizes[0]}: z and "
                         "behind it y, which the prior takes")
    return Latent(prior, decoder)


def parts(theta, model):
    """(prior's, decoder's) weights, or a ValueError for a theta of another length."""
    sizes = model.prior.size, model.decoder.size
    if np.shape(theta) != (sum(sizes),):
        raise ValueError(f"theta has shape {np.shape(theta)}, expected ({sum(sizes)},): {sizes[0]} weights of the "
                         f"prior {model.prior}, then {sizes[1]} of the decoder {model.decoder}")
    return theta[:sizes[0]], theta[sizes[0]:]


def require_pairs(x, y, model):
    """x (N, n) and y (N, F) as floats; ValueError for other shapes, no data, or what is not finite."""
    n, F = model.decoder.n, model.prior.sizes[0]
    x = require_some("x", require_finite("x", require_shape("x", x, (None, n), f"N rows of n={n} observed numbers")))
    y = require_shape("y", y, (len(x), F), f"a row of F={F} numbers for each of the N={len(x)} rows of x")
    return x, require_finite("y", y)


def standard_nodes(D, order=None):
    """t (S, D) and log widths (S,) of a trapezoid rule for N(0, I), order nodes on each axis."""
    if order is None and D not in ORDER:
        raise ValueError(f"D={D} latent numbers would take {ORDER[3]}^{D} forward passes: pass order, or draw z")
    n = order or ORDER[D]
    t, spacing = np.linspace(-REACH, REACH, n, retstep=True)
    return t[np.indices((n,) * D).reshape(D, n**D).T], np.full(n**D, D * np.log(spacing))


def nodes(outputs, model, order=None):
    """z (S, N, D) and log widths (S, N), placed where the prior's outputs (N, k) have its mass; every value of a
    categorical z.
    """
    if model.prior.observed == categorical:
        return np.tile(np.eye(model.D)[:, None], (1, len(outputs), 1)), np.zeros((model.D, len(outputs)))
    mu, log_sd = halves(outputs)
    t, log_w = standard_nodes(model.D, order)
    return mu + np.exp(log_sd) * t[:, None, :], log_w[:, None] + np.sum(log_sd, axis=-1)


def inputs_of(z, y):
    """[z, y] (S N, D + F): what the decoder takes, one row for each node of each datum."""
    S, N, D = np.shape(z)
    return np.concatenate([np.reshape(z, (S * N, D)), np.tile(y, (S, 1))], axis=1)


def log_joint(x, z, y, theta, model):
    """log p(x_n, z_n | y_n) (S, N) of any z (S, N, D)."""
    own, rest = parts(theta, model)
    log_prior = model.prior.observed.log_prob(z, output(own, y, model.prior))
    return log_prior + model.decoder.observed.log_prob(x, of_nodes(output(rest, inputs_of(z, y), model.decoder), z))


def of_nodes(outputs, z):
    """What the decoder has put out (S N, k), one row for each node z (S, N, D) of each datum, as (S, N, k)."""
    return np.reshape(outputs, np.shape(z)[:2] + np.shape(outputs)[1:])


def log_evidence(x, y, theta, model, order=None):
    """log p(x_n | y_n) (N,): the sum over the nodes."""
    x, y = require_pairs(x, y, model)
    z, log_w = nodes(output(parts(theta, model)[0], y, model.prior), model, order)
    return logsumexp(log_w + log_joint(x, z, y, theta, model), axis=0)


def gradient(x, y, theta, model, order=None):
    """(log p(x_n | y_n) (N,), the gradient (P,) of their sum) by Fisher's identity: at each node the slopes of both
    log densities, weighted by the posterior.
    """
    x, y = require_pairs(x, y, model)
    own, rest = parts(theta, model)
    before = through(own, y, model.prior)
    z, log_w = nodes(before[-1], model, order)
    after = through(rest, inputs_of(z, y), model.decoder)
    outputs = of_nodes(after[-1], z)
    log_prior, log_likelihood = model.prior.observed, model.decoder.observed
    joint = log_w + log_prior.log_prob(z, before[-1]) + log_likelihood.log_prob(x, outputs)
    value = logsumexp(joint, axis=0)
    posterior = np.exp(joint - value)[..., None]
    of_prior = np.sum(posterior * log_prior.slope(z, before[-1]), axis=0)
    of_decoder = np.reshape(posterior * log_likelihood.slope(x, outputs), np.shape(after[-1]))
    return value, np.concatenate([back(own, before, of_prior, model.prior)[0],
                                  back(rest, after, of_decoder, model.decoder)[0]])
