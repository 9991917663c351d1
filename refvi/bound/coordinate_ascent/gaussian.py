"""Mean and precision of a normal, both unknown: x_n ~ N(mu, 1/gamma), mu ~ N(nu0, 1/tau0), gamma ~ Gamma(a0, rate b0).

q(mu) q(gamma) = N(nu, 1/tau) Gamma(a, rate b), with both updates and the exact bound; posterior.py has what is exact.
A precision is called tau, never a variance or a standard deviation; the second parameter of a Gamma is its rate.
Numbers, and data x (N,); everything in nats. PML, "Code-task: VB for a simple Gaussian model".
"""
from typing import NamedTuple

import autograd.numpy as np

from refvi.base.checks import require_count, require_finite, require_positive, require_shape
from refvi.base.special import digamma, gammaln
from refvi.bound.coordinate_ascent.fit import ascend
from refvi.bound.coordinate_ascent.posterior import posterior


class Factors(NamedTuple):
    """N(nu, 1/tau) Gamma(a, rate b): the prior, and the approximation."""
    nu: float
    tau: float
    a: float
    b: float


class Data(NamedTuple):
    """What the model asks of N data: their mean, and the sum of squares around it."""
    N: int
    mean: float
    scatter: float


def prior(*, mean, precision, shape, rate):
    """A checked prior: mu ~ N(mean, 1/precision), gamma ~ Gamma(shape, rate)."""
    require_finite("the prior", np.array([mean, precision, shape, rate], float))
    require_positive("precision", precision, "of mu: one over its prior variance")
    require_positive("shape", shape, "of the Gamma prior")
    require_positive("rate", rate, "of the Gamma prior: its mean is shape / rate, so one over what SciPy calls scale")
    return Factors(float(mean), float(precision), float(shape), float(rate))


def data_of(x):
    """Data of x (N,); ValueError for a wrong shape, no data, or a value that is not finite."""
    x = require_finite("x", require_shape("x", x, (None,), "(N=number of data,)"))
    if not len(x):
        raise ValueError("empty data: x has no entries")
    x = x.astype(float)
    return Data(len(x), float(np.mean(x)), float(np.sum((x - np.mean(x))**2)))


def data_of_sums(N, total, squares):
    """Data of N values whose sum and sum of squares are known; where the mean is large, digits are lost."""
    least = total**2 / require_count("N", N)
    if not squares >= least:
        raise ValueError(f"N={N} values with sum {total} have a sum of squares of at least {least:.6g}, got {squares}")
    return Data(N, total / N, squares - least)


# ---- the expected log joint as a function of one variable, and its maximizing factor

def expected_squares(data, nu, tau):
    """Sum over data of E(x_n - mu)^2 for mu ~ N(nu, 1/tau): the square, and the spread."""
    return data.scatter + data.N * (data.mean - nu)**2 + data.N / tau


def as_function_of_mean(mu, data, prior, a, b):
    """E over gamma ~ Gamma(a, rate b) of log p(x, mu, gamma), without the terms that hold no mu."""
    return -0.5 * (a / b) * (data.scatter + data.N * (data.mean - mu)**2) - 0.5 * prior.tau * (mu - prior.nu)**2


def completed_square(data, prior, a, b):
    """(nu, tau) of the normal whose exponent is the parabola as_function_of_mean, off three of its values."""
    low, middle, high = (as_function_of_mean(data.mean + step, data, prior, a, b) for step in (-1., 0., 1.))
    tau = 2 * middle - low - high
    return np.array([data.mean + 0.5 * (high - low) / tau, tau])


def update_of_mean(data, prior, a, b):
    """(nu, tau) of the best q(mu): precisions add, and the mean is weighed by them."""
    tau = prior.tau + data.N * a / b
    return np.array([(prior.tau * prior.nu + a / b * data.N * data.mean) / tau, tau])


