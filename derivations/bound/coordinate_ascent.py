"""Companion of coordinate_ascent.md: its rows, its stages and its referees."""
import numpy as np
from scipy import integrate, optimize, stats
from scipy.special import digamma, gammaln, logsumexp

from refvi import Estimate, normal
from refvi.bound.coordinate_ascent import gaussian, messages
from refvi.bound.coordinate_ascent.gaussian import (bound_less_evidence, completed_square,      # noqa: F401
                                                    expected_squares, five_terms, powers_read_off, update_of_mean,
                                                    update_of_precision, update_with_scale, update_with_variance,
                                                    with_log_of_mean, without_entropy, without_normalizer)
from refvi.bound.coordinate_ascent.posterior import posterior
from refvi.bound.coordinate_ascent.rows import (averaged_joint, best_factor, bound,      # noqa: F401
                                                bound_after_update, bound_without_divergence, divergence_and_constant,
                                                energy_of_one_factor, exact_marginal, gradient_step,
                                                natural_gradient_step, prior_plus_messages, sweep, updated_exponent)


def integral(g, low, high):
    """By scipy.integrate, 200 nodes of Gauss and Legendre between ends where g has died out."""
    return integrate.fixed_quad(g, low, high, n=200)[0]


def under_normal(g, mean, sd):
    """E g(z) for z ~ N(mean, sd^2)."""
    return integral(lambda z: stats.norm.pdf(z, mean, sd) * g(z), mean - 12 * sd, mean + 12 * sd)


def normalized_moments(log_density, low, high):
    """(mean, variance) of the density whose logarithm is known up to a constant, one peak between low and high."""
    top = optimize.minimize_scalar(lambda t: -log_density(t), bounds=(low, high), method="bounded").x
    width = (2 * log_density(top) - log_density(top - 1e-2) - log_density(top + 1e-2))**-0.5 * 1e-2
    ends = top - 12 * width, top + 12 * width
    mass, mean = (integral(lambda t: t**k * np.exp(log_density(t) - log_density(top)), *ends) for k in (0, 1))
    return mean / mass, integral(lambda t: (t - mean / mass)**2 * np.exp(log_density(t) - log_density(top)), *ends) / mass


# ---- one factor at a time

def stage_table(rng):
    """Two discrete variables with four and three values."""
    log_joint = np.array([[0.4, -1.3, 0.1], [-0.8, 0.9, -2.1], [0.2, -0.3, 1.2], [-1.7, 0.6, 0.3]]) * 1.7 + rng.uniform(-0.1, 0.1, (4, 3)) - 3.
    q1, q2 = (np.exp(v) / np.exp(v).sum() for v in (np.array([0.9, -0.7, 0.2, -0.3]) + rng.uniform(-0.1, 0.1, 4), np.array([1.2, -0.3, -0.6]) + rng.uniform(-0.1, 0.1, 3)))
    return dict(log_joint=log_joint, w1=np.ones(4), w2=np.ones(3), q1=q1, q2=q2)


def stage_banana(rng):
    """A ridge bent in the plane: z2 sits near z1 squared, x near z1 + z2; neither posterior nor best factor is normal."""
    (z1, w1), (z2, w2) = (normal.nodes(np.array([mu, log_sd]), 16) for mu, log_sd in ((0.4, -0.2), (1.2, 0.3)))
    a, x = rng.uniform(0.5, 0.7), rng.uniform(1.1, 1.4)
    log_joint = (stats.norm.logpdf(z1[:, None], 0.2, 1.1) + stats.norm.logpdf(z2, a * z1[:, None]**2 - 0.4, 0.9) + stats.norm.logpdf(x, z1[:, None] + z2, 0.8))
    q1, q2 = stats.norm.pdf(z1, 0.4 + rng.uniform(-0.1, 0.1), 0.6), stats.norm.pdf(z2, 1.5 + rng.uniform(-0.1, 0.1), 1.5)
    return dict(log_joint=log_joint, w1=w1, w2=w2, q1=q1 / (w1 @ q1), q2=q2 / (w2 @ q2))


