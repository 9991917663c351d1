"""Companion of distributions.md: its rows, its stages and its referees."""
from functools import partial

import numpy as np
from scipy import integrate, special, stats

from refvi import (Estimate, Noise, beta, cauchy, exponential, full_normal, full_normal_lam, gamma, inverse_gamma,
                   laplace, log_normal, noise, normal, student_t)
from refvi.gradients.distributions.implicit import (derivative_of_transport,      # noqa: F401
                                                    slope_of_distribution_over_density)
from refvi.gradients.distributions.relaxed import (area_at_temperature_zero, average_of_relaxed,      # noqa: F401
                                                   chord_at_the_mean, discrete_and_bias, discrete_mean,
                                                   expected_relaxed_slope, gradient_of_discrete_mean, gumbel_noise,
                                                   mean_over_logistic, relaxed_gradient, share_of_largest)
from refvi.gradients.distributions.rows import (density_of_family, gradient_over_noise,      # noqa: F401
                                                noise_over_slope, share_below, slope_forgotten)
from refvi.gradients.distributions.table import (average_of_box_muller, average_of_squares,      # noqa: F401
                                                 box_muller, cauchy_line, difference_through_step, exponential_line,
                                                 factor_times_transpose, gradient_with_fixed_draws, half_forgotten,
                                                 integral_of_laplace, inverse_gamma_line, inverse_powers, laplace_line,
                                                 laplace_ratio, log_normal_line, moments_of_box_muller, moments_of_log,
                                                 noise_around_zero, noise_from_zero_to_one, normal_line,
                                                 rademacher_line, rate_for_scale, sd_for_variance,
                                                 transpose_times_factor, two_forgotten, uniform_noise)
from refvi.gradients.reparameterization.rows import path_gradient      # noqa: F401

QUANTILES = np.array([0.1, 0.35, 0.6, 0.85])


def row(q, line, lam, law, eps, points, log_noise, S=1, **more):
    """A stage of one row of the table: points of the noise are carried to z, SciPy's law knows the density there."""
    told = q._replace(transport=line)
    return dict(q=told, lam=lam, noise=eps, base=eps, S=S, points=points, z=line(points, lam), log_noise=log_noise, law=law) | more


def flat(points):
    """The log density of uniform noise."""
    return np.zeros(len(points))


def of_z(g):
    """f(z, lam) of z alone."""
    return lambda z, lam: g(z)


# ---- the slide's table

def stage_exponential(rng):
    """f = z^2, E = 2 / rate^2."""
    rate = rng.uniform(1.4, 1.9)
    return row(exponential, exponential_line, np.log([rate]), stats.expon(scale=1 / rate), uniform_noise(), rng.uniform([0.05, 0.4, 0.7], [0.1, 0.5, 0.9]), flat,
               f=of_z(np.square), truth=lambda: np.array([-4 / rate**2]))


def stage_cauchy(rng):
    """f = log(1 + z^2), E = log(mu^2 + (1 + gamma)^2): there is no mean."""
    mu, width = rng.uniform(0.5, 0.9), rng.uniform(1.4, 1.8)
    total = mu**2 + (1 + width)**2
    return row(cauchy, cauchy_line, np.array([mu, np.log(width)]), stats.cauchy(mu, width), uniform_noise(), rng.uniform([0.1, 0.55, 0.8], [0.3, 0.7, 0.9]), flat,
               f=of_z(lambda z: np.log1p(z**2)), truth=lambda: np.array([2 * mu, 2 * (1 + width) * width]) / total)


def laplace_truth(mu, b):
    """f = z^2, E = mu^2 + 2 b^2."""
    return dict(f=of_z(np.square), truth=lambda: np.array([2 * mu, 4 * b**2]), mu=mu, b=b, half_of_the_mass=lambda: np.array([1., 0.5]))


def stage_laplace(rng):
    mu, b = rng.uniform(0.5, 0.9), rng.uniform(1.4, 1.8)
    return row(laplace, laplace_line, np.array([mu, np.log(b)]), stats.laplace(mu, b), uniform_noise(low=-0.5), rng.uniform([-0.45, -0.2, 0.3], [-0.3, -0.1, 0.4]), flat,
               **laplace_truth(mu, b))


