"""Amortized inference and the variational autoencoder's bound, line by line: derivations/generative/amortization.md.

Shapes: x (N, n) data, one row a datum; z and eps (..., N, D), one draw for every datum, eps standard normal; lam (N, 2 D), the mean and the log standard
deviation of every datum's q; theta (P,) weights of the decoder, phi (P,) those of the encoder, which maps x to lam. Everything is in nats. Bounds are averages
over the data, nats per datum, except in the first chain, whose rows are sums as on its slide; estimators return one value for each of R repetitions.
PML, "The Variational Auto Encoder (VAE)"; RAI, "Inference for VAE"; Kingma and Welling (2014), Rezende, Mohamed and Wierstra (2014).
"""
from typing import Callable, NamedTuple

import autograd.numpy as np
from autograd import grad
from scipy import optimize

from refvi.base.checks import require_finite, require_positive
from refvi.base.core import Noise, POINTS, noise
from refvi.base.families.gaussian import diagonal_normal
from refvi.base.families.lam import halves
from refvi.base.models import isotropic
from refvi.base.special import logsumexp
from refvi.likelihood.networks import Activation, forward, require_inputs, sigmoid, tanh

FINE = 256          # nodes on a line: a network's tanh has poles near it, and a posterior may be narrow


class Network(NamedTuple):
    """Layer sizes and nonlinearity. A decoder takes D latent variables; an encoder ends in 2 D heads, mean and log standard deviation."""
    sizes: tuple
    g: Activation = tanh


class Likelihood(NamedTuple):
    """p(x | what the decoder puts out)."""
    log_prob: Callable              # (x (N, n), outputs (..., N, k)) -> (..., N) nats
    slope: Callable                 # the same arguments -> its gradient in the outputs (..., N, k)
    binary: bool = False            # whether x must lie in [0, 1]
    heads: int = 1                  # outputs for each entry of a datum


def bernoulli_log_prob(x, logits):
    """sum over pixels of x l - softplus(l) (..., N): never through probabilities, so logits of 800 are as good as any. PML.121."""
    return np.sum(x * logits - np.logaddexp(0., logits), axis=-1)


bernoulli_logits = Likelihood(bernoulli_log_prob, lambda x, logits: x - sigmoid(logits), True)


def gaussian(sd):
    """x | z ~ N(decoder's output, sd^2 I), for one standard deviation sd."""
    require_positive("sd", sd, "a standard deviation, not a variance or its logarithm")

    def log_prob(x, mean):
        return np.sum(-0.5 * ((x - mean) / sd)**2 - np.log(sd) - 0.5 * np.log(2 * np.pi), axis=-1)

    return Likelihood(log_prob, lambda x, mean: (x - mean) / sd**2)


def heads_log_prob(x, outputs):
    """log N(x; mean, sd^2) (..., N), the outputs being all means, then all log standard deviations. RAI.092."""
    return diagonal_normal.log_prob(x, outputs)


def heads_slope(x, outputs):
    """Its gradient in both heads (..., N, 2 n)."""
    mean, log_sd = halves(outputs)
    t = (x - mean) * np.exp(-log_sd)
    return np.concatenate([t * np.exp(-log_sd), t**2 - 1], axis=-1)


gaussian_heads = Likelihood(heads_log_prob, heads_slope, heads=2)       # RAI.092: the decoder ends in two heads, mean and log standard deviation


def output(weights, inputs, network):
    """What a network returns (..., outputs) for inputs (..., n)."""
    return forward(weights, inputs, network.sizes, network.g)[-1]


def drawn(eps, lam):
    """z = mu + sd eps (..., N, D): every datum's own noise, carried to its own q."""
    return diagonal_normal.transport(eps, lam)


def log_prior(z):
    """log N(z; 0, I) (...,) of z (..., D), in nats."""
    return isotropic(z, 1.)


def log_likelihood(x, z, theta, decoder, likelihood):
    """log p(x_n | z_n) (..., N) for z (..., N, D)."""
    return likelihood.log_prob(x, output(theta, z, decoder))


def standard_nodes(D, order=None):
    """(eps (k, D), weights (k,)) that integrate against N(0, I)."""
    eps, w = diagonal_normal.nodes(np.zeros(2 * D), order or (FINE if D == 1 else 100))
    return eps, w * np.exp(log_prior(eps))


