"""Companion of linear_latent.md: its rows, its slips, its stages and its referees."""
import itertools

import numpy as np
from referees import by_differences, grid
from scipy import integrate, optimize, stats

from refvi import Estimate, Noise
from refvi.base.families.gaussian import closed_divergence
from refvi.base.models import isotropic
from refvi.generative.linear_latent.autoencoder import (decoder_after_encoder, error_of_other_axes,      # noqa: F401
                                                        error_of_principal_axes, lowest_error, plane_of_ppca,
                                                        reconstruction_of_ppca)
from refvi.generative.linear_latent.em import (bound_after_m_step, bound_touches, e_step,      # noqa: F401
                                               likelihood_after_em, likelihood_after_m_step, m_step, parts,
                                               regression_on_moments)
from refvi.generative.linear_latent.encoder import (aligned_bound, average_weight, best_encoder,      # noqa: F401
                                                    climbed_encoder, encode, evidence_minus_divergence,
                                                    fit_minus_kl, highest_bound_of_all, bound_minus_correlation,
                                                    posterior_with_noise, posterior_without_noise, rotated_bound,
                                                    scaled_bound_without_noise)
from refvi.generative.linear_latent.factors import (covariance_of_fit, ends_of_em, fitted_variances,      # noqa: F401
                                                    gradient_at_fit, gradient_at_ppca, variances_of_ppca)
from refvi.generative.linear_latent.maximum import (eigen, gradient_at_closed_form,      # noqa: F401
                                                    gradient_at_other_axes, likelihood_at_closed_form,
                                                    likelihood_at_rotation, likelihood_of_other_axes,
                                                    sum_of_log_eigenvalues)
from refvi.generative.linear_latent.model import Linear, covariance, log_joint, scatter, small
from refvi.generative.linear_latent.rows import (best_normal, covariance_of_generated,      # noqa: F401
                                                 integral_over_z, joint_over_posterior,
                                                 law_of_total_variance, loadings_and_noise,
                                                 moments_of_posterior, network_of_one_layer,
                                                 network_with_a_hidden_layer, precision_of_z, trace_of_ratio)
from refvi.likelihood.networks import tanh


# ---- slips

def means_for_moments(x, theta, each):
    """E[z] E[z]' for E[z z'], as if z were known."""
    mean, _ = e_step(x, theta)
    return parts(m_step(x, (mean, mean.T @ mean / len(x)), each))


def covariance_of_principal_factors(x, D):
    """Eigenvectors of the covariance itself, scaled by their eigenvalues, and what the diagonal lacks as noise."""
    values, U = eigen(x)
    W, b = U[:, :D] * np.sqrt(values[:D]), np.mean(x, axis=0)
    return covariance(Linear(W, b, np.sqrt(np.diag(scatter(x, b)) - np.sum(W**2, axis=1))))


def code_without_spread(x, phi, theta):
    """x reconstructed from the mean of q alone, as an autoencoder does."""
    lam = encode(x, phi, theta)
    mu = lam[:, :theta.W.shape[1]]
    return np.mean(log_joint(mu, x, theta) - isotropic(mu, 1.) - closed_divergence(lam))


def marginal_deviations(theta):
    """The posterior's marginal standard deviations, which a diagonal q cannot afford where z is correlated."""
    M = small(theta)
    return np.concatenate([np.linalg.solve(M, theta.W.T).T, theta.sd * np.sqrt(np.diag(np.linalg.inv(M)))[None]])


# ---- the model

OFFSETS = np.array([[1.1, -0.4, 0.3, 0.6, -0.5], [-0.9, -0.5, -0.7, 0.2, 0.9], [0.4, 0.8, -0.2, -0.6, 0.3],
                    [-0.3, 0.6, 0.9, 0.5, -0.8], [0.9, 0.4, -0.8, -0.3, 0.7], [-0.7, -0.3, 0.4, 0.8, -0.2]])


def some_linear(rng, n, noises):
    """A small theta with D = 2, and six data about as far from b as it expects."""
    W = np.array([[0.8, 0.3], [-0.4, 0.6], [0.5, -0.5], [0.3, 0.4], [-0.2, 0.5]])[:n] + rng.uniform(-0.05, 0.05, (n, 2))
    b = rng.uniform([0.3, -0.9, 0.5, -0.3, 0.6], [0.6, -0.6, 0.8, -0.1, 0.9])[:n]
    sd = rng.uniform([0.55, 0.65, 0.5, 0.6], [0.6, 0.7, 0.55, 0.65])[:noises]
    theta = Linear(W, b, sd if noises > 1 else sd[0])
    return theta, b + OFFSETS[:, :n] + rng.uniform(-0.1, 0.1, (6, n))