def stage_laplace_of_two(rng):
    """log(u_1 / u_2): two uniform numbers make one draw, so there is no slope to divide by."""
    mu, b = rng.uniform(0.5, 0.9), rng.uniform(1.4, 1.8)
    stage = row(laplace, laplace_ratio, np.array([mu, np.log(b)]), stats.laplace(mu, b), uniform_noise(2), np.full((1, 2), 0.4), flat, **laplace_truth(mu, b))
    return without(stage, "points", "mu", "b", "half_of_the_mass")


def without(stage, *names):
    return {name: value for name, value in stage.items() if name not in names}


def stage_normal_of_two(rng):
    """Box and Muller's first number, moved and stretched: f = z^2, E = mu^2 + sigma^2."""
    mu, sigma = rng.uniform(0.5, 0.9), rng.uniform(1.4, 1.8)
    stage = row(normal, normal_line, np.array([mu, np.log(sigma)]), stats.norm(mu, sigma), uniform_noise(2), np.full((1, 2), 0.4), flat,
                f=of_z(np.square), truth=lambda: np.array([2 * mu, 2 * sigma**2]))
    return without(stage, "points")


def stage_box_muller(rng):
    """Both of Box and Muller's numbers: a point of the plane from a point of the square."""
    points = rng.uniform([[0.1, 0.1], [0.3, 0.4], [0.7, 0.6]], [[0.2, 0.3], [0.5, 0.55], [0.9, 0.9]])
    plane = full_normal._replace(transport=lambda u, lam: box_muller(u))
    return dict(q=plane, lam=np.zeros(5), points=points, z=box_muller(points), log_noise=flat, law=stats.multivariate_normal(np.zeros(2)), noise=uniform_noise(2), S=1,
                moments_of_standard_normal=lambda: np.array([1., 3.]))


def stage_full_normal(rng):
    """f = z'Az with a symmetric A, E = mu'A mu + tr(A R R'): in R, 2 A R."""
    mu, A = rng.uniform([0.4, -0.9], [0.9, -0.4]), np.array([[0.9, 0.4], [0.4, 0.6]])
    sd, correlation = rng.uniform([1.4, 0.6], [1.6, 0.7]), rng.uniform(0.75, 0.85)
    Sigma = np.outer(sd, sd) * np.array([[1, correlation], [correlation, 1]])
    lam, R = full_normal_lam(mu, Sigma=Sigma), np.linalg.cholesky(Sigma)
    slope = 2 * A @ R

    def truth():
        return np.concatenate([2 * A @ mu, np.diag(slope * R), slope[[1], [0]]])

    eps, points = noise(full_normal, np.zeros(5)), rng.uniform([[-0.9, 0.3], [0.2, -0.8], [1.2, 1.]], [[-0.5, 0.6], [0.4, -0.5], [1.5, 1.3]])
    return dict(q=full_normal, lam=lam, noise=eps, base=eps, S=1, points=points, z=mu + points @ R.T, D=2, Sigma=Sigma, law=stats.multivariate_normal(mu, Sigma),
                log_noise=lambda points: full_normal.log_prob(points, np.zeros(5)), f=of_z(lambda z: np.sum(z @ A * z, axis=-1)), truth=truth)


def stage_log_normal(rng):
    """f = z, E = exp(mu + sigma^2 / 2)."""
    mu, sigma = rng.uniform(0.3, 0.6), rng.uniform(0.4, 0.55)
    lam, mean = np.array([mu, np.log(sigma)]), np.exp(mu + sigma**2 / 2)
    return row(log_normal, log_normal_line, lam, stats.lognorm(sigma, scale=np.exp(mu)), noise(normal, np.zeros(2)), rng.uniform([-1.3, -0.2, 0.9], [-0.9, 0.2, 1.3]),
               stats.norm.logpdf, f=of_z(lambda z: z), truth=lambda: mean * np.array([1, sigma**2]), own_noise=noise(normal, lam), log_moments=lambda: np.array([mu, sigma**2]))


def stage_inverse_gamma(rng):
    """One over a gamma draw of the same shape."""
    k, theta = rng.uniform(3.2, 4.), rng.uniform(1.5, 1.9)
    base = np.array([np.log(k), 0.])
    return row(inverse_gamma, inverse_gamma_line, np.log([k, theta]), stats.invgamma(k, scale=theta), noise(gamma, base), rng.uniform([1., 2.5, 5.], [1.5, 3.5, 6.]),
               lambda eps: gamma.log_prob(eps, base), inverse_powers_by_hand=lambda: np.array([k / theta, k * (k + 1) / theta**2]))


