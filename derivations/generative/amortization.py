"""Companion of amortization.md: its rows, its stages and its referees."""
import itertools
import math

import numpy as np
from scipy import integrate, optimize, special, stats

from refvi import Estimate
from refvi.generative.amortization.exact import (bound_of_one_for_all, bound_of_the_linear_encoder,      # noqa: F401
                                                 bound_of_the_linear_map, encoder_numbers, encoder_of_the_difference,
                                                 highest_amortized_bound, local_numbers, one_pass, shape_over_rate,
                                                 slope_times_distance)
from refvi.generative.amortization.gradient import (draws_held_fixed, gradient_by_autograd,      # noqa: F401
                                                    gradient_by_hand, gradient_inside_the_mean,
                                                    gradient_of_fit_at_draws, mean_gradient_of_fit,
                                                    path_with_closed_divergence, path_with_drawn_divergence,
                                                    slope_in_the_heads, slope_of_the_likelihood,
                                                    slope_through_the_decoder, weights_counted_twice)
from refvi.generative.amortization.likelihood import (bayes_rule, density_of_two_heads, distance_back,      # noqa: F401
                                                      distance_over_slope, effect_of_the_sum, logits_and_softplus,
                                                      mean_of_the_coins, mean_of_the_normal, moments_of_the_likelihood,
                                                      no_integral, one_function_for_both, product_of_probabilities,
                                                      sigmoid_twice, sum_over_images, two_heads, variance_without_link)
from refvi.generative.amortization.minibatch import (batches_alike, batches_by_size,      # noqa: F401
                                                     gradient_of_a_minibatch, gradient_of_all_data, rescaled_once_more,
                                                     subsets)
from refvi.generative.amortization.rows import (Network, amortized_bound, averaged_over_pixels,      # noqa: F401
                                                bernoulli_logits, closed_divergence, evidence_less_divergences,
                                                gaussian, gaussian_heads, joint_by_draws, joint_less_log_q,
                                                log_ratio_by_draws, log_ratio_of_draws, mean_log_evidence,
                                                mean_log_ratio, mean_of_best_local_bounds, mean_over_latents,
                                                minus_expected_log_ratio, one_noise_for_all, reconstruction_by_draws,
                                                reconstruction_less_divergence, standard_noise, sum_of_integrals,
                                                sum_of_local_bounds, sum_of_log_ratios, value_at_the_mean,
                                                variance_of_own_noise, variance_of_shared_noise)


# ---- the referees' own networks, likelihoods and integrals

def evaluated(weights, y, sizes):
    """A tanh network's output (..., k) for inputs (..., n), layer by layer."""
    start = 0
    for level, (m, n) in enumerate(zip(sizes, sizes[1:])):
        W, b = weights[start:start + m * n].reshape(m, n), weights[start + m * n:start + m * n + n]
        y, start = y @ W + b, start + m * n + n
        y = y if level == len(sizes) - 2 else np.tanh(y)
    return y


def pixels_log_prob(x, outputs):
    """x may be gray, between 0 and 1."""
    return np.sum(x * special.log_expit(outputs) + (1 - x) * special.log_expit(-outputs), axis=-1)


def bell(x, mean=0., sd=1.):
    """log N(x; mean, sd^2), written out: finite differences ask for it often."""
    return -((x - mean) / sd)**2 / 2 - np.log(sd * np.sqrt(2 * np.pi))


def normal_log_prob(sd):
    return lambda x, outputs: np.sum(bell(x, outputs, sd), axis=-1)


def heads_log_prob(x, outputs):
    mean, log_sd = np.split(outputs, 2, axis=-1)
    return np.sum(bell(x, mean, np.exp(log_sd)), axis=-1)


LEGENDRE = special.roots_legendre(240)


def legendre(low, high):
    """SciPy's Gauss-Legendre nodes and weights between low and high, numbers or columns (N, 1)."""
    t, w = LEGENDRE
    return (low + high) / 2 + (high - low) / 2 * t, (high - low) / 2 * w


