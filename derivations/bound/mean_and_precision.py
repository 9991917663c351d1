"""What coordinate_ascent.md needs for mean and precision of a normal: rows, stages and referees."""
import numpy as np
from referees import by_differences, under_normal
from scipy import integrate, optimize, special, stats
from scipy.special import digamma, gammaln

from refvi import Estimate
from refvi.bound.coordinate_ascent import gaussian
from refvi.bound.coordinate_ascent.gaussian import (bound_less_evidence, completed_square,      # noqa: F401
                                                    expected_squares, five_terms, powers_read_off, update_of_mean,
                                                    update_of_precision)
from refvi.bound.coordinate_ascent.posterior import exact_moments, posterior      # noqa: F401

ORDERS = 200, 150                       # of the rules
LINE, NATS = np.linspace(-30, 30, 40_001), 45.      # where a peak is looked for, and how far down it is followed
SWEEPS = 200                            # beyond which nothing moves
STEPS = 4e-3, 2e-3                      # of the differences

COURSE = gaussian.data_of_sums(100, 502.710907349036, 2654.4752195993433)
OF_CAVI = gaussian.prior(mean=0., precision=1e-6, shape=0.01, rate=0.01)
OF_PYRO = gaussian.prior(mean=0., precision=1e4**-2, shape=1., rate=1.)


def integral(g, low, high):
    """By SciPy's Gauss and Legendre rules of two orders, which have to agree; the ends lie where g has died out."""
    fine, coarse = (integrate.fixed_quad(g, low, high, n=n)[0] for n in ORDERS)
    size = integrate.fixed_quad(lambda t: np.abs(g(t)), low, high, n=max(ORDERS))[0]
    if not abs(fine - coarse) <= 1e-9 * size:
        raise ArithmeticError(f"two orders of quadrature differ: {fine} and {coarse}")
    return fine


def weighed_by(log_density):
    """(of, top): of(g) is the integral of g(t) exp(log_density(t) - top), within 45 nats of the only peak, top."""
    values = log_density(LINE)
    top = np.max(values)
    alive = LINE[values > top - NATS]
    return lambda g: integral(lambda t: g(t) * np.exp(log_density(t) - top), np.min(alive), np.max(alive)), top


def moments(g, log_density):
    """(mean, variance) of g(t) under the density whose logarithm is known up to a constant."""
    of, _ = weighed_by(log_density)
    mass = of(np.ones_like)
    mean = of(g) / mass
    return mean, of(lambda t: (g(t) - mean)**2) / mass


# ---- mean and precision of a normal

def stage_few(rng):
    """Four data, factors away from their optimum: everything matters."""
    x = np.array([0.4, 1.1, 1.9, 3.2]) + rng.uniform(-0.15, 0.15, 4)
    data = gaussian.Data(4, x.mean(), np.sum((x - x.mean())**2))
    prior = gaussian.prior(mean=rng.uniform(0.3, 0.6), precision=rng.uniform(0.3, 0.5),
                           shape=rng.uniform(2.6, 3.), rate=rng.uniform(0.6, 0.8))
    q = gaussian.Factors(rng.uniform(1.1, 1.4), rng.uniform(1.6, 2.2), rng.uniform(2.2, 2.8), rng.uniform(3.2, 3.9))
    return dict(x=x, data=data, prior=prior, q=q, **q._asdict())


def stage_notebook(rng):
    """The course's hundred data by their sums, the prior of its CAVI notebook, and a q near the end of its sweeps."""
    nu, tau = 5.027109 + rng.uniform(-1e-4, 1e-4), 77.777 + rng.uniform(-0.5, 0.5)
    q = gaussian.Factors(nu, tau, 50.01, 64.299 + rng.uniform(-0.1, 0.1))
    return dict(data=COURSE, prior=OF_CAVI, q=q, **q._asdict())


def stage_two_notebooks():
    """The course's hundred data, and the priors of its two notebooks."""
    return dict(data=COURSE, cavi=OF_CAVI, pyro=OF_PYRO)


def stage_gamma(rng):
    """A Gamma by its shape and its rate."""
    return dict(shape=rng.uniform(1.4, 1.9), rate=rng.uniform(2.3, 2.9))


def under_gamma(g, a, b):
    """E g(gamma) for gamma ~ Gamma(a, rate b), over log gamma."""
    of, top = weighed_by(lambda t: stats.gamma.logpdf(np.exp(t), a, scale=1 / b) + t)
    return of(lambda t: g(np.exp(t))) * np.exp(top)


def over_mean(data, prior, a, b):
    """(mean, one over the variance) of exp of the expected log joint, normalized over mu; all by quadrature."""
    gamma = under_gamma(lambda gamma: gamma, a, b)

    def log_density(mu):
        return (-0.5 * gamma * (data.scatter + data.N * (mu - data.mean)**2)
                + stats.norm.logpdf(mu, prior.nu, prior.tau**-0.5))

    mean, variance = moments(lambda mu: mu, log_density)
    return np.array([mean, 1 / variance])


