"""Ascent: everything here goes uphill, and says why it stopped.

PML, "A small side-step: Gradient Ascent" and what follows; UA, "MLE via gradient-based optimisation".
"""
import math
import warnings
from operator import mul
from typing import NamedTuple

import numpy as np

from refvi.base.checks import require_count, require_finite, require_positive
from refvi.base.core import Fit
from refvi.base.progress import Interrupted, Progress

TINY = 1e-12        # keeps a gradient that has always been zero from being divided by zero


class Ascent(NamedTuple):
    """Where an ascent ended: the last finite parameters, the steps taken, why it stopped early ("" if it did not)."""
    lam: np.ndarray
    steps: int
    stopped: str = ""


def robbins_monro(rate, delay=1., power=1.):
    """The schedule rate / (1 + (t - 1)/delay)^power, 1/2 < power <= 1; ValueError for another power.

    Its sum is infinite: it can reach any optimum. The sum of its squares is finite: that is enough for the noise to die
    out, though not necessary (on a quadratic the steps t^-1/2 converge as well, more slowly). Robbins and Monro (1951).
    """
    require_positive("rate", rate, "ascent is uphill already")
    require_positive("delay", delay, "steps until the rate has fallen")
    if power > 1:
        raise ValueError(f"power must be at most 1, got {power}: "
                         "the steps add up to a finite distance, and may end short of the optimum")
    if power <= 0.5:
        raise ValueError(f"power must be above 1/2, got {power}: "
                         "the squared steps have no finite sum, which Robbins and Monro's conditions ask for")
    return lambda t: rate / (1 + (t - 1) / delay)**power


def gradient_ascent(gradient, lam, steps, rate, watch=None):
    """lam <- lam + rate gradient(lam); stochastic gradient ascent where the gradient is random.

    rate is a number or a function of the step, such as robbins_monro. With exact gradients of a quadratic a constant
    rate converges below 2 / largest curvature; with random ones it keeps its noise. The rest is as for adam.
    """
    return climb(gradient, lam, steps, lambda g, step: (g, 1.), rate, watch)


def adam(gradient, lam, steps, rate, watch=None, decay=(0.9, 0.999)):
    """Adam (Kingma and Ba 2015), uphill: each coordinate moves by about rate, less where the gradient is mostly noise.

    gradient(lam) (P,) may be random; rate is a number or a function of the step. watch(step, lam) is called after every
    step; a string that it returns ends the ascent, and says why. lam is updated in place between the calls, in its own
    dtype: copy what is to be kept. Ctrl-C ends it with what has been reached. A gradient that is not finite ends it
    with a RuntimeWarning, before it reaches lam, and so does a FloatingPointError of gradient, in its own words.
    """
    # the moments, without their factors 1 - decay
    first, second, scratch = (np.zeros(np.shape(lam), dtype_of(lam)) for _ in range(3))

    def direction(g, step):
        np.multiply(first, decay[0], out=first)
        np.add(first, g, out=first)
        np.multiply(second, decay[1], out=second)
        np.multiply(g, g, out=scratch)
        np.add(second, scratch, out=second)
        np.sqrt(second, out=scratch)
        spread = ((1 - decay[1]) / (1 - decay[1]**step))**0.5
        np.add(scratch, TINY / spread, out=scratch)
        return np.divide(first, scratch, out=scratch), (1 - decay[0]) / (1 - decay[0]**step) / spread

    return climb(gradient, lam, steps, direction, rate, watch)


def climb(gradient, lam, steps, direction, rate, watch):
    """Steps of size rate along what direction(g, step), a vector and its factor, makes of each gradient."""
    require_count("steps", steps)
    rate = rate_of(rate)
    lam, done = require_finite("lam", np.array(lam, dtype_of(lam)), squared=False), 0
    move = np.empty_like(lam)       # a fresh array for every step would cost more than the arithmetic
    try:
        for step in range(1, steps + 1):
            g = np.asarray(gradient(lam))
            if g.shape != lam.shape:
                raise ValueError(f"the gradient has shape {g.shape}, lam has {lam.shape}: would broadcast")
            if not np.isfinite(np.dot(g, g) if g.ndim == 1 else np.sum(g * g)):
                bad = np.flatnonzero(~np.isfinite(g))
                what = "the square of the gradient overflows"
                if len(bad):
                    what = f"gradient of lam[{bad[0]}] is {g.flat[bad[0]]}"
                stopped = f"{what} at step {step}; the last finite parameters are returned"
                warnings.warn(stopped, RuntimeWarning, stacklevel=3)
                return Ascent(lam, done, stopped)
            vector, factor = direction(g, step)
            lam += np.multiply(vector, factor * rate(step), out=move)
            done = step
            reason = watch(step, lam) if watch else None
            if isinstance(reason, str):
                return Ascent(lam, done, reason)
    except FloatingPointError as error:     # a gradient that knows which of its terms is not finite
        stopped = f"{error} at step {done + 1}; the last finite parameters are returned"
        warnings.warn(stopped, RuntimeWarning, stacklevel=3)
        return Ascent(lam, done, stopped)
    except KeyboardInterrupt:
        return Ascent(lam, done, Interrupted(f"interrupted after step {done} of {steps}"))
    return Ascent(lam, done)


