"""Companion of automatic.md: its rows, its stages and its referees."""
from itertools import combinations

import autograd.numpy as anp
import numpy as np
from scipy import special, stats

from refvi import Estimate, Noise, diagonal_normal, full_normal, noise
from refvi.base.models import linear_gaussian, regression
from refvi.programs.automatic.bijections import KNOWN
from refvi.programs.automatic.rows import (batch_not_scaled, bound_alone, bound_on_the_line,      # noqa: F401
                                           bound_on_the_noise, bound_plus_divergence, bound_sign_turned,
                                           bound_without_determinant, carried_back, chain_rule_draws, determinant_added,
                                           determinant_by_hand, determinant_for_each_value, determinant_forgotten,
                                           determinant_of_forward, determinant_of_inverse, determinant_once,
                                           determinant_scaled_as_well, determinant_subtracted, determinant_times_batch,
                                           draws_of_a_batch, draws_of_the_bound, draws_of_the_covariance,
                                           gradient_by_scores, gradient_through_the_noise, half_the_log_variance,
                                           highest_bound, least_divergence, lost_without_determinant, mass,
                                           mass_without_determinant, mean_over_batches, one_step, path_draws, path_step,
                                           prior_scaled_as_well, prior_with_each_datum, scale_times_its_transpose,
                                           score_draws, score_step, sum_of_parts, transpose_times_scale,
                                           whole_log_variance)


def one():
    return 1.


def jacobian_by_differences(f, u, h):
    """(D, D) of f (D,) -> (D,), by differences of sixth order."""
    return np.stack([(45 * (f(u + h * e) - f(u - h * e)) - 9 * (f(u + 2 * h * e) - f(u - 2 * h * e)) + f(u + 3 * h * e) - f(u - 3 * h * e)) / (60 * h)
                     for e in np.eye(len(u))], axis=-1)


def log_det_by_differences(f, points):
    """log |det| (k,) of f at points (k, D), with the error that a step twice as large shows."""
    fine, coarse = (np.array([np.linalg.slogdet(jacobian_by_differences(f, u, h))[1] for u in points]) for h in (1e-3, 2e-3))
    return Estimate(fine, np.max(np.abs(fine - coarse)) + 1e-10)


def panels(low, high, n=10, order=10):
    """Gauss-Legendre nodes and weights on n equal parts of an interval."""
    t, w = np.polynomial.legendre.leggauss(order)
    edges = np.linspace(low, high, n + 1)
    middle, half = (edges[1:] + edges[:-1]) / 2, np.diff(edges) / 2
    return (middle[:, None] + half[:, None] * t).ravel(), (half[:, None] * w).ravel()


def product(first, second):
    """Nodes (n, 2) and weights of two rules."""
    return np.stack(np.meshgrid(first[0], second[0], indexing="ij"), axis=-1).reshape(-1, 2), np.outer(first[1], second[1]).ravel()


# ---- one stage for every constraint: two free coordinates, points, and nodes on the constrained scale

def constrained(rng, name, mu, forward, inverse, nodes):
    """forward and inverse (D,) -> (D,) by SciPy, on a simplex for its first coordinates; nodes(low, high): of the bijection's image of the box low..high."""
    mu, sd = np.array(mu) + rng.uniform(-0.1, 0.1, 2), rng.uniform([0.3, 0.4], [0.4, 0.5])
    T, u = KNOWN[name], mu + sd * (np.array([[0.9, -0.6], [-0.5, 0.4], [0.2, 1.1]]) + rng.uniform(-0.2, 0.2, (3, 2)))
    z = np.array([T.forward(point) for point in u])
    at, weights = nodes(mu - 7.5 * sd, mu + 7.5 * sd)

    def log_density():
        log_det = log_det_by_differences(inverse, z[:, :2])
        return Estimate(stats.norm.logpdf([inverse(point) for point in z[:, :2]], mu, sd).sum(axis=-1) + log_det.value, log_det.error)

    return dict(T=T, u=u, z=z, q=diagonal_normal, lam=np.concatenate([mu, np.log(sd)]), at=at, weights=weights,
                log_density=log_density, determinant_by_differences=lambda: log_det_by_differences(forward, u))


def between(edges):
    """Nodes and weights of one variable: a panel between each two neighbouring edges."""
    rules = [panels(*pair, n=1) for pair in zip(edges, edges[1:])]
    return tuple(np.concatenate(part) for part in zip(*rules))


