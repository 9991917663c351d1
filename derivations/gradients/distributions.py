"""Companion of distributions.md: its rows, its stages and its referees."""
from functools import partial

import autograd.numpy as anp
import numpy as np
from referees import by_differences
from scipy import integrate, special, stats

from refvi import (Estimate, Noise, beta, cauchy, exponential, full_normal, full_normal_lam, gamma, inverse_gamma,
                   laplace, log_normal, noise, normal, student_t)
from refvi.base.core import POINTS, expectation
from refvi.gradients.distributions.implicit import (derivative_of_transport,      # noqa: F401
                                                    slope_of_distribution_over_density)
from refvi.gradients.distributions.relaxed import (area_at_temperature_zero, average_of_relaxed,      # noqa: F401
                                                   chord_at_the_mean, discrete_and_bias, expected_relaxed_slope,
                                                   gradient_of_discrete_mean, gumbel_noise, mean_over_logistic,
                                                   relaxed_gradient, share_of_largest, variance_of_relaxed)
from refvi.gradients.distributions.rows import (density_of_family, gradient_over_noise,      # noqa: F401
                                                noise_over_slope, share_below)
from refvi.gradients.distributions.table import (average_of_squares, box_muller, cauchy_line,      # noqa: F401
                                                 exponential_line, factor_times_transpose, finite_and_below,
                                                 inverse_gamma_line, inverse_powers, laplace_line, laplace_ratio,
                                                 log_normal_line, mean_under, moments_of_box_muller, moments_of_pair,
                                                 normal_line, rademacher_line, uniform_noise)
from refvi.gradients.reparameterization.rows import path_gradient      # noqa: F401

QUANTILES = np.array([0.1, 0.35, 0.6, 0.85])


# ---- what the slide has, where it is not that

def half_forgotten(lam):
    """The integral of the slide's density L(0; 1) = exp(-|x|), moved and stretched, over the family's nodes."""
    x, w = laplace.nodes(lam)
    return w @ np.exp(-np.abs(x - lam[0]) / np.exp(lam[1])) / np.exp(lam[1])


def noise_around_zero(lam):
    return finite_and_below(uniform_noise(low=-0.5), lam)


def noise_from_zero_to_one(lam):
    """The slide's eps, uniform from 0 to 1."""
    return finite_and_below(uniform_noise(), lam)


def two_forgotten(base):
    """Moments of the slide's sqrt(log(1 / u_1)) cos(2 pi u_2), and of the sine beside it."""
    def moments(u):
        radius, angle = np.sqrt(-np.log(u[..., 0])), 2 * np.pi * u[..., 1]
        return moments_of_pair(np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=-1))
    return mean_under(base, moments)


def transpose_times_factor(q, lam, D):
    """R^T R, the covariance of mu + R^T eps, R read off the transport."""
    R = (q.transport(np.eye(D), lam) - q.transport(np.zeros(D), lam)).T
    return R.T @ R


def difference_through_step(f, p):
    """The derivative of f(rademacher_line(u, p)) in p with u held fixed, averaged."""
    def slope(u, h=1e-12):
        return (f(rademacher_line(u, p + h)) - f(rademacher_line(u, p))) / h
    return mean_under(uniform_noise(), slope)


def rate_for_scale(lam):
    """E[1/z] and E[1/z^2] of z = 1/eps, where the slide's eps ~ G(k; 1/theta) is read with a rate."""
    return expectation(lambda eps: np.stack([eps, eps**2], axis=-1), gamma, np.array([lam[0], -lam[1]]))


def squared_error(eps, f, lam, temperature, slope_of_relaxed_mean):
    return (relaxed_gradient(eps, f, lam, temperature)[:, 0] - slope_of_relaxed_mean().value[0])**2


# ---- the slide's table: a stage is one of its rows

def row(q, line, lam, law, base, points, log_noise, S=2, **more):
    """Points of the noise are carried to z, whose density SciPy's law knows."""
    told = q._replace(transport=line)
    return dict(q=told, lam=lam, noise=base, base=base, S=S, points=points, z=line(points, lam), log_noise=log_noise,
                law=law) | more