def stage_grid(rng):
    """The simple Gaussian model on a grid of mu and log gamma."""
    x, a, b = np.array([0.2, 0.8, 1.6, 2.4]) + rng.uniform(-0.1, 0.1, 4), rng.uniform(0.9, 1.1), rng.uniform(0.22, 0.28)
    mu, w1 = normal.nodes(np.array([1.2, -0.5]), 16)
    t = np.linspace(np.log(stats.gamma.ppf(1e-7, a, scale=1 / b)), np.log(stats.gamma.isf(1e-11, a, scale=1 / b)), 24)
    gamma, w2 = np.exp(t), np.exp(t) * (t[1] - t[0])
    log_joint = (stats.norm.logpdf(x[:, None, None], mu[:, None], gamma**-0.5).sum(axis=0) + stats.norm.logpdf(mu, 0.3, 1.4)[:, None]
                 + stats.gamma.logpdf(gamma, 1.6, scale=1 / 1.2))
    q1, q2 = stats.norm.pdf(mu, rng.uniform(1., 1.3), 0.5), stats.gamma.pdf(gamma, a, scale=1 / b)
    return dict(log_joint=log_joint, w1=w1, w2=w2, q1=q1 / (w1 @ q1), q2=q2 / (w2 @ q2))


def bound_by_enumeration(log_joint, w1, w2, q1, q2):
    """Every pair of values, weighted by the product of the factors."""
    return sum(w1[i] * w2[j] * q1[i] * q2[j] * (log_joint[i, j] - np.log(q1[i]) - np.log(q2[j])) for i in range(len(q1)) for j in range(len(q2)))


def searched(log_joint, w1, w2, q1, q2):
    """(bound, factor) by Newton's method in a trust region, from q1, over the logarithm t of the masses m = w1 q1."""
    expected, rest = log_joint @ (w2 * q2), -np.sum(w2 * q2 * np.log(q2))

    def at(t):
        mass = np.exp(t - logsumexp(t))
        value = expected - np.log(mass / w1)
        return mass, value - mass @ value, mass @ value + rest

    def negative(t):
        mass, off, bound = at(t)
        return -bound, -mass * off

    def curvature(t):
        mass, off, _ = at(t)
        cross = np.outer(mass * off, mass)
        return cross + cross.T + np.diag(mass * (1 - off)) - np.outer(mass, mass)

    found = optimize.minimize(negative, np.log(w1 * q1), jac=True, hess=curvature, method="trust-exact", options=dict(gtol=1e-9))
    return -found.fun, np.exp(found.x - logsumexp(found.x)) / w1


def highest_bound(log_joint, w1, w2, q1, q2):
    return Estimate(searched(log_joint, w1, w2, q1, q2)[0], 1e-8)


def highest_factor(log_joint, w1, w2, q1, q2):
    found = searched(log_joint, w1, w2, q1, q2)[1]
    return Estimate(found, 1e-7 * np.max(found))


def log_of_sum(log_joint, w1, w2):
    return np.log(np.sum(np.exp(log_joint) * np.outer(w1, w2)))


# ---- two optima and the saddle between them

def stage_mirror(rng):
    """Two discrete variables that want to agree, and do not care on which value."""
    return dict(mirror=np.array([[0., -1.], [-1., 0.]]) * rng.uniform(2.6, 3.4) - rng.uniform(0.9, 1.3))


def climbed(table, q2, sweeps=200):
    """The bound after so many sweeps from q2."""
    for _ in range(sweeps):
        q1, q2 = sweep(table, np.ones(2), np.ones(2), q2)
    return bound(table, np.ones(2), np.ones(2), q1, q2)


def from_the_even_start(mirror):
    return climbed(mirror, np.array([0.5, 0.5]), sweeps=12)


def from_a_tilted_start(mirror):
    return climbed(mirror, np.array([0.51, 0.49]))


def from_the_mirrored_start(mirror):
    return climbed(mirror, q2=np.array([0.2, 0.8]))