def standard_normal(*shape):
    """Noise of this shape for every draw, too much of it for a rule."""
    return Noise(lambda rng, R, S: rng.standard_normal((R, S, *shape)), lambda S, order: None)


def stage_one_noise(rng):
    theta, x = some_linear(rng, 5, 1)
    return dict(x=x, theta=theta, z=rng.uniform([0.2, -0.9], [0.6, -0.4]), S=3, noise=standard_normal(7),
                log_density=by_scipy, covariance_of_x=model_covariance, conditional_normal=conditioned)


def stage_noise_of_each(rng):
    theta, x = some_linear(rng, 4, 4)
    return dict(x=x, theta=theta, z=rng.uniform([0.2, -0.9], [0.6, -0.4]), S=3, noise=standard_normal(6),
                log_density=by_scipy, covariance_of_x=model_covariance, conditional_normal=conditioned)


def stage_off_the_mean(rng):
    """A start of EM whose b is off the mean of the data, for two coordinates of z and a noise in each of x."""
    theta, x = some_linear(rng, 4, 4)
    return dict(x=x, theta=theta, each=True, log_likelihood_now=by_scipy, regression_on_every_code=every_code)


def model_covariance(theta):
    """Entry by entry."""
    C = np.array([[sum(v * w) for w in theta.W] for v in theta.W])
    return C + np.diag(np.full(len(theta.b), theta.sd**2))


def by_scipy(x, theta):
    return np.mean(stats.multivariate_normal.logpdf(x, theta.b, model_covariance(theta)))


def conditioned(x, theta):
    """z given x from the joint normal of both, whose covariance has the blocks I, W' and C."""
    gain = theta.W.T @ np.linalg.inv(model_covariance(theta))
    return np.concatenate([(x - theta.b) @ gain.T, np.eye(theta.W.shape[1]) - gain @ theta.W])


# ---- the linear special case

def stage_networks(rng):
    """Two networks with the same product of weights, one of them with a tanh between; data a long way out."""
    first = np.array([[0.9, -0.7]]) + rng.uniform(-0.1, 0.1, (1, 2))
    second = np.array([[0.8, 0.3], [-0.4, 0.7]]) + rng.uniform(-0.1, 0.1, (2, 2))
    b, sd = rng.uniform(0.2, 0.5, 2), rng.uniform(0.3, 0.4)
    W = (first @ second)[0]
    x = b + np.outer([2.2, -2.5, 2.7, -1.9], W) + rng.uniform(-0.2, 0.2, (4, 2))

    def log_density_of_ppca():
        return np.mean(stats.multivariate_normal.logpdf(x, b, np.outer(W, W) + sd**2 * np.eye(2)))

    def hidden_layer_by_quad():
        """SciPy's adaptive quadrature over z, datum by datum."""
        def joint(z, datum):
            return stats.norm.pdf(z) * np.prod(stats.norm.pdf(datum, np.tanh(first[0] * z) @ second + b, sd))
        found = [integrate.quad(joint, -9, 9, args=(datum,), epsabs=0, epsrel=1e-11, limit=200) for datum in x]
        values, errors = np.transpose(found)
        return Estimate(np.mean(np.log(values)), np.mean(errors / values))

    return dict(x=x, n=2, hidden=2, g=tanh, sd=sd, weights=np.concatenate([W, b]),
                deep_weights=np.concatenate([first[0], [0., 0.], second.ravel(), b]),
                log_density_of_ppca=log_density_of_ppca, hidden_layer_by_quad=hidden_layer_by_quad)


# ---- an ellipse, which no linear map generates

# of the rules, around the ellipse and of the noise in each direction: the finest, and what it is held against, since
# nodes of a normal converge slowly here and not evenly
FINEST, OTHERS = (48, 24), ((32, 24), (48, 20), (48, 16), (48, 12))
WIDTHS, EDGE = (0.4, 0.3), 8            # of the grids, in standard deviations of the noise


def stage_ellipse(rng):
    return dict(axes=rng.uniform([1.8, 1.], [2., 1.2]), sd=rng.uniform(0.2, 0.25))


