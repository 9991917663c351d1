"""Companion of bnn_inference.md: its stages, its referees and its slips; bnn_curvature.py and bnn_iterates.py are parts
of it."""
import itertools

import numpy as np
from bnn_curvature import *     # noqa: F401, F403
from bnn_iterates import *      # noqa: F401, F403
from bnn_nodes import hermite
from referees import bell, by_differences, complex_step, grid, under_normal
from scipy import optimize, special, stats

from refvi import Estimate, Noise, diagonal_normal
from refvi.base.models import linear_gaussian, regression
from refvi.bayes.bnn_inference.rows import (backprop_of_each, batches_drawn, bayes_by_backprop,     # noqa: F401
                                            best_diagonal_normal, divergence_from_prior, law_of_activations,
                                            minibatch_weights, moments_of_fits, one_draw_a_datum, one_draw_for_all,
                                            over_equal_batches, over_weighted_batches, path_at_the_optimum,
                                            scale_mixture, score_at_the_optimum, variance_of_one_draw_a_datum,
                                            variance_of_one_draw_for_all)
from refvi.bound.mean_field import excess_of_log_precisions     # noqa: F401
from refvi.gradients.reparameterization.rows import path_estimate, path_part, score_of_carried_draws    # noqa: F401
from refvi.gradients.score_function import expected_weighted_score      # noqa: F401
from refvi.likelihood.networks import layers


ONE, FIVE, THIRTY, ORDER = 1, 5, 30, 64     # one draw; nodes for polynomials, nodes for a mixture; a fine rule
MANY = hermite(2, 40)


# ---- a regression with three weights

def problem(rng, N, D):
    """(x, theta) with inputs that are correlated, so that the posterior is."""
    y = np.column_stack([np.ones(N), np.linspace(-0.3, 1.1, N) + rng.uniform(-0.05, 0.05, N),
                         np.cos(2. * np.arange(N)) + rng.uniform(-0.1, 0.1, N)])[:, :D]
    theta = regression(y, prior_sd=rng.uniform(1.3, 1.7), noise_sd=rng.uniform(0.7, 0.9))
    return y @ np.array([0.9, 0.6, -0.4])[:D] + rng.uniform(-0.5, 0.5, N), theta


def precision(x, theta):
    """(P (D, D), h (D,)): the slope of the log joint at w is h - P w."""
    P = sum(np.outer(row, row) for row in theta.y) / theta.noise_sd**2 + np.eye(theta.y.shape[1]) / theta.prior_sd**2
    return P, sum(a * row for a, row in zip(x, theta.y)) / theta.noise_sd**2


def log_density(w, x, theta):
    """log p(x, w) (...,) of weights (..., D), by sums that take complex numbers as well."""
    rest = (x - w @ theta.y.T) / theta.noise_sd
    size = len(x) * np.log(theta.noise_sd) + w.shape[-1] * np.log(theta.prior_sd)
    turns = 0.5 * (len(x) + w.shape[-1]) * np.log(2 * np.pi)
    return -0.5 * np.sum(rest**2, axis=-1) - 0.5 * np.sum((w / theta.prior_sd)**2, axis=-1) - size - turns


def bound(lam, x, theta):
    """The ELBO by nodes that are exact for a quadratic."""
    D = len(lam) // 2
    t, mass = grid(np.zeros(D), np.eye(D))
    entropy = np.sum(lam[D:]) + 0.5 * D * np.log(2 * np.pi * np.e)
    return mass @ log_density(lam[:D] + np.exp(lam[D:]) * t, x, theta) + entropy


