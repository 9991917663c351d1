"""Companion of vae.md: its rows, its stages and its referees."""
import numpy as np
from scipy import integrate, special, stats

from refvi import Noise, diagonal_normal, noise
from refvi.base.core import POINTS
from refvi.base.families.lam import trapezoid
from refvi.data.mnist import FILES
from refvi.generative.vae.autoencoder import (backward_without_noise, distance_of_densities,      # noqa: F401
                                              divergence_of_moments, kernel_of_pairs, squared_error_alone,
                                              squared_error_and_constant, with_noise_and_divergence, with_own_pairs,
                                              without_the_volume)
from refvi.generative.vae.model import architecture
from refvi.generative.vae.rows import (adam_without_correction, at_the_mean, automatic_gradient,      # noqa: F401
                                       backward_through_both, closed_form_divergence, counted_parameters,
                                       digits_by_code, digits_by_text, encoder_frozen_in_the_draw, fast_gradient,
                                       first_step, flat_adam, half_angle, half_the_log, in_single_precision,
                                       mean_over_coordinates, mean_over_pixels, odds_against, on_nodes, one_draw,
                                       point_read_as_decimal, residual, residual_after_two_sigmoids,
                                       residual_of_half_angle, residual_of_odds, residual_over_sd,
                                       residual_over_variance, seen_in_an_epoch, sigmoid_twice, softplus_of_logits,
                                       sums_over_full_size, through_the_draw, training_and_validation,
                                       variance_of_own_noise, variance_of_shared_noise, weighted_minibatches,
                                       whole_batches_alone, without_the_entropy, without_the_spread)


# ---- the referee's network: matrices by their place in the vector, complex numbers let through

def network(weights, y, sizes):
    """ReLU layers, the last without; ReLU looks at the real part, so that a derivative can be taken by a complex step."""
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


def complex_step(f, at, h=1e-30):
    """The gradient of f, exact to rounding: no difference is taken."""
    return np.array([np.imag(f(at + 1j * h * e)) / h for e in np.eye(len(at))])


def density(z, m, s):
    """A normal's, written out: SciPy's takes 50 times as long for one number, and quadrature asks for thousands."""
    return np.exp(-0.5 * ((z - m) / s)**2) / (s * np.sqrt(2 * np.pi))


# ---- pixels

def stage_pixels(rng):
    """Logits on both sides of zero, none of them small; a binary image of five pixels for each of four data."""
    l = rng.uniform(0.8, 2.5, (4, 5)) * np.where(np.arange(20).reshape(4, 5) % 3 == 0, -1, 1)
    x, shape = (np.arange(20).reshape(4, 5) % 2 == 0).astype(float), architecture()
    return dict(x=x, l=l, pixels_by_scipy=lambda: stats.bernoulli.logpmf(x, special.expit(l)).sum(axis=1),
                slope_of_pixels=lambda: np.array([[complex_step(lambda v: log_density(np.array([x[i, j]]), v, shape), l[i, j:j + 1])[0]
                                                   for j in range(5)] for i in range(4)]))


def stage_gray_means(rng):
    """Means of a Gaussian decoder, of a standard deviation far from one."""
    x, l, shape = rng.uniform(0.1, 0.9, (3, 4)), rng.uniform(-0.5, 1.5, (3, 4)), architecture(likelihood="gaussian", sd=rng.uniform(0.3, 0.5))
    return dict(x=x, l=l, sd=shape.sd, slope_of_normal_pixels=lambda: np.array([[complex_step(lambda v: log_density(x[i, j:j + 1], v, shape), l[i, j:j + 1])[0]
                                                                                 for j in range(4)] for i in range(3)]))


def stage_normals(rng):
    """q of four data in three dimensions."""
    mu, sd = rng.uniform(0.5, 1.2, (4, 3)) * [1, -1, 1], rng.uniform(0.3, 0.6, (4, 3))

    def kl(m, s):
        return integrate.quad(lambda z: density(z, m, s) * (np.log(density(z, m, s)) - np.log(density(z, 0., 1.))), m - 12 * s, m + 12 * s, epsabs=1e-12)[0]

    return dict(lam=np.concatenate([mu, np.log(sd)], axis=1), divergence_by_quadrature=lambda: np.sum(np.vectorize(kl)(mu, sd), axis=1))


# ---- both networks

def weights_of(rng, shape, low, high):
    """Weights of bounded size. Every other unit of the encoder is awake for any image, and the decoder's weights add up: what is drawn matters. Spreads below one."""
    parts = []
    for sizes in (shape.encoder, shape.decoder):
        for level, (m, n) in enumerate(zip(sizes, sizes[1:])):
            if sizes is shape.encoder:
                sign = np.where(np.arange(n) % 2 == 0, 1, rng.choice([-1, 1], (m, n)))
                if level == len(sizes) - 2:                 # mu points where the decoder's units are awake, sd moves little
                    sign = np.concatenate([np.tile([1., -1.], (m, 1)), 0.25 * rng.choice([-1, 1], (m, n - 2))], axis=1)
                parts.append((rng.uniform(0.6, 1., (m, n)) / m * sign).ravel())
            else:
                parts.append(rng.uniform(low, high, m * n) * (np.repeat([1, -1], n) if level == 0 else 1))
            parts.append(rng.uniform(0.3, 0.6, n))
    parts[2 * len(shape.encoder) - 3] -= np.repeat([0., 1.2], shape.decoder[0])
    return np.concatenate(parts)


