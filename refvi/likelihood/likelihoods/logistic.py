"""Logistic regression, x | y ~ Bernoulli(sigmoid(y'theta)): Newton's steps, standard errors, data without a maximum.

Shapes: y (N, D) inputs, a column of ones among them where an offset is wanted; x (N,) zeros and ones; theta (D,).
WI, "What are the benefits of probabilistic models?". Albert and Anderson (1984), On the existence of maximum likelihood
estimates in logistic regression models.
"""
from typing import NamedTuple

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import hstack, identity

from refvi.base.checks import require_finite, require_shape
from refvi.base.core import Fit
from refvi.base.optimize import gradient_ascent
from refvi.likelihood.heads import bernoulli
from refvi.likelihood.networks import require_inputs, sigmoid

BLOCK = 2**11       # data at once, so that they stay in the cache
SMALL = 1e-9        # of the squared length of a step in units of standard errors, twice the nats that are left to gain
NEAR = 1.           # how far a logit may move before the curvature, which costs three gradients, is computed again;
FALL = 100.         # and what each step must take off the squared length meanwhile
FAR = 19.5          # less than log(1 / SMALL) - NEAR: see separated
ROUNDING = 1e-12    # of a log-likelihood, which a step may take off it
THIN = 10           # with more than 200 data for each input, one of so many, they are climbed on before all


def log_likelihood(theta, x, y):
    """log p(x | y, theta) of all labels together, in nats."""
    return bernoulli.log_prob(x, y @ theta)


def label_gradient(pi, x, y):
    """Gradient (D,) of the log-likelihood where labels of one have probabilities pi (N,)."""
    return (x - pi) @ y


def information(pi, y):
    """Minus the curvature (D, D) of the log-likelihood, which no label enters."""
    weighted = np.sqrt(pi * (1 - pi))[:, None] * y
    return weighted.T @ weighted


def newton_step(pi, x, y):
    """From where labels of one have probabilities pi to the top of the parabola that touches the log-likelihood, (D,).
    """
    return np.linalg.solve(information(pi, y), label_gradient(pi, x, y))


def standard_errors(theta, y):
    """Standard deviations (D,) of the estimate over repeated labels, to first order in 1/N: from the curvature."""
    return np.sqrt(np.diag(np.linalg.inv(information(sigmoid(y @ theta), y))))


class Place(NamedTuple):
    """What Newton's step needs to know of one theta, besides the information."""
    logits: np.ndarray          # (N,)
    value: float                # of the log-likelihood, in nats
    gradient: np.ndarray        # (D,)


def place(theta, x, y):
    """A Place; its value is that of log_likelihood, in half the time."""
    logits = y @ theta
    value = x @ logits - np.sum(np.maximum(logits, 0)) - np.sum(np.log1p(np.exp(-np.abs(logits))))
    return Place(logits, value, label_gradient(sigmoid(logits), x, y))


def information_of_all(logits, y):
    """The information (D, D), block by block."""
    return sum(information(sigmoid(logits[n:n + BLOCK]), y[n:n + BLOCK]) for n in range(0, len(y), BLOCK))


def climb(x, y, theta, most):
    """(theta, the last Place, log-likelihoods in nats, squared length of the last step) of Newton's steps, each halved
    until it climbs. A last step that is too short to matter is taken, but not counted.

    With many data one information serves several steps, as long as they are short and each much shorter than the last.
    """
    here, near = place(theta, x, y), NEAR if len(x) > BLOCK else 0.
    curved_at, curvature = here.logits, information_of_all(here.logits, y)
    trace, before, length = [here.value], np.inf, np.inf
    while len(trace) <= most:
        if np.max(np.abs(here.logits - curved_at)) > near or length > before / FALL:
            curved_at, curvature = here.logits, information_of_all(here.logits, y)
        try:
            step = np.linalg.solve(curvature, here.gradient)
        except np.linalg.LinAlgError:       # far out, where probabilities have been rounded to zero and one
            return theta, here, trace, np.inf
        before, length = length, step @ here.gradient
        if length <= SMALL:
            return theta + step, here, trace, length
        while (there := place(theta + step, x, y)).value < here.value * (1 + ROUNDING):
            step = step / 2
        theta, here = theta + step, there
        trace.append(max(here.value, trace[-1]))
    return theta, here, trace, length