def stage_three_weights(rng):
    """Some way from the optimum; f is the log weight less its mean."""
    x, theta = problem(rng, 5, 3)
    P, h = precision(x, theta)
    mean, sd = np.linalg.solve(P, h), np.diag(P)**-0.5
    lam = np.concatenate([mean + rng.uniform(0.2, 0.3, 3) * [1, -1, 1], np.log(sd * rng.uniform(0.7, 0.9, 3))])
    b = bound(lam, x, theta)

    def log_joint(z):
        return linear_gaussian.log_joint(z, x, theta)

    return dict(x=x, theta=theta, q=diagonal_normal, lam=lam, log_joint=log_joint, S=2, noise=hermite(3, 3),
                f=lambda z, lam: log_joint(z) - diagonal_normal.log_prob(z, lam) - b)


def gradient_by_hand(x, theta, lam):
    """The slope at the means; and one for the entropy, less what the precision makes of a variance."""
    P, h = precision(x, theta)
    return np.concatenate([h - P @ lam[:3], 1 - np.diag(P) * np.exp(2 * lam[3:])])


def optimum_by_search(x, theta, lam):
    """Where the bound is flat, as SciPy finds it: of squares over nodes, and the entropy, no constant of either."""
    t, mass = grid(np.zeros(3), np.eye(3))

    def varying(lam):
        w = lam[:3] + np.exp(lam[3:]) * t
        fit = np.sum((x - w @ theta.y.T)**2, axis=-1) / theta.noise_sd**2
        return np.sum(lam[3:]) - mass @ (fit + np.sum(w**2, axis=-1) / theta.prior_sd**2) / 2

    return optimize.root(lambda lam: complex_step(varying, lam), lam, tol=1e-13).x


def stage_posterior(rng):
    """The posterior's covariance, and what the bound lacks of the evidence at its best."""
    x, theta = problem(rng, 5, 3)
    P, h = precision(x, theta)
    best = np.concatenate([np.linalg.solve(P, h), -0.5 * np.log(np.diag(P))])
    covariance = theta.y @ theta.y.T * theta.prior_sd**2 + np.eye(5) * theta.noise_sd**2
    evidence = stats.multivariate_normal.logpdf(x, np.zeros(5), covariance)
    return dict(x=x, theta=theta, S=2, covariance=np.linalg.inv(P),
                evidence_less_bound=lambda: evidence - bound(best, x, theta))


def at_nodes(x, theta):
    """(masses (n,), eps (n, 3), draws w, log weights less the bound, sigma) at the optimum; five nodes an axis."""
    P, h = precision(x, theta)
    sigma = np.diag(P)**-0.5
    eps, mass = hermite(3, FIVE).rule(ONE, ORDER)
    eps, w = eps[:, 0], np.linalg.solve(P, h) + sigma * eps[:, 0]
    weight = w @ h - 0.5 * np.sum(w @ P * w, axis=-1) + 0.5 * np.sum(eps**2, axis=-1)
    return mass, eps, w, weight - mass @ weight, sigma


def spread(mass, terms, S):
    return (mass @ terms**2 - (mass @ terms)**2) / S


def path_by_nodes(x, theta, S):
    """The slope of the log weight in each draw, times (1, sigma eps)."""
    (mass, eps, w, _, sigma), (P, h) = at_nodes(x, theta), precision(x, theta)
    slope = h - w @ P + eps / sigma
    return spread(mass, np.concatenate([slope, slope * sigma * eps], axis=-1), S)


def score_by_nodes(x, theta, S):
    """The log weight less the bound, times the score (eps / sigma, eps^2 - 1)."""
    mass, eps, _, weight, sigma = at_nodes(x, theta)
    return spread(mass, weight[:, None] * np.concatenate([eps / sigma, eps**2 - 1], axis=-1), S)


# ---- Bayes by Backprop

def mixture_by_hand(w, share, wide, narrow):
    """log prior (...,), by SciPy's densities."""
    return np.sum(np.log(share * stats.norm.pdf(w, 0, wide) + (1 - share) * stats.norm.pdf(w, 0, narrow)), axis=-1)


