"""The bound, its divergences and its importance-weighted relatives: planted faults are refused, the inventory's numbers hold, bad input is named."""
import sys

import numpy as np
import pytest
from scipy import integrate, stats

from refvi import categorical, noise, normal
from refvi.base import files, models
from refvi.base.checks import require_bound
from refvi.bound import mean_field
from refvi.bound.elbo import importance
from refvi.bound.elbo.rows import climbed
from refvi.verify.companion import load
from refvi.verify.trial import FAIL, PASS
from tests.verify.proof import prove

STAGES = {name: load(files.page(name)).stages for name in ("elbo", "mean_field")}


# ---- faults in the bound of a regression with three weights (with two, K/2 is one): the evidence less the divergence is the truth

def regression_terms(theta, x, lam):
    """(fit, cross entropy of the prior, entropy) of the bound and (D, mu, variance), all by hand."""
    y, D = theta.y, theta.y.shape[1]
    mu, variance = lam[:D], np.exp(2 * lam[D:])
    fit = -0.5 * (np.sum((x - y @ mu)**2) + np.sum(y**2 @ variance)) / theta.noise_sd**2 - len(x) * np.log(theta.noise_sd * np.sqrt(2 * np.pi))
    prior = -0.5 * (mu @ mu + variance.sum()) / theta.prior_sd**2 - D * np.log(theta.prior_sd * np.sqrt(2 * np.pi))
    return fit, prior, 0.5 * np.sum(np.log(2 * np.pi * np.e * variance)), D, mu, variance


def right(theta, x, lam):
    fit, prior, entropy, *_ = regression_terms(theta, x, lam)
    return fit + prior + entropy


def entropy_dropped(theta, x, lam):
    fit, prior, *_ = regression_terms(theta, x, lam)
    return fit + prior


def entropy_without_its_dimensions(theta, x, lam):
    """The constant 1 + log 2 pi where K/2 (1 + log 2 pi) belongs."""
    fit, prior, _, _, _, variance = regression_terms(theta, x, lam)
    return fit + prior + 0.5 * np.sum(np.log(variance)) + 1 + np.log(2 * np.pi)


def sum_for_the_fit_mean_for_the_prior(theta, x, lam):
    fit, prior, entropy, D, *_ = regression_terms(theta, x, lam)
    return fit + (prior + entropy) / D


def mean_for_the_fit(theta, x, lam):
    fit, prior, entropy, *_ = regression_terms(theta, x, lam)
    return fit / len(x) + prior + entropy


def half_for_the_dimension(theta, x, lam):
    """fit - KL, with -1/2 in the KL where -D/2 belongs."""
    fit, prior, entropy, D, *_ = regression_terms(theta, x, lam)
    return fit + prior + entropy - (D - 1) / 2


def log_sd_for_log_variance(theta, x, lam):
    fit, prior, entropy, D, _, variance = regression_terms(theta, x, lam)
    return fit + prior + entropy - 0.25 * np.sum(np.log(variance))


def forward_for_reverse(theta, x, lam):
    """fit - KL(prior || q)."""
    fit, _, _, D, mu, variance = regression_terms(theta, x, lam)
    kl = 0.5 * np.sum(theta.prior_sd**2 / variance + mu**2 / variance - 1 + np.log(variance) - 2 * np.log(theta.prior_sd))
    return fit - kl


FAULTS = [entropy_dropped, entropy_without_its_dimensions, sum_for_the_fit_mean_for_the_prior, mean_for_the_fit, half_for_the_dimension,
          log_sd_for_log_variance, forward_for_reverse]


@pytest.mark.parametrize("fault", [right, *FAULTS], ids=lambda f: f.__name__)
def test_the_exact_bound_refuses_every_fault(fault, entropy, rng):
    theta = models.regression(rng.normal(size=(7, 3)) + [1, 0.5, 0], prior_sd=rng.uniform(1.3, 1.7), noise_sd=rng.uniform(0.6, 0.8))
    x, lam = rng.normal(size=7), np.concatenate([rng.uniform(0.3, 0.9, 3), rng.uniform(-1.1, -0.7, 3)])
    values = dict(theta=theta, x=x, lam=lam, exact=lambda: models.elbo(lam, x, theta), row=fault)
    result = prove(entropy, "exact; = row", values)["row"]
    assert result.verdict == (PASS if fault is right else FAIL), result


