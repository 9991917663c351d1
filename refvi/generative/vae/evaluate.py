"""What a fit is worth on data it has not seen: the ELBO, the importance-weighted bound, the evidence where D allows,
and what amortization costs.

Shapes: x (N, n), lam (N, 2 D) = [mu, log_sd], values (N,) in nats per datum. Work goes in blocks, so that memory does
not grow with N or S. Burda, Grosse and Salakhutdinov (2016), Importance weighted autoencoders; Cremer, Li and Duvenaud
(2018), Inference suboptimality in variational autoencoders.
"""
import numpy as np

from refvi.base.checks import require_count, require_finite, require_positive, require_shape
from refvi.base.core import Estimate
from refvi.base.families.lam import halves
from refvi.base.optimize import adam
from refvi.generative.amortization.model import closed_divergence
from refvi.generative.vae import fast
from refvi.generative.vae.model import require_data, split
from refvi.likelihood.networks import forward, rectified

BLOCK = 1000            # rows of n pixels held as floats at once: 3 MB of float32 for MNIST


def blocks(N, size=BLOCK):
    """Slices that cover N data."""
    return [slice(start, min(start + size, N)) for start in range(0, N, size)]


def floats(x, weights):
    """Data in the dtype of the weights."""
    return np.asarray(x, weights.dtype)


def encoded(shape, weights, x):
    """lam (N, 2 D) of the encoder for every datum."""
    phi, _ = split(weights, shape)
    x = require_data(x, shape)
    return np.concatenate([forward(phi, floats(x[part], weights), shape.encoder, rectified)[-1]
                           for part in blocks(len(x))])


def decoded(shape, weights, z):
    """The decoder's output (k, n) for points z (k, D): logits, or means."""
    _, theta = split(weights, shape)
    return forward(theta, floats(z, weights), shape.decoder, rectified)[-1]


def means(shape, weights, z):
    """The mean image (k, n) at points z (k, D)."""
    return shape.networks[1].observed.mean(decoded(shape, weights, z))


def log_likelihood(shape, output, x):
    """log p(x | z) (k,) of rows of data (k, n) or (1, n) from rows of the decoder's output, in nats."""
    if shape.likelihood == "bernoulli":
        return np.sum(x * output, axis=1, dtype=float) - sum_of_softplus(output)
    squares = np.sum(np.square((x - output) / shape.sd), axis=1, dtype=float)
    return -0.5 * squares - shape.n * (np.log(shape.sd) + 0.5 * np.log(2 * np.pi))


def sum_of_softplus(l):
    """sum_j log(1 + exp(l_j)) (k,) of rows.

    The positive parts, and a logarithm for every four factors 1 + exp(-|l|), which lie between 1 and 2.
    """
    factors = np.abs(l)
    positive = 0.5 * (np.sum(l, axis=1, dtype=float) + np.sum(factors, axis=1, dtype=float))
    np.exp(np.negative(factors, out=factors), out=factors)
    factors += 1
    quarter = l.shape[1] // 4
    product = factors[:, :quarter] * factors[:, quarter:2 * quarter]
    product *= factors[:, 2 * quarter:3 * quarter]
    product *= factors[:, 3 * quarter:4 * quarter]
    rest = np.sum(np.log(factors[:, 4 * quarter:]), axis=1, dtype=float)
    return positive + np.sum(np.log(product), axis=1, dtype=float) + rest


def divergence(lam):
    """KL(q || N(0, I)) (N,) in nats, in closed form and in float64."""
    return closed_divergence(np.asarray(lam, float))


def bound(shape, weights, x, rng, S=1, lam=None):
    """The ELBO (N,) of each datum.

    S draws of the reconstruction less the closed-form KL; q is the encoder's, or lam (N, 2 D). Unbiased for any S.
    """
    return reconstruction(shape, weights, x, rng, S, lam) - divergence(require_lam(shape, weights, x, lam))


def reconstruction(shape, weights, x, rng, S=1, lam=None):
    """The mean of log p(x | z) (N,) over S draws of q for each datum, in nats."""
    require_count("S", S)
    x = require_data(x, shape)
    lam, values = require_lam(shape, weights, x, lam), np.empty(len(x))
    for part in blocks(len(x)):
        mu, log_sd = halves(lam[part])
        block = floats(x[part], weights)
        draws = (mu + np.exp(log_sd) * rng.standard_normal(mu.shape, dtype=lam.dtype.type) for _ in range(S))
        values[part] = sum(log_likelihood(shape, decoded(shape, weights, z), block) for z in draws) / S
    return values


def require_lam(shape, weights, x, lam):
    """lam (N, 2 D) as it was given, or the encoder's."""
    if lam is None:
        return encoded(shape, weights, x)
    lam = require_shape("lam", lam, (len(x), 2 * shape.D), f"mu and log_sd for each of the N={len(x)} data")
    return floats(require_finite("lam", lam), weights)


def average(values):
    """Estimate of a mean of one value a datum, with its standard error."""
    return Estimate(float(np.mean(values)), float(np.std(values) / np.sqrt(len(values))))


