"""Gradient estimators of one signature, and their exact variances, line by line: derivations/gradients/laboratory.md.

Here are the score function and the path. Beside this file: measure_valued.py, the third kind; study.py, which measures
any estimator; directions.py, the gradients of single draws; fast.py, a regression by hand.

Shapes: an estimator is a function (eps, f, q, lam) -> (R, P) of its own noise eps (R, S, ...), an integrand f(z, lam)
(..., S) and lam (P,). Draws of q(0) are carried to q(lam) by z = q.transport(eps, lam); a family without a transport is
drawn from directly, eps ~ q(lam). Variances (P,) are those of an average of S draws. PML, "Summary"; Mohamed, Rosca,
Figurnov and Mnih (2020), Monte Carlo gradient estimation in machine learning.
"""
import autograd.numpy as np
from autograd import grad

from refvi.base.core import Estimate, axes_of, expectation, gradient_of_each, noise, score, settled
from refvi.gradients.reparameterization.rows import path_gradient
from refvi.gradients.variance_reduction.leave_one_out import leave_one_out

ORDERS = (256, 128, 64, 40, 26, 19)     # of a noise's rule: the finest that fits


def base_noise(q, lam):
    """The Noise of q's draws: q(0) where they can be carried to lam, else q(lam) itself."""
    return noise(q, lam if q.transport is None else np.zeros(len(lam)))


def placed(eps, q, lam):
    """Draws z of q(lam) from draws of its base noise."""
    return eps if q.transport is None else q.transport(eps, lam)


def weighted(weights, f, q, z, lam):
    """weights times the score, plus the gradient of f in lam at fixed z, for every draw: (..., S, P).

    One backward pass, through a function with this gradient: f, and log q times weights that are held fixed.
    """
    return gradient_of_each(lambda z, lam: f(z, lam) + weights * q.log_prob(z, lam), z, lam)


def along(eps, f, q, lam):
    """The gradient of f(transport(eps, lam), lam) in lam, for every draw: (..., S, P)."""
    return gradient_of_each(lambda eps, lam: f(q.transport(eps, lam), lam), eps, lam)


# ---- one signature

def gradient_of_whole(f, q, lam):
    """The gradient (P,) of E[f(z, lam)], differentiated as an integral over nodes that do not move with lam."""
    nodes = q.nodes(lam)
    return grad(lambda lam: expectation(lambda z: f(z, lam), q, lam, nodes))(lam)


def expected_surrogate(f, q, lam):
    """The expectation (P,) of f times the score, plus the gradient of f in lam at fixed z."""
    return expectation(lambda z: weighted(f(z, lam), f, q, z, lam), q, lam)


def expected_path(f, q, lam):
    """The expectation (P,) under q(0) of the gradient through the transport."""
    return expectation(lambda eps: along(eps, f, q, lam), q, np.zeros(len(lam)))


def score_gradient(eps, f, q, lam):
    """Score-function estimates (R, P), without a baseline. PML, "BBVI - calculating the gradient"."""
    z = placed(eps, q, lam)
    return np.mean(weighted(f(z, lam), f, q, z, lam), axis=-2)


def others_gradient(eps, f, q, lam):
    """Score-function estimates (R, P), each draw with the mean of the other draws for a baseline; ValueError for S = 1.

    Kool, van Hoof and Welling (2019), Buy 4 REINFORCE samples, get a baseline for free.
    """
    z = placed(eps, q, lam)
    return leave_one_out(z, lambda z: f(z, lam), q, lam) + np.mean(weighted(0., f, q, z, lam), axis=-2)


# ---- exact variances by quadrature

def spread(density, terms):
    """Variance (P,) of terms (n, P) that have the weights density (n,)."""
    return density @ (terms - density @ terms)**2


def variance_of_score(f, q, lam, S):
    """Variance (P,) of score_gradient, an integral under q(lam)."""
    def of_one(order):
        z, w = q.nodes(lam, order)
        return spread(w * np.exp(q.log_prob(z, lam)), weighted(f(z, lam), f, q, z, lam))
    return settled(of_one, axes_of(q, lam)).value / S


def variance_of_path(f, q, lam, S):
    """Variance (P,) of path_gradient, an integral under q(0)."""
    at_zero = np.zeros(len(lam))

    def of_one(order):
        eps, w = q.nodes(at_zero, order)
        return spread(w * np.exp(q.log_prob(eps, at_zero)), along(eps, f, q, lam))
    return settled(of_one, axes_of(q, at_zero)).value / S


def exact_variance(estimator, f, q, lam, base, S):
    """Variance (P,) of any estimator (eps, f, q, lam) -> (R, P) by the rule of its noise `base`, an Estimate of two
    orders.

    ValueError where no order of the rule fits.
    """
    def by_rule(order):
        eps, weights = base.rule(S, order)
        return spread(weights, estimator(eps, f, q, lam))

    for order in ORDERS:
        if base.rule(S, order) is not None:
            fine, coarse = by_rule(order), by_rule(order * 3 // 4)
            return Estimate(fine, np.abs(fine - coarse))
    raise ValueError(f"the rule of {S} draws has too many points: take fewer draws, or measure with variance_study")


def score_through_rule(f, q, lam, base, S):
    """Variance (P,) of score_gradient, computed from the estimator itself at every node of its noise."""
    return exact_variance(score_gradient, f, q, lam, base, S)


def path_through_rule(f, q, lam, base, S):
    """Variance (P,) of path_gradient, computed from the estimator itself at every node of its noise."""
    return exact_variance(path_gradient, f, q, lam, base, S)


# ---- a sum of D terms, each of its own coordinate

def score_of_one_of_many(pieces, q_one, lam, S):
    """Variance (2 D,) of score_gradient for f = sum_d pieces[d](z_d) under D independent q_one, by integrals of one
    variable.

    A piece meets its own score; the sum of the others, independent of it, meets only the square of that score.
    """
    D = len(pieces)

    def moments(d, order):
        """Of piece d: variance of the piece times its score, E[piece score^2], E[score^2], each (2,); mean and
        variance, twice."""
        at = lam[[d, D + d]]
        z, w = q_one.nodes(at, order)
        p, u, values = w * np.exp(q_one.log_prob(z, at)), score(q_one, z, at), pieces[d](z)
        mean = p @ values
        return np.stack([spread(p, values[:, None] * u), p @ (values[:, None] * u**2), p @ u**2,
                         np.full(2, mean), np.full(2, p @ (values - mean)**2)])

    def of_one(order):
        of_each = np.transpose([moments(d, order) for d in range(D)], (1, 2, 0))
        own, cross, square, mean, scatter = of_each.reshape(5, 2 * D)
        rest, wide = (np.tile(np.sum(v[:D]) - v[:D], 2) for v in (mean, scatter))
        return own + 2 * rest * cross + (wide + rest**2) * square

    return settled(of_one).value / S
