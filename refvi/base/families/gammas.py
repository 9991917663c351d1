"""The gamma and its relatives: exponential, inverse gamma, beta, Student's t. Shapes and rates enter as logarithms.

Gamma, beta and Student's t have a transport T_lambda(eps) all the same, if no formula for it: the quantile functions of
implicit.py, whose derivatives are those of Figurnov, Mohamed and Mnih (2018).
"""
import autograd.numpy as np
from scipy.special import expit, log_expit, wrightomega

from refvi.base.checks import require_positive
from refvi.base.core import Family
from refvi.base.families.implicit import (NEGLIGIBLE, beta_quantile, gamma_log_quantile, student_quantile,
                                          where_negligible)
from refvi.base.families.lam import pair, times_log, trapezoid, within
from refvi.base.special import betaln, gammaln


ITSELF = "the shape itself: its logarithm is taken here"


def gamma_lam(*, shape, rate):
    """lam of a gamma with mean shape / rate, or of the inverse gamma of one over it; ValueError for what is not > 0."""
    require_positive("shape", shape, ITSELF)
    return np.log([shape, require_positive("rate", rate, "one over the gamma's scale")])


def beta_lam(*, a, b):
    """lam of a beta with mean a / (a + b); ValueError for a shape that is not > 0."""
    return np.log([require_positive("a", a, ITSELF), require_positive("b", b, ITSELF)])


def student_t_lam(mu, *, sigma, df):
    """lam of mu + sigma t, t with df degrees of freedom; sigma is its standard deviation only as df grows."""
    require_positive("sigma", sigma, "parameterize by log_sigma")
    return np.array([mu, np.log(sigma), np.log(require_positive("df", df, "one is the Cauchy"))])


# gamma, q(0) being the exponential. Nodes: a trapezoid in t, where
# z = exp(t - exp(-t)), whose integrand ends doubly exponentially on both sides. Shapes below about 0.02 give draws that
# are smaller than the smallest float.

def gamma_log_prob(z, lam):
    """Log density (..., S) in nats of a gamma at z (..., S) > 0; lam = (log shape, log rate)."""
    log_shape, log_rate = pair(lam)
    a = np.exp(log_shape)
    inside = ~((z < 0) | (z == np.inf))
    z = np.where(inside, z, 1.)
    return within(inside, a * log_rate - gammaln(a) + times_log(a - 1, z) - np.exp(log_rate) * z)


def gamma_sample(rng, lam, size):
    return rng.gamma(np.exp(lam[0]), np.exp(-lam[1]), size)


def gamma_nodes(lam, order=64):
    a, rate = np.exp(pair(lam))
    far = min(np.sqrt(2 * NEGLIGIBLE / a), max(2., np.log(2 * NEGLIGIBLE / a)))
    below = where_negligible(lambda s: -a * (s + np.expm1(-s)), lambda s: -a * (1 - np.exp(-s)), (a + NEGLIGIBLE) / a)
    above = where_negligible(lambda s: -a * (np.expm1(s) - s), lambda s: -a * np.expm1(s), far)
    ends = np.log(a) + np.array([-below, above])        # of log z, away from its mode
    low, high = ends + wrightomega(-ends)       # t of log z = t - exp(-t)
    h = (high - low) / order
    t = low + h * (np.arange(order) + 0.5)
    z = np.exp(t - np.exp(-t)) / rate
    return z, h * z * (1 + np.exp(-t))


def gamma_transport(eps, lam):
    """T_lambda(eps): the gamma's quantile where the exponential draw eps stands."""
    log_shape, log_rate = pair(lam)
    return np.exp(gamma_log_quantile(np.exp(log_shape), eps) - log_rate)


# exponential: a gamma of shape one

def exponential_log_prob(z, lam):
    """Log density (..., S) in nats of an exponential at z (..., S) > 0; lam = (log rate,)."""
    return within(~(z < 0), lam[..., 0] - np.exp(lam[..., 0]) * z)


def exponential_sample(rng, lam, size):
    return exponential_transport(rng.standard_exponential(size), lam)


def exponential_nodes(lam, order=64):
    return gamma_nodes(np.array([0., lam[0]]), order)


def exponential_transport(eps, lam):
    return eps * np.exp(-lam[..., 0])


# inverse gamma: one over a gamma, whose rate is our scale

def inverse_gamma_log_prob(z, lam):
    """Log density (..., S) in nats of one over a gamma at z (..., S) > 0; lam = (log shape, log rate) of that gamma."""
    log_shape, log_rate = pair(lam)
    a, inside = np.exp(log_shape), ~((z <= 0) | (z == np.inf))
    z = np.where(inside, z, 1.)
    return within(inside, a * log_rate - gammaln(a) - (a + 1) * np.log(z) - np.exp(log_rate) / z)


