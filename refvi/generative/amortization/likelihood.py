"""The pieces of the model, row by row: pixels from logits, Bayes' rule, heads of a network, what smoothness says and
what it does not.

Shapes as in model.py; weights, inputs and network stand for an encoder or a decoder.
"""
import autograd.numpy as np

from refvi.base.families.gaussian import diagonal_normal
from refvi.base.families.lam import halves
from refvi.generative.amortization.model import log_joint, standard_nodes
from refvi.generative.amortization.rows import log_marginals
from refvi.likelihood.heads import back, bernoulli, normal_heads, output, through
from refvi.likelihood.networks import sigmoid


# ---- pixels: images (16, 4), every one at one z

def product_of_probabilities(images, logits):
    """pi for a pixel that is on, 1 - pi for one that is off. (16,)"""
    pi = sigmoid(logits)
    return np.prod(pi**images * (1 - pi)**(1 - images), axis=-1)


def logits_and_softplus(images, logits):
    """From logits: no probability is formed before the last step. (16,)"""
    return np.exp(bernoulli.log_prob(images, logits))


# ---- the posterior

def bayes_rule(at, x, theta, decoder):
    """p(z | x_n) (k, N) at the points `at` (k, D): prior times likelihood, over their integral. PML.123."""
    return np.exp(log_joint(at[:, None, :], x, theta, decoder) - log_marginals(x, theta, decoder))


# ---- two heads

def density_of_two_heads(at, inputs, weights, network):
    """q(z = at | x_n) (k, N): the network's first half is the mean, its second the log standard deviation."""
    return np.exp(diagonal_normal.log_prob(at[:, None, :], output(weights, inputs, network)))


def two_heads(inputs, weights, network):
    """(mu, sigma^2) (N, 2 D): two halves of one output, the second through an exponential, which is positive."""
    mu, log_sd = halves(output(weights, inputs, network))
    return np.concatenate([mu, np.exp(2 * log_sd)], axis=-1)


def moments_of_the_likelihood(inputs, weights, network):
    """E[x | z_n] and Var[x | z_n] (N, 2) of a decoder with a variance head, by quadrature over one entry x."""
    outputs = output(weights, inputs, network)
    x, _ = standard_nodes(1)                                    # a fine line, far wider than any head
    mass = np.exp(normal_heads.log_prob(x[:, None, :], outputs))
    mass = mass / np.sum(mass, axis=0)
    mean = np.sum(mass * x, axis=0)
    return np.stack([mean, np.sum(mass * x**2, axis=0) - mean**2], axis=-1)


# ---- is the map linear?

def effect_of_the_sum(inputs, weights, network):
    """h(x_1 + x_2) - h(0): both inputs at once. (2 D,)"""
    both, none = output(weights, np.array([np.sum(inputs, axis=0), np.zeros(network.sizes[0])]), network)
    return both - none


# ---- smoothness

def distance_of_images(codes, weights, network):
    """|g(z_i) - g(z_j)| for two codes (2, D)."""
    first, second = output(weights, codes, network)
    return np.linalg.norm(first - second)


def tenth_of_the_slope(codes, weights, network):
    """A tenth of |g'(z_i)| |z_i - z_j| for two codes on a line (2, 1), by the backward pass from either output at the
    first."""
    hs = through(weights, np.repeat(codes[:1], network.n, axis=0), network)
    _, slope = back(weights, hs, np.eye(network.n), network)
    return np.linalg.norm(slope) * np.linalg.norm(codes[0] - codes[1]) / 10
