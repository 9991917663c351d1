"""Automatic variational inference: a model and the constraints of its variables in, an approximate posterior with a
report out.

The family is a normal on the free coordinates of space.py, independent ("mean-field") or with any covariance
("full-rank"); the gradient goes through the noise ("path") or is the score function ("score"), which asks for values
alone. Kucukelbir et al. (2017), Automatic differentiation variational inference.
"""
import warnings
from collections import deque
from typing import Any, NamedTuple

import autograd.numpy as np
from autograd import make_vjp

from refvi.base.checks import require_bound, require_count, require_positive
from refvi.base.core import Estimate, Family
from refvi.base.families.gaussian import diagonal_normal, full_normal, full_normal_lam
from refvi.base.optimize import adam, robbins_monro
from refvi.gradients.bbvi.algorithm import finite
from refvi.gradients.bbvi.settled import SETTLED, Block, Gain, blocks, gain_of, has_settled, size_of
from refvi.gradients.score_function import score_function
from refvi.gradients.variance_reduction.leave_one_out import leave_one_out
from refvi.programs.automatic.model import target
from refvi.programs.automatic.report import why
from refvi.programs.automatic.rows import back_to_lam, volume
from refvi.programs.automatic.space import Space, space

FAMILIES = {"mean-field": diagonal_normal, "full-rank": full_normal}
DRAWS = 4000        # of the fitted q, for means and standard deviations,
CHECKED = 500       # and for the ELBO, where each of them meets all data
SIGMAS = 6          # an ELBO this many standard errors above the log evidence is no bound
NOTABLE = 0.1       # nats: what the average of the last iterates must gain to be told


class Approximation(NamedTuple):
    """The approximate posterior that a fit found, and how it ended."""
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


def fit(model, latents, rng, family="mean-field", gradient="path", steps=2000, S=8, rate=None, data=None, batch=None,
        start=None, spread=0.1, tolerance=None, log_evidence=None, watch=None, ascend=adam):
    """Climb the ELBO of a model whose variables are described by latents; returns an Approximation.

    model: log_joint(z) -> (1, S) in nats, z.name (1, S) or (1, S, n); or Parts with data, arrays of N rows, of which
    each step sees batch rows. latents: name -> constraint, or (constraint, size), as space.py says. start: values by
    name, the middle of what is allowed by default. spread: the standard deviation of the first q on the free
    coordinates, or its covariance (D, D). rate: a number or a function of the step; falling from 0.1 by default.
    tolerance: nats; where the bound has changed by surely less over two successive blocks, the fit ends. log_evidence:
    an ELBO above it is an ArithmeticError. watch(step, lam) is called after every step. What is not finite ends the fit
    with a RuntimeWarning that names the term, the draw and the step. Where the average of the last iterates surely has
    a higher bound than the last one, it is what is returned.
    """
    require_count("S", S)
    require_count("steps", steps)
    q, where, goal = chosen("family", family, FAMILIES), space(latents), target(model, data, batch)
    estimate = chosen("gradient", gradient, {"path": through_noise, "score": by_scores})
    if tolerance is not None:
        require_positive("tolerance", tolerance, "nats, or leave it out to take all steps")
    log_weights, recent = [], deque(maxlen=size_of(steps))      # (1, S) of every step; lam after the last ones

    def gradient_of_bound(lam):
        before = np.mean(log_weights[-1]) if log_weights else None
        weights, g = estimate(lam, goal.of_step(rng), where, q, rng, S, before)
        log_weights.append(weights)
        return g

    def after(step, lam):
        if watch:
            watch(step, lam)
        recent.append(lam.copy())
        if tolerance is not None and step % size_of(steps) == 0:
            return SETTLED if has_settled(averages_of(log_weights), steps, tolerance) else None
        return None

    first = first_lam(where, family, start, spread)
    rate = robbins_monro(0.1, delay=max(1, steps / 10)) if rate is None else rate
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):      # what is not finite is named by the fit
        lam, done, stopped = ascend(gradient_of_bound, first, steps, rate, after)
        averages, middle = averages_of(log_weights), np.mean(recent, axis=0) if recent else lam
        higher = above(lam, middle, goal, where, rng, q)
        lam = middle if higher else lam
        began, elbo = (bound_of(at, goal, where, rng, q) for at in (first, lam))
        lower = fell(began, elbo)
        if lower:
            warnings.warn(lower, RuntimeWarning, stacklevel=2)
    if log_evidence is not None and np.isfinite(elbo.error):
        require_bound(elbo.value - SIGMAS * elbo.error, log_evidence)

    draws = where.constrain(q.sample(rng, lam, (DRAWS,)))
    mean, sd = (draws._make(f(z, axis=0) for z in draws) for f in (np.mean, np.std))
    error = draws._make(one / np.sqrt(DRAWS) for one in sd)
    trace = blocks(averages[:done], steps)
    gain = gain_of(trace)
    if stopped in ("", SETTLED):
        stopped = why(done, steps, tolerance if stopped == SETTLED else None, gain, bool(lower))
        stopped += "".join(f"; {note}" for note in notes(elbo, higher, log_evidence, goal.unscaled) + [lower] if note)
    if not np.isfinite(elbo.error):
        stopped += f"; the ELBO from {CHECKED} fresh draws is {elbo.value}"
    return Approximation(lam, q, where, mean, sd, error, elbo, trace, gain, done, stopped)


