"""Ten typeset images, 784 pixels that are on or off, white on black: they read 5 7 4 4 2 6 3 5 9 2.

PML.144, where MNIST is not at hand.
"""
from digit_strip import EXPENSIVE, FORMAT, QUICK, draw, strip       # noqa: F401


def data(rng, N=2000):
    return strip(rng, "typeset", N)
