"""Bijections from the line, or from a space of free coordinates, onto what a constraint allows: forward, inverse,
log-determinant.

Shapes: u (..., k) free, z (..., n) constrained, k = free(n); log_det(u) (...,) in nats is log |det dz/du|, summed over
the last axis. On the simplex z stands for its first n - 1 coordinates, by which its densities are taken, so that the
determinant is of a square matrix. Kucukelbir, Tran, Ranganath, Gelman and Blei (2017), Automatic differentiation
variational inference; Stan Development Team, Reference manual, "Constraint transforms".
"""
from typing import Callable, NamedTuple

import autograd.numpy as np

from refvi.base.special import logsumexp


class Bijection(NamedTuple):
    """A constraint: how free numbers become values that obey it, and back."""
    forward: Callable               # u (..., k) -> z (..., n)
    inverse: Callable               # z (..., n) -> u (..., k)
    log_det: Callable               # u (..., k) -> (...,)
    free: Callable                  # n -> k, the number of free coordinates
    allows: Callable                # z (..., n) -> bool (...,): whether the constraint holds
    meaning: str


def log_sigmoid(u):
    """log s(u) of the logistic function s(u) = 1 / (1 + exp(-u))."""
    return -np.logaddexp(0., -u)


def each(size):
    """As many free coordinates as values."""
    return size


def one_less(size):
    """The sum of the values is known: one of them is not free."""
    return size - 1


def everywhere(z):
    """Whether every value is finite."""
    return np.all(np.isfinite(z), axis=-1)


# positive: the exponential, and the softplus, which grows as slowly as its argument

def exp_log_det(u):
    """log |det| (...,) of exp."""
    return np.sum(u, axis=-1)


def softplus(u):
    """log(1 + exp(u))."""
    return np.logaddexp(0., u)


def softplus_inverse(z):
    """log(exp(z) - 1)."""
    return z + np.log(-np.expm1(-z))


def softplus_log_det(u):
    """log |det| (...,) of softplus, whose slope is the logistic function."""
    return np.sum(log_sigmoid(u), axis=-1)


# unit interval: the logistic function, whose inverse is the logit

def sigmoid(u):
    """The logistic function 1 / (1 + exp(-u))."""
    return np.exp(log_sigmoid(u))


def logit(z):
    """log(z / (1 - z))."""
    return np.log(z) - np.log1p(-z)


def sigmoid_log_det(u):
    """log |det| (...,) of the logistic function."""
    return np.sum(log_sigmoid(u) + log_sigmoid(-u), axis=-1)


# simplex by stick breaking: each break is a share of what is left. The shift puts u = 0 at equal parts.

def breaks(u):
    """Logits (..., k) of the shares that each of k breaks takes."""
    k = np.shape(u)[-1]
    return u - np.log(np.arange(k, 0, -1.))


def log_left(a):
    """log of what is left before each break, and after the last: (..., k + 1)."""
    return np.concatenate([np.zeros(np.shape(a)[:-1] + (1,)), np.cumsum(log_sigmoid(-a), axis=-1)], axis=-1)


def stick(u):
    """z (..., n): every break takes its share of what is left; the last value is the rest."""
    a = breaks(u)
    left = log_left(a)
    return np.exp(np.concatenate([log_sigmoid(a) + left[..., :-1], left[..., -1:]], axis=-1))


def stick_inverse(z):
    """u (..., n - 1): logits of the shares, shifted back."""
    k = np.shape(z)[-1] - 1
    left = np.cumsum(z[..., ::-1], axis=-1)[..., ::-1]      # of z_i and all behind it
    return np.log(z[..., :-1]) - np.log(left[..., 1:]) + np.log(np.arange(k, 0, -1.))


def stick_log_det(u):
    """log |det| (...,): of a triangular matrix, whose diagonal is share (1 - share) times what was left before the
    break."""
    a = breaks(u)
    return np.sum(log_sigmoid(a) + log_sigmoid(-a) + log_left(a)[..., :-1], axis=-1)


# simplex by softmax, the last logit fixed at zero for reference

def with_reference(u):
    """Logits (..., n): u and a zero."""
    return np.concatenate([u, np.zeros(np.shape(u)[:-1] + (1,))], axis=-1)


def softmax(u):
    """exp of the logits over their sum, (..., n)."""
    logits = with_reference(u)
    return np.exp(logits - logsumexp(logits, axis=-1)[..., None])


def log_ratios(z):
    """u (..., n - 1): logarithms of the values over the last one."""
    return np.log(z[..., :-1]) - np.log(z[..., -1:])


def softmax_log_det(u):
    """log |det| (...,): det(diag(z) - z z') over the first n - 1 values is the product of all n."""
    logits = with_reference(u)
    return np.sum(logits, axis=-1) - np.shape(logits)[-1] * logsumexp(logits, axis=-1)


# ordered: the first is free, every other lies a positive step above the one before

def ordered(u):
    """z (..., n): cumulative sums of the first and of positive steps."""
    return np.cumsum(np.concatenate([u[..., :1], np.exp(u[..., 1:])], axis=-1), axis=-1)


def ordered_inverse(z):
    """The first value, and logarithms of the steps."""
    return np.concatenate([z[..., :1], np.log(z[..., 1:] - z[..., :-1])], axis=-1)


def ordered_log_det(u):
    """log |det| (...,): the sum of the log steps."""
    return np.sum(u[..., 1:], axis=-1)


def positive(z):
    """Whether every value is positive and finite."""
    return np.all((z > 0) & np.isfinite(z), axis=-1)


def on_simplex(z):
    """Whether the values are positive with sum 1."""
    return np.all(z > 0, axis=-1) & (np.abs(np.sum(z, axis=-1) - 1) < 1e-9)


def real(u):
    """Free coordinates as they are."""
    return u


def no_log_det(u):
    """log |det| (...,) of the identity."""
    return np.zeros(np.shape(u)[:-1])


def inside(z):
    """Whether every value lies between 0 and 1."""
    return np.all((z > 0) & (z < 1), axis=-1)


def rising(z):
    """Whether each value is larger than the one before."""
    return np.all(np.diff(z, axis=-1) > 0, axis=-1)


KNOWN = {
    "real": Bijection(real, real, no_log_det, each, everywhere, "any finite number"),
    "positive": Bijection(np.exp, np.log, exp_log_det, each, positive, "positive, by exp"),
    "softplus": Bijection(softplus, softplus_inverse, softplus_log_det, each, positive, "positive, by log(1 + exp)"),
    "interval": Bijection(sigmoid, logit, sigmoid_log_det, each, inside, "between 0 and 1, by the logistic function"),
    "simplex": Bijection(stick, stick_inverse, stick_log_det, one_less, on_simplex,
                         "positive with sum 1, by stick breaking"),
    "softmax": Bijection(softmax, log_ratios, softmax_log_det, one_less, on_simplex,
                         "positive with sum 1, by softmax with the last logit at 0"),
    "ordered": Bijection(ordered, ordered_inverse, ordered_log_det, each, rising, "each larger than the one before"),
}


def bijection(name):
    """The bijection of a constraint, or a ValueError that lists the known ones."""
    if name not in KNOWN:
        known = ", ".join(f"{name} ({b.meaning})" for name, b in KNOWN.items())
        raise ValueError(f"no constraint {name!r}, expected one of {known}")
    return KNOWN[name]
