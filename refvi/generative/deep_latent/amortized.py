"""One network for all data: lam_n = NN(x_n; phi), trained together with the decoder. RAI, "Essentially a DLGM"; PML, "Amortized inference"."""
import numpy as np

from refvi.base.checks import require_count, require_finite
from refvi.base.optimize import adam
from refvi.generative.deep_latent.model import bounds, hermite, observations
from refvi.likelihood import networks


def encode(x, phi, sizes, g=networks.tanh):
    """lam (N, 2 D) of all data: one pass."""
    return networks.forward(phi, x, sizes, g)[-1]


def initial(rng, sizes):
    """phi of an encoder n-...-2 D that starts near narrow normals at the prior's mean."""
    phi = networks.initial(rng, sizes)
    W, b = networks.layers(phi, sizes)[-1]
    W *= 0.1
    b[sizes[-1] // 2:] = np.log(0.3)
    return phi


def gradient(x, theta, phi, d, sizes, eps, w, g=networks.tanh):
    """(average ELBO in nats per datum, gradients in theta (P,) and in phi (P,)): the slope in every lam_n goes on through the encoder."""
    hs = networks.forward(phi, x, sizes, g)
    value, in_lam, in_theta = bounds(x, hs[-1], theta, d, eps, w)
    return float(np.mean(value)), in_theta / len(x), networks.backward(phi, hs, in_lam / len(x), sizes, g)


def fit(x, theta, phi, d, sizes, steps, rate, order=None, only_encoder=False):
    """(theta, phi) after so many steps of Adam on both, or on phi alone beside a theta that stays."""
    x, P = observations(x, d), d.size
    require_count("steps", steps)
    if sizes[0] != d.sizes[-1] or sizes[-1] != 2 * d.sizes[0]:
        raise ValueError(f"the encoder's layers are {'-'.join(map(str, sizes))}, expected {d.sizes[-1]}-...-{2 * d.sizes[0]}: a datum in, "
                         f"[mu, log_sd] of D={d.sizes[0]} latent numbers out")
    require_finite("phi", phi)
    eps, w = hermite(d.sizes[0], order)

    def both(weights):
        _, in_theta, in_phi = gradient(x, weights[:P], weights[P:], d, sizes, eps, w)
        return np.concatenate([in_theta * (not only_encoder), in_phi])

    weights = adam(both, np.concatenate([theta, phi]), steps, rate).lam
    return weights[:P], weights[P:]
