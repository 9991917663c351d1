"""Amortized inference and the variational autoencoder's bound, line by line: derivations/generative/amortization.md.

Shapes as in model.py; deterministic rows return one number, in nats per datum, except in the first chain, whose rows
are sums over the data as on its slide; estimators take eps (R, S, N, D) and return one value for each of R repetitions
(R,). PML, "Variational inference and the VAE"; RAI, "Inference for VAE".
"""
import autograd.numpy as np
from autograd import grad
from scipy import optimize

from refvi.base.families.gaussian import diagonal_normal
from refvi.base.families.lam import halves
from refvi.base.special import logsumexp
from refvi.generative.amortization.model import (closed_divergence, drawn, encode, log_joint, log_likelihood,
                                                 log_prior, standard_nodes, under_each)
from refvi.likelihood.networks import count


# ---- the local bound: every datum its own lam; sums over the data, as on the slide

def log_marginals(x, theta, decoder):
    """log p(x_n) (N,), each an integral over its own z."""
    z, w = standard_nodes(decoder.sizes[0])
    return logsumexp(np.log(w)[:, None] + log_likelihood(z[:, None, :], x, theta, decoder), axis=0)


def local_elbos(x, theta, decoder, lam):
    """E_q[log p(x_n, z_n) - log q(z_n | lam_n)] (N,), every datum's bound by quadrature. Nats."""
    z, w = under_each(lam)
    return w @ (log_joint(z, x, theta, decoder) - diagonal_normal.log_prob(z, lam))


def divergences_to_posteriors(x, theta, decoder, lam):
    """KL(q(z_n | lam_n) || p(z_n | x_n)) (N,), the posterior by Bayes' rule. Nats."""
    z, w = under_each(lam)
    log_posterior = log_joint(z, x, theta, decoder) - log_marginals(x, theta, decoder)
    return w @ (diagonal_normal.log_prob(z, lam) - log_posterior)


def sum_of_integrals(x, theta, decoder):
    """The log evidence of all data, which are independent: a sum of log integrals."""
    return np.sum(log_marginals(x, theta, decoder))


def minus_expected_log_ratio(x, theta, decoder, lam):
    """PML.125 as it stands.

    One expectation over the latent variables of both data, on the product of their nodes (N = 2, D = 1).
    """
    (z_1, z_2), w = np.moveaxis(under_each(lam)[0], 1, 0), under_each(lam)[1]
    pairs = np.stack([np.repeat(z_1, len(w), axis=0), np.tile(z_2, (len(w), 1))], axis=1)        # (k^2, 2, D)
    log_ratio = diagonal_normal.log_prob(pairs, lam) - log_joint(pairs, x, theta, decoder)
    return -np.outer(w, w).ravel() @ np.sum(log_ratio, axis=-1)


def sum_of_local_bounds(x, theta, decoder, lam):
    """The bounds of all data, added up: each term is an expectation over its own z only."""
    return np.sum(local_elbos(x, theta, decoder, lam))


def evidence_less_divergences(x, theta, decoder, lam):
    """log p(x_n) - KL(q_n || p(z_n | x_n)), summed over the data."""
    return np.sum(log_marginals(x, theta, decoder) - divergences_to_posteriors(x, theta, decoder, lam))


def sum_of_log_ratios(eps, x, theta, decoder, lam):
    """log p(x, z) - log q(z) averaged over S draws of every datum, summed over the data. (R,)"""
    z = drawn(eps, lam)
    log_ratio = log_joint(z, x, theta, decoder) - diagonal_normal.log_prob(z, lam)
    return np.mean(np.sum(log_ratio, axis=-1), axis=-1)


# ---- the divergence to the prior

def mean_log_ratio(lam):
    """KL(q_n || N(0, I)) (N,) by its definition."""
    z, w = under_each(lam)
    return w @ (diagonal_normal.log_prob(z, lam) - log_prior(z))


# ---- one function for all data: lam_n = h(x_n)

def amortized_bound(phi, theta, x, encoder, decoder):
    """E_q[log p(x_n, z_n) - log q(z_n | x_n)] by quadrature, averaged over the data: nats per datum. RAI.097."""
    return np.mean(local_elbos(x, theta, decoder, encode(x, phi, encoder)))


def highest(bound, start):
    """Where quasi-Newton ascent of bound(vector) from start ends, with a slope below 1e-9 or what rounding leaves."""
    found = optimize.minimize(lambda v: -bound(v), start, jac=grad(lambda v: -bound(v)), method="BFGS",
                              options=dict(gtol=1e-9))
    return found.x


