"""One minibatch, fast: the ELBO of one draw per datum and its gradient, in buffers that are made once.

derivations/generative/vae.md has its rows.

Shapes: x (M, n), eps and z (M, D), the encoder's output (M, 2 D) = [mu, log_sd], the decoder's (M, n). What enters a
layer has a last column of ones, and a layer's weights a last row, its biases, where refvi.likelihood.networks has them
anyway: one product is all of a layer, and one its gradient. Sums over the batch, not averages: Adam does not see the
difference. Everything is in the dtype of the buffers, float32 unless asked otherwise; totals are floats.
"""
import math
from typing import NamedTuple

import numpy as np

from refvi.generative.vae.model import split


class Pass(NamedTuple):
    """What one network leaves behind."""
    inputs: list                # (M, k + 1) of every layer, the last column ones
    hs: list                    # (M, k) what every layer returns: the next one's input without its ones
    zeros: list                 # (M, k) to compare the hidden ones with
    deltas: list                # (M, k) the gradients in the hidden ones


class Buffers(NamedTuple):
    """Room for a minibatch of M data."""
    x: np.ndarray               # (M, n), the encoder's input without its ones
    picked: np.ndarray          # (M, n), in the dtype of the data
    scratch: np.ndarray         # (M, n)
    encoder: Pass
    decoder: Pass
    eps: np.ndarray             # (M, D), then sd eps
    sd: np.ndarray              # (M, D)
    z: np.ndarray               # (M, D), the decoder's input without its ones
    delta_z: np.ndarray         # (M, D)
    delta_lam: np.ndarray       # (M, 2 D)


def buffers(shape, M, dtype=np.float32, kind=bool):
    """Buffers of M data whose dtype is kind."""
    def room(sizes):
        inputs = [np.ones((M, k + 1), dtype) for k in sizes[:-1]]
        hidden = [y[:, :-1] for y in inputs[1:]]
        return Pass(inputs, hidden + [np.empty((M, sizes[-1]), dtype)],
                    [np.zeros((M, k), dtype) for k in sizes[1:-1]], [np.empty((M, k), dtype) for k in sizes[1:-1]])

    encoder, decoder = room(shape.encoder), room(shape.decoder)
    return Buffers(encoder.inputs[0][:, :-1], np.empty((M, shape.n), kind), np.empty((M, shape.n), dtype), encoder,
                   decoder,
                   np.empty((M, shape.D), dtype), np.empty((M, shape.D), dtype), decoder.inputs[0][:, :-1],
                   np.empty((M, shape.D), dtype), np.empty((M, 2 * shape.D), dtype))


def first_rows(room, m):
    """Views of the first m rows of every buffer, for the short last minibatch of an epoch."""
    if isinstance(room, np.ndarray):
        return room[:m]
    parts = [first_rows(part, m) for part in room]
    return type(room)(*parts) if isinstance(room, tuple) else parts


def both(vector, shape):
    """Layers of encoder and decoder, (k + 1, k') each, biases below weights: views into a flat vector (P,)."""
    return [stacked(part, sizes) for part, sizes in zip(split(vector, shape), (shape.encoder, shape.decoder))]


def stacked(vector, sizes):
    """[W above b, ...], as they stand in a network's flat vector."""
    ends = np.cumsum([(m + 1) * n for m, n in zip(sizes, sizes[1:])])
    return [part.reshape(-1, n) for part, n in zip(np.split(vector, ends[:-1]), sizes[1:])]


def forward(own, room):
    """The output of a network with these layers for what stands in its first input.

    What every layer returned stays in its room.
    """
    for level, layer in enumerate(own):
        h = np.matmul(room.inputs[level], layer, out=room.hs[level])
        if level < len(room.zeros):
            np.maximum(h, room.zeros[level], out=h)         # with an array of zeros, 2.7 times as fast as with a zero
    return h


def inwards(own, level, delta, room):
    """The gradient in what entered a layer above the first, from that in what left it."""
    below = np.dot(delta, own[level][:-1].T, out=room.deltas[level - 1])
    return np.multiply(below, room.hs[level - 1] > 0, out=below)


def backward(own, into, delta, room):
    """Gradients into the layers `into`, from that in the output; returns that in h_1."""
    for level in reversed(range(len(own))):
        np.dot(room.inputs[level].T, delta, out=into[level])
        if level:
            delta = inwards(own, level, delta, room)
    return delta


