"""Companion of gaps.md: its rows, its stages and its referees."""
import numpy as np
from scipy import stats

from refvi import Estimate, noise, normal
from refvi.generative.gaps.codes import (code_of_mixture, lam_of_each, lam_of_encoder,      # noqa: F401
                                         lam_of_partial_sight, mixture_of_codes, mixture_of_network, network_at_mixture)
from refvi.generative.gaps.draws import gap_by_draws, gap_of_one, gap_of_three, gap_of_two      # noqa: F401
from refvi.generative.gaps.rows import (amortization_gap, best_of_each, best_of_encoder,      # noqa: F401
                                        bound_of_fitted, bound_of_stopped_early, each_minus_climbed,
                                        evidence_minus_each, evidence_through_encoder, family_gap, finite_sample_gap,
                                        gain_on_the_sample, gap_on_the_sample, left_on_the_sample, mean_divergence,
                                        model_gap, moments_of, optimisation_gap, population_minus_sample, sum_of_gaps,
                                        sum_with_model, sum_without_amortization, variance_unweighted)
from refvi.generative.linear_latent.model import Linear
from refvi.likelihood.networks import tanh


def zero():
    return 0.


# ---- a decoder of four coordinates, an encoder that sees three of them

def decoder(rng):
    """Columns that point almost the same way: z is correlated given x."""
    W = np.array([[1.1, 0.9], [0.7, -0.3], [0.4, 0.9], [0.9, 0.6]]) + rng.uniform(-0.05, 0.05, (4, 2))
    return Linear(W, rng.uniform(-0.5, 0.5, 4), rng.uniform(0.55, 0.65))


def designed(rng, covariance, mean, N=7):
    """N bounded data with exactly this mean and covariance."""
    raw = rng.uniform(-1, 1, (N, len(covariance)))
    return np.linalg.qr(raw - raw.mean(axis=0))[0] * np.sqrt(N) @ np.linalg.cholesky(covariance).T + mean


def world(rng):
    """A covariance that is not quite the decoder's: the first coordinate, which the encoder will not see, is partly its own."""
    theta = decoder(rng)
    C = theta.W @ theta.W.T + np.diag([1.2, 0.5, 0.4, 0.6] + rng.uniform(0.01, 0.05, 4))
    return theta, C, theta.b + np.array([0.2, -0.3, 0.25, -0.2]) + rng.uniform(-0.05, 0.05, 4)


def disturbed(rng, C, size=0.35):
    """What a small sample makes of it: other proportions, and a first coordinate that the others seem to tell much better than they do."""
    turn = np.eye(4) + size * np.array([[0.3, -1., 0.2, 0.6], [0.5, 0.2, -0.8, 0.1], [-0.3, 0.9, -0.4, 0.4], [0.2, -0.5, 0.7, 0.3]]) + rng.uniform(-0.03, 0.03, (4, 4))
    S = turn @ C @ turn.T
    return S - rng.uniform(0.65, 0.7) * np.diag([1 / np.linalg.inv(S)[0, 0], 0., 0., 0.])


SEES = np.array([1, 2, 3])


def stage_ledger(rng):
    theta, C, mean = world(rng)
    x = designed(rng, C, mean)
    sample = moments_of(designed(rng, disturbed(rng, C), mean + [0.3, -0.2, 0.3, 0.2]))
    start = np.concatenate([rng.uniform(-0.1, 0.1, 8), rng.uniform(-0.3, -0.1, 2)])
    return dict(x=x, theta=theta, population=moments_of(x), moments=moments_of(x), sample=sample, sees=SEES, phi=best_by_hand(x, SEES, theta) + rng.uniform(0.05, 0.15, 10),
                start=start, steps=12, rate=0.03, t=rng.uniform(0.3, 0.4),
                whole_gap=gap_on_grids, gap_from_the_truth=gap_from_the_truth_on_grids, mutual_information=information_of_posterior)


def stage_stopped_early(rng):
    """A direction of small variance that seems, in the sample, to say much about what is not seen: training learns it last."""
    theta, C, mean = world(rng)
    values, U = np.linalg.eigh(C[1:, 1:])
    quiet = np.concatenate([[0.], U[:, 0] * np.sign(U[0, 0])])
    C = C - (values[0] - rng.uniform(0.18, 0.22)) * np.outer(quiet, quiet)
    lure = C + rng.uniform(0.27, 0.3) * (np.outer(np.eye(4)[0], quiet) + np.outer(quiet, np.eye(4)[0])) * -np.sign(C[0] @ quiet)
    x = designed(rng, C, mean)
    return dict(theta=theta, population=moments_of(x), sample=moments_of(designed(rng, lure, mean)), sees=SEES, start=0.9 * best_by_hand(x, SEES, theta), steps=12, rate=0.03,
                bound_of_end=bound_by_hand)


