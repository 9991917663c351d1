"""Many class probabilities in place of one, and when they may be trusted: derivations/bayes/trust.md.

Shapes: y (..., D) inputs, theta (D,) weights, M (..., D, D) random matrices; pi a probability of class one. p(M) is
either M = I + scale E, all entries of E standard normal, or M = diag(mask) / keep, each entry of the mask one with
probability keep. Random rows average over S draws eps (R, S, ...).
WI, "What are the benefits of probabilistic models?".
"""
import itertools

import numpy as np
from scipy.special import betainc

from refvi.base.checks import require_finite, require_shape, require_some
from refvi.base.core import expectation
from refvi.base.families.gammas import beta, beta_lam
from refvi.base.families.gaussian import normal, normal_lam
from refvi.likelihood.likelihoods.logistic import information
from refvi.likelihood.networks import sigmoid

ORDER = 256         # nodes for a logit, whose sigmoid has poles not far from the real line


# ---- a coin whose bias is not known

def posterior_density(at, a, b, heads, tails):
    """Density of the bias at points at (n,), after so many heads and tails, from a Beta(a, b) prior."""
    return np.exp(beta.log_prob(at, beta_lam(a=a + heads, b=b + tails)))


def mean_and_variance(a, b, heads, tails):
    """Of the bias after so many heads and tails, (2,): its mean is the probability of heads in the next flip."""
    total = a + b + heads + tails
    mean = (a + heads) / total
    return np.array([mean, mean * (1 - mean) / (total + 1)])


# ---- a random matrix between the input and the weights

def logit_law(y, theta, scale):
    """Mean and variance, (2,), of the logit y'M theta, which is normal, where M = I + scale E."""
    return np.array([y @ theta, scale**2 * np.sum(y**2) * np.sum(theta**2)])


def density_of_probability(at, y, theta, scale):
    """Density of pi = sigmoid(y'M theta) at points at (n,): that of a normal logit, times the logit's slope."""
    mean, variance = logit_law(y, theta, scale)
    logits = np.log(at) - np.log1p(-at)
    return np.exp(normal.log_prob(logits, normal_lam(mean, sd=np.sqrt(variance)))) / (at * (1 - at))


def average_and_variance(y, theta, scale):
    """Of pi over all matrices M = I + scale E, (2,): the average is what an outcome's probability is."""
    mean, variance = logit_law(y, theta, scale)
    lam = normal_lam(mean, sd=np.sqrt(variance))
    nodes = normal.nodes(lam, ORDER)
    average = expectation(sigmoid, normal, lam, nodes)
    return np.array([average, expectation(lambda logit: (sigmoid(logit) - average)**2, normal, lam, nodes)])


def over_matrices(eps, y, theta, scale):
    """Average and sample variance, (R, 2), of pi over S drawn matrices I + scale eps, eps (R, S, D, D)."""
    pi = sigmoid((np.eye(len(y)) + scale * eps) @ theta @ y)
    return np.stack([np.mean(pi, axis=-1), np.var(pi, axis=-1, ddof=1)], axis=-1)


def over_masks(y, theta, keep):
    """Average and variance, (2,), of pi over all 2^D masks of the inputs."""
    masks = np.array(list(itertools.product((0, 1), repeat=len(y))))
    chances = np.prod(np.where(masks == 1, keep, 1 - keep), axis=1)
    pi = sigmoid(masks @ (y * theta) / keep)
    average = chances @ pi
    return np.array([average, chances @ (pi - average)**2])


def over_drawn_masks(eps, y, theta, keep):
    """Average and sample variance, (R, 2), of pi over S drawn masks eps (R, S, D)."""
    pi = sigmoid(eps @ (y * theta) / keep)
    return np.stack([np.mean(pi, axis=-1), np.var(pi, axis=-1, ddof=1)], axis=-1)


# ---- what agreement is worth

def right_by_the_mean(a, b):
    """The probability that the likelier class under the mean of pi ~ Beta(a, b) is the outcome."""
    return max(a, b) / (a + b)


def right_with_pi_known(a, b):
    """The probability of the same if pi ~ Beta(a, b) is told before each decision: E[max(pi, 1 - pi)]."""
    mean = a / (a + b)
    above, above_with_one_more = 1 - betainc([a, a + 1], b, 0.5)
    return 1 - mean - above + 2 * mean * above_with_one_more


# ---- a classifier whose draws may agree

def draws_of_weights(rng, theta, y, S):
    """S draws (S, D) of logistic regression's weights from the normal around their best values theta whose precision is
    the log-likelihood's curvature there: the posterior of a flat prior and many data y (N, D).
    """
    pi = sigmoid(y @ theta)
    lower = np.linalg.cholesky(information(pi, y))
    return theta + np.linalg.solve(lower.T, rng.standard_normal((len(theta), S))).T


def act_where_draws_agree(pi, labels, share):
    """(acted (N,), right): the share of the inputs whose pi (S, N) spread least, and how often the likelier class under
    their mean is the label (N,) there.
    """
    pi = require_finite("pi", require_shape("pi", pi, (None, None), "(S=draws, N=number of inputs)"))
    require_some("pi", pi)
    labels = require_shape("labels", labels, (pi.shape[1],), "one for each input")
    if not 0 < share <= 1:
        raise ValueError(f"share={share} of the inputs: expected more than 0, at most 1")
    order = np.argsort(np.std(pi, axis=0), kind="stable")
    acted = np.zeros(len(order), bool)
    acted[order[:max(1, round(share * len(order)))]] = True
    return acted, np.mean((np.mean(pi, axis=0) > 0.5)[acted] == labels[acted])
