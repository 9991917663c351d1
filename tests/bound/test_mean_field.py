"""Mean field: the inventory's numbers hold, in two and in three coordinates, and wrong variances are refused."""
import sys

import numpy as np
import pytest
from scipy import integrate, stats

from refvi import normal
from refvi.base import files, models
from refvi.bound import mean_field
from refvi.verify.companion import load
from refvi.verify.trial import FAIL
from tests.verify.proof import prove

STAGES = load(files.page("mean_field")).stages
COMPANION = sys.modules["companion_mean_field"]


def test_the_inventory_s_counterexample():
    """PML.156: .45 N(0, .01^2) + .55 N(0, 1) has variance .550, the closest normal .923; .522 nats, .767 at s = .01."""
    share, sd = np.array([0.45, 0.55]), np.array([0.01, 1.])

    def log_target(z):
        import autograd.numpy as anp
        parts = [np.log(w) + normal.log_prob(z, np.array([0., np.log(s)])) for w, s in zip(share, sd)]
        return anp.logaddexp(*parts)

    def log_ratio(z):
        return stats.norm.logpdf(z, 0, np.exp(wide[1])) - log_target(z)

    q = normal._replace(nodes=COMPANION.about_zero)
    wide = mean_field.closest_reverse(q, np.zeros(2), log_target)
    needle = mean_field.closest_reverse(q, np.array([0., np.log(0.01)]), log_target)
    np.testing.assert_allclose([share @ sd**2, np.exp(2 * wide[1])], [0.550, 0.923], atol=5e-4)
    nats = [mean_field.mean_under_q(q, lam, log_target) for lam in (wide, needle, np.array([0., np.log(0.01)]))]
    np.testing.assert_allclose(nats, [0.522, 0.764, 0.767], atol=5e-4)
    by_scipy = integrate.quad(lambda z: stats.norm.pdf(z, 0, np.exp(wide[1])) * log_ratio(z), -9, 9,
                              points=[-0.05, -0.02, 0, 0.02, 0.05], limit=500)[0]
    np.testing.assert_allclose(nats[0], by_scipy, atol=1e-7)
    assert share[0] * sd[0]**2 / (share @ sd**2) == pytest.approx(8e-5, rel=0.03)      # the needle's part


def test_the_quartic_s_variances():
    """PML.156: exp(-x^4) has variance .3380, its closest normal .2887."""
    q = mean_field.closest_reverse(normal, np.array([0.1, -0.4]), lambda z: -z**4)
    second, mass = (integrate.quad(lambda z: z**k * np.exp(-z**4), -5, 5)[0] for k in (2, 0))
    np.testing.assert_allclose([np.exp(2 * q[1]), second / mass], [0.2887, 0.3380], atol=5e-5)


def test_mean_field_widths_of_the_code_task_s_posterior():
    """PML.156: sds (.0447, .0730) where (.0775, .1265) are exact: prior sd 10, noise .1, x = linspace(0, 1, 5)."""
    theta = models.regression(np.column_stack([np.ones(5), np.linspace(0, 1, 5)]), prior_sd=10, noise_sd=0.1)
    covariance = np.linalg.inv(models.posterior(np.ones(5), theta)[1])
    np.testing.assert_allclose(mean_field.inverse_diagonal_precision(covariance)**0.5, [0.0447, 0.0730], atol=5e-5)
    np.testing.assert_allclose(mean_field.marginal_variance(covariance)**0.5, [0.0775, 0.1265], atol=5e-5)


def test_the_two_prices_of_three_coordinates():
    """At correlations of .6 each: .375 and .522 nats, .223 a pair, 74 percent; two at .9 keep 44 percent."""
    three, two = (np.full((D, D), rho) + (1 - rho) * np.eye(D) for D, rho in ((3, 0.6), (2, 0.6)))
    prices = [mean_field.excess_of_log_precisions(three), mean_field.divergence_to_marginals(three),
              mean_field.excess_of_log_precisions(two), mean_field.divergence_to_marginals(two)]
    np.testing.assert_allclose(prices, [0.375, 0.522, 0.223, 0.223], atol=5e-4)
    np.testing.assert_allclose(mean_field.inverse_diagonal_precision(three), 0.55)
    nine = np.array([[1, 0.9], [0.9, 1]])
    np.testing.assert_allclose(mean_field.inverse_diagonal_precision(nine)**0.5, 0.436, atol=5e-4)


def test_the_reverse_price_can_be_the_higher_one():
    """The page asks for three such correlations."""
    correlation = np.array([[1, 0.65, 0.65], [0.65, 1, -0.1], [0.65, -0.1, 1]])
    assert np.all(np.linalg.eigvalsh(correlation) > 0)
    assert mean_field.excess_of_log_precisions(correlation) > mean_field.divergence_to_marginals(correlation)


@pytest.mark.parametrize("wrong", [np.diag, lambda C: 1 / np.diag(C), lambda C: np.diag(np.linalg.inv(C))])
@pytest.mark.parametrize("stage", ["plane", "space"])
def test_variances_of_a_product_that_are_not_the_conditional_ones_are_refused(wrong, stage, entropy, rng):
    s = STAGES[stage](rng)
    values = dict(covariance=s["covariance"], conditional_variance=s["conditional_variance"],
                  row=lambda covariance: wrong(covariance))
    assert prove(entropy, "conditional variance; = row", values)["row"].verdict == FAIL
