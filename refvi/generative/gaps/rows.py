"""Where the nats went: log p(x) - ELBO of an amortized q, split into gaps that add up: derivations/generative/gaps.md. Here the encoder, its exact bound,
and the ledger; draws.py beside this file holds what more draws are worth, codes.py what an encoder must be able to say.

The decoder is linear (refvi.generative.linear_latent), so that every gap is exact. The encoder is linear in those coordinates of x that it sees, q(z | x) =
N(c + V (x - b)[sees], diag(exp(2 log_sd))); phi = (V row by row, c, log_sd), (D k + 2 D,). Averages are over a population or over a data set, which
enter by their mean and covariance alone: Moments. Nats per datum. Cremer, Li and Duvenaud (2018), Inference suboptimality in variational autoencoders.
"""
from typing import NamedTuple

import autograd.numpy as np
from autograd import grad, hessian

from refvi.base.checks import require_count, require_finite, require_shape
from refvi.base.families.gaussian import diagonal_normal
from refvi.base.families.lam import halves
from refvi.base.optimize import gradient_ascent
from refvi.base.special import logsumexp
from refvi.bound.mean_field import divergence_of_normals
from refvi.generative.amortization.model import closed_divergence
from refvi.generative.linear_latent.model import covariance, log_density_of, log_joint, posterior_map, scatter


NEWTON = 12     # steps: half a unit of log sd each at first, then every one doubles the digits


class Moments(NamedTuple):
    """All that a linear model sees of a population or a data set."""
    mean: np.ndarray            # (n,)
    covariance: np.ndarray      # (n, n), divided by N


def moments_of(x):
    """Moments of data x (N, n), or a ValueError."""
    x = require_finite("x", require_shape("x", x, (None, None), "(N=number of data, n=coordinates of one datum)"))
    if len(x) < 2:
        raise ValueError(f"x has N={len(x)} data: a covariance takes at least 2")
    return Moments(np.mean(x, axis=0), scatter(x, np.mean(x, axis=0)))


def require_sight(sees, moments, theta):
    """Nothing, or a ValueError where moments and theta are of other x, or sees does not name coordinates of x, each once."""
    n = len(theta.b)
    if np.shape(moments.mean) != (n,):
        raise ValueError(f"moments of {np.size(moments.mean)} coordinates, theta of n={n}: take those of the same x")
    if np.asarray(sees).dtype == bool:
        raise ValueError("sees is a mask, expected the indices of the coordinates that the encoder sees: np.flatnonzero(mask)")
    if len(set(np.ravel(sees).tolist())) != np.size(sees) or np.any(np.asarray(sees) < 0) or np.any(np.asarray(sees) >= n):
        raise ValueError(f"sees is {np.asarray(sees).tolist()}, expected indices from 0 to {n - 1}, each at most once")


# ---- the encoder and its exact bound

def unpacked(phi, D):
    """V (D, k), c (D,) and log_sd (D,)."""
    k = len(phi) // D - 2
    return np.reshape(phi[:D * k], (D, k)), phi[D * k:D * k + D], phi[D * k + D:]


def encode(phi, x, sees, theta):
    """lam (N, 2D): means and log_sd for each datum."""
    V, c, log_sd = unpacked(phi, theta.W.shape[1])
    return np.concatenate([c + (x - theta.b)[:, sees] @ V.T, log_sd + np.zeros((len(x), 1))], axis=1)


def log_evidence(moments, theta):
    """E[log p(x)]."""
    off = moments.mean - theta.b
    return log_density_of(moments.covariance + np.outer(off, off), theta)


def squares(phi, sees, moments, theta):
    """E[mu mu'] (D, D) and E[(x - b) mu'] (n, D) of the encoder's means."""
    V, c, _ = unpacked(phi, theta.W.shape[1])
    off = moments.mean - theta.b
    second = moments.covariance + np.outer(off, off)
    away = c + V @ off[sees]
    return V @ moments.covariance[sees][:, sees] @ V.T + np.outer(away, away), second[:, sees] @ V.T + np.outer(off, c)


