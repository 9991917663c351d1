"""Companion of gaps.md: its rows, its slips, its stages and its referees."""
import numpy as np
from scipy import stats

from referees import grid
from refvi import Estimate, noise, normal
from refvi.generative.gaps.codes import (code_of_mixture, lam_of_each, lam_of_encoder,      # noqa: F401
                                         lam_of_partial_sight, mixture_of_codes, mixture_of_network, network_at_mixture)
from refvi.generative.gaps.draws import gap_by_draws, gap_of_one, gap_of_three, gap_of_two      # noqa: F401
from refvi.generative.gaps.encoder import mean_gap, moments_of, trained
from refvi.generative.gaps.rows import (amortization_gap, best_of_each, best_of_encoder,      # noqa: F401
                                        bound_of_fitted, bound_of_stopped_early, distance_on_the_sample,
                                        each_minus_climbed, evidence_minus_each, evidence_through_encoder, family_gap,
                                        finite_sample_gap, gain_on_the_sample, left_on_the_sample, mean_divergence,
                                        population_minus_sample, sum_of_gaps, sum_with_model)
from refvi.generative.linear_latent.model import Linear, posterior_map
from refvi.likelihood.networks import tanh


# ---- slips

def variance_unweighted(sees, moments, theta):
    """The amortization gap in units of z, the posterior's precision forgotten."""
    A, _ = posterior_map(theta)
    C = moments.covariance
    left = C - C[:, sees] @ np.linalg.solve(C[sees][:, sees], C[sees])
    return 0.5 * np.trace(A @ left @ A.T)


def gap_on_the_sample(sees, sample, theta, start, steps, rate):
    """The gap of the data that the encoder was trained on, for that of the population."""
    return mean_gap(sample, trained(sample, start, sees, theta, steps, rate), sees, theta)


# ---- a decoder of five coordinates and three latent ones, an encoder that sees four of them

D, N_SEEN = 3, 4
SEES = np.array([1, 2, 3, 4])


def decoder(rng):
    """Columns that point almost the same way: z is correlated given x."""
    W = np.array([[1.1, 0.9, 0.5], [0.7, -0.3, 0.6], [0.4, 0.9, -0.2], [0.9, 0.6, 0.8], [-0.3, 0.5, 0.7]])
    return Linear(W + rng.uniform(-0.05, 0.05, (5, 3)), rng.uniform(-0.5, 0.5, 5), rng.uniform(0.6, 0.7))


def designed(rng, covariance, mean, N=9):
    """N bounded data with exactly this mean and covariance."""
    raw = rng.uniform(-1, 1, (N, len(covariance)))
    white = np.linalg.qr(raw - raw.mean(axis=0))[0] * np.sqrt(N)
    return white @ np.linalg.cholesky(covariance).T + mean


def world(rng):
    """A covariance that is not quite the decoder's: the first coordinate, which is not seen, is partly its own."""
    theta = decoder(rng)
    C = theta.W @ theta.W.T + np.diag([1.2, 0.5, 0.4, 0.6, 0.7] + rng.uniform(0.01, 0.05, 5))
    return theta, C, theta.b + np.array([0.2, -0.3, 0.25, -0.2, 0.3]) + rng.uniform(-0.05, 0.05, 5)


TURN = np.array([[0.3, -1., 0.2, 0.6, 0.1], [0.5, 0.2, -0.8, 0.1, 0.3], [-0.3, 0.9, -0.4, 0.4, -0.5],
                 [0.2, -0.5, 0.7, 0.3, 0.2], [0.4, 0.1, -0.3, 0.5, -0.2]])


def disturbed(rng, C):
    """What a small sample makes of it: other proportions, and a first coordinate that the others tell too well."""
    turn = np.eye(5) + 0.35 * TURN + rng.uniform(-0.03, 0.03, (5, 5))
    S = turn @ C @ turn.T
    S[0, 0] -= rng.uniform(0.65, 0.7) / np.linalg.inv(S)[0, 0]
    return S


def stage_ledger(rng):
    theta, C, mean = world(rng)
    x = designed(rng, C, mean)
    sample = moments_of(designed(rng, disturbed(rng, C), mean + [0.3, -0.2, 0.3, 0.2, -0.25]))
    start = np.concatenate([rng.uniform(-0.1, 0.1, D * N_SEEN + D), rng.uniform(-0.3, -0.1, D)])
    near = best_by_hand(x, np.ones(len(x)), SEES, theta) + rng.uniform(0.05, 0.1, len(start))
    return dict(x=x, theta=theta, population=moments_of(x), moments=moments_of(x), sample=sample, sees=SEES, phi=near,
                start=start, steps=12, rate=0.01, t=rng.uniform(0.3, 0.4), whole_gap=gap_on_grids,
                gap_from_the_truth=gap_from_the_truth_on_grids)


