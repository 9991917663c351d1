"""Companion of amortization.md: its rows, its stages and its referees."""
import itertools

import autograd.numpy as np
from scipy import integrate, optimize, special, stats

from referees import bell, by_differences
from refvi import Estimate
from refvi.base.families.lam import halves
from refvi.generative.amortization.counts import (bound_of_one_for_all, bound_of_the_linear_map,      # noqa: F401
                                                  shape_over_rate)
from refvi.generative.amortization.exact import (bound_of_the_linear_encoder, one_pass,      # noqa: F401
                                                 encoder_of_the_difference, slope_times_distance)
from refvi.generative.amortization.gradient import (bound_by_two_passes, gradient_by_autograd,      # noqa: F401
                                                    gradient_by_hand, gradient_inside_the_mean,
                                                    gradient_of_fit_at_draws,
                                                    mean_gradient_of_fit, path_with_closed_divergence,
                                                    path_with_drawn_divergence)
from refvi.generative.amortization.likelihood import (bayes_rule, density_of_two_heads,      # noqa: F401
                                                      distance_of_images, effect_of_the_sum, logits_and_softplus,
                                                      moments_of_the_likelihood, product_of_probabilities,
                                                      tenth_of_the_slope, two_heads)
from refvi.generative.amortization.minibatch import gradient_of_a_minibatch      # noqa: F401
from refvi.generative.amortization.model import (closed_divergence, drawn, encode, log_likelihood,      # noqa: F401
                                                 standard_noise, under_each)
from refvi.generative.amortization.rows import (amortized_bound, encoder_numbers,      # noqa: F401
                                                evidence_less_divergences, highest_amortized_bound, joint_by_draws,
                                                local_numbers, log_ratio_by_draws,
                                                mean_log_ratio, mean_of_best_local_bounds,
                                                minus_expected_log_ratio, reconstruction_by_draws,
                                                reconstruction_less_divergence, spreads_on_nodes, sum_of_integrals,
                                                sum_of_local_bounds, sum_of_log_ratios,
                                                variance_of_own_noise, variance_of_shared_noise)
from refvi.likelihood.heads import Network, bernoulli, normal_heads, normal_of, output
from refvi.likelihood.mle.rows import without_replacement
from refvi.likelihood.networks import sigmoid


# ---- slips

def sigmoid_twice(images, logits):
    """Probabilities handed to a function that expects logits."""
    return np.exp(bernoulli.log_prob(images, sigmoid(logits)))


def half_the_log(lam):
    """log_sd read as the logarithm of a variance."""
    mu, log_sd = halves(lam)
    return np.sum(0.5 * (mu**2 + np.exp(log_sd) - 1 - log_sd), axis=-1)


def one_noise_for_all(eps, phi, theta, x, encoder, decoder):
    """The first datum's noise for the whole batch: no mean shows it."""
    lam = encode(x, phi, encoder)
    return np.mean(log_likelihood(drawn(eps[..., :1, :], lam), x, theta, decoder) - closed_divergence(lam), axis=(1, 2))


def sum_of_effects(inputs, weights, network):
    """h(x_1) - h(0) + h(x_2) - h(0): what the effect of the sum is for a linear map."""
    first, second, none = output(weights, np.array([*inputs, np.zeros(network.sizes[0])]), network)
    return first + second - 2 * none


# ---- how far estimates lie off, squared

def squared_deviations(eps, phi, theta, x, encoder, decoder):
    """(R, 3): of the three estimates of the bound."""
    model = phi, theta, x, encoder, decoder
    estimates = [estimate(eps, *model) for estimate in (log_ratio_by_draws, joint_by_draws, reconstruction_by_draws)]
    return (np.stack(estimates, axis=-1) - amortized_bound(*model))**2


def deviation_of_shared_noise(eps, phi, theta, x, encoder, decoder):
    """(R,): of the estimate whose data share their noise."""
    model = phi, theta, x, encoder, decoder
    return (one_noise_for_all(eps, *model) - amortized_bound(*model))**2


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


