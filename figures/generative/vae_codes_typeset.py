"""All codes of typeset digits together fill the prior, each digit's a province of it.

PML.145, PML.152, where MNIST is not at hand.
"""
from vae_codes import EXPENSIVE, QUICK, densities, draw     # noqa: F401


def data(rng, **how):
    return densities(rng, "typeset", **how)
