"""Markov chains on z_n in the place of q: one step as a function of its noise, and chains for all data at once.

Shapes: z (..., N, D), one state for every datum; e like z, standard normal, and u (..., N) uniform are the noise of
one step. What a step leaves unchanged stands in balance.py. RAI, "Inference for Deep Latent Gaussian Models". Hastings
(1970); Roberts and Tweedie (1996).
"""
import numpy as np

from refvi.base.checks import require_count, require_positive, require_shape
from refvi.base.optimize import adam
from refvi.generative.amortization.model import log_prior, slopes
from refvi.generative.deep_latent.model import observations

# share of accepted Langevin steps: best in many dimensions (Roberts and Rosenthal 1998), about right in one
WANTED = 0.574


def log_joint_and_slope(z, x, theta, decoder):
    """log p(x_n, z) (..., N) and its gradient in z (..., N, D)."""
    shape = np.shape(z)
    flat = np.reshape(z, (-1,) + shape[-2:])
    value, _, in_z = slopes(flat, x, theta, decoder, np.ones((1, 1)))
    return np.reshape(value, shape[:-1]) + log_prior(z), np.reshape(in_z, shape) - z


def log_proposal(to, z, slope, size):
    """log density of a Langevin proposal, up to a constant: normal around z + size^2/2 times the slope at z."""
    return -0.5 * np.sum(((to - z - 0.5 * size**2 * slope) / size)**2, axis=-1)


def langevin_step(z, e, u, x, theta, decoder, size):
    """A proposal that drifts uphill, accepted by the ratio of the flows there and back."""
    value, slope = log_joint_and_slope(z, x, theta, decoder)
    return langevin_move(z, value, slope, e, u, x, theta, decoder, size)[0]


def langevin_move(z, value, slope, e, u, x, theta, decoder, size):
    """(z, value, slope, accepted) after one step, from the value and the slope that are known at z: one pass through
    the decoder."""
    proposal = z + 0.5 * size**2 * slope + size * e
    next_value, next_slope = log_joint_and_slope(proposal, x, theta, decoder)
    back_less_there = log_proposal(z, proposal, next_slope, size) - log_proposal(proposal, z, slope, size)
    accepted = np.log(u) < next_value - value + back_less_there
    keep = accepted[..., None]
    z, slope = np.where(keep, proposal, z), np.where(keep, next_slope, slope)
    return z, np.where(accepted, next_value, value), slope, accepted


def run(rng, z, x, theta, decoder, steps, size, gain=None, keep=False):
    """(z (C, N, D), size (N, 1), share accepted (N,), draws (steps, C, N, D) or None): C chains a datum, all at once.

    One pass a step, and one before. gain(step): how far log size moves with the share of accepted proposals less 57
    percent (Robbins and Monro); without it the size stands, as it must where the draws are to be kept.
    """
    require_count("steps", steps)
    require_positive("size", np.min(size), "the spread of a proposal")
    x = observations(x, decoder)
    z = require_shape("z", z, (None, len(x), decoder.sizes[0]), f"(C=number of chains, N={len(x)} data, "
                                                                f"D={decoder.sizes[0]} latent numbers)")
    size = np.broadcast_to(np.asarray(size, float), (len(x), 1)).copy()
    value, slope = log_joint_and_slope(z, x, theta, decoder)
    draws, taken = [], 0.
    for step in range(1, steps + 1):
        e, u = rng.standard_normal(z.shape), rng.random(z.shape[:-1])
        z, value, slope, accepted = langevin_move(z, value, slope, e, u, x, theta, decoder, size)
        share = np.mean(accepted, axis=0)
        taken = taken + share
        if gain:
            size = size * np.exp(gain(step) * (share[:, None] - WANTED))
        if keep:
            draws.append(z)
    return z, size, taken / steps, np.array(draws) if keep else None


def fit(rng, x, theta, decoder, rounds, inner, rate, chains=4, size=0.3):
    """theta: in every round all chains take `inner` steps, then theta one of Adam along the gradient at their states.

    Sizes follow the posteriors as they shrink.
    """
    x = observations(x, decoder)
    require_count("chains", chains)
    state = [rng.standard_normal((chains, len(x), decoder.sizes[0])), size]

    def gradient(theta):
        state[0], state[1], _, _ = run(rng, state[0], x, theta, decoder, inner, state[1], gain=lambda step: 0.1)
        return slopes(state[0], x, theta, decoder, np.full((1, 1), 1 / (chains * len(x))))[1]

    return adam(gradient, theta, rounds, rate).lam
