"""Deep latent Gaussian models, line by line: derivations/generative/deep_latent.md.

Shapes as in refvi.generative.amortization.model. Rows return (N,) or an average over the data, in nats per datum;
estimators take eps (R, S, N, D), standard normal. RAI, "Probabilistic view enables neural net based latent variable
models" and "Inference for Deep Latent Gaussian Models"; PML, "Variational inference and the VAE".
"""
import autograd.numpy as np
from autograd import grad
from scipy import optimize

from refvi.base.families.gaussian import diagonal_normal
from refvi.base.families.lam import halves
from refvi.generative.amortization.model import (bounds, drawn, encode, log_joint, log_likelihood, slopes,
                                                 standard_nodes, under_each)
from refvi.generative.deep_latent import exact, linear, local
from refvi.generative.deep_latent.model import log_evidence, posterior_nodes, prior_nodes
from refvi.likelihood.heads import Network

ENOUGH = 100                # steps of the E step, after which little moves
PLACES = -1.2, 0., 1.2      # along the prior, from where a new datum climbs


# ---- the model

def total_mass(outcomes, widths, theta, decoder):
    """The marginal density of all that can be observed, times its widths (K,): a number."""
    return widths @ np.exp(log_evidence(outcomes, theta, decoder))


def log_of_integral(x, theta, decoder):
    """The latent variable integrated out, every datum by itself: log p(x_n) (N,)."""
    z, log_w = prior_nodes(decoder.sizes[0])
    return np.log(np.exp(log_w) @ np.exp(log_likelihood(z[:, None, :], x, theta, decoder)))


def average_over_outcomes(outcomes, widths, theta, decoder):
    """E[log p(x)] when the data come from the model itself, in nats: what no other model scores on them."""
    log_p = log_evidence(outcomes, theta, decoder)
    return widths @ (np.exp(log_p) * log_p)


def score_of_linear_decoder(outcomes, widths, theta, decoder):
    """E[log p(x)] of these data under the linear decoder nearest to them, probabilistic principal components."""
    mass = widths * np.exp(log_evidence(outcomes, theta, decoder))
    mean = mass @ outcomes
    covariance = outcomes.T @ (mass[:, None] * (outcomes - mean))
    best = linear.from_moments(mean, covariance, decoder.sizes[0])
    return mass @ linear.normal_marginal(outcomes, best, decoder._replace(sizes=(decoder.sizes[0], decoder.n)))


# ---- the E step: what one lam_n does to the average

def rule(decoder):
    """eps (S, 1, D) and weights (S,) that integrate against N(0, I), for `bounds`."""
    eps, w = standard_nodes(decoder.sizes[0], {1: 240, 2: 60}[decoder.sizes[0]])
    return eps[:, None, :], w


def average_bound(x, lam, theta, decoder):
    """E_q[log p(x_n, z) - log q_n(z)] by one integral, averaged over the data."""
    z, w = under_each(lam)
    return np.mean(w @ (log_joint(z, x, theta, decoder) - diagonal_normal.log_prob(z, lam)))


def divergence(x, lam, theta, decoder):
    """KL(q_n || p(z | x_n, theta)) (N,), by its definition."""
    z, w = under_each(lam)
    log_posterior = log_joint(z, x, theta, decoder) - log_evidence(x, theta, decoder)
    return w @ (diagonal_normal.log_prob(z, lam) - log_posterior)


def evidence_less_bound(x, lam, theta, decoder):
    """The divergence of every datum (N,), without its posterior: log p(x_n) - ELBO_n."""
    return log_evidence(x, theta, decoder) - bounds(lam, x, theta, decoder, *rule(decoder))[0]


def climbed(x, lam, theta, decoder):
    """(lam (N, 2 D), ELBO_n (N,)) where every datum's own ascent from lam ends: its slope is zero there."""
    nodes = rule(decoder)
    near, value = local.ascend(x, theta, decoder, lam, ENOUGH, nodes)

    def slope(entries):
        return bounds(entries.reshape(near.shape), x, theta, decoder, *nodes)[1].ravel()

    top = optimize.root(slope, near.ravel(), tol=1e-13).x.reshape(near.shape)
    above = bounds(top, x, theta, decoder, *nodes)[0]
    better = (above > value) | np.isclose(above, value, rtol=1e-12, atol=0.)
    return np.where(better[:, None], top, near), np.maximum(above, value)


def divergence_at_the_top(x, lam, theta, decoder):
    """KL(q_n || p(z | x_n, theta)) (N,) where every datum has climbed its own bound."""
    return divergence(x, climbed(x, lam, theta, decoder)[0], theta, decoder)


def gradient_of_own_bound(x, lam, theta, decoder):
    """The gradient of ELBO_n in lam_n, by hand through the decoder, over N: (N, 2 D)."""
    return bounds(lam, x, theta, decoder, *rule(decoder))[1] / len(x)