def penalty(lam):
    """KL(q_n || N(0, I)) (N,): cross-entropy less entropy."""
    mu, log_sd = np.split(lam, 2, axis=-1)
    return np.sum((mu**2 + np.exp(2 * log_sd)) / 2 - log_sd - 0.5, axis=-1)


class Referee:
    """The bound and the evidence of one stage by other means than refvi's: one latent variable, D = 1."""

    def __init__(self, x, phi, theta, encoder, decoder, log_prob):
        self.x, self.phi, self.theta, self.log_prob = x, phi, theta, log_prob
        self.encoder, self.decoder = encoder.sizes, decoder.sizes

    def heads(self, phi=None):
        return evaluated(self.phi if phi is None else phi, self.x, self.encoder)

    def fit_of(self, z, theta=None):
        """log p(x_n | z) (N, nodes) for z (nodes,) or (N, nodes)."""
        theta = self.theta if theta is None else theta
        return self.log_prob(self.x[:, None], evaluated(theta, z[..., None], self.decoder))

    def log_evidence(self):
        """(N,), on nodes that cover the prior."""
        z, w = legendre(-9., 9.)
        return np.log(np.exp(self.fit_of(z) + bell(z)) @ w)

    def on_nodes(self, lam):
        """z, and weights that integrate against every q_n, each (N, nodes)."""
        mu, sd = lam[:, :1], np.exp(lam[:, 1:])
        z, w = legendre(mu - 9 * sd, mu + 9 * sd)
        return z, w * np.exp(bell(z, mu, sd))

    def bounds(self, lam, theta=None):
        """E_q[log p(x, z) - log q(z)] (N,) at lam (N, 2) = (mu, log sd)."""
        z, mass = self.on_nodes(lam)
        return np.sum(mass * (self.fit_of(z, theta) + bell(z) - bell(z, lam[:, :1], np.exp(lam[:, 1:]))), axis=-1)

    def elbo(self, phi=None, theta=None):
        return np.mean(self.bounds(self.heads(phi), theta))

    def posterior(self, at):
        """p(z = at | x_n) (k, N)."""
        return np.exp(self.fit_of(at[:, 0]) + bell(at[:, 0]) - self.log_evidence()[:, None]).T

    def spreads(self, S):
        """Variances of the three estimates: of each term, over N^2 S."""
        lam = self.heads()
        z, mass = self.on_nodes(lam)
        fit = self.fit_of(z)
        terms = fit + bell(z) - bell(z, lam[:, :1], np.exp(lam[:, 1:])), fit + bell(z), fit
        return np.array([np.sum(mass * (t - np.sum(mass * t, axis=-1, keepdims=True))**2)
                         for t in terms]) / (len(lam)**2 * S)

    def shared(self, S):
        """Variance of the reconstruction where all data have one noise: nodes of that."""
        (e, w), lam = legendre(-9., 9.), self.heads()
        average, mass = np.mean(self.fit_of(lam[:, :1] + np.exp(lam[:, 1:]) * e), axis=0), w * np.exp(bell(e))
        return mass @ (average - mass @ average)**2 / S

    def best(self, start):
        """The highest bound of every datum, averaged: SciPy's ascents, one by one."""
        def one(n, lam):
            own = Referee(self.x[n:n + 1], self.phi, self.theta, Network(self.encoder), Network(self.decoder),
                          self.log_prob)
            return climbed(lambda lam: own.bounds(lam[None])[0], lam)
        return np.mean([one(n, lam) for n, lam in enumerate(start)])

    def highest(self):
        """The highest bound of the encoder, from where it is."""
        return climbed(lambda phi: np.mean(self.bounds(self.heads(phi))), self.phi)


def climbed(f, at):
    return -optimize.minimize(lambda v: -f(v), at, method="BFGS", options=dict(gtol=1e-7)).fun


