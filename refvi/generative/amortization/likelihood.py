"""The pieces of the model, row by row: pixels from logits, heads of a network, Bayes' rule, what smoothness says and what it does not.

Shapes as in refvi.generative.amortization; weights, inputs and network stand for an encoder or a decoder.
"""
import itertools

import autograd.numpy as np

from refvi.base.families.gaussian import diagonal_normal
from refvi.base.families.lam import halves
from refvi.generative.amortization.rows import (bernoulli_logits, gaussian_heads, log_likelihood, log_marginals,
                                                log_prior, output, standard_nodes)
from refvi.likelihood.networks import layers, sigmoid


# ---- pixels: images (16, 4), every one at one z

def product_of_probabilities(images, logits):
    """pi for a pixel that is on, 1 - pi for one that is off."""
    pi = sigmoid(logits)
    return np.prod(pi**images * (1 - pi)**(1 - images), axis=-1)


def logits_and_softplus(images, logits):
    """No probability is formed before the last step."""
    return np.exp(bernoulli_logits.log_prob(images, logits))


def mean_of_the_coins(images, logits):
    """PML.121 read literally: the density is *drawn* from a Bernoulli, and whatever the image, its mean is the product of the pis."""
    return np.prod(sigmoid(logits)) * np.ones(len(images))


def sigmoid_twice(images, logits):
    """The slip: probabilities handed to a function that expects logits."""
    return np.exp(bernoulli_logits.log_prob(images, sigmoid(logits)))


def all_images(n):
    """Every binary image (2^n, n)."""
    return np.array(list(itertools.product((0., 1.), repeat=n)))


def sum_over_images(theta, decoder):
    """The marginal probabilities of all images."""
    return np.sum(np.exp(log_marginals(all_images(decoder.sizes[-1]), theta, decoder, bernoulli_logits)))


# ---- the posterior

def bayes_rule(at, x, theta, decoder, likelihood):
    """p(z | x_n) (k, N) at the points `at` (k, D): prior times likelihood, over their integral. PML.123."""
    z = at[:, None, :]
    return np.exp(log_prior(z) + log_likelihood(x, z, theta, decoder, likelihood) - log_marginals(x, theta, decoder, likelihood))


def no_integral(at, x, theta, decoder, likelihood):
    """The slip: prior times likelihood alone, a joint density."""
    z = at[:, None, :]
    return np.exp(log_prior(z) + log_likelihood(x, z, theta, decoder, likelihood))


# ---- two heads

def density_of_two_heads(at, inputs, weights, network):
    """q(z = at | x_n) (k, N): the network's first half is the mean, its second the log standard deviation."""
    return np.exp(diagonal_normal.log_prob(at[:, None, :], output(weights, inputs, network)))


def mean_of_the_normal(at, inputs, weights, network):
    """PML.136 read literally: the density is drawn from the normal, and its mean is mu (D = 1)."""
    mu, _ = halves(output(weights, inputs, network))
    return mu[..., 0] + 0 * at


def two_heads(inputs, weights, network):
    """(mu, sigma^2) (N, 2 D): two halves of one output, the second through an exponential, which is positive."""
    mu, log_sd = halves(output(weights, inputs, network))
    return np.concatenate([mu, np.exp(2 * log_sd)], axis=-1)


def one_function_for_both(inputs, weights, network):
    """RAI.088 and .092 read literally: mean and variance are the same function of the same weights."""
    mu, _ = halves(output(weights, inputs, network))
    return np.concatenate([mu, mu], axis=-1)


def variance_without_link(inputs, weights, network):
    """The slip: the second head taken for the variance itself, which a network's output, of either sign, cannot be."""
    return output(weights, inputs, network)


def moments_of_the_likelihood(inputs, weights, network):
    """E[x | z_n] and Var[x | z_n] (N, 2) of a decoder with a variance head, by quadrature over one entry x."""
    outputs = output(weights, inputs, network)
    eps, _ = standard_nodes(1)
    x = eps[:, None, :]                                         # a fine line, far wider than any head
    mass = np.exp(gaussian_heads.log_prob(x, outputs))
    mass = mass / np.sum(mass, axis=0)
    mean = np.sum(mass * x[..., 0], axis=0)
    return np.stack([mean, np.sum(mass * x[..., 0]**2, axis=0) - mean**2], axis=-1)


# ---- is the map linear?

def effect_of_the_sum(inputs, weights, network):
    """h(x_1 + x_2) - h(0): both inputs at once. (2 D,)"""
    return output(weights, inputs[:1] + inputs[1:2], network)[0] - output(weights, 0 * inputs[:1], network)[0]


# ---- smoothness

def distance_over_slope(codes, weights, network):
    """What a smooth decoder promises: images are no further apart than its slope allows, |g(z_i) - g(z_j)| / L."""
    first, second = output(weights, codes, network)
    (inner, _), (outer, _) = layers(weights, network.sizes)
    return np.linalg.norm(first - second) / (np.linalg.norm(inner, 2) * np.linalg.norm(outer, 2))      # tanh has slope at most one


def distance_back(codes, weights, network):
    """The converse, read off the slope at the first code, a forward difference: images that coincide would have coinciding codes."""
    first, second = output(weights, codes, network)
    nudged = output(weights, codes[0] + 1e-4, network)
    return np.linalg.norm(first - second) / (np.linalg.norm(nudged - first) / 1e-4)
