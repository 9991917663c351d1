"""Typeset digits: what one encoder for all images costs, and what the shape of q costs.

PML.149, where MNIST is not at hand.
"""
from vae_gap import EXPENSIVE, QUICK, gaps, draw     # noqa: F401


def data(rng, **how):
    return gaps(rng, "typeset", **how)
