"""What a variational autoencoder consists of: layer sizes, likelihood, and what its data must be. PML, "Fun with MNIST
- The model".

The encoder is one network with 2 D outputs [mu, log_sd], the decoder one with n: the logits of n pixels, or the means
of n normals of one sd.
"""
from typing import NamedTuple

import numpy as np

from refvi.base.checks import require_count, require_positive
from refvi.generative.amortization import model
from refvi.likelihood.heads import Network, bernoulli, normal_of
from refvi.likelihood.networks import count, initial, rectified

LIKELIHOODS = ("bernoulli", "gaussian")
THRESHOLD = 128         # a pixel of 0..255 is on from here
VALIDATION = 5000       # of MNIST's 60,000 training images: 55,000 are left, the N of the slide


class Architecture(NamedTuple):
    """Layer sizes of both networks, ReLU between them, and the likelihood.

    `architecture` builds one that fits together.
    """
    encoder: tuple              # (n, ..., 2 D)
    decoder: tuple              # (D, ..., n)
    likelihood: str             # one of LIKELIHOODS
    sd: float                   # of the gaussian likelihood

    @property
    def D(self):
        """Dimensions of the latent variable."""
        return self.decoder[0]

    @property
    def n(self):
        """Dimensions of a datum."""
        return self.decoder[-1]

    @property
    def counts(self):
        """Parameters of the encoder and of the decoder."""
        return count(self.encoder), count(self.decoder)

    @property
    def networks(self):
        """Encoder and decoder as refvi.generative.amortization has them, (Network, Network)."""
        observed = bernoulli if self.likelihood == "bernoulli" else normal_of(self.sd)
        return Network(self.encoder, None, rectified), Network(self.decoder, observed, rectified)

    def __str__(self):
        encoder, decoder = ("-".join(map(str, sizes))
                            for sizes in (self.encoder[:-1] + (f"({self.D},{self.D})",), self.decoder))
        spread = f" of sd {self.sd:g}" if self.likelihood == "gaussian" else ""
        return f"{encoder}, {decoder}, {self.likelihood}{spread}"


def architecture(n=784, D=2, encoder=(256, 64), decoder=None, likelihood="bernoulli", sd=1.):
    """An Architecture with these hidden layers.

    The decoder's are the encoder's turned round if not given, () makes it linear.
    """
    for name, given in (("encoder", encoder), ("decoder", decoder)):
        if given is not None and np.ndim(given) != 1:
            raise ValueError(f"{name}={given!r} is no list of hidden layers, expected one such as (256, 64), or () "
                             f"for none")
    hidden = tuple(encoder), tuple(reversed(encoder) if decoder is None else decoder)
    for size in (n, D, *hidden[0], *hidden[1]):
        require_count("a layer's size", size)
    if likelihood not in LIKELIHOODS:
        raise ValueError(f"no likelihood {likelihood!r}, expected one of {', '.join(LIKELIHOODS)}")
    require_positive("sd", sd, "the standard deviation of a pixel around its mean")
    return Architecture((n, *hidden[0], 2 * D), (D, *hidden[1], n), likelihood, float(sd))


SLIDE = architecture()                                                  # 784-256-64-(2,2), 2-64-256-784
NOTEBOOK = architecture(encoder=(500,), decoder=())                     # the students' notebook: a linear decoder
SOLUTION = SLIDE                                                        # its solution, with the networks of the slide


def split(weights, shape):
    """(phi, theta): views of the encoder's and of the decoder's weights in one flat vector (P,)."""
    inner, outer = shape.counts
    if np.shape(weights) != (inner + outer,):
        raise ValueError(f"weights have shape {np.shape(weights)}, expected ({inner + outer},): {inner} of the "
                         f"encoder, then {outer} of the decoder ({shape})")
    return weights[:inner], weights[inner:]


def start(rng, shape, dtype=np.float32):
    """Random weights (P,).

    He's initialization, its outputs shrunk tenfold, so that q begins near the prior and a pixel near a fair coin.
    """
    parts = []
    for sizes in (shape.encoder, shape.decoder):
        part = initial(rng, sizes, dtype)
        part[-(sizes[-2] + 1) * sizes[-1]:] *= 0.1
        parts.append(part)
    return np.concatenate(parts)


def binarized(images):
    """Images (N, n) uint8 as booleans: a pixel is on from 128. PML's notebook."""
    images = np.asarray(images)
    if images.dtype != np.uint8:
        raise ValueError(f"images are uint8 from 0 to 255, got {images.dtype}: pixels that are booleans already need "
                         f"no threshold")
    return images >= THRESHOLD


def held_apart(images):
    """(images to train on, images to watch meanwhile) of a file's: all but the first 5,000, and these."""
    return images[VALIDATION:], images[:VALIDATION]


def require_data(x, shape):
    """Data (N, n), of any dtype that holds them exactly.

    Booleans or floats of 0 and 1 for the Bernoulli, finite floats for the Gaussian.
    """
    return model.require_data(x, shape.networks[1])
