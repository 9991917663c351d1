"""Typeset digits: random z miss many of an autoencoder's codes; their decodings are further from images than a VAE's.

RAI.078, RAI.080, RAI.081, where MNIST is not at hand.
"""
from autoencoder_or_vae import EXPENSIVE, FORMAT, QUICK, both, draw     # noqa: F401


def data(rng, **how):
    return both(rng, "typeset", **how)