def fell(began, ended):
    """A sentence where one Estimate of the bound lies clearly below another, else an empty one."""
    if not ended.value < began.value - SIGMAS * np.hypot(began.error, ended.error):
        return ""
    return (f"the ELBO fell from {began.value:.4g} to {ended.value:.4g} nats: lower the rate, or let it fall "
            "(optimize.robbins_monro)")


def above(lam, average, goal, where, rng, q):
    """By how many nats the bound at the average of the last iterates is surely higher than at lam, from noise that they
    share; else zero.
    """
    eps = rng.standard_normal((1, CHECKED, where.D))
    gain = log_weights_of(average, eps, goal, where, q) - log_weights_of(lam, eps, goal, where, q)
    value, error = np.mean(gain), np.std(gain) / np.sqrt(CHECKED)
    return float(value) if value > SIGMAS * error else 0.


def notes(elbo, higher, log_evidence, unscaled):
    """What else is known where a fit has ended, a sentence each."""
    told = []
    if log_evidence is not None:
        told.append(f"{log_evidence - elbo.value:.2g} +- {elbo.error:.1g} nats below the log evidence")
    if higher > NOTABLE:
        told.append(f"this is the average of the last iterates, {higher:.2g} nats above the last one: the noise of the "
                    "rate keeps the fit below its optimum, lower the rate or raise S")
    if unscaled:
        told.append(unscaled)
    return told


def averages_of(log_weights):
    """The average log weight of every step."""
    return [float(np.mean(weights)) for weights in log_weights]


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
        raise ValueError("spread has covariances, which a mean-field q cannot have: "
                         "pass a diagonal matrix, or family='full-rank'")
    return lam[:2 * where.D]


def on_the_line(log_joint, where, u):
    """log p(x, z) + log |det| (1, S) of free coordinates u (1, S, D)."""
    return log_joint(where.constrain(u)) + where.log_det(u)


def finite_on_the_line(log_density, log_joint, where, u):
    """log_density (1, S), or a FloatingPointError that names which of its two terms is not finite, and for which
    values."""
    if not np.all(np.isfinite(log_density)):
        z = where.constrain(u)
        values = [np.reshape(value, np.shape(u)[:2] + (-1,)) for value in z]
        finite("log_joint", log_joint(z), np.concatenate(values, axis=-1))
        finite("the log-determinant", where.log_det(u), u)
    return log_density


def log_noise(eps):
    """log density (1, S) of standard normals eps (1, S, D), which either family's q(0) is."""
    return diagonal_normal.log_prob(eps, np.zeros(2 * np.shape(eps)[-1]))


def through_noise(lam, log_joint, where, q, rng, S, before):
    """(log weights (1, S), gradient (P,)) of one step through the noise: the model's by automatic differentiation,
    the rest by hand."""
    eps = rng.standard_normal((1, S, where.D))
    u = q.transport(eps, lam)
    backward, density = make_vjp(lambda u: on_the_line(log_joint, where, u))(u)
    weights = finite_on_the_line(density, log_joint, where, u) + volume(lam, where.D) - log_noise(eps)
    return weights, np.mean(back_to_lam(backward(np.ones((1, S))), eps, lam), axis=(0, 1))


def by_scores(lam, log_joint, where, q, rng, S, before):
    """(log weights (1, S), gradient (P,)) of one step by the score function.

    Every draw has the mean of the others for its baseline; a single draw has before, the average log weight of the step
    before, or, in the first step, its own weight.
    """
    u = q.sample(rng, lam, (1, S))
    weights = finite_on_the_line(on_the_line(log_joint, where, u), log_joint, where, u)
    weights = weights - finite("log q", q.log_prob(u, lam), u)
    if S > 1:
        return weights, leave_one_out(u, lambda u: weights, q, lam)[0]
    return weights, score_function(u, lambda u: weights, q, lam, np.mean(weights) if before is None else before)[0]


def bound_of(lam, goal, where, rng, q):
    """The ELBO of q(lam) on all data, from fresh draws, with its standard error; not finite where the model is not."""
    weights = log_weights_of(lam, rng.standard_normal((1, CHECKED, where.D)), goal, where, q)
    return Estimate(float(np.mean(weights)), float(np.std(weights) / np.sqrt(CHECKED)))


def log_weights_of(lam, eps, goal, where, q):
    """Log weights (1, S) in nats, on all data, of what q(lam) makes of the noise eps (1, S, D)."""
    return on_the_line(goal.of_all, where, q.transport(eps, lam)) + volume(lam, where.D) - log_noise(eps)
