"""How quantiles move with their shapes: against adaptive quadrature over the whole range, differences of SciPy's
quantiles, and identities.
"""
import numpy as np
import pytest
from autograd import elementwise_grad
from scipy import integrate, special, stats

import refvi
from refvi.base.families.implicit import (beta_path, beta_quantile, gamma_log_quantile, gamma_path, student_path,
                                          student_quantile)


def log_uniform(rng, low, high, n):
    return np.exp(rng.uniform(np.log(low), np.log(high), n))


def extreme_quantiles(rng, n):
    """From 1e-6 to 1 - 1e-6, most of them near an end; both ends are there."""
    u = special.expit(rng.uniform(-13.8, 13.8, n))
    u[:2] = 1e-6, 1 - 1e-6
    return u


def pieces(g, ends):
    """SciPy's adaptive quadrature, piece by piece."""
    return sum(integrate.quad(g, a, b, epsabs=0, epsrel=1e-11, limit=200)[0] for a, b in zip(ends[:-1], ends[1:]))


def gamma_by_quadrature(a, log_z):
    """d log z / da = -(dF/da) / (z p(z)) in x = log t, whichever side of z is lighter: the mean of log t - digamma(a)
    is zero on the whole line.
    """
    def integrand(x):
        return np.exp(a * (x - log_z) - np.exp(x) + np.exp(log_z)) * (x - special.digamma(a))
    grid = 2.**np.arange(-24, 14)
    if log_z < special.digamma(a):
        reach = (80 + np.exp(log_z)) / a
        ends = log_z - np.append(grid[grid < reach], reach)[::-1]
        return -pieces(integrand, np.append(ends, log_z))
    top = np.log(np.exp(log_z) + 60 + 12 * np.sqrt(np.exp(log_z))) + 1
    middle = np.linspace(max(log_z, -6.), top, 120) if log_z < top else np.array([])
    return pieces(integrand, np.unique(np.concatenate([[log_z], log_z + grid[log_z + grid < -6], middle])))


def gamma_point(a, u):
    """log z at the quantile u, also where z is smaller than the smallest float."""
    return gamma_log_quantile(a, -np.log1p(-u))


def test_the_gamma_s_path_is_that_of_quadrature_for_all_shapes_and_quantiles(rng):
    a, u = log_uniform(rng, 1e-2, 1e3, 150), extreme_quantiles(rng, 150)
    a[2:6], u[2:6] = [1e-2, 1e-2, 1e3, 1e3], [1e-6, 1 - 1e-6] * 2
    log_z = gamma_point(a, u)
    mine, quadrature = gamma_path(a, log_z), np.array([gamma_by_quadrature(*pair) for pair in zip(a, log_z)])
    np.testing.assert_allclose(mine, quadrature, rtol=1e-10)
    assert np.all(np.isfinite(mine)) and np.all(mine > 0)


def test_beyond_that_range_nothing_is_nan(rng):
    a, log_z = log_uniform(rng, 1e-5, 1e7, 4000), np.linspace(-1e5, 20, 4000)
    assert np.all(np.isfinite(gamma_path(a, np.minimum(log_z, np.log(a + 40 * np.sqrt(a) + 800)))))
    b, x = log_uniform(rng, 1e-4, 1e6, 4000), rng.uniform(-600, 600, 4000)
    assert np.all(np.isfinite(beta_path(a, b, x))) and np.all(beta_path(a, b, x) >= 0)


def test_a_tiny_gamma_draw_moves_by_its_leading_term():
    """log z = (log u + log Gamma(a + 1)) / a, so its derivative is (digamma(a + 1) - log z) / a."""
    a, log_z = 0.01, -1500.
    assert gamma_path(a, log_z) == pytest.approx((special.digamma(a + 1) - log_z) / a, rel=1e-14)


def beta_by_quadrature(a, b, x):
    """d logit z / da in the logit of t, from whichever side of z is lighter."""
    log_t, log_rest, mean = (special.log_expit, lambda y: special.log_expit(-y),
                             special.digamma(a) - special.digamma(a + b))

    def integrand(y):
        return np.exp(a * (log_t(y) - log_t(x)) + b * (log_rest(y) - log_rest(x))) * (log_t(y) - mean)
    below, grid = log_t(x) < mean, 2.**np.arange(-24, 14)
    reach = (60 + (a + b) * (-log_rest(x) if below else -log_t(x))) / (a if below else b)
    steps = np.unique(np.concatenate([[0], grid[grid < reach], np.linspace(0, min(reach, abs(x) + 12), 60), [reach]]))
    ends = x + (-steps[::-1] if below else steps)
    return (-1 if below else 1) * pieces(integrand, ends)


def test_the_beta_s_path_is_that_of_quadrature(rng):
    a, b = log_uniform(rng, 1e-2, 1e3, (2, 80))
    x = np.log(a / b) + rng.uniform(-4, 4, 80) * np.sqrt(1 / a + 1 / b)
    quadrature = np.array([beta_by_quadrature(*point) for point in zip(a, b, x)])
    np.testing.assert_allclose(beta_path(a, b, x), quadrature, rtol=1e-8)