def stage_backprop(rng):
    """Two weights under a mixture of two scales, three data; three points of the noise."""
    x, theta = problem(rng, 3, 2)
    mu, rho = rng.uniform([0.5, 0.2], [0.8, 0.4]), rng.uniform([-1.5, -1.3], [-1.3, -1.1])
    share, wide, narrow = rng.uniform([0.3, 1.4, 0.7], [0.4, 1.6, 0.8])

    def log_joint(w):
        fit = stats.norm.logpdf(x, w @ theta.y.T, theta.noise_sd).sum(axis=-1)
        return fit + mixture_by_hand(w, share, wide, narrow)

    def slope(w):
        odds = share / (1 - share) * stats.norm.pdf(w, 0, wide) / stats.norm.pdf(w, 0, narrow)
        pull = (odds / wide**2 + 1 / narrow**2) / (1 + odds)
        return (x - w @ theta.y.T) @ theta.y / theta.noise_sd**2 - pull * w

    return dict(mu=mu, rho=rho, share=share, wide=wide, narrow=narrow, slope=slope, log_p=log_joint, S=2,
                points=np.array([[1.3, -0.6], [-0.8, 1.2], [0.2, -0.1]]) + rng.uniform(-0.1, 0.1, (3, 2)),
                noise=hermite(2, 15, fewer=2))


def recipe(points, mu, rho, log_p):
    """As the paper has it: f = log p(x, w) - log q(w | mu, sigma), differentiated in w and in mu and sigma apart."""
    sigma = np.log1p(np.exp(rho))
    w = mu + sigma * points

    def in_each(g):
        return by_differences(g, np.zeros(2))

    def log_q(w, mu, sigma):
        return stats.norm.logpdf(w, mu, sigma).sum(axis=-1)

    in_w = in_each(lambda v: log_p(w + v) - log_q(w + v, mu, sigma))
    in_mu, in_sigma = in_each(lambda v: -log_q(w, mu + v, sigma)), in_each(lambda v: -log_q(w, mu, sigma + v))
    value, error = (np.concatenate([a + b, (a * factor + c) / (1 + np.exp(-rho))], axis=-1)
                    for (a, b, c), factor in zip(zip(in_w, in_mu, in_sigma), (points, np.abs(points))))
    return Estimate(value, error)


def bound_of(mu, sigma, log_p):
    """The ELBO of two weights by many nodes, but for a constant."""
    eps, mass = MANY.rule(ONE, ORDER)
    return mass @ log_p(mu + sigma * eps[:, 0]) + np.sum(np.log(sigma))


def slope_of_the_bound(mu, rho, log_p):
    return by_differences(lambda v: bound_of(v[:2], np.log1p(np.exp(v[2:])), log_p), np.append(mu, rho))


def expected_backprop(mu, rho, slope):
    """backprop_of_each over many nodes."""
    eps, mass = MANY.rule(ONE, ORDER)
    return mass @ backprop_of_each(eps[:, 0], mu, rho, slope)


def softplus_forgotten(mu, rho, slope):
    """A slip: the step is taken in rho, the gradient is that in sigma."""
    t, w = special.roots_hermitenorm(THIRTY)
    sigma, found = np.log1p(np.exp(rho)), 0.
    for (a, u), (b, v) in itertools.product(zip(t, w), repeat=2):
        g = slope(mu + sigma * [a, b])
        found = found + u * v / (2 * np.pi) * np.concatenate([g, g * [a, b] + 1 / sigma])
    return found


def slope_in_sigma(mu, rho, log_p):
    return by_differences(lambda v: bound_of(v[:2], v[2:], log_p), np.append(mu, np.log1p(np.exp(rho))))


def stage_mixture(rng):
    """Five draws of three weights; the scales are further apart than in use above."""
    share, wide, narrow = rng.uniform([0.3, 1.4, 0.3], [0.4, 1.6, 0.4])
    return dict(share=share, wide=wide, narrow=narrow, w=rng.uniform(0.3, 1.5, (5, 3)) * [1, -1, 1])


