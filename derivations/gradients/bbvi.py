"""Companion of bbvi.md: its rows, its stages and its referees."""
import numpy as np
from scipy import special, stats

from refvi import Estimate, Family, categorical, diagonal_normal, noise, normal
from refvi.base.models import elbo, linear_gaussian, regression
from refvi.base.optimize import robbins_monro
from refvi.bound.elbo.rows import average_log_weight      # noqa: F401
from refvi.gradients.bbvi.regression import (log_constant, pseudo_observations, standardized_draws,      # noqa: F401
                                             triangular_factor, whitened)
from refvi.gradients.bbvi.rows import (all_four_mistakes, chain_rule, constant_added,      # noqa: F401
                                       cross_term_without_input, draws_of_each_factor, draws_with_constant,
                                       entropy_of_each, entropy_subtracted, expected_log_likelihood, expected_log_prior,
                                       half_the_logarithm, limit_of_updates, offset_first, one_update, own_factor_of_q,
                                       own_factors_alone, quadratic_in_the_constant, score_of_log_sigma,
                                       score_of_one_factor, score_of_sigma, score_of_the_mean, scores_of_the_factors,
                                       slope_first, square_added_twice, squared_scale, stochastic_update,
                                       sum_of_factors, three_terms, unsquared_scale, variance_for_sd,
                                       variance_without_constant)


def central(f, at, h=1e-4):
    """Fourth-order central differences of f in its argument, with the error that a step twice as large shows."""
    def once(h):
        return np.stack([(8 * (f(at + h * e) - f(at - h * e)) - f(at + 2 * h * e) + f(at - 2 * h * e)) / (12 * h) for e in np.eye(len(at))], axis=-1)
    return Estimate(once(h), np.max(np.abs(once(h) - once(2 * h))))


# ---- linear regression with an offset and a slope: x_n = z_0 + z_1 y_n + noise

def line(x, y, prior_sd, noise_sd, lam):
    """What the closed form of the bound asks for, its referees by SciPy's densities and Gauss-Hermite nodes."""
    theta = regression(np.column_stack([np.ones(len(y)), y]), prior_sd=prior_sd, noise_sd=noise_sd)
    precision = np.eye(2) / prior_sd**2 + theta.y.T @ theta.y / noise_sd**2
    covariance = np.linalg.inv(precision)
    posterior = stats.multivariate_normal(covariance @ theta.y.T @ x / noise_sd**2, covariance)
    mu, sigma = lam[:2], np.exp(lam[2:])
    t, w = np.polynomial.hermite_e.hermegauss(6)        # exact: every logarithm here is quadratic
    nodes, w = mu + sigma * np.stack(np.meshgrid(t, t), axis=-1).reshape(-1, 2), np.outer(w, w).ravel() / (2 * np.pi)

    def log_q(z):
        return stats.norm.logpdf(z, mu, sigma).sum(axis=-1)

    def likelihood_by_scipy(z):
        return stats.norm.logpdf(x, z[..., :1] + z[..., 1:] * y, noise_sd).sum(axis=-1)

    def prior_by_scipy(z):
        return stats.multivariate_normal.logpdf(z, np.zeros(2), prior_sd**2 * np.eye(2))

    evidence = stats.multivariate_normal.logpdf(x, np.zeros(len(x)), prior_sd**2 * theta.y @ theta.y.T + noise_sd**2 * np.eye(len(x)))
    return dict(x=x, theta=theta, lam=lam, p=linear_gaussian, q=diagonal_normal, S=1, noise=noise(diagonal_normal, lam), z=np.array([[2.3, -0.2], [0., 2.4], [0.1, -0.1]]),
                likelihood_by_quadrature=lambda: w @ likelihood_by_scipy(nodes), prior_by_quadrature=lambda: w @ prior_by_scipy(nodes),
                entropy_by_scipy=lambda: stats.norm.entropy(mu, sigma).sum(), likelihood_by_scipy=likelihood_by_scipy, prior_by_scipy=prior_by_scipy,
                joint_by_scipy=lambda z: likelihood_by_scipy(z) + prior_by_scipy(z),
                evidence_minus_divergence=lambda: evidence - w @ (log_q(nodes) - posterior.logpdf(nodes)))


def stage_regression(rng):
    """Six data, everything drawn anew."""
    y = np.linspace(-0.3, 1.1, 6) + rng.uniform(-0.05, 0.05, 6)
    noise_sd = rng.uniform(0.30, 0.36)
    x = 0.9 + 0.6 * y + noise_sd * (np.array([0.9, -1.2, 0.4, -0.6, 1.1, -0.8]) + rng.uniform(-0.2, 0.2, 6))
    lam = np.array([0.8, 0.7, -2.2, -1.9]) + rng.uniform(-0.1, 0.1, 4)
    return line(x, y, rng.uniform(2., 3.), noise_sd, lam)


