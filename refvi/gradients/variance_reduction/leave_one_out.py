"""The leave-one-out baseline: what the other draws say of f. The gradient is the covariance of f and the score, and this is its sample.

Shapes as in the chapter: estimators return (R, P) for eps (R, S, ...), S at least 2. Salimans and Knowles (2014), On using control variates with
stochastic approximation for variational Bayes; Mnih and Rezende (2016), Variational inference for Monte Carlo objectives; Kool, van Hoof
and Welling (2019), Buy 4 REINFORCE samples, get a baseline for free.
"""
import autograd.numpy as np

from refvi.base.core import score
from refvi.gradients.variance_reduction.rows import on_nodes


def values_and_scores(eps, f, q, lam):
    """(f (R, S, 1), score (R, S, P), S) at the draws, or a ValueError where there are no others to compare with."""
    values = f(eps)[..., None]
    S = values.shape[-2]
    if S < 2:
        raise ValueError(f"S={S} leaves no other draw to take the baseline from: take S of at least 2, or a constant baseline")
    return values, score(q, eps, lam), S


def covariance(f, q, lam):
    """The gradient is the covariance of f and the score: the score has mean zero, so that f may be centred."""
    p, f, u = on_nodes(f, q, lam)
    return p @ ((f - p @ f) * u)


def leave_one_out(eps, f, q, lam):
    """Every draw has the mean of the others for its baseline. Returns (R, P)."""
    f, u, S = values_and_scores(eps, f, q, lam)
    others = (np.sum(f, axis=-2, keepdims=True) - f) / (S - 1)
    return np.mean((f - others) * u, axis=-2)


def mean_of_all_rescaled(eps, f, q, lam):
    """The mean of all draws for a baseline, and S - 1 for S to make up for it. Returns (R, P)."""
    f, u, S = values_and_scores(eps, f, q, lam)
    return np.sum((f - np.mean(f, axis=-2, keepdims=True)) * u, axis=-2) / (S - 1)


def sum_over_pairs(eps, f, q, lam):
    """Every pair of draws once: the better one pushes away from the worse one. Returns (R, P)."""
    f, u, S = values_and_scores(eps, f, q, lam)
    first, second = np.triu_indices(S, 1)
    return np.sum((f[:, first] - f[:, second]) * (u[:, first] - u[:, second]), axis=-2) / (S * (S - 1))


def own_draw_included(eps, f, q, lam):
    """The mean of all draws for a baseline, the draw itself among them, and nothing to make up for it. Returns (R, P)."""
    f, u, _ = values_and_scores(eps, f, q, lam)
    return np.mean((f - np.mean(f, axis=-2, keepdims=True)) * u, axis=-2)


def mean_baseline_and_price(f, q, lam, S):
    """Its variance: that of the baseline E[f], and a price of order 1/S^2 for not knowing E[f]."""
    p, values, u = on_nodes(f, q, lam)
    f, gradient = values - p @ values, p @ (values * u)
    return (p @ (f * u)**2 - gradient**2) / S + ((p @ f**2) * (p @ u**2) + gradient**2) / (S * (S - 1))


def squared_deviation(eps, f, q, lam):
    """How far one estimate lies off, squared: on average the variance. Returns (R, P)."""
    return (leave_one_out(eps, f, q, lam) - covariance(f, q, lam))**2