def best_of_all(mirror):
    """Both factors over a fine grid, then the best point polished."""
    def negative(t):
        a, b = 1 / (1 + np.exp(-t[0])), 1 / (1 + np.exp(-t[1]))
        pairs = np.array([[a * b, a * (1 - b)], [(1 - a) * b, (1 - a) * (1 - b)]])
        return -np.sum(pairs * (mirror - np.log(pairs)))

    start = min(((s, t) for s in np.linspace(-4, 4, 17) for t in np.linspace(-4, 4, 17)), key=negative)
    return Estimate(-optimize.minimize(negative, start, tol=1e-12).fun, 1e-9)


# ---- mean and precision of a normal

def stage_few(rng):
    """Four data, factors away from their optimum: everything matters."""
    x = np.array([0.4, 1.1, 1.9, 3.2]) + rng.uniform(-0.15, 0.15, 4)
    data = gaussian.Data(4, x.mean(), np.sum((x - x.mean())**2))
    prior = gaussian.prior(mean=rng.uniform(0.3, 0.6), precision=rng.uniform(0.3, 0.5), shape=rng.uniform(2.6, 3.), rate=rng.uniform(0.6, 0.8))
    q = gaussian.Factors(rng.uniform(1.1, 1.4), rng.uniform(1.6, 2.2), rng.uniform(2.2, 2.8), rng.uniform(3.2, 3.9))
    return dict(x=x, data=data, prior=prior, q=q, **q._asdict())


def stage_notebook(rng):
    """The course's hundred data by their sums, the prior of its CAVI notebook, and a q near the end of its sweeps."""
    prior = gaussian.prior(mean=0., precision=1e-6, shape=0.01, rate=0.01)
    q = gaussian.Factors(5.027109 + rng.uniform(-1e-4, 1e-4), 77.777 + rng.uniform(-0.5, 0.5), 50.01, 64.299 + rng.uniform(-0.1, 0.1))
    return dict(data=gaussian.data_of_sums(100, 502.710907349036, 2654.4752195993433), prior=prior, q=q, **q._asdict())


def stage_gamma(rng):
    return dict(shape=rng.uniform(1.4, 1.9), rate=rng.uniform(2.3, 2.9))


def moments_of_mean(data, prior, a, b):
    """exp of the expected log joint, normalized over mu by quadrature; E[gamma] by quadrature as well."""
    gamma = integral(lambda t: np.exp(t) * stats.gamma.pdf(np.exp(t), a, scale=1 / b) * np.exp(t), np.log(a / b) - 40 / a - 3, np.log((a + 60 + 12 * a**0.5) / b))

    def log_density(mu):
        return -0.5 * gamma * (data.scatter + data.N * (mu - data.mean)**2) + stats.norm.logpdf(mu, prior.nu, prior.tau**-0.5)

    mean, variance = normalized_moments(log_density, min(data.mean, prior.nu) - 1, max(data.mean, prior.nu) + 1)
    return Estimate(np.array([mean, 1 / variance]), 1e-9 / variance)


def moments_of_precision(data, prior, nu, tau):
    """The same over gamma: mean squared over variance is the shape of a Gamma, mean over variance its rate."""
    squares = under_normal(lambda mu: data.scatter + data.N * (mu - data.mean)**2, nu, tau**-0.5)

    def log_density(t):
        return prior.a * t - prior.b * np.exp(t) + 0.5 * data.N * t - 0.5 * np.exp(t) * squares

    low, high = np.log(data.N / squares) - 4, np.log(data.N / squares) + 4
    top = optimize.minimize_scalar(lambda t: -log_density(t), bounds=(low, high), method="bounded").x
    ends = top - 60 / (prior.a + 0.5 * data.N), top + 4
    mass, first, second = (integral(lambda t: np.exp(k * t + log_density(t) - log_density(top)), *ends) for k in (0, 1, 2))
    mean, variance = first / mass, second / mass - (first / mass)**2
    return Estimate(np.array([mean**2 / variance, mean / variance]), 1e-9 * mean / variance)


def scale_for_rate(data, prior, nu, tau):
    return np.array([prior.a + 0.5 * data.N, 1 / (prior.b + 0.5 * (data.scatter + data.N * ((data.mean - nu)**2 + 1 / tau)))])