def standard_noise(N, D):
    """eps (R, S, N, D): every datum and draw its own. The rule is a product of S N D one-dimensional ones, where that is not too long."""
    flat = noise(diagonal_normal, np.zeros(2 * N * D))

    def shaped(eps):
        return eps.reshape(eps.shape[:2] + (N, D))

    def rule(S, order):
        if order**(S * N * D) > POINTS:
            return None
        eps, w = flat.rule(S, order)
        return shaped(eps), w

    return Noise(lambda rng, R, S: shaped(flat.draw(rng, R, S)), rule)


def require_data(x, n, likelihood):
    """Data x (N, n) as floats, or a ValueError: for another shape, integers, no rows, a value that is not finite or no pixel's."""
    x = require_finite("x", require_inputs(x, n, "x"))
    if likelihood.binary and (np.min(x) < 0 or np.max(x) > 1):
        raise ValueError(f"x has values from {np.min(x):.4g} to {np.max(x):.4g}: a Bernoulli pixel lies in [0, 1], rescale x or take refvi.generative.amortization.gaussian(sd)")
    return x


def require_pair(encoder, decoder, likelihood):
    """Nothing, or a ValueError where an encoder's heads do not fit a decoder's inputs, or its inputs the decoder's outputs."""
    D, n = decoder.sizes[0], encoder.sizes[0]
    if encoder.sizes[-1] != 2 * D:
        raise ValueError(f"the encoder {name_of(encoder)} ends in {encoder.sizes[-1]} numbers, the decoder {name_of(decoder)} starts from D={D}: "
                         f"expected 2 D = {2 * D}, a mean and a log standard deviation each")
    if decoder.sizes[-1] != likelihood.heads * n:
        raise ValueError(f"the decoder {name_of(decoder)} ends in {decoder.sizes[-1]} numbers, the encoder {name_of(encoder)} starts from n={n}: "
                         f"expected {likelihood.heads * n}, {'a mean and a log standard deviation' if likelihood.heads == 2 else 'one'} for each entry of a datum")


def name_of(network):
    """Its layers as messages write them."""
    return "-".join(map(str, network.sizes))


# ---- the local bound: every datum its own lam; sums over the data, as on the slide

def log_marginals(x, theta, decoder, likelihood):
    """log p(x_n) (N,), each an integral over its own z."""
    z, w = standard_nodes(decoder.sizes[0])
    return logsumexp(np.log(w)[:, None] + log_likelihood(x, z[:, None, :], theta, decoder, likelihood), axis=0)


