"""Semi-supervised learning, line by line: derivations/generative/semi_supervised.md. Classes of normals stand beside
this file.

Shapes: theta (P,), the numbers of Classes one behind the other; x (N, D), labels (N,), UNSEEN among them. Of
a VAE with a label: x (1, n) one datum, y (K, K) a row of zeros and a one for each label, lam (K, 2 D) the encoder's
normal for each label, decoder a network of [z, y]. Estimators return (R,) for eps (R, S, D).
UA, "Why are we here today?"; Kingma et al. (2014), Semi-supervised learning with deep generative models.
"""
import autograd.numpy as np
from autograd import grad
from scipy.special import ndtr

from refvi.base.families.gaussian import closed_divergence, diagonal_normal
from refvi.base.special import logsumexp
from refvi.generative.amortization.model import standard_nodes
from refvi.generative.semi_supervised.model import (Classes, from_shares, log_joint_of_each, objective,
                                                    responsibilities)
from refvi.likelihood.heads import output


# ---- labels that were seen in part

def classes(theta, K):
    """Classes from one vector."""
    return Classes(theta[:K], np.reshape(theta[K:], (K, len(theta) // K - 1)))


def labels_summed_out(theta, x, labels, K):
    """log p(x, labels) in nats: the joint density where a label was seen, the marginal elsewhere."""
    return objective(x, labels, classes(theta, K))


def gradient_of_likelihood(theta, x, labels, K):
    """Gradient (P,) by autograd, through the sums over labels."""
    return grad(lambda theta: labels_summed_out(theta, x, labels, K))(theta)


def seen_and_expected(theta, x, labels, K):
    """Gradient (P,) of the joint log density, every label that was not seen shared out by its posterior."""
    r = responsibilities(x, labels, classes(theta, K))
    return grad(lambda theta: np.sum(r * log_joint_of_each(x, classes(theta, K))))(theta)


def posterior_before_em(theta, x, labels, K, prior):
    """log p(x, labels), with a prior's log density if there is one, in nats."""
    return objective(x, labels, classes(theta, K), prior)


def posterior_after_em(theta, x, labels, K, prior):
    """The objective after one step of EM."""
    return objective(x, labels, from_shares(x, responsibilities(x, labels, classes(theta, K)), prior), prior)


# ---- a VAE with a label

def sum_over_labels(x, y, weights, decoder):
    """log p(x), the sum over labels and the nodes of z."""
    z, w = standard_nodes(decoder.sizes[0] - len(y))
    inputs = np.concatenate([np.repeat(z[:, None], len(y), axis=1), np.repeat(y[None], len(z), axis=0)], axis=-1)
    joint = np.log(w)[:, None] + decoder.observed.log_prob(x, output(weights, inputs, decoder)) - np.log(len(y))
    return logsumexp(joint)


def bound_of_each_label(z, x, y, lam, weights, decoder):
    """log p(k) + log p(x | z_k, k) - KL (..., K) of every label k at its own z (..., K, D), p(k) = 1/K."""
    inputs = np.concatenate([z, np.broadcast_to(y, (*np.shape(z)[:-1], len(y)))], axis=-1)
    return decoder.observed.log_prob(x, output(weights, inputs, decoder)) - closed_divergence(lam) - np.log(len(y))


def label_bounds(x, y, lam, weights, decoder):
    """The bound (K,) on log p(x, k) of every label, its expectation on nodes."""
    eps, w = standard_nodes(np.shape(lam)[-1] // 2)
    return np.dot(w, bound_of_each_label(diagonal_normal.transport(eps[:, None], lam), x, y, lam, weights, decoder))


def label_averaged_out(x, y, lam, weights, decoder, r):
    """The bound on log p(x) for an encoder that says r (K,) of the label: expected bound plus entropy."""
    return np.dot(r, label_bounds(x, y, lam, weights, decoder)) - np.dot(r, np.log(r))


def label_summed_out(x, y, lam, weights, decoder):
    """The bound on log p(x) with the label summed out, the highest of those above."""
    return logsumexp(label_bounds(x, y, lam, weights, decoder))


def average_of_draws(eps, x, y, lam, weights, decoder, r):
    """label_averaged_out (R,) from S draws, each carried to every label's normal; the sum over labels stays exact."""
    each = bound_of_each_label(diagonal_normal.transport(eps[..., None, :], lam), x, y, lam, weights, decoder)
    return np.mean(np.dot(each, r), axis=1) - np.dot(r, np.log(r))


# ---- what labels alone are worth: two classes N(-half, 1) and N(half, 1), equally frequent, n labels of each

def error_from_midpoint(half, n):
    """Expected share of wrong answers of the rule that cuts halfway between the mean of either class's labels."""
    right, error = ndtr(half * np.sqrt(2. * n)), ndtr(-half / np.sqrt(1 + 1 / (2. * n)))
    return right * error + (1 - right) * (1 - error)