NOTEBOOK = np.array([0.9795292340515287, 1.172894333805755, 1.198056128494326, 1.319426969565251, 1.6965780572502713])
# The five targets of the published notebook, 1 + 0.5 y_n + noise of sd 0.1 at y = 0, 1/4, .., 1, as its own seed draws them.


def stage_notebook():
    """The published numbers of the code task: its data, prior sd 10, noise sd 0.1, at the rounded optimum."""
    return line(NOTEBOOK, np.linspace(0, 1, 5), 10., 0.1, np.array([0.957, 0.632, np.log(0.0447), np.log(0.073)]))


# ---- the gradient of the bound away from the top, where it is not small beside the noise

def climbing(x, theta, lam):
    """What the updates ask for: the exact bound, and its gradient by hand."""
    precision, h = np.eye(2) / theta.prior_sd**2 + theta.y.T @ theta.y / theta.noise_sd**2, theta.y.T @ x / theta.noise_sd**2

    def slope(lam):
        """L = const - mu'P mu/2 + mu'h - sum_d P_dd sigma_d^2/2 + sum_d log sigma_d."""
        return np.concatenate([h - precision @ lam[:2], 1 - np.diag(precision) * np.exp(2 * lam[2:])])

    steepest = np.max(np.linalg.eigvalsh(precision))
    return dict(bound=lambda lam: elbo(lam, x, theta), rho=0.1 / steepest, T=150, schedule=robbins_monro(1.5 / steepest, delay=1e5, power=0.6),
                gradient_of_bound=lambda: slope(lam), updated_by_hand=lambda rho: lam + rho * slope(lam),
                mean_field_optimum=lambda: np.concatenate([np.linalg.solve(precision, h), -0.5 * np.log(np.diag(precision))]))


def stage_gradient(rng):
    """The same regression with wide noise: the weights are tied by the likelihood, q is not."""
    y = np.linspace(-0.3, 1.1, 5) + rng.uniform(-0.05, 0.05, 5)
    x = 0.9 + 0.6 * y + rng.uniform(-0.5, 0.5, 5)
    lam, prior_sd = np.array([0.3, 0.9, -1.3, -0.6]) + rng.uniform(-0.1, 0.1, 4), rng.uniform(1.3, 1.7)
    theta = regression(np.column_stack([np.ones(5), y]), prior_sd=prior_sd, noise_sd=rng.uniform(0.6, 0.8))
    at = lam[:2] + np.array([[0.3, -0.2], [-0.4, 0.1], [0.1, 0.5]])
    mu, sigma = lam[:2], np.exp(lam[2:])

    return climbing(x, theta, lam) | dict(
        log_joint=lambda z: linear_gaussian.log_joint(z, x, theta), q=diagonal_normal, lam=lam, at=at, prior=np.array([0., np.log(prior_sd)]),
        c=rng.uniform(0.5, 1.5) - elbo(lam, x, theta), b=elbo(lam, x, theta), S=1, noise=noise(diagonal_normal, lam),
        joint_density=lambda: stats.multivariate_normal.logpdf(at, mu, np.diag(sigma**2)),
        whole_score=lambda: np.concatenate([(at - mu) / sigma**2, ((at - mu) / sigma)**2 - 1], axis=-1))


def stage_standard(rng):
    """Seven data, for draws of a standard normal, as the fast path takes them."""
    y, x = np.column_stack([np.ones(7), np.linspace(-0.3, 1.1, 7)]), 0.9 + rng.uniform(-0.7, 0.7, 7)
    theta = regression(y, prior_sd=rng.uniform(1.3, 1.7), noise_sd=rng.uniform(0.6, 0.8))
    lam = np.array([0.3, 0.9, -1.3, -0.8]) + rng.uniform(-0.1, 0.1, 4)
    return dict(B=whitened(x, theta), lam=lam, b=elbo(lam, x, theta) - log_constant(theta), S=1, noise=noise(diagonal_normal, np.zeros(4)),
                gradient_of_bound=climbing(x, theta, lam)["gradient_of_bound"])


# ---- latent variables that are discrete, and a likelihood that jumps: nothing but values of log p is asked for

def discrete(q, lam, log_joint, log_probs, scores, c):
    """Gradient and variance as sums over the K outcomes; log_probs (K,), scores (K, P) of q by hand."""
    probs, weights = np.exp(log_probs), log_joint(np.arange(len(log_probs))) - log_probs

    def variance_with_constant():
        terms = (weights + c)[:, None] * scores
        return probs @ (terms - probs @ terms)**2

    return dict(q=q, lam=lam, log_joint=log_joint, c=c, S=3, noise=noise(q, lam), variance_with_constant=variance_with_constant,
                gradient_of_bound=lambda: (probs * weights) @ scores)


