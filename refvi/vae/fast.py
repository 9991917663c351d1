"""One minibatch, fast: the ELBO of one draw per datum and its gradient, in buffers that are made once. derivations/vae.md has its rows.

Shapes: x (M, n), eps and z (M, D), the encoder's output (M, 2 D) = [mu, log_sd], the decoder's (M, n). Sums over the batch, not averages: Adam does
not see the difference, and 784 divisions a datum are saved. Everything is in the dtype of the buffers, float32 unless asked otherwise; totals are floats.
"""
from typing import NamedTuple

import numpy as np

from refvi.networks import layers
from refvi.vae.model import split


class Pass(NamedTuple):
    """What one network leaves behind: h_1 .. h_L, zeros to compare the hidden ones with, and the gradients in them."""
    hs: list
    zeros: list
    deltas: list


class Buffers(NamedTuple):
    """Room for a minibatch of M data."""
    x: np.ndarray               # (M, n)
    picked: np.ndarray          # (M, n), in the dtype of the data
    scratch: np.ndarray         # (M, n)
    encoder: Pass
    decoder: Pass
    eps: np.ndarray             # (M, D)
    sd: np.ndarray              # (M, D)
    z: np.ndarray               # (M, D)
    delta_z: np.ndarray         # (M, D)
    delta_lam: np.ndarray       # (M, 2 D)
    ones: np.ndarray            # (M,)


def buffers(shape, M, dtype=np.float32, kind=bool):
    """Buffers of M data whose dtype is kind."""
    def room(sizes):
        hidden = [np.empty((M, k), dtype) for k in sizes[1:-1]]
        return Pass(hidden + [np.empty((M, sizes[-1]), dtype)], [np.zeros_like(h) for h in hidden], [np.empty_like(h) for h in hidden])

    wide, narrow = (M, shape.n), (M, shape.D)
    return Buffers(np.empty(wide, dtype), np.empty(wide, kind), np.empty(wide, dtype), room(shape.encoder), room(shape.decoder),
                   *(np.empty(narrow, dtype) for _ in range(4)), np.empty((M, 2 * shape.D), dtype), np.ones(M, dtype))


def first_rows(room, m):
    """The same room for only m data, for the last minibatch of an epoch."""
    if isinstance(room, np.ndarray):
        return room[:m]
    return type(room)(*map(lambda part: first_rows(part, m), room)) if isinstance(room, tuple) else [first_rows(part, m) for part in room]


def both(vector, shape):
    """Layers of encoder and decoder: views into a flat vector (P,)."""
    phi, theta = split(vector, shape)
    return layers(phi, shape.encoder), layers(theta, shape.decoder)


def forward(own, y, room):
    """The output of a network with these layers; what every layer returned stays in its room."""
    for level, (W, b) in enumerate(own):
        h = room.hs[level]
        np.dot(y, W, out=h)
        np.add(h, b, out=h)
        if level < len(room.zeros):
            np.maximum(h, room.zeros[level], out=h)         # with an array of zeros, 2.7 times as fast as with a zero
        y = h
    return y


def inwards(own, level, delta, room):
    """The gradient in what entered a layer above the first, from that in what left it."""
    below = room.deltas[level - 1]
    np.dot(delta, own[level][0].T, out=below)
    return np.multiply(below, room.hs[level - 1] > 0, out=below)


def backward(own, into, y, delta, room, ones):
    """Gradients into the layers `into`, from that in the output; returns that in h_1."""
    for level in reversed(range(len(own))):
        np.dot((room.hs[level - 1] if level else y).T, delta, out=into[level][0])
        np.dot(ones, delta, out=into[level][1])
        if level:
            delta = inwards(own, level, delta, room)
    return delta


def log_likelihood(shape, room):
    """log p(x | z) summed over the batch, in nats; the decoder's output becomes its gradient, the delta."""
    return (bernoulli if shape.likelihood == "bernoulli" else gaussian)(shape, room.x, room.decoder.hs[-1], room.scratch)


def bernoulli(shape, x, logits, scratch):
    """With s = 1 - 2x, o = exp(s l) are the odds against what was seen: log p = -log(1 + o), and delta = x - sigmoid(l) = s (1/(1 + o) - 1).

    One exponential a pixel, and a logarithm for four: of the product of their 1 + o, which overflows where they are wrong by 88 nats together.
    """
    one = x.dtype.type(1)
    sign = np.subtract(one, np.add(x, x, out=scratch), out=scratch)
    inverse = np.exp(np.multiply(sign, logits, out=logits), out=logits)
    np.add(inverse, one, out=inverse)
    reconstruction = -sum_of_logs(inverse.reshape(-1))
    np.divide(one, inverse, out=inverse)
    np.multiply(np.subtract(inverse, one, out=inverse), sign, out=inverse)
    return reconstruction


def sum_of_logs(values):
    """sum_i log v_i of values (k,), multiplied in fours before the logarithm, which costs ten times a product."""
    quarter = len(values) // 4
    product = values[:quarter] * values[quarter:2 * quarter]
    for start in (2 * quarter, 3 * quarter):
        np.multiply(product, values[start:start + quarter], out=product)
    return float(np.sum(np.log(product, out=product))) + float(np.sum(np.log(values[4 * quarter:])))


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
    """mu, log_sd (M, D) of x, and the draw z = mu + exp(log_sd) eps in its place."""
    lam = forward(own, room.x, room.encoder)
    mu, log_sd = lam[:, :D], lam[:, D:]
    np.exp(log_sd, out=room.sd)
    np.add(mu, np.multiply(room.sd, room.eps, out=room.z), out=room.z)
    return mu, log_sd


def divergence(mu, log_sd, sd):
    """KL(q || N(0, I)) summed over the batch, in nats."""
    return 0.5 * float(np.sum(mu * mu) + np.sum(sd * sd) - mu.size) - float(np.sum(log_sd))


def step(own, into, shape, room):
    """(reconstruction, KL) of the batch in room.x with the noise in room.eps, summed over data; the gradient of their difference goes into `into`.

    own and into are `both` of the weights and of the gradient.
    """
    D = shape.D
    mu, log_sd = encode(own[0], room, D)
    forward(own[1], room.z, room.decoder)
    reconstruction = log_likelihood(shape, room)
    if not np.isfinite(reconstruction):         # a pixel so sure that tanh is one in this precision: rare, and worth the product once more
        reconstruction = exact_bernoulli(own[1], room)
    delta = backward(own[1], into[1], room.z, room.decoder.hs[-1], room.decoder, room.ones)
    np.dot(delta, own[1][0][0].T, out=room.delta_z)
    np.subtract(room.delta_z, mu, out=room.delta_lam[:, :D])
    np.multiply(room.delta_z, room.sd * room.eps, out=room.delta_lam[:, D:])
    np.add(room.delta_lam[:, D:], 1 - room.sd * room.sd, out=room.delta_lam[:, D:])
    backward(own[0], into[0], room.x, room.delta_lam, room.encoder, room.ones)
    return reconstruction, divergence(mu, log_sd, room.sd)


def exact_bernoulli(own, room):
    """The sum of x l - softplus(l), from the last hidden layer that is still there."""
    W, b = own[-1]
    logits = np.dot(room.decoder.hs[-2] if len(own) > 1 else room.z, W) + b
    return float(np.sum(room.x * logits - softplus(logits), dtype=float))