def under_each(lam):
    """z (k, N, D), the nodes of every datum's q, and their weights (k,)."""
    eps, w = standard_nodes(np.shape(lam)[-1] // 2)
    return drawn(eps[:, None, :], lam), w


def local_elbos(x, theta, decoder, likelihood, lam):
    """E_q[log p(x_n, z_n) - log q(z_n | lam_n)] (N,), every datum's bound by quadrature. Nats."""
    z, w = under_each(lam)
    return w @ (log_likelihood(x, z, theta, decoder, likelihood) + log_prior(z) - diagonal_normal.log_prob(z, lam))


def divergences_to_posteriors(x, theta, decoder, likelihood, lam):
    """KL(q(z_n | lam_n) || p(z_n | x_n)) (N,), the posterior by Bayes' rule. Nats."""
    z, w = under_each(lam)
    log_posterior = log_likelihood(x, z, theta, decoder, likelihood) + log_prior(z) - log_marginals(x, theta, decoder, likelihood)
    return w @ (diagonal_normal.log_prob(z, lam) - log_posterior)


def sum_of_integrals(x, theta, decoder, likelihood):
    """Data are independent, so the evidence is a product of integrals, one for each datum."""
    return np.sum(log_marginals(x, theta, decoder, likelihood))


def minus_expected_log_ratio(x, theta, decoder, likelihood, lam):
    """PML.125 as it stands: one expectation over the latent variables of all data at once, on the product of their nodes (N = 2, D = 1)."""
    (z_1, z_2), w = np.moveaxis(under_each(lam)[0], 1, 0), under_each(lam)[1]
    pairs = np.stack([np.repeat(z_1, len(w), axis=0), np.tile(z_2, (len(w), 1))], axis=1)        # (k^2, 2, D)
    log_ratio = diagonal_normal.log_prob(pairs, lam) - log_prior(pairs) - log_likelihood(x, pairs, theta, decoder, likelihood)
    return -np.outer(w, w).ravel() @ np.sum(log_ratio, axis=-1)


def sum_of_local_bounds(x, theta, decoder, likelihood, lam):
    """The ratio of products is a sum of logarithms, and each term knows its own z only."""
    return np.sum(local_elbos(x, theta, decoder, likelihood, lam))


def evidence_less_divergences(x, theta, decoder, likelihood, lam):
    """What Jensen's inequality lost, datum by datum."""
    return np.sum(log_marginals(x, theta, decoder, likelihood) - divergences_to_posteriors(x, theta, decoder, likelihood, lam))


def sum_of_log_ratios(eps, x, theta, decoder, likelihood, lam):
    """The same from S draws for every datum. (R,)"""
    z = drawn(eps, lam)
    log_ratio = log_likelihood(x, z, theta, decoder, likelihood) + log_prior(z) - diagonal_normal.log_prob(z, lam)
    return np.mean(np.sum(log_ratio, axis=-1), axis=-1)


# ---- the divergence to the prior

def mean_log_ratio(lam):
    """KL(q_n || N(0, I)) (N,) by its definition."""
    z, w = under_each(lam)
    return w @ (diagonal_normal.log_prob(z, lam) - log_prior(z))


def closed_divergence(lam):
    """KL(q_n || N(0, I)) (...,) of diagonal normals lam (..., 2 D), a sum over the D latent variables. Nats. RAI.096, PML.120."""
    mu, log_sd = halves(lam)
    return 0.5 * np.sum(mu**2 + np.exp(2 * log_sd) - 1 - 2 * log_sd, axis=-1)


def log_ratio_of_draws(eps, lam):
    """The same from draws. (R, N)"""
    z = drawn(eps, lam)
    return np.mean(diagonal_normal.log_prob(z, lam) - log_prior(z), axis=1)


def mean_over_latents(lam):
    """The slip: a mean over the latent variables where a sum belongs. (N,)"""
    mu, log_sd = halves(lam)
    return 0.5 * np.mean(mu**2 + np.exp(2 * log_sd) - 1 - 2 * log_sd, axis=-1)


# ---- one function for all data: lam_n = h(x_n)

def encode(phi, x, encoder):
    """lam (N, 2 D): one pass of the encoder. PML.129, RAI.072."""
    return output(phi, x, encoder)


def elbo(phi, theta, x, encoder, decoder, likelihood):
    """The amortized bound by quadrature, nats per datum."""
    return np.mean(local_elbos(x, theta, decoder, likelihood, encode(phi, x, encoder)))


def highest(bound, start):
    """Where quasi-Newton ascent of bound(vector) from start ends: its slope there is below 1e-7, so that the bound is exact to rounding."""
    return optimize.minimize(lambda v: -bound(v), start, jac=grad(lambda v: -bound(v)), method="BFGS", options=dict(gtol=1e-7)).x


def on_nodes(lam, x, theta, decoder, likelihood, nodes):
    """Reconstruction less the closed divergence, nats per datum, at lam (N, 2 D), on nodes of the noise: smooth in lam, to be climbed."""
    eps, w = nodes
    return np.mean(w @ log_likelihood(x, drawn(eps[:, None, :], lam), theta, decoder, likelihood) - closed_divergence(lam))


def best_local(x, theta, decoder, likelihood, lam):
    """lam (N, 2 D) where every datum's own bound is highest, climbed from lam, all at once."""
    nodes = standard_nodes(decoder.sizes[0], FINE // 2 if decoder.sizes[0] == 1 else None)
    return highest(lambda v: on_nodes(np.reshape(v, np.shape(lam)), x, theta, decoder, likelihood, nodes), np.ravel(lam)).reshape(np.shape(lam))


def mean_of_best_local_bounds(x, theta, decoder, likelihood, lam):
    """Every datum climbs on its own: the initial plan, carried out. Nats per datum."""
    return np.mean(local_elbos(x, theta, decoder, likelihood, best_local(x, theta, decoder, likelihood, lam)))


def amortized_bound(phi, theta, x, encoder, decoder, likelihood):
    """One function for all data reaches at most what each reaches on its own. Nats per datum."""
    return elbo(phi, theta, x, encoder, decoder, likelihood)


def joint_less_log_q(phi, theta, x, encoder, decoder, likelihood):
    """RAI.097: E_q[log p(x_n, z_n) - log q(z_n | x_n)], averaged over the data."""
    lam = encode(phi, x, encoder)
    z, w = under_each(lam)
    return np.mean(w @ (log_prior(z) + log_likelihood(x, z, theta, decoder, likelihood) - diagonal_normal.log_prob(z, lam)))


def reconstruction_less_divergence(phi, theta, x, encoder, decoder, likelihood):
    """How well a datum is explained from its own code, less how much the code says."""
    lam = encode(phi, x, encoder)
    z, w = under_each(lam)
    return np.mean(w @ log_likelihood(x, z, theta, decoder, likelihood) - closed_divergence(lam))


def log_ratio_by_draws(eps, phi, theta, x, encoder, decoder, likelihood):
    """Nothing in closed form. (R,)"""
    lam = encode(phi, x, encoder)
    z = drawn(eps, lam)
    return np.mean(log_likelihood(x, z, theta, decoder, likelihood) + log_prior(z) - diagonal_normal.log_prob(z, lam), axis=(1, 2))


def joint_by_draws(eps, phi, theta, x, encoder, decoder, likelihood):
    """The entropy of a normal in closed form, the joint density by draws. (R,)"""
    lam = encode(phi, x, encoder)
    z, entropy = drawn(eps, lam), np.sum(halves(lam)[1] + 0.5 * np.log(2 * np.pi * np.e), axis=-1)
    return np.mean(log_likelihood(x, z, theta, decoder, likelihood) + log_prior(z) + entropy, axis=(1, 2))


def reconstruction_by_draws(eps, phi, theta, x, encoder, decoder, likelihood):
    """The divergence in closed form, the reconstruction by draws: what is trained. (R,)"""
    lam = encode(phi, x, encoder)
    return np.mean(log_likelihood(x, drawn(eps, lam), theta, decoder, likelihood) - closed_divergence(lam), axis=(1, 2))


def one_noise_for_all(eps, phi, theta, x, encoder, decoder, likelihood):
    """The slip that no mean shows: the first datum's noise for the whole batch. (R,)"""
    lam = encode(phi, x, encoder)
    return np.mean(log_likelihood(x, drawn(eps[..., :1, :], lam), theta, decoder, likelihood) - closed_divergence(lam), axis=(1, 2))


def averaged_over_pixels(phi, theta, x, encoder, decoder, likelihood):
    """The slip: the reconstruction as a mean over the entries of a datum."""
    lam = encode(phi, x, encoder)
    z, w = under_each(lam)
    return np.mean(w @ log_likelihood(x, z, theta, decoder, likelihood) / np.shape(x)[-1] - closed_divergence(lam))


def variance_of_own_noise(phi, theta, x, encoder, decoder, likelihood):
    """Variance of a batch's estimate, one draw a datum: independent terms, so variances add up and fall as 1/N."""
    lam = encode(phi, x, encoder)
    z, w = under_each(lam)
    terms = log_likelihood(x, z, theta, decoder, likelihood)
    return np.sum(w @ terms**2 - (w @ terms)**2) / len(x)**2


def variance_of_shared_noise(phi, theta, x, encoder, decoder, likelihood):
    """The same with one noise for the batch: its terms move together."""
    lam = encode(phi, x, encoder)
    z, w = under_each(lam)
    average = np.mean(log_likelihood(x, z, theta, decoder, likelihood), axis=-1)
    return w @ average**2 - (w @ average)**2


# ---- what is no bound

def mean_log_evidence(theta, x, decoder, likelihood):
    """(1/N) sum_n log p(x_n). Nats per datum."""
    return np.mean(log_marginals(x, theta, decoder, likelihood))


def value_at_the_mean(phi, theta, x, encoder, decoder, likelihood):
    """The slip: z = mu, where the reconstruction is best, with the divergence of a q that was not drawn from. No bound."""
    lam = encode(phi, x, encoder)
    return np.mean(log_likelihood(x, halves(lam)[0], theta, decoder, likelihood) - closed_divergence(lam))