def networks(rng, likelihood, n, low, high, sd):
    """Four images of n pixels, two latent dimensions, noise that is held fixed; weights of sizes between low and high."""
    shape = architecture(n, 2, (4, 3), (3, 4), likelihood, sd)
    weights, points = weights_of(rng, shape, low, high), rng.uniform(0.8, 1.5, (4, 2)) * [[1, -1], [1, 1], [1, -1], [-1, -1]]
    x = rng.permuted(np.tile(1. * (np.arange(n) % 4 == 0), (4, 1)), axis=1) if likelihood == "bernoulli" else rng.uniform(0.2, 0.6, (4, n))
    return shape, weights, points, x


def in_weights(shape, weights, points, x):
    """The stage of the gradient in all weights."""
    def total(weights):
        return np.mean(bound_in_lam(weights, x, network(cut(weights, shape)[0], x, shape.encoder), points, shape))

    return dict(shape=shape, weights=weights, points=points, x=x, gradient_by_complex_steps=lambda: complex_step(total, weights))


def in_lam(rng, shape, weights, points, x):
    """The stage of the gradient in lam, which is then no encoder's."""
    lam = np.concatenate([rng.uniform(0.3, 0.8, (4, 2)), rng.uniform(-1.1, -0.7, (4, 2))], axis=1)
    return dict(shape=shape, weights=weights, points=points, x=x, lam=lam,
                slope_in_lam=lambda: complex_step(lambda v: np.sum(bound_in_lam(weights, x, v.reshape(4, 4), points, shape)), lam.ravel()).reshape(4, 4))


def stage_bernoulli(rng):
    return in_weights(*networks(rng, "bernoulli", 9, 0.25, 0.45, 1.))


def stage_gaussian(rng):
    return in_weights(*networks(rng, "gaussian", 7, 0.25, 0.45, rng.uniform(0.6, 0.8)))


def stage_bernoulli_draw(rng):
    return in_lam(rng, *networks(rng, "bernoulli", 6, 0.25, 0.4, 1.))


def stage_gaussian_draw(rng):
    return in_lam(rng, *networks(rng, "gaussian", 5, 0.2, 0.35, rng.uniform(1.3, 1.5)))


# ---- four pixels, one latent dimension, a linear decoder: everything by quadrature

def linear(rng, loadings, shifts, lam_weights, x):
    """z ~ N(0, 1), logits z * loadings + shifts; a linear encoder, so that lam is known by hand."""
    shape = architecture(4, 1, (), ())
    weights = np.concatenate([lam_weights.ravel(), loadings, shifts])
    lam = x @ lam_weights[:4] + lam_weights[4]
    mu, sd = lam[:, 0], np.exp(lam[:, 1])
    (t, h), N = trapezoid(110), len(x)
    nodes, mass = t[:, None], h * stats.norm.pdf(t)

    def log_p(i, z):
        p = special.expit(z * loadings + shifts)
        return np.sum(np.log(np.where(x[i] > 0, p, 1 - p)))

    def mean_of(g, i):
        return integrate.quad(lambda z: density(z, mu[i], sd[i]) * g(i, z), mu[i] - 9 * sd[i], mu[i] + 9 * sd[i], epsabs=1e-11, epsrel=1e-11, limit=200)[0]

    def bound_by_quadrature():
        return np.mean([mean_of(lambda i, z: log_p(i, z) + np.log(density(z, 0., 1.) / density(z, mu[i], sd[i])), i) for i in range(N)])

    def log_evidence():
        return np.mean([np.log(integrate.quad(lambda z: density(z, 0., 1.) * np.exp(log_p(i, z)), -9, 9, epsabs=1e-12, epsrel=1e-11)[0]) for i in range(N)])

    def variance_by_quadrature():
        return sum(mean_of(lambda i, z: log_p(i, z)**2, i) - mean_of(log_p, i)**2 for i in range(N)) / N**2

    def rule(S, order):
        if order**(N * S) > POINTS:
            return None
        t, h = trapezoid(order)
        index = np.indices((order,) * (N * S)).reshape(N * S, -1).T
        return t[index].reshape(-1, S, N, 1), np.prod(h * stats.norm.pdf(t)[index], axis=-1)

    return dict(shape=shape, weights=weights, x=x, nodes=nodes, mass=mass, S=1, noise=Noise(lambda rng, R, S: rng.standard_normal((R, S, N, 1)), rule),
                bound_by_quadrature=bound_by_quadrature, log_evidence=log_evidence, variance_by_quadrature=variance_by_quadrature)


