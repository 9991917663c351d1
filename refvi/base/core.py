"""The words every chapter speaks: Family, Model, Noise, Estimate, Fit, score.

Shapes: samples first, parameters last. Scalar latents z (..., S), vector latents z (..., S, D); log densities (..., S)
in nats; lam (..., P) flat and unconstrained; noise eps (R, S, ...) holds R repetitions of an S-draw estimator.
"""
from typing import Any, Callable, NamedTuple

import autograd.numpy as np
from autograd import elementwise_grad

POINTS = 2**17      # a rule with more joint points than this is left to draws
MOST = 2**20        # nodes of the finest rule that a quadrature is tried with,
SETTLED = 1e-9      # and the share of its largest entry by which it may still change with half as many more
ROUNDING = 1e-24    # where a variance should be zero, what rounding leaves of it


class Family(NamedTuple):
    """A family of distributions q(z | lam): evaluate, draw, integrate and, where it exists, transport.

    help(q.log_prob) says what z and lam are. refvi.check_family(q, lam) tries a family of one's own.
    """
    log_prob: Callable                  # (z, lam) -> (..., S), nats
    sample: Callable                    # (rng, lam, size) -> z, one draw for every index of size
    nodes: Callable                     # (lam, order=64) -> z (n, ...), w (n,): sum_i w_i g(z_i) integrates g
    transport: Callable | None = None   # (eps, lam) -> z, from draws of q(0) to draws of q(lam)


class Model(NamedTuple):
    """A joint density p(x, z | theta) = p(z | theta) p(x | z, theta), in nats."""
    log_prior: Callable             # (z, theta) -> (..., S)
    log_likelihood: Callable        # (x, z, theta) -> (..., S)

    def log_joint(self, z, x, theta):
        """log p(x, z | theta), the only thing black-box inference asks of a model."""
        return self.log_prior(z, theta) + self.log_likelihood(x, z, theta)


class Noise(NamedTuple):
    """The chance of a random row: how to draw it, and a rule of nodes and weights that integrates over it."""
    draw: Callable                  # (rng, R, S) -> eps (R, S, ...)
    rule: Callable                  # (S, order) -> eps (n, S, ...), weights (n,); None where that is too large


class Estimate(NamedTuple):
    """A number that knows its own error: a finite difference, a quadrature at two orders, an average of replicates."""
    value: Any
    error: Any


class Fit(NamedTuple):
    """Where a climb that never goes down has ended."""
    found: Any                      # what was fitted
    trace: Any                      # its objective in nats, (steps + 1,): before the first step and after each
    stopped: str = ""               # why it ended before it came to rest, "" if it did


def noise(q, lam):
    """S independent draws of q(lam); the rule is the product of S copies of q's own nodes, weighted by its density."""
    def draw(rng, R, S):
        return q.sample(rng, lam, (R, S))

    def rule(S, order):
        if not affordable(q, lam, order, S):
            return None
        z, w = q.nodes(lam, order)
        index = np.indices((len(w),) * S).reshape(S, -1).T
        return z[index], np.prod((w * np.exp(q.log_prob(z, lam)))[index], axis=-1)

    return Noise(draw, rule)


def affordable(q, lam, order, S=1):
    """Whether S draws have at most POINTS joint nodes, asked before they are built: they may not fit into memory."""
    few, more = (len(q.nodes(lam, n)[1]) for n in (2, 4))
    return S * np.log(few * (order / 2)**np.log2(more / few)) <= np.log(POINTS)


def tied(noise, S):
    """The noise of an estimator whose claim holds for S draws only: asked for any other number, it raises a
    ValueError.
    """
    def refuse(number):
        if number != S:
            raise ValueError(f"the claim is about S = {S} draws, not {number}")

    def draw(rng, R, number):
        refuse(number)
        return noise.draw(rng, R, S)

    def rule(number, order):
        refuse(number)
        return noise.rule(S, order) if noise.rule else None

    return Noise(draw, rule)


def expectation(g, q, lam, nodes=None):
    """E_q(lam)[g(z)] over the nodes of q: a number, or one for each trailing axis of g(z) (n, ...).

    nodes: (z, w) to sum over instead of q's own at lam; hand them in to hold them fixed while lam is differentiated.
    """
    z, w = q.nodes(lam) if nodes is None else nodes
    return np.dot(w * np.exp(q.log_prob(z, lam)), g(z))


def axes_of(q, lam):
    """The number of axes of q's nodes: 0 for an enumeration, D for a product rule in D dimensions."""
    few, more = (len(q.nodes(lam, order)[1]) for order in (2, 4))
    return np.log2(more / few)


def settled(integral, axes=1, order=24):
    """integral(order), of a rule with order nodes on each axis, once half as many more change it by less than SETTLED
    of its largest entry: an Estimate, its error the last change.

    ArithmeticError where no rule of at most MOST nodes is fine enough.
    """
    value = integral(order)
    while (order * 3 // 2)**max(axes, 1) <= MOST:
        order = order * 3 // 2
        before, value = value, integral(order)
        error = np.abs(value - before)
        if np.all(error <= SETTLED * np.max(np.abs(value)) + ROUNDING):
            return Estimate(value, error)
    raise ArithmeticError(f"a quadrature with {order} nodes on each axis has not settled: "
                          "f jumps, or is too fast or too steep for nodes; measure with draws")


def around_peak(log_density, edges, n):
    """(t (n,), log_density(t), their distance): where exp(log_density) of one number lives within 60 nats of its
    highest, for the trapezoid rule. edges: below and above everything that lives.
    """
    alive = ()
    while len(alive) < n // 4:          # a wide grid finds the peak, narrower ones resolve it
        t, step = np.linspace(*edges, n, retstep=True)
        heights = log_density(t)
        alive = t[heights > np.max(heights) - 60]
        edges = alive[0] - step, alive[-1] + step
    return t, heights, step


def gradient_of_each(g, z, lam):
    """The gradient in lam of g(z, lam) (..., S) for every draw: (..., S, P).

    Each draw gets its own copy of lam, so that one backward pass returns all gradients.
    """
    copies = np.broadcast_to(lam, np.shape(g(z, lam)) + np.shape(lam)[-1:])
    return elementwise_grad(g, 1)(z, copies)


def score(q, z, lam):
    """The score, the gradient of log q(z | lam) in lam, for every draw: (..., S, P). PML, "Calculating the gradient -
    Things to notice".
    """
    return gradient_of_each(q.log_prob, z, lam)


def carried(q, eps, lam):
    """Draws eps of q(0) as draws of q(lam), or a ValueError where q has no differentiable transport."""
    if q.transport is None:
        name = getattr(q.log_prob, "__name__", "log_prob").removesuffix("_log_prob")
        raise ValueError(
            f"q ({name}) has no transport: its draws are no differentiable function of lam and a fixed noise, "
            "take the score function (refvi.gradients.score_function), which needs none"
        )
    return q.transport(eps, lam)
