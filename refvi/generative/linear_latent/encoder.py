"""The linear variational autoencoder: q(z | x) = N(V (x - b), diag(exp(2 log_sd))), a linear encoder of a linear decoder with one noise.

Shapes as in the chapter; phi = (V row by row, log_sd), (D n + D,). ELBOs are nats per datum, an average over the N data.
Dai et al. (2018), Connections with robust PCA and the role of emergent sparsity in variational autoencoder models; Lucas et al. (2019), Don't blame
the ELBO! A linear VAE perspective on posterior collapse; RAI, "Role of encoder: take x as input and generate an encoding z".
"""
import autograd.numpy as np
from autograd import grad, hessian
from scipy import optimize

from refvi.base.core import Estimate
from refvi.bound.elbo.rows import lowest
from refvi.generative.linear_latent.maximum import closed_form, unflat
from refvi.generative.linear_latent.model import log_joint, log_likelihood, posterior, small


def unpacked(phi, n, D):
    """V (D, n) and log_sd (D,)."""
    return np.reshape(phi[:n * D], (D, n)), phi[n * D:]


def encode(phi, x, theta):
    """Means (N, D) and log_sd (D,), the same for all data. RAI, "Role of encoder"."""
    V, log_sd = unpacked(phi, *theta.W.shape)
    return (x - theta.b) @ V.T, log_sd


def fit_term(mu, log_sd, x, theta):
    """E[log p(x | z)]: squares at the mean, and the spread of z seen through W."""
    n = len(theta.b)
    squares = np.mean(np.sum((x - theta.b - mu @ theta.W.T)**2, axis=1)) + np.sum(theta.W**2 @ np.exp(2 * log_sd))
    return -0.5 * n * np.log(2 * np.pi * theta.sd**2) - 0.5 * squares / theta.sd**2


def kl_term(mu, log_sd):
    """KL(q || N(0, I)): one half for each dimension."""
    return 0.5 * (np.mean(np.sum(mu**2, axis=1)) + np.sum(np.exp(2 * log_sd) - 1 - 2 * log_sd))


def elbo(phi, x, theta):
    """The exact bound."""
    mu, log_sd = encode(phi, x, theta)
    return fit_term(mu, log_sd, x, theta) - kl_term(mu, log_sd)


def best(theta):
    """phi of the highest bound for this theta: the posterior's mean M^-1 W'(x - b), and sd / sqrt(M_dd)."""
    M = small(theta)
    return np.concatenate([np.ravel(np.linalg.solve(M, theta.W.T)), 0.5 * np.log(theta.sd**2 / np.diag(M))])


def climbed(phi, x, theta):
    """phi where ascent from phi ends."""
    def downhill(phi):
        return -elbo(phi, x, theta)
    return lowest(downhill, grad(downhill), hessian(downhill), phi)


# ---- the bound of any linear encoder

def fit_minus_kl(phi, x, theta):
    """E[log p(x | z)] - KL(q || p(z)), both in closed form."""
    return elbo(phi, x, theta)


def evidence_minus_divergence(phi, x, theta):
    """log p(x) - KL(q || p(z | x)), the divergence of two normals."""
    (mu, log_sd), (mean, precision) = encode(phi, x, theta), posterior(x, theta)
    step = mu - mean
    divergence = np.mean(np.sum(step @ precision * step, axis=1)) + np.diag(precision) @ np.exp(2 * log_sd) - len(log_sd) - np.linalg.slogdet(precision)[1]
    return log_likelihood(x, theta) - 0.5 * divergence + np.sum(log_sd)


def average_weight(eps, phi, x, theta):
    """Average over S draws z = mu + sd eps for each datum, eps (R, S, N, D), of log p(x, z) - log q(z | x). Returns (R,)."""
    mu, log_sd = encode(phi, x, theta)
    z = mu + np.exp(log_sd) * eps
    log_q = np.sum(-0.5 * eps**2 - log_sd - 0.5 * np.log(2 * np.pi), axis=-1)
    return np.mean(log_joint(z, x, theta) - log_q, axis=(1, 2))


