"""Companion of bbvi.md: its rows, its stages and its referees."""
import numpy as np
from referees import by_differences
from scipy import special, stats

from refvi import Family, Noise, bernoulli, categorical, diagonal_normal, noise, normal
from refvi.base.core import expectation, score
from refvi.base.models import elbo, linear_gaussian, log_likelihood, log_prior, regression
from refvi.base.optimize import robbins_monro
from refvi.bound.elbo.rows import average_log_weight      # noqa: F401
from refvi.gradients.bbvi.rows import (by_factor, chain_rule, constant_added, draws_of_each_factor,      # noqa: F401
                                       entropy_of_each, expected_log_likelihood, expected_log_prior, factor,
                                       limit_of_updates, one_update, own_factor_of_q, quadratic_in_the_constant,
                                       runs_of_updates, score_of_log_sigma, score_of_one_factor, score_of_sigma,
                                       score_of_the_mean, scores_of_the_factors, stochastic_update, sum_of_factors,
                                       three_terms, variance_without_constant)
from refvi.gradients.score_function import weighted_score


# ---- linear regression with an offset and a slope: x_n = z_0 + z_1 y_n + noise

def line(x, y, prior_sd, noise_sd, lam):
    """What the closed form of the bound asks for, its referees by SciPy's densities and Gauss-Hermite nodes."""
    theta = regression(np.column_stack([np.ones(len(y)), y]), prior_sd=prior_sd, noise_sd=noise_sd)
    covariance = np.linalg.inv(np.eye(2) / prior_sd**2 + theta.y.T @ theta.y / noise_sd**2)
    posterior = stats.multivariate_normal(covariance @ theta.y.T @ x / noise_sd**2, covariance)
    mu, sigma = lam[:2], np.exp(lam[2:])
    t, w = np.polynomial.hermite_e.hermegauss(6)        # exact: every logarithm here is quadratic
    nodes = mu + sigma * np.stack(np.meshgrid(t, t), axis=-1).reshape(-1, 2)
    w = np.outer(w, w).ravel() / (2 * np.pi)

    def likelihood(z):
        return stats.norm.logpdf(x, z[..., :1] + z[..., 1:] * y, noise_sd).sum(axis=-1)

    def prior(z):
        return stats.multivariate_normal.logpdf(z, np.zeros(2), prior_sd**2 * np.eye(2))

    evidence = stats.multivariate_normal.logpdf(x, cov=prior_sd**2 * theta.y @ theta.y.T + noise_sd**2 * np.eye(len(x)))
    log_q = stats.norm.logpdf(nodes, mu, sigma).sum(axis=-1)
    true_bound = evidence - w @ (log_q - posterior.logpdf(nodes))
    return dict(x=x, theta=theta, lam=lam, p=linear_gaussian, q=diagonal_normal, S=2, noise=noise(diagonal_normal, lam),
                z=np.array([[2.3, -0.2], [0., 2.4], [0.1, -0.1]]), true_bound=true_bound,
                likelihood_by_quadrature=lambda: w @ likelihood(nodes), prior_by_quadrature=lambda: w @ prior(nodes),
                entropy_by_scipy=lambda: stats.norm.entropy(mu, sigma).sum(),
                evidence_minus_divergence=lambda: true_bound, joint_by_scipy=lambda z: likelihood(z) + prior(z))


def stage_regression(rng):
    """Six data, everything drawn anew."""
    y = np.linspace(-0.3, 1.1, 6) + rng.uniform(-0.05, 0.05, 6)
    noise_sd = rng.uniform(0.30, 0.36)
    x = 0.9 + 0.6 * y + noise_sd * (np.array([0.9, -1.2, 0.4, -0.6, 1.1, -0.8]) + rng.uniform(-0.2, 0.2, 6))
    lam = np.array([0.8, 0.7, -2.2, -1.9]) + rng.uniform(-0.1, 0.1, 4)
    return line(x, y, rng.uniform(2., 3.), noise_sd, lam)


