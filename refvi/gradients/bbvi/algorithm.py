"""Black-box variational inference for any log joint density, and any family that can be drawn from.

PML, "BBVI - Vanilla version"; Ranganath, Gerrish and Blei (2014), Black box variational inference.
"""
import warnings

import numpy as np

from refvi.base.checks import require_count, require_one_each, require_positive
from refvi.base.core import score
from refvi.base.optimize import adam
from refvi.gradients.bbvi.settled import SETTLED, has_settled, size_of
from refvi.gradients.score_function import score_function

SIGMAS = 6          # the average log weight may end this many standard errors below where it began,
FEW = 10            # each of the two averages over no fewer than this many
LOWER = "lower the rate, or let it fall (optimize.robbins_monro)"


def bbvi(log_joint, q, lam, rng, steps, S, rate, watch=None, ascend=adam, tolerance=None):
    """Climb the ELBO with draws of q and values of log_joint(z) (..., S) in nats, nothing else. Returns an Ascent.

    The baseline is the average log weight of the step before: constant for this step's draws, so the gradient stays
    unbiased. ascend is optimize.adam, or optimize.gradient_ascent with rate=robbins_monro(...), as on the slide.
    tolerance: nats; where the bound has changed by surely less over two successive twentieths of the steps, the ascent
    ends, and stopped says "settled". Ctrl-C returns what has been reached; so does a log_joint, a log q or a score that
    is not finite, with a RuntimeWarning that names it, its draw and the step.
    """
    require_count("S", S)
    if tolerance is not None:
        require_positive("tolerance", tolerance, "nats, or leave it out to take all steps")
    averages, first = [], []        # of the log weights: of one set of draws before the first step, then of every step

    def draw(lam):
        z = q.sample(rng, lam, (1, S))
        log_p = np.asarray(require_one_each("log_joint", log_joint(z), (1, S)))
        log_weights = finite("log_joint", log_p, z) - finite("log q", q.log_prob(z, lam), z)
        remember(log_weights, first, averages)
        return z, log_weights

    def gradient(lam):
        if not averages:
            draw(lam)
        z, log_weights = draw(lam)
        g = score_function(z, lambda z: log_weights, q, lam, averages[-2])[0]
        if not np.all(np.isfinite(g)):
            finite("the score of q", score(q, z, lam), z)
        return g

    def after(step, lam):
        reason = watch(step, lam) if watch else None
        due = tolerance is not None and step % size_of(steps) == 0
        return SETTLED if due and has_settled(averages[1:], steps, tolerance) else reason

    ascent = ascend(gradient, lam, steps, rate, after)
    if ascent.stopped in ("", SETTLED):
        warn_of_descent(first, averages)
    return ascent


def finite(term, numbers, z):
    """numbers, or a FloatingPointError that names the term and the first draw (from one) where it is not finite."""
    bad = np.argwhere(~np.isfinite(numbers))
    if len(bad):
        s = bad[0, 1]
        at = np.array2string(z[0, s], precision=6, threshold=8)
        raise FloatingPointError(f"{term} is {numbers[tuple(bad[0])]} for draw {s + 1}, z = {at},")
    return numbers


def remember(log_weights, first, averages):
    """Keep the average of a step's log weights, and the first FEW of them one by one."""
    averages.append(np.mean(log_weights))
    if len(first) < FEW:
        first.extend(np.ravel(log_weights))


def warn_of_descent(first, averages):
    """A RuntimeWarning where the average log weights, estimates of the ELBO, end clearly below the first of them."""
    last = averages[-(len(averages) // 10 + 1):]
    if len(first) < FEW or len(last) < FEW:     # no error to speak of
        return
    errors = [np.std(v) / np.sqrt(np.size(v)) for v in (first, last)]
    if np.mean(last) < np.mean(first) - SIGMAS * np.hypot(*errors):
        warnings.warn(f"the average log weight fell from {np.mean(first):.4g} nats over the first {len(first)} draws "
                      f"to {np.mean(last):.4g} over the last {len(last)} steps: {LOWER}", RuntimeWarning, stacklevel=3)