def squares_by_quadrature(x, nu, tau):
    return sum(under_normal(lambda mu: (v - mu)**2, nu, tau**-0.5) for v in x)


def square_of_mean(x, nu):
    return np.sum((x - nu)**2)


def mean_by_quadrature(shape, rate):
    return integral(lambda t: np.exp(2 * t) * stats.gamma.pdf(np.exp(t), shape, scale=1 / rate), -16, 4)


def shape_over_rate(shape, rate):
    return shape / rate


def shape_times_rate(shape, rate):
    return shape * rate


def mean_log_by_quadrature(shape, rate):
    return integral(lambda t: t * np.exp(t) * stats.gamma.pdf(np.exp(t), shape, scale=1 / rate), -28, 4)


def digamma_less_log(shape, rate):
    return digamma(shape) - np.log(rate)


def log_of_mean(shape, rate):
    return np.log(shape / rate)


# ---- its bound

def expected(g, q):
    """E of g(mu, gamma): Gauss-Hermite over mu, which is exact for squares, scipy.integrate over log gamma."""
    t, w = np.polynomial.hermite_e.hermegauss(5)
    mu, w = q.nu + t * q.tau**-0.5, w / np.sqrt(2 * np.pi)

    def over_mu(s):
        gamma = np.exp(s)
        return stats.gamma.pdf(gamma, q.a, scale=1 / q.b) * gamma * (w @ g(mu[:, None], gamma))
    return integral(over_mu, np.log(q.a / q.b) - 40 / q.a - 12 * q.a**-0.5, np.log((q.a + 60 + 12 * np.sqrt(q.a)) / q.b))


def log_ratio(mu, gamma, data, prior, q):
    """log of joint density over q, by SciPy's densities."""
    likelihood = data.N * stats.norm.logpdf(0., 0., gamma**-0.5) - 0.5 * gamma * (data.scatter + data.N * (mu - data.mean)**2)
    return (likelihood + stats.norm.logpdf(mu, prior.nu, prior.tau**-0.5) + stats.gamma.logpdf(gamma, prior.a, scale=1 / prior.b)
            - stats.norm.logpdf(mu, q.nu, q.tau**-0.5) - stats.gamma.logpdf(gamma, q.a, scale=1 / q.b))


def bound_by_quadrature(data, prior, q):
    return expected(lambda mu, gamma: log_ratio(mu, gamma, data, prior, q), q)


def log_evidence_by_quadrature(data, prior):
    """p(x | gamma) is normal with covariance I/gamma + 1/tau0: one eigenvalue along the mean, N - 1 across."""
    def log_density(t):
        gamma = np.exp(t)
        along = data.N / prior.tau + 1 / gamma
        return (-0.5 * data.N * np.log(2 * np.pi) - 0.5 * np.log(along) + 0.5 * (data.N - 1) * t - 0.5 * data.scatter * gamma
                - 0.5 * data.N * (data.mean - prior.nu)**2 / along + stats.gamma.logpdf(gamma, prior.a, scale=1 / prior.b) + t)

    grid = np.linspace(-30, 10, 4001)
    values = log_density(grid)
    top, alive = np.max(values), grid[values > np.max(values) - 45]
    return top + np.log(integral(lambda t: np.exp(log_density(t) - top), alive[0], alive[-1]))


def evidence_on_nodes(data, prior):
    return posterior(data, prior).log_evidence


def minus_divergence(data, prior, q):
    """E_q of log posterior over q, the posterior by Bayes' rule."""
    evidence = log_evidence_by_quadrature(data, prior)
    return Estimate(expected(lambda mu, gamma: log_ratio(mu, gamma, data, prior, q) - evidence, q), 1e-10)


def nothing_lost():
    return 0.


