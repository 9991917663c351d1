"""Distributions: one row of facts each.

lam is flat and unconstrained: standard deviations and shapes enter by their logarithm, probabilities by logits, so every vector of
real numbers is a distribution. Parameters may carry sample axes of their own (the last axis is P), which is how scores are taken.
"""
import autograd.numpy as np
from scipy.special import expit, log_expit

from refvi.core import Family, require_positive, require_shape
from refvi.special import betaln, logsumexp


def trapezoid(order):
    """Equally spaced nodes on the line, balanced for exp(-t^2/2): truncation and spacing both err by about exp(-pi order/2)."""
    h = np.sqrt(4 * np.pi / order)
    return h * (np.arange(order) - (order - 1) / 2), h


def halves(lam):
    """The first and the second half of lam along its last axis: locations and log scales."""
    P = np.shape(lam)[-1]
    if P % 2 or P == 0:
        raise ValueError(f"lam has shape {np.shape(lam)}, expected (..., 2 D): D locations, then D log scales")
    return lam[..., :P // 2], lam[..., P // 2:]


def pair(lam):
    """The two entries of lam along its last axis."""
    if np.shape(lam)[-1] != 2:
        raise ValueError(f"lam has shape {np.shape(lam)}, expected (..., 2)")
    return lam[..., 0], lam[..., 1]


def normal_lam(mu, *, sd):
    """lam of a normal with mean mu and standard deviation sd > 0."""
    return np.array([mu, np.log(require_positive("sd", sd, "parameterize by log_sigma"))])


def categorical_lam(probs):
    """Logits of probabilities that sum to one; an outcome of probability zero gets a logit of minus infinity."""
    probs = require_shape("probs", probs, (None,), "one probability for each outcome")
    bad = np.flatnonzero(~(probs >= 0))
    if len(bad):
        raise ValueError(f"probs[{bad[0]}] is {probs[bad[0]]}, must not be negative or nan")
    if abs(np.sum(probs) - 1) > 1e-9:
        raise ValueError(f"probs sum to {np.sum(probs):.10g}, must be 1 +- 1e-9")
    return np.log(probs)


# normal: z (..., S) real; lam = (mu, log sigma)

def normal_log_prob(z, lam):
    mu, log_sigma = pair(lam)
    return -0.5 * ((z - mu) * np.exp(-log_sigma))**2 - log_sigma - 0.5 * np.log(2 * np.pi)


def normal_sample(rng, lam, size):
    return normal_transport(rng.standard_normal(size), lam)


def normal_nodes(lam, order=64):
    t, h = trapezoid(order)
    return normal_transport(t, lam), np.full(order, h * np.exp(lam[1]))


def normal_transport(eps, lam):
    mu, log_sigma = pair(lam)
    return mu + np.exp(log_sigma) * eps


# diagonal normal: z (..., S, D) real; lam = (mu_1..mu_D, log sigma_1..log sigma_D)

def diagonal_log_prob(z, lam):
    mu, log_sigma = halves(lam)
    return np.sum(-0.5 * ((z - mu) * np.exp(-log_sigma))**2 - log_sigma - 0.5 * np.log(2 * np.pi), axis=-1)


def diagonal_sample(rng, lam, size):
    return diagonal_transport(rng.standard_normal(size + (len(lam) // 2,)), lam)


def diagonal_nodes(lam, order=36):
    D = len(lam) // 2
    t, h = trapezoid(order)
    grid = np.stack(np.meshgrid(*[t] * D, indexing="ij"), axis=-1).reshape(-1, D)
    return diagonal_transport(grid, lam), np.full(order**D, h**D * np.exp(np.sum(lam[D:])))


def diagonal_transport(eps, lam):
    mu, log_sigma = halves(lam)
    return mu + np.exp(log_sigma) * eps


# categorical: z (..., S) in 0..K-1; lam = K logits. Its integral is a sum, so its nodes are the K outcomes, each of weight one.

def categorical_log_prob(z, lam):
    K = np.shape(lam)[-1]
    chosen = np.asarray(z)[..., None] == np.arange(K)
    return np.sum(np.where(chosen, lam + np.zeros(np.shape(chosen)), 0.), axis=-1) - logsumexp(lam, axis=-1)


def categorical_sample(rng, lam, size):
    gumbel = -np.log(rng.standard_exponential(size + (len(lam),)))
    return np.argmax(lam + gumbel, axis=-1)


def categorical_nodes(lam, order=64):
    return np.arange(len(lam)), np.ones(len(lam))


# bernoulli: z (..., S, D) in {0, 1}, independent; lam = D logits. Its nodes are the 2^D corners, each of weight one.

def bernoulli_log_prob(z, lam):
    return np.sum(z * lam - np.logaddexp(0., lam), axis=-1)


def bernoulli_sample(rng, lam, size):
    return (rng.random(size + (len(lam),)) < expit(lam)).astype(int)


def bernoulli_nodes(lam, order=64):
    return np.indices((2,) * len(lam)).reshape(len(lam), -1).T, np.ones(2**len(lam))


# beta: z (..., S) in (0, 1); lam = (log a, log b). Nodes: the trapezoid in the logit of z, where both ends decay exponentially;
# it errs by about exp(-sqrt(2 pi order min(a, b))).

def beta_log_prob(z, lam):
    a, b = map(np.exp, pair(lam))
    return (a - 1) * np.log(z) + (b - 1) * np.log1p(-z) - betaln(a, b)


def beta_sample(rng, lam, size):
    return rng.beta(*map(np.exp, pair(lam)), size)


def beta_nodes(lam, order=64):
    a, b = map(np.exp, pair(lam))
    t, h = trapezoid(order)
    stretch = np.sqrt(2 / min(a, b))            # balances truncation, exp(-min(a, b) |t|), with spacing
    t = np.log(a / b) + stretch * t
    return expit(t), stretch * h * np.exp(log_expit(t) + log_expit(-t))


normal = Family(normal_log_prob, normal_sample, normal_nodes, normal_transport)
diagonal_normal = Family(diagonal_log_prob, diagonal_sample, diagonal_nodes, diagonal_transport)
categorical = Family(categorical_log_prob, categorical_sample, categorical_nodes)
bernoulli = Family(bernoulli_log_prob, bernoulli_sample, bernoulli_nodes)
beta = Family(beta_log_prob, beta_sample, beta_nodes)
