"""Likelihoods, heads and losses, line by line: derivations/likelihood/likelihoods.md. Logistic regression stands beside
this file.

Shapes: x (N,) numbers or (N, n) data of n entries; outputs (N, k) of a network, what a head reads its parameters from;
head, a Likelihood. Log densities in nats.
UA, "Supervised problems" and "Supervised NN models"; WI, "Deep Generative Models".
"""
import numpy as np

from refvi.base.families.gaussian import normal
from refvi.likelihood.heads import back, softmax, through
from refvi.likelihood.networks import Activation, sigmoid

# links: from any real number to a positive one; the slope as a function of the value
exponential = Activation(np.exp, lambda value: value)
softplus = Activation(lambda rho: np.logaddexp(0, rho), lambda value: -np.expm1(-value))


# ---- estimates in closed form

def frequencies(x, K):
    """Shares (K,) of the outcomes 0..K-1 in x."""
    return np.bincount(x, minlength=K) / len(x)


def mean_and_variance(x):
    """(mean, mean squared distance from it) of the numbers x, (2,)."""
    mean = np.sum(x) / len(x)
    return np.array([mean, np.sum((x - mean)**2) / len(x)])


# ---- losses

def squared_loss(x, mean, sd):
    """Squared errors over twice the variance, and what the data cannot change: minus log N(x | mean, sd^2), summed."""
    return np.sum((x - mean)**2) / (2 * sd**2) + len(x) * np.log(sd * np.sqrt(2 * np.pi))


def logistic_loss(x, logit):
    """log(1 + exp(-margin)), where a margin is the logit, with the sign turned for a label of zero."""
    return np.sum(np.logaddexp(0, (1 - 2 * x) * logit))


def cross_entropy(x, logits):
    """Minus the log probability of the outcomes x (N,), of K each, logits (N, K)."""
    return -sum(np.log(probabilities[k]) for probabilities, k in zip(softmax(logits), x))


# ---- heads

def observed_less_expected(head, x, outputs):
    """Gradient (N, k) of the log-likelihood in the outputs of a head that has one for each entry of x."""
    return x - head.mean(outputs)


def gradient_through_the_head(theta, x, y, network):
    """Gradient (P,) of the log-likelihood of x given y in the weights: the head's slope, carried backward."""
    hs = through(theta, y, network)
    return back(theta, hs, network.observed.slope(x, hs[-1]), network)[0]


# ---- links

def slope_through_the_link(x, mu, rho, link):
    """Slope of log N(x | mu, sd^2) in rho, with sd = link(rho): that in sd times the link's own."""
    sd = link.value(rho)
    return (((x - mu) / sd)**2 - 1) / sd * link.slope(sd)


def sigmoid_of_the_difference(a):
    """Probability of the first of two outcomes with logits a (2,)."""
    return sigmoid(a[0] - a[1])


# ---- one parameter for all data, a network, one parameter for each

def best_of_features(x, features, sd):
    """Highest log-likelihood of x ~ N(features @ weights, sd^2) over the weights (n,)."""
    weights = np.linalg.lstsq(features, x, rcond=None)[0]
    return -squared_loss(x, features @ weights, sd)


def best_of_all_parameters(x, sd):
    """Highest log-likelihood where every datum has a mean of its own, which is the datum."""
    return -len(x) * np.log(sd * np.sqrt(2 * np.pi))


# ---- where there is no maximum

def collapsed_mixture(x, sd):
    """Log-likelihood of a half N(x_1, sd^2) and a half N(mean of all, variance of all): one component on one datum."""
    narrow = normal.log_prob(x, np.array([x[0], np.log(sd)]))
    wide = normal.log_prob(x, np.array([np.mean(x), np.log(np.std(x))]))
    return np.sum(np.logaddexp(narrow, wide) - np.log(2))


def height_at_the_mean(mu, sd):
    """Density of N(mu, sd^2) at mu."""
    return np.exp(normal.log_prob(mu, np.array([mu, np.log(sd)])))