def importance_bound(shape, weights, x, rng, S=5000, lam=None):
    """log of the average of S weights (N,), in nats: between the ELBO and log p(x) on average, and it grows with S.
    Datum by datum, draws in blocks."""
    require_count("S", S)
    lam, x = require_lam(shape, weights, x, lam), require_data(x, shape)
    values = np.empty(len(x))
    for i in range(len(x)):
        mu, log_sd = halves(lam[i].astype(float))
        top, mass = -np.inf, 0.                 # of the weights so far: their largest, and their sum over it
        for part in blocks(S):
            eps = rng.standard_normal((part.stop - part.start, shape.D))
            z = mu + np.exp(log_sd) * eps
            fit = log_likelihood(shape, decoded(shape, weights, z), floats(x[i:i + 1], weights))
            log_w = fit - 0.5 * np.sum(z**2 - eps**2, axis=1) + np.sum(log_sd)
            higher = max(top, np.max(log_w))
            top, mass = higher, mass * np.exp(top - higher) + np.sum(np.exp(log_w - higher))
        values[i] = top + np.log(mass / S)
    return values


def log_evidence(shape, weights, x, order=400, reach=7.):
    """log p(x) (N,) in nats by a grid of order^D nodes from -reach to reach: D of one or two, and posteriors that are
    wide beside the grid's 2 reach/order.

    The decoder's kinks leave an error of the order of the distance squared: compare with twice the order. For the
    Bernoulli and the Gaussian alike, log p(x | z) at all nodes and all data is one matrix product.
    """
    if shape.D > 2:
        raise ValueError(f"quadrature over D={shape.D} dimensions needs {order}^{shape.D} nodes: take importance_bound")
    if require_count("order", order) < 2:
        raise ValueError("a grid of order=1 has no spacing: take at least 2 nodes, and compare with twice as many")
    require_positive("reach", reach, "the grid goes from -reach to reach")
    x, (t, h) = require_data(x, shape), np.linspace(-reach, reach, order, retstep=True)
    nodes = np.stack(np.meshgrid(*[t] * shape.D, indexing="ij"), axis=-1).reshape(-1, shape.D)
    top, mass = np.full(len(x), -np.inf), np.zeros(len(x))
    for part in blocks(len(nodes)):
        z = nodes[part]
        output = decoded(shape, weights, z)
        scale, own = (1., sum_of_softplus(output)) if shape.likelihood == "bernoulli" else (
            shape.sd**-2, 0.5 * np.sum(np.square(output / shape.sd), axis=1, dtype=float))
        prior = shape.D * np.log(h) - 0.5 * np.sum(z**2 + np.log(2 * np.pi), axis=1)
        for rows in blocks(len(x)):
            log_joint = np.dot(floats(x[rows], weights), output.T) * scale + (prior - own)
            higher = np.maximum(top[rows], np.max(log_joint, axis=1))
            mass[rows] = mass[rows] * np.exp(top[rows] - higher) + np.sum(np.exp(log_joint - higher[:, None]), axis=1)
            top[rows] = higher
    values = top + np.log(mass)
    if shape.likelihood == "gaussian":
        values -= 0.5 * np.sum(np.square(np.asarray(x, float) / shape.sd), axis=1)
        values -= shape.n * (np.log(shape.sd) + 0.5 * np.log(2 * np.pi))
    return values


def refined(shape, weights, x, rng, steps=300, S=1, rate=0.02, lam=None):
    """lam (N, 2 D) after `steps` of Adam on each datum's own ELBO, from the encoder's lam on; the decoder stays.

    In blocks of data, all of a block at once.

    What the bound gains is the amortization gap; the rate falls to a tenth, so that the noise of S draws dies out.
    """
    _, theta = split(weights, shape)
    require_count("S", S)
    require_positive("rate", rate, "ascent is uphill already")
    own, x = fast.stacked(theta, shape.decoder), require_data(x, shape)
    lam, D = require_lam(shape, weights, x, lam).copy(), shape.D
    for part in blocks(len(x), 500):
        room = fast.buffers(shape, part.stop - part.start, weights.dtype, x.dtype)
        room.x[:] = x[part]

        def gradient(at):
            mu, log_sd = at[:, :D], at[:, D:]
            total = np.zeros_like(at)
            for _ in range(S):
                slope, eps = slope_in_z(own, shape, room, mu, np.exp(log_sd), rng)
                total[:, :D] += slope
                total[:, D:] += slope * np.exp(log_sd) * eps
            return total / S + np.concatenate([-mu, 1 - np.exp(2 * log_sd)], axis=1)

        lam[part] = adam(gradient, lam[part], steps, lambda t: rate * (1 - 0.9 * t / steps)).lam
    return lam


def slope_in_z(own, shape, room, mu, sd, rng):
    """(the gradient of log p(x | z) in z (M, D) at one draw of each datum's q, the noise of that draw)."""
    room.eps[:] = rng.standard_normal(room.eps.shape, dtype=room.eps.dtype.type)
    np.add(mu, np.multiply(sd, room.eps, out=room.z), out=room.z)
    delta = fast.forward(own, room.decoder)
    fast.log_likelihood(shape, room)
    for level in reversed(range(1, len(own))):
        delta = fast.inwards(own, level, delta, room.decoder)
    return np.dot(delta, own[0][:-1].T), room.eps
