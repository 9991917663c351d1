"""Transports: Kolmogorov-Smirnov on every row of the table, planted faults, right variants, the price of warmth."""
from functools import partial

import autograd.numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import special, stats

import refvi
from refvi import Noise, full_normal, full_normal_lam, gamma, inverse_gamma, log_normal, noise, normal
from refvi.base.core import gradient_of_each
from refvi.gradients.distributions.relaxed import (area_at_temperature_zero, discrete_mean, expected_relaxed_slope,
                                                   gradient_of_discrete_mean, gumbel_noise, mean_over_logistic, relax,
                                                   relaxed_gradient, share_of_largest, variance_of_relaxed)
from refvi.gradients.distributions.rows import noise_over_slope
from refvi.gradients.distributions.table import (box_muller, cauchy_line, exponential_line, inverse_gamma_line,
                                                 laplace_line, laplace_ratio, log_normal_line, mean_under, normal_line,
                                                 rademacher_line, uniform_noise)
from refvi.gradients.laboratory.rows import variance_of_path
from refvi.gradients.reparameterization.rows import path_gradient
from refvi.verify.trial import FAIL, PASS, escalate, moments
from tests.verify.proof import prove, rule

MU, B, K, THETA = 0.7, 1.6, 2.4, 1.7
TWO, POSITIVE = np.array([MU, np.log(B)]), np.log([K, THETA])

# ---- every row of the table, by Kolmogorov and Smirnov: three strikes on fresh draws, as in refvi.verify.trial

LINES = {"exponential": (uniform_noise(), exponential_line, np.log([1.7]), stats.expon(scale=1 / 1.7)),
         "cauchy": (uniform_noise(), cauchy_line, TWO, stats.cauchy(MU, B)),
         "laplace of two": (uniform_noise(2), laplace_ratio, TWO, stats.laplace(MU, B)),
         "laplace": (uniform_noise(low=-0.5), laplace_line, TWO, stats.laplace(MU, B)),
         "normal of two": (uniform_noise(2), normal_line, TWO, stats.norm(MU, B)),
         "the other of two": (uniform_noise(2), lambda u, lam: box_muller(u)[..., 1], TWO, stats.norm),
         "log-normal": (noise(normal, np.zeros(2)), log_normal_line, TWO, stats.lognorm(B, scale=np.exp(MU))),
         "inverse gamma": (noise(gamma, np.log([K, 1.])), inverse_gamma_line, POSITIVE, stats.invgamma(K, scale=THETA)),
         "gamma, implied": (noise(gamma, np.zeros(2)), gamma.transport, POSITIVE, stats.gamma(K, scale=1 / THETA)),
         "inverse gamma, implied": (noise(inverse_gamma, np.zeros(2)), inverse_gamma.transport, POSITIVE,
                                    stats.invgamma(K, scale=THETA)),
         "beta, implied": (uniform_noise(), refvi.beta.transport, POSITIVE, stats.beta(K, THETA)),
         "t, implied": (noise(refvi.student_t, np.zeros(3)), refvi.student_t.transport, np.append(TWO, np.log(3.3)),
                        stats.t(3.3, MU, B)),
         "t of few degrees, drawn": (noise(refvi.student_t, np.append(TWO, np.log(0.7))), lambda z, lam: z, None,
                                     stats.t(0.7, MU, B))}
AS_PRINTED = {
    "normal of two": (uniform_noise(2), lambda u, lam: np.sqrt(-np.log(u[..., 0])) * np.cos(2 * np.pi * u[..., 1]),
                      None, stats.norm, 0.083),
    "laplace": (uniform_noise(low=0.), lambda e, lam: -np.log(np.abs(1 - 2 * e)), None, stats.laplace, 0.5),
    "log-normal": (noise(normal, np.array([MU, 0.5 * np.log(0.5)])), lambda z, lam: np.exp(z), None,
                   stats.lognorm(0.5, scale=np.exp(MU)), 0.081),
    "inverse gamma": (noise(gamma, np.log([3., 1 / 1.6])), lambda z, lam: 1 / z, None, stats.invgamma(3., scale=1.6),
                      None),
}


def largest_distance(rng, eps, line, lam, law, n):
    return stats.kstest(line(eps.draw(rng, n, 1)[:, 0], lam), law.cdf)


def strikes(rng, *case):
    """How many of three tests on fresh draws, at the levels 1e-2, 1e-3 and 2e-3, are failed in a row."""
    for count, (n, level) in enumerate(((5_000, 1e-2), (20_000, 1e-3), (80_000, 2e-3))):
        if largest_distance(rng, *case, n).pvalue > level:
            return count
    return 3


@pytest.mark.parametrize("name", LINES)
def test_draws_follow_their_distribution(name, rng):
    assert strikes(rng, *LINES[name]) < 3


