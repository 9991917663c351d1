"""How the quantiles of the gamma, the beta and Student's t move with their shapes, and quantile functions that know it.

A draw z of F(z; a) belongs to a uniform number u = F(z; a), whatever a is. Held fixed, F(z; a) = u says
dz/da = -(dF/da) / (dF/dz): the implicit reparameterization of Figurnov, Mohamed and Mnih (2018). dF/da is an integral
of the density times log t minus its mean. Divided by the density it becomes, with t = z exp(-+s), an integral over s of
one sign, so nothing cancels: from z downwards where log t lies below its mean, upwards elsewhere. A small shape, whose
tail is long in log t, is first raised by one with the recurrence of the incomplete function.

Shapes broadcast. Points are given by their logarithm or logit: a gamma draw of shape 0.01 is often smaller than the
smallest float.
"""
import numpy as np
from autograd.extend import defvjp, primitive
from autograd.numpy.numpy_vjps import unbroadcast_f
from scipy.special import betaincinv, betaln, digamma, expit, gammainccinv, gammaincinv, gammaln, log_expit

from refvi.base.checks import require_positive

REMEDY = "a shape; families take its logarithm"
NEGLIGIBLE = 38.        # integrands have decayed to exp(-38) of their start where the rule ends
BLOCK = 2**13           # points at once: a block's nodes stay in the cache
POINTS, WEIGHTS = (part / 2 for part in np.polynomial.legendre.leggauss(40))
POINTS = POINTS + 0.5


def where_negligible(exponent, slope, end):
    """A point a little beyond where the concave exponent falls to -NEGLIGIBLE, by Newton's steps from end.

    end lies beyond that point, from where the steps never overshoot.
    """
    for _ in range(60):
        step = (exponent(end) + NEGLIGIBLE) / slope(end)
        end = end - step
        if np.all(step < 0.05 * end):
            return end
    return end


def integral_over_s(exponent, slope, factor, end):
    """The integral over s > 0 of exp(exponent(s)) factor(s), for a concave exponent with exponent(0) = 0. Returns (n,).

    The three functions get s (n,) or (40, n); end (n,) lies where the exponent is below -NEGLIGIBLE.
    """
    end = where_negligible(exponent, slope, end)
    s = POINTS[:, None] * end
    return end * (WEIGHTS @ (np.exp(exponent(s)) * factor(s)))


def in_blocks(function):
    """The function of equally long vectors, applied to broadcast arguments block by block."""
    def blocked(*arguments):
        shape = np.broadcast_shapes(*map(np.shape, arguments))
        flat = [np.broadcast_to(np.asarray(x, float), shape).ravel() for x in arguments]
        out = [function(*(x[i:i + BLOCK] for x in flat)) for i in range(0, len(flat[0]), BLOCK)]
        return np.concatenate(out or [np.empty(0)]).reshape(shape)[()]
    return blocked


def two_ways(condition, first, second, *arguments):
    """first(*arguments) where the condition holds, second(*arguments) elsewhere, each run on its own points only."""
    out = np.empty(np.shape(condition))
    for mask, function in ((condition, first), (~condition, second)):
        if mask.any():
            out[mask] = function(*(x[mask] for x in arguments))
    return out


# ---- gamma of shape a and rate 1

def gamma_below(a, log_z):
    """d log z / da by the integral from z downwards; z at most exp(digamma(a))."""
    z, c = np.exp(log_z), digamma(a) - log_z
    end = (z + NEGLIGIBLE) / a
    return integral_over_s(lambda s: -a * s - z * np.expm1(-s), lambda s: -a + z * np.exp(-s), lambda s: s + c, end)


def gamma_raised(a, log_z):
    """d log z / da from that of shape a + 1: P(a, z) = P(a + 1, z) + z^a exp(-z) / Gamma(a + 1)."""
    return (digamma(a + 1) - log_z + np.exp(log_z) * gamma_below(a + 1, log_z)) / a


def gamma_above(a, log_z):
    """d log z / da by the integral from z upwards; z at least exp(digamma(a + 1)), beyond a + 1/2 - 1/8 / (a + 1)."""
    z, c = np.exp(log_z), log_z - digamma(a)
    end = np.minimum(np.sqrt(2 * NEGLIGIBLE / z), np.maximum(2., np.log(2 * NEGLIGIBLE / z)))
    return integral_over_s(lambda s: a * s - z * np.expm1(s), lambda s: a - z * np.exp(s), lambda s: s + c, end)


@in_blocks
def gamma_path(a, log_z):
    """d log z / da of a draw z of a gamma of shape a > 0 at a fixed quantile: always positive."""
    require_positive("a", a, REMEDY)
    return two_ways(log_z <= digamma(a + 1), gamma_raised, gamma_above, a, log_z)


# ---- beta of shapes a and b, in x = logit z

def logs(x):
    """log z and log(1 - z)."""
    return log_expit(x), log_expit(-x)


def beta_integral(a, b, x, sign):
    """dx/da by the integral from x downwards (sign -1) or upwards (sign 1), with log z on that side of its mean."""
    (log_z, log_rest), mean = logs(x), digamma(a) - digamma(a + b)

    def exponent(s):
        return a * (log_expit(x + sign * s) - log_z) + b * (log_expit(-x - sign * s) - log_rest)

    def slope(s):
        return sign * (a - (a + b) * expit(x + sign * s))

    tail = np.where(sign < 0, a, b)                 # the exponent falls at least as fast as its asymptote, -tail s
    end = (NEGLIGIBLE - (a + b) * np.where(sign < 0, log_rest, log_z)) / tail
    return integral_over_s(exponent, slope, lambda s: sign * (log_expit(x + sign * s) - mean), end)


