"""Companion of vae.md: its rows, its stages and its referees."""
import numpy as np
from scipy import signal, special, stats

from referees import complex_step
from refvi import diagonal_normal, noise
from refvi.base.families.lam import trapezoid
from refvi.data.mnist import FILES
from refvi.generative.vae.autoencoder import (backward_without_noise, distance_of_densities,      # noqa: F401
                                              divergence_of_moments, kernel, kernel_of_pairs, moved,
                                              squared_error_and_constant)
from refvi.generative.vae.model import architecture
from refvi.generative.vae.rows import (counted_parameters, digits_by_code, fast_gradient, first_step,      # noqa: F401
                                       flat_adam, gradient_by_hand, half_angle, in_single_precision, notebook_digits,
                                       odds_against, residual_of_half_angle, residual_of_odds, seen_in_an_epoch,
                                       training_and_validation)


# ---- slips

def digits_by_text(labels, order):
    """What the notebook's text says: the first hundred zeros, ones and twos."""
    return np.bincount(labels[notebook_digits(labels, np.sort(order), (0, 1, 2))], minlength=10)


def adam_without_correction(gradients, rate):
    """Moments that begin at zero, taken for averages from the first step on."""
    weights, first, second = np.zeros((3, gradients.shape[1]))
    for gradient in gradients:
        first, second = 0.9 * first + 0.1 * gradient, 0.999 * second + 0.001 * gradient**2
        weights = weights + rate * first / np.sqrt(second)
    return weights


def whole_batches_alone(order, M):
    """The last, short minibatch is dropped, and with it the data in it."""
    seen = np.zeros(len(order))
    for start in range(0, len(order) - M + 1, M):
        seen[order[start:start + M]] += 1
    return seen


def with_own_pairs(nodes, mass, lam, width, S):
    """The expectation of the estimate that pairs every draw with itself, too: k(a, a) = 1 enters with weight 1/S."""
    a, b = (moved(nodes, one) for one in lam)
    inner = sum(1 / S + (1 - 1 / S) * (mass @ kernel(own, own, width) @ mass) for own in (a, b))
    return float(inner - 2 * mass @ kernel(a, b, width) @ mass)


def without_the_volume(codes):
    """log det left out, which alone says that codes may also lie too close together."""
    mean, covariance = np.mean(codes, axis=0), np.cov(codes, rowvar=False)
    return 0.5 * float(np.trace(covariance) + mean @ mean - len(mean))


# ---- the referee's network: matrices by their place in the vector, complex numbers let through

def network(weights, y, sizes):
    """ReLU layers, the last without.

    ReLU looks at the real part, so that a derivative can be taken by a complex step.
    """
    start = 0
    for level, (m, n) in enumerate(zip(sizes, sizes[1:])):
        W, b = weights[start:start + m * n].reshape(m, n), weights[start + m * n:start + (m + 1) * n]
        y, start = y @ W + b, start + (m + 1) * n
        y = y if level == len(sizes) - 2 else np.where(y.real > 0, y, 0.)
    return y


def cut(weights, shape):
    inner = sum((m + 1) * n for m, n in zip(shape.encoder, shape.encoder[1:]))
    return weights[:inner], weights[inner:]


def log_density(x, output, shape):
    """log p(x | z) (N,) through probabilities and densities written out; SciPy's take no complex numbers."""
    if shape.likelihood == "bernoulli":
        p = 1 / (1 + np.exp(-output))
        return np.sum(np.where(x > 0, np.log(p), np.log(1 - p)), axis=-1)
    return np.sum(-0.5 * ((x - output) / shape.sd)**2 - 0.5 * np.log(2 * np.pi * shape.sd**2), axis=-1)


def bound_in_lam(weights, x, lam, points, shape):
    """The bound of one draw (N,) as a function of lam; the KL as minus entropy plus cross-entropy."""
    D = shape.decoder[0]
    mu, log_sd = lam[:, :D], lam[:, D:]
    z = mu + np.exp(log_sd) * points
    entropy = np.sum(log_sd + 0.5 * np.log(2 * np.pi * np.e), axis=-1)
    cross = np.sum(0.5 * (mu**2 + np.exp(2 * log_sd)) + 0.5 * np.log(2 * np.pi), axis=-1)
    return log_density(x, network(cut(weights, shape)[1], z, shape.decoder), shape) + entropy - cross


# ---- pixels

