"""Companion of linear_latent.md: its rows, its stages and its referees."""
import numpy as np
from scipy import stats

from refvi import Estimate, Noise
from refvi.generative.linear_latent.autoencoder import (decoder_after_encoder, error_of_other_axes,      # noqa: F401
                                                        error_of_principal_axes, lowest_error, plane_of_ppca,
                                                        reconstruction_of_ppca)
from refvi.generative.linear_latent.em import (bound_after_m_step, bound_touches,      # noqa: F401
                                               covariance_a_step_later, covariance_after_em, fitted_variances,
                                               gradient_at_fit, gradient_at_ppca, gradient_at_principal_factors,
                                               likelihood_after_em, likelihood_after_m_step, likelihood_of_fit,
                                               likelihood_of_ppca, means_for_moments, one_matrix, regression_on_moments,
                                               variances_of_ppca)
from refvi.generative.linear_latent.encoder import (aligned_bound, average_weight, best_encoder,      # noqa: F401
                                                    climbed_encoder, code_without_spread, evidence_minus_divergence,
                                                    fit_minus_kl, highest_bound_of_all, likelihood_minus_correlation,
                                                    log_deviation_for_log_variance, marginal_deviations,
                                                    posterior_with_noise, posterior_without_noise, rotated_bound,
                                                    scaled_bound_without_noise)
from refvi.generative.linear_latent.maximum import (covariance_of_closed_form,      # noqa: F401
                                                    covariance_with_noise_twice, gradient_at_closed_form,
                                                    gradient_at_noise_over_n, likelihood_at_closed_form,
                                                    likelihood_at_rotation, likelihood_nearby, likelihood_of_other_axes,
                                                    sum_of_log_eigenvalues)
from refvi.generative.linear_latent.model import Linear
from refvi.generative.linear_latent.rows import (best_normal, covariance_of_generated,      # noqa: F401
                                                 covariance_without_noise, deviation_for_variance, integral_over_z,
                                                 joint_over_posterior, law_of_total_variance, loadings_and_noise,
                                                 moments_of_posterior, network_of_one_layer,
                                                 network_with_a_hidden_layer, power_of_all_coordinates, precision_of_z,
                                                 projection_without_prior, small_matrix, small_posterior,
                                                 trace_of_ratio)
from refvi.likelihood.networks import tanh


def some_linear(rng, each):
    """A small theta, D=2 with one noise or D=1 with a noise for each coordinate, and six data about as far from b as it expects."""
    W = np.array([[0.8, 0.3], [-0.4, 0.6], [0.5, -0.5]])[:, :1 if each else 2]
    b, sd = rng.uniform([0.3, -0.9, 0.5], [0.6, -0.6, 0.8]), rng.uniform([0.45, 0.5, 0.4], [0.5, 0.55, 0.45]) if each else rng.uniform(0.45, 0.55)
    theta = Linear(W + rng.uniform(-0.05, 0.05, W.shape), b, sd)
    return theta, b + np.array([[1.1, -0.4, 0.3], [-0.9, -0.5, -0.7], [0.4, 0.8, -0.2], [-0.3, 0.6, 0.9], [0.9, 0.4, -0.8], [-0.7, -0.3, 0.4]]) + rng.uniform(-0.1, 0.1, (6, 3))


def standard_normal(*shape):
    """Noise of this shape for every draw, too much of it for a rule."""
    return Noise(lambda rng, R, S: rng.standard_normal((R, S, *shape)), lambda S, order: None)


def model_covariance(theta):
    return np.array([[sum(v * w) for w in theta.W] for v in theta.W]) + np.diag(theta.sd**2 * np.ones(len(theta.b)))


# ---- the model

def stage_one_noise(rng):
    theta, x = some_linear(rng, False)
    return dict(x=x, theta=theta, z=rng.uniform([0.2, -0.9], [0.6, -0.4]), S=40, noise=standard_normal(5), log_density=by_scipy,
                log_density_with_one_noise=by_scipy, covariance_of_x=model_covariance, conditional_normal=conditioned, conditional_normal_with_one_noise=conditioned)


