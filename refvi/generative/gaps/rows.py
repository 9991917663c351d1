"""Where the nats of a bound are lost, to which of four gaps: derivations/generative/gaps.md.

The model and its encoder stand in encoder.py; draws.py holds what more draws are worth, codes.py what an encoder must
be able to say. Shapes: x (N, n), lam (N, 2 D), phi (D k + 2 D,), sees (k,) the coordinates of x that the encoder sees;
population, sample and moments are Moments. Nats per datum. Cremer, Li and Duvenaud (2018), Inference suboptimality in
variational autoencoders.
"""
import autograd.numpy as np

from refvi.base.families.gaussian import diagonal_normal
from refvi.base.special import logsumexp
from refvi.bound.mean_field import divergence_of_normals
from refvi.generative.gaps.encoder import (best_encoder, climbed_encoder, elbo, encode, log_evidence, mean_gap,
                                           moments_of, require_sight, trained, unpacked)
from refvi.generative.linear_latent.encoder import bounds
from refvi.generative.linear_latent.model import covariance, log_joint, observed, posterior_map

NEWTON = 12     # steps: half a unit of log sd each at first, then every one doubles the digits


# ---- the family gap: the best lam for each datum, against the posterior

def each_climbed(x, theta):
    """lam (N, 2 D) where Newton's steps on all bounds end, every datum with a lam of its own.

    From the prior's spread, which is too wide, they never overshoot.
    """
    W, off = (theta.W.T / theta.sd**2).T, observed(x, theta) - theta.b
    curvature = np.eye(W.shape[1]) + theta.W.T @ W
    mu = log_sd = np.zeros((len(off), len(curvature)))
    for _ in range(NEWTON):
        mu = mu + np.linalg.solve(curvature, ((off - mu @ theta.W.T) @ W - mu).T).T
        spread = np.diag(curvature) * np.exp(2 * log_sd)
        log_sd = log_sd + (1 - spread) / (2 * spread)
    return np.concatenate([mu, log_sd], axis=1)


def best_of_each(x, theta):
    """The average over the data of max over lam of ELBO: a free lam for every datum."""
    return np.mean(bounds(x, each_climbed(x, theta), theta))


def evidence_minus_each(x, theta):
    """E[log p(x) - max over lam of ELBO], every datum climbed on its own."""
    return log_evidence(moments_of(x), theta) - best_of_each(x, theta)


def family_gap(theta):
    """What a product of factors costs where z is correlated given x: no function of x."""
    _, precision = posterior_map(theta)
    return 0.5 * (np.sum(np.log(np.diag(precision))) - np.linalg.slogdet(precision)[1])


# ---- the amortization gap: the best encoder of its class, against the best lam for each datum

def best_of_encoder(x, sees, phi, theta):
    """max over phi of the average ELBO, climbed from phi: one function for all data."""
    moments = moments_of(x)
    return elbo(moments, climbed_encoder(moments, phi, sees, theta), sees, theta)


def each_minus_climbed(x, sees, phi, theta):
    """E[max over lam of ELBO] - max over phi of E[ELBO], both climbed."""
    return best_of_each(x, theta) - best_of_encoder(x, sees, phi, theta)


def amortization_gap(sees, moments, theta):
    """Half the variance of the posterior mean that is left when part of x is seen, in units of the posterior."""
    require_sight(sees, moments, theta)
    A, precision = posterior_map(theta)
    C = moments.covariance
    left = C - C[:, sees] @ np.linalg.solve(C[sees][:, sees], C[sees])
    return 0.5 * np.sum(precision * (A @ left @ A.T))


# ---- another parameterization, the same model

def evidence_through_encoder(x, sees, phi, theta):
    """The average of log E_q[p(x, z) / q(z | x)], on nodes where the encoder puts them; no function of phi."""
    return np.mean([log_mean_weight(datum, lam, theta) for datum, lam in zip(x, encode(x, phi, sees, theta))])


def log_mean_weight(datum, lam, theta):
    """log E_q[p(x, z) / q(z | x)] for one datum (n,), q at lam (2 D,)."""
    z, w = diagonal_normal.nodes(lam, order=60)
    log_q = diagonal_normal.log_prob(z, lam)
    return logsumexp(np.log(w) + log_q + (log_joint(z, datum, theta) - log_q))


