"""Linear latent variables, line by line: derivations/generative/linear_latent.md. Here the model, its marginal and its posterior;
maximum.py, em.py, encoder.py and autoencoder.py beside this file hold what is fitted to it.

z ~ N(0, I_D), x = W z + b + noise, with one standard deviation for all coordinates (probabilistic PCA) or one for each (factor analysis).
Shapes: x (N, n), a datum a row; z (..., S, D); W (n, D), b (n,), sd a number or (n,). Log densities in nats per datum, an average over the N data.
RAI, "Probabilistic view enables neural net based latent variable models"; Tipping and Bishop (1999), Probabilistic principal component analysis.
"""
from typing import NamedTuple

import autograd.numpy as np

from refvi.base.checks import require_finite, require_positive, require_shape
from refvi.base.families.gaussian import diagonal_normal
from refvi.base.models import isotropic
from refvi.base.special import logsumexp
from refvi.likelihood.networks import forward

ORDER = 100     # nodes for each latent coordinate, spread over the prior: fine enough for a posterior a third as wide


class Linear(NamedTuple):
    """theta of the linear model."""
    W: np.ndarray       # (n, D)
    b: np.ndarray       # (n,)
    sd: np.ndarray      # (), probabilistic PCA, or (n,), factor analysis


def linear(W, b, *, sd):
    """A checked Linear; ValueError for a wrong shape, a value that is not finite, a standard deviation that is not positive."""
    W = require_finite("W", require_shape("W", W, (None, None), "(n=coordinates of x, D=coordinates of z)"))
    n, D = W.shape
    b = require_finite("b", require_shape("b", b, (n,), f"the mean of x, one entry for each of the n={n} rows of W"))
    sd = require_positive("sd", require_finite("sd", np.array(sd, float)), "a standard deviation, not a variance or its logarithm")
    if sd.shape not in ((), (n,)):
        raise ValueError(f"sd has shape {sd.shape}, expected () for one noise, or ({n},) for one in each coordinate of x")
    return Linear(W, b, sd)


# ---- what several rows speak of

def covariance(theta):
    """C = W W' + diag(sd^2), the covariance of x. (n, n)"""
    return theta.W @ theta.W.T + theta.sd**2 * np.eye(len(theta.b))


def scatter(x, b):
    """The covariance of the data about b, divided by N as maximum likelihood does. (n, n)"""
    return (x - b).T @ (x - b) / len(x)


def log_likelihood(x, theta):
    """The average over the data of log N(x; b, C)."""
    return log_density_of(scatter(x, theta.b), theta)


def log_density_of(second, theta):
    """E[log N(x; b, C)] in nats, of all data or populations whose second moment about b is second (n, n)."""
    C = covariance(theta)
    return -0.5 * (len(C) * np.log(2 * np.pi) + np.linalg.slogdet(C)[1] + np.trace(np.linalg.solve(C, second)))


def posterior(x, theta):
    """Means (N, D) and the precision (D, D), one for all data, of p(z | x)."""
    scaled = theta.W / np.reshape(theta.sd**2, (-1, 1))
    precision = np.eye(theta.W.shape[1]) + theta.W.T @ scaled
    return np.linalg.solve(precision, scaled.T @ (x - theta.b).T).T, precision


def log_joint(z, x, theta):
    """log p(z) + log p(x | z), (..., S) for z (..., S, D) and one datum x (n,), or several that broadcast."""
    residual = (x - theta.b - z @ theta.W.T) / theta.sd
    return isotropic(z, 1.) + isotropic(residual, 1.) - np.sum(np.log(theta.sd * np.ones(len(theta.b))))


def small(theta):
    """M = W'W + sd^2 I, the D by D matrix of probabilistic PCA."""
    return theta.W.T @ theta.W + theta.sd**2 * np.eye(theta.W.shape[1])


def log_normalizer(M, x, theta, powers):
    """Minus half of: n log 2 pi, log det M, powers log sd^2, and the mean squared distance of x from b, less what z explains of it."""
    off = x - theta.b
    explained = np.sum((off @ theta.W) * np.linalg.solve(M, (off @ theta.W).T).T, axis=1)
    return -0.5 * (x.shape[1] * np.log(2 * np.pi) + np.linalg.slogdet(M)[1] + powers * np.log(theta.sd**2) + np.mean(np.sum(off**2, axis=1) - explained) / theta.sd**2)


# ---- the marginal

def integral_over_z(x, theta):
    """z is integrated out on nodes, datum by datum; nats per datum."""
    z, w = diagonal_normal.nodes(np.zeros(2 * theta.W.shape[1]), ORDER)
    return np.mean([logsumexp(np.log(w) + log_joint(z, datum, theta)) for datum in x])