def gradient_of_average(x, lam, theta, decoder):
    """The gradient of the average in all lam at once: the other data do not enter. (N, 2 D)"""
    return grad(lambda lam: average_bound(x, lam, theta, decoder))(lam)


def gradient_by_draws(eps, x, lam, theta, decoder):
    """A path gradient for every datum, each with noise of its own: (R, N, 2 D)."""
    R, S, N, D = eps.shape
    mu, log_sd = halves(lam)
    sd, z = np.exp(log_sd), drawn(eps, lam).reshape(R * S, N, D)
    in_z = slopes(z, x, theta, decoder, np.ones((1, 1)))[2].reshape(eps.shape)
    return np.concatenate([np.mean(in_z, axis=1) - mu, sd * np.mean(in_z * eps, axis=1) - sd**2 + 1], axis=-1) / N


def top_of_every_bound(x, theta, decoder):
    """lam (N, 2 D) where the ascent of local.py ends."""
    return climbed(x, local.start(len(x), decoder.sizes[0]), theta, decoder)[0]


# ---- the M step

def gradient_in_theta(x, lam, theta, decoder):
    """The gradient of the average bound in theta, by hand: posteriors replaced by q. (P,)"""
    return bounds(lam, x, theta, decoder, *rule(decoder))[2] / len(x)


def gradient_under_posteriors(x, theta, decoder):
    """Fisher's identity: the gradient of the average log evidence, were the posteriors known. (P,)"""
    return exact.gradient(x, theta, decoder)[1]


def gradient_under_q_and_gap(x, lam, theta, decoder):
    """What q leaves out: the divergence to a posterior that moves with theta. (P,)"""
    of_bound = grad(lambda theta: average_bound(x, lam, theta, decoder))(theta)
    return of_bound + grad(lambda theta: np.mean(divergence(x, lam, theta, decoder)))(theta)


# ---- rounds of both steps, up to the evidence

def after_e_step(x, lam, theta, decoder):
    """The average bound once every lam_n has climbed."""
    return np.mean(climbed(x, lam, theta, decoder)[1])


def moved(x, lam, theta, decoder, rate):
    """(lam, theta) after an E step and one step of size rate along the average bound's gradient in theta."""
    lam, _ = climbed(x, lam, theta, decoder)
    return lam, theta + rate * gradient_in_theta(x, lam, theta, decoder)


def after_m_step(x, lam, theta, decoder, rate):
    """The average bound once theta has moved as well, lam standing still."""
    lam, theta = moved(x, lam, theta, decoder, rate)
    return np.mean(bounds(lam, x, theta, decoder, *rule(decoder))[0])


def after_next_e_step(x, lam, theta, decoder, rate):
    """The average bound after the E step of the next round, which starts where the last one ended."""
    lam, theta = moved(x, lam, theta, decoder, rate)
    return np.mean(climbed(x, lam, theta, decoder)[1])


def evidence_at_new_theta(x, lam, theta, decoder, rate):
    """The average log evidence after the M step, which no bound exceeds."""
    return np.mean(log_evidence(x, moved(x, lam, theta, decoder, rate)[1], decoder))


# ---- a new datum

def highest(x, theta, decoder):
    """(lam (N, 2 D), ELBO_n (N,)) of the highest top that ascents from three starts along the prior reach, datum by
    datum."""
    starts = (local.start(len(x), decoder.sizes[0], place) for place in PLACES)
    lams, values = map(np.array, zip(*(climbed(x, start, theta, decoder) for start in starts)))
    best = np.argmax(values, axis=0), np.arange(len(x))
    return lams[best], values[best]


def bound_of_new_datum_at_its_top(x, theta, decoder):
    """ELBO_* (N,) of data that were not there, each after ascents of its own."""
    return highest(x, theta, decoder)[1]


def least_squares_encoder(x, lam):
    """phi of a one-layer encoder n-2 D: the linear map of the data that comes nearest to their lam."""
    return np.linalg.lstsq(np.column_stack([x, np.ones(len(x))]), lam, rcond=None)[0].ravel()


def bound_of_new_datum_after_a_pass(x, old, theta, decoder):
    """ELBO_* (N,) at the output of an encoder that learned from the tops of old data."""
    phi = least_squares_encoder(old, highest(old, theta, decoder)[0])
    lam = encode(x, phi, Network((decoder.n, 2 * decoder.sizes[0])))
    return bounds(lam, x, theta, decoder, *rule(decoder))[0]


def means_apart(x, theta, decoder):
    """|E[z | x_1] - E[z | x_2]|, by quadrature."""
    z, masses, _ = posterior_nodes(x, theta, decoder)
    mean = masses.T @ z
    return np.linalg.norm(mean[0] - mean[1])