def on_ellipse(axes, sd, order, nodes=12):
    """Points (k, 2) and masses (k,) of x = (a cos t, c sin t) + sd e, t uniform."""
    t, (e, w) = 2 * np.pi * np.arange(order) / order, np.polynomial.hermite_e.hermegauss(nodes)
    centre = np.column_stack([np.cos(t), np.sin(t)]) * axes
    x = centre[:, None] + sd * np.array(list(itertools.product(e, repeat=2)))
    return np.concatenate(x), np.tile(np.outer(w, w).ravel() / w.sum()**2, order) / order


def density_of_ellipse(x, axes, sd, order=80):
    t = 2 * np.pi * np.arange(order) / order
    off = x[:, None] - np.column_stack([np.cos(t), np.sin(t)]) * axes
    return np.mean(np.exp(-0.5 * np.sum(off**2, axis=2) / sd**2), axis=1) / (2 * np.pi * sd**2)


def mean_log_density(axes, sd):
    """Minus the entropy of the ellipse, over its angle and its noise; its error adds up what coarser rules say."""
    def by(rule):
        x, mass = on_ellipse(axes, sd, *rule)
        return mass @ np.log(density_of_ellipse(x, axes, sd))

    finest = by(FINEST)
    return Estimate(finest, sum(abs(finest - by(rule)) for rule in OTHERS))


def integral_over_the_plane(axes, sd):
    """p log p, summed over square grids of two widths; p by SciPy's normals around 90 points of the ellipse."""
    t = 2 * np.pi * np.arange(90) / 90

    def summed(width):
        a, c = (np.arange(-axis - EDGE * sd, axis + EDGE * sd, width) for axis in axes)
        first = stats.norm.pdf(a[:, None], axes[0] * np.cos(t), sd)
        p = first @ stats.norm.pdf(c[:, None], axes[1] * np.sin(t), sd).T / 90
        return np.sum(p * np.log(p)) * width**2

    coarse, fine = (summed(width * sd) for width in WIDTHS)
    return Estimate(fine, abs(fine - coarse))


def best_normal_of_moments(axes, sd):
    return best_normal(np.zeros(2), np.diag(axes**2 / 2 + sd**2))


def mean_log_normal(axes, sd):
    """SciPy's normal of the same moments, on the ellipse's own points."""
    x, mass = on_ellipse(axes, sd, order=36)
    return mass @ stats.multivariate_normal.logpdf(x, cov=np.diag(mass @ x**2))


# ---- data whose covariance has chosen eigenvalues

AXES = np.array([[1., 1., 1., 1., 0.4], [1., -1., 1., -1., 0.5], [1., 1., -1., -1., -0.3], [1., -1., -1., 1., 0.6],
                 [0.3, 0.5, -0.4, 0.2, 1.]])


def designed(rng, covariance_of_data, N=11):
    """N bounded data about a generic mean, with exactly this covariance."""
    n = len(covariance_of_data)
    raw = rng.uniform(-1, 1, (N, n))
    white = np.linalg.qr(raw - raw.mean(axis=0))[0] * np.sqrt(N)
    return white @ np.linalg.cholesky(covariance_of_data).T + rng.uniform(0.2, 0.9, n)


def stage_data(rng):
    """n = 5, D = 3: no axis along a coordinate, no two eigenvalues alike."""
    U = np.linalg.qr(AXES + rng.uniform(-0.1, 0.1, (5, 5)))[0]
    values = np.array([3.4, 2.2, 1.3, 1., 0.4]) * rng.uniform(0.97, 1.03, 5)
    x = designed(rng, (U * values) @ U.T)
    W = rng.uniform(0.2, 0.6, (5, 3)) * [[1, 1, 1], [1, -1, 1], [1, 1, -1], [-1, 1, 1], [1, -1, -1]]
    V = rng.uniform(0.1, 0.3, (3, 5)) * [[1, 1, 1, 1, -1], [1, -1, 1, 1, 1], [1, 1, -1, 1, -1]]
    start = np.concatenate([W.ravel(), rng.uniform(-0.1, 0.1, 6), V.ravel(), rng.uniform(-0.6, -0.3, 3)])
    turn = np.array([[1., 0.6, -0.4], [-0.5, 1., 0.7], [0.6, -0.5, 1.]]) + rng.uniform(-0.1, 0.1, (3, 3))
    return dict(x=x, D=3, rotation=np.linalg.qr(turn)[0], kept=np.array([0, 1, 3]), start=start, E=V,
                starts=rng.normal(size=(5, 21)), theta=Linear(W, x.mean(axis=0), rng.uniform(0.7, 1.)),
                each=False, steps=150, scale=1.,
                log_likelihood_now=by_scipy, regression_on_every_code=every_code)


