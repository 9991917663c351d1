"""Companion of automatic.md: its rows, its stages, its slips and its referees."""
from itertools import combinations

import autograd.numpy as anp
import numpy as np
from referees import by_differences, coarser, few_nodes
from scipy import special, stats

from refvi import Estimate, Noise, diagonal_normal, full_normal, noise
from refvi.base.core import expectation
from refvi.base.models import linear_gaussian, regression
from refvi.programs.automatic.bijections import KNOWN
from refvi.programs.automatic.rows import (bound_alone, bound_of_batches, bound_on_the_line,      # noqa: F401
                                           bound_on_the_noise, bound_plus_divergence, carried_back, chain_rule_draws,
                                           determinant_by_hand, determinant_of_forward, determinant_of_inverse,
                                           determinant_once, determinant_subtracted, draws_of_a_batch,
                                           draws_of_the_bound, draws_of_the_covariance, gradient_by_scores,
                                           gradient_through_the_noise, half_the_log_variance, highest_bound,
                                           least_divergence, mass, mean_over_batches, one_step, path_draws, path_step,
                                           scale_times_its_transpose, score_draws, score_step, sum_of_parts)


def one():
    return 1.


def log_det_by_differences(f, points):
    """log |det| (k,) of f (D,) -> (D,) at points (k, D), an Estimate: its derivative is the trace of the inverse
    times the change."""
    found = [by_differences(f, point) for point in points]
    errors = [np.einsum("ij,ji", np.abs(np.linalg.inv(J.value)), J.error) for J in found]
    return Estimate(np.array([np.linalg.slogdet(J.value)[1] for J in found]), np.array(errors))


# ---- rules of nodes for constrained values

def panels(edges, order=10):
    """Gauss-Legendre nodes and weights between each two neighbouring edges."""
    t, w = special.roots_legendre(order)
    middle, half = (edges[1:] + edges[:-1]) / 2, np.diff(edges) / 2
    return (middle[:, None] + half[:, None] * t).ravel(), (half[:, None] * w).ravel()


def product(first, second):
    """Nodes (n, 2) and weights of two rules."""
    grid = np.stack(np.meshgrid(first[0], second[0], indexing="ij"), axis=-1)
    return grid.reshape(-1, 2), np.outer(first[1], second[1]).ravel()


def box(f):
    """Nodes of two values, each constrained by f: the edges lie equally far apart on the free scale."""
    return lambda low, high: product(*(panels(f(np.linspace(a, b, 11))) for a, b in zip(low, high)))


def triangle(first, share):
    """Nodes (n, 3) of the simplex from rules of z_1 and of z_2 / (1 - z_1)."""
    at, weights = product(first, share)
    left = 1 - at[:, 0]
    return np.stack([at[:, 0], left * at[:, 1], left * (1 - at[:, 1])], axis=-1), weights * left


def under_normals(g, mu, sd, orders=(40, 32)):
    """E g(u) for independent normals u (n, D), g (n,): Gauss-Hermite nodes on each axis, an Estimate of two orders."""
    def by(order):
        t, w = np.polynomial.hermite_e.hermegauss(order)
        D = len(mu)
        u = np.stack([axis.ravel() for axis in np.meshgrid(*[t] * D, indexing="ij")], axis=-1) * sd + mu
        weights = np.prod(np.stack(np.meshgrid(*[w / w.sum()] * D, indexing="ij"), axis=-1), axis=-1).ravel()
        return weights @ g(u)

    fine, coarse = map(by, orders)
    return Estimate(fine, abs(fine - coarse))


# ---- slips about the determinant

def determinant_added(z, T, q, lam):
    """The slip: the density of the free coordinates, plus the log-determinant of the bijection."""
    u = T.inverse(z)
    return q.log_prob(u, lam) + T.log_det(u)


def mass_without_determinant(at, weights, T, q, lam):
    """The slip: the integral over z of the density of u."""
    return np.sum(weights * np.exp(q.log_prob(T.inverse(at), lam)))


def bound_without_determinant(log_joint, T, q, lam):
    """The slip: draws on one scale, densities on two."""
    return expectation(lambda u: log_joint(T.forward(u)) - q.log_prob(u, lam), q, lam)


def determinant_times_batch(terms, T, q, lam, M):
    """The slip: the determinant broadcast against a batch of M, and summed over it."""
    return expectation(lambda u: np.sum(terms(T.forward(u)), axis=-1) + M * T.log_det(u) - q.log_prob(u, lam), q, lam)


