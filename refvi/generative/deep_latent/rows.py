"""Deep latent Gaussian models, line by line: derivations/generative/deep_latent.md.

Shapes: x (N, n) data, z (..., N, D), theta (P,) the decoder's weights, then log sd where x is normal; lam (N, 2 D), [mu, log_sd] of a diagonal normal q for
every datum; d a model.Decoder. Rows return (N,) or an average over the data, in nats per datum. eps (R, S, N, D) is standard normal noise, z = mu + exp(log_sd) eps.
RAI, "Probabilistic view enables neural net based latent variable models" and "Inference for Deep Latent Gaussian Models"; PML, "Variational inference and the VAE".
"""
import autograd.numpy as np
from autograd import grad

from refvi.base.families.gaussian import diagonal_log_prob
from refvi.base.families.lam import halves, trapezoid
from refvi.generative.amortization.rows import log_prior
from refvi.generative.deep_latent import amortized, exact, linear, local
from refvi.generative.deep_latent.model import (bounds, grid, log_evidence, log_joint, log_likelihood, posterior_nodes,
                                                prior_nodes, slopes, weights_of)
from refvi.likelihood.networks import count, forward, layers, sigmoid, tanh

ENOUGH = 25     # steps of the E step after which nothing moves


# ---- the model

def total_mass(outcomes, widths, theta, d):
    """The marginal density of all that can be observed, times its widths (K,): a number."""
    return widths @ np.exp(log_evidence(outcomes, theta, d))


def average_over_outcomes(outcomes, widths, theta, d):
    """E[log p(x)] when the data come from the model itself, in nats: what no other model scores on them."""
    log_p = log_evidence(outcomes, theta, d)
    return widths @ (np.exp(log_p) * log_p)


def score_of_linear_decoder(outcomes, widths, theta, d):
    """The same data under the linear decoder that is nearest to them, probabilistic principal components."""
    mass = widths * np.exp(log_evidence(outcomes, theta, d))
    mean = mass @ outcomes
    covariance = (outcomes - mean).T @ (mass[:, None] * (outcomes - mean))
    best = linear.from_moments(mean, covariance, d.sizes[0])
    return mass @ linear.normal_marginal(outcomes, best, d._replace(sizes=(d.sizes[0], d.sizes[-1])))


def log_of_integral(x, theta, d):
    """The latent variable integrated out, every datum by itself."""
    z, log_w = prior_nodes(d.sizes[0])
    density = np.exp(log_likelihood(x, z[:, None, :], theta, d))
    return np.log(np.exp(log_w) @ density)


def through_the_mean(x, theta, d):
    """The slip: one pass with z at its prior mean instead of an integral over all z."""
    return log_likelihood(x, np.zeros((1, d.sizes[0])), theta, d)


def first_head(theta, sizes, at):
    """E[x | z] (n,) at one latent `at` (D,): the first half of the output of a network D-...-2 n."""
    return halves(forward(theta, at[None], sizes, tanh)[-1])[0][0]


def second_head(theta, sizes, at):
    """Var[x | z] (n,): the second half is a log standard deviation, so that the variance is positive whatever the weights."""
    return np.exp(2 * halves(forward(theta, at[None], sizes, tanh)[-1])[1][0])