def box(f):
    """Nodes of two values, each constrained by f: the edges lie equally far apart on the free scale."""
    return lambda low, high: product(*(between(f(np.linspace(a, b, 11))) for a, b in zip(low, high)))


def triangle(first, share):
    """Nodes (n, 3) of the simplex from rules of z_1 and of z_2 / (1 - z_1)."""
    at, weights = product(first, share)
    left = 1 - at[:, 0]
    return np.stack([at[:, 0], left * at[:, 1], left * (1 - at[:, 1])], axis=-1), weights * left


def stage_positive(rng):
    return constrained(rng, "positive", [0.9, 0.7], np.exp, np.log, box(np.exp))


def stage_softplus(rng):
    return constrained(rng, "softplus", [-1.0, -0.6], lambda u: np.log1p(np.exp(u)), lambda z: np.log(np.expm1(z)), box(lambda u: np.log1p(np.exp(u))))


def stage_interval(rng):
    return constrained(rng, "interval", [0.5, -0.4], special.expit, special.logit, box(special.expit))


def stage_ordered(rng):
    def nodes(low, high):
        at, weights = product(panels(low[0], high[0]), between(np.exp(np.linspace(low[1], high[1], 11))))
        return np.cumsum(at, axis=-1), weights

    return constrained(rng, "ordered", [0.4, 0.9], lambda u: np.array([u[0], u[0] + np.exp(u[1])]), lambda z: np.array([z[0], np.log(z[1] - z[0])]), nodes)


def stage_simplex(rng):
    """Stick breaking of three parts: the first of even shares is a third."""
    def forward(u):
        v = special.expit(u - np.log([2., 1.]))
        return np.array([v[0], (1 - v[0]) * v[1]])

    def inverse(z):
        return special.logit([z[0], z[1] / (1 - z[0])]) + np.log([2., 1.])

    def nodes(low, high):
        first, second = (special.expit(np.linspace(a, b, 11) - shift) for a, b, shift in zip(low, high, np.log([2., 1.])))
        return triangle(between(first), between(second))

    return constrained(rng, "simplex", [0.4, -0.5], forward, inverse, nodes)


def stage_softmax(rng):
    def nodes(low, high):
        corners = special.logit([special.softmax([low[0], high[1], 0.])[0], special.softmax([high[0], low[1], 0.])[0]])
        return triangle(between(special.expit(np.linspace(*corners, 21))), between(special.expit(np.linspace(low[1], high[1], 11))))

    return constrained(rng, "softmax", [0.4, -0.5], lambda u: special.softmax([*u, 0.])[:2], lambda z: np.log(z / (1 - z.sum())), nodes)


# ---- a rate with a gamma prior and counts: everything in closed form

class Rate:
    """z ~ Gamma(a, b), x_n ~ Poisson(z), and a normal for log z: the bound is A mu - B E[z] + log sigma and a constant."""

    def __init__(self, a, b, x, mu, sd):
        self.a, self.b, self.x, self.mu, self.sd = a, b, x, mu, sd
        self.A, self.B = a + x.sum(), b + len(x)
        self.constant = a * np.log(b) - special.gammaln(a) - special.gammaln(x + 1.).sum() + 0.5 * np.log(2 * np.pi * np.e)

    def log_prior(self, z):
        return (self.a - 1) * anp.log(z[..., 0]) - self.b * z[..., 0] + self.a * np.log(self.b) - special.gammaln(self.a)

    def log_likelihood(self, z, x):
        return anp.sum(x * anp.log(z) - z - special.gammaln(x + 1.), axis=-1)

    def log_joint(self, z):
        return self.log_likelihood(z, self.x) + self.log_prior(z)

    def bound(self, mu, sd):
        return self.A * mu - self.B * np.exp(mu + sd**2 / 2) + np.log(sd) + self.constant

    def slope(self):
        rise = self.B * np.exp(self.mu + self.sd**2 / 2)
        return np.array([self.A - rise, 1 - self.sd**2 * rise])

    def optimum(self):
        return np.array([np.log(self.A / self.B) - 0.5 / self.A, -0.5 * np.log(self.A)])

    def log_evidence(self):
        """One count after the other, each negative binomial given those before."""
        a, b, total = self.a, self.b, 0.
        for count in self.x:
            total += stats.nbinom.logpmf(count, a, b / (b + 1))
            a, b = a + count, b + 1
        return total