# ---- one stage for every constraint: determinants of three free coordinates, densities and masses of two

def constrained(rng, name, mu, forward, inverse, stretch, nodes):
    """What a constraint's chains ask for, all of it once more with SciPy.

    forward and inverse (D,) -> (D,), on a simplex for its first coordinates; stretch (n, 2) -> (n,) is their
    determinant; nodes(low, high) are nodes and weights of the image of the box low..high.
    """
    mu, sd = np.array(mu) + rng.uniform(-0.1, 0.1, 2), rng.uniform([0.3, 0.4], [0.4, 0.5])
    wide = np.array([[0.9, -0.6, 0.4], [-0.5, 0.4, -0.8], [0.2, 1.1, 0.7]]) + rng.uniform(-0.2, 0.2, (3, 3))
    T, u = KNOWN[name], np.append(mu, mu.mean()) + 0.5 * wide
    points = mu + sd * wide[:, :2]
    z = np.array([KNOWN[name].forward(point) for point in points])
    free = z[:, :2]             # of three shares the third is what the others leave
    at, weights = nodes(mu - 7.5 * sd, mu + 7.5 * sd)

    def log_density():
        back = log_det_by_differences(inverse, free)
        log_q = stats.norm.logpdf([inverse(point) for point in free], mu, sd).sum(axis=-1)
        return Estimate(log_q + back.value, back.error)

    def added_by_differences():
        there = log_det_by_differences(forward, points)
        return Estimate(stats.norm.logpdf(points, mu, sd).sum(axis=-1) + there.value, there.error)

    return dict(T=T, u=u, z=z, q=diagonal_normal, lam=np.concatenate([mu, np.log(sd)]), at=at, weights=weights,
                log_density=log_density, added_by_differences=added_by_differences,
                mean_stretch=lambda: under_normals(stretch, mu, sd),
                determinant_by_differences=lambda: log_det_by_differences(forward, u))


def stage_positive(rng):
    return constrained(rng, "positive", [0.9, 0.7], np.exp, np.log, lambda u: np.exp(u.sum(axis=-1)), box(np.exp))


def stage_softplus(rng):
    def softplus(u):
        return np.log1p(np.exp(u))

    return constrained(rng, "softplus", [-1.0, -0.6], softplus, lambda z: np.log(np.expm1(z)),
                       lambda u: np.prod(special.expit(u), axis=-1), box(softplus))


def stage_interval(rng):
    return constrained(rng, "interval", [0.5, -0.4], special.expit, special.logit,
                       lambda u: np.prod(special.expit(u) * special.expit(-u), axis=-1), box(special.expit))


def stage_ordered(rng):
    def nodes(low, high):
        steps = panels(np.exp(np.linspace(low[1], high[1], 11)))
        at, weights = product(panels(np.linspace(low[0], high[0], 11)), steps)
        return np.cumsum(at, axis=-1), weights

    return constrained(rng, "ordered", [0.4, 0.9], lambda u: u[0] + np.cumsum(np.append(0., np.exp(u[1:]))),
                       lambda z: np.append(z[0], np.log(np.diff(z))), lambda u: np.exp(u[:, 1]), nodes)


def stage_simplex(rng):
    """Stick breaking: u = 0 makes the shares even."""
    def forward(u):
        z, left = [], 1.
        for v in special.expit(u - np.log(np.arange(len(u), 0., -1.))):
            z.append(left * v)
            left -= z[-1]
        return np.array(z)

    def inverse(z):
        left = 1 - np.append(0., np.cumsum(z)[:-1])
        return special.logit(z / left) + np.log(np.arange(len(z), 0., -1.))

    def stretch(u):
        v = special.expit(u - np.log([2., 1.]))
        return np.prod(v * (1 - v), axis=-1) * (1 - v[:, 0])

    def nodes(low, high):
        first, second = (special.expit(np.linspace(a, b, 11) - shift)
                         for a, b, shift in zip(low, high, np.log([2., 1.])))
        return triangle(panels(first), panels(second))

    return constrained(rng, "simplex", [0.4, -0.5], forward, inverse, stretch, nodes)


