"""Typeset digits: an autoencoder has nothing to say to a random z, a VAE of the same networks has. RAI.078, RAI.080, RAI.081, where MNIST is not at hand."""
from autoencoder_or_vae import EXPENSIVE, FORMAT, QUICK, both, draw     # noqa: F401


def data(rng, **how):
    return both(rng, "typeset", **how)