def stage_untrained(rng):
    """No step yet."""
    ledger = stage_ledger(rng)
    return dict({name: ledger[name] for name in ("sees", "sample", "theta", "start", "rate")}, steps=0)


def stage_two_latent(rng):
    """One coordinate of z and of x fewer: quick to integrate over."""
    theta, C, mean = world(rng)
    theta = Linear(theta.W[:4, :2], theta.b[:4], theta.sd)
    x, sees = designed(rng, C[:4, :4], mean[:4], N=7), SEES[:3]
    phi = best_by_hand(x, np.ones(len(x)), sees, theta) + rng.uniform(0.05, 0.1, 10)
    return dict(x=x, theta=theta, sees=sees, phi=phi, evidence_by_scipy=lambda x, theta: np.mean(log_density(x, theta)))


def stage_stopped_early(rng):
    """A direction of small variance seems, in the sample, to say much of what is not seen: training learns it last."""
    theta, C, mean = world(rng)
    values, U = np.linalg.eigh(C[1:, 1:])
    quiet = np.concatenate([[0.], U[:, 0] * np.sign(U[0, 0])])
    C = C - (values[0] - rng.uniform(0.18, 0.22)) * np.outer(quiet, quiet)
    pull = np.outer(np.eye(5)[0], quiet) * -np.sign(C[0] @ quiet) * rng.uniform(0.27, 0.3)
    x, sample = designed(rng, C, mean), designed(rng, C + pull + pull.T, mean)
    start = 0.9 * best_by_hand(x, np.ones(len(x)), SEES, theta)
    return dict(theta=theta, population=moments_of(x), sample=moments_of(sample), sees=SEES, start=start,
                steps=12, rate=0.01, bound_of_end=end_of_training)


# ---- referees: the joint normal of z and x, regressions, and Gauss-Hermite grids

def gain_and_covariance(theta):
    """W' C^-1 and I - W' C^-1 W."""
    n, D = theta.W.shape
    gain = theta.W.T @ np.linalg.inv(theta.W @ theta.W.T + theta.sd**2 * np.eye(n))
    return gain, np.eye(D) - gain @ theta.W


def widths(theta):
    """One over the root of each diagonal entry of the precision."""
    return 1 / np.sqrt(np.diag(np.linalg.inv(gain_and_covariance(theta)[1])))


def best_by_hand(x, mass, sees, theta):
    """phi by least squares, weighted by mass, of exact codes on what is seen of x (N, n)."""
    codes = (x - theta.b) @ gain_and_covariance(theta)[0].T
    design = np.column_stack([(x - theta.b)[:, sees], np.ones(len(x))])
    root = np.sqrt(mass)[:, None]
    coefficients = np.linalg.lstsq(root * design, root * codes, rcond=None)[0]
    return np.concatenate([coefficients[:-1].T.ravel(), coefficients[-1], np.log(widths(theta))])


def lam_by_hand(x, theta):
    codes = (x - theta.b) @ gain_and_covariance(theta)[0].T
    return np.column_stack([codes, np.tile(np.log(widths(theta)), (len(x), 1))])


def lam_at(x, phi, sees, theta):
    """What the encoder phi puts out. (N, 2 D)"""
    D = theta.W.shape[1]
    means = phi[-2 * D:-D] + (x - theta.b)[:, sees] @ phi[:-2 * D].reshape(D, len(sees)).T
    return np.column_stack([means, np.tile(phi[-D:], (len(x), 1))])


def lam_by_regression(x, sees, theta):
    return lam_at(x, best_by_hand(x, np.ones(len(x)), sees, theta), sees, theta)


def bound_on_grid(x, lam, theta, mass=None):
    """SciPy's log p(z) + log p(x | z) - log q(z) at lam (N, 2 D), over nodes of z, and over the data by their mass."""
    D = theta.W.shape[1]
    nodes, z_mass = grid(np.zeros(D), np.eye(D))
    mu, sd = lam[:, None, :D], np.exp(lam[:, None, D:])
    z = mu + sd * nodes
    log_p = stats.norm.logpdf(z).sum(-1) + stats.norm.logpdf(x[:, None], theta.b + z @ theta.W.T, theta.sd).sum(-1)
    return np.average((log_p - stats.norm.logpdf(z, mu, sd).sum(-1)) @ z_mass, weights=mass)


