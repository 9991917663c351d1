"""Conditional latent-variable models by maximum likelihood, and data whose p(x | y) has two modes or three. WI, "Deep
Generative Models".

Shapes as in model.py. A categorical z with a single value is no latent variable: the plain head of supervised learning.
"""
import numpy as np

from refvi.base.checks import require_count
from refvi.base.optimize import adam
from refvi.likelihood.heads import Network, categorical, normal, normal_heads
from refvi.likelihood.networks import layers
from refvi.marginal.decoders.model import gradient, latent, parts, require_pairs

HIDDEN = 6


def bent(rng, N):
    """x and y (N, 1): y follows from x with little noise, and most y have three x that they can have come from."""
    t = rng.random((require_count("N", N), 1))
    y = t + 0.3 * np.sin(2 * np.pi * t) + 0.08 * rng.standard_normal(t.shape)
    return 3.5 * (t - 0.5), 3 * (y - 0.5)


def head(hidden=2 * HIDDEN):
    """z always one, x normal with two heads: a network of y, and nothing latent."""
    return latent(Network((1, 1), categorical), Network((2, hidden, 2), normal_heads))


def classes(K, hidden=HIDDEN):
    """z one of K, x normal with two heads."""
    return latent(Network((1, hidden, K), categorical), Network((K + 1, hidden, 2), normal_heads))


def line(hidden=HIDDEN):
    """z normal, x normal with one standard deviation for all data."""
    return latent(Network((1, hidden, 2), normal_heads), Network((2, hidden, 1), normal))


def begin(rng, model):
    """Random weights (P,) of variance 1 / fan-in, biases zero."""
    theta = np.zeros(model.prior.size + model.decoder.size)
    for own, network in zip(parts(theta, model), model):
        for W, _ in layers(own[:len(own) - network.free], network.sizes):
            W[:] = rng.standard_normal(W.shape) / np.sqrt(len(W) or 1)
    return theta


def fit(rng, x, y, model, steps=1500, M=50, watch=None):
    """An Ascent of the sum of log p(x_n | y_n) by Adam, on M data at a time."""
    x, y = require_pairs(x, y, model)
    M = min(require_count("M", M), len(x))

    def slope(theta):
        batch = rng.choice(len(x), M, replace=False)
        return gradient(x[batch], y[batch], theta, model)[1] / M

    return adam(slope, begin(rng, model), steps, lambda t: 0.03 / (1 + t / 500), watch)
