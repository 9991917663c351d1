"""Three more ways to make steps of gradients, uphill: momentum, Adagrad, RMSProp; ascent and Adam are in base.optimize.

Arguments and what comes back are those of refvi.base.optimize.gradient_ascent. UA and SA, "DL in NLP recipe".
"""
import numpy as np

from refvi.base.optimize import TINY, climb


def momentum(gradient, lam, steps, rate, watch=None, keep=0.9):
    """Steps along the sum of all gradients, each forgotten by a factor keep a step. Polyak (1964)."""
    total = np.zeros(np.shape(lam))

    def direction(g, step):
        total[:] = keep * total + g
        return total, 1.

    return climb(gradient, lam, steps, direction, rate, watch)


def adagrad(gradient, lam, steps, rate, watch=None):
    """Each coordinate's gradient over the root of the sum of its squares so far. Duchi, Hazan and Singer (2011)."""
    squares = np.zeros(np.shape(lam))

    def direction(g, step):
        squares[:] = squares + g * g
        return g / (np.sqrt(squares) + TINY), 1.

    return climb(gradient, lam, steps, direction, rate, watch)


def rmsprop(gradient, lam, steps, rate, watch=None, keep=0.9):
    """As Adagrad, with a mean of the squares that forgets by a factor keep a step. Tieleman and Hinton (2012)."""
    squares = np.zeros(np.shape(lam))

    def direction(g, step):
        squares[:] = keep * squares + (1 - keep) * g * g
        return g / (np.sqrt(squares) + TINY), 1.

    return climb(gradient, lam, steps, direction, rate, watch)