def elbo(phi, sees, moments, theta):
    """E[ELBO(x)]: squares of x - b - W z in units of the noise, less the divergence from the prior."""
    sd, log_sd = theta.sd * np.ones(len(theta.b)), unpacked(phi, theta.W.shape[1])[2]
    off, W = (moments.mean - theta.b) / sd, theta.W / sd[:, None]
    means, cross = squares(phi, sees, moments, theta)
    second = means + np.diag(np.ones(len(log_sd))) * np.exp(2 * log_sd)
    fit = np.sum(np.diag(moments.covariance) / sd**2) + off @ off - 2 * np.sum(W * (cross / sd[:, None])) + np.sum((W.T @ W) * second)
    return -0.5 * (len(sd) * np.log(2 * np.pi) + 2 * np.sum(np.log(sd)) + fit + np.trace(second) - len(log_sd) - 2 * np.sum(log_sd))


def mean_gap(phi, sees, moments, theta):
    """E[KL(q(z | x) || p(z | x))]: the distance of the means, in units of the posterior, and the difference in spread."""
    A, precision = posterior_map(theta)
    V, c, log_sd = unpacked(phi, len(A))
    off = moments.mean - theta.b
    weights = A - placed(V, sees, len(off))
    away = weights @ off - c
    distance = np.sum(precision * (weights @ moments.covariance @ weights.T + np.outer(away, away)))
    return 0.5 * (distance + np.diag(precision) @ np.exp(2 * log_sd) - len(c) - np.linalg.slogdet(precision)[1]) - np.sum(log_sd)


def placed(V, sees, n):
    """V (D, k) with a column of zeros for each coordinate that it does not see. (D, n)"""
    return V @ np.eye(n)[np.asarray(sees)]


# ---- the best encoder, and encoders on their way

def best_encoder(sees, moments, theta):
    """phi of the highest E[ELBO]: the regression of the posterior mean on what is seen, and the best spreads.

    ValueError where the seen coordinates are linearly dependent: as many encoders are then equally good, and fewer data than coordinates are the usual cause.
    """
    require_sight(sees, moments, theta)
    A, precision = posterior_map(theta)
    seen, off = moments.covariance[sees][:, sees], moments.mean - theta.b
    values = np.linalg.eigvalsh(seen)
    if len(values) and not values[0] > 1e3 * np.finfo(float).eps * values[-1]:
        raise ValueError(f"the {len(values)} seen coordinates have a singular covariance (eigenvalues from {values[0]:.2g} to {values[-1]:.2g}): "
                         "see fewer of them, or take more data than coordinates")
    V = A @ np.linalg.solve(seen, moments.covariance[sees]).T
    return np.concatenate([np.ravel(V), A @ off - V @ off[sees], -0.5 * np.log(np.diag(precision))])


