"""The words every chapter speaks: Family, Model, Noise, Estimate, score.

Shapes: samples first, parameters last. Scalar latents z (..., S), vector latents z (..., S, D); log densities (..., S) in nats;
lam (..., P) flat and unconstrained; noise eps (R, S, ...) holds R repetitions of an S-draw estimator.
"""
from numbers import Integral
from typing import Any, Callable, NamedTuple

import autograd.numpy as np
from autograd import elementwise_grad

POINTS = 2**17      # a rule with more joint points than this is left to draws


class Family(NamedTuple):
    """A family of distributions q(z | lam): evaluate, draw, integrate and, where it exists, transport."""
    log_prob: Callable              # (z, lam) -> (..., S), nats
    sample: Callable                # (rng, lam, size) -> z, one draw for every index of size
    nodes: Callable                 # (lam, order=64) -> z (n, ...), w (n,): sum_i w_i g(z_i) is the integral of g, placed where q(lam) lives
    transport: Callable | None = None   # (eps, lam) -> z carries draws of q(0) to q(lam); None: cannot be reparameterized


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
    rule: Callable                  # (S, order) -> (eps (n, S, ...), weights (n,)), or None where the joint rule is too large


class Estimate(NamedTuple):
    """A number that knows its own error: a finite difference, a quadrature at two orders, an average of replicates."""
    value: Any
    error: Any


def noise(q, lam):
    """S independent draws of q(lam); the rule is the product of S copies of q's own nodes, weighted by its density."""
    def draw(rng, R, S):
        return q.sample(rng, lam, (R, S))

    def rule(S, order):
        few, more = (len(q.nodes(lam, n)[1]) for n in (2, 4))
        if (few * (order / 2)**np.log2(more / few))**S > POINTS:      # asked before the nodes are built: they may not fit into memory
            return None
        z, w = q.nodes(lam, order)
        index = np.indices((len(w),) * S).reshape(S, -1).T
        return z[index], np.prod((w * np.exp(q.log_prob(z, lam)))[index], axis=-1)

    return Noise(draw, rule)


def tied(noise, S):
    """The noise of an estimator whose claim holds for S draws only: asked for any other number, it raises a ValueError."""
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


def gradient_of_each(g, z, lam):
    """The gradient in lam of g(z, lam) (..., S) for every draw: (..., S, P).

    Each draw gets its own copy of lam, so that one backward pass returns all gradients.
    """
    copies = np.broadcast_to(lam, np.shape(g(z, lam)) + np.shape(lam)[-1:])
    return elementwise_grad(g, 1)(z, copies)


def score(q, z, lam):
    """The score, the gradient of log q(z | lam) in lam, for every draw: (..., S, P). PML, "Calculating the gradient - Things to notice"."""
    return gradient_of_each(q.log_prob, z, lam)


def carried(q, eps, lam):
    """Draws eps of q(0) as draws of q(lam), or a ValueError where q has no differentiable transport."""
    if q.transport is None:
        name = getattr(q.log_prob, "__name__", "log_prob").removesuffix("_log_prob")
        raise ValueError(f"q ({name}) has no transport: its draws are no differentiable function of lam and a fixed noise, "
                         "take the score function (refvi.score_function), which needs none")
    return q.transport(eps, lam)


def require_one_each(name, values, shape):
    """values, or a ValueError where they are not one number for each of the R repetitions of S draws, shape = (R, S)."""
    if np.shape(values) != tuple(shape):
        R, S = shape
        raise ValueError(f"{name} returned shape {np.shape(values)} for z of {R} repetition{'s' * (R > 1)} of {S} draws, expected ({R}, {S}): "
                         "one number for each draw, sums over data and over the parts of z taken inside")
    return values


def require_shape(name, value, shape, meaning):
    """value as a float array, or a ValueError that prints both shapes; None in shape matches any length, ... any leading axes."""
    value = np.asarray(value)
    if value.dtype.kind not in "biuf":
        raise ValueError(f"{name} holds {value.dtype}, expected real numbers: {meaning}")
    if value.dtype.kind in "ui" and value.size and np.max(np.abs(value)) > 2**53:
        raise ValueError(f"{name} holds {np.max(np.abs(value))}, beyond 2^53: not exact as a float, rescale it or take logarithms")
    value = value.astype(np.result_type(value, np.float32), copy=False)
    tail = shape[1:] if shape[:1] == (...,) else shape
    got = value.shape[max(value.ndim - len(tail), 0):] if shape[:1] == (...,) else value.shape
    if len(got) != len(tail) or any(want not in (None, n) for n, want in zip(got, tail)):
        wanted = ", ".join("..." if n is ... else "any" if n is None else str(n) for n in shape)
        raise ValueError(f"{name} has shape {value.shape}, expected ({wanted}{',' if len(shape) == 1 else ''}): {meaning}")
    return value


def require_finite(name, value):
    """value, or a ValueError that names the first entry that is nan or infinite."""
    bad = np.argwhere(~np.isfinite(value))
    if len(bad):
        index = ", ".join(map(str, bad[0]))
        raise ValueError(f"{name}[{index}] is {value[tuple(bad[0])]}; {len(bad)} of {value.size} values non-finite: "
                         "clean or drop them before they reach a likelihood")
    return value


def require_positive(name, value, remedy):
    """value, or a ValueError that says what to pass instead."""
    if not np.all(np.asarray(value) > 0):
        raise ValueError(f"{name} must be > 0, got {value} ({remedy})")
    return value


def require_count(name, value):
    """value, or a ValueError: a number of draws, data or steps is an integer of at least 1."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
        raise ValueError(f"{name} must be an integer >= 1, got {value!r}")
    return value


def require_bound(elbo, log_evidence):
    """elbo, or an ArithmeticError where it exceeds the log evidence by more than rounding: a bound that does so is computed wrongly."""
    rounding = 1e5 * np.finfo(float).eps * max(1., abs(elbo), abs(log_evidence))
    if not elbo <= log_evidence + rounding:
        raise ArithmeticError(f"the ELBO {elbo:.10g} exceeds the log evidence {log_evidence:.10g}: one of the two is computed wrongly, "
                              "look for a missing normalizer or an entropy with the wrong sign")
    return elbo