def stage_mixture(rng):
    """The component of a mixture of three normals."""
    lam, prior = np.array([0.7, -0.6, 0.3]) + rng.uniform(-0.2, 0.2, 3), np.array([0.5, 0.2, 0.3])
    mu, sd, x = np.array([-1.1, 0.4, 1.9]) + rng.uniform(-0.1, 0.1, 3), rng.uniform(0.6, 0.9, 3), rng.uniform(0.5, 1.1)
    table = np.log(prior) + stats.norm.logpdf(x, mu, sd)
    log_probs = special.log_softmax(lam)
    return discrete(categorical, lam, lambda z: table[z], log_probs, np.eye(3) - np.exp(log_probs), rng.uniform(1.2, 1.8))


def bernoulli_log_prob(z, lam):
    """z log sigmoid(lam) + (1 - z) log sigmoid(-lam): a categorical over two outcomes whose first logit is zero."""
    from autograd.numpy import logaddexp
    return z * lam[..., 0] - logaddexp(0., lam[..., 0])


bernoulli = Family(bernoulli_log_prob, lambda rng, lam, size: (rng.random(size) < special.expit(lam[0])).astype(int),
                   lambda lam, order=64: (np.arange(2), np.ones(2)))


def stage_bernoulli(rng):
    """A fault that is there or not, and an alarm that rang."""
    lam, present, rings = np.array([rng.uniform(-0.8, -0.4)]), rng.uniform(0.1, 0.2), np.array([0.05, 0.8]) + rng.uniform(-0.02, 0.02, 2)
    table = np.log([1 - present, present]) + np.log(rings)
    return discrete(bernoulli, lam, lambda z: table[z], stats.bernoulli.logpmf([0, 1], special.expit(lam[0])),
                    np.array([[0.], [1.]]) - special.expit(lam[0]), rng.uniform(1.2, 1.8))


def stage_threshold(rng):
    """z ~ N(0, s^2), an observation of probability `above` where z > edge and `below` elsewhere: log p has no gradient that would help."""
    lam, s, edge = np.array([rng.uniform(0.4, 0.7), rng.uniform(-0.6, -0.3)]), rng.uniform(1.3, 1.7), rng.uniform(0.8, 1.)
    above, below = rng.uniform(0.85, 0.95), rng.uniform(0.05, 0.1)
    mu, sigma = lam[0], np.exp(lam[1])

    def split_nodes(lam, order=64):
        """Gauss-Legendre on either side of the edge."""
        t, w = np.polynomial.legendre.leggauss(order)
        ends = [lam[0] - 9 * np.exp(lam[1]), edge, lam[0] + 9 * np.exp(lam[1])]
        sides = [((b - a) / 2 * t + (a + b) / 2, (b - a) / 2 * w) for a, b in zip(ends, ends[1:])]
        return tuple(np.concatenate(parts) for parts in zip(*sides))

    def gradient_of_bound():
        """E[log p(x|z)] = log below + log(above/below) Phi((mu - edge)/sigma), less KL(q || N(0, s^2))."""
        jump = np.log(above / below) * stats.norm.pdf((mu - edge) / sigma)
        return np.array([jump / sigma - mu / s**2, -jump * (mu - edge) / sigma + 1 - sigma**2 / s**2])

    q = Family(normal.log_prob, normal.sample, split_nodes, normal.transport)
    return dict(log_joint=lambda z: stats.norm.logpdf(z, 0, s) + np.where(z > edge, np.log(above), np.log(below)), q=q, lam=lam, c=rng.uniform(1.2, 1.8), S=1,
                noise=noise(q, lam), gradient_of_bound=gradient_of_bound)


# ---- scores by hand

def stage_score(rng):
    mu, sigma = rng.uniform(0.3, 0.8), rng.uniform(0.5, 0.8)
    return dict(z=mu + sigma * (np.array([-1.6, 0.3, 1.9]) + rng.uniform(-0.2, 0.2, 3)), mu=mu, sigma=sigma)


def slope_in_the_mean(z, mu, sigma):
    return slope_in(lambda v: stats.norm.logpdf(z, v[0], sigma), mu)


def slope_in_sigma(z, mu, sigma):
    return slope_in(lambda v: stats.norm.logpdf(z, mu, v[0]), sigma)


def slope_in_log_sigma(z, mu, sigma):
    return slope_in(lambda v: stats.norm.logpdf(z, mu, np.exp(v[0])), np.log(sigma))


def slope_in(log_density, at):
    """d log_density (S,) in one number."""
    slope = central(log_density, np.array([at]), h=1e-3)
    return Estimate(slope.value[:, 0], slope.error)