NOTEBOOK = np.array([0.9795292340515287, 1.172894333805755, 1.198056128494326, 1.319426969565251, 1.6965780572502713])
# The targets of the published notebook, 1 + 0.5 y_n + noise of sd 0.1 at y = 0, 1/4, .., 1, as its own seed draws them.


def stage_notebook():
    """The published numbers of the code task: its data, prior sd 10, noise sd 0.1, at the rounded optimum."""
    return line(NOTEBOOK, np.linspace(0, 1, 5), 10., 0.1, np.array([0.957, 0.632, np.log(0.0447), np.log(0.073)]))


def model_of_the_task(z, x, theta):
    return log_likelihood(x, z, theta) + log_prior(z, theta)


# ---- the notebook's mistakes

def reported(x, theta, lam, a=1., k=1., t=1., h=1.):
    """The notebook's bound: a times each log sd, k times a square, y_n^t in place of y_n, h times the entropy."""
    m, v, y = lam[:2], np.exp(2 * lam[2:]), theta.y[:, 1]
    cross = 2 * m[0] * m[1] * y**t
    r = x**2 - 2 * x * (m[0] + m[1] * y) + k * (m[0]**2 + v[0]) + cross + (m[1]**2 + v[1]) * y**2
    constant = 0.5 * np.log(2 * np.pi)
    fit = np.sum(-a * np.log(theta.noise_sd) - constant - r / (2 * theta.noise_sd**2))
    prior = np.sum(-a * np.log(theta.prior_sd) - constant - (m**2 + v) / (2 * theta.prior_sd**2))
    return fit + prior + h * np.sum(0.5 * np.log(2 * np.pi * np.e * v))


def one_mistake_at_a_time(x, theta, lam):
    mistakes = dict(a=0.5), dict(k=2.), dict(t=0.), dict(h=-1.)
    return np.array([reported(x, theta, lam, **mistake) for mistake in mistakes])


def all_four_mistakes(x, theta, lam):
    """The slip: what the notebook monitors and plots."""
    return reported(x, theta, lam, a=0.5, k=2., t=0., h=-1.)


def what_each_adds(x, theta, lam):
    N, m, sigma = len(x), lam[:2], np.exp(lam[2:])
    return np.array([N / 2 * np.log(theta.noise_sd) + np.log(theta.prior_sd),
                     -N * (m[0]**2 + sigma[0]**2) / (2 * theta.noise_sd**2),
                     -m[0] * m[1] * np.sum(1 - theta.y[:, 1]) / theta.noise_sd**2,
                     -2 * np.sum(stats.norm.entropy(m, sigma))])


def truth_and_each(x, theta, lam, true_bound):
    return true_bound + what_each_adds(x, theta, lam)


def truth_and_mistakes(x, theta, lam, true_bound):
    return true_bound + np.sum(what_each_adds(x, theta, lam))


# ---- the gradient of the bound away from the top, where it is not small beside the noise

def climbing(x, theta, lam):
    """What the updates ask for: the exact bound, and its gradient by hand."""
    precision = np.eye(2) / theta.prior_sd**2 + theta.y.T @ theta.y / theta.noise_sd**2
    h = theta.y.T @ x / theta.noise_sd**2

    def slope(lam):
        """Of -mu'P mu/2 + mu'h - sum_d P_dd sigma_d^2/2 + sum_d log sigma_d."""
        return np.concatenate([h - precision @ lam[:2], 1 - np.diag(precision) * np.exp(2 * lam[2:])])

    best = np.concatenate([np.linalg.solve(precision, h), -0.5 * np.log(np.diag(precision))])
    rho = 1.5 / np.max(np.linalg.eigvalsh(precision))
    return dict(bound=lambda lam: elbo(lam, x, theta), rho=rho, T=120, gradient=slope(lam),
                gradient_of_bound=lambda: slope(lam), updated_by_hand=lambda rho: lam + rho * slope(lam),
                mean_field_optimum=lambda: best)


