"""A standard autoencoder, the VAE's own networks without noise and without a divergence, and numbers for what it lacks. RAI, "A standard auto-encoder".

Shapes: x (M, n) as in fast.py, codes (N, D), images (N, n). The encoder's second half, log_sd, stays where it began: nothing asks for it.
Gretton et al. (2012), A kernel two-sample test.
"""
import numpy as np

from refvi.core import Estimate, require_count, require_positive
from refvi.vae import fast, training
from refvi.vae.evaluate import average


def step(own, into, shape, room):
    """(log p(x | z = mu) of the batch in room.x, 0), summed over data in nats; its gradient goes into `into`. fast.step with sd = 0 and no KL."""
    D = shape.D
    lam = fast.forward(own[0], room.x, room.encoder)
    room.z[:] = lam[:, :D]
    fast.forward(own[1], room.z, room.decoder)
    reconstruction = fast.log_likelihood(shape, room)
    if not np.isfinite(reconstruction):
        reconstruction = fast.exact_bernoulli(own[1], room)
    delta = fast.backward(own[1], into[1], room.z, room.decoder.hs[-1], room.decoder, room.ones)
    room.delta_lam[:] = 0
    room.delta_lam[:, :D] = np.dot(delta, own[1][0][0].T, out=room.delta_z)
    fast.backward(own[0], into[0], room.x, room.delta_lam, room.encoder, room.ones)
    return reconstruction, 0.


def epochs(fit, x, watch=None):
    """The Fit of an autoencoder after each epoch, without end: training.epochs with this step. There is no bound to look at on held-out data."""
    return training.epochs(fit, x, None, watch, step)


def spread(codes):
    """KL in nats between the normal with the codes' mean and covariance (N, D) and N(0, I): what random z ~ N(0, I) misses of where codes lie, or more."""
    mean, covariance = np.mean(codes, axis=0), np.atleast_2d(np.cov(codes, rowvar=False))
    return 0.5 * float(np.trace(covariance) + mean @ mean - len(mean) - np.linalg.slogdet(covariance)[1])


def squared_distances(a, b):
    """(N, M) from rows of a to rows of b; rounding leaves none below zero."""
    a, b = np.asarray(a, float), np.asarray(b, float)
    return np.maximum(np.sum(a * a, axis=1)[:, None] + np.sum(b * b, axis=1) - 2 * a @ b.T, 0)


def median_distance(images):
    """The customary width of the kernel: the median distance of two of the images."""
    return float(np.sqrt(np.median(squared_distances(images, images)[np.triu_indices(len(images), 1)])))


def kernel_distance(a, b, width):
    """An unbiased estimate of MMD^2 = E k(a, a') - 2 E k(a, b) + E k(b, b'), k = exp(-|a - b|^2/(2 width^2)), from rows of a (N, n) and b (M, n).

    Zero on average where both come from one distribution, so it may come out negative.
    """
    inner = [(np.sum(k) - np.trace(k)) / (len(k) * (len(k) - 1)) for k in (kernel(rows, rows, width) for rows in (a, b))]
    return float(inner[0] + inner[1] - 2 * np.mean(kernel(a, b, width)))


def kernel(a, b, width):
    """exp(-|a - b|^2/(2 width^2)), (N, M)."""
    return np.exp(-0.5 * squared_distances(a, b) / require_positive("width", width, "the distance at which two images are no longer alike") ** 2)


def two_sample(a, b, width, parts=20):
    """Estimate of MMD^2 between two sets of images, with its standard error: the average over disjoint parts, each of them unbiased."""
    require_count("parts", parts)
    if min(len(a), len(b)) < 2 * parts or parts < 2:
        raise ValueError(f"{len(a)} and {len(b)} images in parts={parts}: at least two parts of two images each are needed")
    values = [kernel_distance(*pair, width) for pair in zip(np.array_split(a, parts), np.array_split(b, parts))]
    return Estimate(average(values).value, float(np.std(values, ddof=1) / np.sqrt(parts)))