def log_likelihood(shape, room):
    """log p(x | z) summed over the batch, in nats; the decoder's output becomes its gradient, the delta."""
    seen = bernoulli if shape.likelihood == "bernoulli" else gaussian
    return seen(shape, room.x, room.decoder.hs[-1], room.scratch)


@np.errstate(over="ignore")
def bernoulli(shape, x, logits, scratch):
    """With s = 1 - 2x, o = exp(s l) are the odds against what was seen: log p = -log(1 + o), and delta = x -
    sigmoid(l) = s (1/(1 + o) - 1).

    One exponential a pixel, and a logarithm for eight: of the product of their 1 + o, which overflows where they are
    wrong by 88 nats together.
    """
    sign = np.subtract(1, np.add(x, x, out=scratch), out=scratch)
    inverse = np.exp(np.multiply(sign, logits, out=logits), out=logits)
    np.add(inverse, 1, out=inverse)
    reconstruction = -sum_of_logs(inverse.reshape(-1))
    np.divide(1, inverse, out=inverse)
    np.multiply(np.subtract(inverse, 1, out=inverse), sign, out=inverse)
    return reconstruction


def sum_of_logs(values):
    """sum_i log v_i of values (k,), multiplied in eights before the logarithm, which costs ten times a product."""
    whole = len(values) // 8 * 8
    total = np.add.reduce(np.log(np.multiply.reduce(values[:whole].reshape(8, -1), axis=0)))
    return float(total if whole == len(values) else total + np.add.reduce(np.log(values[whole:])))


def gaussian(shape, x, mean, scratch):
    """delta = (x - mean)/sd^2; the square of the residuals is a dot product."""
    delta = np.subtract(x, mean, out=mean)
    squares = float(np.dot(delta.ravel(), delta.ravel()))
    np.multiply(delta, delta.dtype.type(shape.sd**-2), out=delta)
    return -0.5 * squares / shape.sd**2 - x.size * float(np.log(shape.sd) + 0.5 * np.log(2 * np.pi))


def softplus(l):
    """log(1 + exp(l)) without overflow; in float32 wrong by 1e-7, absolutely, and three times as fast as logaddexp."""
    return np.maximum(l, 0) + np.log(1 + np.exp(-np.abs(l)))


def encode(own, room, D):
    """mu, log_sd (M, D) of x; the draw z = mu + sd eps in its place, sd eps in that of eps."""
    lam = forward(own, room.encoder)
    mu, log_sd = lam[:, :D], lam[:, D:]
    np.exp(log_sd, out=room.sd)
    np.add(mu, np.multiply(room.sd, room.eps, out=room.eps), out=room.z)
    return mu, log_sd


def divergence(mu, log_sd, sd):
    """KL(q || N(0, I)) summed over the batch, in nats."""
    return 0.5 * (float(np.vdot(mu, mu)) + float(np.vdot(sd, sd)) - mu.size) - float(np.add.reduce(log_sd, axis=None))


def step(own, into, shape, room):
    """(reconstruction, KL) of the batch in room.x with the noise in room.eps, summed over data; the gradient of their
    difference goes into `into`.

    own and into are `both` of the weights and of the gradient.
    """
    D = shape.D
    mu, log_sd = encode(own[0], room, D)
    forward(own[1], room.decoder)
    reconstruction = log_likelihood(shape, room)
    if not math.isfinite(reconstruction):       # odds beyond the largest number: rare, and worth the product once more
        reconstruction = exact_bernoulli(own[1], room)
    delta = backward(own[1], into[1], room.decoder.hs[-1], room.decoder)
    np.dot(delta, own[1][0][:-1].T, out=room.delta_z)
    np.subtract(room.delta_z, mu, out=room.delta_lam[:, :D])
    slope = np.multiply(room.delta_z, room.eps, out=room.delta_lam[:, D:])      # sd eps
    np.add(slope, 1 - room.sd * room.sd, out=slope)
    backward(own[0], into[0], room.delta_lam, room.encoder)
    return reconstruction, divergence(mu, log_sd, room.sd)


def exact_bernoulli(own, room):
    """The sum of x l - softplus(l), from the last hidden layer that is still there."""
    logits = np.dot(room.decoder.inputs[-1], own[-1])
    return float(np.sum(room.x * logits - softplus(logits), dtype=float))