def one_function_twice(theta, sizes, at):
    """The slide as it stands: mean and variance are the same NN(z; theta)."""
    return forward(theta, at[None], sizes, tanh)[-1][0, :sizes[-1] // 2]


def average_of_observations(eps, theta, sizes, at):
    """Draws of x given z, averaged: eps (R, S, n) standard normal."""
    mean, log_sd = halves(forward(theta, at[None], sizes, tanh)[-1])
    return np.mean(mean + np.exp(log_sd) * eps, axis=1)


def sum_of_images(theta, d, a, b):
    """f(a) + f(b) - f(0): what f(a + b) is for a linear map with an offset. a, b (D,)."""
    images = forward(weights_of(theta, d)[0], np.stack([a, b, 0 * a]), d.sizes, d.g)[-1]
    return images[0] + images[1] - images[2]


# ---- the bound of every datum, and their average

def fine(D):
    """eps (S, 1, D) and weights (S,) of the trapezoid rule for N(0, I)."""
    t, h = trapezoid(128 if D == 1 else 48)
    t = grid(t, D)[:, None, :]
    return t, h**D * np.exp(log_prior(t[:, 0]))


def under_q(g, lam, D):
    """E[g(z)] (N,) under every q_n."""
    mu, log_sd = halves(lam)
    eps, w = fine(D)
    return np.sum(w[:, None] * g(mu + np.exp(log_sd) * eps), axis=0)


def average_bound(x, lam, theta, d):
    """E_q[log p(x_n, z) - log q_n(z)] by one integral, averaged over the data."""
    return np.mean(under_q(lambda z: log_joint(x, z, theta, d) - diagonal_log_prob(z, lam), lam, d.sizes[0]))


def reconstruction_less_divergence(x, lam, theta, d):
    """E_q[log p(x_n | z)] by a rule less KL(q_n || N(0, I)) in closed form."""
    eps, w = fine(d.sizes[0])
    return np.mean(bounds(x, lam, theta, d, eps, w)[0])


def divergence(x, lam, theta, d):
    """KL(q_n || p(z | x_n, theta)) (N,), by its definition."""
    evidence = log_evidence(x, theta, d)
    return under_q(lambda z: diagonal_log_prob(z, lam) - (log_joint(x, z, theta, d) - evidence), lam, d.sizes[0])


def bounds_and_divergences(x, lam, theta, d):
    """Both parts of every datum, each by its own integral."""
    bound = under_q(lambda z: log_joint(x, z, theta, d) - diagonal_log_prob(z, lam), lam, d.sizes[0])
    return np.mean(bound + divergence(x, lam, theta, d))


def evidence_less_bound(x, lam, theta, d):
    """The divergence of every datum (N,), without its posterior: log p(x_n) - ELBO_n."""
    eps, w = fine(d.sizes[0])
    return log_evidence(x, theta, d) - bounds(x, lam, theta, d, eps, w)[0]


def divergence_at_the_top(x, lam, theta, d):
    """The same where every datum has climbed its own bound."""
    top, _ = local.ascend(x, theta, d, lam, ENOUGH)
    return divergence(x, top, theta, d)


# ---- the E step: what one lam_n does to the average

def gradient_of_own_bound(x, lam, theta, d):
    """The gradient of ELBO_n in lam_n, by hand through the decoder, over N: (N, 2 D)."""
    eps, w = fine(d.sizes[0])
    return bounds(x, lam, theta, d, eps, w)[1] / len(x)


def gradient_of_average(x, lam, theta, d):
    """The gradient of the average in all lam at once: the other data do not enter."""
    return grad(lambda lam: average_bound(x, lam, theta, d))(lam)


def gradient_by_draws(eps, x, lam, theta, d):
    """A path gradient for every datum, each with noise of its own: (R, N, 2 D)."""
    R, S, N, D = eps.shape
    mu, log_sd = halves(lam)
    sd = np.exp(log_sd)
    in_z = slopes(x, (mu + sd * eps).reshape(R * S, N, D), theta, d, np.ones((1, 1)))[2].reshape(eps.shape)
    return np.concatenate([np.mean(in_z, axis=1) - mu, sd * np.mean(in_z * eps, axis=1) - sd**2 + 1], axis=-1) / N


def top_of_every_bound(x, theta, d):
    """lam (N, 2 D) where the ascent of local.py ends."""
    return local.ascend(x, theta, d, local.start(len(x), d.sizes[0]), ENOUGH)[0]


# ---- the M step

def gradient_in_theta(x, lam, theta, d):
    """The gradient of the average bound in theta, by hand: posteriors replaced by q."""
    eps, w = fine(d.sizes[0])
    return bounds(x, lam, theta, d, eps, w)[2] / len(x)


def gradient_in_theta_by_draws(eps, x, lam, theta, d):
    """The gradient of log p(x_n | z) at draws z of q_n, averaged over draws and data, layer by layer: (R, P)."""
    mu, log_sd = halves(lam)
    weights, log_noise = weights_of(theta, d)
    hs = forward(weights, mu + np.exp(log_sd) * eps, d.sizes, d.g)
    parts, own, share = [], layers(weights, d.sizes), 1 / (eps.shape[1] * len(x))
    if d.observed == "bernoulli":
        delta = share * (x - sigmoid(hs[-1]))
    else:
        residual = (x - hs[-1]) * np.exp(-log_noise)
        delta = share * residual * np.exp(-log_noise)
        parts.append(share * np.sum(residual**2 - 1, axis=(1, 2, 3))[:, None])
    for level in reversed(range(len(own))):
        parts += [np.sum(delta, axis=(1, 2)), np.einsum("rsni,rsnj->rij", hs[level], delta).reshape(len(eps), -1)]
        delta = delta @ own[level][0].T * (d.g.slope(hs[level]) if level else 1.)
    return np.concatenate(parts[::-1], axis=1)


def gradient_under_posteriors(x, theta, d):
    """Fisher's identity: the gradient of the average log evidence, were the posteriors known."""
    return exact.gradient(x, theta, d)[1]


def gradient_under_q_and_gap(x, lam, theta, d):
    """What q leaves out: the divergence to a posterior that moves with theta."""
    return gradient_in_theta_by_autograd(x, lam, theta, d) + grad(lambda theta: np.mean(divergence(x, lam, theta, d)))(theta)


def gradient_in_theta_by_autograd(x, lam, theta, d):
    """The same by autograd, through the average on its nodes."""
    return grad(lambda theta: average_bound(x, lam, theta, d))(theta)


# ---- rounds of both steps, up to the evidence

def after_e_step(x, lam, theta, d):
    """The average bound once every lam_n has climbed."""
    return np.mean(local.ascend(x, theta, d, lam, ENOUGH)[1])


def moved(x, lam, theta, d, rate):
    """(lam, theta) after an E step and one step of size rate along the average bound's gradient in theta."""
    lam, _ = local.ascend(x, theta, d, lam, ENOUGH)
    return lam, theta + rate * gradient_in_theta(x, lam, theta, d)


def after_m_step(x, lam, theta, d, rate):
    """The average bound once theta has moved as well, lam standing still."""
    lam, theta = moved(x, lam, theta, d, rate)
    eps, w = fine(d.sizes[0])
    return np.mean(bounds(x, lam, theta, d, eps, w)[0])


def after_next_e_step(x, lam, theta, d, rate):
    """And the E step of the next round, which starts where the last one ended."""
    lam, theta = moved(x, lam, theta, d, rate)
    return np.mean(local.ascend(x, theta, d, lam, ENOUGH)[1])


def evidence_at_new_theta(x, lam, theta, d, rate):
    """What no bound exceeds."""
    return np.mean(log_evidence(x, moved(x, lam, theta, d, rate)[1], d))


# ---- a new datum

def least_squares_encoder(x, lam):
    """phi of a one-layer encoder n-2 D: the linear map of the data that comes nearest to their lam."""
    return np.linalg.lstsq(np.column_stack([x, np.ones(len(x))]), lam, rcond=None)[0].ravel()


def bound_of_new_datum_at_its_top(new, theta, d):
    """ELBO_* (N,) of data that were not there, each after ascents of its own: the highest top from three starts along the prior."""
    D, found = d.sizes[0], []
    for place in (-1.2, 0., 1.2):
        lam, _ = local.ascend(new, theta, d, local.start(len(new), D) + place * np.repeat([1., 0.], D), 2 * ENOUGH)
        found.append(bounds(new, lam, theta, d, *fine(D))[0])
    return np.max(found, axis=0)


def bound_of_new_datum_after_a_pass(new, x, theta, d):
    """ELBO_* (N,) at the output of an encoder that learned from the tops of other data."""
    phi = least_squares_encoder(x, local.ascend(x, theta, d, local.start(len(x), d.sizes[0]), ENOUGH)[0])
    eps, w = fine(d.sizes[0])
    return bounds(new, amortized.encode(new, phi, (d.sizes[-1], 2 * d.sizes[0])), theta, d, eps, w)[0]


def bound_after_one_layer(x, theta, d):
    """ELBO_n (N,) of a linear decoder at the output of its one-layer encoder."""
    eps, w = fine(d.sizes[0])
    return bounds(x, linear.one_layer_encoder(x, theta, d), theta, d, eps, w)[0]


def means_apart(x, theta, d):
    """|E[z | x_1] - E[z | x_2]|, by quadrature."""
    z, masses, _ = posterior_nodes(x, theta, d)
    mean = masses.T @ z
    return np.linalg.norm(mean[0] - mean[1])


# ---- how many numbers are learned

def parameters_of_all_data(N, D):
    """A mean and a log standard deviation for every latent number of every datum."""
    return 2 * N * D


def weights_of_encoder(sizes):
    """Weights and biases of an encoder with two heads, n-...-2 D: the same for any N."""
    return count(sizes)
