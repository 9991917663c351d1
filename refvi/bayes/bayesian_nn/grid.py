"""The posterior of a network of few weights, exact: on a grid over all of them, or over those of the first layer.

Given the first layer's weights a network with one hidden layer is linear, and the others have a normal posterior.
Shapes as in model.py; a grid has G = n^P nodes. RAI, "Computing posterior over W or computing posterior predictive is
intractable in general".
"""
from typing import NamedTuple

import numpy as np

from refvi.base.core import expectation, settled
from refvi.base.families.gaussian import full_normal
from refvi.base.special import logsumexp
from refvi.bayes.bayesian_nn.model import columns, forward, log_joint, log_prior

WIDTH = 6.5     # prior standard deviations either side


class Grid(NamedTuple):
    """Nodes, the log of the joint mass at each and of their sum, in nats."""
    w: np.ndarray           # (G, P)
    log_joint: np.ndarray   # (G,)
    log_evidence: float


def prior_grid(sd, n, width=WIDTH):
    """(nodes (n^P, P), log volume of a cell): n equal steps over width prior deviations sd (P,) either side.
    """
    t = np.linspace(-width, width, n)
    nodes = np.stack(np.meshgrid(*[t] * len(sd), indexing="ij"), axis=-1)
    return nodes.reshape(n**len(sd), len(sd)) * sd, np.sum(np.log((t[1] - t[0]) * sd))


def deviations(net):
    """Prior standard deviations (P,), one for each weight."""
    return np.broadcast_to(net.prior_sd, net.P)


def on_grid(x, y, net, n):
    """The posterior of all P weights, a Grid of n^P nodes."""
    w, volume = prior_grid(deviations(net), n)
    terms = log_joint(w, x, y, net) + volume
    return Grid(w, terms, logsumexp(terms))


# ---- given the first layer

class Mixture(NamedTuple):
    """The posterior as one normal for each node of the first layer's weights: that of the k weights of the last layer,
    in units of their prior deviations.
    """
    first: np.ndarray       # (G, P - k)
    log_masses: np.ndarray  # (G,)
    mean: np.ndarray        # (G, k)
    covariance: np.ndarray  # (G, k, k)
    log_total: float        # log of the sum over nodes, in nats; with log of a cell's volume, the log evidence


def features(first, y, net):
    """What the last layer weighs (G, N, k), times its prior deviations: hidden units, and a one if there are biases."""
    outer = deviations(net)[first.shape[1]:]
    w = np.concatenate([first, np.zeros((len(first), len(outer)))], axis=1)
    h = forward(w, y, net)[1]
    return (np.concatenate([h, np.ones(h.shape[:-1] + (1,))], axis=-1) if net.biases else h) * outer


def first_layer(net, n, width=WIDTH):
    """prior_grid of the first layer's weights."""
    return prior_grid(deviations(net)[:(net.sizes[0] + net.biases) * net.sizes[1]], n, width)


def given_first_layer(first, x, y, net):
    """The posterior of a network D-H-1, its Mixture over these nodes of the first layer's weights."""
    x, h = columns(x, y, net), features(first, y, net)
    turned = np.swapaxes(h, -1, -2)
    precision, side = np.eye(h.shape[-1]) + net.beta * turned @ h, net.beta * turned @ x
    covariance = np.linalg.inv(precision)
    mean = covariance @ side
    fit = np.einsum("gki,gki->g", side, mean) - net.beta * np.sum(x**2) + len(x) * np.log(net.beta / (2 * np.pi))
    terms = 0.5 * (fit - np.linalg.slogdet(precision)[1])
    terms = terms + log_prior(first, net._replace(prior_sd=deviations(net)[:first.shape[1]]))
    total = logsumexp(terms)
    return Mixture(first, terms - total, mean[..., 0], covariance, total)


def output_given_first_layer(new, found, net):
    """Mean and variance (G, M) each of NN(new; w) for every node of a Mixture."""
    h = features(found.first, new, net)
    return (h @ found.mean[..., None])[..., 0], np.sum((h @ found.covariance) * h, axis=-1)


def predictive(new, found, net):
    """Mean and variance (2, M) of data to come: noise + expected variance + variance of the mean over a Mixture."""
    means, variances = output_given_first_layer(new, found, net)
    masses = np.exp(found.log_masses)
    mean = masses @ means
    return np.stack([mean, 1 / net.beta + masses @ (variances + (means - mean)**2)])


def log_predictive(x_new, new, found, net):
    """log p(x_new | new, data) (..., M) nats of data to come x_new (..., M)."""
    means, variances = output_given_first_layer(new, found, net)
    variances = variances + 1 / net.beta
    constants = found.log_masses[:, None] - 0.5 * np.log(2 * np.pi * variances)
    return logsumexp(constants - 0.5 * (x_new[..., None, :] - means)**2 / variances, axis=-2)


# ---- the rows: two weights, NN(y; w) = w_2 tanh(w_1 y), and four

def posterior_density(at, x, y, net, n):
    """p(w | x) at the weights at (..., P): their joint density over the evidence on a grid."""
    return np.exp(log_joint(at, x, y, net) - on_grid(x, y, net, n).log_evidence)


def density_mirrored(at, x, y, net, n):
    """p(-w | x), every weight with the other sign."""
    evidence = on_grid(x, y, net, n).log_evidence
    return np.exp(log_joint(-at, x, y, net) - evidence)


def evidence_on_grid(x, y, net, n):
    """log p(x) in nats from n^P values of the log joint."""
    return on_grid(x, y, net, n).log_evidence


def evidence_given_first_layer(x, y, net, n):
    """log p(x) in nats with the last layer integrated out by hand."""
    first, volume = first_layer(net, n)
    return given_first_layer(first, x, y, net).log_total + volume


def elbo_of_one_normal(lam, x, y, net):
    """The bound (nats) of a normal with any covariance."""
    return elbo(lam, x, y, net, lambda w: full_normal.log_prob(w, lam))


def elbo_of_two_normals(lam, x, y, net):
    """The bound (nats) of half that normal and half its mirror image: by symmetry, averaged over the first alone."""
    return elbo(lam, x, y, net, lambda w: np.logaddexp(full_normal.log_prob(w, lam),
                                                       full_normal.log_prob(-w, lam)) - np.log(2))


def elbo(lam, x, y, net, log_q):
    """E[log p(x, w) - log q(w)] over a normal, an Estimate."""
    def integral(order):
        return expectation(lambda w: log_joint(w, x, y, net) - log_q(w), full_normal, lam,
                           full_normal.nodes(lam, order))

    return settled(integral, axes=net.P)


def moments_over_grid(new, x, y, net, n):
    """Mean and variance (2, M) of data to come: the noise's variance, plus that of the mean over all nodes."""
    found = on_grid(x, y, net, n)
    masses, means = np.exp(found.log_joint - found.log_evidence), forward(found.w, new, net)[-1][..., 0]
    mean = masses @ means
    return np.stack([mean, 1 / net.beta + masses @ (means - mean)**2])


def moments_given_first_layer(new, x, y, net, n):
    """moments_over_grid with the last layer's part by hand."""
    return predictive(new, given_first_layer(first_layer(net, n)[0], x, y, net), net)


def nats_of_the_network(outcomes, chances, new, x, y, net, n):
    """Expected log p(x_new | x) in nats per datum, of outcomes (J, M) at the inputs new, each with chances (J,)."""
    found = given_first_layer(first_layer(net, n)[0], x, y, net)
    return np.mean(chances @ log_predictive(outcomes, new, found, net))