def stage_pixels(rng):
    """Logits on both sides of zero, none of them small; a binary image of five pixels for each of four data."""
    l = rng.uniform(0.8, 2.5, (4, 5)) * np.where(np.arange(20).reshape(4, 5) % 3 == 0, -1, 1)
    x, shape = (np.arange(20).reshape(4, 5) % 2 == 0).astype(float), architecture()
    return dict(x=x, l=l, pixels_by_scipy=lambda: stats.bernoulli.logpmf(x, special.expit(l)).sum(axis=1),
                slope_of_pixels=lambda: complex_step(lambda v: np.sum(log_density(x, v.reshape(4, 5), shape)),
                                                     l.ravel()).reshape(4, 5))


# ---- both networks

def weights_of(rng, shape, low, high):
    """Weights of bounded size.

    Every other unit of the encoder is awake for any image, and the decoder's weights add up: what is drawn matters.
    Spreads below one.
    """
    parts = []
    for sizes in (shape.encoder, shape.decoder):
        for level, (m, n) in enumerate(zip(sizes, sizes[1:])):
            if sizes is shape.encoder:
                sign = np.where(np.arange(n) % 2 == 0, 1, rng.choice([-1, 1], (m, n)))
                # mu points where the decoder's units are awake, sd moves little
                if level == len(sizes) - 2:
                    sign = np.concatenate([np.tile([1., -1.], (m, 1)), 0.25 * rng.choice([-1, 1], (m, n - 2))], axis=1)
                parts.append((rng.uniform(0.6, 1., (m, n)) / m * sign).ravel())
            else:
                parts.append(rng.uniform(low, high, m * n) * (np.repeat([1, -1], n) if level == 0 else 1))
            bias = rng.uniform(0.3, 0.6, n)
            if level < len(sizes) - 2:          # the last hidden unit sleeps for some data or for all
                bias[-1] = -rng.uniform(0.02, 0.06) if sizes is shape.encoder else -rng.uniform(0.8, 1.2)
            parts.append(bias)
    parts[2 * len(shape.encoder) - 3] -= np.repeat([0., 1.2], shape.decoder[0])
    return np.concatenate(parts)


def networks(rng, likelihood, n, low, high, sd):
    """Four images of n pixels, two latent dimensions, noise that is held fixed.

    Weights of sizes between low and high.
    """
    shape = architecture(n, 2, (4, 3), (3, 4), likelihood, sd)
    weights, points = weights_of(rng, shape, low, high), rng.uniform(0.8, 1.5,
                                                                     (4, 2)) * [[1, -1], [1, 1], [1, -1], [-1, -1]]
    x = rng.permuted(np.tile(1. * (np.arange(n) % 4 == 0), (4, 1)),
                     axis=1) if likelihood == "bernoulli" else rng.uniform(0.2, 0.6, (4, n))
    return shape, weights, points, x


def in_weights(shape, weights, points, x):
    """The stage of the gradient in all weights."""
    def total(weights):
        return np.mean(bound_in_lam(weights, x, network(cut(weights, shape)[0], x, shape.encoder), points, shape))

    return dict(shape=shape, weights=weights, points=points, x=x,
                gradient_by_complex_steps=lambda: complex_step(total, weights))


def stage_bernoulli(rng):
    return in_weights(*networks(rng, "bernoulli", 9, 0.25, 0.45, 1.))


def stage_gaussian(rng):
    return in_weights(*networks(rng, "gaussian", 7, 0.25, 0.45, rng.uniform(0.6, 0.8)))


# ---- Adam, epochs, data

def stage_adam(rng):
    """Five gradients of three weights, of sizes far apart."""
    gradients, rate = rng.uniform(0.5, 1.5, (5, 3)) * [[1e-3, -1., 40.]], rng.uniform(0.01, 0.03)

    def textbook():
        weights, m, v = np.zeros(3), np.zeros(3), np.zeros(3)
        for t, g in enumerate(gradients, 1):
            m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
            weights += rate * (m / (1 - 0.9**t)) / np.sqrt(v / (1 - 0.999**t))
        return weights

    def by_filters():
        """Both moments as SciPy's recursive filters of the gradients."""
        m, v = (signal.lfilter([1 - a], [1, -a], g, axis=0) for a, g in ((0.9, gradients), (0.999, gradients**2)))
        return rate * np.sum(m / np.sqrt(v), axis=0)

    return dict(gradients=gradients, rate=rate, textbook_adam=textbook, moments_by_filters=by_filters,
                rate_times_sign=lambda: rate * np.array([1., -1., 1.]))


