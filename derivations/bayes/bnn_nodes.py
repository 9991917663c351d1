"""A part of bnn_inference.py: noise whose rule has few nodes, as many as polynomials need."""
import numpy as np

from refvi import Noise
from refvi.base.core import POINTS


def hermite(shape, k, fewer=0):
    """Standard normal Noise eps (R, S, *shape); its rule has k Gauss-Hermite nodes an axis, exact to degree 2 k - 1.

    fewer: by so many where a coarser order is asked for, to see what a function that is no polynomial makes of it.
    """
    shape = np.atleast_1d(shape)

    def rule(S, order):
        axes, n = S * int(np.prod(shape)), k if order >= 64 else k - fewer
        if n**axes > POINTS:
            return None
        t, w = np.polynomial.hermite_e.hermegauss(n)
        index = np.indices((n,) * axes).reshape(axes, -1).T
        return t[index].reshape(-1, S, *shape), np.prod((w / w.sum())[index], axis=-1)

    return Noise(lambda rng, R, S: rng.standard_normal((R, S, *shape)), rule)