def stage_softmax(rng):
    """Softmax with the last logit at zero."""
    def stretch(u):
        return np.prod(special.softmax(np.column_stack([u, np.zeros(len(u))]), axis=-1), axis=-1)

    def nodes(low, high):
        ends = (special.softmax([low[0], high[1], 0.])[0], special.softmax([high[0], low[1], 0.])[0])
        first = special.expit(np.linspace(*special.logit(ends), 21))
        return triangle(panels(first), panels(special.expit(np.linspace(low[1], high[1], 11))))

    return constrained(rng, "softmax", [0.4, -0.5], lambda u: special.softmax([*u, 0.])[:-1],
                       lambda z: np.log(z / (1 - z.sum())), stretch, nodes)


# ---- a rate with a gamma prior and counts: everything in closed form

class Rate:
    """z ~ Gamma(shape a, rate b), x_n ~ Poisson(z), and a normal for log z of mean mu and standard deviation sd."""

    def __init__(self, a, b, x, mu, sd):
        self.a, self.b, self.x, self.mu, self.sd = a, b, x, mu, sd
        self.A, self.B = a + x.sum(), b + len(x)        # of the posterior

    def log_prior(self, z):
        normalizer = self.a * np.log(self.b) - special.gammaln(self.a)
        return (self.a - 1) * anp.log(z[..., 0]) - self.b * z[..., 0] + normalizer

    def log_likelihood(self, z, x):
        return anp.sum(x * anp.log(z) - z - special.gammaln(x + 1.), axis=-1)

    def log_joint(self, z):
        return self.log_likelihood(z, self.x) + self.log_prior(z)

    def bound(self, mu, sd):
        """A mu - B E[z] + log sd and a constant, in nats."""
        constant = self.a * np.log(self.b) - special.gammaln(self.a) - special.gammaln(self.x + 1.).sum()
        entropy = np.log(sd) + 0.5 * np.log(2 * np.pi * np.e)
        return self.A * mu - self.B * np.exp(mu + sd**2 / 2) + constant + entropy

    def mean_log_prior(self, mu, sd):
        return ((self.a - 1) * mu - self.b * np.exp(mu + sd**2 / 2)
                + self.a * np.log(self.b) - special.gammaln(self.a))

    def mean_log_likelihood(self, mu, sd):
        return self.x.sum() * mu - len(self.x) * np.exp(mu + sd**2 / 2) - special.gammaln(self.x + 1.).sum()

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
    mu = np.log((a + x.sum()) / (b + N)) - rng.uniform(0.3, 0.4)
    return Rate(a, b, x, mu, rng.uniform(0.25, 0.3))


def prior_with_each_datum(log_prior, log_likelihood, x, z):
    """The slip: the prior inside the sum over data."""
    return sum(log_likelihood(z, x[n:n + 1]) + log_prior(z) for n in range(len(x)))


def scores_by_hand(eps, log_joint, T, q, lam, b):
    """The log weight less b, times the score of u = mu + R eps written out. Returns (R, P)."""
    D = np.shape(eps)[-1]
    R = factor_by_hand(lam, D)
    u = lam[:D] + eps @ R.T
    log_q = stats.norm.logpdf(eps).sum(axis=-1) - np.log(np.diag(R)).sum()
    weight = log_joint(T.forward(u)) + T.log_det(u) - log_q - b
    steep = np.linalg.solve(R.T, eps[..., None])[..., 0]
    scores = [steep, steep * eps * np.diag(R) - 1]
    if len(lam) > 2 * D:
        below = [steep[..., i] * eps[..., j] for i in range(D) for j in range(i)]
        scores.append(np.stack(below, axis=-1))
    return np.mean(weight[..., None] * np.concatenate(scores, axis=-1), axis=-2)


def factor_by_hand(lam, D):
    """R (D, D), diagonal or lower triangular, its entries below the diagonal row by row."""
    R = np.diag(np.exp(lam[D:2 * D]))
    places = [(i, j) for i in range(D) for j in range(i)]
    for (i, j), value in zip(places, lam[2 * D:]):
        R[i, j] = value
    return R