def central(f, at, h=1e-3):
    """Fourth-order central differences of f in its flat argument, with the error that a step twice as large shows."""
    steps = h * np.eye(at.size).reshape((at.size,) + at.shape)
    near, middle, far = (np.array([f(at + k * e) - f(at - k * e) for e in steps]) for k in (1, 2, 4))
    fine, coarse = (8 * near - middle) / (12 * h), (8 * middle - far) / (24 * h)
    return Estimate(fine, np.abs(fine - coarse) / 8 + 1e-12)


class Referee:
    """The bound and the evidence of one stage by other means than refvi's: one latent variable, D = 1."""

    def __init__(self, x, phi, theta, encoder, decoder, log_prob):
        self.x, self.phi, self.theta, self.encoder, self.decoder, self.log_prob = x, phi, theta, encoder.sizes, decoder.sizes, log_prob

    def heads(self, phi=None):
        return evaluated(self.phi if phi is None else phi, self.x, self.encoder)

    def log_evidence(self):
        """(N,), on nodes that cover the prior."""
        z, w = legendre(-9., 9.)
        fit = self.log_prob(self.x[:, None], evaluated(self.theta, z[:, None], self.decoder))
        return np.log(np.exp(fit + bell(z)) @ w)

    def on_nodes(self, lam, x, theta):
        """z, weights that integrate against every q_n, and the fit log p(x_n | z), each (N, nodes)."""
        mu, sd = lam[:, :1], np.exp(lam[:, 1:])
        z, w = legendre(mu - 9 * sd, mu + 9 * sd)
        return z, w * np.exp(bell(z, mu, sd)), self.log_prob(x[:, None], evaluated(theta, z[..., None], self.decoder))

    def bounds(self, lam, x, theta):
        """E_q[log p(x, z) - log q(z)] (N,) at lam (N, 2) = (mu, log sd)."""
        z, mass, fit = self.on_nodes(lam, x, theta)
        return np.sum(mass * (fit + bell(z) - bell(z, lam[:, :1], np.exp(lam[:, 1:]))), axis=-1)

    def elbo(self, phi=None, theta=None):
        return np.mean(self.bounds(self.heads(phi), self.x, self.theta if theta is None else theta))

    def posterior(self, at):
        """p(z = at | x_n) (k, N)."""
        fit = self.log_prob(self.x, evaluated(self.theta, at[:, None], self.decoder))
        return np.exp(fit + bell(at) - self.log_evidence())

    def variance_of_terms(self):
        """Variance of one batch's reconstruction, one draw a datum: that of each, over N^2."""
        _, mass, fit = self.on_nodes(self.heads(), self.x, self.theta)
        return np.sum(mass * (fit - np.sum(mass * fit, axis=-1, keepdims=True))**2) / len(self.x)**2

    def highest(self, n, lam):
        return -optimize.minimize(lambda lam: -self.bounds(lam[None], self.x[n:n + 1], self.theta)[0], lam, method="BFGS", options=dict(gtol=1e-7)).fun


