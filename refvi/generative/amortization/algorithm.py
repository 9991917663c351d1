"""Training both networks at once: PML, "ELBO for VAEs"; Kingma and Welling (2014), algorithm 1. Small and plain, in float64.

One draw for every datum of a minibatch, the gradient by hand, Adam; an epoch takes every datum once.
"""
import numpy as np

from refvi.base.checks import require_count
from refvi.base.optimize import adam
from refvi.generative.amortization.gradient import estimate_and_gradients
from refvi.generative.amortization.minibatch import batches
from refvi.generative.amortization.rows import (closed_divergence, drawn, encode, log_likelihood, require_data,
                                                require_pair)
from refvi.likelihood.networks import count, layers


def fit(rng, x, encoder, decoder, likelihood, phi, theta, epochs, M, rate, watch=None):
    """Climb the bound from (phi, theta) by Adam on minibatches of M of the data x (N, n). Returns (phi, theta, Ascent).

    A last batch that is short counts by its size. watch(step, estimate) is called after every step with that batch's estimate, nats per
    datum. Ctrl-C returns what has been reached, and so does a gradient that is not finite, with a RuntimeWarning.
    """
    require_pair(encoder, decoder, likelihood)
    x = require_data(x, encoder.sizes[0], likelihood)
    layers(phi, encoder.sizes), layers(theta, decoder.sizes)        # of the right length, or a ValueError that says so
    if require_count("M", M) > len(x):
        raise ValueError(f"a minibatch of M={M} out of N={len(x)} data: M must be at most N")
    P, D, queue, estimates = count(encoder.sizes), decoder.sizes[0], [], []

    def gradient(weights):
        if not queue:
            queue.extend(batches(rng.permutation(len(x)), M))
        batch = queue.pop(0)
        estimate, *parts = estimate_and_gradients(weights[:P], weights[P:], x[batch], rng.standard_normal((len(batch), D)), encoder, decoder, likelihood)
        estimates[:] = [estimate]
        return np.concatenate(parts) * (len(batch) / M)

    steps = require_count("epochs", epochs) * -(-len(x) // M)
    ascent = adam(gradient, np.concatenate([phi, theta]), steps, rate, watch and (lambda step, _: watch(step, estimates[0])))
    return ascent.lam[:P], ascent.lam[P:], ascent


def estimated_elbo(rng, x, encoder, decoder, likelihood, phi, theta, S):
    """(the bound, its standard error) from S draws for every datum, the divergence in closed form; nats per datum."""
    require_pair(encoder, decoder, likelihood)
    x = require_data(x, encoder.sizes[0], likelihood)
    if require_count("S", S) < 2:
        raise ValueError("S must be at least 2: one draw has no standard error")
    lam = encode(phi, x, encoder)
    eps = rng.standard_normal((S, len(x), decoder.sizes[0]))
    averages = np.mean(log_likelihood(x, drawn(eps, lam), theta, decoder, likelihood) - closed_divergence(lam), axis=1)
    return np.mean(averages), np.std(averages, ddof=1) / np.sqrt(S)