def a_rate(rng, N=3):
    """Counts of about eight, q a little below the posterior and wider."""
    x = np.array([7, 9, 8, 6, 10])[:N] + rng.integers(0, 2, N)
    a, b = rng.uniform(1.8, 2.4), rng.uniform(0.22, 0.28)
    return Rate(a, b, x, np.log((a + x.sum()) / (b + N)) - rng.uniform(0.3, 0.4), rng.uniform(0.25, 0.3))


def stage_rate(rng):
    rate = a_rate(rng)
    lam = np.array([rate.mu, np.log(rate.sd)])
    rho = rng.uniform(0.3, 0.5) / rate.A
    return dict(T=KNOWN["positive"], q=diagonal_normal, lam=lam, log_joint=rate.log_joint, b=rate.bound(rate.mu, rate.sd), rho=rho, S=1,
                noise=noise(diagonal_normal, np.zeros(2)), log_posterior=lambda z: rate.A * np.log(rate.B) - special.gammaln(rate.A) + (rate.A - 1) * anp.log(z[..., 0])
                - rate.B * z[..., 0], bound_by_scipy=lambda: rate.bound(rate.mu, rate.sd), mean_of_u=lambda: rate.mu,
                gradient_by_scipy=rate.slope, updated_by_hand=lambda: lam + rho * rate.slope(), optimum_by_hand=rate.optimum, start=rate.optimum() + rng.uniform(0.1, 0.2, 2),
                log_evidence=rate.log_evidence, joint_by_scipy=lambda z: stats.poisson.logpmf(rate.x, z).sum(axis=-1) + stats.gamma.logpdf(z[:, 0], rate.a, scale=1 / rate.b),
                x=rate.x, z=rng.uniform([[4.], [6.], [9.]], [[5.], [7.], [10.]]), log_prior=rate.log_prior, log_likelihood=rate.log_likelihood)


def by_nodes(rng, T, inverse_density, log_prior, log_likelihood, x, mu, sd, at, weights):
    """What the bound asks for where only quadrature over z knows the truth; inverse_density(z): log q(z) by SciPy."""
    lam = np.concatenate([mu, np.log(sd)])

    def bound_by_scipy():
        log_q = inverse_density(at)
        return (weights * np.exp(log_q)) @ (log_prior(at) + log_likelihood(at, x) - log_q)

    return dict(T=T, q=diagonal_normal, lam=lam, log_joint=lambda z: log_prior(z) + log_likelihood(z, x), S=1, noise=noise(diagonal_normal, np.zeros(len(lam))),
                bound_by_scipy=bound_by_scipy)


def stage_softplus_rate(rng):
    """The same model with the softplus: what is left out now is its derivative, the logistic function."""
    rate = a_rate(rng)
    mu, sd = np.array([rng.uniform(-1.5, -1.3)]), np.array([rng.uniform(0.4, 0.5)])
    z, w = between(np.log1p(np.exp(np.linspace(mu[0] - 8 * sd[0], mu[0] + 8 * sd[0], 25))))

    def log_q(z):
        u = np.log(np.expm1(z[:, 0]))
        return stats.norm.logpdf(u, mu[0], sd[0]) + np.log1p(1 / np.expm1(z[:, 0]))

    return by_nodes(rng, KNOWN["softplus"], log_q, rate.log_prior, rate.log_likelihood, np.array([1, 0]), mu, sd, z[:, None], w)


def stage_share(rng):
    """A share with a beta prior and a few trials."""
    a, b, n = rng.uniform(1.3, 1.8), rng.uniform(2.2, 2.8), 5
    mu, sd = np.array([rng.uniform(-1.2, -0.8)]), np.array([rng.uniform(0.4, 0.5)])
    z, w = between(special.expit(np.linspace(mu[0] - 8 * sd[0], mu[0] + 8 * sd[0], 25)))

    def log_q(z):
        return stats.norm.logpdf(special.logit(z[:, 0]), mu[0], sd[0]) - np.log(z[:, 0]) - np.log1p(-z[:, 0])

    def log_prior(z):
        return (a - 1) * anp.log(z[..., 0]) + (b - 1) * anp.log(1 - z[..., 0]) - special.betaln(a, b)

    def log_likelihood(z, x):
        return np.log(special.binom(n, x)) + x * anp.log(z[..., 0]) + (n - x) * anp.log(1 - z[..., 0])

    return by_nodes(rng, KNOWN["interval"], log_q, log_prior, log_likelihood, 2, mu, sd, z[:, None], w)