def stage_rate(rng):
    rate = a_rate(rng)
    mu, sd, lam = rate.mu, rate.sd, np.array([rate.mu, np.log(rate.sd)])
    rho = rng.uniform(0.3, 0.5) / rate.A

    def log_posterior(z):
        normalizer = rate.A * np.log(rate.B) - special.gammaln(rate.A)
        return normalizer + (rate.A - 1) * anp.log(z[..., 0]) - rate.B * z[..., 0]

    def log_prior_by_scipy(z):
        return stats.gamma.logpdf(z[:, 0], rate.a, scale=1 / rate.b)

    def joint_by_scipy(z):
        return stats.poisson.logpmf(rate.x, z).sum(axis=-1) + log_prior_by_scipy(z)

    return dict(T=KNOWN["positive"], q=diagonal_normal, lam=lam, log_joint=rate.log_joint, b=rate.bound(mu, sd),
                rho=rho, S=2, noise=noise(diagonal_normal, np.zeros(2)), log_posterior=log_posterior,
                bound_in_z=lambda: rate.bound(mu, sd),
                joint_and_entropy=lambda: rate.mean_log_likelihood(mu, sd) + rate.mean_log_prior(mu, sd)
                + stats.norm.entropy(mu, sd),
                gradient_by_hand=rate.slope, updated_by_hand=lambda: lam + rho * rate.slope(),
                optimum_by_hand=rate.optimum, start=rate.optimum() + rng.uniform(0.1, 0.2, 2),
                log_evidence=rate.log_evidence, bound_by_hand=lambda: rate.bound(mu, sd),
                x=rate.x, z=rng.uniform([[4.], [6.], [9.]], [[5.], [7.], [10.]]),
                log_prior=rate.log_prior, log_likelihood=rate.log_likelihood, joint_by_scipy=joint_by_scipy,
                joint_and_more_priors=lambda z, x: stats.poisson.logpmf(rate.x, z).sum(axis=-1)
                + len(x) * log_prior_by_scipy(z))


def by_nodes(T, forward, log_q, log_prior, log_likelihood, x, mu, sd, at, weights):
    """What the bound asks for where only quadrature over z knows the truth.

    forward(u) (n, D) -> z and log_q(z) by SciPy; at, weights: nodes and weights of z.
    """
    lam, entropy = np.concatenate([mu, np.log(sd)]), stats.norm.entropy(mu, sd).sum()

    def bound_in_z():
        densities = log_q(at)
        return (weights * np.exp(densities)) @ (log_prior(at) + log_likelihood(at, x) - densities)

    def joint_and_entropy():
        log_joint = under_normals(lambda u: log_prior(forward(u)) + log_likelihood(forward(u), x), mu, sd)
        return Estimate(log_joint.value + entropy, log_joint.error)

    return dict(T=T, q=diagonal_normal, lam=lam, log_joint=lambda z: log_prior(z) + log_likelihood(z, x), S=2,
                noise=coarser(noise(diagonal_normal, np.zeros(len(lam))), 4 if len(mu) == 2 else 1),
                bound_in_z=bound_in_z, joint_and_entropy=joint_and_entropy)


def stage_softplus_rate(rng):
    """A rate by the softplus: what is left out now is its derivative, the logistic function."""
    rate = a_rate(rng)
    mu, sd = rng.uniform(-1.5, -1.3, 1), rng.uniform(0.4, 0.5, 1)
    z, w = panels(np.log1p(np.exp(np.linspace(mu[0] - 8 * sd[0], mu[0] + 8 * sd[0], 25))))

    def log_q(z):
        u = np.log(np.expm1(z[:, 0]))
        return stats.norm.logpdf(u, mu[0], sd[0]) + np.log1p(1 / np.expm1(z[:, 0]))

    return by_nodes(KNOWN["softplus"], lambda u: np.log1p(np.exp(u)), log_q, rate.log_prior, rate.log_likelihood,
                    np.array([1, 0]), mu, sd, z[:, None], w)


def stage_share(rng):
    """A share with a beta prior and a few trials."""
    a, b, n = rng.uniform(1.3, 1.8), rng.uniform(2.2, 2.8), 5
    mu, sd = rng.uniform(-1.2, -0.8, 1), rng.uniform(0.4, 0.5, 1)
    z, w = panels(special.expit(np.linspace(mu[0] - 8 * sd[0], mu[0] + 8 * sd[0], 25)))

    def log_q(z):
        return stats.norm.logpdf(special.logit(z[:, 0]), mu[0], sd[0]) - np.log(z[:, 0]) - np.log1p(-z[:, 0])

    def log_prior(z):
        return (a - 1) * anp.log(z[..., 0]) + (b - 1) * anp.log(1 - z[..., 0]) - special.betaln(a, b)

    def log_likelihood(z, x):
        return np.log(special.binom(n, x)) + x * anp.log(z[..., 0]) + (n - x) * anp.log(1 - z[..., 0])

    return by_nodes(KNOWN["interval"], special.expit, log_q, log_prior, log_likelihood, 2, mu, sd, z[:, None], w)