@pytest.mark.parametrize("name", AS_PRINTED)
def test_the_slide_s_own_lines_do_not(name, rng):
    *case, distance = AS_PRINTED[name]
    assert strikes(rng, *case) == 3
    if distance:
        assert largest_distance(rng, *case, 80_000).statistic == pytest.approx(distance, abs=0.012)


def test_half_of_the_slide_s_laplace_noise_has_no_value(rng):
    with np.errstate(invalid="ignore"):
        z = laplace_line(1 - rng.random(10_000), TWO)
    assert 0.46 < np.mean(np.isnan(z)) < 0.54 and np.all(z[~np.isnan(z)] >= MU)


def test_the_uniform_rule_integrates_logarithms_poles_and_kinks():
    for f, value in ((np.log, -1.), (lambda u: np.log(u)**2, 2.),
                     (lambda u: np.log1p(np.tan(np.pi * u)**2), 2 * np.log(2)), (lambda u: np.abs(u - 0.5), 0.25),
                     (lambda u: u**-0.5, 2.)):
        assert_allclose(mean_under(uniform_noise(), f), value, rtol=1e-6 if value == 2. else 1e-11)
    points, mass = uniform_noise().rule(2, 64)
    assert_allclose(mass @ (np.log(points[:, 0]) * points[:, 1]), -0.5, rtol=1e-11)
    assert uniform_noise().rule(3, 64) is None and uniform_noise(2).rule(2, 64) is None


# ---- gradients along the path

def turning(eps, lam):
    """The noise turned by the angle log sigma_1 before it is stretched: its draws are those of a normal as before."""
    cos, sin = np.cos(lam[..., 2]), np.sin(lam[..., 2])
    turned = np.stack([cos * eps[..., 0] - sin * eps[..., 1], sin * eps[..., 0] + cos * eps[..., 1]], axis=-1)
    return full_normal.transport(turned, lam)


def test_a_rotation_that_turns_with_the_parameters_changes_the_variance_of_the_gradient():
    """At the standard normal of the plane, f = z_1^2, in log sigma_1: 8 + 4. A fixed rotation changes nothing."""
    def variance(transport):
        q, zeros = full_normal._replace(transport=transport), np.zeros(5)
        return variance_of_path(lambda z, lam: z[..., 0]**2, q, zeros, 1)[2]
    assert_allclose(variance(full_normal.transport), 8., rtol=1e-9)
    assert_allclose(variance(lambda eps, lam: full_normal.transport(eps @ TURN, lam)), 8., rtol=1e-9)
    assert_allclose(variance(turning), 12., rtol=1e-9)


def log_of(z, lam):
    return np.log(z)


def covariance_parts():
    Sigma = np.array([[2.1, 0.9], [0.9, 0.8]])
    return full_normal_lam(np.array([0.5, -0.7]), Sigma=Sigma), np.linalg.cholesky(Sigma), np.array([0.5, -0.7])


def first_squared(z, lam):
    return z[..., 0]**2 + 0.3 * z[..., 0] * z[..., 1]


def transposed(eps, lam):
    """mu + R^T eps."""
    R = np.array([[0., 1.], [0., 0.]]) * lam[..., 4, None, None] + np.exp(lam[..., 2:4, None]) * np.eye(2)
    return lam[..., :2] + np.matmul(R, eps[..., None])[..., 0]


def plane_truth():
    """E[z_1^2 + 0.3 z_1 z_2] = mu_1^2 + R_11^2 + 0.3 (mu_1 mu_2 + R_11 R_21)."""
    lam, R, mu = covariance_parts()
    return np.array([2 * mu[0] + 0.3 * mu[1], 0.3 * mu[0], 2 * R[0, 0]**2 + 0.3 * R[0, 0] * R[1, 0], 0., 0.3 * R[0, 0]])


GAMMA_TRUTH = np.array([K * special.polygamma(1, K), -1.])
NORMAL_SQUARE = np.array([2 * MU, 2 * B**2])
PLANE, TURN = covariance_parts()[0], np.array([[0.6, 0.8], [-0.8, 0.6]])


def carried_by(q, transport):
    return q._replace(transport=transport)


