"""A walk through the plane of typeset digits: mean images on a grid of equal probability.

PML.145, PML.152, where MNIST is not at hand.
"""
from vae_manifold import EXPENSIVE, FORMAT, QUICK, manifold, draw     # noqa: F401


def data(rng, **how):
    return manifold(rng, "typeset", **how)
