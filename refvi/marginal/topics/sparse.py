"""Few of many: a spike in a slab summed over all subsets, and the zeros of a Laplace prior by thresholds. SA, "What do
we do then?"

Shapes: a regression has targets x (N,) and inputs y (N, D), D weights, normal noise. Embeddings: x (V, C) is, for each
of V words, a row of C contexts, normal around codes z (V, D) times a dictionary W (D, C).
"""
import itertools

import autograd.numpy as np
from scipy.special import expit

from refvi.base import models
from refvi.base.checks import require_count, require_positive, require_sd
from refvi.base.special import logsumexp

MOST = 2**14        # subsets that are still enumerated


# ---- spike and slab: a weight is zero, or normal

def log_evidences(x, y, slab_sd, noise_sd):
    """(which weights are not zero (2^D, D), log p(x | those) (2^D,) in nats); ValueError where D is too large."""
    D = np.shape(y)[1]
    if 2**D > MOST:
        raise ValueError(f"2^{D} subsets of inputs are too many to enumerate: take a Laplace prior (thresholded), or "
                         "draws")
    subsets = np.array(list(itertools.product((0, 1), repeat=D)))
    alone = models.isotropic(np.asarray(x, float), require_sd("noise_sd", noise_sd))
    thetas = [models.regression(y[:, s == 1], prior_sd=slab_sd, noise_sd=noise_sd) for s in subsets[1:]]
    return subsets, np.array([alone, *(models.log_evidence(x, theta) for theta in thetas)])


def log_joint_of_subsets(log_odds, x, y, slab_sd, noise_sd):
    """(subsets (2^D, D), log p(x, subset) (2^D,)); log_odds (D,) of each weight not to be zero."""
    subsets, told = log_evidences(x, y, slab_sd, noise_sd)
    return subsets, told + np.dot(subsets, log_odds) - np.sum(np.logaddexp(0., log_odds))


def evidence_over_subsets(log_odds, x, y, slab_sd, noise_sd):
    """log p(x) in nats."""
    return logsumexp(log_joint_of_subsets(log_odds, x, y, slab_sd, noise_sd)[1])


def inclusion(log_odds, x, y, slab_sd, noise_sd):
    """P(weight is not zero | x) (D,)."""
    subsets, joint = log_joint_of_subsets(log_odds, x, y, slab_sd, noise_sd)
    return np.dot(np.exp(joint - logsumexp(joint)), subsets)


def mean_of_spike_and_slab(a, log_odds, slab_sd, noise_sd):
    """E[w | a] (...,) of one weight, seen as a = w + noise: shrunk, and once more by how probable zero is."""
    wide, narrow = slab_sd**2 + noise_sd**2, noise_sd**2
    odds = log_odds + 0.5 * a**2 * (1 / narrow - 1 / wide) - 0.5 * np.log(wide / narrow)
    return expit(odds) * a * slab_sd**2 / wide


# ---- a Laplace prior: the most probable weights are zero where data say little

def soft_threshold(a, t):
    """a (...,), drawn towards zero by t, zero within t: the highest point of -(a - w)^2/2 - t |w|."""
    return np.sign(a) * np.maximum(np.abs(a) - t, 0.)


def log_posterior(z, x, W, noise_sd, scale):
    """log p(x, z | W) in nats, up to a constant, under a Laplace prior of this scale on every entry of z."""
    return -0.5 * np.sum(((x - np.dot(z, W)) / noise_sd)**2) - np.sum(np.abs(z)) / scale


def thresholded(x, W, noise_sd, scale, steps, z=None):
    """z (V, D), climbed by proximal steps: uphill along the likelihood, then a threshold; none goes downhill.

    A regression is one row: x = targets[None], W = inputs' transpose (the lasso).
    """
    require_count("steps", steps), require_sd("noise_sd", noise_sd), require_positive("scale", scale, "of the Laplace")
    rate = noise_sd**2 / np.linalg.norm(W, 2)**2
    z = np.zeros((len(x), len(W))) if z is None else z
    for _ in range(steps):
        z = soft_threshold(z + rate * np.dot(x - np.dot(z, W), W.T) / noise_sd**2, rate / scale)
    return z


def dictionary(x, z, noise_sd):
    """W (D, C), the most probable under a standard normal prior on its entries."""
    return np.linalg.solve(z.T @ z + noise_sd**2 * np.eye(z.shape[1]), z.T @ x)


def embeddings(rng, x, D, noise_sd, scale, rounds, steps=20):
    """(z, W): codes and dictionary in turn, from D rows of x: a long one is likelier than one that is all noise."""
    x = np.asarray(x, float)
    lengths = np.sum(x**2, axis=1) + noise_sd**2
    W = x[rng.choice(len(x), require_count("D", D), replace=False, p=lengths / np.sum(lengths))]
    z = np.zeros((len(x), D))
    for _ in range(require_count("rounds", rounds)):
        z = thresholded(x, W, noise_sd, scale, steps, z)
        W = dictionary(x, z, noise_sd)
    return z, W