def stage_three_shares(rng):
    """Three shares with a Dirichlet prior and a few counts, by stick breaking."""
    alpha, x = rng.uniform([1.2, 1.6, 2.2], [1.5, 2.0, 2.6]), np.array([3, 1, 2])
    mu, sd = rng.uniform([0.1, -0.4], [0.3, -0.2]), rng.uniform(0.35, 0.45, 2)
    first, second = (between(special.expit(np.linspace(m - 8 * s, m + 8 * s, 17) - shift)) for m, s, shift in zip(mu, sd, np.log([2., 1.])))
    at, weights = triangle(first, second)

    def log_q(z):
        v, left = np.stack([z[:, 0], z[:, 1] / (1 - z[:, 0])], axis=-1), np.stack([np.ones(len(z)), 1 - z[:, 0]], axis=-1)
        u = special.logit(v) + np.log([2., 1.])
        return np.sum(stats.norm.logpdf(u, mu, sd) - np.log(v) - np.log1p(-v) - np.log(left), axis=-1)

    def log_prior(z):
        return special.gammaln(alpha.sum()) - special.gammaln(alpha).sum() + anp.sum((alpha - 1) * anp.log(z), axis=-1)

    def log_likelihood(z, x):
        return special.gammaln(x.sum() + 1.) - special.gammaln(x + 1.).sum() + anp.sum(x * anp.log(z), axis=-1)

    return by_nodes(rng, KNOWN["simplex"], log_q, log_prior, log_likelihood, x, mu, sd, at, weights)


# ---- several values at once

def stage_two_rates(rng):
    """Two rates, their priors and counts side by side: the bound is the sum of two."""
    rates = [a_rate(rng) for _ in range(2)]
    mu, sd = np.array([r.mu for r in rates]) + [0.3, 0.1], np.array([r.sd for r in rates])

    def terms(z):
        return anp.stack([rate.log_joint(z[..., d:d + 1]) for d, rate in enumerate(rates)], axis=-1)

    return dict(T=KNOWN["positive"], q=diagonal_normal, lam=np.concatenate([mu, np.log(sd)]), terms=terms, M=int(rng.integers(3, 5)),
                bounds_added=lambda: sum(rate.bound(m, s) for rate, m, s in zip(rates, mu, sd)))


def stage_batches(rng):
    """Five counts, two at a time; the noise's rule holds every pair of them."""
    rate, M = a_rate(rng, 5), 2
    T, lam, standard = KNOWN["positive"], np.array([rate.mu + 0.2, np.log(rate.sd)]), noise(diagonal_normal, np.zeros(2))
    subsets = np.array(list(combinations(range(len(rate.x)), M)))

    def draw(rng, R, S):
        return np.concatenate([standard.draw(rng, R, S), subsets[rng.integers(len(subsets), size=R)][:, None]], axis=-1)

    def rule(S, order):
        eps, weights = standard.rule(S, order)
        return np.concatenate([np.repeat(eps, len(subsets), axis=0), np.tile(subsets, (len(eps), 1))[:, None]], axis=-1), np.repeat(weights, len(subsets)) / len(subsets)

    return dict(T=T, q=diagonal_normal, lam=lam, x=rate.x, M=M, S=1, noise=Noise(draw, rule), log_prior=rate.log_prior, log_likelihood=rate.log_likelihood,
                bound_of_all=lambda: rate.bound(lam[0], np.exp(lam[1])))


# ---- a normal with any covariance

def triangle_of(lam):
    """R (2, 2) by hand."""
    return np.array([[np.exp(lam[2]), 0.], [lam[4], np.exp(lam[3])]])