def weights_of(rng, sizes, low=0.5, high=1.):
    """Generic weights, between low and high in size, their signs in a fixed pattern."""
    P = sum((m + 1) * n for m, n in zip(sizes, sizes[1:]))
    k = np.arange(P)
    return rng.uniform(low, high, P) * np.where((k * k + k // 2) % 5 < 2, -1, 1)


def encoder_weights(rng, sizes):
    """The same for an encoder, whose standard deviations stay below one and move little."""
    phi, k, m = weights_of(rng, sizes), sizes[-1], sizes[-2]
    heads = phi[-(m + 1) * k:].reshape(m + 1, k)
    heads[:, k // 2:] *= 0.3
    heads[-1, k // 2:] = rng.uniform(-0.7, -0.5, k // 2)
    return phi


# ---- stages of one latent variable

def small(x, phi, theta, encoder, decoder, likelihood, log_prob):
    """All that a small variational autoencoder asks for."""
    referee = Referee(x, phi, theta, encoder, decoder, log_prob)
    lam = evaluated(phi, x, encoder.sizes)
    at = np.array([[-0.7], [0.2], [1.1]])
    return dict(x=x, phi=phi, theta=theta, encoder=encoder, decoder=decoder, likelihood=likelihood, lam=lam, at=at, S=1, noise=standard_noise(len(x), 1),
                log_evidence=lambda: np.sum(referee.log_evidence()), bound_by_scipy=referee.elbo,
                posterior_by_scipy=lambda: referee.posterior(at), slope_in_phi=lambda: central(lambda phi: referee.elbo(phi=phi), phi),
                slope_in_theta=lambda: central(lambda theta: referee.elbo(theta=theta), theta),
                inputs=x, weights=phi, network=encoder, density_by_scipy=lambda: stats.norm.pdf(at, lam[:, 0], np.exp(lam[:, 1])),
                heads_by_layers=lambda: np.concatenate([lam[:, :1], np.exp(2 * lam[:, 1:])], axis=-1),
                sum_by_scipy=lambda: len(x) * referee.elbo(), bound_of_several_entries=referee.elbo)


def without(stage, *names):
    return {name: value for name, value in stage.items() if name not in names}


def effects(weights, inputs, sizes):
    first, second, none = (evaluated(weights, v, sizes) for v in (inputs[0], inputs[1], 0 * inputs[0]))
    return first + second - 2 * none


def divergences(lam):
    """KL to N(0, I) datum by datum, an integral for each latent variable."""
    def one(mu, sd):
        z, w = legendre(mu - 9 * sd, mu + 9 * sd)
        return w @ (stats.norm.pdf(z, mu, sd) * (stats.norm.logpdf(z, mu, sd) - stats.norm.logpdf(z)))
    D = lam.shape[-1] // 2
    return np.array([sum(one(row[d], np.exp(row[D + d])) for d in range(D)) for row in lam])


IMAGES = np.array([[1., 1, 0, 1], [0, 1, 0, 0]])


def pixel_networks(rng):
    decoder, encoder = Network((1, 2, 4)), Network((4, 2, 2))
    return encoder_weights(rng, encoder.sizes), weights_of(rng, decoder.sizes, 0.7, 1.2), encoder, decoder


def stage_pixels(rng):
    """Two images of four binary pixels; all sixteen can be enumerated."""
    phi, theta, encoder, decoder = pixel_networks(rng)
    images = np.array(list(itertools.product((0., 1.), repeat=4)))
    logits = evaluated(theta, rng.uniform(0.3, 0.9, 1), decoder.sizes)
    return small(IMAGES, phi, theta, encoder, decoder, bernoulli_logits, pixels_log_prob) | dict(
        images=images, logits=logits, one=lambda: 1., by_scipy=lambda: np.prod(stats.bernoulli.pmf(images, special.expit(logits)), axis=-1))


def stage_gaussian(rng):
    """Two data of three real entries, one standard deviation for all of them."""
    decoder, encoder, sd = Network((1, 2, 3)), Network((3, 2, 2)), rng.uniform(0.7, 0.9)
    x = np.array([[0.9, -0.4, 0.7], [-0.6, 1.1, 0.3]]) + rng.uniform(-0.2, 0.2, (2, 3))
    stage = small(x, encoder_weights(rng, encoder.sizes), weights_of(rng, decoder.sizes), encoder, decoder, gaussian(sd), normal_log_prob(sd))
    return without(stage, "heads_by_layers", "density_by_scipy", "slope_in_phi", "posterior_by_scipy", "bound_of_several_entries") | dict(slope_of_reals=stage["slope_in_phi"])


def stage_variance_head(rng):
    """The decoder ends in two heads as well, for data of one entry."""
    decoder, encoder = Network((1, 2, 2)), Network((1, 2, 2))
    x, theta, phi = np.array([[0.8], [-0.5]]) + rng.uniform(-0.1, 0.1, (2, 1)), encoder_weights(rng, decoder.sizes), encoder_weights(rng, encoder.sizes)
    stage = small(x, phi, theta, encoder, decoder, gaussian_heads, heads_log_prob)
    codes = np.array([[0.9], [-0.6]])
    outputs = evaluated(theta, codes, decoder.sizes)
    stage = without(stage, "heads_by_layers", "density_by_scipy", "bound_of_several_entries", "bound_by_scipy", "log_evidence", "posterior_by_scipy")
    return stage | dict(inputs=codes, weights=theta, network=decoder, sum_of_effects=lambda: effects(theta, codes, decoder.sizes),
                        moments_by_layers=lambda: np.stack([outputs[:, 0], np.exp(2 * outputs[:, 1])], axis=-1))


def stage_saturating(rng):
    """An encoder whose hidden units all grow with both entries, and are near their limit at either datum."""
    network = Network((2, 3, 2))
    weights, inputs = rng.uniform(0.7, 1.1, 17), rng.uniform(0.8, 1.2, (2, 2))
    return dict(weights=weights, inputs=inputs, network=network, sum_of_effects=lambda: effects(weights, inputs, network.sizes))


def stage_alike(rng):
    """Two gray images that hardly differ: their terms move together where they share a noise."""
    phi, theta, encoder, decoder = pixel_networks(rng)
    x = np.array([0.9, 0.8, 0.2, 0.7]) + rng.uniform(-0.1, 0.1, (2, 4))
    referee = Referee(x, phi, theta, encoder, decoder, pixels_log_prob)
    return dict(x=x, phi=phi, theta=theta, encoder=encoder, decoder=decoder, likelihood=bernoulli_logits, S=1, noise=standard_noise(2, 1),
                bound_by_scipy=referee.elbo, variance_by_scipy=referee.variance_of_terms)


def stage_bend(rng):
    """One real entry, a decoder that saturates, and an encoder without hidden layer: two numbers for the means of four data."""
    decoder, encoder, sd = Network((1, 2, 1)), Network((1, 2)), rng.uniform(0.18, 0.22)
    steep = rng.uniform(2.6, 3.2)
    theta = np.array([steep, 0.9 * steep, 0.1, -0.1, 0.9, 0.8, rng.uniform(0.05, 0.15)])
    x, lam, phi = np.array([[-1.7], [-0.6], [0.5], [1.6]]) + rng.uniform(-0.05, 0.05, (4, 1)), np.tile([0., -1.], (4, 1)), np.array([0.3, 0., 0., -1.])
    referee = Referee(x, phi, theta, encoder, decoder, normal_log_prob(sd))
    return dict(x=x, phi=phi, theta=theta, encoder=encoder, decoder=decoder, likelihood=gaussian(sd), lam=lam,
                best_by_scipy=lambda: np.mean([referee.highest(n, lam[n]) for n in range(4)]))


# ---- two latent variables

def stage_deep(rng):
    """Two hidden layers in both networks, two latent variables, three images: for what needs no integral."""
    decoder, encoder = Network((2, 3, 4, 4)), Network((4, 4, 3, 4))
    x, held = np.array([[1., 0, 0, 1], [0, 1, 1, 1], [1, 1, 0, 0]]), rng.uniform(0.4, 1.3, (3, 2)) * [[1, -1], [-1, 1], [1, 1]]
    return held_noise(x, held, encoder_weights(rng, encoder.sizes), weights_of(rng, decoder.sizes), encoder, decoder, bernoulli_logits, pixels_log_prob)


def stage_deep_heads(rng):
    """The same with real data and a variance head."""
    decoder, encoder = Network((2, 3, 6)), Network((3, 4, 4))
    x, held = rng.uniform(0.3, 0.9, (2, 3)) * [[1, -1, 1], [-1, 1, 1]], rng.uniform(0.4, 1.3, (2, 2)) * [[1, -1], [-1, -1]]
    return held_noise(x, held, encoder_weights(rng, encoder.sizes), weights_of(rng, decoder.sizes, 0.3, 0.6), encoder, decoder, gaussian_heads, heads_log_prob)


def held_noise(x, held, phi, theta, encoder, decoder, likelihood, log_prob):
    lam = evaluated(phi, x, encoder.sizes)
    z = lam[:, :2] + np.exp(lam[:, 2:]) * held
    outputs = evaluated(theta, z, decoder.sizes)

    def estimate(lam, theta=theta):
        """Every datum's term (N,) at lam."""
        fit = log_prob(x, evaluated(theta, lam[:, :2] + np.exp(lam[:, 2:]) * held, decoder.sizes))
        return fit - 0.5 * np.sum(lam[:, :2]**2 + np.exp(2 * lam[:, 2:]) - 1 - 2 * lam[:, 2:], axis=-1)

    def shaped(found, like):
        return Estimate(found.value.reshape(like.shape), found.error.reshape(like.shape))

    P = len(phi)
    return dict(x=x, held=held, phi=phi, theta=theta, encoder=encoder, decoder=decoder, likelihood=likelihood, lam=lam, z=z, outputs=outputs, S=2,
                noise=standard_noise(len(x), 2), divergence_by_scipy=lambda: divergences(lam),
                differences_in_outputs=lambda: shaped(central(lambda outputs: np.sum(log_prob(x, outputs)), outputs), outputs),
                differences_in_z=lambda: shaped(central(lambda z: np.sum(log_prob(x, evaluated(theta, z, decoder.sizes))), z), z),
                differences_in_heads=lambda: shaped(central(lambda lam: np.sum(estimate(lam)), lam), lam),
                differences_in_weights=lambda: central(lambda w: np.mean(estimate(evaluated(w[:P], x, encoder.sizes), w[P:])), np.concatenate([phi, theta])))


def epoch(rng, x, held, likelihood, log_prob, bias):
    """Seven data, the last of them odd, three a time."""
    n = x.shape[-1]
    decoder, encoder = Network((1, 2, n)), Network((n, 2, 2))
    phi, theta = weights_of(rng, encoder.sizes, 0.2, 0.4), weights_of(rng, decoder.sizes, 0.2, 0.4)
    theta[-n:] = bias
    phi[-1] = -0.6

    def terms(phi, theta):
        mu, log_sd = evaluated(phi, x, encoder.sizes).T
        z = mu + np.exp(log_sd) * held[:, 0]
        return log_prob(x, evaluated(theta, z[:, None], decoder.sizes)) - 0.5 * (mu**2 + np.exp(2 * log_sd) - 1 - 2 * log_sd)

    P = len(phi)
    return dict(x=x, held=held, phi=phi, theta=theta, encoder=encoder, decoder=decoder, likelihood=likelihood, order=np.array([3, 1, 5, 0, 2, 4, 6]), M=3,
                S=1, noise=subsets(7, 3), average_by_layers=lambda: np.mean(terms(phi, theta)),
                differences_of_the_average=lambda: central(lambda w: np.mean(terms(w[:P], w[P:])), np.concatenate([phi, theta])))


def stage_epoch(rng):
    x = np.array([[1., 1, 1, 1], [1, 1, 1, 0], [1, 1, 1, 1], [0, 1, 1, 1], [1, 1, 0, 1], [1, 1, 1, 1], [0, 0, 0, 0]])
    return epoch(rng, x, rng.uniform(-1, 1, (7, 1)), bernoulli_logits, pixels_log_prob, rng.uniform(1.6, 2., 4))


def stage_gaussian_epoch(rng):
    x = np.concatenate([rng.uniform(-0.3, 0.3, (6, 3)), [[2.2, -2.4, 2.3]]])
    return epoch(rng, x, rng.uniform(-1, 1, (7, 1)), gaussian(0.8), normal_log_prob(0.8), rng.uniform(-0.1, 0.1, 3))


# ---- linear decoders: probabilistic principal components

def linear(rng, W, N):
    """x = z W + b + noise: everything is normal, and done here in the space of the data."""
    D, n = W.shape
    b, sd = rng.uniform(0.2, 0.5, n), rng.uniform(0.7, 0.9)
    cover = W.T @ W + sd**2 * np.eye(n)
    to_mean = np.linalg.solve(cover, W.T)                                       # (n, D), the posterior mean's weights
    spread = np.eye(D) - W @ to_mean
    phi = np.concatenate([np.concatenate([to_mean, 0 * to_mean], axis=1).ravel(), -b @ to_mean, 0.5 * np.log(np.diag(spread))])
    x, new = (rng.uniform(0.5, 1.3, (k, n)) * np.where((np.arange(k * n) % 5 < 3).reshape(k, n), 1, -1) for k in (N, 2))
    at = np.array([[-0.7, 0.4], [0.2, -0.3], [1.1, 0.8]])[:, :D]
    mean = (x - b) @ to_mean

    def log_evidence():
        return np.sum(stats.multivariate_normal.logpdf(x, b, cover))

    return dict(x=x, new=new, phi=phi, theta=np.concatenate([W.ravel(), b]), encoder=Network((n, 2 * D)), decoder=Network((D, n)), likelihood=gaussian(sd), sd=sd,
                at=at, S=1, noise=standard_noise(N, D), **dict.fromkeys(("bound_by_scipy", "bound_of_several_entries", "evidence_by_scipy"), lambda: log_evidence() / N),
                posterior_by_scipy=lambda: np.stack([stats.multivariate_normal.pdf(at, m, spread).reshape(-1) for m in mean], axis=-1),
                posterior_of_new_data=lambda: np.concatenate([(new - b) @ to_mean, np.tile(np.diag(spread), (2, 1))], axis=-1),
                distance_of_means=lambda: np.linalg.norm((new[0] - new[1]) @ to_mean),
                inputs=new, weights=phi, network=Network((n, 2 * D)), sum_of_linear_effects=lambda: effects(phi, new, (n, 2 * D)))


def stage_linear(rng):
    return linear(rng, rng.uniform(0.7, 1.1, (1, 3)) * [1, -1, 1], 2)


def stage_plane(rng):
    """Two latent variables whose loadings are orthogonal, so that the posterior factorizes."""
    a, b, c, d = rng.uniform(0.6, 0.9, 4)
    stage = linear(rng, np.array([[a, b, 0.], [-b * c / a, c, d]]), 1)
    return without(stage, "posterior_by_scipy", "sum_of_linear_effects", "bound_of_several_entries", "distance_of_means")


# ---- smoothness, numbers, counts

def stage_folded(rng):
    """A decoder that is even in z: z and -z have the same image."""
    decoder, (a, b), (c, d) = Network((1, 2, 2)), rng.uniform(0.8, 1.2, 2), rng.uniform(0.7, 1.1, 2)
    codes = np.array([1., -1.])[:, None] * rng.uniform(0.7, 0.9)
    return dict(codes=codes, weights=np.array([a, -a, b, b, c, d, c, d, 0.3, -0.2]), network=decoder, distance_of_codes=lambda: abs(codes[0, 0] - codes[1, 0]))


def stage_many_images():
    """MNIST's training images on the slides, and their encoder."""
    return dict(N=55_000, D=2, sizes=(784, 256, 64, 4), numbers_for_many=lambda: 220_000)


def stage_few_images():
    """The notebook's 300 images, and its encoder."""
    return dict(N=300, D=2, sizes=(784, 500, 4), numbers_for_few=lambda: 1_200)


def stage_counts(rng):
    """Three sets of Poisson counts under one Gamma prior."""
    a, b, totals, sizes = rng.uniform(1.5, 2.5), rng.uniform(0.7, 1.1), np.array([1., 14., 5.]) + rng.integers(0, 3, 3), np.array([2., 4., 3.])

    def integral(n, power=0):
        """E[z^power p(counts | z)] under the prior, without the factorials."""
        def integrand(z):
            return z**(power + totals[n] + a - 1) * math.exp(-(sizes[n] + b) * z)
        return integrate.quad(integrand, 0, 40, epsabs=0, epsrel=1e-12, limit=200)[0] * b**a / math.gamma(a)

    def moments():
        return np.array([[integral(n, 1) / integral(n), integral(n, 2) / integral(n) - (integral(n, 1) / integral(n))**2] for n in range(3)])

    return dict(a=a, b=b, totals=totals, sizes=sizes, moments_by_scipy=moments, evidence_of_counts=lambda: np.mean([np.log(integral(n)) for n in range(3)]))