def stage_rademacher(rng):
    """Two values; the slide's p is 1/2."""
    p, values = rng.uniform(0.6, 0.8), rng.uniform([0.5, 1.4], [0.9, 1.9])
    q = normal._replace(transport=rademacher_line)
    return dict(q=q, lam=p, p=p, noise=Noise(uniform_noise().draw, lambda S, order: None), S=4, x=np.array([-0.5, 0.5]), law=stats.rv_discrete(values=([-1, 1], [1 - p, p])),
                f=lambda z: np.where(z > 0, values[1], values[0]), difference_of_values=lambda: values[1] - values[0])


# ---- families whose noise is implied

def implied(q, lam, law, points, **more):
    """A stage of a family that is transported by its quantiles: the noise is its own q(0)."""
    zeros = np.zeros(len(lam))
    eps = uniform_noise() if q is beta else noise(q, zeros)         # the same draws, with a sharper rule
    return row(q, q.transport, lam, law, eps, points, lambda eps: q.log_prob(eps, zeros), **more)


def differences_of_quantiles(law_of, lam, base):
    """dz/dlam at fixed quantiles, by differences of SciPy's quantile function. (k, P)"""
    def slope(points):
        u = base.cdf(points)
        fine, coarse = (np.stack([(law_of(lam + h * e).ppf(u) - law_of(lam - h * e).ppf(u)) / (2 * h) for e in np.eye(len(lam))], axis=-1) for h in (1e-3, 2e-3))
        return Estimate((4 * fine - coarse) / 3, np.abs(fine - coarse) / 100)
    return slope


def half_line(z):
    """Nodes and weights from zero to z, for an integrand that ends like a power at zero: t = z expit(x)."""
    x = np.linspace(-40, 40, 2001)
    t = z * special.expit(np.pi / 2 * np.sinh(x / 8))
    return t, t * special.expit(-np.pi / 2 * np.sinh(x / 8)) * np.pi / 16 * np.cosh(x / 8) * (x[1] - x[0])


def whole_line(z):
    """Nodes and weights from minus infinity to z: t = z - sinh."""
    x = np.linspace(-5.5, 4.5, 1501)
    s = np.exp(np.pi / 2 * np.sinh(x))
    return z - s, s * np.pi / 2 * np.cosh(x) * (x[1] - x[0])


def stage_gamma(rng):
    """f = log z, E = digamma(a) - log rate."""
    a, rate = rng.uniform(1.8, 2.6), rng.uniform(1.4, 1.9)
    return implied(gamma, np.log([a, rate]), stats.gamma(a, scale=1 / rate), rng.uniform([0.05, 0.8, 2.], [0.1, 1., 2.5]), mass_below=half_line,
                   quantile_slope=differences_of_quantiles(lambda lam: stats.gamma(np.exp(lam[0]), scale=np.exp(-lam[1])), np.log([a, rate]), stats.expon),
                   f=of_z(np.log), truth=lambda: np.array([a * special.polygamma(1, a), -1]))


def stage_squared_gamma(rng):
    """f = z^2, E = a (a + 1) / rate^2."""
    a, rate = rng.uniform(1.8, 2.6), rng.uniform(1.4, 1.9)
    stage = implied(gamma, np.log([a, rate]), stats.gamma(a, scale=1 / rate), np.ones(1), f=of_z(np.square),
                    truth=lambda: np.array([a * (2 * a + 1), -2 * a * (a + 1)]) / rate**2)
    return without(stage, "points")


def stage_one_over_gamma(rng):
    """Inverse gamma, f = log z, E = log theta - digamma(k)."""
    k, theta = rng.uniform(1.8, 2.6), rng.uniform(1.4, 1.9)
    return implied(inverse_gamma, np.log([k, theta]), stats.invgamma(k, scale=theta), rng.uniform([0.4, 1.2, 3.5], [0.5, 1.5, 4.5]), mass_below=half_line,
                   quantile_slope=differences_of_quantiles(lambda lam: stats.invgamma(np.exp(lam[0]), scale=np.exp(lam[1])), np.log([k, theta]), stats.invgamma(1)),
                   f=of_z(np.log), truth=lambda: np.array([-k * special.polygamma(1, k), 1]))


