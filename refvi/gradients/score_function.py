"""The score-function gradient, line by line: derivations/gradients/score_function.md.

Shapes: z (..., S) or (..., S, D), f(z) (..., S), lam (P,); deterministic rows return (P,), estimators (R, P) for eps (R, S, ...).
PML, "BBVI - calculating the gradient"; Ranganath, Gerrish and Blei (2014), Black box variational inference.
"""
import autograd.numpy as np
from autograd import grad

from refvi.base.core import gradient_of_each, score


# ---- three identities: the product rule, the log-derivative trick, and (further down) a score of mean zero; z (k,) some points, values (k, P)

def gradient_of_product(z, q, r, lam):
    """The gradient of a product of two functions of lam, density times log density."""
    return gradient_of_each(lambda z, lam: np.exp(q.log_prob(z, lam)) * r(z, lam), z, lam)


def product_rule(z, q, r, lam):
    """Each factor times the gradient of the other."""
    density, slope = np.exp(q.log_prob(z, lam)), gradient_of_each(lambda z, lam: np.exp(q.log_prob(z, lam)), z, lam)
    return density[:, None] * gradient_of_each(r, z, lam) + r(z, lam)[:, None] * slope


def gradient_of_density(z, q, lam):
    """The density itself, differentiated."""
    return gradient_of_each(lambda z, lam: np.exp(q.log_prob(z, lam)), z, lam)


def density_times_score(z, q, lam):
    """The logarithm's chain rule, turned round; needs a density that is positive."""
    return np.exp(q.log_prob(z, lam))[:, None] * score(q, z, lam)


# ---- the chain: from the gradient of an expectation to an average

def gradient_of_integral(f, q, lam):
    """The expectation as an integral, on nodes that stay where they are while lam moves."""
    z, w = q.nodes(lam)
    return grad(lambda lam: np.sum(w * np.exp(q.log_prob(z, lam)) * f(z)))(lam)


def integral_of_gradient(f, q, lam):
    """Gradient and integral exchanged: every node contributes the gradient of its own density."""
    z, w = q.nodes(lam)
    return (w * f(z)) @ gradient_of_each(lambda z, lam: np.exp(q.log_prob(z, lam)), z, lam)


def expected_score(f, q, lam):
    """Log-derivative trick: a density is back under the integral."""
    z, w = q.nodes(lam)
    return (w * np.exp(q.log_prob(z, lam)) * f(z)) @ score(q, z, lam)


def score_function(eps, f, q, lam, b):
    """Average over S draws z_s = eps_s ~ q(lam); unbiased whatever the constant b. Returns (R, P)."""
    return np.mean((f(eps) - b)[..., None] * score(q, eps, lam), axis=-2)


# ---- why the baseline is free: the score has mean zero

def gradient_of_one(q, lam):
    """The integral of a density is one, whatever lam: its gradient is zero."""
    z, w = q.nodes(lam)
    return grad(lambda lam: np.sum(w * np.exp(q.log_prob(z, lam))))(lam)


def mean_score(q, lam):
    """The score averages to zero under its own distribution."""
    z, w = q.nodes(lam)
    return (w * np.exp(q.log_prob(z, lam))) @ score(q, z, lam)


def average_score(eps, q, lam):
    """Average of S scores: zero only on average. Returns (R, P)."""
    return np.mean(score(q, eps, lam), axis=-2)


# ---- how far one average lies off

def variance_of_average(f, q, lam, b, S):
    """Variance of the estimator: second moment of one term, less the square of the gradient, over S."""
    z, w = q.nodes(lam)
    density, terms = w * np.exp(q.log_prob(z, lam)), (f(z) - b)[:, None] * score(q, z, lam)
    return (density @ terms**2 - (density @ terms)**2) / S


def squared_standard_error(eps, f, q, lam, b):
    """The same variance guessed from the S >= 2 draws at hand, by which an estimate travels with its error. Returns (R, P)."""
    terms = (f(eps) - b)[..., None] * score(q, eps, lam)
    return np.var(terms, axis=-2, ddof=1) / terms.shape[-2]


# ---- the gradient of the bound, where f = log p(x, z) - log q(z) depends on lam as well

def gradient_inside(log_joint, q, lam):
    """The gradient taken inside the average, draws held fixed: only -log q depends on lam, and its score averages to zero."""
    z, w = q.nodes(lam)
    return (w * np.exp(q.log_prob(z, lam))) @ -score(q, z, lam)


def expected_weighted_score(log_joint, q, lam):
    """The score, weighted by the log weight; the gradient of the weight itself has vanished."""
    return expected_score(lambda z: log_joint(z) - q.log_prob(z, lam), q, lam)


def weighted_score(eps, log_joint, q, lam, b):
    """Average over S draws z_s = eps_s ~ q(lam): what black-box inference climbs. Returns (R, P)."""
    return score_function(eps, lambda z: log_joint(z) - q.log_prob(z, lam), q, lam, b)