def stage_linear(rng):
    """Two images that differ in one pixel, q wide enough to matter."""
    loadings, shifts = rng.uniform(1.8, 2.6, 4) * [1, -1, 1, -1], rng.uniform(0.2, 0.6, 4) * [1, 1, -1, -1]
    W = np.concatenate([rng.uniform(0.1, 0.2, (4, 2)) * [[1, -0.2], [-1, 0.2], [1, 0.2], [-1, -0.2]], rng.uniform([[0.2, -0.2]], [[0.4, -0.05]])])
    stage = linear(rng, loadings, shifts, W, np.array([[1., 0., 1., 1.], [1., 0., 0., 1.]]))
    del stage["log_evidence"]
    return stage


def stage_sharp(rng):
    """A decoder that switches within a short way, and means where it has switched: the likelihood at the mean is nearly one."""
    sign = np.array([1, -1, 1, -1])
    loadings, shifts = rng.uniform(3., 4., 4) * sign, rng.uniform(0.05, 0.1, 4)
    mean = rng.uniform(0.75, 0.9) / 4
    W = np.stack([np.append(2 * mean * sign, -mean * np.sum(sign)), np.append(np.zeros(4), rng.uniform(-0.2, -0.1))], axis=1)
    x = (sign > 0).astype(float)
    stage = linear(rng, loadings, shifts, W, np.array([x, 1 - x]))
    return {name: stage[name] for name in ("shape", "weights", "x", "nodes", "mass", "log_evidence")}


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

    return dict(gradients=gradients, rate=rate, textbook_adam=textbook, rate_times_sign=lambda: rate * np.array([1., -1., 1.]))


def stage_epoch(rng):
    """Nine data in minibatches of four."""
    values = rng.uniform(1., 2., 9)
    return dict(values=values, order=rng.permutation(9), M=4, once=lambda: np.ones(9), average_over_data=lambda: sum(values) / 9)


def stage_digits(rng):
    """Labels in random order."""
    labels = rng.permutation(np.repeat(np.arange(10), 150))
    return dict(labels=labels, order=rng.permutation(1500), a_hundred_of_each=lambda: np.array([0, 0, 0, 0, 0, 100, 100, 100, 0, 0]),
                images_of_the_file=lambda: FILES["train", "images"].shape[0],
                weights_by_hand=lambda: np.array([784 * 256 + 256 + 256 * 64 + 64 + 2 * (64 * 2 + 2), 2 * 64 + 64 + 64 * 256 + 256 + 256 * 784 + 784,
                                                  784 * 500 + 500 + 2 * (500 * 2 + 2), 2 * 784 + 784]))


# ---- the autoencoder, and what is said of it

def stage_outputs(rng):
    """Outputs of a Gaussian decoder, far enough from the images."""
    x, l, sd = rng.uniform(0.5, 0.9, (3, 4)), rng.uniform(-0.9, -0.2, (3, 4)), rng.uniform(0.5, 0.6)
    return dict(x=x, l=l, sd=sd, output_with_normal_noise=lambda: stats.norm.logpdf(x, l, sd).sum(axis=1))


def without_noise(shape, weights, points, x):
    """The stage of the autoencoder's gradient; points, far out, are there for the VAE's."""
    def total(weights):
        phi, theta = cut(weights, shape)
        code = network(phi, x, shape.encoder)[:, :2]
        return np.mean(log_density(x, network(theta, code, shape.decoder), shape))

    return dict(shape=shape, weights=weights, points=2 * points, x=x, likelihood_at_the_code=lambda: complex_step(total, weights))


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

    return dict(lam=lam, width=width, nodes=t[:, None], mass=h * stats.norm.pdf(t), S=2, noise=noise(diagonal_normal, np.zeros(4)),
                closed_kernel_distance=lambda: mean_of_kernel(lam[0], lam[0]) + mean_of_kernel(lam[1], lam[1]) - 2 * mean_of_kernel(*lam))


def stage_codes(rng):
    """Codes in the plane whose second coordinate is tight: their volume matters."""
    codes = rng.uniform([0.6, -0.9], [0.9, -0.6]) + rng.uniform(-1, 1, (40, 2)) * rng.uniform([1.2, 0.2], [1.6, 0.3])
    return dict(codes=codes, closest_normal_by_scipy=lambda: moments_by_scipy(codes))


def moments_by_scipy(codes):
    """Cross-entropy less entropy: the former is that of independent standard normals at the second moments."""
    covariance = np.cov(codes.T)
    cross = sum(0.5 * (codes[:, d].mean()**2 + covariance[d, d]) + 0.5 * np.log(2 * np.pi) for d in range(2))
    return cross - stats.multivariate_normal(codes.mean(axis=0), covariance).entropy()
