"""The leave-one-out baseline: every draw is held against the others. The gradient is a covariance, this is its sample.

Shapes as in the chapter: estimators return (R, P) for eps (R, S, ...), S at least 2. Salimans and Knowles (2014), On
using control variates with stochastic approximation for variational Bayes; Mnih and Rezende (2016), Variational
inference for Monte Carlo objectives; Kool, van Hoof and Welling (2019), Buy 4 REINFORCE samples, get a baseline for
free.
"""
import autograd.numpy as np

from refvi.base.core import score
from refvi.gradients.variance_reduction.rows import on_nodes


def values_and_scores(eps, f, q, lam):
    """(f (R, S, 1), score (R, S, P), S) at the draws, or a ValueError where there are no others to compare with."""
    values = f(eps)[..., None]
    S = values.shape[-2]
    if S < 2:
        raise ValueError(f"S={S} leaves no other draw to take the baseline from: "
                         "take S of at least 2, or a constant baseline")
    return values, score(q, eps, lam), S


def covariance(f, q, lam):
    """Cov[f, u], which is the gradient of E[f]: the score has mean zero, so f may be centred."""
    p, f, u = on_nodes(f, q, lam)
    return p @ ((f - p @ f) * u)


def leave_one_out(eps, f, q, lam):
    """Score-function average in which every draw has the mean of the others for its baseline. Returns (R, P)."""
    f, u, S = values_and_scores(eps, f, q, lam)
    others = (np.sum(f, axis=-2, keepdims=True) - f) / (S - 1)
    return np.mean((f - others) * u, axis=-2)


def mean_of_all_rescaled(eps, f, q, lam):
    """The mean of all draws for a baseline, and S - 1 in place of S to make up for it. Returns (R, P)."""
    f, u, S = values_and_scores(eps, f, q, lam)
    return np.sum((f - np.mean(f, axis=-2, keepdims=True)) * u, axis=-2) / (S - 1)


def sum_over_pairs(eps, f, q, lam):
    """Every pair of draws once: the difference of its values times that of its scores. Returns (R, P)."""
    f, u, S = values_and_scores(eps, f, q, lam)
    first, second = np.triu_indices(S, 1)
    return np.sum((f[:, first] - f[:, second]) * (u[:, first] - u[:, second]), axis=-2) / (S * (S - 1))


def mean_baseline_and_price(f, q, lam, S):
    """Its variance: that of the baseline E[f], and a price of order 1/S^2 for not knowing E[f]."""
    p, values, u = on_nodes(f, q, lam)
    f, gradient = values - p @ values, p @ (values * u)
    price = ((p @ f**2) * (p @ u**2) + gradient**2) / (S * (S - 1))
    return (p @ (f * u)**2 - gradient**2) / S + price