def never_down(one_step, value, found, steps, name, gain=None):
    """A Fit by so many steps found <- one_step(found), which climb value(found) in nats, as those of EM do.

    gain: it ends with a step that gains less, and says where none did. Ctrl-C ends it with what has been reached.
    ArithmeticError where a step lowers the value by more than rounding: no correct update does that.
    """
    trace, stopped = [value(found)], f"still gaining after {steps} steps" if gain and steps else ""
    try:
        with Progress(name, steps) as bar:
            for step in range(1, steps + 1):
                moved = one_step(found)
                after, before = value(moved), trace[-1]
                if not after >= before - 1e-10 * max(1., abs(before)):
                    raise ArithmeticError(f"step {step} went from {before:.10g} to {after:.10g} nats: an update that "
                                          "is no maximum")
                found = moved
                trace.append(after)
                bar(step, f"{after:.1f} nats")
                if gain and after - before < gain:
                    stopped = ""
                    break
    except KeyboardInterrupt:
        stopped = Interrupted(f"interrupted after step {len(trace) - 1} of {steps}")
    return Fit(found, np.array(trace), stopped)


def rate_of(rate):
    """rate, a number or a function of the step, as a function of the step; ValueError for a number that is not > 0 and
    finite.

    Where a schedule leaves the positive numbers, its FloatingPointError ends the ascent in these words.
    """
    if not callable(rate):
        require_positive("rate", rate, "ascent is uphill already")
        if not np.isfinite(rate):
            raise ValueError(f"rate must be finite, got {rate}: take 0.1 or less to begin with")
        return lambda step: rate

    def at(step):
        value = rate(step)
        if not 0 < value < math.inf:
            raise FloatingPointError(f"the rate is {value}, not a finite number > 0 (a schedule must last as long as "
                                     "the ascent),")
        return value

    return at


def dtype_of(lam):
    """The dtype to climb in: floats stay what they are, integers become float64."""
    return np.result_type(lam, np.float32) if np.asarray(lam).dtype.kind == "f" else np.dtype(float)


def adam_on_floats(gradient, lam, steps, rate, watch=None, decay=(0.9, 0.999)):
    """adam for a lam so short that eight calls of NumPy, 6 us, cost more than 4 P products of floats.

    gradient(lam) takes and returns lists of P floats, and its FloatingPointError says what was not finite.
    watch(step, lam) gets an array of its own.
    """
    require_count("steps", steps)
    rate = rate_of(rate)
    lam, done = require_finite("lam", np.asarray(lam, float), squared=False).tolist(), 0
    first, second = [0.] * len(lam), [0.] * len(lam)
    try:
        for step in range(1, steps + 1):
            g = gradient(lam)
            if not math.isfinite(sum(map(mul, g, g))):
                raise FloatingPointError(f"the gradient, of length {math.hypot(*g):.3g}, or its square is not finite")
            spread = ((1 - decay[1]) / (1 - decay[1]**step))**0.5
            size = rate(step) * (1 - decay[0]) / (1 - decay[0]**step) / spread
            tiny = TINY / spread
            above = lam.copy()
            for p, v in enumerate(g):
                first[p] = m = decay[0] * first[p] + v
                second[p] = s = decay[1] * second[p] + v * v
                above[p] += size * m / (math.sqrt(s) + tiny)
            lam, done = above, step
            reason = watch(step, np.array(lam)) if watch else None
            if isinstance(reason, str):
                return Ascent(np.array(lam), done, reason)
    except FloatingPointError as error:
        stopped = f"{error} at step {done + 1}; the last finite parameters are returned"
        warnings.warn(stopped, RuntimeWarning, stacklevel=3)
        return Ascent(np.array(lam), done, stopped)
    except KeyboardInterrupt:
        return Ascent(np.array(lam), done, Interrupted(f"interrupted after step {done} of {steps}"))
    return Ascent(np.array(lam), steps)
