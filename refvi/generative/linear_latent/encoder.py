"""The linear variational autoencoder: q(z | x) = N(V (x - b), diag(exp(2 log_sd))) beside a linear decoder.

Shapes as in model.py; phi = (V row by row, log_sd), (D n + D,). ELBOs are nats per datum, an average over the N data.
Dai et al. (2018), Connections with robust PCA and the role of emergent sparsity in variational autoencoder models;
Lucas et al. (2019), Don't blame the ELBO! A linear VAE perspective on posterior collapse; RAI, "Role of encoder: take x
as input and generate an encoding z".
"""
import autograd.numpy as np
from autograd import grad, hessian
from scipy import optimize

from refvi.base.core import Estimate
from refvi.base.families.gaussian import closed_divergence, diagonal_normal
from refvi.base.families.lam import halves
from refvi.base.models import isotropic
from refvi.bound.elbo.rows import lowest
from refvi.generative.linear_latent.maximum import closed_form, unflat
from refvi.generative.linear_latent.model import (deviations, log_joint, log_likelihood, observed, posterior,
                                                 posterior_map, small)


# ---- the exact bound

def reconstruction(x, lam, theta):
    """E_q[log p(x | z)] (N,) at lam (N, 2 D): the density at the mean code, less the spread of z seen through W."""
    mu, log_sd = halves(lam)
    x, sd = observed(x, theta), deviations(theta)
    W = theta.W / sd[:, None]
    at_mean = isotropic((x - theta.b) / sd - mu @ W.T, 1.) - np.sum(np.log(sd))
    return at_mean - 0.5 * np.exp(2 * log_sd) @ np.sum(W**2, axis=0)


def bounds(x, lam, theta):
    """The ELBO of every datum (N,) at a lam of its own (N, 2 D)."""
    return reconstruction(x, lam, theta) - closed_divergence(lam)


def unpacked(phi, n, D):
    """V (D, n) and log_sd (D,)."""
    return np.reshape(phi[:n * D], (D, n)), phi[n * D:]


def encode(x, phi, theta):
    """lam (N, 2 D): means, and log standard deviations that all data share. RAI, "Role of encoder"."""
    V, log_sd = unpacked(phi, *theta.W.shape)
    return np.concatenate([(observed(x, theta) - theta.b) @ V.T, np.tile(log_sd, (len(x), 1))], axis=1)


def elbo(x, phi, theta):
    """The average of the bounds at what the encoder puts out."""
    return np.mean(bounds(x, encode(x, phi, theta), theta))


def best(theta):
    """phi of the highest bound for this theta: the posterior's mean, and P_kk^(-1/2)."""
    A, precision = posterior_map(theta)
    return np.concatenate([np.ravel(A), -0.5 * np.log(np.diag(precision))])


def climbed(x, phi, theta):
    """phi where ascent from phi ends."""
    def downhill(phi):
        return -elbo(x, phi, theta)
    return lowest(downhill, grad(downhill), hessian(downhill), phi)


# ---- the bound of any linear encoder

def fit_minus_kl(x, phi, theta):
    """E[log p(x | z)] - KL(q || p(z)), both in closed form."""
    return elbo(x, phi, theta)


def evidence_minus_divergence(x, phi, theta):
    """log p(x) - KL(q || p(z | x)), the divergence of two normals."""
    mu, log_sd = halves(encode(x, phi, theta))
    mean, precision = posterior(x, theta)
    step = mu - mean
    squares = np.sum(step @ precision * step, axis=1) + np.exp(2 * log_sd) @ np.diag(precision) - len(precision)
    divergences = 0.5 * (squares - np.linalg.slogdet(precision)[1]) - np.sum(log_sd, axis=1)
    return log_likelihood(x, theta) - np.mean(divergences)


def average_weight(eps, x, phi, theta):
    """Average of log p(x, z) - log q(z | x) over the data and S draws of each, eps (R, S, N, D). Returns (R,)."""
    lam = encode(x, phi, theta)
    mu, log_sd = halves(lam)
    z = mu + np.exp(log_sd) * eps
    return np.mean(log_joint(z, x, theta) - diagonal_normal.log_prob(z, lam), axis=(1, 2))


# ---- the best one: V above its standard deviations (n + 1, D)

def columns(phi, theta):
    """V' above the standard deviations of phi."""
    V, log_sd = unpacked(phi, *theta.W.shape)
    return np.concatenate([V.T, np.exp(log_sd)[None]])


def climbed_encoder(x, phi, theta):
    """Where ascent ends."""
    return columns(climbed(x, phi, theta), theta)


def best_encoder(theta):
    """M^-1 W' and sd / sqrt(M_kk), for one noise."""
    M = small(theta)
    return np.concatenate([np.linalg.solve(M, theta.W.T).T, theta.sd / np.sqrt(np.diag(M))[None]])


# ---- which rotation it likes

def aligned_bound(x, D):
    """The best bound at the closed form with R = I, where W'W is diagonal."""
    theta = closed_form(x, D)
    return elbo(x, best(theta), theta)


def rotated_bound(x, D, rotation):
    """The best bound at the closed form with another R."""
    theta = closed_form(x, D, rotation)
    return elbo(x, best(theta), theta)


def bound_minus_correlation(x, D, rotation):
    """The likelihood, less what a diagonal q loses to correlation: half of sum log M_kk - log det M."""
    theta = closed_form(x, D, rotation)
    M = small(theta)
    return log_likelihood(x, theta) - 0.5 * (np.sum(np.log(np.diag(M))) - np.linalg.slogdet(M)[1])


def highest_bound_of_all(x, D, start):
    """Decoder and encoder climbed together from start (P,): W, b and log sd, then phi."""
    n = x.shape[1]
    size = n * D + n + 1

    def downhill(vector):
        return -elbo(x, vector[size:], unflat(vector[:size], n, D))
    options = dict(gtol=1e-7, maxiter=2000)
    return -optimize.minimize(downhill, start, jac=grad(downhill), method="BFGS", options=options).fun


# ---- as the noise vanishes

TINY = 1e-6     # the smallest standard deviation at which a limit is read; the error is what twice of it changes


def limit(f):
    """f(sd) as sd vanishes, an Estimate."""
    near, nearer = f(2 * TINY), f(TINY)
    return Estimate(nearer, 2 * np.abs(nearer - near))


def means_and_widths(x, theta):
    """The posterior's means, and its standard deviations in a last row. (N + 1, D)"""
    mean, precision = posterior(x, theta)
    return np.concatenate([mean, np.sqrt(np.diag(np.linalg.inv(precision)))[None]])


def posterior_without_noise(x, theta):
    """Means and standard deviations of the posterior as sd vanishes. (N + 1, D)"""
    return limit(lambda sd: means_and_widths(x, theta._replace(sd=sd)))


def posterior_with_noise(x, theta):
    """Means and standard deviations of the posterior at theta's own noise. (N + 1, D)"""
    return means_and_widths(x, theta)


def scaled_bound_without_noise(x, D):
    """-2 sd^2 ELBO at the best W and encoder, as sd vanishes: the bound's own log sd grows too slowly to stay."""
    def scaled(sd):
        theta = closed_form(x, D)._replace(sd=sd)
        return -2 * sd**2 * elbo(x, best(theta), theta)

    return limit(scaled)
