"""Automatic variational inference: a model and the constraints of its variables in, an approximate posterior with a report out.

The family is a normal on the free coordinates of space.py, independent ("mean-field") or with any covariance ("full-rank"); the gradient goes through
the noise ("path") or is the score function ("score"), which asks for values alone. Kucukelbir et al. (2017), Automatic differentiation variational inference.
"""
from typing import Any, NamedTuple

import autograd.numpy as np
from autograd import make_vjp

from refvi.base.checks import require_bound, require_count, require_positive
from refvi.base.core import Estimate, Family
from refvi.base.families.gaussian import diagonal_normal, full_normal, full_normal_lam
from refvi.base.optimize import adam, robbins_monro
from refvi.gradients.bbvi.algorithm import finite, warn_of_descent
from refvi.gradients.score_function import score_function
from refvi.gradients.variance_reduction.leave_one_out import leave_one_out
from refvi.programs.automatic.model import target
from refvi.programs.automatic.report import Block, Gain, blocks, gain_of, has_settled, why
from refvi.programs.automatic.rows import back_to_lam, volume
from refvi.programs.automatic.space import Space, space

FAMILIES = {"mean-field": diagonal_normal, "full-rank": full_normal}
GRADIENTS = ("path", "score")
DRAWS = 4000        # of the fitted q, for means and standard deviations,
CHECKED = 500       # and for the ELBO, where each of them meets all data
SIGMAS = 6          # an ELBO this many standard errors above the log evidence is no bound


class Fit(NamedTuple):
    """What a fit found, and how it ended."""
    lam: np.ndarray                 # (P,) of q on the free coordinates
    q: Family
    space: Space
    mean: Any                       # of every variable under its constraint, by name, from DRAWS draws
    sd: Any                         # their standard deviations
    error: Any                      # standard errors of the means
    elbo: Estimate                  # nats, from fresh draws on all data
    trace: tuple[Block, ...]        # average ELBO of successive blocks of steps, with standard errors
    gain: Gain | None               # of the last block over the one before, None where there are fewer than two
    steps: int
    why: str                        # it stopped

    def sample(self, rng, size):
        """Draws of the variables under their constraints, by name, one for every index of size."""
        return self.space.constrain(self.q.sample(rng, self.lam, size))


class Settled(Exception):
    """The trace has stopped rising."""


def fit(model, latents, rng, family="mean-field", gradient="path", steps=2000, S=8, rate=None, data=None, batch=None,
        start=None, spread=0.1, tolerance=None, log_evidence=None, watch=None, ascend=adam):
    """Climb the ELBO of a model whose variables are described by latents; returns a Fit.

    model: log_joint(z) -> (1, S) in nats, z.name (1, S) or (1, S, n); or Parts with data, arrays of N rows, of which each step sees batch rows.
    latents: name -> constraint, or (constraint, size), as space.py says. start: values by name, the middle of what is allowed by default; spread: the
    standard deviation of the first q on the free coordinates, or its covariance (D, D). rate: a number or a function of the step; falling from 0.1 by default.
    tolerance: nats; where the bound has changed by surely less over two successive blocks, the fit ends. log_evidence: an ELBO above it is an ArithmeticError.
    watch(step, lam) is called after every step. What is not finite ends the fit with a RuntimeWarning that names the term, the draw and the step.
    """
    require_count("S", S)
    require_count("steps", steps)
    q, where, goal = chosen("family", family, FAMILIES), space(latents), target(model, data, batch)
    chosen("gradient", gradient, dict.fromkeys(GRADIENTS))
    if tolerance is not None:
        require_positive("tolerance", tolerance, "nats, or leave it out to take all steps")
    averages, first, latest = [], [], [None]
    estimate = {"path": through_noise, "score": by_scores}[gradient](goal, where, q, rng, S, averages, first)

    def after(step, lam):
        latest[0] = lam.copy()
        if watch:
            watch(step, lam)
        if tolerance is not None and has_settled(averages, steps, tolerance):
            raise Settled

    lam = first_lam(where, family, start, spread)
    settled = ""
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):      # what is not finite is named by the fit
        try:
            lam, done, stopped = ascend(estimate, lam, steps, rate or robbins_monro(0.1, delay=max(1, steps / 10)), after)
        except Settled:
            lam, done, stopped, settled = latest[0], len(averages), "", f"settled within {tolerance:g} nats"
        if not stopped:
            warn_of_descent(first[0], averages)
        elbo = bound_of(lam, goal, where, rng, q)
    if log_evidence is not None and np.isfinite(elbo.error):
        require_bound(elbo.value - SIGMAS * elbo.error, log_evidence)
    draws = where.constrain(q.sample(rng, lam, (DRAWS,)))
    mean, sd, error = (draws._make(f(z) for z in draws) for f in (average, deviation, lambda z: deviation(z) / np.sqrt(DRAWS)))
    trace = blocks(averages[:done], steps)
    gain = gain_of(trace)
    ended = (stopped or why(done, steps, settled, gain)) + ("" if np.isfinite(elbo.error) else f"; the ELBO from {CHECKED} fresh draws is {elbo.value}")
    return Fit(lam, q, where, mean, sd, error, elbo, trace, gain, done, ended)


