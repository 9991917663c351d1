"""The estimator laboratory, line by line: derivations/gradients/laboratory.md. Here estimators that keep to the density of q, and their exact variances;
beside this file measure_valued.py has the third kind, study.py measures any of them, directions.py looks at single draws, and regression.py is fast.

Shapes: every estimator is a function (eps, f, q, lam) -> (R, P) of its own noise eps (R, S, ...), an integrand f(z, lam) (..., S) and lam (P,). What is
drawn from q(0) is carried to q(lam) by z = q.transport(eps, lam); a family without a transport is drawn from where it stands, eps ~ q(lam).
Variances (P,) are those of an average of S draws. PML, "Summary"; Mohamed, Rosca, Figurnov and Mnih (2020), Monte Carlo gradient estimation.
"""
import autograd.numpy as np
from autograd import grad

from refvi.base.core import gradient_of_each, noise, score
from refvi.gradients.reparameterization.rows import path_gradient


def base_noise(q, lam):
    """The noise of one draw of q: standard where it can be carried to lam, else q(lam) itself."""
    return noise(q, lam if q.transport is None else np.zeros(len(lam)))


def placed(eps, q, lam):
    """The draws z of q(lam) made of its base noise."""
    return eps if q.transport is None else q.transport(eps, lam)


def weighted(weights, f, q, z, lam):
    """weights times the score, plus what f changes by its own dependence on lam, for every draw: (..., S, P).

    One backward pass, through a function with this gradient: f, and log q times weights that are held fixed.
    """
    return gradient_of_each(lambda z, lam: f(z, lam) + weights * q.log_prob(z, lam), z, lam)


# ---- one signature

def gradient_of_whole(f, q, lam):
    """The expectation as an integral, on nodes that stay where they are while lam moves."""
    z, w = q.nodes(lam)
    return grad(lambda lam: np.sum(w * np.exp(q.log_prob(z, lam)) * f(z, lam)))(lam)


def expected_surrogate(f, q, lam):
    """f times the score, plus the gradient of f itself at a z that is held fixed."""
    z, w = q.nodes(lam)
    return (w * np.exp(q.log_prob(z, lam))) @ weighted(f(z, lam), f, q, z, lam)


def expected_path(f, q, lam):
    """The gradient through the transport: the draws move with lam, their density q(0) does not."""
    at_zero = np.zeros(len(lam))
    eps, w = q.nodes(at_zero)
    return (w * np.exp(q.log_prob(eps, at_zero))) @ gradient_of_each(lambda eps, lam: f(q.transport(eps, lam), lam), eps, lam)


def score_gradient(eps, f, q, lam):
    """Score function: values of f alone, and of the score. Returns (R, P). PML, "BBVI - calculating the gradient"."""
    z = placed(eps, q, lam)
    return np.mean(weighted(f(z, lam), f, q, z, lam), axis=-2)


def others_gradient(eps, f, q, lam):
    """Score function with the mean of the other draws for a baseline, S at least 2. Returns (R, P). Kool, van Hoof and Welling (2019)."""
    z = placed(eps, q, lam)
    values = f(z, lam)
    S = np.shape(values)[-1]
    if S < 2:
        raise ValueError(f"S={S} leaves no other draw to take the baseline from: take S of at least 2, or score_gradient")
    others = (np.sum(values, axis=-1, keepdims=True) - values) / (S - 1)
    return np.mean(weighted(values - others, f, q, z, lam), axis=-2)


# ---- exact variances by quadrature: of one term, over S

def spread(density, terms):
    """Variance (P,) of terms (n, P) that have the weights density (n,)."""
    return density @ (terms - density @ terms)**2


def variance_of_score(f, q, lam, S, order=256):
    """Variance of score_gradient on nodes of q(lam)."""
    z, w = q.nodes(lam, order)
    return spread(w * np.exp(q.log_prob(z, lam)), weighted(f(z, lam), f, q, z, lam)) / S


def variance_of_path(f, q, lam, S, order=256):
    """Variance of path_gradient on nodes of q(0)."""
    at_zero = np.zeros(len(lam))
    eps, w = q.nodes(at_zero, order)
    return spread(w * np.exp(q.log_prob(eps, at_zero)), gradient_of_each(lambda eps, lam: f(q.transport(eps, lam), lam), eps, lam)) / S


def variance_of_others(f, q, lam, S, order=256):
    """Variance of others_gradient for an f of z alone: that of the baseline E[f], and what it costs not to know E[f]."""
    z, w = q.nodes(lam, order)
    p, u, values = w * np.exp(q.log_prob(z, lam)), score(q, z, lam), f(z, lam)
    centred = (values - p @ values)[:, None]
    gradient = p @ (centred * u)
    return spread(p, centred * u) / S + (p @ centred**2 * (p @ u**2) + gradient**2) / (S * (S - 1))


def score_through_rule(f, q, lam, base, S):
    """The estimator itself, fed the nodes of its noise."""
    return exact_variance(score_gradient, f, q, lam, base, S)


def path_through_rule(f, q, lam, base, S):
    """The estimator itself, fed the nodes of its noise."""
    return exact_variance(path_gradient, f, q, lam, base, S)


def others_through_rule(f, q, lam, base, S):
    """The estimator itself, fed the nodes of its noise, all S draws jointly."""
    return exact_variance(others_gradient, f, q, lam, base, S)


ORDERS = (256, 128, 64, 40, 26, 19)     # of a noise's rule, the finest that fits


def exact_variance(estimator, f, q, lam, base, S):
    """Variance (P,) of any estimator (eps, f, q, lam) -> (R, P), by the rule of its noise `base`; ValueError where no order of it fits."""
    for order in ORDERS:
        rule = base.rule(S, order)
        if rule is not None:
            return spread(rule[1], estimator(rule[0], f, q, lam))
    raise ValueError(f"the rule of {S} draws has too many points: take fewer draws, or measure with variance_study")


# ---- a sum of D terms, each of its own coordinate

def score_of_one_of_many(pieces, q_one, lam, S):
    """Variance of score_gradient (2 D,) for f = sum_d pieces[d](z_d) under D independent q_one, by integrals of one variable each.

    A piece meets its own score; the sum of the others, independent of it, only meets the score's square.
    """
    D = len(pieces)
    own, cross, square, mean, power = [], [], [], [], []
    for d, piece in enumerate(pieces):
        at = lam[[d, D + d]]
        z, w = q_one.nodes(at)
        p, u, values = w * np.exp(q_one.log_prob(z, at)), score(q_one, z, at), piece(z)
        own.append(spread(p, values[:, None] * u))
        cross.append(p @ (values[:, None] * u**2))
        square.append(p @ u**2)
        mean.append(p @ values)
        power.append(p @ (values - mean[-1])**2)
    own, cross, square = (np.transpose(v).ravel() for v in (own, cross, square))
    rest, scatter = (np.tile(np.sum(v) - np.array(v), 2) for v in (mean, power))
    return (own + 2 * rest * cross + (scatter + rest**2) * square) / S
