"""Where one function for all data can be judged: a linear decoder, a Network of two layer sizes (D, n), whose
posterior is linear in x.

By refvi.generative.linear_latent, whose loadings W (n, D) are the transpose of the decoder's weights. Nats per datum.
"""
import autograd.numpy as np

from refvi.base.families.lam import halves
from refvi.generative.amortization.model import encode
from refvi.generative.amortization.rows import amortized_bound
from refvi.generative.linear_latent.model import posterior_map
from refvi.generative.linear_latent.network import encoder_network, from_network
from refvi.likelihood.heads import Network, normal_of


def linear_encoder(theta, decoder, sd):
    """The encoder (n, 2 D) of one layer and its weights phi, which put out best_lam of every datum. RAI.072."""
    D, n = decoder.sizes[0], decoder.sizes[-1]
    return Network((n, 2 * D)), encoder_network(from_network(theta, decoder.sizes, sd))


def bound_of_the_linear_encoder(x, theta, decoder, sd):
    """Every datum's bound at what the linear encoder puts out for it.

    The evidence, where the columns of W are orthogonal.
    """
    encoder, phi = linear_encoder(theta, decoder, sd)
    return amortized_bound(phi, theta, x, encoder, decoder._replace(observed=normal_of(sd)))


def one_pass(new, theta, decoder, sd):
    """(mu, sigma^2) (N, 2 D) for data that nobody has trained on: no iteration, one product. RAI.073, .074."""
    encoder, phi = linear_encoder(theta, decoder, sd)
    mu, log_sd = halves(encode(new, phi, encoder))
    return np.concatenate([mu, np.exp(2 * log_sd)], axis=-1)


def encoder_of_the_difference(new, theta, decoder, sd):
    """|A (x_1 - x_2)|, A the map of the posterior means: a linear encoder forgets its bias in a difference."""
    A, _ = posterior_map(from_network(theta, decoder.sizes, sd))
    return np.linalg.norm(A @ (new[0] - new[1]))


def slope_times_distance(new, theta, decoder, sd):
    """The largest singular value of A, times |x_1 - x_2|."""
    A, _ = posterior_map(from_network(theta, decoder.sizes, sd))
    return np.linalg.norm(A, 2) * np.linalg.norm(new[0] - new[1])