# ---- the asserted bound

def test_a_bound_above_the_evidence_is_an_error():
    assert require_bound(-5.0926, -4.5434) == -5.0926 and require_bound(-4.5434, -4.5434) == -4.5434
    with pytest.raises(ArithmeticError, match=r"the ELBO -71.95 exceeds the log evidence -75.1: one of the two is computed wrongly"):
        require_bound(-71.95, -75.10)
    with pytest.raises(ArithmeticError, match="the ELBO nan"):
        require_bound(np.nan, -1.)


def test_the_exact_elbo_of_a_regression_is_held_against_its_evidence(monkeypatch, rng):
    stage = STAGES["elbo"]["regression"](rng)
    x, theta = stage["x"], stage["theta"]
    best = models.mean_field(x, theta)
    assert models.elbo(best, x, theta) < models.log_evidence(x, theta)
    monkeypatch.setattr(models, "posterior", lambda x, theta, right=models.posterior: (right(x, theta)[0], -right(x, theta)[1]))
    monkeypatch.setattr(models, "log_evidence", lambda x, theta: -5.)
    with pytest.raises(ArithmeticError, match="exceeds the log evidence -5"):
        models.elbo(best, x, theta)


# ---- the same optimum

def test_ascent_finds_a_posterior_that_the_family_holds(rng):
    stage = STAGES["elbo"]["mixture"](rng)
    logits = climbed(lambda z, lam: stage["p"].log_joint(z, stage["x"], stage["theta"]) - categorical.log_prob(z, lam), categorical, stage["lam"])
    posterior = np.exp(stage["log_posterior"](np.arange(3)))
    np.testing.assert_allclose(np.exp(logits) / np.exp(logits).sum(), posterior, rtol=1e-7)


# ---- importance weights

def test_more_weights_approach_the_evidence_from_below(rng):
    stage = STAGES["elbo"]["normal"](rng)
    model = [stage[name] for name in ("p", "q", "lam", "x", "theta")]
    bounds = [importance.bound(S, *model) for S in (1, 2, 3)]
    assert bounds[0] < bounds[1] < bounds[2] < stage["log_evidence"]()


@pytest.mark.parametrize("S, message", [(0, "S must be an integer >= 1, got 0"), (2.0, "S must be an integer"), (4, "S must be at most 3 for an exact bound, got 4: average")])
def test_bad_numbers_of_weights_are_refused(S, message, rng):
    stage = STAGES["elbo"]["normal"](rng)
    with pytest.raises(ValueError, match=message):
        importance.bound(S, *(stage[name] for name in ("p", "q", "lam", "x", "theta")))


def test_a_gradient_that_forgets_the_path_is_refused(entropy, rng):
    """The score's part alone, draws held fixed: the rule of the noise sees it."""
    stage = STAGES["elbo"]["standard_noise"](rng)

    def without_path(eps, p, q, lam, x, theta):
        z, copies = q.transport(eps, lam), np.broadcast_to(lam, (len(eps), len(lam)))
        from autograd import grad
        import autograd.numpy as anp
        return grad(lambda c: anp.sum(importance.log_mean(p.log_joint(z, x, theta) - q.log_prob(z, c[:, None]))))(copies)

    values = {name: stage[name] for name in ("p", "q", "lam", "x", "theta", "S", "noise", "slope_of_several")}
    assert prove(entropy, r"slope of several; \approx row", values | dict(row=importance.path_gradient))["row"].verdict == PASS
    result = prove(entropy, r"slope of several; \approx row", values | dict(row=without_path))["row"]
    assert result.verdict == FAIL and result.how.startswith("rule")


# ---- mean field

