"""A standard autoencoder, the VAE's own networks without noise and without a divergence, and numbers for what it
lacks. RAI, "A standard auto-encoder".

Shapes: x (M, n) as in fast.py, codes (N, D), images (N, n). The encoder's second half, log_sd, stays where it began:
nothing asks for it. Gretton et al. (2012), A kernel two-sample test.
"""
import numpy as np

from refvi.base.checks import require_count, require_positive
from refvi.base.core import Estimate
from refvi.base.families.lam import halves
from refvi.generative.vae import fast, training


def step(own, into, shape, room):
    """(log p(x | z = mu) of the batch in room.x, 0), summed over data in nats; its gradient goes into `into`.
    fast.step with sd = 0 and no KL."""
    D = shape.D
    lam = fast.forward(own[0], room.encoder)
    room.z[:] = lam[:, :D]
    fast.forward(own[1], room.decoder)
    reconstruction = fast.log_likelihood(shape, room)
    if not np.isfinite(reconstruction):
        reconstruction = fast.exact_bernoulli(own[1], room)
    delta = fast.backward(own[1], into[1], room.decoder.hs[-1], room.decoder)
    room.delta_lam[:] = 0
    room.delta_lam[:, :D] = np.dot(delta, own[1][0][:-1].T, out=room.delta_z)
    fast.backward(own[0], into[0], room.delta_lam, room.encoder)
    return reconstruction, 0.


def epochs(fit, x, watch=None):
    """The Training of an autoencoder after each epoch, without end: training.epochs with this step.

    There is no bound to look at on held-out data.
    """
    return training.epochs(fit, x, None, watch, step)


def spread(codes):
    """KL in nats between the normal with the codes' mean and covariance (N, D) and N(0, I).

    What random z ~ N(0, I) misses of where codes lie, or more.
    """
    if np.ndim(codes) != 2 or len(codes) <= np.shape(codes)[1]:
        raise ValueError(f"codes of shape {np.shape(codes)}, expected (N, D) with N > D: fewer have no volume")
    mean, covariance = np.mean(codes, axis=0), np.atleast_2d(np.cov(codes, rowvar=False))
    return 0.5 * float(np.trace(covariance) + mean @ mean - len(mean) - np.linalg.slogdet(covariance)[1])


def squared_distances(a, b):
    """(..., N, M) from rows of a (..., N, n) to rows of b (..., M, n); rounding leaves none below zero."""
    a, b = np.asarray(a, float), np.asarray(b, float)
    return np.maximum(np.sum(a * a, axis=-1)[..., :, None] + np.sum(b * b, axis=-1)[..., None, :]
                      - 2 * np.matmul(a, np.swapaxes(b, -1, -2)), 0)


def median_distance(images):
    """The customary width of the kernel: the median distance of two of the images."""
    return float(np.median(np.sqrt(squared_distances(images, images)[np.triu_indices(len(images), 1)])))


def kernel(a, b, width):
    """exp(-|a - b|^2/(2 width^2)), (..., N, M)."""
    require_positive("width", width, "the distance at which two images are no longer alike")
    return np.exp(-0.5 * squared_distances(a, b) / width**2)


def kernel_distance(a, b, width):
    """An unbiased estimate of MMD^2 = E k(a, a') - 2 E k(a, b) + E k(b, b') from rows of a (..., N, n) and b (..., M,
    n): no row is paired with itself.

    Zero on average where both come from one distribution, so it may come out negative.
    """
    return within(a, width) + within(b, width) - 2 * np.mean(kernel(a, b, width), axis=(-1, -2))


def within(a, width):
    """The average of k over pairs of different rows."""
    N = np.shape(a)[-2]
    if N < 2:
        raise ValueError(f"N={N} images have no pairs: take at least 2")
    return (np.sum(kernel(a, a, width), axis=(-1, -2)) - N) / (N * (N - 1))


def two_sample(a, b, width, parts=20):
    """Estimate of MMD^2 between two sets of images, with its standard error.

    The average over disjoint parts, each of them unbiased.
    """
    require_count("parts", parts)
    if min(len(a), len(b)) < 2 * parts or parts < 2:
        raise ValueError(f"{len(a)} and {len(b)} images in parts={parts}: "
                         "at least two parts of two images each are needed")
    values = [kernel_distance(*pair, width) for pair in zip(np.array_split(a, parts), np.array_split(b, parts))]
    return Estimate(float(np.mean(values)), float(np.std(values, ddof=1) / np.sqrt(parts)))


# ---- the rows of the derivation

def squared_error_and_constant(x, l, sd):
    """log p(x | z) (N,) of a Gaussian decoder.

    The squared error, in units of its variance, and what does not depend on the networks.
    """
    return -0.5 * np.sum((x - l)**2, axis=-1) / sd**2 - 0.5 * x.shape[-1] * np.log(2 * np.pi * sd**2)


def backward_without_noise(weights, x, shape):
    """What training climbs along, divided by the number of data. (P,)"""
    room, into = fast.buffers(shape, len(x), weights.dtype), np.empty_like(weights)
    room.x[:] = x
    step(fast.both(weights, shape), fast.both(into, shape), shape, room)
    return into / len(x)


def moved(noise, one):
    """Standard normal noise (..., S, D) as draws of the normal with lam = [mu, log_sd]."""
    mu, log_sd = halves(one)
    return mu + np.exp(log_sd) * noise


def kernel_of_pairs(eps, lam, width):
    """The estimate in use, from S draws of two normals on the line: eps (..., S, 2) their noise, lam (2, 2)."""
    return kernel_distance(moved(eps[..., :1], lam[0]), moved(eps[..., 1:], lam[1]), width)


def distance_of_densities(nodes, mass, lam, width):
    """Double integrals on nodes (k, 1) of N(0, 1) with their mass (k,)."""
    a, b = (moved(nodes, one) for one in lam)
    return float(mass @ (kernel(a, a, width) + kernel(b, b, width) - 2 * kernel(a, b, width)) @ mass)


def divergence_of_moments(codes):
    """What is reported as the codes' distance from the prior, in nats."""
    return spread(codes)
