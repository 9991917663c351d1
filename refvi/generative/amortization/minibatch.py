"""A few data at a time: what their averages add up to, and what one of them estimates. eps here holds the indices of a minibatch, (R, 1, M).

Noise of the latent variables is held fixed throughout, one draw `held` (N, D) for every datum; nats per datum.
"""
import itertools

import numpy as np

from refvi.base.checks import require_count
from refvi.base.core import Noise
from refvi.generative.amortization.gradient import estimate_and_gradients
from refvi.generative.amortization.rows import closed_divergence, drawn, encode, log_likelihood


def terms(held, x, phi, theta, encoder, decoder, likelihood):
    """Every datum's own estimate (N,)."""
    lam = encode(phi, x, encoder)
    return log_likelihood(x, drawn(held, lam), theta, decoder, likelihood) - closed_divergence(lam)


def batches(order, M):
    """The indices in order, M at a time; the last batch may be short."""
    return [order[start:start + M] for start in range(0, len(order), M)]


def batches_by_size(held, x, order, M, phi, theta, encoder, decoder, likelihood):
    """Averages of an epoch's minibatches, each weighted by how many data it holds."""
    return sum(len(batch) / len(x) * np.mean(terms(held[batch], x[batch], phi, theta, encoder, decoder, likelihood)) for batch in batches(order, M))


def batches_alike(held, x, order, M, phi, theta, encoder, decoder, likelihood):
    """The slip: a plain mean of the averages, in which the data of the short last batch weigh more."""
    return np.mean([np.mean(terms(held[batch], x[batch], phi, theta, encoder, decoder, likelihood)) for batch in batches(order, M)])


def subsets(N, M):
    """Noise: M of N data without replacement, and for a rule all subsets, whatever the order asked for."""
    require_count("M", M)
    if M > N:
        raise ValueError(f"a minibatch of M={M} out of N={N} data: M must be at most N")

    def draw(rng, R, S):
        return np.argsort(rng.random((R, S, N)), axis=-1)[..., :M]

    def rule(S, order):
        if S > 1:
            return None
        every = np.array(list(itertools.combinations(range(N), M)))
        return every[:, None, :], np.full(len(every), 1 / len(every))

    return Noise(draw, rule)


def gradient_of_each_datum(held, x, phi, theta, encoder, decoder, likelihood):
    """(N, P): the gradient of every datum's own estimate in phi and theta."""
    one = [estimate_and_gradients(phi, theta, x[n:n + 1], held[n:n + 1], encoder, decoder, likelihood)[1:] for n in range(len(x))]
    return np.array([np.concatenate(gradients) for gradients in one])


def gradient_of_all_data(held, x, phi, theta, encoder, decoder, likelihood):
    """One backward pass over the whole data. (P,)"""
    return np.concatenate(estimate_and_gradients(phi, theta, x, held, encoder, decoder, likelihood)[1:])


def share(eps, N):
    """How much each of the N data counts in minibatches eps (R, 1, M): (R, N)."""
    return np.mean(eps[:, 0, :, None] == np.arange(N), axis=1)


def gradient_of_a_minibatch(eps, held, x, phi, theta, encoder, decoder, likelihood):
    """The average over the M data chosen, for eps (R, 1, M). (R, P)"""
    return share(eps, len(x)) @ gradient_of_each_datum(held, x, phi, theta, encoder, decoder, likelihood)


def rescaled_once_more(eps, held, x, phi, theta, encoder, decoder, likelihood):
    """The slip: an average, multiplied by N/M as if it were a sum. (R, P)"""
    return len(x) / eps.shape[-1] * (share(eps, len(x)) @ gradient_of_each_datum(held, x, phi, theta, encoder, decoder, likelihood))