WRONG_PATHS = {     # family with a wrong transport, f, lam, truth
    "variance for sd": (carried_by(normal, lambda eps, lam: lam[..., 0] + np.exp(2 * lam[..., 1]) * eps),
                        lambda z, lam: z**2, TWO, NORMAL_SQUARE),
    "log variance for log sd": (carried_by(normal, lambda eps, lam: lam[..., 0] + np.exp(lam[..., 1] / 2) * eps),
                                lambda z, lam: z**2, TWO, NORMAL_SQUARE),
    "no sigma in the slope": (carried_by(normal, lambda eps, lam: lam[..., 0] + (B + lam[..., 1] - TWO[1]) * eps),
                              lambda z, lam: z**2, TWO, NORMAL_SQUARE),
    "R transposed": (full_normal._replace(transport=transposed), first_squared, PLANE, plane_truth()),
    "scale for rate": (carried_by(gamma, lambda eps, lam: gamma.transport(eps, lam * np.array([1, -1]))),
                       log_of, POSITIVE, GAMMA_TRUTH),
    "inverse gamma by its own rate": (
        carried_by(inverse_gamma, lambda eps, lam: inverse_gamma.transport(eps, lam * np.array([1, -1]))),
        log_of, POSITIVE, -GAMMA_TRUTH),
    "shape held fixed": (
        carried_by(gamma, lambda eps, lam: gamma.transport(eps, POSITIVE + (lam - POSITIVE) * np.array([0, 1]))),
        log_of, POSITIVE, GAMMA_TRUTH),
}
RIGHT_PATHS = {
    "normal": (normal, lambda z, lam: z**2, TWO, NORMAL_SQUARE),
    "full normal": (full_normal, first_squared, PLANE, plane_truth()),
    "full normal, turned": (carried_by(full_normal, lambda eps, lam: full_normal.transport(eps @ TURN, lam)),
                            first_squared, PLANE, plane_truth()),
    "full normal, turning with lam": (carried_by(full_normal, turning), first_squared, PLANE, plane_truth()),
    "gamma": (gamma, log_of, POSITIVE, GAMMA_TRUTH),
    "inverse gamma": (inverse_gamma, log_of, POSITIVE, -GAMMA_TRUTH),
    "gamma, from its other end": (
        carried_by(gamma, lambda eps, lam: gamma.transport(-np.log1p(-np.exp(-eps)), lam)),
        log_of, POSITIVE, GAMMA_TRUTH),
}


def path_stage(q, f, lam, truth):
    standard = q._replace(transport=None)
    return dict(truth=lambda: truth, estimate=lambda eps: path_gradient(eps, f, q, lam),
                noise=noise(standard, np.zeros(len(lam))), S=1)


@pytest.mark.parametrize("name", WRONG_PATHS)
def test_the_rule_refuses_a_wrong_path(name):
    result = rule(r"truth; \approx estimate", path_stage(*WRONG_PATHS[name]))["estimate"]
    assert result.verdict == FAIL and result.how.startswith("rule") and result.gap > 0.1, result


@pytest.mark.parametrize("name", RIGHT_PATHS)
@pytest.mark.parametrize("use_rule", [True, False])
def test_right_paths_pass(entropy, name, use_rule):
    values = path_stage(*RIGHT_PATHS[name])
    result = prove(entropy, r"truth; \approx estimate", values, use_rule=use_rule)["estimate"]
    assert result.verdict == PASS and ("rule" in result.how) == use_rule, result


@pytest.mark.parametrize("shape", [0.3, 3., 30.])
def test_the_gradient_of_the_mean_log_is_trigamma_for_small_and_large_shapes(shape, rng):
    """By draws of another sampler than the transport's: their noise is read off the distribution function."""
    lam = refvi.gamma_lam(shape=shape, rate=1.3)

    def draw(n, strike):
        z = stats.gamma.rvs(shape, size=n, random_state=rng)
        eps = -np.log(special.gammaincc(shape, z))
        return moments([gradient_of_each(lambda eps, lam: np.log(gamma.transport(eps, lam)), eps, lam)[:, :1]])

    trial = escalate(draw, np.array([shape * special.polygamma(1, shape)]), 10_000)
    assert trial.verdict == PASS, trial


# ---- densities

def test_a_log_determinant_that_is_left_out_or_turned_is_seen():
    """The log-normal without its -log z, and with +log z; in the mean bound the entropy is off by mu."""
    points = np.array([-1.1, 0.2, 0.9])
    q = log_normal._replace(transport=log_normal_line)
    right = noise_over_slope(points, q, TWO, stats.norm.logpdf)
    z = log_normal_line(points, TWO)
    assert_allclose(right, stats.lognorm.pdf(z, B, scale=np.exp(MU)), rtol=1e-12)
    for sign in (0, 1):
        wrong = refvi.normal.log_prob(np.log(z), TWO) + sign * np.log(z)
        assert np.max(np.abs(np.exp(wrong) - right)) > 0.1 * np.max(right)
    nodes, w = log_normal.nodes(TWO)
    p = w * np.exp(log_normal.log_prob(nodes, TWO))
    entropy = -p @ log_normal.log_prob(nodes, TWO)
    assert_allclose(entropy - -p @ normal.log_prob(np.log(nodes), TWO), MU, rtol=1e-10)