def mixture_by_scipy(w, share, wide, narrow):
    return mixture_by_hand(w, share, wide, narrow)


def mixture_of_logs(w, share, wide, narrow):
    """A slip: the logarithms are mixed, not the densities."""
    logs = share * stats.norm.logpdf(w, 0, wide) + (1 - share) * stats.norm.logpdf(w, 0, narrow)
    return np.sum(logs, axis=-1)


def one_normal_too_low(w, share, wide, narrow):
    """One scale between the two, and a constant below zero."""
    sd = (share / wide**2 + (1 - share) / narrow**2)**-0.5
    low = np.log(sd / (wide**share * narrow**(1 - share)))
    return stats.multivariate_normal.logpdf(w, np.zeros(3), sd**2) + 3 * low


# ---- minibatches

def stage_batches(rng):
    """Seven data in three batches; fits by nodes, the divergence by SciPy's quadrature."""
    x, theta = problem(rng, 7, 2)
    mu, sigma = rng.uniform(0.3, 0.9, 2), rng.uniform(0.3, 0.6, 2)
    w, mass = grid(mu, np.diag(sigma**2))
    each = mass @ stats.norm.logpdf(x, w @ theta.y.T, theta.noise_sd)
    divergence = sum(divergence_of_one(m, s, theta.prior_sd) for m, s in zip(mu, sigma))

    def rule(S, order):
        numbers = np.array(list(itertools.product(range(3), repeat=S)))
        return numbers, np.full(len(numbers), 3.**-S)

    return dict(M=3, fits=np.array([each[:2].sum(), each[2:4].sum(), each[4:].sum()]), divergence=divergence, S=2,
                noise=Noise(lambda rng, R, S: rng.integers(0, 3, (R, S)), rule),
                whole_bound=lambda: bound(np.append(mu, np.log(sigma)), x, theta),
                bound_with_three_priors=lambda: bound(np.append(mu, np.log(sigma)), x, theta) - 2 * divergence)


def halved_each_time(M):
    """Half of what was left, M times over, over what has been taken."""
    left, shares = 1., []
    for _ in range(M):
        shares.append(left / 2)
        left = left - shares[-1]
    return np.array(shares) / (1 - left)


def divergence_each_time(fits, divergence):
    """A slip: every batch pays all of the divergence."""
    return np.sum(fits - divergence)


def divergence_of_one(mu, sigma, prior_sd):
    """KL(N(mu, sigma^2) || N(0, prior_sd^2)) by SciPy's quadrature."""
    return under_normal(lambda w: bell(w, mu, sigma) - bell(w, 0., prior_sd), mu, sigma).value


def stage_network(rng):
    """The weights and biases of a network 2-2-1."""
    return dict(mu=rng.uniform(-1.2, 1.2, 9), sigma=rng.uniform(0.2, 0.5, 9), prior_sd=rng.uniform(0.7, 0.9))


def divergence_by_quadrature(mu, sigma, prior_sd):
    return sum(divergence_of_one(m, s, prior_sd) for m, s in zip(mu, sigma))


def without_biases(mu, sigma, prior_sd):
    """A slip: a loop over layers that takes the matrices alone."""
    found = 0.
    for (m, _), (s, _) in zip(layers(mu, (2, 2, 1)), layers(sigma, (2, 2, 1))):
        found += np.sum((m**2 + s**2) / (2 * prior_sd**2) - np.log(s / prior_sd) - 0.5)
    return found


def less_than_all(mu, sigma, prior_sd):
    """Six of nine by quadrature: two by two, and two."""
    return sum(divergence_of_one(mu[j], sigma[j], prior_sd) for j in (0, 1, 2, 3, 6, 7))


# ---- one draw of the weights for all data, or one of the activation for each