def stage_noise_of_each(rng):
    theta, x = some_linear(rng, True)
    return dict(x=x, theta=theta, z=rng.uniform([0.2], [0.6]), S=40, noise=standard_normal(4), log_density=by_scipy, covariance_of_x=model_covariance,
                conditional_normal=conditioned)


def by_scipy(x, theta):
    return np.mean(stats.multivariate_normal.logpdf(x, theta.b, model_covariance(theta)))


def conditioned(x, theta):
    """z given x from the joint normal of both, whose covariance has the blocks I, W' and C."""
    gain = theta.W.T @ np.linalg.inv(model_covariance(theta))
    return np.concatenate([(x - theta.b) @ gain.T, np.eye(theta.W.shape[1]) - gain @ theta.W])


# ---- the linear special case

def stage_networks(rng):
    """Two networks with the same product of weights, one of them with a tanh between; data a long way out."""
    first, second, b = np.array([[0.9, -0.7]]) + rng.uniform(-0.1, 0.1, (1, 2)), np.array([[0.8, 0.3], [-0.4, 0.7]]) + rng.uniform(-0.1, 0.1, (2, 2)), rng.uniform(0.2, 0.5, 2)
    W, sd = (first @ second)[0], rng.uniform(0.3, 0.4)
    x = b + np.outer([2.2, -2.5, 2.7, -1.9], W) + rng.uniform(-0.2, 0.2, (4, 2))
    return dict(x=x, n=2, hidden=2, g=tanh, sd=sd, weights=np.concatenate([W, b]), deep_weights=np.concatenate([first[0], [0., 0.], second.ravel(), b]),
                log_density_of_ppca=lambda: np.mean(stats.multivariate_normal.logpdf(x, b, np.outer(W, W) + sd**2 * np.eye(2))))


# ---- data whose covariance has chosen eigenvalues

AXES = np.array([[1., 1., 1., 1.], [1., -1., 1., -1.], [1., 1., -1., -1.], [1., -1., -1., 1.]])


def designed(rng, covariance, N=9):
    """N bounded data about a generic mean, with exactly this covariance."""
    n = len(covariance)
    raw = rng.uniform(-1, 1, (N, n))
    return np.linalg.qr(raw - raw.mean(axis=0))[0] * np.sqrt(N) @ np.linalg.cholesky(covariance).T + rng.uniform(0.2, 0.9, n)


def by_svd(x):
    """Eigenvalues of the covariance and its axes (rows), from the data themselves."""
    _, s, V = np.linalg.svd(x - x.mean(axis=0), full_matrices=False)
    return s**2 / len(x), V


def stage_data(rng):
    """n = 4, D = 2: no axis along a coordinate, no two eigenvalues alike."""
    U = np.linalg.qr(AXES + rng.uniform(-0.2, 0.2, (4, 4)))[0]
    x, angle = designed(rng, (U * (np.array([2.6, 1.3, 1., 0.5]) * rng.uniform(0.97, 1.03, 4))) @ U.T), rng.uniform(0.5, 1.)
    start = np.concatenate([rng.uniform(0.2, 0.6, 8) * [1, 1, 1, -1, 1, 1, 1, -1], rng.uniform(-0.1, 0.1, 5), rng.uniform(0.1, 0.3, 8), rng.uniform(-0.6, -0.3, 2)])
    theta = Linear(start[:8].reshape(4, 2), x.mean(axis=0), rng.uniform(0.7, 1.))
    return dict(x=x, D=2, rotation=np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]), kept=np.array([0, 2]), nudge=0.1 * np.eye(13)[[0, 3, 6, 9, 12]],
                start=start, E=start[13:21].reshape(2, 4) * [[1, 1, 1, 1], [1, -1, 1, -1]], theta=theta, each=False, steps=150, scale=1., log_likelihood_now=by_scipy,
                regression_on_every_code=every_code, regression_with_one_noise=every_code, highest_likelihood=lambda x, D: scipy_at_svd(x, D))


def scipy_at_svd(x, D):
    """SciPy's density at the solution that the singular values of the data give."""
    return np.mean(stats.multivariate_normal.logpdf(x, x.mean(axis=0), covariance_of_svd(*by_svd(x), D)))