def slope(ppf, at, h=1e-3):
    """d ppf / d shape by central differences at two steps, extrapolated."""
    fine, coarse = ((ppf(at * (1 + step)) - ppf(at * (1 - step))) / (2 * step * at) for step in (h, 2 * h))
    return (4 * fine - coarse) / 3


@pytest.mark.parametrize("df", [0.4, 1., 3.7, 30., 400.])
def test_student_s_path_is_a_difference_of_scipy_s_quantiles(df, rng):
    u = rng.uniform(0.03, 0.97, 20)
    t = stats.t.ppf(u, df)
    reference = slope(lambda df: stats.t.ppf(u, df), df, 1e-2)
    np.testing.assert_allclose(student_path(df, t), reference, rtol=2e-4, atol=2e-6 * np.max(np.abs(reference)))
    assert student_path(df, 0.) == 0.


def test_the_beta_s_path_in_the_second_shape_is_a_difference_of_quantiles(rng):
    a, b, u = rng.uniform(0.5, 4., 20), rng.uniform(0.5, 4., 20), rng.uniform(0.05, 0.95, 20)
    mine = elementwise_grad(lambda b: beta_quantile(a, b, u))(b)
    np.testing.assert_allclose(mine, slope(lambda b: stats.beta.ppf(u, a, b), b), rtol=1e-6)


def test_the_beta_of_second_shape_one_is_a_power_of_the_uniform(rng):
    """b = 1: z = u^(1/a), so d log z / da = -log z / a."""
    a, x = rng.uniform(0.02, 40, 30), rng.uniform(-3, 3, 30)
    np.testing.assert_allclose(beta_path(a, 1., x) * special.expit(-x), -special.log_expit(x) / a, rtol=1e-9)


@pytest.mark.parametrize("name, law",
                         [("gamma", lambda lam: stats.gamma(np.exp(lam[0]), scale=np.exp(-lam[1]))),
                          ("beta", lambda lam: stats.beta(*np.exp(lam))),
                          ("student_t", lambda lam: stats.t(np.exp(lam[2]), lam[0], np.exp(lam[1]))),
                          ("inverse_gamma",
                          lambda lam: stats.invgamma(np.exp(lam[0]), scale=np.exp(lam[1])))])
def test_a_transport_keeps_the_quantile(name, law, rng):
    """Also its derivative in the noise, which is the density of the noise over that of the draw."""
    q, lam = getattr(refvi, name), rng.uniform(-0.5, 1.5, 3 if name == "student_t" else 2)
    zeros = np.zeros(len(lam))
    eps = law(zeros).ppf(rng.uniform(0.01, 0.99, 50))
    z = q.transport(eps, lam)
    np.testing.assert_allclose(law(lam).cdf(z), law(zeros).cdf(eps), rtol=1e-9)
    np.testing.assert_allclose(
        elementwise_grad(lambda eps: q.transport(eps, lam))(eps), law(zeros).pdf(eps) / law(lam).pdf(z), rtol=1e-6
    )


def test_the_quantiles_take_the_shorter_tail():
    """Where 1 - u is 1e-40 the upper tail still says where; in the lower one u would have been rounded to one."""
    eps = 40 * np.log(10)
    assert np.exp(gamma_log_quantile(2.5, eps)) == pytest.approx(stats.gamma.isf(1e-40, 2.5), rel=1e-9)
    assert student_quantile(3., 1e30) == pytest.approx(stats.t.isf(1e-30 / np.pi, 3.), rel=1e-6)


@pytest.mark.parametrize("call, words",
                         [(lambda: gamma_path(np.array([2., -1.]), 0.), "a must be > 0"),
                          (lambda: gamma_path(0., 0.), r"a must be > 0, got .*0.*\(a shape"),
                          (lambda: beta_path(2., 0., 0.), "b must be > 0"),
                          (lambda: refvi.gamma_lam(shape=-1., rate=2.),
                          r"shape must be > 0, got -1.0 \(the shape itself"),
                          (lambda: refvi.gamma_lam(shape=1., rate=0.),
                          r"rate must be > 0, got 0.0 \(one over the gamma's scale\)"),
                          (lambda: refvi.beta_lam(a=0., b=1.), "a must be > 0, got 0.0"),
                          (lambda: refvi.student_t_lam(0., sigma=1., df=-2.),
                          "df must be > 0, got -2.0"),
                          (lambda: refvi.student_t_lam(0., sigma=0., df=2.),
                          "sigma must be > 0, got 0.0")])
def test_a_shape_that_is_none_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_lam_of_named_parameters_is_their_family_s():
    np.testing.assert_allclose(
        refvi.gamma.log_prob(1.3, refvi.gamma_lam(shape=2.5, rate=1.7)), stats.gamma.logpdf(1.3, 2.5, scale=1 / 1.7)
    )
    np.testing.assert_allclose(refvi.beta.log_prob(0.3, refvi.beta_lam(a=2.5, b=1.7)), stats.beta.logpdf(0.3, 2.5, 1.7))
    np.testing.assert_allclose(
        refvi.student_t.log_prob(0.3, refvi.student_t_lam(0.7, sigma=1.3, df=4.0)), stats.t.logpdf(0.3, 4.0, 0.7, 1.3)
    )
