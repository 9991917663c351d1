"""Linear latent variables, line by line: derivations/generative/linear_latent.md. Here the marginal and the posterior.

The model and its shapes stand in model.py; maximum.py, em.py, encoder.py and autoencoder.py hold what is fitted to it.
Values are nats per datum, an average over the N data.
"""
import autograd.numpy as np

from refvi.base.core import expectation
from refvi.base.families.gaussian import diagonal_normal
from refvi.base.models import isotropic
from refvi.base.special import logsumexp
from refvi.generative.linear_latent.model import covariance, log_density_of, log_joint, posterior, scatter
from refvi.likelihood.networks import forward

ORDER = 100     # nodes for each latent coordinate, spread over the prior: fine enough for a posterior a third as wide


# ---- the marginal

def integral_over_z(x, theta):
    """The average log of the integral of p(z) p(x | z), on nodes of z, datum by datum."""
    z, w = diagonal_normal.nodes(np.zeros(2 * theta.W.shape[1]), ORDER)
    return np.mean([logsumexp(np.log(w) + log_joint(z, datum, theta)) for datum in x])


def joint_over_posterior(x, theta, z):
    """Bayes' rule read at any z (D,): log p(x, z) - log p(z | x), the same number for every z."""
    mean, precision = posterior(x, theta)
    step = z - mean
    squares = np.sum(step @ precision * step, axis=1)
    log_density = 0.5 * (np.linalg.slogdet(precision)[1] - squares - step.shape[1] * np.log(2 * np.pi))
    return np.mean(log_joint(z, x, theta) - log_density)


def trace_of_ratio(x, theta):
    """The average log density, for which the mean and the covariance of the data are enough."""
    return log_density_of(scatter(x, theta.b), theta)


# ---- the covariance of x (n, n)

def law_of_total_variance(theta):
    """The covariance of the mean given z, on nodes of the prior, and the covariance given z."""
    n, D = theta.W.shape

    def outer(z):
        mean = z @ theta.W.T
        return np.reshape(mean[:, :, None] * mean[:, None, :], (len(z), n * n))

    of_mean = expectation(outer, diagonal_normal, np.zeros(2 * D))
    return np.reshape(of_mean, (n, n)) + theta.sd**2 * np.eye(n)


def loadings_and_noise(theta):
    """W W' + diag(sd^2)."""
    return covariance(theta)


def covariance_of_generated(eps, theta):
    """Unbiased covariance of S data x = W z + b + sd e, eps (R, S, D + n) holding z and e. Returns (R, n, n)."""
    D = theta.W.shape[1]
    x = eps[..., :D] @ theta.W.T + theta.b + theta.sd * eps[..., D:]
    off = x - np.mean(x, axis=1, keepdims=True)
    return np.swapaxes(off, 1, 2) @ off / (x.shape[1] - 1)


# ---- the posterior: means of the data, then the covariance that they share, stacked (N + D, D)

def moments_of_posterior(x, theta):
    """p(x, z) normalized on nodes of z, datum by datum, its means and the last one's covariance taken there."""
    z, w = diagonal_normal.nodes(np.zeros(2 * theta.W.shape[1]), ORDER)
    means = []
    for datum in x:
        density = w * np.exp(log_joint(z, datum, theta))
        density = density / np.sum(density)
        means.append(density @ z)
    off = z - means[-1]
    return np.concatenate([means, off.T @ (off * density[:, None])])


def precision_of_z(x, theta):
    """The means that the precision P = I + W' diag(sd^-2) W gives, and its inverse."""
    mean, precision = posterior(x, theta)
    return np.concatenate([mean, np.linalg.inv(precision)])


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
    """The highest expected log density of any normal, PPCA or factor analysis among them: of the data's own moments."""
    return -0.5 * (len(mean) * (1 + np.log(2 * np.pi)) + np.linalg.slogdet(covariance_of_data)[1])
