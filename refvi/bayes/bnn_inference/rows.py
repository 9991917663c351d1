"""Posteriors by optimisation: derivations/bayes/bnn_inference.md. Curvature is in laplace.py, iterates in swag.py.

Shapes: weights w (..., D), inputs y (N, D), targets x (N,), theta a models.LinearGaussian. q is a diagonal normal of
means mu (D,) and deviations sigma (D,), which may be log(1 + exp(rho)). Random rows average over S draws eps (R, S,
...). Densities and divergences in nats. RAI, "Computing posterior over W"; Blundell, Cornebise, Kavukcuoglu and
Wierstra (2015), Weight uncertainty in neural networks; Kingma, Salimans and Welling (2015), Variational dropout and the
local reparameterization trick.
"""
import numpy as np

from refvi.base.special import logsumexp
from refvi.bound.coordinate_ascent.regression import normal_equations
from refvi.likelihood.networks import sigmoid


# ---- the best that independent weights can do

def best_diagonal_normal(x, theta):
    """lam (2 D,) of the highest bound: the exact means, and logarithms of Lambda_jj^(-1/2)."""
    Lambda, h = normal_equations(x, theta)
    return np.concatenate([np.linalg.solve(Lambda, h), -0.5 * np.log(np.diag(Lambda))])


def couplings(x, theta):
    """(diagonal of the posterior's precision (D,), sums of squares (D,) of each row of what stands beside it, in units
    of the diagonal: of the partial correlations.)
    """
    Lambda, _ = normal_equations(x, theta)
    own = np.diag(Lambda)
    return own, np.sum(Lambda**2 / np.outer(own, own), axis=1) - 1


def path_at_the_optimum(x, theta, S):
    """Variance (2 D,) of the path's gradient where q is the best: all of it comes from what couples the weights."""
    own, c = couplings(x, theta)
    return np.concatenate([own * c, c]) / S


def score_at_the_optimum(x, theta, S):
    """Variance (2 D,) of the score's gradient there, its baseline the bound: pairs of other weights add to it."""
    own, c = couplings(x, theta)
    others = np.sum(c) / 2 - c
    return np.concatenate([own * (3 * c + others), 10 * c + 2 * others]) / S


# ---- Bayes by Backprop

def softplus(rho):
    """log(1 + exp(rho)), the deviation of a weight."""
    return np.logaddexp(0, rho)


def backprop_of_each(points, mu, rho, slope):
    """Gradient (..., 2 D) of log p(x, w) - log q(w) in mu and rho along w = mu + softplus(rho) eps, for every eps.

    slope(w) (..., D) is that of log p(x, w), from backpropagation; that of log q leaves 1 / sigma.
    """
    sigma = softplus(rho)
    g = slope(mu + sigma * points)
    return np.concatenate([g, (g * points + 1 / sigma) * sigmoid(rho)], axis=-1)


def bayes_by_backprop(eps, mu, rho, slope):
    """backprop_of_each, averaged over S draws. Returns (R, 2 D)."""
    return np.mean(backprop_of_each(eps, mu, rho, slope), axis=-2)


def scale_mixture(w, share, wide, narrow):
    """Log prior (...,) of weights, each N(0, wide^2) with probability share, else N(0, narrow^2)."""
    sds, shares = np.array([wide, narrow]), np.array([share, 1 - share])
    logs = np.log(shares) - 0.5 * (w[..., None] / sds)**2 - np.log(sds) - 0.5 * np.log(2 * np.pi)
    return np.sum(logsumexp(logs, axis=-1), axis=-1)


# ---- minibatches: fits (M,) are the expected log likelihoods of M batches, divergence is KL(q || prior)

def minibatch_weights(M):
    """The shares 2^(M - i) / (2^M - 1) of the divergence, i = 1..M: each batch takes half of what the one before took.
    """
    halves = 2.**-np.arange(1, M + 1)
    return halves / (1 - 2.**-M)


def over_weighted_batches(fits, divergence):
    """The bound as a sum over batches, the divergence shared out by minibatch_weights."""
    return np.sum(fits - minibatch_weights(len(fits)) * divergence)


def over_equal_batches(fits, divergence):
    """The bound as a sum over batches, each with one M-th of the divergence."""
    return np.sum(fits - divergence / len(fits))


def batches_drawn(eps, fits, divergence):
    """The bound from S batches drawn with replacement, eps (R, S) their numbers. Returns (R,)."""
    return np.mean(len(fits) * (fits[eps] - divergence / len(fits)), axis=-1)


def divergence_from_prior(mu, sigma, prior_sd):
    """KL(q || N(0, prior_sd^2 I)), over all weights, biases among them."""
    return np.sum(np.log(prior_sd / sigma) + 0.5 * (mu**2 + sigma**2) / prior_sd**2 - 0.5)


# ---- one draw of the weights for all data, or one of the activation for each; M of N data, drawn with replacement

def law_of_activations(y, mu, sigma):
    """Mean and variance of y_n'w for each datum, (2, N)."""
    return np.stack([y @ mu, y**2 @ sigma**2])


def log_fit(x, activation, theta):
    """log N(x_n; activation, noise_sd^2)."""
    return -0.5 * ((x - activation) / theta.noise_sd)**2 - np.log(theta.noise_sd) - 0.5 * np.log(2 * np.pi)


def one_draw_for_all(eps, x, theta, mu, sigma, M):
    """E log p(x|w) from M data that meet one w; eps (R, S, M + ...): numbers of data, then normals. Returns (R,)."""
    n = eps[..., :M].astype(int)
    w = mu + sigma * eps[..., M:M + mu.size]
    activation = np.sum(theta.y[n] * w[..., None, :], axis=-1)
    return len(x) * np.mean(log_fit(x[n], activation, theta), axis=(-2, -1))


def one_draw_a_datum(eps, x, theta, mu, sigma, M):
    """E log p(x|w) from M data, each with an activation drawn for itself. Returns (R,)."""
    n = eps[..., :M].astype(int)
    mean, variance = law_of_activations(theta.y[n], mu, sigma)
    activation = mean + np.sqrt(variance) * eps[..., M:2 * M]
    return len(x) * np.mean(log_fit(x[n], activation, theta), axis=(-2, -1))


def moments_of_fits(x, theta, mu, sigma):
    """Mean (N,) and covariance (N, N) under q of log p(x_n|w), one w for all."""
    mean, variance = law_of_activations(theta.y, mu, sigma)
    shared = (theta.y * sigma**2) @ theta.y.T
    rest = x - mean
    return (log_fit(x, mean, theta) - 0.5 * variance / theta.noise_sd**2,
            (np.outer(rest, rest) * shared + 0.5 * shared**2) / theta.noise_sd**4)


def of_a_datum(mean, covariance):
    """Variance of one datum's fit, where the datum and its activation are drawn."""
    return np.var(mean) + np.mean(np.diag(covariance))


def variance_of_one_draw_a_datum(x, theta, mu, sigma, M, S):
    """That of a datum and its activation, over M S."""
    return len(x)**2 * of_a_datum(*moments_of_fits(x, theta, mu, sigma)) / (M * S)


def variance_of_one_draw_for_all(x, theta, mu, sigma, M, S):
    """What one_draw_a_datum has, and what two data of a batch share, which no larger batch averages out."""
    mean, covariance = moments_of_fits(x, theta, mu, sigma)
    return len(x)**2 * (of_a_datum(mean, covariance) + (M - 1) * np.mean(covariance)) / (M * S)
