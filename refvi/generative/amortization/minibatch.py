"""A few data at a time, and what they estimate.

eps (R, M) holds the indices of minibatches.

Noise of the latent variables is held fixed throughout, S draws `held` (S, N, D) for every datum; nats per datum.
"""
import numpy as np

from refvi.generative.amortization.model import bound_and_gradients


def batches(N, M):
    """Slices of a shuffled order of N data: minibatches of M, the last as short as it comes."""
    return [slice(begun, min(begun + M, N)) for begun in range(0, N, M)]


def gradient_of_each_datum(held, x, phi, theta, encoder, decoder):
    """(N, P): the gradient of every datum's own estimate in phi and theta."""
    w = np.full(len(held), 1 / len(held))
    rows = [bound_and_gradients(phi, theta, x[n:n + 1], encoder, decoder, held[:, n:n + 1], w)[1:]
            for n in range(len(x))]
    return np.array([np.concatenate(gradients) for gradients in rows])


def gradient_of_a_minibatch(eps, held, x, phi, theta, encoder, decoder):
    """The average over the M data chosen, for eps (R, M). (R, P)"""
    return np.mean(gradient_of_each_datum(held, x, phi, theta, encoder, decoder)[eps], axis=1)