def highest_likelihood(x, D, starts):
    """SciPy's ascent in W, b and log sd, on a gradient written out: the best end of all starts, and their spread."""
    N, n = x.shape

    def downhill(v):
        W, b, sd = v[:n * D].reshape(n, D), v[n * D:-1], np.exp(v[-1])
        inverse, off = np.linalg.inv(W @ W.T + sd**2 * np.eye(n)), x - b
        pull = inverse - inverse @ (off.T @ off / N) @ inverse
        value = 0.5 * (n * np.log(2 * np.pi) - np.linalg.slogdet(inverse)[1] + np.sum(off @ inverse * off) / N)
        return value, np.concatenate([(pull @ W).ravel(), -inverse @ off.mean(axis=0), [sd**2 * np.trace(pull)]])

    found = (optimize.minimize(downhill, start, jac=True, method="BFGS", options=dict(gtol=1e-8)) for start in starts)
    ends = [-end.fun for end in found]
    return Estimate(max(ends), np.ptp(ends))


# ---- referees: singular values of the data

def by_svd(x):
    """Eigenvalues of the covariance and its axes (rows), from the data themselves."""
    _, s, V = np.linalg.svd(x - x.mean(axis=0), full_matrices=False)
    return s**2 / len(x), V


def spread_of(values, kept):
    """The kept eigenvalues, and for each other one the mean of the others."""
    others = np.setdiff1d(np.arange(len(values)), kept)
    spread = np.array(values)
    spread[others] = values[others].mean()
    return spread


def covariance_by_svd(x, D):
    values, V = by_svd(x)
    return V.T @ np.diag(spread_of(values, np.arange(D))) @ V


def density_by_svd(x, D):
    return np.mean(stats.multivariate_normal.logpdf(x, x.mean(axis=0), covariance_by_svd(x, D)))


def density_of_other_axes(x, kept):
    values, V = by_svd(x)
    return np.mean(stats.multivariate_normal.logpdf(x, x.mean(axis=0), V.T @ np.diag(spread_of(values, kept)) @ V))


def diagonal_by_svd(x, D):
    return np.diag(covariance_by_svd(x, D))


def principal_factors_by_svd(x, D):
    """The leading part of the covariance, with its own diagonal put back."""
    values, V = by_svd(x)
    leading = sum(values[k] * np.outer(V[k], V[k]) for k in range(D))
    return leading - np.diag(np.diag(leading)) + np.diag(np.var(x, axis=0))


def loadings_by_svd(x, D):
    """W and the noise's variance."""
    values, V = by_svd(x)
    return V[:D].T * np.sqrt(values[:D] - values[D:].mean()), values[D:].mean()


def slopes_at_ppca(x, D):
    """Of SciPy's density, in W, b (at the mean) and each log sd: central differences."""
    W, variance = loadings_by_svd(x, D)
    n = len(W)

    def density(v):
        W, b, log_sd = np.split(v, [-2 * n, -n])
        W = W.reshape(n, D)
        return np.mean(stats.multivariate_normal.logpdf(x, b, W @ W.T + np.diag(np.exp(2 * log_sd))))
    return by_differences(density, np.concatenate([W.ravel(), x.mean(axis=0), np.full(n, 0.5 * np.log(variance))]))


def slope_of_zero(x, D):
    return np.zeros(x.shape[1] * (D + 1) + 1)


def bound_by_precisions(x, D, rotation):
    """The density, plus half the log determinant of the posterior's precision scaled to a diagonal of ones."""
    W = loadings_by_svd(x, D)[0] @ rotation
    precision = np.linalg.inv(np.eye(D) - W.T @ np.linalg.inv(covariance_by_svd(x, D)) @ W)
    width = np.sqrt(np.diag(precision))
    return density_by_svd(x, D) + 0.5 * np.log(np.linalg.det(precision / np.outer(width, width)))


def projector_by_svd(x, D):
    _, V = by_svd(x)
    return V[:D].T @ V[:D]


def shrunk_by_svd(x, D):
    """Each kept axis by what is left of its eigenvalue without the noise."""
    values, V = by_svd(x)
    return V[:D].T @ np.diag(1 - values[D:].mean() / values[:D]) @ V[:D]