def beginnings(x, y):
    """Where to begin: at the optimum of every tenth datum, if those are many; should that lead nowhere, at zero."""
    N, D = y.shape
    if N >= 200 * D * THIN:
        few, *_, length = climb(x[::THIN], np.ascontiguousarray(y[::THIN]), np.zeros(D), 10)
        if length <= SMALL:
            yield few
    yield np.zeros(D)


def fit(x, y, most=100):
    """A Fit by Newton's steps; trace: the log-likelihood in nats.

    Where the labels are separable there is no maximum: stopped says so, and found is where the likelihood has come
    within rounding of what it goes to. ValueError for labels or inputs that are none, or inputs that say one thing
    twice.
    """
    x, y = require_data(x, y)
    require_rank(y)
    for start in beginnings(x, y):
        theta, here, trace, length = climb(x, y, start, most)
        if length <= SMALL:
            break
    parted = separated(x, y) if length > SMALL or np.max(np.abs(here.logits)) > FAR else ""
    rest = f"not at rest after {len(trace) - 1} steps" if length > SMALL else ""
    return Fit(theta, np.array(trace), parted or rest)


def ascend(x, y, most=100_000, tolerance=1e-10):
    """An Ascent to the same place along the gradient, in coordinates in which the inputs are orthonormal.

    There no curvature exceeds 1/4, so that steps of 4 cannot overshoot. It ends where the gradient is below tolerance.
    """
    x, y = require_data(x, y)
    require_rank(y)
    q, r = np.linalg.qr(y)
    slope = np.empty(y.shape[1])

    def gradient(theta):
        slope[:] = label_gradient(sigmoid(q @ theta), x, q)
        return slope

    ascent = gradient_ascent(gradient, np.zeros(y.shape[1]), most, 4.,
                             lambda step, theta: "at rest" if np.max(np.abs(slope)) < tolerance else None)
    rest = "" if ascent.stopped == "at rest" else ascent.stopped or f"not at rest after {most} steps"
    return ascent._replace(lam=np.linalg.solve(r, ascent.lam), stopped=rest)


def separated(x, y):
    """Why there is no maximum, "" if there is one: whether some direction has every datum on its label's side or on
    the border. A linear program counts those that can be kept clear of it, each by a margin that is worth one at most.

    Needed only where a logit exceeds FAR. If such a direction exists, with margins m_n >= 0, and r_n is the probability
    of the label that was not seen, then Newton's step is at least (sum m r)^2 / sum m^2 r (1 - r) >= r of the farthest
    datum in squared length, exp(-NEAR) of that with an earlier information, and this is below SMALL only where that
    datum's logit exceeds log(1 / SMALL) - NEAR.
    """
    N, D = y.shape
    margins = np.where(x == 1, 1., -1.)[:, None] * y / np.max(np.abs(y), axis=0)
    clear = linprog(np.append(np.zeros(D), -np.ones(N)), A_ub=hstack([-margins, identity(N)]), b_ub=np.zeros(N),
                    bounds=[(None, None)] * D + [(0, 1)] * N)
    inside = round(-clear.fun) if clear.success else 0
    border = "" if inside == N else f", the other {N - inside} on the border"
    told = (f"no maximum: the labels are separable, a plane has {inside} of {N} data on their own side{border}; "
            "the likelihood grows for ever along its normal")
    return told if inside else ""


def require_data(x, y):
    """Labels (N,) of zeros and ones and inputs (N, D), as floats; else a ValueError."""
    y = require_finite("y", require_inputs(y, np.shape(y)[-1] if np.ndim(y) == 2 else 1))
    N, D = y.shape
    x = require_finite("x", require_shape("x", x, (N,), f"one label for each of the N={N} rows of y"))
    if not np.all((x == 0) | (x == 1)):
        odd = x[(x != 0) & (x != 1)][0]
        raise ValueError(f"x holds {odd:g}: labels are zeros and ones, take x > threshold of what was measured")
    return x.astype(float, copy=False), y.astype(float, copy=False)


def require_rank(y):
    """A ValueError where columns of y (N, D) are combinations of others."""
    (N, D), some = y.shape, y[::THIN]
    gram = some.T @ some
    size = np.sqrt(np.maximum(np.diag(gram), np.finfo(float).tiny))
    alike = np.linalg.eigvalsh(gram / np.outer(size, size))[0] < 1e-9       # only then is it worth to look at all
    rank = np.linalg.matrix_rank(y / np.maximum(np.linalg.norm(y, axis=0), np.finfo(float).tiny)) if alike else D
    if rank < D:
        raise ValueError(f"y has {D} columns but rank {rank}: some are combinations of others (with N={N} data), "
                         "leave those out")
