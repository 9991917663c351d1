"""The reference in one or two dimensions.

Ascent along the gradient of the marginal itself, each posterior by quadrature.
"""
import numpy as np

from refvi.base.optimize import adam
from refvi.generative.deep_latent.model import observations, posterior_nodes
from refvi.likelihood.heads import back, through


def gradient(x, theta, decoder, order=None):
    """(average log p(x_n) in nats per datum, its gradient in theta (P,)): Fisher's identity on the nodes of the grid.

    The data share the nodes, so that a node passes the network once, with the slopes of all data under their
    posteriors.
    """
    x = observations(x, decoder)
    z, masses, evidence = posterior_nodes(x, theta, decoder, order)
    hs = through(theta, z, decoder)
    delta = np.einsum("kn,kno->ko", masses, decoder.observed.slope(x, hs[-1][:, None, :])) / len(x)
    return float(np.mean(evidence)), back(theta, hs, delta, decoder)[0]


def fit(x, theta, decoder, steps, rate, order=None):
    """theta after so many steps of Adam on the average log evidence."""
    x = observations(x, decoder)
    return adam(lambda theta: gradient(x, theta, decoder, order)[1], theta, steps, rate).lam
