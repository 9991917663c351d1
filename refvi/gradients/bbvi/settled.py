"""Has the bound stopped rising? Averages over blocks of steps with their errors, and the gain of the last over the one
before.

The draws of successive steps are independent, so the averages of a block's steps tell its standard error; while the
bound climbs, the climb inside a block counts as noise, and errors are a little too large.
"""
from typing import NamedTuple

import numpy as np

BLOCKS = 20         # a run's steps are told in so many,
FEWEST = 10         # of no fewer steps than these
SETTLED = "settled"


class Block(NamedTuple):
    """The average log weight of some successive steps, in nats: an estimate of the ELBO there."""
    last: int           # step
    elbo: float
    error: float        # standard


class Gain(NamedTuple):
    """What the last block gained over the one before: nats, and relative to the bound, with standard errors."""
    nats: float
    error: float
    relative: float
    relative_error: float


def size_of(steps):
    """The number of steps in a block."""
    return max(FEWEST, steps // BLOCKS)


def blocks(averages, steps):
    """Blocks of the average log weights of every step so far; the first ones are left out where they fill no block."""
    n = size_of(steps)

    def block(stop):
        own = averages[stop - n:stop]
        return Block(stop, float(np.mean(own)), float(np.std(own, ddof=1) / np.sqrt(n)))

    return tuple(block(stop) for stop in range(len(averages), n - 1, -n))[::-1]


def gain_of(trace):
    """The Gain of the last block, None for fewer than two."""
    if len(trace) < 2:
        return None
    before, last = trace[-2:]
    nats, error = last.elbo - before.elbo, float(np.hypot(before.error, last.error))
    size = max(abs(last.elbo), np.finfo(float).tiny)
    return Gain(nats, error, nats / size, error / size)


def has_settled(averages, steps, tolerance):
    """Whether a block has just ended, and both it and the one before changed the bound by surely less than tolerance
    nats."""
    n = size_of(steps)
    if len(averages) % n or len(averages) < 3 * n:
        return False
    trace = blocks(averages[-3 * n:], steps)
    return all(abs(gain.nats) + 2 * gain.error < tolerance for gain in (gain_of(trace[:2]), gain_of(trace[1:])))