def flat(points):
    """The log density of uniform noise."""
    return np.zeros(len(points))


def of_z(g):
    """f(z, lam) of z alone."""
    return lambda z, lam: g(z)


def without(stage, *names):
    return {name: value for name, value in stage.items() if name not in names}


def stage_exponential(rng):
    """f = z^2 - log rate, E = 2 / rate^2 - log rate."""
    rate, points = rng.uniform(1.4, 1.9), rng.uniform([0.05, 0.4, 0.7], [0.1, 0.5, 0.9])
    law = stats.expon(scale=1 / rate)
    return row(exponential, exponential_line, np.log([rate]), law, uniform_noise(), points, flat,
               f=lambda z, lam: z**2 - lam[..., 0], truth=lambda: np.array([-4 / rate**2 - 1]))


def stage_cauchy(rng):
    """f = log(1 + z^2), E = log(mu^2 + (1 + gamma)^2): there is no mean."""
    mu, width, points = rng.uniform(0.5, 0.9), rng.uniform(1.4, 1.8), rng.uniform([0.1, 0.55, 0.8], [0.3, 0.7, 0.9])
    lam, total = np.array([mu, np.log(width)]), mu**2 + (1 + width)**2
    return row(cauchy, cauchy_line, lam, stats.cauchy(mu, width), uniform_noise(), points, flat,
               f=of_z(lambda z: anp.log1p(z**2)), truth=lambda: np.array([2 * mu, 2 * (1 + width) * width]) / total)


def laplace_row(rng, line, base, points, **more):
    """f = z^2, E = mu^2 + 2 b^2."""
    mu, b = rng.uniform(0.5, 0.9), rng.uniform(1.4, 1.8)
    return row(laplace, line, np.array([mu, np.log(b)]), stats.laplace(mu, b), base, points, flat, f=of_z(anp.square),
               truth=lambda: np.array([2 * mu, 4 * b**2]), **more)


def stage_laplace(rng):
    points = rng.uniform([-0.45, -0.2, 0.3], [-0.3, -0.1, 0.4])
    return laplace_row(rng, laplace_line, uniform_noise(low=-0.5), points, one=lambda: 1., two=lambda: 2.,
                       half_of_the_mass=lambda: np.array([1., 0.5]), half_and_none=lambda: np.array([0.5, 0.]))


def stage_laplace_of_two(rng):
    """log(u_1 / u_2): two uniform numbers make one draw, so there is no slope to divide by, and no rule for two draws.
    """
    return without(laplace_row(rng, laplace_ratio, uniform_noise(2), np.full((1, 2), 0.4), S=1), "points")


def stage_normal_of_two(rng):
    """Box and Muller's first number, moved and stretched: f = z^2, E = mu^2 + sigma^2; no rule for two draws either."""
    mu, sigma = rng.uniform(0.5, 0.9), rng.uniform(1.4, 1.8)
    stage = row(normal, normal_line, np.array([mu, np.log(sigma)]), stats.norm(mu, sigma), uniform_noise(2),
                np.full((1, 2), 0.4), flat, S=1, f=of_z(anp.square), truth=lambda: np.array([2 * mu, 2 * sigma**2]))
    return without(stage, "points")


def stage_box_muller(rng):
    """Both of Box and Muller's numbers: a point of the plane from a point of the square."""
    points = rng.uniform([[0.1, 0.1], [0.3, 0.4], [0.7, 0.6]], [[0.2, 0.3], [0.5, 0.55], [0.9, 0.9]])
    plane = full_normal._replace(transport=lambda u, lam: box_muller(u))
    return dict(q=plane, lam=np.zeros(5), base=uniform_noise(2), points=points, z=box_muller(points), log_noise=flat,
                law=stats.multivariate_normal(np.zeros(2)),
                moments_of_standard_normal=lambda: np.array([0., 1., 3., 1.]),
                moments_at_half_the_variance=lambda: np.array([0., 0.5, 0.75, 0.25]))