def discarded_eigenvalues(x, D):
    return by_svd(x)[0][D:].sum()


def other_eigenvalues(x, kept):
    return np.delete(by_svd(x)[0], kept).sum()


# ---- referees: every code on a grid

def codes_on_grid(x, theta):
    """Gauss-Hermite nodes (N, k, D) of each posterior, and their masses (k,); three suffice for quadratics."""
    rows = conditioned(x, theta)
    around, masses = grid(np.zeros(theta.W.shape[1]), rows[len(x):])
    return rows[:len(x), None] + around, masses


def every_code(x, theta, each):
    """Weighted least squares of each datum on 1 and every node of its posterior."""
    z, masses = codes_on_grid(x, theta)
    weights = np.tile(masses, len(x))[:, None] / len(x)
    design = np.column_stack([np.concatenate(z), np.ones(len(weights))])
    targets = np.repeat(x, len(masses), axis=0)
    W = np.linalg.lstsq(np.sqrt(weights) * design, np.sqrt(weights) * targets, rcond=None)[0].T
    left = np.sum(weights * (targets - design @ W.T)**2, axis=0)
    return np.column_stack([W, left if each else np.full(len(left), left.mean())])


def regression_on_mean_codes(x, theta, each):
    """Least squares of each datum on 1 and the mean of its posterior, one code a datum."""
    design = np.column_stack([conditioned(x, theta)[:len(x)], np.ones(len(x))])
    W = np.linalg.lstsq(design, x, rcond=None)[0].T
    left = np.mean((x - design @ W.T)**2, axis=0)
    return np.column_stack([W, left if each else np.full(len(left), left.mean())])


def bound_on_codes(x, theta, each):
    """SciPy's log p(x, z) at the new parameters, less log q, over every node of the old posteriors."""
    z, masses = codes_on_grid(x, theta)
    new = every_code(x, theta, each)
    log_p = stats.norm.logpdf(x[:, None], z @ new[:, :-2].T + new[:, -2], np.sqrt(new[:, -1])).sum(axis=2)
    off = z - conditioned(x, theta)[:len(x), None]
    log_q = stats.multivariate_normal.logpdf(off, cov=conditioned(x, theta)[len(x):])
    return np.mean((log_p + stats.norm.logpdf(z).sum(axis=2) - log_q) @ masses)


def density_after_regression(x, theta, each):
    new = every_code(x, theta, each)
    W = new[:, :-2]
    return np.mean(stats.multivariate_normal.logpdf(x, new[:, -2], W @ W.T + np.diag(new[:, -1])))


# ---- factor analysis

def factors(rng):
    """Loadings (5, 1) and standard deviations (5,), from quiet to noisy: one number for all of them is a poor fit."""
    W = (np.array([0.9, -1.1, 0.7, 0.6, 0.8]) + rng.uniform(-0.1, 0.1, 5))[:, None]
    return W, np.array([0.4, 0.9, 0.5, 1.6, 0.6]) + rng.uniform(-0.03, 0.03, 5)


def stage_factors(rng):
    """A covariance that one factor explains but for a few hundredths; a start whose b is off the mean."""
    W, sd = factors(rng)
    extra = rng.uniform(-0.06, 0.06, (5, 5))
    x = designed(rng, W @ W.T + np.diag(sd**2) + extra @ extra.T)
    theta = Linear(rng.uniform(0.3, 0.6, (5, 1)), x.mean(axis=0) + rng.uniform(0.1, 0.4, 5), rng.uniform(0.8, 1.1, 5))
    return dict(x=x, D=1, theta=theta, each=True, scale=1., log_likelihood_now=by_scipy,
                regression_on_every_code=every_code, variances_of_data=lambda: np.var(x, axis=0),
                slope_of_nothing=lambda: np.zeros(15))


def stage_exact_factors(rng):
    """A covariance that one factor explains exactly: the likelihood is highest there."""
    W, sd = factors(rng)
    C = W @ W.T + np.diag(sd**2)
    x = designed(rng, C)

    def likelihoods_at_the_top():
        return np.array([density_by_svd(x, 1), np.mean(stats.multivariate_normal.logpdf(x, x.mean(axis=0), C))])

    return dict(x=x, D=1, scale=1., covariance_of_truth=lambda: C, likelihoods_at_the_top=likelihoods_at_the_top)


