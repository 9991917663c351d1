"""Rao-Blackwellisation: what cannot depend on a variable need not be in the weight of its score.

q factorises over D variables z_1..z_D, and f is a sum of terms, f(z) = sum_j terms(z)[..., j], each of which knows a
few of them. owner (P,) says which variable a parameter belongs to, touches (P, F) which terms contain that variable.
Shapes otherwise as in the chapter: z (..., S, D), terms(z) (..., S, F). PML, "Calculating the gradient - Things to
notice"; Ranganath, Gerrish and Blei (2014); Casella and Robert (1996), Rao-Blackwellisation of sampling schemes.
"""
import autograd.numpy as np

from refvi.base.core import score
from refvi.gradients.score_function import expected_score, variance_of_average


def total(terms):
    """f, the sum of all terms."""
    return lambda z: np.sum(terms(z), axis=-1)


def on_grid(q, lam):
    """(z (n, D), density (n,), score (n, P)) on the nodes of q(lam), a grid with one axis for every variable."""
    z, w = q.nodes(lam)
    return z, w * np.exp(q.log_prob(z, lam)), score(q, z, lam)


# ---- from the whole weight to the local one

def score_of_all(terms, q, lam):
    """E[f times the score of q], f the whole sum."""
    return expected_score(total(terms), q, lam)


def score_of_own_factor(terms, q, q_one, lam, owner):
    """E[f times the score of the own factor q_one(z_i)], the only summand of log q that knows lam_i."""
    z, p, _ = on_grid(q, lam)
    columns = np.zeros((len(p), len(lam)))
    for i in range(z.shape[1]):
        columns[:, owner == i] = score(q_one, z[:, i], lam[owner == i])
    return (p * total(terms)(z)) @ columns


def given_own(g, z, p, owner):
    """E[g | z_i] at every node, for the variable z_i of each parameter: (n, P)."""
    means = []
    for i in owner:
        which = np.unique(z[:, i], return_inverse=True)[1].ravel()
        means.append((np.bincount(which, p * g(z)) / np.bincount(which, p))[which])
    return np.stack(means, axis=-1)


def conditional_weight(terms, q, lam, owner):
    """E[E[f | z_i] times the score]: given z_i the score is a constant, and the mean of f its weight."""
    z, p, u = on_grid(q, lam)
    return p @ (given_own(total(terms), z, p, owner) * u)


def touching_terms(terms, touches, q, lam):
    """E[the terms with z_i, times the score]: the others multiply a mean score of zero."""
    z, p, u = on_grid(q, lam)
    return p @ ((terms(z) @ touches.T) * u)


def local_weight(eps, terms, touches, q, lam):
    """Average of the score of a parameter times the terms that touch its variable. Returns (R, P)."""
    return np.mean((terms(eps) @ touches.T) * score(q, eps, lam), axis=-2)


# ---- the variance of each

def variance_of_whole(terms, q, lam, S):
    """Variance of the average over S draws with the whole weight."""
    return variance_of_average(total(terms), q, lam, 0., S)


def law_of_total_variance(terms, q, lam, owner, S):
    """What z_i explains, and what the other variables add: the squared score times the variance of f given z_i."""
    z, p, u = on_grid(q, lam)
    f = total(terms)
    mean, square = given_own(f, z, p, owner), given_own(lambda z: f(z)**2, z, p, owner)
    explained = p @ (mean * u)**2 - (p @ (mean * u))**2
    return (explained + p @ ((square - mean**2) * u**2)) / S


def variance_of_conditional(terms, q, lam, owner, S):
    """Variance with the conditional weight E[f | z_i]."""
    z, p, u = on_grid(q, lam)
    weighted = given_own(total(terms), z, p, owner) * u
    return (p @ weighted**2 - (p @ weighted)**2) / S


def variance_of_local(terms, touches, q, lam, S):
    """Variance with the terms that touch z_i."""
    z, p, u = on_grid(q, lam)
    weighted = (terms(z) @ touches.T) * u
    return (p @ weighted**2 - (p @ weighted)**2) / S
