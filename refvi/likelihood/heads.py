"""A network with its likelihood: what it puts out are the parameters of a density of what is observed.

Shapes: x (N, n) observed; inputs (..., N, n_0) and outputs (..., N, k), stacks of batches allowed; theta (P,), the
weights in the order of networks.py, then what no input moves. Log densities in nats, summed over the n entries of a
datum. RAI, "Role of decoder"; PML, "The Variational Auto Encoder (VAE)".
"""
from functools import lru_cache
from typing import Callable, NamedTuple

import autograd.numpy as np

from refvi.base.checks import require_positive
from refvi.base.families.lam import halves
from refvi.base.special import gammaln, logsumexp
from refvi.likelihood.networks import Activation, count, forward, layers, sigmoid, tanh


class Likelihood(NamedTuple):
    """p(x | outputs), one of those below."""
    name: str
    log_prob: Callable          # (x, outputs) -> (..., N) nats
    slope: Callable             # (x, outputs) -> the gradient of log_prob in the outputs (..., N, k)
    mean: Callable              # (outputs) -> E[x | outputs] (..., N, n)
    draw: Callable              # (rng, outputs) -> x
    heads: int = 1              # outputs of the network for each entry of a datum
    free: int = 0               # further outputs that no input moves, the last numbers of theta
    binary: bool = False        # whether x holds zeros and ones


class Network(NamedTuple):
    """Layer sizes and nonlinearity, and what is observed of the outputs.

    An encoder's are [mu, log_sd], and observed is None.
    """
    sizes: tuple
    observed: Likelihood | None = None
    g: Activation = tanh

    @property
    def free(self):
        """How many outputs no input moves."""
        return self.observed.free if self.observed else 0

    @property
    def size(self):
        """How many numbers theta holds."""
        return count(self.sizes) + self.free

    @property
    def n(self):
        """Entries of a datum."""
        return self.sizes[-1] // (self.observed.heads if self.observed else 1)

    def __str__(self):
        return "-".join(map(str, self.sizes))


# ---- likelihoods

def bernoulli_log_prob(x, logits):
    """sum over pixels of x l - log(1 + e^l): never through probabilities, so logits of 800 are as good as any.
    PML.121."""
    return np.sum(x * logits - np.logaddexp(0., logits), axis=-1)


def bernoulli_draw(rng, logits):
    """Zeros and ones (..., N, n), one for every logit."""
    return (rng.random(np.shape(logits)) < sigmoid(logits)).astype(float)


def softmax(logits):
    """Probabilities (..., N, K) of K outcomes, from logits of any size."""
    return np.exp(logits - logsumexp(logits, axis=-1)[..., None])


def categorical_log_prob(x, logits):
    """The logit of the outcome less the log of the sum of all; x (..., N, K) has a one where it happened. UA.020."""
    return np.sum(x * logits, axis=-1) - logsumexp(logits, axis=-1)


def categorical_draw(rng, logits):
    """Outcomes (..., N, K), a single one in each row, where logit plus Gumbel noise is largest."""
    noisy = logits - np.log(rng.standard_exponential(np.shape(logits)))
    return (noisy == np.max(noisy, axis=-1, keepdims=True)).astype(float)


def poisson_log_prob(x, log_rates):
    """sum over entries of x l - e^l - log x!, for counts x and the logarithms l of their means."""
    return np.sum(x * log_rates - np.exp(log_rates) - gammaln(x + 1.), axis=-1)


def normal_log_prob(x, outputs):
    """log N(x; mean, sd^2), the outputs being n means, then log sd: n of them, or one for all entries. RAI.092."""
    n = np.shape(x)[-1]
    mean, log_sd = outputs[..., :n], outputs[..., n:]
    return np.sum(-0.5 * ((x - mean) * np.exp(-log_sd))**2 - log_sd - 0.5 * np.log(2 * np.pi), axis=-1)


def normal_slope(x, outputs):
    """The gradient of normal_log_prob in the outputs (..., N, k): in the means, then in log sd."""
    n = np.shape(x)[-1]
    mean, log_sd = outputs[..., :n], outputs[..., n:]
    t = (x - mean) * np.exp(-log_sd)
    in_log_sd = t**2 - 1
    if np.shape(log_sd)[-1] < n:
        in_log_sd = np.sum(in_log_sd, axis=-1, keepdims=True)
    return np.concatenate([t * np.exp(-log_sd), in_log_sd], axis=-1)


