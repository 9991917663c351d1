"""Coordinate ascent on the bound, line by line: derivations/bound/coordinate_ascent.md.

Two latent variables live on nodes with weights w1 (n1,), w2 (n2,): ones for a discrete variable, those of a quadrature
for a continuous one. A factor is a density on its nodes, q1 (n1,), q2 (n2,), the model a table log_joint (n1, n2) of
log p(x, z1, z2). Everything in nats. gaussian.py and regression.py hold models whose updates are found by hand.
PML, "Code-task: VB for a simple Gaussian model" and "Recap & Conclusions"; Bishop (2006), chapter 10.
"""
import autograd.numpy as np
from autograd import grad, hessian
from scipy.special import entr

from refvi.base.special import logsumexp


def entropy(w, q):
    """H[q] in nats of a density q on nodes of weight w; a density of zero contributes nothing."""
    return np.sum(w * entr(q))


def bound(log_joint, w1, w2, q1, q2):
    """The ELBO of two factors: expected log joint over all pairs of nodes, and both entropies."""
    return (w1 * q1) @ log_joint @ (w2 * q2) + entropy(w1, q1) + entropy(w2, q2)


def energy_of_one_factor(log_joint, w1, w2, q1, q2):
    """The bound, with the second variable averaged first: what is left depends on the first alone."""
    expected = log_joint @ (w2 * q2)
    return np.sum(w1 * q1 * expected) + entropy(w1, q1) + entropy(w2, q2)


def divergence_and_constant(log_joint, w1, w2, q1, q2):
    """The bound as minus the divergence of q1 from the best factor, and terms without q1."""
    divergence = -entropy(w1, q1) - np.sum(w1 * q1 * np.log(best_factor(log_joint, w1, w2, q2)))
    log_normalizer = logsumexp(log_joint @ (w2 * q2) + np.log(w1))
    return -divergence + log_normalizer + entropy(w2, q2)


def bound_without_divergence(log_joint, w1, w2, q2):
    """The bound with that divergence at zero: as high as a choice of q1 can make it."""
    return logsumexp(log_joint @ (w2 * q2) + np.log(w1)) + entropy(w2, q2)


def best_factor(log_joint, w1, w2, q2):
    """exp of the expected log joint, normalized on its nodes: (n1,)."""
    expected = log_joint @ (w2 * q2)
    return np.exp(expected - logsumexp(expected + np.log(w1)))


def bound_after_update(log_joint, w1, w2, q2):
    """The bound at the best factor."""
    return bound(log_joint, w1, w2, best_factor(log_joint, w1, w2, q2), q2)


def natural_gradient_step(bound, log_normalizer, eta):
    """Natural parameters (P,) after one step of size one along the natural gradient of bound(eta).

    The Fisher information is the curvature of log_normalizer(eta).
    """
    return eta + np.linalg.solve(hessian(log_normalizer)(eta), grad(bound)(eta))
