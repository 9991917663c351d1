"""Typeset digits, and the mean images at the means of their codes: two dimensions keep the digit, twenty its font.

PML.152, where MNIST is not at hand.
"""
from vae_reconstructions import EXPENSIVE, FORMAT, QUICK, draw, reconstructions       # noqa: F401


def data(rng, **how):
    return reconstructions(rng, "typeset", **how)