def powers_read_off(data, prior, nu, tau):
    """(a, b) of the best q(gamma), off the expected log joint at three values of gamma.

    It is a multiple of log gamma and a multiple of gamma, and shape and rate are those two coefficients.
    """
    def as_function_of_precision(gamma):
        likelihood = 0.5 * data.N * np.log(gamma) - 0.5 * gamma * expected_squares(data, nu, tau)
        return likelihood + (prior.a - 1) * np.log(gamma) - prior.b * gamma

    one, two, four = (as_function_of_precision(gamma) for gamma in (1., 2., 4.))
    power = (2 * (two - one) - (four - two)) / np.log(2)        # the linear terms cancel
    return np.array([power + 1, -(two - one - power * np.log(2))])


def update_of_precision(data, prior, nu, tau):
    """(a, b) of the best q(gamma): half a count for each datum, and half its expected square."""
    return np.array([prior.a + 0.5 * data.N, prior.b + 0.5 * expected_squares(data, nu, tau)])


def sweep(q, data, prior):
    """q(mu) given q(gamma), then q(gamma) given the new q(mu)."""
    nu, tau = update_of_mean(data, prior, q.a, q.b)
    return Factors(nu, tau, *update_of_precision(data, prior, nu, tau))


# ---- the bound, every normalizer included

def five_terms(data, prior, q):
    """Exact ELBO: expected log likelihood, two expected log priors, two entropies."""
    return log_likelihood_term(data, q) + log_prior_terms(prior, q) + entropy_terms(q)


def mean_log_precision(q):
    """E_q[log gamma]."""
    return digamma(q.a) - np.log(q.b)


def log_likelihood_term(data, q):
    """E_q[log p(x | mu, gamma)]."""
    spread = expected_squares(data, q.nu, q.tau)
    return 0.5 * data.N * (mean_log_precision(q) - np.log(2 * np.pi)) - 0.5 * q.a / q.b * spread


def log_prior_terms(prior, q):
    """E_q[log p(mu)] + E_q[log p(gamma)]."""
    of_mean = 0.5 * np.log(prior.tau / (2 * np.pi)) - 0.5 * prior.tau * ((q.nu - prior.nu)**2 + 1 / q.tau)
    normalizer = prior.a * np.log(prior.b) - gammaln(prior.a)
    return of_mean + normalizer + (prior.a - 1) * mean_log_precision(q) - prior.b * q.a / q.b


def entropy_terms(q):
    """H[q(mu)] + H[q(gamma)]."""
    of_mean = 0.5 * (np.log(2 * np.pi) + 1 - np.log(q.tau))
    return of_mean + q.a - np.log(q.b) + gammaln(q.a) + (1 - q.a) * digamma(q.a)


def bound_less_evidence(data, prior, q):
    """The ELBO less the log evidence, which quadrature over gamma finds."""
    return five_terms(data, prior, q) - posterior(data, prior).log_evidence


# ---- the model in use

def fit(data, prior, start=None, tolerance=1e-10, most=1000):
    """Coordinate ascent from start, by default the higher of the climbs from both ends of what a sweep can give: a Fit
    of Factors.

    Its bound is held below the log evidence. Where prior and data are far apart, a start of one's own may end lower.
    """
    def one_sweep(q):
        return sweep(q, data, prior)

    def elbo(q):
        return five_terms(data, prior, q)

    log_evidence = posterior(data, prior).log_evidence
    climbs = [ascend(one_sweep, elbo, at, log_evidence, tolerance, most)
              for at in ([start] if start else ends(data, prior))]
    return max(climbs, key=lambda climb: climb.trace[-1])


def ends(data, prior):
    """Factors with the smallest and the largest E[gamma] of all sweeps: mu spread as its prior is, or at the data.

    A sweep turns a larger E[gamma] into a larger one, so from here it comes to rest at the outermost optima; E[gamma]
    of an optimum is a root of a cubic, whose middle root no climb ends at.
    """
    a = prior.a + 0.5 * data.N
    for b in (update_of_precision(data, prior, prior.nu, prior.tau)[1], prior.b + 0.5 * data.scatter):
        yield Factors(*update_of_mean(data, prior, a, b), a, b)
