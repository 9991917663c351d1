"""Typeset digits in the plane: the encoder, which was told of none, keeps them apart.

PML.145, PML.152, where MNIST is not at hand.
"""
from vae_latent import EXPENSIVE, FORMAT, QUICK, codes, draw     # noqa: F401


def data(rng, **how):
    return codes(rng, "typeset", **how)
