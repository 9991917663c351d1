"""Companion of coordinate_ascent.md; the rows of its two models stand in mean_and_precision.py and weights.py."""
import autograd.numpy as anp
import numpy as np
from autograd import grad, hessian
from mean_and_precision import *      # noqa: F401, F403
from mean_and_precision import five_terms, stage_few, update_of_mean, update_of_precision
from scipy import optimize, stats
from weights import *      # noqa: F401, F403
from weights import stage_weights, update_of_weight

from refvi import Estimate, normal
from refvi.base.special import logsumexp
from refvi.bound.coordinate_ascent import messages, regression
from refvi.bound.coordinate_ascent.rows import (best_factor, bound_after_update,      # noqa: F401
                                                bound_without_divergence, divergence_and_constant,
                                                energy_of_one_factor, natural_gradient_step)


# ---- one factor at a time

def softmax(v):
    """Probabilities from logits."""
    return np.exp(v - logsumexp(v))


def stage_table(rng):
    """Two discrete variables with four and three values."""
    table = np.array([[0.4, -1.3, 0.1], [-0.8, 0.9, -2.1], [0.2, -0.3, 1.2], [-1.7, 0.6, 0.3]])
    log_joint = 1.7 * table + rng.uniform(-0.1, 0.1, (4, 3)) - 3.
    q1 = softmax(np.array([0.9, -0.7, 0.2, -0.3]) + rng.uniform(-0.1, 0.1, 4))
    q2 = softmax(np.array([1.2, -0.3, -0.6]) + rng.uniform(-0.1, 0.1, 3))
    return dict(log_joint=log_joint, w1=np.ones(4), w2=np.ones(3), q1=q1, q2=q2)


def stage_banana(rng):
    """A ridge bent in the plane: z2 sits near z1 squared, x near z1 + z2; nothing is normal."""
    z1, w1 = normal.nodes(np.array([0.4, -0.2]), 16)
    z2, w2 = normal.nodes(np.array([1.2, 0.3]), 16)
    a, x = rng.uniform(0.5, 0.7), rng.uniform(1.1, 1.4)
    prior = stats.norm.logpdf(z1[:, None], 0.2, 1.1) + stats.norm.logpdf(z2, a * z1[:, None]**2 - 0.4, 0.9)
    q1 = stats.norm.pdf(z1, 0.4 + rng.uniform(-0.1, 0.1), 0.6)
    q2 = stats.norm.pdf(z2, 1.5 + rng.uniform(-0.1, 0.1), 1.5)
    return dict(log_joint=prior + stats.norm.logpdf(x, z1[:, None] + z2, 0.8), w1=w1, w2=w2,
                q1=q1 / (w1 @ q1), q2=q2 / (w2 @ q2))


def stage_grid(rng):
    """The simple Gaussian model on a grid of mu and log gamma."""
    x = np.array([0.2, 0.8, 1.6, 2.4]) + rng.uniform(-0.1, 0.1, 4)
    a, b = rng.uniform(0.9, 1.1), rng.uniform(0.22, 0.28)
    mu, w1 = normal.nodes(np.array([1.2, -0.5]), 16)
    ends = stats.gamma.ppf(1e-7, a, scale=1 / b), stats.gamma.isf(1e-11, a, scale=1 / b)
    t, step = np.linspace(*np.log(ends), 24, retstep=True)
    gamma, w2 = np.exp(t), np.exp(t) * step
    likelihood = stats.norm.logpdf(x[:, None, None], mu[:, None], gamma**-0.5).sum(axis=0)
    prior = stats.norm.logpdf(mu, 0.3, 1.4)[:, None] + stats.gamma.logpdf(gamma, 1.6, scale=1 / 1.2)
    q1, q2 = stats.norm.pdf(mu, rng.uniform(1., 1.3), 0.5), stats.gamma.pdf(gamma, a, scale=1 / b)
    return dict(log_joint=likelihood + prior, w1=w1, w2=w2, q1=q1 / (w1 @ q1), q2=q2 / (w2 @ q2))


def bound_by_enumeration(log_joint, w1, w2, q1, q2):
    """Every pair of values, weighted by the product of the factors."""
    total = 0.
    for i, j in np.ndindex(log_joint.shape):
        log_ratio = log_joint[i, j] - np.log(q1[i]) - np.log(q2[j])
        total += w1[i] * w2[j] * q1[i] * q2[j] * log_ratio
    return total


def highest(value, n):
    """(masses (n,), their errors, value) where value(log masses) is highest, by Newton's method over n logits."""
    def negative(t):
        return -value(t - logsumexp(t))

    found = optimize.minimize(negative, np.zeros(n), jac=grad(negative), hess=hessian(negative),
                              method="trust-exact", options=dict(gtol=1e-9))
    return softmax(found.x), np.abs(found.jac), -found.fun


def searched(log_joint, w1, w2, q2):
    """Those masses of the bound without q2's entropy; how far its slope is from zero is their error."""
    target = log_joint @ (w2 * q2) + np.log(w1)
    return highest(lambda log_mass: anp.exp(log_mass) @ (target - log_mass), len(target))