def moments_of_mean(data, prior, a, b):
    return over_mean(data, prior, a, b)


def update_with_scale(data, prior, a, b):
    """A slip: b read as a scale, so that the mean of the precision is a b."""
    tau = prior.tau + data.N * a * b
    return np.array([(prior.tau * prior.nu + a * b * data.N * data.mean) / tau, tau])


def moments_with_inverse_rate(data, prior, a, b):
    return over_mean(data, prior, a, 1 / b)


def update_with_variance(data, prior, a, b):
    """A slip: the prior's second parameter read as a variance."""
    tau = 1 / prior.tau + data.N * a / b
    return np.array([(prior.nu / prior.tau + a / b * data.N * data.mean) / tau, tau])


def moments_with_variance(data, prior, a, b):
    return over_mean(data, prior._replace(tau=1 / prior.tau), a, b)


def moments_of_precision(data, prior, nu, tau):
    """(shape, rate) of a Gamma with mean and variance of exp of the expected log joint, normalized over gamma."""
    squares = data.scatter + data.N * under_normal(lambda mu: (mu - data.mean)**2, nu, tau**-0.5).value

    def log_density(s):
        return prior.a * s - prior.b * np.exp(s) + 0.5 * data.N * s - 0.5 * np.exp(s) * squares

    mean, variance = moments(np.exp, log_density)
    return np.array([mean**2 / variance, mean / variance])


def squares_under_normal(x, nu, tau):
    """SciPy's expectation, datum by datum."""
    return sum(stats.norm.expect(lambda mu: (v - mu)**2, loc=nu, scale=tau**-0.5) for v in x)


def squares_by_quadrature(x, nu, tau):
    return squares_under_normal(x, nu, tau)


def square_of_mean(x, nu):
    """A slip: the mean of mu in the place of mu."""
    return np.sum((x - nu)**2)


def squares_less_spread(x, nu, tau):
    return squares_under_normal(x, nu, tau) - len(x) / tau


def mean_by_quadrature(shape, rate):
    return under_gamma(lambda gamma: gamma, shape, rate)


def shape_over_rate(shape, rate):
    return shape / rate


def shape_times_rate(shape, rate):
    """A slip: the rate read as a scale."""
    return shape * rate


def mean_with_that_scale(shape, rate):
    return stats.gamma.mean(shape, scale=rate)


def moments_over_the_mean(data, prior):
    """Mean and standard deviation of mu, then of gamma, given the data: gamma, a Gamma given mu, is integrated out by
    hand, mu by the trapezoid with two spacings.
    """
    def on(mu):
        shape, rate = prior.a + 0.5 * data.N, prior.b + 0.5 * data.scatter + 0.5 * data.N * (mu - data.mean)**2
        mass = special.softmax(stats.norm.logpdf(mu, prior.nu, prior.tau**-0.5) - shape * np.log(rate))
        mean, gamma = mass @ mu, mass @ (shape / rate)
        square = mass @ (shape * (shape + 1) / rate**2)
        return np.array([mean, (mass @ (mu - mean)**2)**0.5, gamma, (square - gamma**2)**0.5])

    mu = data.mean + np.linspace(-40, 40, 40_001)
    fine, coarse = on(mu), on(mu[::2])
    return Estimate(fine, np.abs(fine - coarse))


# ---- its bound

def expected(g, q):
    """E of g(mu, gamma): Gauss and Hermite over mu, which is exact for squares, scipy.integrate over log gamma."""
    t, w = np.polynomial.hermite_e.hermegauss(5)
    mu = q.nu + t * q.tau**-0.5
    return under_gamma(lambda gamma: w @ g(mu[:, None], gamma) / w.sum(), q.a, q.b)


def log_ratio(mu, gamma, data, prior, q):
    """log of joint density over q, by SciPy's densities."""
    squares = data.scatter + data.N * (mu - data.mean)**2
    likelihood = data.N * stats.norm.logpdf(0., 0., gamma**-0.5) - 0.5 * gamma * squares
    known = stats.norm.logpdf(mu, prior.nu, prior.tau**-0.5) + stats.gamma.logpdf(gamma, prior.a, scale=1 / prior.b)
    own = stats.norm.logpdf(mu, q.nu, q.tau**-0.5) + stats.gamma.logpdf(gamma, q.a, scale=1 / q.b)
    return likelihood + known - own


def bound_by_quadrature(data, prior, q):
    return expected(lambda mu, gamma: log_ratio(mu, gamma, data, prior, q), q)


def log_evidence_by_quadrature(data, prior):
    """log of the integral of p(gamma) p(x | gamma), over log gamma.

    p(x | gamma) is normal with covariance I/gamma + 1/tau0: one eigenvalue along the mean, N - 1 across.
    """
    def log_density(t):
        gamma = np.exp(t)
        along = data.N / prior.tau + 1 / gamma
        exponent = data.scatter * gamma + data.N * (data.mean - prior.nu)**2 / along
        log_det = np.log(along) - (data.N - 1) * t
        likelihood = -0.5 * (data.N * np.log(2 * np.pi) + log_det + exponent)
        return likelihood + stats.gamma.logpdf(gamma, prior.a, scale=1 / prior.b) + t

    of, top = weighed_by(log_density)
    return top + np.log(of(np.ones_like))