def joint_over_posterior(x, theta, z):
    """Bayes' rule read at any z (D,): log p(x, z) - log p(z | x), the same number for every z."""
    mean, precision = posterior(x, theta)
    step = z - mean
    log_density = 0.5 * (np.linalg.slogdet(precision)[1] - np.sum(step @ precision * step, axis=1) - step.shape[1] * np.log(2 * np.pi))
    return np.mean(log_joint(z, x, theta) - log_density)


def trace_of_ratio(x, theta):
    """The data enter by their mean and covariance alone."""
    return log_likelihood(x, theta)


def small_matrix(x, theta):
    """The same with a D by D matrix M in place of the n by n matrix C: det C = sd^(2 (n - D)) det M, and Woodbury's identity."""
    n, D = theta.W.shape
    return log_normalizer(small(theta), x, theta, n - D)


def power_of_all_coordinates(x, theta):
    """The slip: sd^(2 n), as if det C were sd^(2 n) det M."""
    return log_normalizer(small(theta), x, theta, len(theta.b))


# ---- its covariance

def law_of_total_variance(theta):
    """The covariance of the mean given z, on nodes of the prior, and the covariance given z."""
    z, w = diagonal_normal.nodes(np.zeros(2 * theta.W.shape[1]))
    mean = z @ theta.W.T
    return mean.T @ (mean * (w * np.exp(isotropic(z, 1.)))[:, None]) + theta.sd**2 * np.eye(len(theta.b))


def loadings_and_noise(theta):
    """W W' + diag(sd^2)."""
    return covariance(theta)


def deviation_for_variance(theta):
    """The slip: sd where its square belongs."""
    return theta.W @ theta.W.T + theta.sd * np.eye(len(theta.b))


def covariance_of_generated(eps, theta):
    """Unbiased covariance of S data generated by x = W z + b + sd e, eps (R, S, D + n) holding z and e. Returns (R, n, n)."""
    D = theta.W.shape[1]
    x = eps[..., :D] @ theta.W.T + theta.b + theta.sd * eps[..., D:]
    off = x - np.mean(x, axis=1, keepdims=True)
    return np.swapaxes(off, 1, 2) @ off / (x.shape[1] - 1)


# ---- the posterior: means of the data, then the covariance that they share, stacked (N + D, D)

def moments_of_posterior(x, theta):
    """p(x, z) normalized on nodes of z, its mean and covariance taken there."""
    z, w = diagonal_normal.nodes(np.zeros(2 * theta.W.shape[1]), ORDER)
    means = []
    for datum in x:
        density = w * np.exp(log_joint(z, datum, theta))
        density = density / np.sum(density)
        means.append(density @ z)
    return np.concatenate([means, (z - means[-1]).T @ ((z - means[-1]) * density[:, None])])


def precision_of_z(x, theta):
    """The precision I + W' diag(sd^-2) W, and the means it gives."""
    mean, precision = posterior(x, theta)
    return np.concatenate([mean, np.linalg.inv(precision)])


def small_posterior(x, theta):
    """M^-1 W'(x - b) and sd^2 M^-1."""
    M = small(theta)
    return np.concatenate([np.linalg.solve(M, theta.W.T @ (x - theta.b).T).T, theta.sd**2 * np.linalg.inv(M)])


def projection_without_prior(x, theta):
    """The slip: W'W for M, the least-squares code of an autoencoder. No shrinkage towards the prior."""
    M = theta.W.T @ theta.W
    return np.concatenate([np.linalg.solve(M, theta.W.T @ (x - theta.b).T).T, theta.sd**2 * np.linalg.inv(M)])


def covariance_without_noise(x, theta):
    """The slip: M^-1 for the covariance, sd^2 forgotten."""
    M = small(theta)
    return np.concatenate([np.linalg.solve(M, theta.W.T @ (x - theta.b).T).T, np.linalg.inv(M)])


# ---- the linear special case of a network

def integral_through(network, x, sd):
    """The average over the data of log int p(z) N(x; network(z), sd^2 I) dz, for a scalar z."""
    z, w = diagonal_normal.nodes(np.zeros(2), 4 * ORDER)
    mean = network(z)
    return np.mean([logsumexp(np.log(w) + isotropic(z, 1.) + isotropic(datum - mean, sd)) for datum in x])


def network_of_one_layer(x, weights, n, g, sd):
    """A network without a hidden layer: NN(z) = W z + b."""
    return integral_through(lambda z: forward(weights, z, (1, n), g)[-1], x, sd)


def network_with_a_hidden_layer(x, deep_weights, hidden, n, g, sd):
    """A hidden layer, with the nonlinearity g: no longer a normal distribution."""
    return integral_through(lambda z: forward(deep_weights, z, (1, hidden, n), g)[-1], x, sd)


# ---- what no linear map generates

def best_normal(mean, covariance_of_data):
    """The highest expected log density that probabilistic PCA or factor analysis can have: that of a normal with the data's own moments."""
    return -0.5 * (len(mean) * (1 + np.log(2 * np.pi)) + np.linalg.slogdet(covariance_of_data)[1])