def stage_gradient(rng):
    """Wide noise, so that the likelihood ties the weights; q is a product."""
    y = np.linspace(-0.3, 1.1, 5) + rng.uniform(-0.05, 0.05, 5)
    x = 0.9 + 0.6 * y + rng.uniform(-0.5, 0.5, 5)
    lam, prior_sd = np.array([0.3, 0.9, -1.3, -0.6]) + rng.uniform(-0.1, 0.1, 4), rng.uniform(1.3, 1.7)
    theta = regression(np.column_stack([np.ones(5), y]), prior_sd=prior_sd, noise_sd=rng.uniform(0.6, 0.8))
    at = lam[:2] + np.array([[0.3, -0.2], [-0.4, 0.1], [0.1, 0.5]])
    mu, sigma = lam[:2], np.exp(lam[2:])

    def joint_by_hand(z):
        fit = -0.5 * np.sum((x - z @ theta.y.T)**2, axis=-1) / theta.noise_sd**2
        constant = -len(x) * np.log(theta.noise_sd) - 2 * np.log(prior_sd) - (len(x) + 2) / 2 * np.log(2 * np.pi)
        return fit - 0.5 * np.sum(z**2, axis=-1) / prior_sd**2 + constant

    return climbing(x, theta, lam) | dict(
        log_joint=lambda z: linear_gaussian.log_joint(z, x, theta), joint_by_hand=joint_by_hand, q=diagonal_normal,
        lam=lam, at=at, prior_sd=prior_sd, c=rng.uniform(0.5, 1.5, 4) - elbo(lam, x, theta),
        b=elbo(lam, x, theta) - 1.5, S=2, noise=noise(diagonal_normal, lam),
        joint_density=lambda: stats.multivariate_normal.logpdf(at, mu, np.diag(sigma**2)),
        whole_score=lambda: np.concatenate([(at - mu) / sigma**2, ((at - mu) / sigma)**2 - 1], axis=-1))


def scores_by_hand(eps, lam):
    mu, sigma = lam[:2], np.exp(lam[2:])
    return np.concatenate([(eps - mu) / sigma**2, ((eps - mu) / sigma)**2 - 1], axis=-1)


def update_by_hand(eps, lam, rho, joint_by_hand, b):
    r = joint_by_hand(eps) - stats.norm.logpdf(eps, lam[:2], np.exp(lam[2:])).sum(axis=-1)
    return lam + rho * np.mean((r - b)[..., None] * scores_by_hand(eps, lam), axis=1)


def factors_by_hand(eps, lam, joint_by_hand, b):
    weights = joint_by_hand(eps)[..., None] - stats.norm.logpdf(eps, lam[:2], np.exp(lam[2:])) - b
    return np.mean(np.tile(weights, 2) * scores_by_hand(eps, lam), axis=1)


def own_factors_alone(prior_sd, q, lam):
    """The slip: of log p only the variable's own prior; the likelihood, which ties the variables, is gone."""
    prior = np.array([0., np.log(prior_sd)])

    def of_factor(d):
        def term(z):
            own = factor(lam, d)
            weight = normal.log_prob(z[:, d], prior) - normal.log_prob(z[:, d], own)
            return weight[:, None] * score(normal, z[:, d], own)
        return expectation(term, q, lam)

    return by_factor(of_factor, lam)


def towards_the_prior(prior_sd, lam):
    return np.concatenate([-lam[:2] / prior_sd**2, 1 - np.exp(2 * lam[2:]) / prior_sd**2])


# ---- step sizes

def known_spread(rng, schedule, T):
    """q = N(mu, s^2) with s known, log p(x, z) = -a (z - best)^2 / 2: a gradient's variance is quadratic in mu - best.

    start is mu_0 - best.
    """
    a, s, start = rng.uniform(0.8, 1.2), rng.uniform(0.65, 0.8), rng.uniform(0.9, 1.2)
    best = rng.uniform(0.4, 0.8)

    def log_prob(z, lam):
        return -0.5 * ((z - lam[..., 0]) / s)**2 - np.log(s) - 0.5 * np.log(2 * np.pi)

    q = Family(log_prob, None, None, lambda eps, lam: lam[..., 0] + s * eps)
    return dict(a=a, s=s, start=start, lam=np.array([best + start]), optimum=best, q=q, T=T, schedule=schedule,
                log_joint=lambda z: -0.5 * a * (z - best)**2,
                bound=lambda lam: -0.5 * a * ((lam[..., 0] - best)**2 + s**2) + 0.5 * np.log(2 * np.pi * np.e * s**2))


