"""The log joint of a network and its slope for many chains, several times as fast as model.joint_and_slope.

Inside, what a layer returns stands as (chains, features, data), below it a row of ones, so that a layer and its biases
are one product; the large arrays are made once.
"""
import numpy as np

from refvi.bayes.bayesian_nn.model import log_prior, require_data
from refvi.likelihood.networks import tanh


def log_joint(x, y, net):
    """A function of w (C, P) that returns (value (C,), slope (C, P)), for a network with tanh, biases and a normal x.

    ValueError for another network.
    """
    if net.observed or net.g is not tanh or not net.biases:
        raise ValueError("this log joint is for tanh layers with biases and a normal x: take model.joint_and_slope")
    (x, y), depth, made = require_data(x, y, net), len(net.sizes) - 1, {}
    constant = 0.5 * x.size * np.log(net.beta / (2 * np.pi))

    def arrays(C):
        """Outputs of the layers below the last, rows of ones beneath them, and their gradients."""
        if C not in made:
            hs = [np.ones((C, n + 1, len(y))) for n in net.sizes[:-1]]
            hs[0][:, :-1] = y.T
            made[C] = hs, [np.empty((C, n, len(y))) for n in net.sizes[1:-1]]
        return made[C]

    def joint(w):
        (hs, deltas), slope = arrays(len(w)), np.empty(w.shape)
        own, into = blocks(w, net), blocks(slope, net)
        for level in range(depth - 1):
            inner = hs[level + 1][:, :-1]
            np.tanh(np.matmul(np.swapaxes(own[level], 1, 2), hs[level], out=inner), out=inner)
        rest = x.T - np.matmul(np.swapaxes(own[-1], 1, 2), hs[-1])
        delta = net.beta * rest
        for level in reversed(range(depth)):
            np.matmul(hs[level], np.swapaxes(delta, 1, 2), out=into[level])
            if level:
                h, above = hs[level][:, :-1], delta
                delta = np.matmul(own[level][:, :-1], above, out=deltas[level - 1])
                np.multiply(delta, np.multiply(h, h, out=h), out=h)
                np.subtract(delta, h, out=delta)        # times 1 - h^2, and no number stretched to an array
        slope -= w / net.prior_sd**2
        return constant - 0.5 * net.beta * np.sum(rest**2, axis=(1, 2)) + log_prior(w, net), slope

    return joint


def blocks(w, net):
    """[(C, m + 1, n), ...]: each layer's weights, its biases as the last row; views into w (C, P)."""
    ends = np.cumsum([(m + 1) * n for m, n in zip(net.sizes, net.sizes[1:])])
    return [part.reshape(len(w), -1, n) for part, n in zip(np.split(w, ends[:-1], axis=1), net.sizes[1:])]