def climbed_encoder(phi, sees, moments, theta):
    """phi where Newton's steps on E[ELBO], which is concave in phi, end; from somewhere near."""
    slope, curvature = grad(elbo), hessian(elbo)
    for _ in range(NEWTON // 2):
        phi = phi - np.linalg.solve(curvature(phi, sees, moments, theta), slope(phi, sees, moments, theta))
    return phi


def trained(phi, sees, moments, theta, steps, rate):
    """phi after so many steps of gradient ascent, steps=0 for none."""
    if steps == 0:
        return phi
    return gradient_ascent(grad(lambda phi: elbo(phi, sees, moments, theta)), phi, require_count("steps", steps), rate).lam


# ---- the family gap: the best lam for each datum, against the posterior

def bound_at(lam, x, theta):
    """ELBO of each datum at its own lam, (N,) for lam (N, 2D)."""
    sd, (mu, log_sd) = theta.sd * np.ones(len(theta.b)), halves(lam)
    W = theta.W / sd[:, None]
    fit = np.sum(((x - theta.b) / sd - mu @ W.T)**2, axis=1) + np.exp(2 * log_sd) @ np.sum(W**2, axis=0)
    return -0.5 * (len(sd) * np.log(2 * np.pi) + 2 * np.sum(np.log(sd)) + fit) - closed_divergence(lam)


def each_climbed(x, theta):
    """lam (N, 2D) where Newton's steps on all bounds end, every datum with a lam of its own; from the prior's spread, which is too wide, they never overshoot."""
    W, off = theta.W / np.reshape(theta.sd**2, (-1, 1)), x - theta.b
    curvature = np.eye(W.shape[1]) + theta.W.T @ W
    mu = log_sd = np.zeros((len(x), len(curvature)))
    for _ in range(NEWTON):
        mu = mu + np.linalg.solve(curvature, ((off - mu @ theta.W.T) @ W - mu).T).T
        spread = np.diag(curvature) * np.exp(2 * log_sd)
        log_sd = log_sd + (1 - spread) / (2 * spread)
    return np.concatenate([mu, log_sd], axis=1)


def bound_of_each(x, theta):
    """The average over the data of max over lam of ELBO."""
    return np.mean(bound_at(each_climbed(x, theta), x, theta))


def evidence_minus_each(x, theta):
    """E[log p(x) - max over lam of ELBO], every datum climbed on its own."""
    return log_evidence(moments_of(x), theta) - bound_of_each(x, theta)


def family_gap(theta):
    """What a product of factors costs where z is correlated given x: the same for every x."""
    _, precision = posterior_map(theta)
    return 0.5 * (np.sum(np.log(np.diag(precision))) - np.linalg.slogdet(precision)[1])


# ---- the amortization gap: the best encoder of its class, against the best lam for each datum

def each_minus_climbed(x, sees, phi, theta):
    """E[max over lam of ELBO] - max over phi of E[ELBO], both climbed."""
    moments = moments_of(x)
    return bound_of_each(x, theta) - elbo(climbed_encoder(phi, sees, moments, theta), sees, moments, theta)


def amortization_gap(sees, moments, theta):
    """Half the variance of the posterior mean that is left when part of x is seen, in units of the posterior."""
    require_sight(sees, moments, theta)
    A, precision = posterior_map(theta)
    C = moments.covariance
    left = C - C[:, sees] @ np.linalg.solve(C[sees][:, sees], C[sees])
    return 0.5 * np.sum(precision * (A @ left @ A.T))


def variance_unweighted(sees, moments, theta):
    """The slip: the same variance in units of z, the posterior's precision forgotten."""
    A, _ = posterior_map(theta)
    C = moments.covariance
    left = C - C[:, sees] @ np.linalg.solve(C[sees][:, sees], C[sees])
    return 0.5 * np.trace(A @ left @ A.T)


# ---- the finite-sample gap: the best encoder for N data, against the best for the population

def population_minus_sample(sees, population, sample, theta):
    """E[ELBO] of the population's best encoder, less that of the sample's."""
    best, fitted = best_encoder(sees, population, theta), best_encoder(sees, sample, theta)
    return elbo(best, sees, population, theta) - elbo(fitted, sees, population, theta)


def finite_sample_gap(sees, population, sample, theta):
    """Half the squared distance of the two encoders' codes, on the population and in units of the posterior."""
    _, precision = posterior_map(theta)
    V, c, _ = unpacked(best_encoder(sees, population, theta) - best_encoder(sees, sample, theta), len(precision))
    away = c + V @ (population.mean - theta.b)[sees]
    return 0.5 * np.sum(precision * (V @ population.covariance[sees][:, sees] @ V.T + np.outer(away, away)))


def gain_on_the_sample(sees, population, sample, theta):
    """The same difference on the sample itself, turned round: what the fit seems to gain there."""
    best, fitted = best_encoder(sees, population, theta), best_encoder(sees, sample, theta)
    return elbo(fitted, sees, sample, theta) - elbo(best, sees, sample, theta)


# ---- the optimisation gap: the encoder after some steps, against the end of its training

def left_on_the_sample(sees, sample, theta, start, steps, rate):
    """The bound on the sample that training has still to gain."""
    return elbo(best_encoder(sees, sample, theta), sees, sample, theta) - elbo(trained(start, sees, sample, theta, steps, rate), sees, sample, theta)


def optimisation_gap(sees, population, sample, theta, start, steps, rate):
    """The same on the population: of either sign, since the end of training is not the best there."""
    return elbo(best_encoder(sees, sample, theta), sees, population, theta) - elbo(trained(start, sees, sample, theta, steps, rate), sees, population, theta)


def bound_of_fitted(sees, population, sample, theta):
    """E[ELBO] on the population where training on the sample ends."""
    return elbo(best_encoder(sees, sample, theta), sees, population, theta)


def bound_of_stopped_early(sees, population, sample, theta, start, steps, rate):
    """E[ELBO] on the population after some steps of it."""
    return elbo(trained(start, sees, sample, theta, steps, rate), sees, population, theta)


# ---- the ledger

def ledger(sees, population, sample, theta, start, steps, rate):
    """The four gaps by name, each in a closed form of its own but the last."""
    return dict(family=family_gap(theta), amortization=amortization_gap(sees, population, theta), finite_sample=finite_sample_gap(sees, population, sample, theta),
                optimisation=optimisation_gap(sees, population, sample, theta, start, steps, rate))


def mean_divergence(sees, population, sample, theta, start, steps, rate):
    """E[KL(q(z | x) || p(z | x))] of the encoder after its training."""
    return mean_gap(trained(start, sees, sample, theta, steps, rate), sees, population, theta)


def sum_of_gaps(sees, population, sample, theta, start, steps, rate):
    """Family, amortization, finite sample, optimisation."""
    return sum(ledger(sees, population, sample, theta, start, steps, rate).values())


def sum_without_amortization(sees, population, sample, theta, start, steps, rate):
    """The slip: an encoder taken for the best lam of each datum."""
    gaps = ledger(sees, population, sample, theta, start, steps, rate)
    return sum(gaps.values()) - gaps["amortization"]


def gap_on_the_sample(sees, sample, theta, start, steps, rate):
    """The slip: the gap of the data that the encoder was trained on, for that of the population."""
    return mean_gap(trained(start, sees, sample, theta, steps, rate), sees, sample, theta)


def model_gap(population, theta):
    """KL(p*(x) || p(x)) for a normal population: what theta itself costs."""
    return divergence_of_normals(population.mean, population.covariance, theta.b, covariance(theta))


def sum_with_model(sees, population, sample, theta, start, steps, rate):
    """The four gaps, and the model's."""
    return model_gap(population, theta) + sum(ledger(sees, population, sample, theta, start, steps, rate).values())


# ---- another parameterization, the same model

def evidence_through_encoder(x, sees, phi, theta):
    """The average of log E_q[p(x, z) / q(z | x)], on nodes where the encoder puts them: log p(x), whatever the encoder is."""
    return np.mean([log_mean_weight(datum, lam, theta) for datum, lam in zip(x, encode(phi, x, sees, theta))])


def best_of_each(x, theta):
    """The average of max over lam of ELBO: a free lam for every datum."""
    return bound_of_each(x, theta)


def best_of_encoder(x, sees, phi, theta):
    """max over phi of the average ELBO: one function for all data."""
    moments = moments_of(x)
    return elbo(climbed_encoder(phi, sees, moments, theta), sees, moments, theta)


def log_mean_weight(datum, lam, theta):
    """log E_q[p(x, z) / q(z | x)] for one datum (n,), q at lam (2D,)."""
    wide = lam + np.repeat([0., np.log(2.)], len(lam) // 2)       # nodes for q's own tails, and the posterior's
    z, w = diagonal_normal.nodes(wide, 60)
    log_q = diagonal_normal.log_prob(z, lam)
    return logsumexp(np.log(w) + log_q + (log_joint(z, datum, theta) - log_q))