def bound_over(moments, phi, sees, theta):
    """The bound of an encoder over nodes of x with these moments."""
    x, mass = grid(*moments)
    return bound_on_grid(x, lam_at(x, phi, sees, theta), theta, mass)


def fitted_over(moments, sees, theta):
    """The best encoder over nodes of x with these moments."""
    return best_by_hand(*grid(*moments), sees, theta)


def log_density(x, theta):
    C = theta.W @ theta.W.T + theta.sd**2 * np.eye(len(theta.b))
    return stats.multivariate_normal.logpdf(x, theta.b, C)


def climbed_by_hand(sees, sample, theta, start, steps, rate):
    """Gradient ascent with the gradient written out."""
    gain, covariance = gain_and_covariance(theta)
    precision, off, D = np.linalg.inv(covariance), sample.mean - theta.b, len(covariance)
    V, c, log_sd = start[:-2 * D].reshape(D, len(sees)), start[-2 * D:-D], start[-D:]
    seen = sample.covariance[np.ix_(sees, sees)]
    for _ in range(steps):
        away = V @ off[sees] + c - gain @ off
        slope = V @ seen - gain @ sample.covariance[:, sees] + np.outer(away, off[sees])
        log_sd = log_sd + rate * (1 - np.diag(precision) * np.exp(2 * log_sd))
        V, c = V - rate * precision @ slope, c - rate * precision @ away
    return np.concatenate([V.ravel(), c, log_sd])


# ---- truths

def each_on_grid(x, theta):
    """The bound at every datum's own best lam."""
    return bound_on_grid(x, lam_by_hand(x, theta), theta)


def lost_on_grid(x, theta):
    return np.mean(log_density(x, theta)) - bound_on_grid(x, lam_by_hand(x, theta), theta)


def encoder_on_grid(x, sees, theta):
    """The bound at what the regression puts out for every datum."""
    lam = lam_at(x, best_by_hand(x, np.ones(len(x)), sees, theta), sees, theta)
    return bound_on_grid(x, lam, theta)


def left_of_codes(x, sees, theta):
    """What the regression on the seen coordinates leaves of the exact codes. (N, D)"""
    lam = lam_at(x, best_by_hand(x, np.ones(len(x)), sees, theta), sees, theta)
    return (x - theta.b) @ gain_and_covariance(theta)[0].T - lam[:, :theta.W.shape[1]]


def residual_of_codes(x, sees, theta):
    """Half the mean square of that, in units of the posterior."""
    left = left_of_codes(x, sees, theta)
    return 0.5 * np.mean(np.sum(left @ np.linalg.inv(gain_and_covariance(theta)[1]) * left, axis=1))


def residual_unweighted(x, sees, theta):
    """Half the mean square of that, in units of z."""
    return 0.5 * np.mean(np.sum(left_of_codes(x, sees, theta)**2, axis=1))


def loss_on_grid(sees, population, sample, theta):
    """Both encoders by least squares on nodes of their own, both bounds on the population's."""
    best, fitted = fitted_over(population, sees, theta), fitted_over(sample, sees, theta)
    return bound_over(population, best, sees, theta) - bound_over(population, fitted, sees, theta)


def gain_on_grid(sees, population, sample, theta):
    """Both bounds on the sample's nodes."""
    best, fitted = fitted_over(population, sees, theta), fitted_over(sample, sees, theta)
    return bound_over(sample, fitted, sees, theta) - bound_over(sample, best, sees, theta)


def left_on_grid(sees, sample, theta, start, steps, rate):
    """What gradient ascent by hand has still to gain on the sample's own grid."""
    stopped = climbed_by_hand(sees, sample, theta, start, steps, rate)
    return bound_over(sample, fitted_over(sample, sees, theta), sees, theta) - bound_over(sample, stopped, sees, theta)


def end_of_training(sees, population, sample, theta):
    return bound_over(population, fitted_over(sample, sees, theta), sees, theta)


def bound_by_hand(sees, population, sample, theta, start, steps, rate):
    """The bound on the population's grid where gradient ascent by hand stops."""
    return bound_over(population, climbed_by_hand(sees, sample, theta, start, steps, rate), sees, theta)


def gap_on_grids(sees, population, sample, theta, start, steps, rate):
    """E[log p(x)] - E[ELBO] on the grid of the population."""
    x, mass = grid(*population)
    phi = climbed_by_hand(sees, sample, theta, start, steps, rate)
    return np.average(log_density(x, theta), weights=mass) - bound_on_grid(x, lam_at(x, phi, sees, theta), theta, mass)


