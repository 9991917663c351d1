"""Ascent: everything here goes uphill, and says why it stopped."""
import warnings
from typing import NamedTuple

import numpy as np

from refvi.core import require_count, require_finite, require_positive


class Ascent(NamedTuple):
    """Where an ascent ended: the last finite parameters, the steps taken, and why it stopped early ("" if it did not)."""
    lam: np.ndarray
    steps: int
    stopped: str = ""


def adam(gradient, lam, steps, rate, watch=None, decay=(0.9, 0.999)):
    """Adam (Kingma and Ba 2015), uphill: each coordinate moves by about rate, less where the gradient is mostly noise.

    gradient(lam) (P,) may be random; rate is a number or a function of the step; watch(step, lam) is called after every step.
    Ctrl-C ends it with what has been reached. A gradient that is not finite ends it with a RuntimeWarning, before it reaches lam.
    """
    require_count("steps", steps)
    if not callable(rate):
        require_positive("rate", rate, "ascent is uphill already")
    lam = require_finite("lam", np.array(lam, dtype=float))
    first, second = np.zeros_like(lam), np.zeros_like(lam)
    done = 0
    try:
        for step in range(1, steps + 1):
            g = np.asarray(gradient(lam))
            if g.shape != lam.shape:
                raise ValueError(f"the gradient has shape {g.shape}, lam has {lam.shape}: would broadcast")
            if not np.all(np.isfinite(g)):
                p = int(np.flatnonzero(~np.isfinite(g))[0])
                stopped = f"gradient of lam[{p}] is {g[p]} at step {step}; the last finite parameters are returned"
                warnings.warn(stopped, RuntimeWarning, stacklevel=2)
                return Ascent(lam, done, stopped)
            first = decay[0] * first + (1 - decay[0]) * g
            second = decay[1] * second + (1 - decay[1]) * g**2
            size = rate(step) if callable(rate) else rate
            lam = lam + size * (first / (1 - decay[0]**step)) / (np.sqrt(second / (1 - decay[1]**step)) + 1e-12)
            done = step
            if watch:
                watch(step, lam)
    except KeyboardInterrupt:
        return Ascent(lam, done, f"interrupted after step {done} of {steps}")
    return Ascent(lam, done)