def stage_spread(rng):
    lam = np.array([0.4, -0.3, -0.6, -0.9, 0.5]) + rng.uniform(-0.1, 0.1, 5)
    R = triangle_of(lam)
    covariance = np.array([[R[0, 0]**2, R[0, 0] * R[1, 0]], [R[0, 0] * R[1, 0], R[1, 0]**2 + R[1, 1]**2]])
    mu, log_variance = rng.uniform(0.3, 0.7), rng.uniform(-2.2, -1.8)
    at = mu + np.exp(log_variance / 2) * (np.array([-1.8, 0.3, 2.1]) + rng.uniform(-0.2, 0.2, 3))
    return dict(lam=lam, mu=mu, covariance=lambda: covariance, log_variance=log_variance, at=at, S=3, noise=noise(full_normal, np.zeros(5)),
                log_density_by_scipy=lambda: stats.norm.logpdf(at, mu, np.sqrt(np.exp(log_variance))))


def stage_regression(rng):
    """Two weights, no constraint, a full normal: the bound is quadratic in mu and R, up to log R_dd, so that few nodes will do."""
    y = np.column_stack([np.ones(5), np.linspace(-0.3, 1.1, 5) + rng.uniform(-0.05, 0.05, 5)])
    theta, x = regression(y, prior_sd=rng.uniform(1.3, 1.7), noise_sd=rng.uniform(0.6, 0.8)), 0.9 + 0.6 * y[:, 1] + rng.uniform(-0.3, 0.3, 5)
    lam, rho = np.array([0.2, 1.1, -1.2, -0.7, 0.35]) + rng.uniform(-0.05, 0.05, 5), rng.uniform(0.02, 0.03)
    precision, h, R = np.eye(2) / theta.prior_sd**2 + y.T @ y / theta.noise_sd**2, y.T @ x / theta.noise_sd**2, triangle_of(lam)
    posterior = stats.multivariate_normal(np.linalg.solve(precision, h), np.linalg.inv(precision))

    def slope():
        inner = precision @ R
        return np.concatenate([h - precision @ lam[:2], 1 - np.diag(inner) * np.diag(R), [-inner[1, 0]]])

    def log_posterior(z):
        away = z - posterior.mean
        return -0.5 * anp.sum((away @ precision) * away, axis=-1) + 0.5 * np.linalg.slogdet(precision)[1] - np.log(2 * np.pi)

    def log_evidence():
        return stats.multivariate_normal.logpdf(x, np.zeros(5), theta.prior_sd**2 * y @ y.T + theta.noise_sd**2 * np.eye(5))

    def bound_by_scipy():
        q = stats.multivariate_normal(lam[:2], R @ R.T)
        away, inverse = posterior.mean - lam[:2], np.linalg.inv(posterior.cov)
        return log_evidence() - 0.5 * (np.trace(inverse @ q.cov) + away @ inverse @ away - 2 + np.log(np.linalg.det(posterior.cov) / np.linalg.det(q.cov)))

    q = full_normal._replace(nodes=lambda lam, order=24: full_normal.nodes(lam, order))
    return dict(T=KNOWN["real"], q=q, lam=lam, rho=rho, S=1, noise=noise(q, np.zeros(5)), b=bound_by_scipy(),
                log_joint=lambda z: linear_gaussian.log_joint(z, x, theta), log_posterior=log_posterior, gradient_by_scipy=slope,
                updated_by_hand=lambda: lam + rho * slope(), log_evidence=log_evidence, precision=precision, posterior_mean=posterior.mean,
                x=np.column_stack([x, y]), z=rng.uniform([[0.5, 0.2], [1.3, -0.4]], [[0.9, 0.6], [1.7, 0.]]),
                log_prior=lambda z: linear_gaussian.log_prior(z, theta),
                log_likelihood=lambda z, data: linear_gaussian.log_likelihood(data[:, 0], z, theta._replace(y=data[:, 1:])),
                joint_by_scipy=lambda z: stats.norm.logpdf(x, z @ y.T, theta.noise_sd).sum(axis=-1) + stats.norm.logpdf(z, 0, theta.prior_sd).sum(axis=-1))


def stage_product(rng):
    """The same weights and a product of normals: the posterior's mean, and spreads from the precision's diagonal."""
    stage = stage_regression(rng)
    optimum = np.concatenate([stage["posterior_mean"], -0.5 * np.log(np.diag(stage["precision"]))])
    q = diagonal_normal._replace(nodes=lambda lam, order=24: diagonal_normal.nodes(lam, order))
    return dict(T=stage["T"], q=q, log_joint=stage["log_joint"], log_posterior=stage["log_posterior"], start=optimum + rng.uniform(0.1, 0.2, 4), optimum_by_hand=lambda: optimum)