def on_nodes(lam, x, theta, decoder, nodes):
    """Reconstruction less the closed divergence, nats per datum, at lam (N, 2 D), on nodes of the noise, which stay
    where lam moves."""
    eps, w = nodes
    return np.mean(w @ log_likelihood(drawn(eps[:, None, :], lam), x, theta, decoder) - closed_divergence(lam))


def best_local(x, theta, decoder, lam):
    """lam (N, 2 D) where every datum's own bound is highest, climbed from lam, all at once."""
    D, shape = decoder.sizes[0], np.shape(lam)
    nodes = standard_nodes(D)
    return highest(lambda v: on_nodes(np.reshape(v, shape), x, theta, decoder, nodes), np.ravel(lam)).reshape(shape)


def mean_of_best_local_bounds(x, theta, decoder, lam):
    """Every datum climbs on its own, from lam: nats per datum."""
    return np.mean(local_elbos(x, theta, decoder, best_local(x, theta, decoder, lam)))


def reconstruction_less_divergence(phi, theta, x, encoder, decoder):
    """The bound with its divergence in closed form: nats per datum."""
    return on_nodes(encode(x, phi, encoder), x, theta, decoder, standard_nodes(decoder.sizes[0]))


def log_ratio_by_draws(eps, phi, theta, x, encoder, decoder):
    """The bound from S draws for every datum, nothing in closed form. (R,)"""
    lam = encode(x, phi, encoder)
    z = drawn(eps, lam)
    return np.mean(log_joint(z, x, theta, decoder) - diagonal_normal.log_prob(z, lam), axis=(1, 2))


def joint_by_draws(eps, phi, theta, x, encoder, decoder):
    """The bound from S draws for every datum, the entropy of q in closed form. (R,)"""
    lam = encode(x, phi, encoder)
    entropy = np.sum(halves(lam)[1] + 0.5 * np.log(2 * np.pi * np.e), axis=-1)
    return np.mean(log_joint(drawn(eps, lam), x, theta, decoder) + entropy, axis=(1, 2))


def reconstruction_by_draws(eps, phi, theta, x, encoder, decoder):
    """The bound from S draws for every datum, the divergence to the prior in closed form: what is trained. (R,)"""
    lam = encode(x, phi, encoder)
    return np.mean(log_likelihood(drawn(eps, lam), x, theta, decoder) - closed_divergence(lam), axis=(1, 2))


def spreads_on_nodes(phi, theta, x, encoder, decoder, S):
    """Variances (3,) of the three estimates above, S draws for every datum.

    Independent terms, so variances add up and fall as 1/(N S).
    """
    lam = encode(x, phi, encoder)
    z, w = under_each(lam)
    joint = log_joint(z, x, theta, decoder)
    terms = joint - diagonal_normal.log_prob(z, lam), joint, joint - log_prior(z)
    return np.array([np.sum(w @ (t - w @ t)**2) for t in terms]) / (len(x)**2 * S)


def variance_of_own_noise(phi, theta, x, encoder, decoder, S):
    """Variance of a batch's reconstruction from S draws for every datum, each datum with noise of its own."""
    z, w = under_each(encode(x, phi, encoder))
    terms = log_likelihood(z, x, theta, decoder)
    return np.sum(w @ (terms - w @ terms)**2) / (len(x)**2 * S)


def variance_of_shared_noise(phi, theta, x, encoder, decoder, S):
    """Variance of a batch's reconstruction from S draws that all data share: the terms move together."""
    z, w = under_each(encode(x, phi, encoder))
    average = np.mean(log_likelihood(z, x, theta, decoder), axis=-1)
    return w @ (average - w @ average)**2 / S


# ---- what one function for all can reach

def highest_amortized_bound(phi, theta, x, encoder, decoder):
    """The bound where an ascent in phi ends that starts from this one. Nats per datum."""
    nodes = standard_nodes(decoder.sizes[0])

    def bound(phi):
        return on_nodes(encode(x, phi, encoder), x, theta, decoder, nodes)
    return bound(highest(bound, phi))


def local_numbers(N, D):
    """How many numbers are learned without an encoder.

    A mean and a standard deviation for every datum and latent variable. PML.126.
    """
    return 2 * N * D


def encoder_numbers(sizes):
    """How many numbers an encoder has: weights and biases, whatever the number of data. PML.130."""
    return count(sizes)