# ---- referees: the joint normal of z and x, regressions, and Gauss-Hermite grids

def gain_and_covariance(theta):
    """W' C^-1 and I - W' C^-1 W."""
    gain = theta.W.T @ np.linalg.inv(theta.W @ theta.W.T + theta.sd**2 * np.eye(len(theta.b)))
    return gain, np.eye(theta.W.shape[1]) - gain @ theta.W


def best_by_hand(x, sees, theta):
    """Least squares of the exact codes of all data on what is seen of them, and one over the root of each precision."""
    gain, covariance = gain_and_covariance(theta)
    design = np.column_stack([(x - theta.b)[:, sees], np.ones(len(x))])
    coefficients = np.linalg.lstsq(design, (x - theta.b) @ gain.T, rcond=None)[0]
    return np.concatenate([coefficients[:-1].T.ravel(), coefficients[-1], -0.5 * np.log(np.diag(np.linalg.inv(covariance)))])


def information_of_posterior(theta):
    _, covariance = gain_and_covariance(theta)
    return -0.5 * np.log(1 - covariance[0, 1]**2 / (covariance[0, 0] * covariance[1, 1]))


def residual_of_codes(x, sees, theta):
    """Half the mean square of what the regression on the seen coordinates leaves of the codes, in units of the posterior."""
    gain, covariance = gain_and_covariance(theta)
    phi, codes = best_by_hand(x, sees, theta), (x - theta.b) @ gain.T
    left = codes - (x - theta.b)[:, sees] @ phi[:-4].reshape(2, -1).T - phi[-4:-2]
    return 0.5 * np.mean(np.sum(left @ np.linalg.inv(covariance) * left, axis=1))


def grid(mean, covariance):
    """Gauss-Hermite nodes, three in each dimension: exact for every quadratic."""
    t, w = np.polynomial.hermite_e.hermegauss(3)
    D = len(mean)
    nodes = np.array(np.meshgrid(*[t] * D, indexing="ij")).reshape(D, -1).T
    return mean + nodes @ np.linalg.cholesky(covariance).T, np.prod(np.array(np.meshgrid(*[w / w.sum()] * D, indexing="ij")).reshape(D, -1), axis=0)


def bound_on_grid(x, mass, phi, sees, theta):
    """The bound, averaged over nodes of x and, for each, nodes of z, by SciPy's densities."""
    z_nodes, z_mass = grid(np.zeros(2), np.eye(2))
    mu, sd = phi[-4:-2] + (x - theta.b)[:, sees] @ phi[:-4].reshape(2, -1).T, np.exp(phi[-2:])
    z = mu[:, None] + sd * z_nodes
    log_p = stats.norm.logpdf(z).sum(-1) + stats.norm.logpdf(x[:, None], theta.b + z @ theta.W.T, theta.sd).sum(-1)
    return mass @ (log_p - stats.norm.logpdf(z, mu[:, None], sd).sum(-1)) @ z_mass


def climbed_by_hand(sees, sample, theta, start, steps, rate):
    """Gradient ascent with the gradient written out."""
    gain, covariance = gain_and_covariance(theta)
    precision, off = np.linalg.inv(covariance), sample.mean - theta.b
    V, c, log_sd = start[:-4].reshape(2, -1).copy(), start[-4:-2].copy(), start[-2:].copy()
    for _ in range(steps):
        away = V @ off[sees] + c - gain @ off
        slope = V @ sample.covariance[np.ix_(sees, sees)] - gain @ sample.covariance[:, sees] + np.outer(away, off[sees])
        V, c, log_sd = V - rate * precision @ slope, c - rate * precision @ away, log_sd + rate * (1 - np.diag(precision) * np.exp(2 * log_sd))
    return np.concatenate([V.ravel(), c, log_sd])


def gap_on_grids(sees, population, sample, theta, start, steps, rate):
    """E[log p(x)] - E[ELBO] on the grid of the population."""
    x, mass = grid(*population)
    evidence = mass @ stats.multivariate_normal.logpdf(x, theta.b, theta.W @ theta.W.T + theta.sd**2 * np.eye(len(theta.b)))
    return evidence - bound_on_grid(x, mass, climbed_by_hand(sees, sample, theta, start, steps, rate), sees, theta)


def gap_from_the_truth_on_grids(sees, population, sample, theta, start, steps, rate):
    """E[log p*(x)] - E[ELBO], p* the population's own normal."""
    x, mass = grid(*population)
    return mass @ stats.multivariate_normal.logpdf(x, *population) - bound_on_grid(x, mass, climbed_by_hand(sees, sample, theta, start, steps, rate), sees, theta)


def population_minus_sample_on_grid(sees, population, sample, theta):
    """Both encoders by least squares on nodes of their own, both bounds on the population's."""
    x, mass = grid(*population)
    return bound_on_grid(x, mass, normal_equations(sees, population, theta), sees, theta) - bound_on_grid(x, mass, normal_equations(sees, sample, theta), sees, theta)