def test_the_inventory_s_counterexample():
    """PML.156: .45 N(0, .01^2) + .55 N(0, 1) has variance .550; the closest normal .923, at .522 nats, against .767 at s = .01."""
    companion = sys.modules["companion_mean_field"]
    pi, sd = np.array([0.45, 0.55]), np.array([0.01, 1.])

    def log_target(z):
        import autograd.numpy as anp
        return anp.logaddexp(*(anp.log(w) - 0.5 * (z / s)**2 - np.log(s) - 0.5 * np.log(2 * np.pi) for w, s in zip(pi, sd)))

    q = normal._replace(nodes=companion.about_zero)
    wide = mean_field.closest_reverse(q, np.zeros(2), log_target)
    needle = mean_field.closest_reverse(q, np.array([0., np.log(0.01)]), log_target)
    np.testing.assert_allclose([pi @ sd**2, np.exp(2 * wide[1])], [0.550, 0.923], atol=5e-4)
    nats = [mean_field.mean_under_q(q, lam, log_target) for lam in (wide, needle, np.array([0., np.log(0.01)]))]
    np.testing.assert_allclose(nats, [0.522, 0.764, 0.767], atol=5e-4)
    by_scipy = integrate.quad(lambda z: stats.norm.pdf(z, 0, np.exp(wide[1])) * (stats.norm.logpdf(z, 0, np.exp(wide[1])) - log_target(z)), -9, 9,
                              points=[-0.05, -0.02, 0, 0.02, 0.05], limit=500)[0]
    np.testing.assert_allclose(nats[0], by_scipy, atol=1e-7)


def test_the_quartic_s_variances():
    """PML.156: exp(-x^4) has variance .3380, its closest normal .2887."""
    q = mean_field.closest_reverse(normal, np.array([0.1, -0.4]), lambda z: -z**4)
    np.testing.assert_allclose([np.exp(2 * q[1]), integrate.quad(lambda z: z**2 * np.exp(-z**4), -5, 5)[0] / integrate.quad(lambda z: np.exp(-z**4), -5, 5)[0]],
                               [0.2887, 0.3380], atol=5e-5)


def test_mean_field_widths_of_the_code_task_s_posterior():
    """PML.156: sds (.0447, .0730) where the exact ones are (.0775, .1265): prior sd 10, noise .1, x = linspace(0, 1, 5)."""
    theta = models.regression(np.column_stack([np.ones(5), np.linspace(0, 1, 5)]), prior_sd=10, noise_sd=0.1)
    mean, precision = models.posterior(np.ones(5), theta)
    np.testing.assert_allclose(mean_field.inverse_diagonal_precision(np.linalg.inv(precision))**0.5, [0.0447, 0.0730], atol=5e-5)
    np.testing.assert_allclose(np.diag(np.linalg.inv(precision))**0.5, [0.0775, 0.1265], atol=5e-5)


@pytest.mark.parametrize("row", [lambda covariance: np.diag(covariance), lambda covariance: 1 / np.diag(covariance), lambda covariance: np.diag(np.linalg.inv(covariance))])
def test_variances_of_a_product_that_are_not_the_conditional_ones_are_refused(row, entropy, rng):
    stage = STAGES["mean_field"]["plane"](rng)
    values = dict(covariance=stage["covariance"], conditional_variance=stage["conditional_variance"], row=row)
    assert prove(entropy, "conditional variance; = row", values)["row"].verdict == FAIL


def test_a_draw_of_the_noise_and_its_rule_agree_on_the_weights(rng):
    """E[w] = p(x): the rule exactly, draws within their error."""
    stage = STAGES["elbo"]["mixture"](rng)
    eps = noise(stage["q"], stage["lam"])
    z, w = eps.rule(1, 64)
    weight = np.exp(stage["p"].log_joint(z, stage["x"], stage["theta"]) - stage["q"].log_prob(z, stage["lam"]))[:, 0]
    np.testing.assert_allclose(np.log(w @ weight), stage["log_evidence"](), rtol=1e-12)