def inverse_gamma_sample(rng, lam, size):
    return 1 / gamma_sample(rng, lam, size)


def inverse_gamma_nodes(lam, order=64):
    z, w = gamma_nodes(lam, order)
    return 1 / z, w / z**2


def inverse_gamma_transport(eps, lam):
    """T_lambda(eps): one over the gamma's transport of 1 / eps, an exponential draw."""
    return 1 / gamma_transport(1 / eps, lam)


# beta, q(0) being uniform. Nodes: the trapezoid in the logit of z,
# where both ends decay exponentially; it errs by about exp(-sqrt(2 pi order min(a, b))).

def beta_log_prob(z, lam):
    """Log density (..., S) in nats of a beta at z (..., S) in (0, 1); lam = (log a, log b)."""
    a, b = map(np.exp, pair(lam))
    inside = ~((z < 0) | (z > 1))
    z = np.where(inside, z, 0.5)
    return within(inside, times_log(a - 1, z) + times_log1p(b - 1, z) - betaln(a, b))


def times_log1p(k, z):
    """k log(1 - z) for z in [0, 1], at z = 1 its limit."""
    inner = np.where(z == 1, 0., z)
    return np.where(z == 1, times_log(k, 0. * inner), k * np.log1p(-inner))


def beta_sample(rng, lam, size):
    return rng.beta(*map(np.exp, pair(lam)), size)


def beta_nodes(lam, order=64):
    a, b = map(np.exp, pair(lam))
    t, h = trapezoid(order)
    stretch = np.sqrt(2 / min(a, b))            # balances truncation, exp(-min(a, b) |t|), with spacing
    t = np.log(a / b) + stretch * t
    return expit(t), stretch * h * np.exp(log_expit(t) + log_expit(-t))


def beta_transport(eps, lam):
    """T_lambda(eps): the beta's quantile where the uniform draw eps stands."""
    a, b = map(np.exp, pair(lam))
    return beta_quantile(a, b, eps)


# Student's t, q(0) being the standard Cauchy.
# Nodes: a trapezoid in t, where z / sqrt(df) = sinh(pi / 2 sinh(t)), which reaches as far as a heavy tail asks for, of
# 0.2 degrees of freedom or more.

def student_parts(lam):
    """mu, log sigma and the degrees of freedom, or a ValueError where lam (..., 3) has another length."""
    if np.shape(lam)[-1] != 3:
        raise ValueError(f"lam has shape {np.shape(lam)}, expected (..., 3): mu, log sigma, log degrees of freedom")
    return lam[..., 0], lam[..., 1], np.exp(lam[..., 2])


def student_t_log_prob(z, lam):
    """Log density (..., S) in nats of Student's t at real z (..., S); lam = (mu, log sigma, log degrees of freedom)."""
    mu, log_sigma, df = student_parts(lam)
    square = ((z - mu) * np.exp(-log_sigma))**2
    return -(df + 1) / 2 * np.log1p(square / df) - 0.5 * np.log(df) - betaln(df / 2, 0.5) - log_sigma


def student_t_sample(rng, lam, size):
    mu, log_sigma, df = student_parts(lam)
    return mu + np.exp(log_sigma) * rng.standard_t(df, size)


def student_t_nodes(lam, order=64):
    mu, log_sigma, df = student_parts(lam)
    far = np.sqrt(np.expm1(2 * NEGLIGIBLE / df))        # beyond it the tail's mass is negligible
    end = np.arcsinh(2 / np.pi * np.arcsinh(far))
    h = 2 * end / order
    t = h * (np.arange(order) - (order - 1) / 2)
    stretched = np.pi / 2 * np.sinh(t)
    wide = np.exp(log_sigma) * np.sqrt(df)
    return mu + wide * np.sinh(stretched), wide * h * np.pi / 2 * np.cosh(t) * np.cosh(stretched)


def student_t_transport(eps, lam):
    """T_lambda(eps): Student's quantile where the Cauchy draw eps stands, times sigma, plus mu."""
    mu, log_sigma, df = student_parts(lam)
    return mu + np.exp(log_sigma) * student_quantile(df, eps)


gamma = Family(gamma_log_prob, gamma_sample, gamma_nodes, gamma_transport)
exponential = Family(exponential_log_prob, exponential_sample, exponential_nodes, exponential_transport)
inverse_gamma = Family(inverse_gamma_log_prob, inverse_gamma_sample, inverse_gamma_nodes, inverse_gamma_transport)
beta = Family(beta_log_prob, beta_sample, beta_nodes, beta_transport)
student_t = Family(student_t_log_prob, student_t_sample, student_t_nodes, student_t_transport)
