"""The score-function gradient, line by line: derivations/gradients/score_function.md.

Shapes: z (..., S) or (..., S, D), f(z) (..., S), lam (P,). Deterministic rows return (P,), estimators (R, P)
for eps (R, S, ...); the baseline b is a number, or (P,) with an entry for each coordinate. Log densities are in nats.
PML, "BBVI - calculating the gradient"; Ranganath, Gerrish and Blei (2014), Black box variational inference.
"""
import autograd.numpy as np
from autograd import grad

from refvi.base.core import expectation, gradient_of_each, score

SECOND_ORDER = 48       # of the nodes that a variance is tried on as well; a family's own is 64, or 36 an axis
SETTLED = 1e-5          # how far the two may differ, as a fraction of the larger


# ---- two identities: the product rule and the log-derivative trick, at points z (k,); values (k, P)

def gradient_of_density(z, q, lam):
    """The gradient of q(z) in lam by automatic differentiation."""
    return gradient_of_each(lambda z, lam: np.exp(q.log_prob(z, lam)), z, lam)


def product_rule(z, q, lam, r):
    """The gradient of q(z) r(z, lam): each factor times the gradient of the other."""
    density, value = np.exp(q.log_prob(z, lam))[:, None], r(z, lam)[:, None]
    return density * gradient_of_each(r, z, lam) + value * gradient_of_density(z, q, lam)


def density_times_score(z, q, lam):
    """The gradient of q(z) as q(z) times that of log q(z); the density must be positive."""
    return np.exp(q.log_prob(z, lam))[:, None] * score(q, z, lam)


# ---- the chain: from the gradient of an expectation to an average

def gradient_of_integral(f, q, lam):
    """The gradient of E[f], an integral over nodes that stay where they are while lam moves."""
    z, w = q.nodes(lam)
    return grad(lambda lam: expectation(f, q, lam, (z, w)))(lam)


def integral_of_gradient(f, q, lam):
    """Gradient and integral exchanged: every node contributes the gradient of its own density."""
    z, w = q.nodes(lam)
    return (w * f(z)) @ gradient_of_density(z, q, lam)


def expected_score(f, q, lam):
    """E[f(z) score(z)]: the log-derivative trick has put a density back under the integral."""
    return expectation(lambda z: f(z)[:, None] * score(q, z, lam), q, lam)


def score_function(eps, f, q, lam, b):
    """Average of (f - b) times the score over S draws z_s = eps_s of q; unbiased for any constant b. Returns (R, P)."""
    return np.mean((f(eps)[..., None] - b) * score(q, eps, lam), axis=-2)


# ---- why the baseline is free: the score has mean zero

def gradient_of_one(q, lam):
    """The gradient of the integral of q, which is one whatever lam."""
    z, w = q.nodes(lam)
    return grad(lambda lam: expectation(lambda z: np.ones(len(z)), q, lam, (z, w)))(lam)


def mean_score(q, lam):
    """The mean of the score under its own distribution."""
    return expectation(lambda z: score(q, z, lam), q, lam)


def average_score(eps, q, lam):
    """Average of S scores: zero only on average. Returns (R, P)."""
    return np.mean(score(q, eps, lam), axis=-2)


# ---- how far one average lies off

def variance_of_average(f, q, lam, b, S):
    """Variance of the estimator: second moment of one term less its squared mean, over S.

    ValueError where two orders of q's nodes differ: f is too narrow for them, or the variance is infinite.
    """
    def term(z):
        return (f(z)[:, None] - b) * score(q, z, lam)

    def variance(nodes):
        return (expectation(lambda z: term(z)**2, q, lam, nodes) - expectation(term, q, lam, nodes)**2) / S

    value, second = variance(q.nodes(lam)), variance(q.nodes(lam, SECOND_ORDER))
    if np.max(np.abs(value - second)) > SETTLED * np.max(np.abs(value)):
        raise ValueError(f"the variance is {value} by the nodes of q, and {second} by those of order {SECOND_ORDER}: "
                         "f varies between them, or the variance is infinite; take a family with finer nodes")
    return value


def squared_standard_error(eps, f, q, lam, b):
    """The variance of the average as its own S >= 2 draws estimate it. Returns (R, P)."""
    terms = (f(eps)[..., None] - b) * score(q, eps, lam)
    return np.var(terms, axis=-2, ddof=1) / terms.shape[-2]


# ---- the gradient of the bound, where the log weight log p(x, z) - log q(z) takes the place of f

def log_weight(z, log_joint, q, lam):
    """log p(x, z) - log q(z), in nats (..., S); its mean under q is the bound."""
    return log_joint(z) - q.log_prob(z, lam)


def expected_weighted_score(log_joint, q, lam):
    """E[log weight times score]; the gradient of the log weight itself has mean zero and is gone."""
    return expectation(lambda z: log_weight(z, log_joint, q, lam)[:, None] * score(q, z, lam), q, lam)


def weighted_score(eps, log_joint, q, lam, b):
    """Average of (log weight - b) times the score over S draws of q: black-box inference climbs it. Returns (R, P)."""
    return score_function(eps, lambda z: log_weight(z, log_joint, q, lam), q, lam, b)