def sample_gap_on_grid(sees, sample, theta, start, steps, rate):
    """E[log p(x)] - E[ELBO] on the grid of the sample."""
    x, mass = grid(*sample)
    phi = climbed_by_hand(sees, sample, theta, start, steps, rate)
    return np.average(log_density(x, theta), weights=mass) - bound_on_grid(x, lam_at(x, phi, sees, theta), theta, mass)


def gap_from_the_truth_on_grids(sees, population, sample, theta, start, steps, rate):
    """E[log p*(x)] - E[ELBO], p* the population's own normal."""
    x, mass = grid(*population)
    phi = climbed_by_hand(sees, sample, theta, start, steps, rate)
    log_truth = stats.multivariate_normal.logpdf(x, *population)
    return np.average(log_truth, weights=mass) - bound_on_grid(x, lam_at(x, phi, sees, theta), theta, mass)


def posterior_mean_of_mixture(x, t, theta):
    gain, _ = gain_and_covariance(theta)
    return gain @ (t * x[0] + (1 - t) * x[1] - theta.b)


# ---- a network that bends

def stage_network(rng):
    """Four inputs, three hidden units, two outputs; two data far apart."""
    W1 = rng.uniform(0.5, 1., (4, 3)) * [[1, 1, -1], [-1, 1, 1], [1, -1, 1], [1, 1, 1]]
    W2 = rng.uniform(0.6, 1., (3, 2)) * [[1, 1], [1, -1], [1, 1]]
    b1, b2 = rng.uniform(0.2, 0.4, 3), rng.uniform(-0.2, 0.2, 2)
    x = np.array([[0.1, 0.2, -0.1, 0.1], [2., 1.4, 1.7, 1.9]]) + rng.uniform(-0.1, 0.1, (2, 4))

    def output_at_mixture(x, t):
        return np.tanh((t * x[0] + (1 - t) * x[1]) @ W1 + b1) @ W2 + b2

    def mixture_by_hand(x, t):
        hidden = np.tanh(x @ W1 + b1)
        return (t * hidden[0] + (1 - t) * hidden[1]) @ W2 + b2

    return dict(x=x, t=rng.uniform(0.55, 0.65), g=tanh, sizes=(4, 3, 2), output_at_mixture=output_at_mixture,
                mixture_by_hand=mixture_by_hand, weights=np.concatenate([W1.ravel(), b1, W2.ravel(), b2]))


# ---- draws: one datum, a scalar z

def stage_draws(rng):
    """q off by half of its standard deviation."""
    W = np.array([[0.9], [-0.6], [0.4]]) + rng.uniform(-0.05, 0.05, (3, 1))
    theta = Linear(W, rng.uniform(-0.3, 0.3, 3), rng.uniform(0.65, 0.75))
    x = theta.b + np.array([1.1, -0.2, 0.8]) + rng.uniform(-0.1, 0.1, 3)
    gain, covariance = gain_and_covariance(theta)
    mean, sd = (gain @ (x - theta.b))[0], np.sqrt(covariance[0, 0])
    lam = np.array([mean + rng.uniform(0.5, 0.6) * sd, np.log(sd) + rng.uniform(-0.1, 0.1)])

    def divergence_by_hand():
        return np.log(sd) - lam[1] + 0.5 * (np.exp(2 * lam[1]) + (lam[0] - mean)**2) / sd**2 - 0.5

    def gap_on_nodes(S, order):
        """Less the mean of the log of S averaged weights, each on Gauss-Hermite nodes, by SciPy's densities."""
        t, w = np.polynomial.hermite_e.hermegauss(order)
        z = lam[0] + np.exp(lam[1]) * t
        weight = np.exp(stats.norm.logpdf(z, mean, sd) - stats.norm.logpdf(z, lam[0], np.exp(lam[1])))
        sums, masses = weight, w / w.sum()
        for _ in range(S - 1):
            sums, masses = np.add.outer(sums, weight), np.multiply.outer(masses, w / w.sum())
        return -np.sum(masses * np.log(sums / S))

    def gap_on_square():
        fine, coarse = gap_on_nodes(2, order=40), gap_on_nodes(2, order=30)
        return Estimate(fine, abs(fine - coarse))

    def gap_on_cube(S):
        fine, coarse = gap_on_nodes(S, order=22), gap_on_nodes(S, order=16)
        return Estimate(fine, abs(fine - coarse))

    return dict(theta=theta, datum=x, lam=lam, S=3, noise=noise(normal, lam), divergence_by_hand=divergence_by_hand,
                gap_on_square=gap_on_square, gap_on_cube=gap_on_cube)
