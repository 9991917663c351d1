"""Typeset digits: the bound on images held out stops rising where the bound on the training images goes on.

PML.149, PML.152, where MNIST is not at hand.
"""
from vae_elbo import EXPENSIVE, QUICK, curves, draw     # noqa: F401


def data(rng, **how):
    return curves(rng, "typeset", **how)
