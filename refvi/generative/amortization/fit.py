"""Training both networks at once: PML, "ELBO for VAEs"; Kingma and Welling (2014), algorithm 1. Small and plain, in
float64.

One draw for every datum of a minibatch, the gradient by hand, Adam; an epoch takes every datum once.
"""
import numpy as np

from refvi.base.checks import require_count
from refvi.base.optimize import adam
from refvi.generative.amortization.minibatch import batches
from refvi.generative.amortization.model import (bound_and_gradients, closed_divergence, drawn, encode, log_likelihood,
                                                 require_data, require_pair)
from refvi.likelihood.heads import parts


def fit(rng, x, encoder, decoder, phi, theta, epochs, M, rate, watch=None):
    """Climb the bound from (phi, theta) by Adam on minibatches of M of the data x (N, n). Returns (phi, theta, Ascent).

    A last batch that is short counts by its size. watch(step, estimate) is called after every step with that batch's
    estimate, nats per datum. Ctrl-C returns what has been reached, and so does a gradient that is not finite, with a
    RuntimeWarning.
    """
    require_pair(encoder, decoder)
    x = require_data(x, decoder).astype(float)
    for weights, network in ((phi, encoder), (theta, decoder)):
        parts(weights, network)         # of the right length, or a ValueError that says so
    if require_count("M", M) > len(x):
        raise ValueError(f"a minibatch of M={M} out of N={len(x)} data: M must be at most N")
    P, D, queue, estimates = encoder.size, decoder.sizes[0], [], []

    def gradient(weights):
        if not queue:
            order = rng.permutation(len(x))
            queue.extend(order[part] for part in batches(len(x), M))
        batch = queue.pop(0)
        eps = rng.standard_normal((1, len(batch), D))
        estimate, *slopes = bound_and_gradients(weights[:P], weights[P:], x[batch], encoder, decoder, eps, np.ones(1))
        estimates[:] = [estimate]
        return np.concatenate(slopes) * (len(batch) / M)

    steps = require_count("epochs", epochs) * -(-len(x) // M)
    told = watch and (lambda step, _: watch(step, estimates[0]))
    ascent = adam(gradient, np.concatenate([phi, theta]), steps, rate, told)
    return ascent.lam[:P], ascent.lam[P:], ascent


def estimated_elbo(rng, x, encoder, decoder, phi, theta, S):
    """(the bound, its standard error) from S draws for every datum, the divergence in closed form; nats per datum."""
    require_pair(encoder, decoder)
    x = require_data(x, decoder).astype(float)
    if require_count("S", S) < 2:
        raise ValueError("S must be at least 2: one draw has no standard error")
    lam = encode(x, phi, encoder)
    z = drawn(rng.standard_normal((S, len(x), decoder.sizes[0])), lam)
    averages = np.mean(log_likelihood(z, x, theta, decoder) - closed_divergence(lam), axis=1)
    return np.mean(averages), np.std(averages, ddof=1) / np.sqrt(S)
