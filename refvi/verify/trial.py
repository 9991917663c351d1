"""Three strikes, fresh cards: does the mean of a random row equal, or stay below, a number?

A claim is tried on n1 draws; only where it looks wrong is it tried again on 4 n1, then on 16 n1 fresh draws. The
strikes are independent, so a true claim is called false with probability 2e-8 (the product of the three levels), each
of them an ordinary event of the size that simulation can measure. A bias of 6 sd / sqrt(n1), the resolution, is found
99.7 times in 100. No test of a mean can guard against every law (Bahadur and Savage 1956), so a draw that carries too
much of the variance makes the verdict INCONCLUSIVE instead of FAIL.
"""
from typing import NamedTuple

import numpy as np
from scipy.special import ndtri

ALPHA = (1e-2, 1e-3, 2e-3)          # level of each strike
GROWTH = (1, 4, 16)                 # its size in units of n1
HEAVY = 0.10                        # a share of the variance in one draw above which a coordinate is tried on
LIGHT = (np.inf, 0.04, 0.02)        # shares above which a strike does not count
SIGMAS = 6                          # resolution in standard errors of the first strike

PASS, FAIL, INCONCLUSIVE, UNDERPOWERED = "PASS", "FAIL", "INCONCLUSIVE", "UNDERPOWERED"


class Moments(NamedTuple):
    """Count, mean, standard deviation of each coordinate, and the largest share of the variance that one draw carries.
    """

    n: int
    mean: np.ndarray
    sd: np.ndarray
    share: np.ndarray

    @property
    def resolution(self):
        return SIGMAS * self.sd / np.sqrt(self.n)


def moments(blocks):
    """Moments of the rows of all blocks (each (n, d)), merged one block at a time."""
    n, mean, square, low, high = 0, 0.0, 0.0, np.inf, -np.inf
    for block in blocks:
        m, centre = len(block), block.mean(axis=0)
        step = centre - mean
        square = square + np.sum((block - centre) ** 2, axis=0) + step**2 * n * m / (n + m)
        mean = mean + step * m / (n + m)
        low, high, n = np.minimum(low, block.min(axis=0)), np.maximum(high, block.max(axis=0)), n + m
    furthest = (
        np.maximum(high - mean, mean - low) ** 2
    )  # from the mean: from the claim, a large bias would pass for a heavy tail
    return Moments(
        n, mean, np.sqrt(square / max(n - 1, 1)), np.divide(furthest, square, out=np.zeros_like(mean), where=square > 0)
    )


class Trial(NamedTuple):
    verdict: str
    first: Moments              # of the first strike, which sets the resolution
    last: Moments               # of the strike that decided
    gap: np.ndarray             # mean minus target at the last strike


def escalate(draw, target, n1, side=0, tolerance=0.0, alpha=ALPHA):
    """Try E[draw] = target (side 0), E[draw] <= target (side 1) or E[draw] >= target (side -1), coordinate by
    coordinate.

    draw(n, strike) returns the Moments of n fresh draws; target (d,). A gap within tolerance is never held against a
    row, and a coordinate that does not vary is compared by it: there is nothing to divide by.
    """
    d, first = target.size, None
    alive = flagged = np.ones(d, bool)
    for strike, (level, growth) in enumerate(zip(alpha, GROWTH)):
        m = draw(n1 * growth, strike)
        first = first or m
        gap = m.mean - target
        excess = np.abs(gap) if side == 0 else side * gap
        constant = m.sd <= tolerance
        if np.any(constant & (excess > tolerance)):
            return Trial(FAIL, first, m, gap)
        z = -ndtri(level * d ** (-1 / 3) / (2 if side == 0 else 1))
        t = excess / np.where(constant, 1.0, m.sd / np.sqrt(m.n))
        seen = ~constant & (t > z) & (excess > tolerance)
        flagged = flagged & seen & (m.share <= LIGHT[strike])
        alive = alive & (seen | ~constant & (m.share > HEAVY))
        if not alive.any():
            return Trial(PASS, first, m, gap)
    return Trial(FAIL if flagged.any() else INCONCLUSIVE, first, m, gap)
