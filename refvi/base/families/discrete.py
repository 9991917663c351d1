"""Discrete families: their integrals are sums, and they have no transport, since no step has a derivative."""
import autograd.numpy as np
from scipy.special import expit

from refvi.base.checks import require_shape
from refvi.base.core import Family
from refvi.base.families.lam import within
from refvi.base.special import logsumexp


def categorical_lam(probs):
    """lam of a categorical with probabilities (K,), of which zero is a logit of -infinity; ValueError for others."""
    probs = require_shape("probs", probs, (None,), "one probability for each outcome")
    bad = np.flatnonzero(~(probs >= 0))
    if len(bad):
        raise ValueError(f"probs[{bad[0]}] is {probs[bad[0]]}, must not be negative or nan")
    if abs(np.sum(probs) - 1) > 1e-9:
        raise ValueError(f"probs sum to {np.sum(probs):.10g}, must be 1 +- 1e-9")
    return np.log(probs)


# categorical: its nodes are the K outcomes, each of weight one

def categorical_log_prob(z, lam):
    """Log probability (..., S) in nats of outcome z (..., S) in 0..K-1; lam = K logits."""
    K = np.shape(lam)[-1]
    chosen = np.asarray(z)[..., None] == np.arange(K)
    of_outcome = np.sum(np.where(chosen, lam + np.zeros(np.shape(chosen)), 0.), axis=-1) - logsumexp(lam, axis=-1)
    return within(np.any(chosen, axis=-1), of_outcome)


def categorical_sample(rng, lam, size):
    gumbel = -np.log(rng.standard_exponential(size + (len(lam),)))
    return np.argmax(lam + gumbel, axis=-1)


def categorical_nodes(lam, order=64):
    return np.arange(len(lam)), np.ones(len(lam))


# bernoulli: its nodes are the 2^D corners, each of weight one

def bernoulli_log_prob(z, lam):
    """Log probability (..., S) in nats of D independent coins z (..., S, D) in {0, 1}; lam = D logits."""
    inside = (z == 0) | (z == 1)
    sign = 1. - 2. * np.where(inside, z, 0.)
    return within(np.all(inside, axis=-1), -np.sum(np.logaddexp(0., sign * lam), axis=-1))


def bernoulli_sample(rng, lam, size):
    return (rng.random(size + (len(lam),)) < expit(lam)).astype(int)


def bernoulli_nodes(lam, order=64):
    return np.indices((2,) * len(lam)).reshape(len(lam), -1).T, np.ones(2**len(lam))


categorical = Family(categorical_log_prob, categorical_sample, categorical_nodes)
bernoulli = Family(bernoulli_log_prob, bernoulli_sample, bernoulli_nodes)