def evidence_on_nodes(data, prior):
    return posterior(data, prior).log_evidence


def log_posterior_ratio(data, prior, q):
    """E_q of log posterior over q: gamma's, normalized here whatever its constants, and a normal mu given gamma."""
    def log_density(gamma):
        """log p(gamma | x), up to a constant."""
        precision = prior.tau + data.N * gamma
        far = prior.tau * data.N * gamma / precision * (data.mean - prior.nu)**2
        power = prior.a - 1 + 0.5 * data.N
        return power * np.log(gamma) - gamma * (prior.b + 0.5 * data.scatter) - 0.5 * far - 0.5 * np.log(precision)

    of, top = weighed_by(lambda t: log_density(np.exp(t)) + t)
    mass = of(np.ones_like)

    def ratio(mu, gamma):
        precision = prior.tau + data.N * gamma
        middle = (prior.tau * prior.nu + gamma * data.N * data.mean) / precision
        posterior = stats.norm.logpdf(mu, middle, precision**-0.5) + log_density(gamma) - top - np.log(mass)
        return posterior - stats.norm.logpdf(mu, q.nu, q.tau**-0.5) - stats.gamma.logpdf(gamma, q.a, scale=1 / q.b)

    return expected(ratio, q)


def minus_divergence(data, prior, q):
    return log_posterior_ratio(data, prior, q)


def without_normalizer(data, prior, q):
    """The published slip: -log Gamma(a0), of the normalizer of the prior of gamma, left out."""
    return five_terms(data, prior, q) + gammaln(prior.a) - posterior(data, prior).log_evidence


def divergence_and_normalizer(data, prior, q):
    """Gamma(a0) = Gamma(a0 + 1) / a0, and that by its integral, over log gamma."""
    of, top = weighed_by(lambda t: (prior.a + 1) * t - np.exp(t))
    return log_posterior_ratio(data, prior, q) + np.log(of(np.ones_like) / prior.a) + top


# ---- where the sweeps end

def maximum_by_search(data, prior):
    """Where the bound's differences in (nu, log tau, log a, log b) vanish, at two steps; constants left out."""
    def bound(v):
        nu, tau, a, b = v[0], *np.exp(v[1:])
        gamma, log_gamma = a / b, digamma(a) - np.log(b)
        squares = data.scatter + data.N * (data.mean - nu)**2 + data.N / tau
        fit = 0.5 * data.N * log_gamma - 0.5 * gamma * squares
        known = -0.5 * prior.tau * ((nu - prior.nu)**2 + 1 / tau) + (prior.a - 1) * log_gamma - prior.b * gamma
        return fit + known - 0.5 * np.log(tau) + a - np.log(b) + gammaln(a) + (1 - a) * digamma(a)

    near = optimize.minimize(lambda v: -bound(v), np.zeros(4), method="BFGS").x
    ends = [optimize.root(lambda v: by_differences(bound, v, h).value, near, tol=1e-13).x for h in STEPS]
    coarse, fine = (np.array([v[0], *np.exp(v[1:])]) for v in ends)
    return Estimate(fine, np.abs(fine - coarse))


def end_of_sweeps(data, prior):
    """Factors (nu, tau, a, b) after sweeps that go on beyond where the fit would stop."""
    q = gaussian.fit(data, prior).found
    for _ in range(SWEEPS):
        q = gaussian.sweep(q, data, prior)
    return np.array(q)


def moved_by_search(data, cavi, pyro):
    """By how much the tops under two priors differ in (nu, tau, a, b)."""
    here, there = maximum_by_search(data, cavi), maximum_by_search(data, pyro)
    return Estimate(there.value - here.value, there.error + here.error)


def moved_by_sweeps(data, cavi, pyro):
    return end_of_sweeps(data, pyro) - end_of_sweeps(data, cavi)


def far(q):
    """Where the sweeps below start: the rate of q(gamma) too large."""
    return q._replace(b=1.7 * q.b)


def after_sweep(data, prior, q):
    return five_terms(data, prior, gaussian.sweep(far(q), data, prior))


def sweep_by_quadrature(data, prior, q):
    return bound_by_quadrature(data, prior, swept(q._replace(b=1.7 * q.b), data, prior))


def after_two_sweeps(data, prior, q):
    return five_terms(data, prior, gaussian.sweep(gaussian.sweep(far(q), data, prior), data, prior))


def two_sweeps_by_quadrature(data, prior, q):
    return bound_by_quadrature(data, prior, swept(swept(q._replace(b=1.7 * q.b), data, prior), data, prior))


def swept(q, data, prior):
    """Each factor from the moments of exp of the expected log joint."""
    nu, tau = over_mean(data, prior, q.a, q.b)
    a, b = moments_of_precision(data, prior, nu, tau)
    return gaussian.Factors(nu, tau, a, b)