# ---- the encoder

def correlated(rng):
    """Loadings whose columns point almost the same way: the two coordinates of z are hard to tell apart."""
    W = np.array([[1.7, 1.4], [1.3, 0.6], [0.8, 1.4]]) + rng.uniform(-0.05, 0.05, (3, 2))
    theta = Linear(W, rng.uniform(-0.5, 0.5, 3), rng.uniform(0.35, 0.42))
    offsets = np.array([[1.9, 0.8, 1.2], [-1.4, -1.1, -0.3], [0.5, 0.9, -0.6], [-0.9, -0.2, -1.3]])
    return theta, theta.b + offsets + rng.uniform(-0.1, 0.1, (4, 3))


def stage_encoder(rng):
    theta, x = correlated(rng)
    best = gain_above_widths(theta)
    V, log_sd = best[:3].T.ravel() * rng.uniform(0.9, 1.1, 6), np.log(best[3]) + rng.uniform(0.1, 0.2, 2)
    return dict(x=x, theta=theta, phi=np.concatenate([V, log_sd]), S=2, noise=standard_normal(len(x), 2),
                encoder_by_hand=gain_above_widths)


def gain_above_widths(theta):
    """W' C^-1 above one over the root of each diagonal entry of the precision. (n + 1, D)"""
    C = model_covariance(theta)
    precision = np.linalg.inv(np.eye(2) - theta.W.T @ np.linalg.inv(C) @ theta.W)
    return np.concatenate([np.linalg.inv(C) @ theta.W, 1 / np.sqrt(np.diag(precision))[None]])


def gain_above_deviations(theta):
    """W' C^-1 above the root of each diagonal entry of the covariance. (n + 1, D)"""
    gain = theta.W.T @ np.linalg.inv(model_covariance(theta))
    return np.concatenate([gain.T, np.sqrt(np.diag(np.eye(2) - gain @ theta.W))[None]])


def log_weights_on_grid(x, theta, phi):
    """SciPy's log p(z) + log p(x | z) - log q(z | x) (N, 9) on Gauss-Hermite nodes of q, and their masses (9,)."""
    t, w = np.polynomial.hermite_e.hermegauss(3)
    nodes = np.array([[a, b] for a in t for b in t])
    mu, sd = (x - theta.b) @ phi[:6].reshape(2, 3).T, np.exp(phi[6:])
    z = mu[:, None] + sd * nodes
    log_p = stats.norm.logpdf(x[:, None], theta.b + z @ theta.W.T, theta.sd).sum(axis=2)
    log_q = stats.norm.logpdf(z, mu[:, None], sd).sum(axis=2)
    return log_p + stats.norm.logpdf(z).sum(axis=2) - log_q, np.outer(w, w).ravel() / w.sum()**2


def bound_on_grids(x, theta, phi):
    """The average log weight: a quadratic in z, for which three nodes a dimension are exact."""
    values, masses = log_weights_on_grid(x, theta, phi)
    return np.mean(values @ masses)


def code_on_grid(x, theta, phi):
    """SciPy's log p(x | z) at the mean code, less the divergence, an average of log q - log p over nodes of q."""
    t, w = np.polynomial.hermite_e.hermegauss(3)
    mu, sd = (x - theta.b) @ phi[:6].reshape(2, 3).T, np.exp(phi[6:])
    z = mu[..., None] + sd[:, None] * t
    divergence = np.sum((stats.norm.logpdf(t) - np.log(sd)[:, None] - stats.norm.logpdf(z)) @ w / w.sum(), axis=1)
    return np.mean(stats.norm.logpdf(x, theta.b + mu @ theta.W.T, theta.sd).sum(axis=1) - divergence)


def stage_vanishing(rng):
    """A noise as large as the loadings: the posterior is wide, and shrunk towards zero."""
    theta, x = correlated(rng)
    return dict(x=x, theta=theta._replace(sd=rng.uniform(1., 1.2)))


def least_squares_code(x, theta):
    """The least-squares codes, and no spread."""
    return np.concatenate([np.linalg.lstsq(theta.W, (x - theta.b).T, rcond=None)[0].T, np.zeros((1, theta.W.shape[1]))])


def means_and_deviations(x, theta):
    """Of the conditional normal."""
    rows = conditioned(x, theta)
    return np.concatenate([rows[:len(x)], np.sqrt(np.diag(rows[len(x):]))[None]])
