"""Networks with a prior, line by line: derivations/bayes/bayesian_nn.md. The rows on grids stand in grid.py.

Shapes as in model.py: w (..., P), x (N,) or (N, K), y (N, D), outputs (N, K); new (M, D), inputs of data to come.
RAI, "Probabilistic/Bayesian Neural Networks"; PML, "Recap & Conclusions".
"""
from typing import Callable, NamedTuple

import autograd.numpy as np
from autograd import grad
from scipy import optimize

from refvi.base import models
from refvi.base.special import gammaln, logsumexp
from refvi.bayes.bayesian_nn.model import (forward, joint_and_slope, likelihood_and_slope, log_likelihood,
                                          log_predictive, predictive_moments)


# ---- outputs

class ExponentialFamily(NamedTuple):
    """h(x) exp(eta x - A(eta)), for a natural parameter eta and what is observed, alike in shape; summed over data."""
    log_total: Callable         # A(eta), nats
    log_base: Callable          # log h(x), nats


bernoulli = ExponentialFamily(lambda eta: np.sum(np.logaddexp(0., eta)), lambda x: 0.)
categorical = ExponentialFamily(lambda eta: np.sum(logsumexp(eta, axis=-1)), lambda x: 0.)
poisson = ExponentialFamily(lambda eta: np.sum(np.exp(eta)), lambda x: -np.sum(gammaln(x + 1)))


def normal_of(beta):
    """Normals of precision beta; their natural parameter is beta times the mean."""
    return ExponentialFamily(lambda eta: np.sum(eta**2) / (2 * beta),
                             lambda x: 0.5 * np.sum(np.log(beta / (2 * np.pi)) - beta * x**2))


def exponential_form(x, eta, family):
    """log h(x) + eta x - A(eta), summed over the data."""
    return family.log_base(x) + np.sum(eta * x) - family.log_total(eta)


def observed_less_slope(x, eta, family):
    """x - A'(eta) (N, K)."""
    return x - grad(family.log_total)(eta)


def observed_less_mean(x, w, y, net):
    """x - E[x | y, w] (N, K)."""
    return x - net.likelihood.mean(forward(w, y, net)[-1])


def gradient_backward(w, x, y, net):
    """The gradient of log p(x | y, w) in the weights (P,), by the pass backward."""
    return likelihood_and_slope(w, x, y, net)[1]


def joint_gradient(w, x, y, net):
    """The gradient of log p(x, w | y) in the weights (P,)."""
    return joint_and_slope(w, x, y, net)[1]


def minibatch_gradient(eps, w, x, y, net):
    """joint_gradient (R, P) from the data with the indices eps (R, S) alone, their part times N / S."""
    return joint_and_slope(np.tile(w, (len(eps), 1)), x[eps], y[eps], net, len(x))[1]


def moments_of_outcomes(eps, w, y, net):
    """Mean and sample variance (R, 2, N, K) of S outcomes NN(y; w) + eps / sqrt(beta), eps (R, S, N, K)."""
    x = forward(w, y, net)[-1] + eps / np.sqrt(net.beta)
    return np.stack([np.mean(x, axis=1), np.var(x, axis=1, ddof=1)], axis=1)


# ---- point estimates

def ridge(x, y, beta, prior_sd):
    """(y'y + I / (beta prior_sd^2))^-1 y'x: the weights of a linear model with the highest posterior density."""
    return np.linalg.solve(y.T @ y + np.eye(y.shape[1]) / (beta * prior_sd**2), y.T @ x)


def curvature(objective, w, h=1e-3):
    """Minus the second derivatives (P, P) of an objective, w -> (value, slope), from slopes at w +- h and w +- 2 h."""
    near, far = (np.array([objective(w + step)[1] - objective(w - step)[1] for step in k * h * np.eye(len(w))])
                 for k in (1, 2))
    found = (far - 8 * near) / (12 * h)
    return 0.5 * (found + found.T)


def ascend(objective, w):
    """Where an objective, w -> (value, slope), is highest uphill from w (P,): at the end a root of its slope."""
    near = optimize.minimize(lambda w: tuple(-part for part in objective(w)), w, jac=True).x
    return optimize.root(lambda w: objective(w)[1], near, tol=1e-14).x


def map_by_ascent(w, x, y, net):
    """The weights (P,) of the highest log joint, climbed to from w."""
    return ascend(lambda w: joint_and_slope(w, x, y, net), w)


def mle_by_ascent(w, x, y, net):
    """The weights (P,) of the highest log-likelihood, climbed to from w."""
    return ascend(lambda w: likelihood_and_slope(w, x, y, net), w)


def likelihood_at_mle(w, x, y, net):
    """The log-likelihood there."""
    return log_likelihood(mle_by_ascent(w, x, y, net), x, y, net)


def likelihood_at_map(w, x, y, net):
    """The log-likelihood where the log joint is highest."""
    return log_likelihood(map_by_ascent(w, x, y, net), x, y, net)


# ---- what a linear network knows, and does not know

def noise_plus_spread(new, x, theta):
    """Mean and variance (2, M) of data to come: the noise's variance, plus that of the mean."""
    spread = np.sum((new @ models.covariance(x, theta)) * new, axis=1)
    return np.stack([new @ models.posterior(x, theta)[0], theta.noise_sd**2 + spread])


def moments_over_draws(eps, new, x, theta, net):
    """noise_plus_spread (R, 2, M) from S draws of the posterior, the mean and a factor of the covariance times eps
    (R, S, D).
    """
    root = np.linalg.cholesky(models.covariance(x, theta))
    w = models.posterior(x, theta)[0] + eps @ root.T
    return np.stack(predictive_moments(np.swapaxes(w, 0, 1), new, net), axis=1)[..., 0]


def density_over_draws(eps, x_new, ahead, x, theta, net):
    """p(x_new | data) (R, M) at the inputs ahead, averaged over S draws of the one weight: its mean and deviation times
    eps (R, S).
    """
    w = models.posterior(x, theta)[0] + np.sqrt(models.covariance(x, theta)) * eps.T[..., None]
    return np.exp(log_predictive(w, x_new, ahead, net))


def spread_of_mean(new, x, theta):
    """Variance (M,) of the mean alone."""
    return noise_plus_spread(new, x, theta)[1] - theta.noise_sd**2


def spread_given_copies(new, x, theta, k):
    """spread_of_mean where every datum was seen k times."""
    return spread_of_mean(new, np.tile(x, k), theta._replace(y=np.tile(theta.y, (k, 1))))


def share_of_wider_prior(new, x, theta, k):
    """One k-th of spread_of_mean under a prior sqrt(k) times as wide."""
    return spread_of_mean(new, x, theta._replace(prior_sd=np.sqrt(k) * theta.prior_sd)) / k


def nats_of_the_line(outcomes, chances, new, x, theta):
    """Expected log p(x_new | x) in nats per datum of a linear model, of outcomes (J, M), each with chances (J,)."""
    mean, variance = noise_plus_spread(new, x, theta)
    return np.mean(chances @ (-0.5 * (outcomes - mean)**2 / variance - 0.5 * np.log(2 * np.pi * variance)))