# ---- the finite-sample gap: the best encoder for N data, against the best for the population

def population_minus_sample(sees, population, sample, theta):
    """E[ELBO] of the population's best encoder, less that of the sample's."""
    best, fitted = best_encoder(population, sees, theta), best_encoder(sample, sees, theta)
    return elbo(population, best, sees, theta) - elbo(population, fitted, sees, theta)


def finite_sample_gap(sees, population, sample, theta):
    """Half the squared distance of the two encoders' codes, on the population and in units of the posterior."""
    step = best_encoder(population, sees, theta) - best_encoder(sample, sees, theta)
    return code_distance(population, step, sees, theta)


def code_distance(moments, step, sees, theta):
    """Half of E[mu' P mu] for the means that a difference of two encoders, step, puts out."""
    _, precision = posterior_map(theta)
    V, c, _ = unpacked(step, len(precision))
    away = c + V @ (moments.mean - theta.b)[sees]
    return 0.5 * np.sum(precision * (V @ moments.covariance[sees][:, sees] @ V.T + np.outer(away, away)))


def gain_on_the_sample(sees, population, sample, theta):
    """E[ELBO] over the sample of its own best encoder, less that of the population's: what the fit seems to gain."""
    best, fitted = best_encoder(population, sees, theta), best_encoder(sample, sees, theta)
    return elbo(sample, fitted, sees, theta) - elbo(sample, best, sees, theta)


def distance_on_the_sample(sees, population, sample, theta):
    """Half the squared distance of the two encoders' codes, on the sample."""
    step = best_encoder(population, sees, theta) - best_encoder(sample, sees, theta)
    return code_distance(sample, step, sees, theta)


# ---- the optimisation gap: the encoder after some steps, against the end of its training

def left_on_the_sample(sees, sample, theta, start, steps, rate):
    """The bound on the sample that training has still to gain."""
    end, now = best_encoder(sample, sees, theta), trained(sample, start, sees, theta, steps, rate)
    return elbo(sample, end, sees, theta) - elbo(sample, now, sees, theta)


def optimisation_gap(sees, population, sample, theta, start, steps, rate):
    """The bound on the population at the end of training, less what it is now: of either sign."""
    fitted = bound_of_fitted(sees, population, sample, theta)
    return fitted - bound_of_stopped_early(sees, population, sample, theta, start, steps, rate)


def bound_of_fitted(sees, population, sample, theta):
    """E[ELBO] on the population where training on the sample ends."""
    return elbo(population, best_encoder(sample, sees, theta), sees, theta)


def bound_of_stopped_early(sees, population, sample, theta, start, steps, rate):
    """E[ELBO] on the population after some steps of it."""
    return elbo(population, trained(sample, start, sees, theta, steps, rate), sees, theta)


# ---- the ledger

def ledger(sees, population, sample, theta, start, steps, rate):
    """The four gaps by name: closed forms, and as the last a difference of two bounds."""
    return dict(family=family_gap(theta),
                amortization=amortization_gap(sees, population, theta),
                finite_sample=finite_sample_gap(sees, population, sample, theta),
                optimisation=optimisation_gap(sees, population, sample, theta, start, steps, rate))


def mean_divergence(sees, population, sample, theta, start, steps, rate):
    """E[KL(q(z | x) || p(z | x))] of the encoder after its training."""
    return mean_gap(population, trained(sample, start, sees, theta, steps, rate), sees, theta)


def sum_of_gaps(sees, population, sample, theta, start, steps, rate):
    """Family, amortization, finite sample, optimisation."""
    return sum(ledger(sees, population, sample, theta, start, steps, rate).values())


def model_gap(population, theta):
    """KL(p*(x) || p(x)) for a normal population: what theta itself costs."""
    return divergence_of_normals(population.mean, population.covariance, theta.b, covariance(theta))


def sum_with_model(sees, population, sample, theta, start, steps, rate):
    """The four gaps, and the model's."""
    return model_gap(population, theta) + sum_of_gaps(sees, population, sample, theta, start, steps, rate)