def runs(rng, schedule):
    """Few steps, small ones, and many runs, for draws: products of long steps have heavy tails. The sum over all
    draws of T steps is left to chance."""
    stage = known_spread(rng, schedule, 6)
    return stage | dict(S=10, noise=Noise(lambda rng, R, S: rng.standard_normal((R, S, 6)), lambda S, order: None))


def stage_falling_steps(rng):
    return runs(rng, robbins_monro(rng.uniform(0.08, 0.12), delay=2., power=0.7))


def stage_constant_steps(rng):
    rho = rng.uniform(0.06, 0.09)
    return runs(rng, lambda t: rho)


def stage_many_steps(rng):
    rate = rng.uniform(0.2, 0.3)
    return known_spread(rng, robbins_monro(rate, delay=20., power=rng.uniform(0.6, 0.9)), 20_000) | dict(rate=rate)


def noise_of_one_step(a, s):
    """(v, w): the variance of one gradient at mu is v + w mu^2."""
    return 10 * ((1 - a * s**2) / (2 * s))**2, 2 * a**2


def distance_by_recursion(a, s, start, schedule, T):
    """m_t = (1 - a rho_t)^2 m_(t-1) + rho_t^2 (v + w m_(t-1)), from m_0 = start^2."""
    (v, w), m = noise_of_one_step(a, s), start**2
    for t in range(1, T + 1):
        m = (1 - a * schedule(t))**2 * m + schedule(t)**2 * (v + w * m)
    return np.array([m])


def distance_unrolled(a, s, start, schedule, T):
    """The start and the noise of every step, each shrunk by all steps that follow."""
    rho = np.array([schedule(t) for t in range(1, T + 1)])
    kept = 1 - 2 * a * rho + 3 * a**2 * rho**2
    after = np.append(np.cumprod(kept[::-1])[::-1], 1.)     # what is left of step t at the end, t = 0..T
    variance = 10 / 4 * (1 / s - a * s)**2
    return np.array([start**2 * after[0] + np.dot(variance * rho**2, after[1:])])


def part_of_the_floor(a, s, rate):
    """A twentieth of where the recursion with a constant step stands still."""
    v, w = noise_of_one_step(a, s)
    return np.array([rate**2 * v / (1 - (1 - a * rate)**2 - w * rate**2)]) / 20


def floor_by_power(a, s, rate, T):
    """A twentieth of the upper right entry of A^T, one constant step being the matrix A."""
    step = np.array([[1 - 2 * a * rate + 3 * a**2 * rate**2, 2.5 * rate**2 * (1 / s - a * s)**2], [0., 1.]])
    return np.linalg.matrix_power(step, T)[0, 1:] / 20


# ---- latent variables that are discrete, and a likelihood that jumps: nothing but values of log p is asked for

def discrete(rng, q, lam, log_joint, z, log_probs, scores):
    """Outcomes z, the log probabilities (K,) and scores (K, P) of q by hand; c lies between 0 and twice the best."""
    probs, r = np.exp(log_probs), log_joint(z) - log_probs
    best = -(probs * r) @ scores**2 / (probs @ scores**2)
    return dict(q=q, lam=lam, log_joint=log_joint, outcomes=(probs, r[:, None], scores), S=3, noise=noise(q, lam),
                c=best * rng.uniform(0.3, 1.7, len(lam)),
                gradient_of_bound=lambda: (probs * r) @ scores)


def variance_with_constant(outcomes, c):
    probs, r, u = outcomes
    terms = (r + c) * u
    return probs @ (terms - probs @ terms)**2


def variance_by_outcomes(outcomes):
    probs, r, u = outcomes
    return probs @ (r * u - probs @ (r * u))**2


def draws_with_constant(eps, log_joint, q, lam, c):
    """The baseline is minus the constant. Returns (R, P)."""
    return weighted_score(eps, log_joint, q, lam, -c)


