"""One network for all data: lam_n = NN(x_n; phi), trained together with the decoder.

RAI, "Essentially a DLGM"; PML, "Amortized inference".
"""
import numpy as np

from refvi.base.checks import require_count, require_finite
from refvi.base.optimize import adam
from refvi.generative.amortization.model import bound_and_gradients, require_pair
from refvi.generative.deep_latent.model import hermite, observations
from refvi.likelihood import networks


def initial(rng, encoder):
    """phi of an encoder n-...-2 D that starts near narrow normals at the prior's mean."""
    phi = networks.initial(rng, encoder.sizes)
    W, b = networks.layers(phi, encoder.sizes)[-1]
    W *= 0.1
    b[encoder.sizes[-1] // 2:] = np.log(0.3)
    return phi


def fit(x, theta, phi, decoder, encoder, steps, rate, order=None, only_encoder=False):
    """(theta, phi) after so many steps of Adam on both, or on phi alone beside a theta that stays: all data, on a
    rule's nodes."""
    require_pair(encoder, decoder)
    x, P = observations(x, decoder), decoder.size
    require_count("steps", steps)
    require_finite("phi", phi)
    eps, w = hermite(decoder.sizes[0], order)

    def both(weights):
        _, in_phi, in_theta = bound_and_gradients(weights[P:], weights[:P], x, encoder, decoder, eps, w)
        return np.concatenate([in_theta * (not only_encoder), in_phi])

    weights = adam(both, np.concatenate([theta, phi]), steps, rate).lam
    return weights[:P], weights[P:]