def stage_beta(rng):
    """f = log z, E = digamma(a) - digamma(a + b)."""
    a, b = rng.uniform(1.8, 2.6), rng.uniform(3.1, 4.2)
    return implied(beta, np.log([a, b]), stats.beta(a, b), rng.uniform([0.1, 0.4, 0.8], [0.2, 0.6, 0.9]), mass_below=half_line,
                   quantile_slope=differences_of_quantiles(lambda lam: stats.beta(*np.exp(lam)), np.log([a, b]), stats.uniform),
                   f=of_z(np.log), truth=lambda: np.array([a * (special.polygamma(1, a) - special.polygamma(1, a + b)), -b * special.polygamma(1, a + b)]))


def stage_student_t(rng):
    """f = z^2, E = mu^2 + sigma^2 df / (df - 2)."""
    mu, sigma, df = rng.uniform(0.9, 1.2), rng.uniform(0.7, 0.85), rng.uniform(14., 18.)
    lam = np.array([mu, np.log(sigma), np.log(df)])
    return implied(student_t, lam, stats.t(df, mu, sigma), rng.uniform([-2., 0.3, 2.5], [-1.2, 0.8, 3.5]), mass_below=whole_line,
                   quantile_slope=differences_of_quantiles(lambda lam: stats.t(np.exp(lam[2]), lam[0], np.exp(lam[1])), lam, stats.cauchy),
                   f=of_z(np.square), truth=lambda: np.array([2 * mu, 2 * sigma**2 * df / (df - 2), -2 * sigma**2 * df / (df - 2)**2]))


# ---- draws of all of them: shares are no smooth function of the noise, so no rule is asked

def draws_of(stage, rng):
    """The same distribution, for which shares below its quantiles are counted."""
    told = stage(rng)
    return dict(q=told["q"], lam=told["lam"], law=told["law"], x=told["law"].ppf(QUANTILES), noise=Noise(told["noise"].draw, lambda S, order: None), S=4)


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
    """f = (y - c)^2 of the relaxed probability of the first outcome: with c beyond one half the discrete mean falls with the log odds."""
    log_odds, c = rng.uniform(1.8, 2.2), rng.uniform(0.54, 0.57)
    lam = np.array([0.3 + log_odds, 0.3])
    return dict(f=lambda y: (y - c)**2, lam=lam, log_odds=log_odds, temperature=rng.uniform(0.6, 0.9), noise=gumbel_noise(2), S=1)


def stage_four_outcomes(rng):
    lam = rng.uniform(-1, 1, 4)
    return dict(lam=lam, temperature=rng.uniform(0.4, 0.8), noise=gumbel_noise(4), S=3, probabilities=lambda: np.exp(lam) / np.exp(lam).sum())


# ---- referees

def density(z, law):
    return law.pdf(z)


def distribution_function(x, law):
    return law.cdf(x)


def covariance(Sigma):
    return Sigma


def one():
    return 1.


def relaxed_mean(f, log_odds, temperature):
    """E[f(y)] by SciPy's adaptive quadrature over the density of y's log odds."""
    return stats.logistic.expect(lambda x: f(special.expit((log_odds + x) / temperature)), lb=-60, ub=60, epsabs=1e-12, epsrel=1e-12, limit=400)


def slope_of_relaxed_mean(f, log_odds, temperature):
    """Its derivative in the log odds: the density of the noise moves under a fixed function. d/dx of the logistic density is density (1 - 2 expit)."""
    def integrand(x):
        return f(special.expit(x / temperature)) * stats.logistic.pdf(x - log_odds) * (2 * special.expit(x - log_odds) - 1)
    slope = sum(integrate.quad(integrand, *ends, epsabs=1e-12, epsrel=1e-12, limit=400)[0] for ends in ((-60, 0), (0, 60)))
    return slope * np.array([1, -1])


def minus_variance_of_coin(log_odds):
    """-pi (1 - pi), for an f whose square term has the coefficient one."""
    return -special.expit(log_odds) * special.expit(-log_odds)