def stage_local(rng):
    """Two of three data, drawn with replacement, and three weights."""
    x, theta = problem(rng, 3, 3)
    mu, sigma = np.array([0.4, 0.3, -0.2]) + rng.uniform(-0.1, 0.1, 3), rng.uniform(0.3, 0.6, 3)
    numbers, normals = np.array(list(itertools.product(range(3), repeat=2))), hermite(3, 3)

    def draw(rng, R, S):
        return np.concatenate([rng.integers(0, 3, (R, S, 2)), rng.standard_normal((R, S, 3))], axis=-1)

    def rule(S, order):
        if S > 2:
            return None
        eps, mass = normals.rule(1, order)
        one = np.concatenate([np.repeat(numbers, len(eps), axis=0), np.tile(eps[:, 0], (9, 1))], axis=-1)
        index = np.indices((len(one),) * S).reshape(S, -1).T
        return one[index], np.prod(np.tile(mass, 9)[index] / 9, axis=-1)

    return dict(x=x, theta=theta, y=theta.y, mu=mu, sigma=sigma, M=2, S=2, noise=Noise(draw, rule))


def activations_over_signs(y, mu, sigma):
    """Mean and variance if each weight is mu plus or minus sigma."""
    found = np.array([y @ (mu + sigma * signs) for signs in itertools.product((-1, 1), repeat=3)])
    return np.stack([found.mean(axis=0), found.var(axis=0)])


def inputs_times_deviations(y, mu, sigma):
    """A slip: y sigma for y^2 sigma^2."""
    return np.stack([y @ mu, y @ sigma])


def activations_of_deviations(y, mu, sigma):
    """What comes out for the weights mu, and for the weights sigma."""
    return np.array([[sum(a * b for a, b in zip(row, w)) for row in y] for w in (mu, sigma)])


def fits_at_nodes(x, theta, mu, sigma):
    """(masses (27,), log p(x_n|w) (27, N))."""
    w, mass = grid(mu, np.diag(sigma**2))
    return mass, stats.norm.logpdf(x, w @ theta.y.T, theta.noise_sd)


def fit_by_nodes(x, theta, mu, sigma):
    mass, fits = fits_at_nodes(x, theta, mu, sigma)
    return np.sum(mass @ fits)


def sum_of_fits(x, theta, mu, sigma):
    return np.sum(moments_of_fits(x, theta, mu, sigma)[0])


def a_datum_by_nodes(x, theta, mu, sigma, M, S):
    """All numbers of a datum and all nodes of its own activation."""
    t, w = np.polynomial.hermite_e.hermegauss(FIVE)
    mass, values = [], []
    for target, row in zip(x, theta.y):
        b = row @ mu + np.linalg.norm(row * sigma) * t
        mass, values = np.append(mass, w / w.sum() / 3), np.append(values, stats.norm.logpdf(target, b, theta.noise_sd))
    return 9 * spread(mass, values, M * S)


def for_all_by_nodes(x, theta, mu, sigma, M, S):
    """All pairs of data under all nodes of the weights."""
    t, w = np.polynomial.hermite_e.hermegauss(FIVE)
    eps = np.array(list(itertools.product(t, repeat=3)))
    mass = np.prod(np.array(list(itertools.product(w / w.sum(), repeat=3))), axis=-1)
    fits = stats.norm.logpdf(x, (mu + sigma * eps) @ theta.y.T, theta.noise_sd)
    values = np.array([1.5 * (fits[:, n] + fits[:, m]) for n, m in itertools.product(range(3), repeat=2)])
    return spread(np.tile(mass / 9, 9), values.ravel(), S)


def squared_error_for_all(eps, x, theta, mu, sigma, M):
    return (one_draw_for_all(eps, x, theta, mu, sigma, M) - fit_by_nodes(x, theta, mu, sigma))**2


def squared_error_a_datum(eps, x, theta, mu, sigma, M):
    return (one_draw_a_datum(eps, x, theta, mu, sigma, M) - fit_by_nodes(x, theta, mu, sigma))**2