def likelihood_minus_mutual_information(x, D, rotation):
    """What two coordinates of the posterior know of each other, -1/2 log(1 - r^2)."""
    values, V = by_svd(x)
    W = V[:2].T * np.sqrt(values[:2] - values[2:].mean()) @ rotation
    posterior = np.eye(2) - W.T @ np.linalg.inv(covariance_of_svd(values, V, D)) @ W
    return scipy_at_svd(x, D) + 0.5 * np.log(1 - posterior[0, 1]**2 / (posterior[0, 0] * posterior[1, 1]))


def covariance_by_svd(x, D):
    return covariance_of_svd(*by_svd(x), D)


def covariance_of_svd(values, V, D):
    spread = np.concatenate([values[:D], np.full(len(values) - D, values[D:].mean())])
    return V.T @ np.diag(spread) @ V


def projector_by_svd(x, D):
    _, V = by_svd(x)
    return V[:D].T @ V[:D]


def discarded_eigenvalues(x, D):
    return by_svd(x)[0][D:].sum()


def slope_of_zero(x, D):
    return np.zeros(x.shape[1] * (D + 1) + 1)


def every_code(x, theta, each):
    """Weighted least squares of each datum on Gauss-Hermite nodes of its posterior: three a dimension are exact for second moments."""
    t, w = np.polynomial.hermite_e.hermegauss(3)
    D = theta.W.shape[1]
    grid, weights = np.array(np.meshgrid(*[t] * D)).reshape(D, -1).T, np.prod(np.array(np.meshgrid(*[w / w.sum()] * D)).reshape(D, -1), axis=0)
    rows = conditioned(x, theta)
    root = np.linalg.cholesky(rows[len(x):])
    z, off, weights = (rows[:len(x), None] + grid @ root.T).reshape(-1, D), np.repeat(x - theta.b, len(grid), axis=0), np.tile(weights, len(x))[:, None] / len(x)
    W = np.linalg.lstsq(np.sqrt(weights) * z, np.sqrt(weights) * off, rcond=None)[0].T
    left = np.sum(weights * (off - z @ W.T)**2, axis=0)
    return np.column_stack([W, left if each else np.full(len(left), left.mean())])


# ---- factor analysis

def factors(rng):
    """Loadings (5, 1) and standard deviations (5,), from quiet to noisy: one number for all of them is a poor fit."""
    W = (np.array([0.9, -1.1, 0.7, 0.6, 0.8]) + rng.uniform(-0.1, 0.1, 5))[:, None]
    return W, np.array([0.4, 0.9, 0.5, 1.6, 0.6]) + rng.uniform(-0.03, 0.03, 5)


def stage_factors(rng):
    """A covariance that one factor explains but for a few hundredths."""
    W, sd = factors(rng)
    extra = rng.uniform(-0.06, 0.06, (5, 5))
    x = designed(rng, W @ W.T + np.diag(sd**2) + extra @ extra.T)
    theta = Linear(rng.uniform(0.3, 0.6, (5, 1)), x.mean(axis=0), rng.uniform(0.8, 1.1, 5))
    return dict(x=x, D=1, theta=theta, each=True, log_likelihood_now=by_scipy, regression_on_every_code=every_code, scale=1.,
                variances_of_data=lambda: np.var(x, axis=0), slope_of_nothing=lambda: np.zeros(15))


def stage_exact_factors(rng):
    """A covariance that one factor explains exactly: the likelihood is highest there."""
    W, sd = factors(rng)
    x = designed(rng, W @ W.T + np.diag(sd**2))
    return dict(x=x, D=1, scale=1., likelihood_at_truth=lambda: np.mean(stats.multivariate_normal.logpdf(x, x.mean(axis=0), W @ W.T + np.diag(sd**2))))


# ---- an ellipse, which no linear map generates

def stage_ellipse(rng):
    return dict(axes=rng.uniform([1.8, 1.], [2., 1.2]), sd=rng.uniform(0.2, 0.25))


def on_ellipse(axes, sd, order):
    """Points (k, 2) and masses (k,) of x = (a cos t, c sin t) + sd e, t uniform."""
    t, (e, w) = 2 * np.pi * (np.arange(order) + 0.5) / order, np.polynomial.hermite_e.hermegauss(12)
    centre, noise_at = np.column_stack([np.cos(t), np.sin(t)]) * axes, np.array(np.meshgrid(e, e)).reshape(2, -1).T
    return (centre[:, None] + sd * noise_at).reshape(-1, 2), np.tile(np.outer(w, w).ravel() / w.sum()**2, order) / order