def beta_below(a, b, x):
    """dx/da by the integral from x downwards."""
    return beta_integral(a, b, x, -1)


def beta_above(a, b, x):
    """dx/da from that of shape b + 1, upwards: I(a, b) = I(a, b + 1) - z^a (1 - z)^b / (b B(a, b))."""
    log_z, log_rest = logs(x)
    more = beta_integral(a, b + 1, x, 1)
    return (log_z + digamma(a + b) - digamma(a) + (a + b) * np.exp(log_rest) * more) / b


def beta_raised(a, b, x):
    """dx/da from that of shape a + 1: I(a, b) = I(a + 1, b) + z^a (1 - z)^b / (a B(a, b))."""
    log_z, _ = logs(x)
    more = two_ways(log_z <= digamma(a + 1) - digamma(a + b + 1), beta_below, beta_above, a + 1, b, x)
    return (digamma(a + 1) - digamma(a + b) - log_z + (a + b) * np.exp(log_z) * more) / a


@in_blocks
def beta_path(a, b, logit_z):
    """d logit(z) / da of a draw z of a beta of shapes a, b > 0 at a fixed quantile: always positive.

    The derivative in b is -beta_path(b, a, -logit_z).
    """
    require_positive("a", a, REMEDY)
    require_positive("b", b, REMEDY)
    log_z, _ = logs(logit_z)
    return two_ways(log_z <= digamma(a + 1) - digamma(a + b), beta_raised, beta_above, a, b, logit_z)


# ---- quantile functions from standard noise, differentiable once in every argument

def gamma_log_quantile(a, eps):
    """log z of the gamma of shape a and rate 1 at the quantile of an exponential draw eps, from the shorter tail."""
    a, low, high = np.broadcast_arrays(a, -np.expm1(-eps), np.exp(-eps))
    z = two_ways(low < 0.5, lambda a, low, high: gammaincinv(a, low), lambda a, low, high: gammainccinv(a, high),
                 a, low, high)
    tiny = (np.log(low) + gammaln(a + 1)) / a       # for small z, too small for a float: P(a, z) = z^a / Gamma(a + 1)
    return np.where(z > 1e-200, np.log(np.where(z > 1e-200, z, 1.)), tiny)


def slope_of_gamma(log_z, a, eps):
    """d log z / d eps: the density of eps over that of log z."""
    return np.exp(-eps - (a * log_z - np.exp(log_z) - gammaln(a)))


gamma_log_quantile = primitive(gamma_log_quantile)
defvjp(gamma_log_quantile,
       lambda ans, a, eps: unbroadcast_f(a, lambda g: g * gamma_path(a, ans)),
       lambda ans, a, eps: unbroadcast_f(eps, lambda g: g * slope_of_gamma(ans, a, eps)))


def inner(function):
    """The function where z lies inside (0, 1), zero where z was rounded to an end, which no change of shape moves."""
    def guarded(z, *shapes):
        inside = (z > 0) & (z < 1)
        return np.where(inside, function(np.where(inside, z, 0.5), *shapes), 0.)
    return guarded


@inner
def beta_slope(z, a, b):
    """dz/da."""
    return z * (1 - z) * beta_path(a, b, np.log(z) - np.log1p(-z))


@inner
def beta_slope_of_noise(z, a, b):
    """dz/du, one over the density."""
    return np.exp(betaln(a, b) - (a - 1) * np.log(z) - (b - 1) * np.log1p(-z))


beta_quantile = primitive(betaincinv)       # (a, b, u)
defvjp(beta_quantile,
       lambda ans, a, b, u: unbroadcast_f(a, lambda g: g * beta_slope(ans, a, b)),
       lambda ans, a, b, u: unbroadcast_f(b, lambda g: -g * beta_slope(1 - ans, b, a)),
       lambda ans, a, b, u: unbroadcast_f(u, lambda g: g * beta_slope_of_noise(ans, a, b)))


# ---- Student's t of df degrees of freedom: df / (df + t^2) is a beta of shapes df / 2 and 1/2

def student_quantile(df, eps):
    """t at the quantile of a Cauchy draw eps: t^2 / (df + t^2) from its lower tail, or one minus it from its own."""
    df, size = np.broadcast_arrays(df, np.abs(eps))
    return np.sign(eps) * np.sqrt(df * two_ways(size > 1, far_odds, near_odds, df, size))


def far_odds(df, size):
    """t^2 / df beyond the quartiles."""
    rest = betaincinv(df / 2, 0.5, 2 / np.pi * np.arctan2(1., size))
    return (1 - rest) / rest


def near_odds(df, size):
    """t^2 / df between the quartiles."""
    share = betaincinv(0.5, df / 2, 2 / np.pi * np.arctan(size))
    return share / (1 - share)


@in_blocks
def student_path(df, t):
    """dt / d df at a fixed quantile, by that of the logit of df / (df + t^2): log df - 2 log |t|."""
    out = np.zeros(len(t))
    df, size = df[t != 0], np.abs(t[t != 0])
    out[t != 0] = t[t != 0] * (1 / df - beta_path(df / 2, 0.5, np.log(df) - 2 * np.log(size)) / 2) / 2
    return out


def student_slope_of_noise(t, df, eps):
    """dt / d eps: the density of eps over that of t."""
    log_density = -(df + 1) / 2 * np.log1p(t**2 / df) - 0.5 * np.log(df) - betaln(df / 2, 0.5)
    return np.exp(-np.log(np.pi) - np.log1p(eps**2) - log_density)


student_quantile = primitive(student_quantile)
defvjp(student_quantile,
       lambda ans, df, eps: unbroadcast_f(df, lambda g: g * student_path(df, ans)),
       lambda ans, df, eps: unbroadcast_f(eps, lambda g: g * student_slope_of_noise(ans, df, eps)))
