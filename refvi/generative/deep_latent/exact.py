"""The reference in one or two dimensions: ascent along the gradient of the marginal itself, each posterior by quadrature."""
import numpy as np

from refvi.base.optimize import adam
from refvi.generative.deep_latent.model import observations, posterior_nodes, weights_of
from refvi.likelihood.networks import backward, forward, sigmoid


def gradient(x, theta, d, order=None):
    """(average log p(x_n) in nats per datum, its gradient in theta (P,)): Fisher's identity on the nodes of the grid.

    The data share the nodes, so that a node passes the network once, with the residuals of all data under their posteriors.
    """
    z, masses, evidence = posterior_nodes(x, theta, d, order)
    weights, log_sd = weights_of(theta, d)
    hs, masses, out = forward(weights, z, d.sizes, d.g), masses / len(x), np.empty(d.size)
    of_node = np.sum(masses, axis=1, keepdims=True)
    if d.observed == "bernoulli":
        return float(np.mean(evidence)), backward(weights, hs, masses @ x - of_node * sigmoid(hs[-1]), d.sizes, d.g)
    precision, residual = np.exp(-2 * log_sd), masses @ x - of_node * hs[-1]
    backward(weights, hs, precision * residual, d.sizes, d.g, out=out[:-1])
    square = np.sum(masses @ x**2) - np.sum((masses @ x + residual) * hs[-1])       # of x - NN(z), under the posteriors
    out[-1] = precision * square - d.sizes[-1]
    return float(np.mean(evidence)), out


def fit(x, theta, d, steps, rate, order=None):
    """theta after so many steps of Adam on the average log evidence."""
    x = observations(x, d)
    return adam(lambda theta: gradient(x, theta, d, order)[1], theta, steps, rate).lam
