"""A few data at a time: what their averages add up to, and what one of them estimates.

eps (R, M) holds the indices of minibatches.

Noise of the latent variables is held fixed throughout, one draw `held` (N, D) for every datum; nats per datum.
"""
import numpy as np

from refvi.generative.amortization.model import (bound_and_gradients, closed_divergence, drawn, encode, log_likelihood)


def terms(held, x, phi, theta, encoder, decoder):
    """Every datum's own estimate (N,)."""
    lam = encode(x, phi, encoder)
    return log_likelihood(drawn(held, lam), x, theta, decoder) - closed_divergence(lam)


def batches(N, M):
    """Slices of a shuffled order of N data: minibatches of M, the last as short as it comes."""
    return [slice(begun, min(begun + M, N)) for begun in range(0, N, M)]


def batches_by_size(held, x, order, M, phi, theta, encoder, decoder):
    """Averages of an epoch's minibatches, each weighted by how many data it holds."""
    each = terms(held, x, phi, theta, encoder, decoder)
    return sum(len(each[order[part]]) * np.mean(each[order[part]]) for part in batches(len(x), M)) / len(x)


def gradient_of_each_datum(held, x, phi, theta, encoder, decoder):
    """(N, P): the gradient of every datum's own estimate in phi and theta."""
    one = np.ones(1)
    rows = [bound_and_gradients(phi, theta, x[n:n + 1], encoder, decoder, held[None, n:n + 1], one)[1:]
            for n in range(len(x))]
    return np.array([np.concatenate(gradients) for gradients in rows])


def gradient_of_all_data(held, x, phi, theta, encoder, decoder):
    """One backward pass over the whole data. (P,)"""
    return np.concatenate(bound_and_gradients(phi, theta, x, encoder, decoder, held[None], np.ones(1))[1:])


def gradient_of_a_minibatch(eps, held, x, phi, theta, encoder, decoder):
    """The average over the M data chosen, for eps (R, M). (R, P)"""
    return np.mean(gradient_of_each_datum(held, x, phi, theta, encoder, decoder)[eps], axis=1)