def highest_bound(log_joint, w1, w2, q1, q2):
    """The bound at the end of that search."""
    return searched(log_joint, w1, w2, q2)[2] - (w2 * q2) @ np.log(q2)


def highest_factor(log_joint, w1, w2, q1, q2):
    """The factor at the end of that search."""
    mass, error, _ = searched(log_joint, w1, w2, q2)
    return Estimate(mass / w1, error / w1)


# ---- an update read off the graph, and as a gradient

def stage_message_to_mean(rng):
    """q(mu) in natural parameters, q(gamma) held still."""
    s = stage_few(rng)
    x, data, prior, q = s["x"], s["data"], s["prior"], s["q"]

    def expected_log_joint(mu):
        """E over gamma, by SciPy's mean of a gamma; terms without mu left out."""
        precision = stats.gamma.mean(q.a, scale=1 / q.b)
        return stats.norm.logpdf(mu, prior.nu, prior.tau**-0.5) - 0.5 * precision * sum((v - mu)**2 for v in x)

    def bound(eta):
        nu, tau = messages.mean_of_natural(eta)
        return five_terms(data, prior, q._replace(nu=nu, tau=tau))

    return dict(points=np.linspace(-1, 3, 9), features=lambda mu: np.stack([mu, mu**2], axis=1),
                expected_log_joint=expected_log_joint, eta=messages.natural_of_mean(q.nu, q.tau),
                bound=bound,
                log_normalizer=messages.log_normalizer_of_mean,
                updated_exponent=lambda: messages.natural_of_mean(*update_of_mean(data, prior, q.a, q.b)),
                prior_plus_messages=lambda: messages.messages_to_mean(x, prior, q.a, q.b).sum(axis=0))


def stage_message_to_precision(rng):
    """q(gamma) in natural parameters, q(mu) held still."""
    s = stage_few(rng)
    x, data, prior, q = s["x"], s["data"], s["prior"], s["q"]

    def expected_log_joint(gamma):
        """E over mu by Gauss and Hermite."""
        t, w = np.polynomial.hermite_e.hermegauss(5)
        squares = sum(w @ (v - q.nu - t * q.tau**-0.5)**2 / w.sum() for v in x)
        likelihood = 0.5 * len(x) * np.log(gamma) - 0.5 * gamma * squares
        return likelihood + stats.gamma.logpdf(gamma, prior.a, scale=1 / prior.b)

    def bound(eta):
        a, b = messages.precision_of_natural(eta)
        return five_terms(data, prior, q._replace(a=a, b=b))

    return dict(points=np.linspace(0.2, 3, 9), features=lambda gamma: np.stack([np.log(gamma), gamma], axis=1),
                expected_log_joint=expected_log_joint, eta=messages.natural_of_precision(q.a, 0.6 * q.b),
                bound=bound,
                log_normalizer=messages.log_normalizer_of_precision,
                updated_exponent=lambda: messages.natural_of_precision(*update_of_precision(data, prior, q.nu, q.tau)),
                prior_plus_messages=lambda: messages.messages_to_precision(x, prior, q.nu, q.tau).sum(axis=0))


def stage_message_to_weight(rng):
    """One q(w_d) in natural parameters, the other weights held still."""
    s = stage_weights(rng)
    x, theta, mean, d, lam = s["x"], s["theta"], s["mean"], s["d"], s["lam"]
    D = len(mean)

    def expected_log_joint(w):
        """The log joint at the others' means; their spreads add a constant."""
        z = np.where(np.arange(D) == d, w[:, None], mean)
        likelihood = stats.norm.logpdf(x, z @ theta.y.T, theta.noise_sd).sum(axis=1)
        return likelihood + stats.norm.logpdf(z, 0, theta.prior_sd).sum(axis=1)

    def moved(eta):
        value, tau = messages.mean_of_natural(eta)
        at = anp.arange(D) == d
        return anp.concatenate([anp.where(at, value, mean), anp.where(at, -0.5 * anp.log(tau), lam[D:])])

    def bound(eta):
        return regression.expected_log_joint(x, theta, moved(eta)) + regression.entropy(moved(eta))

    return dict(points=np.linspace(-1, 2, 9), features=lambda w: np.stack([w, w**2], axis=1),
                expected_log_joint=expected_log_joint, bound=bound,
                eta=messages.natural_of_mean(mean[d], 0.5 * np.exp(-2 * lam[D + d])),
                log_normalizer=messages.log_normalizer_of_mean,
                updated_exponent=lambda: update_of_weight(x, theta, mean, d) * [1., -0.5],
                prior_plus_messages=lambda: regression.messages_to_weight(x, theta, mean, d).sum(axis=0))


def fitted_exponent(points, features, expected_log_joint):
    """The coefficients of the statistics in the expected log joint, by least squares with a constant."""
    columns = np.column_stack([np.ones(len(points)), features(points)])
    return np.linalg.lstsq(columns, expected_log_joint(points), rcond=None)[0][1:]
