"""Moments of replicates, block by block, up to the fourth: a variance travels with its standard error.

Estimates g (R, P); sums and means (P,). Pebay (2008), Formulas for robust, one-pass parallel computation of covariances
and arbitrary-order moments.
"""
import numpy as np

from refvi.base.checks import require_count
from refvi.base.core import Estimate

FEWEST = 4              # replicates: a variance takes two, its standard error four


def require_replicates(replicates):
    """replicates, or a ValueError where they are too few."""
    if require_count("replicates", replicates) < FEWEST:
        raise ValueError(f"replicates must be >= {FEWEST}, got {replicates}: "
                         f"a variance takes two, its standard error {FEWEST}")
    return replicates


def block_moments(g):
    """(count, mean, sums of squared, cubed and fourth deviations) of estimates g (R, P)."""
    mean = np.mean(g, axis=0)
    off = g - mean
    square = off * off
    return len(g), mean, np.sum(square, axis=0), np.sum(square * off, axis=0), np.sum(square * square, axis=0)


def merged(a, b):
    """The moments of both blocks together."""
    if a is None:
        return b
    (m, mean, a2, a3, a4), (n, other, b2, b3, b4) = a, b
    step, both = other - mean, m + n
    squares = a2 + b2 + step**2 * m * n / both
    cubes = a3 + b3 + step**3 * m * n * (m - n) / both**2 + 3 * step * (m * b2 - n * a2) / both
    fourths = (a4 + b4 + step**4 * m * n * (m * m - m * n + n * n) / both**3
               + 6 * step**2 * (m * m * b2 + n * n * a2) / both**2 + 4 * step * (m * b3 - n * a3) / both)
    return both, mean + step * n / both, squares, cubes, fourths


def variance_with_error(n, mean, squares, cubes, fourths):
    """An Estimate: the variance (P,), and its standard error sqrt((m_4 - m_2^2) / n), which leaves out terms of
    order 1 / n^2."""
    return Estimate(squares / (n - 1), np.sqrt((fourths / n - (squares / n)**2) / n))