def normal_equations(sees, moments, theta):
    """The best encoder, by weighted least squares of exact codes on nodes of x."""
    x, mass = grid(*moments)
    gain, covariance = gain_and_covariance(theta)
    root = np.sqrt(mass)[:, None]
    coefficients = np.linalg.lstsq(root * np.column_stack([(x - theta.b)[:, sees], np.ones(len(x))]), root * ((x - theta.b) @ gain.T), rcond=None)[0]
    return np.concatenate([coefficients[:-1].T.ravel(), coefficients[-1], -0.5 * np.log(np.diag(np.linalg.inv(covariance)))])


def left_on_grid(sees, sample, theta, start, steps, rate):
    """What gradient ascent by hand has still to gain on the sample's own grid."""
    x, mass = grid(*sample)
    ended, stopped = normal_equations(sees, sample, theta), climbed_by_hand(sees, sample, theta, start, steps, rate)
    return bound_on_grid(x, mass, ended, sees, theta) - bound_on_grid(x, mass, stopped, sees, theta)


def bound_by_hand(sees, population, sample, theta):
    x, mass = grid(*population)
    return bound_on_grid(x, mass, normal_equations(sees, sample, theta), sees, theta)


def evidence_by_scipy(x, theta):
    return np.mean(stats.multivariate_normal.logpdf(x, theta.b, theta.W @ theta.W.T + theta.sd**2 * np.eye(len(theta.b))))


def lam_by_hand(x, theta):
    gain, covariance = gain_and_covariance(theta)
    return np.column_stack([(x - theta.b) @ gain.T, np.tile(-0.5 * np.log(np.diag(np.linalg.inv(covariance))), (len(x), 1))])


def posterior_mean_of_mixture(x, t, theta):
    gain, _ = gain_and_covariance(theta)
    return gain @ (t * x[0] + (1 - t) * x[1] - theta.b)


# ---- a network that bends

def stage_network(rng):
    """Four inputs, three hidden units, two outputs; two data far apart."""
    W1, W2 = rng.uniform(0.5, 1., (4, 3)) * [[1, 1, -1], [-1, 1, 1], [1, -1, 1], [1, 1, 1]], rng.uniform(0.6, 1., (3, 2)) * [[1, 1], [1, -1], [1, 1]]
    b1, b2, x = rng.uniform(0.2, 0.4, 3), rng.uniform(-0.2, 0.2, 2), np.array([[0.1, 0.2, -0.1, 0.1], [2., 1.4, 1.7, 1.9]]) + rng.uniform(-0.1, 0.1, (2, 4))
    return dict(x=x, t=rng.uniform(0.55, 0.65), g=tanh, sizes=(4, 3, 2), weights=np.concatenate([W1.ravel(), b1, W2.ravel(), b2]),
                output_at_mixture=lambda x, t: np.tanh((t * x[0] + (1 - t) * x[1]) @ W1 + b1) @ W2 + b2)


# ---- draws: one datum, a scalar z

def stage_draws(rng):
    """q off by half of its standard deviation."""
    theta = Linear(np.array([[0.9], [-0.6], [0.4]]) + rng.uniform(-0.05, 0.05, (3, 1)), rng.uniform(-0.3, 0.3, 3), rng.uniform(0.65, 0.75))
    x = theta.b + np.array([1.1, -0.2, 0.8]) + rng.uniform(-0.1, 0.1, 3)
    gain, covariance = gain_and_covariance(theta)
    mean, sd = (gain @ (x - theta.b))[0], np.sqrt(covariance[0, 0])
    lam = np.array([mean + rng.uniform(0.5, 0.6) * sd, np.log(sd) + rng.uniform(-0.1, 0.1)])

    def divergence_by_hand():
        return np.log(sd) - lam[1] + 0.5 * (np.exp(2 * lam[1]) + (lam[0] - mean)**2) / sd**2 - 0.5

    def gap_on_cube():
        """Three draws on Gauss-Hermite nodes, by SciPy's densities, at two orders."""
        gaps = []
        for order in (16, 22):
            t, w = np.polynomial.hermite_e.hermegauss(order)
            z = lam[0] + np.exp(lam[1]) * t
            weight = np.exp(stats.norm.logpdf(z, mean, sd) - stats.norm.logpdf(z, lam[0], np.exp(lam[1])))
            cube = np.log((weight[:, None, None] + weight[:, None] + weight) / 3)
            gaps.append(-np.einsum("i,j,k,ijk", w, w, w, cube) / w.sum()**3)
        return Estimate(gaps[1], abs(gaps[1] - gaps[0]))

    return dict(theta=theta, datum=x, lam=lam, S=3, noise=noise(normal, lam), divergence_by_hand=divergence_by_hand, gap_on_cube=gap_on_cube)