def stage_mixture(rng):
    """The component of a mixture of three normals."""
    lam, prior = np.array([0.7, -0.6, 0.3]) + rng.uniform(-0.2, 0.2, 3), np.array([0.5, 0.2, 0.3])
    mu, sd, x = np.array([-1.1, 0.4, 1.9]) + rng.uniform(-0.1, 0.1, 3), rng.uniform(0.6, 0.9, 3), rng.uniform(0.5, 1.1)
    table = np.log(prior) + stats.norm.logpdf(x, mu, sd)
    log_probs = special.log_softmax(lam)
    return discrete(rng, categorical, lam, lambda z: table[z], np.arange(3), log_probs, np.eye(3) - np.exp(log_probs))


def stage_bernoulli(rng):
    """A fault that is there or not, and an alarm that rang."""
    lam, present = np.array([rng.uniform(-0.8, -0.4)]), rng.uniform(0.1, 0.2)
    rings = np.array([0.05, 0.8]) + rng.uniform(-0.02, 0.02, 2)
    table, pi = np.log([1 - present, present]) + np.log(rings), special.expit(lam[0])
    return discrete(rng, bernoulli, lam, lambda z: table[z[..., 0]], np.array([[0], [1]]),
                    stats.bernoulli.logpmf([0, 1], pi), np.array([[0.], [1.]]) - pi)


def stage_threshold(rng):
    """z ~ N(0, s^2), an observation of probability `above` where z > edge and `below` elsewhere: log p jumps."""
    lam = np.array([rng.uniform(0.4, 0.7), rng.uniform(-0.6, -0.3)])
    s, edge = rng.uniform(1.3, 1.7), rng.uniform(0.8, 1.)
    above, below = rng.uniform(0.85, 0.95), rng.uniform(0.05, 0.1)
    mu, sigma = lam[0], np.exp(lam[1])

    def split_nodes(lam, order=64):
        """Gauss-Legendre on either side of the edge."""
        t, w = special.roots_legendre(order)
        ends = [lam[0] - 9 * np.exp(lam[1]), edge, lam[0] + 9 * np.exp(lam[1])]
        sides = [((b - a) / 2 * t + (a + b) / 2, (b - a) / 2 * w) for a, b in zip(ends, ends[1:])]
        return tuple(np.concatenate(parts) for parts in zip(*sides))

    def log_joint(z):
        return stats.norm.logpdf(z, 0, s) + np.where(z > edge, np.log(above), np.log(below))

    def gradient_of_bound():
        """E[log p(x|z)] = log below + log(above/below) Phi((mu - edge)/sigma), less KL(q || N(0, s^2))."""
        jump = np.log(above / below) * stats.norm.pdf((mu - edge) / sigma)
        return np.array([jump / sigma - mu / s**2, -jump * (mu - edge) / sigma + 1 - sigma**2 / s**2])

    q = Family(normal.log_prob, normal.sample, split_nodes, normal.transport)
    return dict(log_joint=log_joint, q=q, lam=lam, c=rng.uniform(1.2, 1.8, 2), S=2, noise=noise(q, lam),
                gradient_of_bound=gradient_of_bound)


# ---- scores by hand

def stage_score(rng):
    mu, sigma = rng.uniform(0.3, 0.8), rng.uniform(0.5, 0.8)
    return dict(z=mu + sigma * (np.array([-1.6, 0.3, 1.9]) + rng.uniform(-0.2, 0.2, 3)), mu=mu, sigma=sigma)


def slope_in(log_density, at):
    """d log_density (S,) in one number."""
    slope = by_differences(lambda v: log_density(v[0]), np.array([at]))
    return slope._replace(value=slope.value[:, 0], error=slope.error[:, 0])


def slope_in_the_mean(z, mu, sigma):
    return slope_in(lambda mu: stats.norm.logpdf(z, mu, sigma), mu)


def slope_in_sigma(z, mu, sigma):
    return slope_in(lambda sigma: stats.norm.logpdf(z, mu, sigma), sigma)


def slope_in_log_sigma(z, mu, sigma):
    return slope_in(lambda log_sigma: stats.norm.logpdf(z, mu, np.exp(log_sigma)), np.log(sigma))