def normal_draw(rng, mean, log_sd):
    """mean + sd eps (..., N, n), every entry with noise of its own."""
    return mean + np.exp(log_sd) * rng.standard_normal(np.shape(mean))


bernoulli = Likelihood("bernoulli", bernoulli_log_prob, lambda x, logits: x - sigmoid(logits), sigmoid,
                       bernoulli_draw, binary=True)

categorical = Likelihood("categorical", categorical_log_prob, lambda x, logits: x - softmax(logits), softmax,
                         categorical_draw)

poisson = Likelihood("poisson", poisson_log_prob, lambda x, log_rates: x - np.exp(log_rates), np.exp,
                     lambda rng, log_rates: rng.poisson(np.exp(log_rates)).astype(float))

# one standard deviation for all entries and data, learned with the weights
normal = Likelihood("normal", normal_log_prob, normal_slope, lambda outputs: outputs[..., :-1],
                    lambda rng, outputs: normal_draw(rng, outputs[..., :-1], outputs[..., -1:]), free=1)

# the network ends in two heads, means and log standard deviations
normal_heads = Likelihood("normal with two heads", normal_log_prob, normal_slope, lambda outputs: halves(outputs)[0],
                          lambda rng, outputs: normal_draw(rng, *halves(outputs)), heads=2)


@lru_cache
def normal_of(sd):
    """x ~ N(outputs, sd^2 I), for one standard deviation sd that stays; the same object for the same sd."""
    require_positive("sd", sd, "a standard deviation, not a variance or its logarithm")

    def log_prob(x, mean):
        return np.sum(-0.5 * ((x - mean) / sd)**2, axis=-1) - np.shape(x)[-1] * (np.log(sd) + 0.5 * np.log(2 * np.pi))

    return Likelihood(f"normal of sd {sd:g}", log_prob, lambda x, mean: (x - mean) / sd**2, lambda mean: mean,
                      lambda rng, mean: normal_draw(rng, mean, np.log(sd)))


# ---- forward and backward

def parts(theta, network):
    """(weights and biases, the outputs that no input moves), or a ValueError for a theta of another length."""
    if np.shape(theta) != (network.size,):
        raise ValueError(f"theta has shape {np.shape(theta)}, expected ({network.size},): weights and biases of "
                         f"layers {network}"
                         + f", then {network.free} for the {network.observed.name} likelihood" * bool(network.free))
    inner = count(network.sizes)
    return theta[:inner], theta[inner:]


def through(theta, inputs, network):
    """[inputs, h_1, ..., outputs].

    What every layer returned (..., N, n_l), the last with what no input moves behind it.
    """
    weights, free = parts(theta, network)
    hs = forward(weights, inputs, network.sizes, network.g)
    if network.free:
        hs[-1] = np.concatenate([hs[-1], free + np.zeros(np.shape(hs[-1])[:-1] + (network.free,))], axis=-1)
    return hs


def output(theta, inputs, network):
    """What a network returns (..., N, k)."""
    return through(theta, inputs, network)[-1]


def back(theta, hs, delta, network):
    """(gradient in theta (..., P), summed over the N data of each batch; gradient in the inputs (..., N, n_0)) of any
    scalar.

    hs is what `through` kept, delta (..., N, k) the scalar's gradient in the outputs.
    """
    own, k, found = layers(parts(theta, network)[0], network.sizes), network.sizes[-1], []
    if network.free:
        found.append(np.sum(delta[..., k:], axis=-2))
        delta = delta[..., :k]
    for level in reversed(range(len(own))):
        W = np.matmul(np.swapaxes(hs[level], -1, -2), delta)
        found += [np.sum(delta, axis=-2), W.reshape(W.shape[:-2] + (-1,))]
        delta = np.matmul(delta, own[level][0].T)
        if level:
            delta = delta * network.g.slope(hs[level])
    return np.concatenate(found[::-1], axis=-1), delta
