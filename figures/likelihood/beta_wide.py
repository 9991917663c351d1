"""After 10 flips the same mean says much less: the density of Beta(5, 7), and more than a quarter of it decides
otherwise. WI.30.
"""
from beta_narrow import density, draw       # noqa: F401


def data(rng):
    return density(5, 7)