def stage_three_shares(rng):
    """Three shares with a Dirichlet prior and a few counts, by stick breaking."""
    alpha, x, shift = rng.uniform([1.2, 1.6, 2.2], [1.5, 2.0, 2.6]), np.array([3, 1, 2]), np.log([2., 1.])
    mu, sd = rng.uniform([0.1, -0.4], [0.3, -0.2]), rng.uniform(0.35, 0.45, 2)
    first, second = (panels(special.expit(np.linspace(m - 8 * s, m + 8 * s, 17) - t)) for m, s, t in zip(mu, sd, shift))
    at, weights = triangle(first, second)

    def forward(u):
        v = special.expit(u - shift)
        return np.column_stack([v[:, 0], (1 - v[:, 0]) * v[:, 1], (1 - v[:, 0]) * (1 - v[:, 1])])

    def log_q(z):
        left = np.column_stack([np.ones(len(z)), 1 - z[:, 0]])
        v = z[:, :2] / left
        log_density = stats.norm.logpdf(special.logit(v) + shift, mu, sd)
        return np.sum(log_density - np.log(v) - np.log1p(-v) - np.log(left), axis=-1)

    def log_prior(z):
        normalizer = special.gammaln(alpha.sum()) - special.gammaln(alpha).sum()
        return normalizer + anp.sum((alpha - 1) * anp.log(z), axis=-1)

    def log_likelihood(z, x):
        orders = special.gammaln(x.sum() + 1.) - special.gammaln(x + 1.).sum()
        return orders + anp.sum(x * anp.log(z), axis=-1)

    return by_nodes(KNOWN["simplex"], forward, log_q, log_prior, log_likelihood, x, mu, sd, at, weights)


# ---- several values at once

def stage_two_rates(rng):
    """Two rates, their priors and counts side by side: the bound is the sum of two."""
    rates, M = [a_rate(rng) for _ in range(2)], int(rng.integers(3, 5))
    mu, sd = np.array([rate.mu for rate in rates]) + [0.3, 0.1], np.array([rate.sd for rate in rates])

    def terms(z):
        return anp.stack([rate.log_joint(z[..., d:d + 1]) for d, rate in enumerate(rates)], axis=-1)

    def means_and_entropies():
        parts = [rate.mean_log_likelihood(m, s) + rate.mean_log_prior(m, s) for rate, m, s in zip(rates, mu, sd)]
        return sum(parts) + M * mu.sum() + stats.norm.entropy(mu, sd).sum()

    return dict(T=KNOWN["positive"], q=diagonal_normal, lam=np.concatenate([mu, np.log(sd)]), terms=terms, M=M,
                means_and_entropies=means_and_entropies,
                bounds_added=lambda: sum(rate.bound(m, s) for rate, m, s in zip(rates, mu, sd)))


def batch_not_scaled(log_prior, log_likelihood, x, T, q, lam, M):
    """The slip: M data speak for N."""
    return bound_of_batches(log_prior, log_likelihood, x, T, q, lam, M, 1.)


def prior_scaled_as_well(log_prior, log_likelihood, x, T, q, lam, M):
    """The slip: N/M for the joint density."""
    return bound_of_batches(log_prior, log_likelihood, x, T, q, lam, M, len(x) / M, of_prior=len(x) / M)