def normals(D):
    """S draws of D standard normal numbers, with a rule of few nodes that is exact for cubic polynomials."""
    def rule(S, order):
        t, w = np.polynomial.hermite_e.hermegauss(2 + order // 32)
        if len(t)**(S * D) > POINTS:
            return None
        index = np.indices((len(t),) * S * D).reshape(S * D, -1).T
        return t[index].reshape(-1, S, D), np.prod((w / w.sum())[index], axis=-1)
    return Noise(lambda rng, R, S: rng.standard_normal((R, S, D)), rule)


def stage_full_normal(rng):
    """f = z'Az with a symmetric A, E = mu'A mu + tr(A R R'): its slope in R is 2 A R."""
    mu, below = rng.uniform([0.4, -0.9, 0.3], [0.9, -0.4, 0.6]), np.tril_indices(3, -1)
    A = np.array([[0.9, 0.4, -0.2], [0.4, 0.6, 0.3], [-0.2, 0.3, 0.7]])
    sd, r = rng.uniform([1.4, 0.6, 1.], [1.6, 0.7, 1.2]), rng.uniform([0.5, 0.2, -0.4], [0.6, 0.3, -0.3])
    Sigma = np.outer(sd, sd) * np.array([[1, r[0], r[1]], [r[0], 1, r[2]], [r[1], r[2], 1]])
    lam, R = full_normal_lam(mu, Sigma=Sigma), np.linalg.cholesky(Sigma)
    points = np.array([[-0.7, 0.4, 1.1], [0.3, -0.6, -1.2], [1.3, 1., 0.5]]) + rng.uniform(-0.2, 0.2, (3, 3))

    def truth():
        slope = 2 * A @ R
        return np.concatenate([2 * A @ mu, np.diag(slope * R), slope[below]])

    return dict(q=full_normal, lam=lam, noise=normals(3), base=normals(3), S=2, points=points, z=mu + points @ R.T,
                D=3, Sigma=Sigma, law=stats.multivariate_normal(mu, Sigma),
                log_noise=stats.multivariate_normal(np.zeros(3)).logpdf, f=of_z(lambda z: anp.sum(z @ A * z, axis=-1)),
                truth=truth)


def stage_log_normal(rng):
    """f = z, E = exp(mu + sigma^2 / 2)."""
    mu, sigma, points = rng.uniform(0.3, 0.6), rng.uniform(0.4, 0.55), rng.uniform([-1.3, -0.2, 0.9], [-0.9, 0.2, 1.3])
    mean = np.exp(mu + sigma**2 / 2)
    return row(log_normal, log_normal_line, np.array([mu, np.log(sigma)]), stats.lognorm(sigma, scale=np.exp(mu)),
               noise(normal, np.zeros(2)), points, stats.norm.logpdf,
               f=of_z(lambda z: z), truth=lambda: mean * np.array([1, sigma**2]))


def stage_inverse_gamma(rng):
    """theta over a gamma draw of the target's shape k, which therefore stays in the noise."""
    k, theta, points = rng.uniform(3.2, 4.), rng.uniform(1.5, 1.9), rng.uniform([1., 2.5, 5.], [1.5, 3.5, 6.])
    of_one, of_two = k, k * (k + 1)
    return row(inverse_gamma, inverse_gamma_line, np.log([k, theta]), stats.invgamma(k, scale=theta),
               noise(gamma, np.array([np.log(k), 0.])), points, stats.gamma(k).logpdf,
               inverse_powers_by_hand=lambda: np.array([of_one / theta, of_two / theta**2]),
               powers_of_the_scale=lambda: np.array([of_one * theta, of_two * theta**2]))


def stage_rademacher(rng):
    """Two values; the slide's p is 1/2."""
    p, a = rng.uniform([0.6, 0.5], [0.8, 0.9])
    return dict(q=normal._replace(transport=rademacher_line), lam=p, p=p, x=np.array([0.]), S=4,
                noise=Noise(uniform_noise().draw, lambda S, order: None),
                share_by_quadrature=lambda: np.array([1 - p]), no_slope=lambda: 0., scale=1.,
                law=stats.rv_discrete(values=([-1, 1], [1 - p, p])), f=lambda z: np.exp(a * z),
                difference_of_values=lambda: 2 * np.sinh(a))


def weighted_score(f, p):
    """E[f(z) d/dp log p(z)] by enumeration of both outcomes."""
    z, probability, score = np.array([1., -1.]), np.array([p, 1 - p]), np.array([1 / p, -1 / (1 - p)])
    return probability @ (f(z) * score)


# ---- families whose noise is implied

def implied(q, lam, law, points, **more):
    """A stage of a family that is transported by its quantiles: the noise is its own q(0)."""
    zeros = np.zeros(len(lam))
    base = uniform_noise() if q is beta else noise(q, zeros)         # the same draws, with a sharper rule
    return row(q, q.transport, lam, law, base, points, lambda eps: q.log_prob(eps, zeros), **more)


def differences_of_quantiles(law_of, lam, standard):
    """dz/dlam at the quantiles where the points stand in `standard`, by differences of SciPy's quantile function."""
    return lambda points: by_differences(lambda at: quantile(law_of(at), standard.cdf(points)), lam)


def quantile(law, u):
    """SciPy's quantile after a step of Newton's: that of Student's t is up to 5e-10 off in SciPy 1.10."""
    z = law.ppf(u)
    return z - (law.cdf(z) - u) / law.pdf(z)


def half_line(z):
    """Nodes and weights from zero to z, for an integrand that ends like a power at zero: t = z expit(x)."""
    x = np.linspace(-40, 40, 2001)
    grow, fall = special.expit(np.pi / 2 * np.sinh(x / 8)), special.expit(-np.pi / 2 * np.sinh(x / 8))
    return z * grow, z * grow * fall * np.pi / 16 * np.cosh(x / 8) * (x[1] - x[0])


def whole_line(z):
    """Nodes and weights from minus infinity to z: t = z - exp(pi / 2 sinh x)."""
    x = np.linspace(-5.5, 4.5, 1501)
    s = np.exp(np.pi / 2 * np.sinh(x))
    return z - s, s * np.pi / 2 * np.cosh(x) * (x[1] - x[0])


def gamma_row(rng, points, **more):
    a, rate = rng.uniform(1.8, 2.6), rng.uniform(1.4, 1.9)

    def law(lam):
        return stats.gamma(np.exp(lam[0]), scale=np.exp(-lam[1]))

    lam = np.log([a, rate])
    return a, rate, implied(gamma, lam, law(lam), points, mass_below=half_line,
                            quantile_slope=differences_of_quantiles(law, lam, stats.expon), **more)


def stage_gamma(rng):
    """f = log z, E = digamma(a) - log rate."""
    a, _, stage = gamma_row(rng, rng.uniform([0.05, 0.8, 2.], [0.1, 1., 2.5]), f=of_z(anp.log))
    return stage | dict(truth=lambda: np.array([a * special.polygamma(1, a), -1]))


def stage_squared_gamma(rng):
    """f = z^2, E = a (a + 1) / rate^2."""
    a, rate, stage = gamma_row(rng, np.ones(1), f=of_z(anp.square))
    return without(stage, "points") | dict(truth=lambda: np.array([a * (2 * a + 1), -2 * a * (a + 1)]) / rate**2)


def stage_one_over_gamma(rng):
    """Inverse gamma, f = log z, E = log theta - digamma(k)."""
    k, theta, points = rng.uniform(1.8, 2.6), rng.uniform(1.4, 1.9), rng.uniform([0.4, 1.2, 3.5], [0.5, 1.5, 4.5])

    def law(lam):
        return stats.invgamma(np.exp(lam[0]), scale=np.exp(lam[1]))

    lam = np.log([k, theta])
    return implied(inverse_gamma, lam, law(lam), points, mass_below=half_line,
                   quantile_slope=differences_of_quantiles(law, lam, stats.invgamma(1)),
                   f=of_z(anp.log), truth=lambda: np.array([-k * special.polygamma(1, k), 1]))


def stage_beta(rng):
    """f = log z, E = digamma(a) - digamma(a + b)."""
    a, b, points = rng.uniform(1.8, 2.6), rng.uniform(3.1, 4.2), rng.uniform([0.1, 0.4, 0.8], [0.2, 0.6, 0.9])

    def law(lam):
        return stats.beta(*np.exp(lam))

    def truth():
        both = special.polygamma(1, a + b)
        return np.array([a * (special.polygamma(1, a) - both), -b * both])

    lam = np.log([a, b])
    return implied(beta, lam, law(lam), points, mass_below=half_line, f=of_z(anp.log), truth=truth,
                   quantile_slope=differences_of_quantiles(law, lam, stats.uniform))


def stage_student_t(rng):
    """f = z^2, E = mu^2 + sigma^2 df / (df - 2)."""
    mu, sigma, df = rng.uniform([0.9, 0.7, 14.], [1.2, 0.85, 18.])

    def law(lam):
        return stats.t(np.exp(lam[2]), lam[0], np.exp(lam[1]))

    def truth():
        return np.array([2 * mu, 2 * sigma**2 * df / (df - 2), -2 * sigma**2 * df / (df - 2)**2])

    lam = np.array([mu, np.log(sigma), np.log(df)])
    return implied(student_t, lam, law(lam), rng.uniform([-2., 0.3, 2.5], [-1.2, 0.8, 3.5]), mass_below=whole_line,
                   quantile_slope=differences_of_quantiles(law, lam, stats.cauchy), f=of_z(anp.square), truth=truth)


# ---- draws of all of them: shares are no smooth function of the noise, so no rule is asked

def share_by_quadrature(x, q, lam, law):
    """The mass of the family's density below each x, by SciPy's adaptive quadrature, piece by piece from x to x."""
    def density(z):
        return np.exp(q.log_prob(z, lam))
    ends = [law.support()[0], *x]
    pieces = [integrate.quad(density, *pair, epsabs=1e-11, epsrel=1e-11, limit=200) for pair in zip(ends, ends[1:])]
    return Estimate(*np.cumsum(pieces, axis=0).T)


def draws_of(stage, rng):
    """The distribution of another stage, for which shares below its quantiles are counted."""
    told = stage(rng)
    return dict(q=told["q"], lam=told["lam"], law=told["law"], x=told["law"].ppf(QUANTILES), S=4,
                noise=Noise(told["noise"].draw, lambda S, order: None))


stage_draws_of_exponential = partial(draws_of, stage_exponential)
stage_draws_of_cauchy = partial(draws_of, stage_cauchy)
stage_draws_of_laplace = partial(draws_of, stage_laplace)
stage_draws_of_laplace_of_two = partial(draws_of, stage_laplace_of_two)
stage_draws_of_normal_of_two = partial(draws_of, stage_normal_of_two)
stage_draws_of_log_normal = partial(draws_of, stage_log_normal)
stage_draws_of_inverse_gamma = partial(draws_of, stage_inverse_gamma)
stage_draws_of_gamma = partial(draws_of, stage_gamma)
stage_draws_of_one_over_gamma = partial(draws_of, stage_one_over_gamma)
stage_draws_of_beta = partial(draws_of, stage_beta)
stage_draws_of_student_t = partial(draws_of, stage_student_t)


# ---- a categorical made smooth

def stage_coin(rng):
    """f = (y - c)^2 of the relaxed first entry: with c beyond 1/2 its discrete mean falls as the log odds rise."""
    log_odds, c, temperature = rng.uniform([1.8, 0.54, 0.6], [2.2, 0.57, 0.9])
    lam = np.array([0.3 + log_odds, 0.3])

    def f(y):
        return (y - c)**2

    def discrete(at):
        pi = special.expit(at[0] - at[1])
        return pi * f(1.) + (1 - pi) * f(0.)

    return dict(f=f, lam=lam, c=c, log_odds=log_odds, temperature=temperature, noise=gumbel_noise(2), S=2,
                slope_of_relaxed_mean=lambda: slope_of_relaxed(f, log_odds, temperature),
                slope_by_enumeration=lambda: by_differences(discrete, lam))


def stage_four_outcomes(rng):
    """Four categories; which is the largest jumps with the noise, where a rule of nodes sees nothing."""
    lam, draws_alone = rng.uniform(-1, 1, 4), Noise(gumbel_noise(4).draw, lambda S, order: None)
    return dict(lam=lam, temperature=rng.uniform(0.4, 0.8), noise=draws_alone, S=3,
                probabilities=lambda: np.exp(lam) / np.exp(lam).sum())


# ---- referees

def density(z, law):
    return law.pdf(z)


def distribution_function(x, law):
    return law.cdf(x)


def covariance(Sigma):
    return Sigma


def turned_covariance(Sigma):
    """The sum over the rows of R of their outer products, R from NumPy's Cholesky."""
    return sum(np.outer(r, r) for r in np.linalg.cholesky(Sigma))


def mass_of_laplace(lam):
    """The sum of the family's density over its nodes."""
    return expectation(lambda z: np.ones(len(z)), laplace, lam)


def chance_of_the_largest(lam):
    """For each k the mean of the chance that all others are below lam_k + eps_k, over the quantiles u of the latter."""
    def integrand(u, k):
        return np.prod(stats.gumbel_r.cdf(stats.gumbel_r.ppf(u, lam[k]), np.delete(lam, k)))
    found = [integrate.quad(integrand, 0, 1, (k,), epsabs=1e-12, epsrel=1e-11, limit=200) for k in range(len(lam))]
    return Estimate(*np.transpose(found))


def over_logistic(g, log_odds, temperature):
    """E[g(y)], y = expit(x / temperature), by SciPy's adaptive quadrature over the quantiles u of x, which is logistic
    around the log odds."""
    def integrand(u):
        return g(special.expit(stats.logistic.ppf(u, log_odds) / temperature))
    return Estimate(*integrate.quad(integrand, 0, 1, epsabs=1e-13, epsrel=1e-12, limit=400))


def relaxed_mean(f, log_odds, temperature):
    return over_logistic(f, log_odds, temperature)


def chord_by_scipy(f, log_odds, temperature):
    """f(0) and the mean of y times what f(1) exceeds it by."""
    mean, error = over_logistic(lambda y: y, log_odds, temperature)
    return Estimate(f(0.) + mean * (f(1.) - f(0.)), error)


def slope_of_relaxed(f, log_odds, temperature):
    """The derivative of the relaxed mean in both logits: the density of the noise moves under a fixed function."""
    def integrand(x):
        density = stats.logistic.pdf(x - log_odds)
        return f(special.expit(x / temperature)) * density * (2 * special.expit(x - log_odds) - 1)
    slope, error = integrate.quad(integrand, -60, 60, epsabs=1e-12, epsrel=1e-12, limit=400, points=[0])
    return Estimate(slope * np.array([1, -1]), error)


def spread_by_scipy(c, log_odds, temperature, S):
    """Variance over S of 2 (y - c) y (1 - y) / temperature, the slope of (y - c)^2 in the log odds."""
    def slope(y):
        return 2 * (y - c) * y * (1 - y) / temperature
    mean = over_logistic(slope, log_odds, temperature).value
    return over_logistic(lambda y: (slope(y) - mean)**2 / S, log_odds, temperature)


def minus_variance_of_coin(log_odds):
    """-pi (1 - pi), for an f whose square term has the coefficient one."""
    return -special.expit(log_odds) * special.expit(-log_odds)
