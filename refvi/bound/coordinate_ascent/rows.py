"""Coordinate ascent on the bound, line by line: derivations/bound/coordinate_ascent.md.

Two latent variables live on nodes with weights w1 (n1,), w2 (n2,), a factor is a density on its nodes, q1 (n1,), q2 (n2,), and the model a table
log_joint (n1, n2) of log p(x, z1, z2). A discrete variable has weights of one; a continuous one the nodes of a quadrature rule. Everything in nats.
gaussian.py holds a model in which the updates are found by hand; refvi/coordinate_regression.py another.
PML, "Code-task: VB for a simple Gaussian model" and "Recap & Conclusions"; Jordan et al. (1999); Bishop (2006), chapter 10.
"""
from typing import Any, NamedTuple

import autograd.numpy as np
from autograd import grad, hessian
from scipy.special import entr

from refvi.base.checks import require_bound, require_count, require_positive
from refvi.base.special import logsumexp


class Fit(NamedTuple):
    """Where coordinate ascent ended: the factors, the bound before the first sweep and after each, and why it stopped early ("" if it did not)."""
    q: Any
    trace: np.ndarray           # (sweeps + 1,), nats
    stopped: str = ""


# ---- one factor at a time

def entropy(w, q):
    """H[q] in nats of a density q on nodes of weight w; a density of zero contributes nothing."""
    return np.sum(w * entr(q))


def bound(log_joint, w1, w2, q1, q2):
    """The ELBO of two factors: expected log joint over all pairs of nodes, and both entropies."""
    return (w1 * q1) @ log_joint @ (w2 * q2) + entropy(w1, q1) + entropy(w2, q2)


def energy_of_one_factor(log_joint, w1, w2, q1, q2):
    """The second variable is averaged first: what is left depends on the first alone."""
    expected = log_joint @ (w2 * q2)
    return np.sum(w1 * q1 * expected) + entropy(w1, q1) + entropy(w2, q2)


def divergence_and_constant(log_joint, w1, w2, q1, q2):
    """exp of the expected log joint, normalized, is a density: the bound is minus the divergence from it, and terms without q1."""
    expected = log_joint @ (w2 * q2)
    log_normalizer = logsumexp(expected + np.log(w1))
    divergence = -entropy(w1, q1) - np.sum(w1 * q1 * (expected - log_normalizer))
    return -divergence + log_normalizer + entropy(w2, q2)


def bound_without_divergence(log_joint, w1, w2, q2):
    """No divergence is negative: without it the bound is as high as a choice of q1 can make it."""
    return logsumexp(log_joint @ (w2 * q2) + np.log(w1)) + entropy(w2, q2)


def best_factor(log_joint, w1, w2, q2):
    """exp of the expected log joint, normalized on its nodes: (n1,)."""
    expected = log_joint @ (w2 * q2)
    return np.exp(expected - logsumexp(expected + np.log(w1)))


def bound_after_update(log_joint, w1, w2, q2):
    """The bound itself, at the best factor."""
    return bound(log_joint, w1, w2, best_factor(log_joint, w1, w2, q2), q2)


def averaged_joint(log_joint, w1, w2, q2):
    """The slip: the expectation taken of the joint density instead of its logarithm. (n1,)"""
    expected = logsumexp(log_joint + np.log(w2 * q2), axis=1)
    return np.exp(expected - logsumexp(expected + np.log(w1)))


def exact_marginal(log_joint, w1, w2):
    """The posterior of the first variable alone: what the best factor is not. (n1,)"""
    marginal = logsumexp(log_joint + np.log(w2), axis=1)
    return np.exp(marginal - logsumexp(marginal + np.log(w1)))


def sweep(log_joint, w1, w2, q2):
    """(q1, q2): the first factor given the second, then the second given the new first."""
    q1 = best_factor(log_joint, w1, w2, q2)
    return q1, best_factor(log_joint.T, w2, w1, q1)


# ---- an update read off the graph, and as a gradient step

def updated_exponent(update):
    """The natural parameters of the factor that update() finds by hand."""
    return update()


def prior_plus_messages(messages):
    """The prior's natural parameters and one message from each datum, rows of messages() (1 + N, P), added up."""
    return np.sum(messages(), axis=0)


def natural_gradient_step(bound, log_normalizer, eta):
    """One step of size one along the gradient of bound(eta), measured by the Fisher information, the curvature of log_normalizer(eta)."""
    return eta + np.linalg.solve(hessian(log_normalizer)(eta), grad(bound)(eta))


def gradient_step(bound, eta):
    """The slip: the same step along the plain gradient, whose units are not those of eta."""
    return eta + grad(bound)(eta)


# ---- the algorithm

def ascend(one_sweep, elbo, q, log_evidence=np.inf, tolerance=1e-10, most=10_000):
    """Sweeps q <- one_sweep(q) until elbo(q) gains less than tolerance nats; a Fit.

    A bound that falls by more than rounding, or lies above log_evidence, is an ArithmeticError: no correct update does either.
    """
    require_count("most", most)
    require_positive("tolerance", tolerance, "nats gained by the last sweep")
    trace, stopped = [require_bound(float(elbo(q)), log_evidence)], f"still gaining after {most} sweeps"
    for number in range(1, most + 1):
        q = one_sweep(q)
        trace.append(require_bound(float(elbo(q)), log_evidence))
        gain = trace[-1] - trace[-2]
        if not gain >= -2**12 * np.finfo(float).eps * max(1., abs(trace[-1])):
            raise ArithmeticError(f"sweep {number} took the ELBO from {trace[-2]} to {trace[-1]}: an update that is no maximum, or one made from stale factors")
        if gain < tolerance:
            stopped = ""
            break
    return Fit(q, np.array(trace), stopped)