def code_without_spread(phi, x, theta):
    """The slip: x reconstructed from the mean of q alone, as an autoencoder does."""
    mu, log_sd = encode(phi, x, theta)
    n = len(theta.b)
    return -0.5 * n * np.log(2 * np.pi * theta.sd**2) - 0.5 * np.mean(np.sum((x - theta.b - mu @ theta.W.T)**2, axis=1)) / theta.sd**2 - kl_term(mu, log_sd)


def log_deviation_for_log_variance(phi, x, theta):
    """The slip: log sd in the KL where log sd^2 belongs."""
    mu, log_sd = encode(phi, x, theta)
    return fit_term(mu, log_sd, x, theta) - 0.5 * (np.mean(np.sum(mu**2, axis=1)) + np.sum(np.exp(2 * log_sd) - 1 - log_sd))


# ---- the best one

def climbed_encoder(phi, x, theta):
    """V above its standard deviations, where ascent ends. (n + 1, D)"""
    V, log_sd = unpacked(climbed(phi, x, theta), *theta.W.shape)
    return np.concatenate([V.T, np.exp(log_sd)[None]])


def best_encoder(theta):
    """M^-1 W' above sd / sqrt(M_dd). (n + 1, D)"""
    V, log_sd = unpacked(best(theta), *theta.W.shape)
    return np.concatenate([V.T, np.exp(log_sd)[None]])


def marginal_deviations(theta):
    """The slip: the posterior's marginal standard deviations, which a diagonal q cannot afford where z is correlated. (n + 1, D)"""
    M = small(theta)
    return np.concatenate([np.linalg.solve(M, theta.W.T).T, theta.sd * np.sqrt(np.diag(np.linalg.inv(M)))[None]])


# ---- which rotation it likes

def aligned_bound(x, D):
    """The best bound at the closed form with R = I, where W'W is diagonal."""
    theta = closed_form(x, D)
    return elbo(best(theta), x, theta)


def rotated_bound(x, D, rotation):
    """The best bound at the closed form with another R."""
    theta = closed_form(x, D, rotation)
    return elbo(best(theta), x, theta)


def likelihood_minus_correlation(x, D, rotation):
    """What a diagonal q loses to the correlation of the posterior: half of sum log M_dd - log det M."""
    theta = closed_form(x, D, rotation)
    M = small(theta)
    return log_likelihood(x, theta) - 0.5 * (np.sum(np.log(np.diag(M))) - np.linalg.slogdet(M)[1])


def highest_bound_of_all(x, D, start):
    """Decoder and encoder climbed together from start (P,): W, b and log sd, then phi."""
    n = x.shape[1]
    size = n * D + n + 1

    def downhill(vector):
        return -elbo(vector[size:], x, unflat(vector[:size], n, D))
    return -optimize.minimize(downhill, start, jac=grad(downhill), method="BFGS", options=dict(gtol=1e-7, maxiter=2000)).fun


# ---- as the noise vanishes

TINY = 1e-7     # a standard deviation whose square is beside the point


def posterior_without_noise(x, theta):
    """The posterior means, and its standard deviations in a last row, as sd vanishes; off by the order of sd. (N + 1, D)"""
    mean, precision = posterior(x, theta._replace(sd=TINY))
    return Estimate(np.concatenate([mean, np.sqrt(np.diag(np.linalg.inv(precision)))[None]]), 10 * TINY)


def posterior_with_noise(x, theta):
    """The posterior means and standard deviations at theta's own noise. (N + 1, D)"""
    mean, precision = posterior(x, theta)
    return np.concatenate([mean, np.sqrt(np.diag(np.linalg.inv(precision)))[None]])


def scaled_bound_without_noise(x, D):
    """-2 sd^2 (ELBO + n/2 log 2 pi sd^2) at the best W and encoder, as sd vanishes; off by the order of sd^2 log sd."""
    theta = closed_form(x, D)._replace(sd=TINY)
    return Estimate(-2 * TINY**2 * (elbo(best(theta), x, theta) + 0.5 * x.shape[1] * np.log(2 * np.pi * TINY**2)), 100 * TINY**2 * abs(np.log(TINY)))