def weights_of(rng, sizes, low=0.5, high=1.):
    """Generic weights, between low and high in size, their signs in a fixed pattern."""
    P = sum((m + 1) * n for m, n in zip(sizes, sizes[1:]))
    k = np.arange(P)
    return rng.uniform(low, high, P) * np.where((k * k + k // 2) % 5 < 2, -1, 1)


def encoder_weights(rng, sizes):
    """Weights of an encoder, whose standard deviations stay below one and move little."""
    phi, k, m = weights_of(rng, sizes), sizes[-1], sizes[-2]
    heads = phi[-(m + 1) * k:].reshape(m + 1, k)
    heads[:, k // 2:] *= 0.3
    heads[-1, k // 2:] = rng.uniform(-0.7, -0.5, k // 2)
    return phi


# ---- stages of one latent variable

def small(x, phi, theta, encoder, decoder, log_prob):
    """All that a small variational autoencoder asks for; S = 1, for a rule of two draws of each datum does not fit."""
    referee = Referee(x, phi, theta, encoder, decoder, log_prob)
    lam = evaluated(phi, x, encoder.sizes)
    at = np.array([[-0.7], [0.2], [1.1]])
    return dict(
        x=x, phi=phi, theta=theta, encoder=encoder, decoder=decoder, lam=lam, at=at,
        S=1, noise=standard_noise(len(x), 1),
        log_evidence=lambda: np.sum(referee.log_evidence()), sum_by_scipy=lambda: len(x) * referee.elbo(),
        bound_by_scipy=referee.elbo, posterior_by_scipy=lambda: referee.posterior(at),
        spreads_by_scipy=lambda S: referee.spreads(S),
        slope_in_phi=lambda: by_differences(lambda phi: referee.elbo(phi=phi), phi),
        slope_in_theta=lambda: by_differences(lambda theta: referee.elbo(theta=theta), theta))


def of_heads(weights, inputs, network):
    """What the two heads of an encoder or decoder are held against."""
    outputs, at = evaluated(weights, inputs, network.sizes), np.array([[-0.7], [0.2], [1.1]])
    mean, log_sd = np.split(outputs, 2, axis=-1)
    return dict(inputs=inputs, weights=weights, network=network, at=at,
                heads_by_layers=lambda: np.concatenate([mean, np.exp(2 * log_sd)], axis=-1),
                density_by_scipy=lambda: stats.norm.pdf(at, mean[:, 0], np.exp(log_sd[:, 0])))


def effects(weights, inputs, sizes):
    """h(x_1) - h(0) + h(x_2) - h(0), and h(x_1 + x_2) - h(0)."""
    first, second, both, none = (evaluated(weights, v, sizes) for v in (*inputs, inputs[0] + inputs[1], 0 * inputs[0]))
    return first + second - 2 * none, both - none


def divergences(lam):
    """KL to N(0, I) datum by datum, an integral for each latent variable."""
    def one(mu, sd):
        z, w = legendre(mu - 9 * sd, mu + 9 * sd)
        return w @ (stats.norm.pdf(z, mu, sd) * (stats.norm.logpdf(z, mu, sd) - stats.norm.logpdf(z)))
    D = lam.shape[-1] // 2
    return np.array([sum(one(row[d], np.exp(row[D + d])) for d in range(D)) for row in lam])


IMAGES = np.array([[1., 1, 0, 1], [0, 1, 0, 0]])


def pixel_networks(rng):
    decoder, encoder = Network((1, 2, 4), bernoulli), Network((4, 2, 2))
    return encoder_weights(rng, encoder.sizes), weights_of(rng, decoder.sizes, 0.7, 1.2), encoder, decoder


def stage_pixels(rng):
    """Two images of four binary pixels."""
    phi, theta, encoder, decoder = pixel_networks(rng)
    return small(IMAGES, phi, theta, encoder, decoder, pixels_log_prob) | of_heads(phi, IMAGES, encoder)


def stage_images(rng):
    """All sixteen images of four pixels, at one z."""
    images, logits = np.array(list(itertools.product((0., 1.), repeat=4))), rng.uniform(0.6, 1.8, 4) * [1, -1, -1, 1]

    def pmf(logits):
        return np.prod(stats.bernoulli.pmf(images, special.expit(logits)), axis=-1)
    return dict(images=images, logits=logits, by_scipy=lambda: pmf(logits),
                squashed_odds=lambda: pmf(special.expit(logits)))


def stage_gaussian(rng):
    """Two data of three real entries, one standard deviation for all of them."""
    sd = rng.uniform(0.7, 0.9)
    decoder, encoder = Network((1, 2, 3), normal_of(sd)), Network((3, 2, 2))
    x = np.array([[0.9, -0.4, 0.7], [-0.6, 1.1, 0.3]]) + rng.uniform(-0.2, 0.2, (2, 3))
    phi, theta = encoder_weights(rng, encoder.sizes), weights_of(rng, decoder.sizes)
    stage = small(x, phi, theta, encoder, decoder, normal_log_prob(sd))
    del stage["slope_in_phi"], stage["posterior_by_scipy"]
    return stage


def stage_variance_head(rng):
    """The decoder ends in two heads as well, for data of one entry."""
    decoder, encoder = Network((1, 2, 2), normal_heads), Network((1, 2, 2))
    x, theta = np.array([[0.8], [-0.5]]) + rng.uniform(-0.1, 0.1, (2, 1)), encoder_weights(rng, decoder.sizes)
    stage = small(x, encoder_weights(rng, encoder.sizes), theta, encoder, decoder, heads_log_prob)
    for name in ("log_evidence", "posterior_by_scipy"):
        del stage[name]
    codes = np.array([[0.9], [-0.6]])
    heads = of_heads(theta, codes, decoder)
    heads["moments_by_layers"] = heads.pop("heads_by_layers")
    return stage | heads | bent(theta, codes, decoder)


def bent(weights, inputs, network):
    """What superposition is held against, for a network with a hidden layer."""
    return dict(inputs=inputs, weights=weights, network=network,
                effect_by_layers=lambda: effects(weights, inputs, network.sizes)[1],
                effects_by_layers=lambda: effects(weights, inputs, network.sizes)[0])


def stage_saturating(rng):
    """An encoder whose hidden units all grow with both entries, and are near their limit at either datum."""
    return bent(rng.uniform(0.7, 1.1, 17), rng.uniform(0.8, 1.2, (2, 2)), Network((2, 3, 2)))


def stage_alike(rng):
    """Three images much alike, as gray as means are: their terms move together where they share a noise."""
    phi, theta, encoder, decoder = pixel_networks(rng)
    x = np.array([0.9, 0.8, 0.2, 0.7]) + rng.uniform(-0.1, 0.1, (3, 4))
    referee = Referee(x, phi, theta, encoder, decoder, pixels_log_prob)
    return dict(x=x, phi=phi, theta=theta, encoder=encoder, decoder=decoder, S=2, noise=standard_noise(3, 1),
                bound_by_scipy=referee.elbo, spreads_by_scipy=lambda S: referee.spreads(S),
                variance_by_scipy=lambda S: referee.spreads(S)[2], variance_of_one_noise=lambda S: referee.shared(S))


def stage_bend(rng):
    """One real entry, a decoder that saturates, and an encoder without hidden layer.

    Two numbers for the means of four data.
    """
    sd, steep = rng.uniform(0.18, 0.22), rng.uniform(2.6, 3.2)
    decoder, encoder = Network((1, 2, 1), normal_of(sd)), Network((1, 2))
    theta = np.array([steep, 0.9 * steep, 0.1, -0.1, 0.9, 0.8, rng.uniform(0.05, 0.15)])
    x = np.array([[-1.7], [-0.6], [0.5], [1.6]]) + rng.uniform(-0.05, 0.05, (4, 1))
    lam, phi = np.tile([0., -1.], (4, 1)), np.array([0.3, 0., 0., -1.])
    referee = Referee(x, phi, theta, encoder, decoder, normal_log_prob(sd))
    return dict(x=x, phi=phi, theta=theta, encoder=encoder, decoder=decoder, lam=lam,
                best_by_scipy=lambda: referee.best(lam), highest_by_scipy=referee.highest,
                encoder_by_scipy=referee.elbo)


# ---- two latent variables and more

def stage_deep(rng):
    """Two hidden layers in both networks, three latent variables, three images: for what needs no integral."""
    decoder, encoder = Network((3, 3, 4, 4), bernoulli), Network((4, 4, 3, 6))
    x = np.array([[1., 0, 0, 1], [0, 1, 1, 1], [1, 1, 0, 0]])
    return held_noise(rng, x, encoder, decoder, pixels_log_prob)


def stage_deep_heads(rng):
    """Real data and a variance head."""
    decoder, encoder = Network((2, 3, 6), normal_heads), Network((3, 4, 4))
    x = rng.uniform(0.3, 0.9, (2, 3)) * [[1, -1, 1], [-1, 1, 1]]
    stage = held_noise(rng, x, encoder, decoder, heads_log_prob, 0.3, 0.6)
    mu, log_sd = stage["lam"][:, :2], stage["lam"][:, 2:]

    def bound(n):
        """By the trapezoid with n points of either latent variable's noise."""
        t = np.linspace(-9, 9, n)
        eps, mass = np.stack(np.meshgrid(t, t), axis=-1).reshape(-1, 1, 2), stats.norm.pdf(t) * (t[1] - t[0])
        z = mu + np.exp(log_sd) * eps
        fit = np.outer(mass, mass).ravel() @ heads_log_prob(x, evaluated(stage["theta"], z, decoder.sizes))
        return np.mean(fit - penalty(stage["lam"]))

    return dict(stage, bound_on_a_grid=lambda: Estimate(bound(201), abs(bound(201) - bound(151))))


def held_noise(rng, x, encoder, decoder, log_prob, *sizes):
    """Both networks, two draws of the noise held fixed, and gradients by differences."""
    N, D = len(x), decoder.sizes[0]
    held = rng.uniform(0.4, 1.3, (2, N, D)) * np.where(np.arange(2 * N * D).reshape(2, N, D) % 3 == 1, -1, 1)
    phi, theta = encoder_weights(rng, encoder.sizes), weights_of(rng, decoder.sizes, *sizes)
    lam = evaluated(phi, x, encoder.sizes)
    P = len(phi)

    def fit(z, theta=theta):
        """log p(x_n | z_n) (N,)."""
        return log_prob(x, evaluated(theta, z, decoder.sizes))

    def estimate(lam, theta=theta):
        """Every datum's term (N,) at lam."""
        return fit(lam[:, :D] + np.exp(lam[:, D:]) * held, theta) - penalty(lam)

    return dict(
        x=x, held=held, phi=phi, theta=theta, encoder=encoder, decoder=decoder, lam=lam, S=2,
        noise=standard_noise(N, D),
        differences_in_weights=lambda: by_differences(lambda w: np.mean(estimate(evaluated(w[:P], x, encoder.sizes),
                                                                                 w[P:])),
                                                      np.concatenate([phi, theta])))


def stage_narrow(rng):
    """Three codes of three latent variables, much narrower than the prior."""
    mu = rng.uniform(0.3, 0.8, (3, 3)) * [[1, -1, 1], [-1, -1, 1], [1, 1, -1]]
    lam = np.concatenate([mu, rng.uniform(-1.6, -1., (3, 3))], axis=1)
    return dict(lam=lam, divergence_by_scipy=lambda: divergences(lam),
                divergence_of_roots=lambda: divergences(lam * np.repeat([1., 0.5], 3)))


def epoch(rng, x, held, likelihood, log_prob, bias):
    """Seven data, the last of them odd, three a time."""
    n = x.shape[-1]
    decoder, encoder = Network((1, 2, n), likelihood), Network((n, 2, 2))
    phi, theta = weights_of(rng, encoder.sizes, 0.2, 0.4), weights_of(rng, decoder.sizes, 0.2, 0.4)
    theta[-n:] = bias
    phi[-1] = -0.6
    P = len(phi)

    def each(phi, theta):
        lam = evaluated(phi, x, encoder.sizes)
        return log_prob(x, evaluated(theta, lam[:, :1] + np.exp(lam[:, 1:]) * held, decoder.sizes)) - penalty(lam)

    return dict(x=x, held=held, phi=phi, theta=theta, encoder=encoder, decoder=decoder, S=3,
                noise=without_replacement(7),
                differences_of_the_average=lambda: by_differences(lambda w: np.mean(each(w[:P], w[P:])),
                                                                  np.concatenate([phi, theta])))


def stage_epoch(rng):
    x = np.array([[1., 1, 1, 1], [1, 1, 1, 0], [1, 1, 1, 1], [0, 1, 1, 1], [1, 1, 0, 1], [1, 1, 1, 1], [0, 0, 0, 0]])
    return epoch(rng, x, rng.uniform(-1, 1, (2, 7, 1)), bernoulli, pixels_log_prob, rng.uniform(1.6, 2., 4))


def stage_gaussian_epoch(rng):
    x = np.concatenate([rng.uniform(-0.3, 0.3, (6, 3)), [[2.2, -2.4, 2.3]]])
    return epoch(rng, x, rng.uniform(-1, 1, (2, 7, 1)), normal_of(0.8), normal_log_prob(0.8), rng.uniform(-0.1, 0.1, 3))


# ---- linear decoders: probabilistic principal components

def of_layers(theta, decoder):
    """W (D, n) and b (n,) of a decoder of one layer."""
    D, n = decoder.sizes
    return theta[:D * n].reshape(D, n), theta[D * n:]


def evidence_of_normals(x, theta, decoder, sd):
    W, b = of_layers(theta, decoder)
    return np.mean(stats.multivariate_normal.logpdf(x, b, W.T @ W + sd**2 * np.eye(len(b))))


def linear(rng, W, N):
    """x = z W + b + noise: everything is normal, and done here in the space of the data; S = 1 as in small."""
    D, n = W.shape
    b, sd = rng.uniform(0.2, 0.5, n), rng.uniform(0.7, 0.9)
    cover = W.T @ W + sd**2 * np.eye(n)
    to_mean = np.linalg.solve(cover, W.T)                                       # (n, D), the posterior mean's weights
    spread = np.eye(D) - W @ to_mean
    heads = np.concatenate([to_mean, 0 * to_mean], axis=1)
    phi = np.concatenate([heads.ravel(), -b @ to_mean, 0.5 * np.log(np.diag(spread))])
    x, new = (rng.uniform(0.5, 1.3, (k, n)) * np.where((np.arange(k * n) % 5 < 3).reshape(k, n), 1, -1) for k in (N, 2))
    decoder, encoder, theta = Network((D, n), normal_of(sd)), Network((n, 2 * D)), np.concatenate([W.ravel(), b])

    return dict(x=x, new=new, phi=phi, theta=theta, encoder=encoder, decoder=decoder, sd=sd,
                S=1, noise=standard_noise(N, D),
                bound_by_scipy=evidence_of_normals, evidence_by_scipy=evidence_of_normals,
                posterior_of_new_data=lambda: np.concatenate([(new - b) @ to_mean, np.tile(np.diag(spread), (2, 1))],
                                                             axis=-1),
                distance_of_means=lambda: np.linalg.norm((new[0] - new[1]) @ to_mean),
                largest_slope=lambda: np.sqrt(np.linalg.eigvalsh(to_mean.T @ to_mean)[-1]
                                              * np.sum((new[0] - new[1])**2)))


def stage_linear(rng):
    return linear(rng, rng.uniform(0.7, 1.1, (1, 3)) * [1, -1, 1], 2)


def stage_plane(rng):
    """Two latent variables whose loadings are orthogonal, so that the posterior factorizes."""
    a, b, c, d = rng.uniform(0.6, 0.9, 4)
    return linear(rng, np.array([[a, b, 0.], [-b * c / a, c, d]]), 1)


# ---- smoothness, numbers, counts

def stage_folded(rng):
    """A decoder that is even in z, so that z and -z have the same image, and two codes nearly so."""
    (a, b), (c, d) = rng.uniform(0.8, 1.2, 2), rng.uniform(0.7, 1.1, 2)
    network, weights = Network((1, 2, 2)), np.array([a, -a, b, b, c, d, c, d, 0.3, -0.2])
    codes = np.array([1., -1.02])[:, None] * rng.uniform(0.7, 0.9)
    first, second = evaluated(weights, codes, network.sizes)
    apart = abs(codes[0, 0] - codes[1, 0])

    def slope_by_differences():
        slope = by_differences(lambda z: evaluated(weights, z, network.sizes), codes[0])
        return Estimate(np.linalg.norm(slope.value) * apart / 10, np.sum(slope.error) * apart)

    return dict(codes=codes, weights=weights, network=network,
                distance_by_layers=lambda: np.linalg.norm(first - second),
                slope_by_differences=slope_by_differences)


def stage_many_images(rng):
    """About as many images as MNIST has for training, and an encoder about as wide as the slides'."""
    N, first, second = 55_000 + rng.integers(5_000), 256 - rng.integers(9), 64 - rng.integers(9)
    return dict(N=N, D=2, sizes=(784, first, second, 4), numbers_for_many=lambda: 4 * N,
                weights_by_hand=lambda: 784 * first + first + first * second + second + second * 4 + 4)


def stage_counts(rng):
    """Three sets of Poisson counts under one Gamma prior: their sums are negative binomial, their rates Gamma."""
    a, b = rng.uniform(1.5, 2.5), rng.uniform(0.7, 1.1)
    totals, sizes = np.array([1., 14., 5.]) + rng.integers(0, 3, 3), np.array([2., 4., 3.])

    def moment(n, power):
        """E[z^power p(total_n | z)] under the prior."""
        def integrand(z):
            return z**power * stats.gamma.pdf(z, a, scale=1 / b) * stats.poisson.pmf(totals[n], sizes[n] * z)
        return integrate.quad(integrand, 0, 40, epsabs=0, epsrel=1e-12, limit=200)[0]

    def moments():
        values = np.array([[moment(n, k) / moment(n, 0) for k in (1, 2)] for n in range(3)])
        return np.stack([values[:, 0], values[:, 1] - values[:, 0]**2], axis=-1)

    def average_set():
        """E_q[log p(total, z) - log q(z)] by quad, q the gamma of the average set."""
        q = stats.gamma(a + np.mean(totals), scale=1 / (b + np.mean(sizes)))

        def of(n):
            def integrand(z):
                log_joint = stats.gamma.logpdf(z, a, scale=1 / b) + stats.poisson.logpmf(totals[n], sizes[n] * z)
                return q.pdf(z) * (log_joint - q.logpdf(z))
            return integrate.quad(integrand, 1e-12, 20, epsabs=1e-12, epsrel=1e-11, limit=200)[0]
        return np.mean([of(n) for n in range(3)])

    return dict(a=a, b=b, totals=totals, sizes=sizes, moments_by_scipy=moments, one_for_all_by_scipy=average_set,
                evidence_of_counts=lambda: np.mean(stats.nbinom.logpmf(totals, a, b / (b + sizes))))