def test_a_determinant_is_more_than_its_diagonal(rng):
    points = rng.uniform(0.2, 0.8, (4, 2))
    plane = full_normal._replace(transport=lambda u, lam: box_muller(u))
    assert_allclose(noise_over_slope(points, plane, np.zeros(5), lambda u: np.zeros(len(u))),
                    stats.norm.pdf(box_muller(points)).prod(axis=1), rtol=1e-10)


# ---- relaxed

COIN = np.array([1.1, 0.2])


def square(y):
    return (y - 0.55)**2


def test_the_bias_falls_with_the_temperature_and_its_slope_is_the_coin_s_variance():
    pi = special.expit(0.9)
    bias = np.array([mean_over_logistic(square, COIN, t) - discrete_mean(square, COIN) for t in (0.4, 0.2, 0.1)])
    assert np.all(bias < 0) and np.all(np.diff(np.abs(bias)) < 0)
    assert_allclose(2 * bias[2] / 0.1 - bias[1] / 0.2, -pi * (1 - pi), rtol=0.02)
    assert_allclose(area_at_temperature_zero(square, COIN), -pi * (1 - pi), rtol=1e-10)
    straight = area_at_temperature_zero(lambda y: 0.3 * y - 1, COIN)        # no curvature, no bias at first order
    assert_allclose(straight, 0., atol=1e-12)


def test_the_relaxed_gradient_may_point_the_wrong_way_and_is_noisier_when_it_does_not():
    assert gradient_of_discrete_mean(square, COIN)[0] < -0.01 < 0.01 < expected_relaxed_slope(square, COIN, 0.8)[0]
    variance = np.array([variance_of_relaxed(square, COIN, t) for t in (0.2, 0.1, 0.05)])
    assert_allclose(variance[1:] / variance[:-1], 2, rtol=0.1)


def test_a_relaxed_draw_becomes_a_corner(rng):
    lam, eps = rng.uniform(-1, 1, 4), gumbel_noise(4).draw(rng, 500, 3)
    y = relax(eps, lam, 1e-9)
    assert_array_equal(y, np.eye(4)[np.argmax(lam + eps, axis=-1)])
    assert_allclose(np.sum(relax(eps, lam, 0.7), axis=-1), 1., rtol=1e-14)
    assert np.all(np.isfinite(relax(eps, lam + 800. * np.arange(4), 0.1)))


WRONG_RELAXED = {"temperature forgotten": lambda eps, lam: relax(eps, lam, 1.),
                 "logits not divided": lambda eps, lam: relax(eps / 0.6, lam, 1.),
                 "no noise": lambda eps, lam: relax(0. * eps, lam, 0.6)}


def relaxed_stage(draw):
    eps, f = gumbel_noise(2), lambda y: (y - 0.1)**3

    def estimate(eps):
        return gradient_of_each(lambda eps, lam: np.mean(f(draw(eps, lam[..., None, :])[..., 0]), axis=-1), eps, COIN)
    return dict(truth=lambda: expected_relaxed_slope(f, COIN, 0.6), estimate=estimate,
                noise=Noise(eps.draw, partial(eps.rule)), S=1)


@pytest.mark.parametrize("name", WRONG_RELAXED)
def test_the_rule_refuses_a_wrong_relaxation(name):
    result = rule(r"truth; \approx estimate", relaxed_stage(WRONG_RELAXED[name]))["estimate"]
    assert result.verdict == FAIL and result.how.startswith("rule"), result


def test_the_right_relaxation_passes(entropy, rng):
    for sign in (1, -1):        # turned, too: of two the difference counts, which is symmetric
        values = relaxed_stage(lambda eps, lam: relax(sign * eps, lam, 0.6))
        assert prove(entropy, r"truth; \approx estimate", values)["estimate"].verdict == PASS
    eps = gumbel_noise(3).draw(rng, 5, 2)
    assert relaxed_gradient(eps, square, np.zeros(3), 0.6).shape == (5, 3)


def test_gumbel_noise_turned_draws_another_categorical_of_three(entropy):
    lam = np.array([0.9, -0.2, -1.1])
    values = dict(truth=lambda: np.exp(lam) / np.exp(lam).sum(), right=lambda eps: share_of_largest(eps, lam, 0.6),
                  turned=lambda eps: share_of_largest(-eps, lam, 0.6),
                  noise=gumbel_noise(3), S=2)
    results = prove(entropy, r"truth; \approx right; \approx turned", values)
    assert results["right"].verdict == PASS and results["turned"].verdict == FAIL


def test_the_rademacher_is_fair():
    assert_allclose([mean_under(uniform_noise(), lambda u: rademacher_line(u, 0.5)**k) for k in (1, 2)], [0., 1.],
                    atol=1e-12)
