"""The code task on typeset digits: linear and non-linear decoders of growing capacity.

PML.150, PML.151, PML.152, where MNIST is not at hand.
"""
from vae_decoders import EXPENSIVE, FORMAT, QUICK, decoders, draw     # noqa: F401


def data(rng, **how):
    return decoders(rng, "typeset", **how)