def stage_batches(rng):
    """Five counts, two at a time, every draw with a batch of its own; the noise's rule holds every pair of them."""
    rate, M, N = a_rate(rng, 5), 2, 5
    mu, sd = rate.mu + 0.2, rate.sd
    standard = noise(diagonal_normal, np.zeros(2))
    subsets = np.array(list(combinations(range(N), M)))

    def draw(rng, R, S):
        return np.concatenate([standard.draw(rng, R, S), subsets[rng.integers(len(subsets), size=(R, S))]], axis=-1)

    def rule(S, order):
        if S > 2:
            return None
        eps, weights = standard.rule(1, order // 2)
        one = np.concatenate([np.repeat(eps, len(subsets), axis=0), np.tile(subsets, (len(eps), 1))[:, None]], axis=-1)
        weights = np.repeat(weights, len(subsets)) / len(subsets)
        if S == 1:
            return one, weights
        first, second = np.indices((len(weights),) * 2).reshape(2, -1)
        return np.concatenate([one[first], one[second]], axis=1), weights[first] * weights[second]

    def closed_form(of_likelihood, of_prior):
        """The bound with a share of the mean log likelihood and a multiple of the mean log prior."""
        parts = of_likelihood * rate.mean_log_likelihood(mu, sd) + of_prior * rate.mean_log_prior(mu, sd)
        return parts + mu + stats.norm.entropy(mu, sd)

    return dict(T=KNOWN["positive"], q=diagonal_normal, lam=np.array([mu, np.log(sd)]), x=rate.x, M=M, S=2,
                noise=Noise(draw, rule), log_prior=rate.log_prior, log_likelihood=rate.log_likelihood,
                bound_of_all=lambda: rate.bound(mu, sd), two_of_five=lambda: closed_form(M / N, 1.),
                prior_counted_more=lambda: closed_form(1., N / M))


# ---- a normal with any covariance

def transpose_times_scale(lam):
    """The slip: the covariance of mu + R' eps."""
    R = full_normal.transport(np.eye(3), lam).T - lam[:3, None]
    return R.T @ R


def whole_log_variance(at, mu, log_variance):
    """The slip: exp(log variance) for the standard deviation."""
    sd = np.exp(log_variance)
    return -0.5 * ((at - mu) / sd)**2 - log_variance - 0.5 * np.log(2 * np.pi)


def stage_spread(rng):
    """Three coordinates; and a density at three points, its log variance given."""
    lam = np.array([0.4, -0.3, 0.8, -0.6, -0.9, -0.4, 0.5, -0.3, 0.7]) + rng.uniform(-0.1, 0.1, 9)
    a, b, c = np.exp(lam[3:6])
    d, e, f = lam[6:]
    mu, log_variance = rng.uniform(0.3, 0.7), rng.uniform(-2.2, -1.8)
    at = mu + np.exp(log_variance / 2) * (np.array([-1.8, 0.3, 2.1]) + rng.uniform(-0.2, 0.2, 3))

    def covariance():
        return np.array([[a * a, a * d, a * e], [a * d, d * d + b * b, d * e + b * f],
                         [a * e, d * e + b * f, e * e + f * f + c * c]])

    def by_entries():
        return np.array([[a * a + d * d + e * e, d * b + e * f, e * c], [d * b + e * f, b * b + f * f, f * c],
                         [e * c, f * c, c * c]])

    return dict(lam=lam, covariance=covariance, by_entries=by_entries, S=2, noise=few_nodes(3),
                at=at, mu=mu, log_variance=log_variance,
                log_density_by_scipy=lambda: stats.norm.logpdf(at, mu, np.sqrt(np.exp(log_variance))),
                variance_read_as_sd=lambda: stats.norm.logpdf(at, mu, np.exp(log_variance)))


def with_few_nodes(q):
    """q with 24 nodes on each axis: enough for polynomials of its noise."""
    return q._replace(nodes=lambda lam, order=24: q.nodes(lam, order))


def a_regression(rng):
    """(theta, x, precision, posterior): three weights, five data."""
    t = np.linspace(-0.3, 1.1, 5) + rng.uniform(-0.05, 0.05, 5)
    theta = regression(np.column_stack([np.ones(5), t, t**2]), prior_sd=rng.uniform(1.3, 1.7),
                       noise_sd=rng.uniform(0.6, 0.8))
    x = 0.9 + 0.6 * t + rng.uniform(-0.3, 0.3, 5)
    precision = np.eye(3) / theta.prior_sd**2 + theta.y.T @ theta.y / theta.noise_sd**2
    mean = np.linalg.solve(precision, theta.y.T @ x) / theta.noise_sd**2
    return theta, x, precision, stats.multivariate_normal(mean, np.linalg.inv(precision))


def stage_regression(rng):
    """No constraint, a full normal: the bound is quadratic in mu and R, up to log R_dd, so that few nodes will do."""
    theta, x, precision, posterior = a_regression(rng)
    y, rho, q = theta.y, rng.uniform(0.02, 0.03), with_few_nodes(full_normal)
    lam = np.array([0.2, 1.1, -0.4, -1.2, -0.7, -0.9, 0.35, -0.25, 0.3]) + rng.uniform(-0.05, 0.05, 9)
    R = factor_by_hand(lam, 3)

    def slope():
        inner = precision @ R
        in_mean = y.T @ x / theta.noise_sd**2 - precision @ lam[:3]
        return np.concatenate([in_mean, 1 - np.diag(inner) * np.diag(R), -inner[[1, 2, 2], [0, 0, 1]]])

    def log_posterior(z):
        away = z - posterior.mean
        log_normalizer = 0.5 * np.linalg.slogdet(precision)[1] - 1.5 * np.log(2 * np.pi)
        return log_normalizer - 0.5 * anp.sum((away @ precision) * away, axis=-1)

    def log_evidence():
        covariance = theta.prior_sd**2 * y @ y.T + theta.noise_sd**2 * np.eye(5)
        return stats.multivariate_normal.logpdf(x, np.zeros(5), covariance)

    def bound():
        """Mean log likelihood and mean log prior, squares of means and variances, and the entropy."""
        squares = np.sum((x - y @ lam[:3])**2) + np.sum((y @ R)**2), lam[:3] @ lam[:3] + np.sum(R**2)
        parts = [-0.5 * square / sd**2 - n * (np.log(sd) + 0.5 * np.log(2 * np.pi))
                 for square, sd, n in zip(squares, (theta.noise_sd, theta.prior_sd), (5, 3))]
        return sum(parts) + stats.multivariate_normal(lam[:3], R @ R.T).entropy()

    def log_prior_by_scipy(z):
        return stats.norm.logpdf(z, 0, theta.prior_sd).sum(axis=-1)

    def joint_by_scipy(z):
        return stats.norm.logpdf(x, z @ y.T, theta.noise_sd).sum(axis=-1) + log_prior_by_scipy(z)

    def log_likelihood(z, data):
        return linear_gaussian.log_likelihood(data[:, 0], z, theta._replace(y=data[:, 1:]))

    return dict(T=KNOWN["real"], q=q, lam=lam, rho=rho, S=2, noise=few_nodes(3), b=bound(),
                log_joint=lambda z: linear_gaussian.log_joint(z, x, theta), log_posterior=log_posterior,
                gradient_by_hand=slope, updated_by_hand=lambda: lam + rho * slope(), log_evidence=log_evidence,
                bound_by_hand=bound, x=np.column_stack([x, y]),
                z=rng.uniform([[0.5, 0.2, -0.4], [1.3, -0.4, 0.6]], [[0.9, 0.6, -0.1], [1.7, 0., 0.9]]),
                log_prior=lambda z: linear_gaussian.log_prior(z, theta), log_likelihood=log_likelihood,
                joint_by_scipy=joint_by_scipy,
                joint_and_more_priors=lambda z: stats.norm.logpdf(x, z @ y.T, theta.noise_sd).sum(axis=-1)
                + 5 * log_prior_by_scipy(z))


def stage_product(rng):
    """The regression's weights and a product of normals: its optimum is the posterior's mean, with spreads from the
    precision's diagonal."""
    theta, x, precision, posterior = a_regression(rng)
    lam = np.array([0.2, 1.1, -0.4, -1.2, -0.7, -0.9]) + rng.uniform(-0.05, 0.05, 6)

    def slope():
        in_mean = theta.y.T @ x / theta.noise_sd**2 - precision @ lam[:3]
        return np.concatenate([in_mean, 1 - np.diag(precision) * np.exp(2 * lam[3:])])

    optimum = np.concatenate([posterior.mean, -0.5 * np.log(np.diag(precision))])
    return dict(T=KNOWN["real"], q=with_few_nodes(diagonal_normal), lam=lam, S=2, noise=few_nodes(3),
                b=rng.uniform(-4., -3.), gradient_by_hand=slope, start=optimum + rng.uniform(0.1, 0.2, 6),
                log_joint=lambda z: linear_gaussian.log_joint(z, x, theta),
                log_posterior=lambda z: log_normal(z, posterior), optimum_by_hand=lambda: optimum)


def log_normal(z, posterior):
    """log density of a normal in a form that autograd follows, without its constant."""
    away = z - posterior.mean
    return -0.5 * anp.sum((away @ np.linalg.inv(posterior.cov)) * away, axis=-1)