def average(z):
    return np.mean(z, axis=0)


def deviation(z):
    return np.std(z, axis=0)


def chosen(name, word, known):
    """known[word], or a ValueError that lists what is known."""
    if word not in known:
        raise ValueError(f"no {name} {word!r}, expected one of {', '.join(known)}")
    return known[word]


def first_lam(where, family, start, spread):
    """lam of the first q: mean at start, spread a standard deviation or a covariance on the free coordinates."""
    mu, spread = where.free(**(start or {})), np.asarray(spread, float)
    if spread.ndim == 0:
        require_positive("spread", spread, "the standard deviation of the first q")
        spread = spread**2 * np.eye(where.D)
    lam = full_normal_lam(mu, Sigma=spread)
    if family == "full-rank":
        return lam
    if np.any(lam[2 * where.D:] != 0):
        raise ValueError("spread has covariances, which a mean-field q cannot have: pass a diagonal matrix, or family='full-rank'")
    return lam[:2 * where.D]


def on_the_line(log_joint, where, u):
    """log p(x, z) + log |det| (1, S) of free coordinates u (1, S, D)."""
    return log_joint(where.constrain(u)) + where.log_det(u)


def finite_on_the_line(log_density, log_joint, where, u):
    """log_density (1, S), or a FloatingPointError that names which of its two terms is not finite, and for which values."""
    if not np.all(np.isfinite(log_density)):
        z = where.constrain(u)
        finite("log_joint", log_joint(z), np.concatenate([np.reshape(value, np.shape(u)[:2] + (-1,)) for value in z], axis=-1))
        finite("the log-determinant", where.log_det(u), u)
    return log_density


def log_noise(eps):
    """log density (1, S) of standard normals eps (1, S, D), which either family's q(0) is."""
    return diagonal_normal.log_prob(eps, np.zeros(2 * np.shape(eps)[-1]))


def through_noise(goal, where, q, rng, S, averages, first):
    """gradient(lam) (P,) through the noise: the model's own by automatic differentiation, the rest by hand. Keeps every step's average log weight."""
    def gradient(lam):
        log_joint, eps = goal.of_step(rng), rng.standard_normal((1, S, where.D))
        u = q.transport(eps, lam)
        backward, density = make_vjp(lambda u: on_the_line(log_joint, where, u))(u)
        keep(finite_on_the_line(density, log_joint, where, u) + volume(lam, where.D) - log_noise(eps), averages, first)
        return np.mean(back_to_lam(backward(np.ones((1, S))), eps, lam), axis=(0, 1))

    return gradient


def by_scores(goal, where, q, rng, S, averages, first):
    """gradient(lam) (P,) by the score function, every draw with the mean of the others for its baseline; a single draw with the step before."""
    def gradient(lam):
        u = q.sample(rng, lam, (1, S))
        log_joint = goal.of_step(rng)
        weights = finite_on_the_line(on_the_line(log_joint, where, u), log_joint, where, u) - finite("log q", q.log_prob(u, lam), u)
        before = averages[-1] if averages else np.mean(weights)
        keep(weights, averages, first)
        if S > 1:
            return leave_one_out(u, lambda u: weights, q, lam)[0]
        return score_function(u, lambda u: weights, q, lam, before)[0]

    return gradient


def keep(weights, averages, first):
    """The average log weight of a step, and all of the first step's."""
    averages.append(float(np.mean(weights)))
    if not first:
        first.append(weights)


def bound_of(lam, goal, where, rng, q):
    """The ELBO of q(lam) on all data, from fresh draws, with its standard error; not finite where the model is not."""
    eps = rng.standard_normal((1, CHECKED, where.D))
    weights = on_the_line(goal.of_all, where, q.transport(eps, lam)) + volume(lam, where.D) - log_noise(eps)
    return Estimate(float(np.mean(weights)), float(np.std(weights) / np.sqrt(CHECKED)))