def density_of_ellipse(x, axes, sd, order=80):
    t = 2 * np.pi * np.arange(order) / order
    off = x[:, None] - np.column_stack([np.cos(t), np.sin(t)]) * axes
    return np.mean(np.exp(-0.5 * np.sum(off**2, axis=2) / sd**2), axis=1) / (2 * np.pi * sd**2)


def mean_log_density(axes, sd):
    """Minus the entropy of the ellipse, at two orders."""
    few, more = (mass @ np.log(density_of_ellipse(x, axes, sd)) for x, mass in (on_ellipse(axes, sd, order) for order in (24, 36)))
    return Estimate(more, abs(more - few))


def best_normal_of_moments(axes, sd):
    return best_normal(np.zeros(2), np.diag(axes**2 / 2 + sd**2))


def mean_log_normal(axes, sd):
    """SciPy's normal of the same moments, on the ellipse's own points."""
    x, mass = on_ellipse(axes, sd, 36)
    return mass @ stats.multivariate_normal.logpdf(x, cov=np.diag(mass @ x**2))


# ---- the encoder

def correlated(rng):
    """Loadings whose columns point almost the same way: the two coordinates of z are hard to tell apart."""
    W = np.array([[1.7, 1.4], [1.3, 0.6], [0.8, 1.4]]) + rng.uniform(-0.05, 0.05, (3, 2))
    theta = Linear(W, rng.uniform(-0.5, 0.5, 3), rng.uniform(0.35, 0.42))
    return theta, theta.b + np.array([[1.9, 0.8, 1.2], [-1.4, -1.1, -0.3], [0.5, 0.9, -0.6], [-0.9, -0.2, -1.3]]) + rng.uniform(-0.1, 0.1, (4, 3))


def gain_above_widths(theta):
    """W' C^-1 above one over the root of each diagonal entry of the precision. (n + 1, D)"""
    C = model_covariance(theta)
    precision = np.linalg.inv(np.eye(2) - theta.W.T @ np.linalg.inv(C) @ theta.W)
    return np.concatenate([np.linalg.inv(C) @ theta.W, 1 / np.sqrt(np.diag(precision))[None]])


def stage_encoder(rng):
    theta, x = correlated(rng)
    best = gain_above_widths(theta)
    phi = np.concatenate([best[:3].T.ravel() * rng.uniform(0.9, 1.1, 6), np.log(best[3]) + rng.uniform(0.1, 0.2, 2)])
    return dict(x=x, theta=theta, phi=phi, S=2, noise=standard_normal(len(x), 2), bound_on_grids=bound_on_grids,
                encoder_by_hand=gain_above_widths)


def bound_on_grids(x, theta, phi):
    """Average over the data and over Gauss-Hermite nodes of SciPy's log p(z) + log p(x | z) - log q(z | x): all quadratic, so that three nodes a dimension are exact."""
    t, w = np.polynomial.hermite_e.hermegauss(3)
    sd, total = np.exp(phi[6:]), 0.
    for datum in x:
        mu = phi[:6].reshape(2, 3) @ (datum - theta.b)
        for i, j in np.ndindex(3, 3):
            z = mu + sd * [t[i], t[j]]
            log_weight = np.sum(stats.norm.logpdf(z)) + np.sum(stats.norm.logpdf(datum, theta.b + theta.W @ z, theta.sd)) - np.sum(stats.norm.logpdf(z, mu, sd))
            total += w[i] * w[j] / w.sum()**2 * log_weight / len(x)
    return total


def stage_vanishing(rng):
    """A noise as large as the loadings: the posterior is wide, and shrunk towards zero."""
    theta, x = correlated(rng)
    return dict(x=x, theta=theta._replace(sd=rng.uniform(1., 1.2)), least_squares_code=lambda x, theta: np.concatenate(
        [np.linalg.lstsq(theta.W, (x - theta.b).T, rcond=None)[0].T, np.zeros((1, 2))]))