def maximum_by_search(data, prior):
    """The highest bound by BFGS in (nu, log tau, log a, log b), its terms without constants."""
    def negative(v):
        nu, tau, a, b = v[0], *np.exp(v[1:])
        gamma, log_gamma = a / b, digamma(a) - np.log(b)
        fit = 0.5 * data.N * log_gamma - 0.5 * gamma * (data.scatter + data.N * (data.mean - nu)**2 + data.N / tau)
        known = -0.5 * prior.tau * ((nu - prior.nu)**2 + 1 / tau) + (prior.a - 1) * log_gamma - prior.b * gamma
        entropies = -0.5 * np.log(tau) + a - np.log(b) + gammaln(a) + (1 - a) * digamma(a)
        return -(fit + known + entropies)

    spread = data.scatter / data.N
    start = np.array([data.mean, np.log(data.N / spread), np.log(prior.a + 0.5 * data.N), np.log(spread * (prior.a + 0.5 * data.N))])
    found = optimize.minimize(negative, start + 0.2, method="BFGS", options=dict(gtol=1e-9)).x
    return Estimate(np.array([found[0], *np.exp(found[1:])]), 1e-4 * np.exp(found[1]))


def end_of_sweeps(data, prior):
    return np.array(gaussian.fit(data, prior).q)


def at_start(data, prior, q):
    return gaussian.five_terms(data, prior, q._replace(b=1.7 * q.b))


def after_sweep(data, prior, q):
    return gaussian.five_terms(data, prior, gaussian.sweep(q._replace(b=1.7 * q.b), data, prior))


def after_two_sweeps(data, prior, q):
    return gaussian.five_terms(data, prior, gaussian.sweep(gaussian.sweep(q._replace(b=1.7 * q.b), data, prior), data, prior))


# ---- two updates read off the graph

def stage_message_to_mean(rng):
    s = stage_few(rng)
    x, data, prior, q = s["x"], s["data"], s["prior"], s["q"]

    def expected_log_joint(mu):
        """E over gamma, by SciPy's mean of a gamma; terms without mu left out."""
        return stats.norm.logpdf(mu, prior.nu, prior.tau**-0.5) - 0.5 * stats.gamma.mean(q.a, scale=1 / q.b) * sum((v - mu)**2 for v in x)

    def bound(eta):
        nu, tau = messages.mean_of_natural(eta)
        return five_terms(data, prior, q._replace(nu=nu, tau=tau))

    return dict(points=np.linspace(-1, 3, 9), features=lambda mu: np.stack([mu, mu**2], axis=1), expected_log_joint=expected_log_joint, bound=bound,
                log_normalizer=messages.log_normalizer_of_mean, eta=messages.natural_of_mean(q.nu, q.tau),
                update=lambda: messages.natural_of_mean(*update_of_mean(data, prior, q.a, q.b)), messages=lambda: messages.messages_to_mean(x, prior, q.a, q.b))


def stage_message_to_precision(rng):
    s = stage_few(rng)
    x, data, prior, q = s["x"], s["data"], s["prior"], s["q"]

    def expected_log_joint(gamma):
        """E over mu by Gauss-Hermite."""
        t, w = np.polynomial.hermite_e.hermegauss(5)
        squares = sum(w @ (v - q.nu - t * q.tau**-0.5)**2 / np.sqrt(2 * np.pi) for v in x)
        return stats.gamma.logpdf(gamma, prior.a, scale=1 / prior.b) + 0.5 * len(x) * np.log(gamma) - 0.5 * gamma * squares

    def bound(eta):
        a, b = messages.precision_of_natural(eta)
        return five_terms(data, prior, q._replace(a=a, b=b))

    return dict(points=np.linspace(0.2, 3, 9), features=lambda gamma: np.stack([np.log(gamma), gamma], axis=1), expected_log_joint=expected_log_joint, bound=bound,
                log_normalizer=messages.log_normalizer_of_precision, eta=messages.natural_of_precision(q.a, 0.6 * q.b),
                update=lambda: messages.natural_of_precision(*update_of_precision(data, prior, q.nu, q.tau)),
                messages=lambda: messages.messages_to_precision(x, prior, q.nu, q.tau))


def fitted_exponent(points, features, expected_log_joint):
    """The coefficients of the statistics in the expected log joint, by least squares with a constant."""
    columns = np.column_stack([np.ones(len(points)), features(points)])
    return np.linalg.lstsq(columns, expected_log_joint(points), rcond=None)[0][1:]
