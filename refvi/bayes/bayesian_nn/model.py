"""A network with a prior on its weights: log joint, gradient by hand, prediction; all for many weights at a time.

Shapes: w (..., P), flat weights of any number of chains and draws, layer by layer as in refvi.likelihood.networks;
y (N, D) inputs; x (N,) or (N, K) what is observed; outputs (..., N, K); log densities (...,) in nats. Chains may have
a minibatch each: y and x then have the leading axes of w, too. RAI, "Probabilistic/Bayesian Neural Networks", writes W
for w, y_n for x and x_n for y.
"""
from typing import NamedTuple

import autograd.numpy as np

from refvi.base.checks import require_count, require_finite, require_positive, require_shape, require_some
from refvi.base.special import logsumexp
from refvi.likelihood.heads import Likelihood, normal_of
from refvi.likelihood.networks import Activation, tanh


class BayesianNetwork(NamedTuple):
    """Layers, prior and likelihood; bayesian_network makes one that is checked."""
    sizes: tuple                        # (D, hidden ..., K)
    prior_sd: float                     # of all weights, or (P,), one for each; their means are zero
    beta: float = 1.                    # precision of a normal x: its variance is 1 / beta
    observed: Likelihood | None = None  # another likelihood, of those in refvi.likelihood.heads
    g: Activation = tanh
    biases: bool = True

    @property
    def P(self):
        """How many weights there are, biases among them."""
        return sum((m + self.biases) * n for m, n in zip(self.sizes, self.sizes[1:]))

    @property
    def likelihood(self):
        """p(x | outputs)."""
        return self.observed or normal_of(self.beta**-0.5)


def bayesian_network(D, hidden=(), K=1, *, prior_sd, beta=1., observed=None, g=tanh, biases=True):
    """A checked BayesianNetwork of D inputs, hidden units (none: a linear model) and K outputs; or a ValueError."""
    sizes = tuple(require_count("a layer's size", n) for n in (D, *hidden, K))
    require_positive("beta", beta, "a precision, one over the variance of the noise")
    net = BayesianNetwork(sizes, prior_sd, float(beta), observed, g, biases)
    if np.ndim(prior_sd):
        require_shape("prior_sd", prior_sd, (net.P,), f"one number, or one for each of the P={net.P} weights")
    require_positive("prior_sd", prior_sd, "a standard deviation, not a variance or its logarithm")
    return net


def require_data(x, y, net):
    """(x (N, K), y (N, D)), or a ValueError for shapes that do not fit, no data, or what is not finite."""
    y = require_shape("y", y, (None, net.sizes[0]), f"(N=number of data, D={net.sizes[0]} inputs)")
    y = require_finite("y", require_some("y", y))
    return require_finite("x", require_shape("x", columns(x, y, net), (len(y), net.sizes[-1]), "")), y


def columns(x, y, net):
    """x as (..., N, K), whose single column may be left out; ValueError for a shape that would have to be stretched."""
    wanted = np.shape(y)[:-1] + net.sizes[-1:]
    if np.shape(x) == wanted or np.shape(x) == wanted[:-1] and net.sizes[-1] == 1:
        return np.reshape(x, wanted)
    raise ValueError(f"x has shape {np.shape(x)}, expected {wanted}: one row for each row of y {np.shape(y)}, one "
                     "column for each output of the network")


def layers(w, net):
    """[(W (..., m, n), b (..., 1, n), or 0 without biases), ...]: views into w, so that writing there writes into w."""
    if np.shape(w)[-1:] != (net.P,):
        raise ValueError(f"w has shape {np.shape(w)}, expected (..., {net.P}): the weights of layers "
                         + "-".join(map(str, net.sizes)))
    views, start, batch = [], 0, np.shape(w)[:-1]
    for m, n in zip(net.sizes, net.sizes[1:]):
        inner, end = start + m * n, start + (m + net.biases) * n
        b = np.reshape(w[..., inner:end], batch + (1, n)) if net.biases else 0.
        views.append((np.reshape(w[..., start:inner], batch + (m, n)), b))
        start = end
    return views


def forward(w, y, net):
    """[y, h_1, ..., outputs (..., N, K)]: what every layer returned, all but the last through g."""
    hs = [y]
    for W, b in layers(w, net):
        a = np.matmul(hs[-1], W) + b
        hs.append(a if len(hs) == len(net.sizes) - 1 else net.g.value(a))
    return hs


def log_prior(w, net):
    """log p(w) of independent normals around zero."""
    return np.sum(-0.5 * (w / net.prior_sd)**2 - np.log(net.prior_sd) - 0.5 * np.log(2 * np.pi), axis=-1)


def log_likelihood(w, x, y, net):
    """log p(x | y, w), summed over the data. RAI.013 to RAI.015."""
    return np.sum(net.likelihood.log_prob(columns(x, y, net), forward(w, y, net)[-1]), axis=-1)


def share(N, y):
    """N / M, for how many data each datum of y (..., M, D) stands; one where no N is told."""
    return N / np.shape(y)[-2] if N else 1.


def log_joint(w, x, y, net, N=None):
    """log p(x, w | y); of a minibatch of M of N data, the log-likelihood times N / M."""
    return share(N, y) * log_likelihood(w, x, y, net) + log_prior(w, net)


def likelihood_and_slope(w, x, y, net):
    """log_likelihood and its gradient in w (..., P), from the outputs inwards."""
    x, hs, own, gradient = columns(x, y, net), forward(w, y, net), layers(w, net), np.empty(np.shape(w))
    into, delta = layers(gradient, net), net.likelihood.slope(x, hs[-1])
    for level in reversed(range(len(own))):
        into[level][0][:] = np.matmul(np.swapaxes(hs[level], -1, -2), delta)
        if net.biases:
            into[level][1][:] = np.sum(delta, axis=-2, keepdims=True)
        if level:
            delta = np.matmul(delta, np.swapaxes(own[level][0], -1, -2)) * net.g.slope(hs[level])
    return np.sum(net.likelihood.log_prob(x, hs[-1]), axis=-1), gradient


def joint_and_slope(w, x, y, net, N=None):
    """log_joint and its gradient in w (..., P)."""
    value, slope = likelihood_and_slope(w, x, y, net)
    return share(N, y) * value + log_prior(w, net), share(N, y) * slope - w / net.prior_sd**2


def log_predictive(w, x, y, net):
    """log of the average over draws w (S, P) of each datum's density: (N,) nats."""
    return log_average(forward(w, y, net)[-1], x, y, net)


def log_average(outputs, x, y, net):
    """log of the average over outputs (S, N, K) of each datum's density: (N,) nats."""
    each = net.likelihood.log_prob(columns(x, y, net), outputs)
    return logsumexp(each, axis=0) - np.log(len(each))


def predictive_moments(w, y, net):
    """Mean and variance (..., N, K) of a normal x over S >= 2 draws w (S, ..., P): its noise + the mean's variance."""
    return moments(forward(w, y, net)[-1], net)


def moments(outputs, net):
    """Mean and variance (..., N, K) of a normal x over S >= 2 outputs (S, ..., N, K)."""
    return np.mean(outputs, axis=0), 1 / net.beta + np.var(outputs, axis=0, ddof=1)