def stage_epoch(rng):
    """Nine data in minibatches of four."""
    order = rng.permutation(9)
    return dict(order=order, M=4, once=lambda: np.ones(9), all_but_the_last=lambda: 1. * (np.arange(9) != order[-1]))


def stage_digits(rng):
    """Labels in random order."""
    labels = rng.permutation(np.repeat(np.arange(10), 150))
    hundreds = np.repeat([100, 0], [3, 7])
    return dict(labels=labels, order=rng.permutation(1500), a_hundred_of_each=lambda: np.roll(hundreds, 5),
                first_three=lambda: hundreds,
                images=np.empty((FILES["train", "images"].shape[0],
                                 0)), all_but_five_thousand=lambda: np.array([60_000 - 5_000, 5_000]),
                weights_by_hand=weights_by_hand)


def weights_by_hand():
    slide = 784 * 256 + 256 + 256 * 64 + 64 + 2 * (64 * 2 + 2), 2 * 64 + 64 + 64 * 256 + 256 + 256 * 784 + 784
    return np.array([*slide, 784 * 500 + 500 + 2 * (500 * 2 + 2), 2 * 784 + 784])


# ---- the autoencoder, and what is said of it

def stage_outputs(rng):
    """Outputs of a Gaussian decoder, far enough from the images."""
    x, l, sd = rng.uniform(0.5, 0.9, (3, 4)), rng.uniform(-0.9, -0.2, (3, 4)), rng.uniform(0.5, 0.6)
    return dict(x=x, l=l, sd=sd, output_with_normal_noise=lambda: stats.norm.logpdf(x, l, sd).sum(axis=1))


def without_noise(shape, weights, points, x):
    """The stage of the autoencoder's gradient."""
    def total(weights):
        phi, theta = cut(weights, shape)
        code = network(phi, x, shape.encoder)[:, :2]
        return np.mean(log_density(x, network(theta, code, shape.decoder), shape))

    return dict(shape=shape, weights=weights, x=x, likelihood_at_the_code=lambda: complex_step(total, weights))


def stage_autoencoder(rng):
    return without_noise(*networks(rng, "bernoulli", 9, 0.25, 0.45, 1.))


def stage_autoencoder_of_means(rng):
    return without_noise(*networks(rng, "gaussian", 7, 0.25, 0.45, rng.uniform(0.6, 0.8)))


def stage_two_samples(rng):
    """Two normals on the line, apart, the kernel as wide as they are, and two draws of each."""
    lam = np.stack([np.array([rng.uniform(0.4, 0.6) * sign, np.log(rng.uniform(0.4, 0.6))]) for sign in (1, -1)])
    width, (t, h) = rng.uniform(0.75, 0.95), trapezoid(40)

    def mean_of_kernel(one, other):
        """E k of two independent normals: a normal density at their distance, times what makes k(a, a) = 1."""
        variance = np.exp(2 * one[1]) + np.exp(2 * other[1]) + width**2
        return np.sqrt(2 * np.pi) * width * stats.norm.pdf(one[0] - other[0], 0, np.sqrt(variance))

    def closed():
        return mean_of_kernel(lam[0], lam[0]) + mean_of_kernel(lam[1], lam[1]) - 2 * mean_of_kernel(*lam)

    def closed_with_own(S):
        return sum(1 + (S - 1) * mean_of_kernel(one, one) for one in lam) / S - 2 * mean_of_kernel(*lam)

    return dict(lam=lam, width=width, nodes=t[:, None], mass=h * stats.norm.pdf(t), S=2,
                noise=noise(diagonal_normal, np.zeros(4)),
                closed_kernel_distance=closed, closed_with_own_pairs=closed_with_own)


def stage_codes(rng):
    """Codes in the plane whose second coordinate is tight: their volume matters."""
    codes = rng.uniform([0.6, -0.9], [0.9, -0.6]) + rng.uniform(-1, 1, (40, 2)) * rng.uniform([1.2, 0.2], [1.6, 0.3])
    covariance = np.cov(codes.T)
    cross = sum(0.5 * (codes[:, d].mean()**2 + covariance[d, d]) + 0.5 * np.log(2 * np.pi) for d in range(2))
    own, prior = stats.multivariate_normal(codes.mean(axis=0), covariance), stats.multivariate_normal(np.zeros(2))
    return dict(codes=codes, closest_normal_by_scipy=lambda: cross - own.entropy(),
                entropy_of_the_prior=lambda: cross - prior.entropy())
