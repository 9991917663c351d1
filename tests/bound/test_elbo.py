"""The bound and its importance-weighted relatives: faults are refused, no bound exceeds the evidence."""
import autograd.numpy as anp
import numpy as np
import pytest
from autograd import grad

from refvi import Model, categorical, noise, normal, normal_lam
from refvi.base import files, models
from refvi.base.checks import require_bound
from refvi.bound.elbo import importance
from refvi.bound.elbo.rows import climbed, expectation_of_log, log_of_integral, log_weight
from refvi.verify.companion import load
from refvi.verify.trial import FAIL, PASS
from tests.verify.proof import prove

STAGES = load(files.page("elbo")).stages
MODEL = "p", "q", "lam", "x", "theta"


# ---- faults in the bound of a regression; three weights, since with two D/2 is one

def regression_terms(theta, x, lam):
    """(fit, cross entropy of the prior, entropy) of the bound and (D, mu, variance), all by hand."""
    y, D = theta.y, theta.y.shape[1]
    mu, variance = lam[:D], np.exp(2 * lam[D:])
    squares = np.sum((x - y @ mu)**2) + np.sum(y**2 @ variance)
    fit = -0.5 * squares / theta.noise_sd**2 - len(x) * np.log(theta.noise_sd * np.sqrt(2 * np.pi))
    prior = -0.5 * (mu @ mu + variance.sum()) / theta.prior_sd**2 - D * np.log(theta.prior_sd * np.sqrt(2 * np.pi))
    return fit, prior, 0.5 * np.sum(np.log(2 * np.pi * np.e * variance)), D, mu, variance


def right(theta, x, lam):
    fit, prior, entropy, *_ = regression_terms(theta, x, lam)
    return fit + prior + entropy


def entropy_dropped(theta, x, lam):
    fit, prior, *_ = regression_terms(theta, x, lam)
    return fit + prior


def entropy_without_its_dimensions(theta, x, lam):
    """The constant 1 + log 2 pi where D/2 (1 + log 2 pi) belongs."""
    fit, prior, *_, variance = regression_terms(theta, x, lam)
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
    fit, prior, entropy, *_, variance = regression_terms(theta, x, lam)
    return fit + prior + entropy - 0.25 * np.sum(np.log(variance))


def forward_for_reverse(theta, x, lam):
    """fit - KL(prior || q)."""
    fit, *_, mu, variance = regression_terms(theta, x, lam)
    ratio = theta.prior_sd**2 / variance
    return fit - 0.5 * np.sum(ratio + mu**2 / variance - 1 - np.log(ratio))


FAULTS = [entropy_dropped, entropy_without_its_dimensions, sum_for_the_fit_mean_for_the_prior, mean_for_the_fit,
          half_for_the_dimension, log_sd_for_log_variance, forward_for_reverse]


@pytest.mark.parametrize("fault", [right, *FAULTS], ids=lambda f: f.__name__)
def test_the_exact_bound_refuses_every_fault(fault, entropy, rng):
    y = rng.normal(size=(7, 3)) + [1, 0.5, 0]
    theta = models.regression(y, prior_sd=rng.uniform(1.3, 1.7), noise_sd=rng.uniform(0.6, 0.8))
    x, lam = rng.normal(size=7), np.concatenate([rng.uniform(0.3, 0.9, 3), rng.uniform(-1.1, -0.7, 3)])
    values = dict(theta=theta, x=x, lam=lam, exact=lambda: models.elbo(lam, x, theta), row=fault)
    result = prove(entropy, "exact; = row", values)["row"]
    assert result.verdict == (PASS if fault is right else FAIL), result


# ---- the asserted bound

def test_a_bound_above_the_evidence_is_an_error():
    assert require_bound(-5.0926, -4.5434) == -5.0926 and require_bound(-4.5434, -4.5434) == -4.5434
    with pytest.raises(ArithmeticError, match=r"the ELBO -71.95 exceeds the log evidence -75.1: one of the two"):
        require_bound(-71.95, -75.10)
    with pytest.raises(ArithmeticError, match="the ELBO nan"):
        require_bound(np.nan, -1.)


def test_the_exact_elbo_of_a_regression_is_held_against_its_evidence(monkeypatch, rng):
    stage = STAGES["regression"](rng)
    x, theta = stage["x"], stage["theta"]
    best = models.mean_field(x, theta)
    assert models.elbo(best, x, theta) < models.log_evidence(x, theta)
    right = models.half_log_det
    monkeypatch.setattr(models, "half_log_det", lambda found: right(found) + 3)
    with pytest.raises(ArithmeticError, match="exceeds the log evidence -"):
        models.elbo(best, x, theta)


def test_ascent_finds_a_posterior_that_the_family_holds(rng):
    stage = STAGES["mixture"](rng)
    p, _, lam, x, theta = (stage[name] for name in MODEL)
    logits = climbed(lambda z, lam: log_weight(z, p, categorical, lam, x, theta), categorical, lam)
    posterior = np.exp(stage["log_posterior"](np.arange(3)))
    np.testing.assert_allclose(np.exp(logits) / np.exp(logits).sum(), posterior, rtol=1e-7)


def test_the_numbers_of_the_page():
    """One normal datum: log evidence, then bound and divergence with q's mean at the posterior's and at zero."""
    p = Model(lambda z, theta: normal.log_prob(z, normal_lam(0., sd=1.5)),
              lambda x, z, theta: normal.log_prob(x - z, normal_lam(0., sd=0.7)))
    lams = [normal_lam(mu, sd=0.5) for mu in (1.0675182, 0.)]
    evidence = log_of_integral(p, normal, lams[0], 1.3, None)
    bounds = np.array([expectation_of_log(p, normal, lam, 1.3, None) for lam in lams])
    found = [evidence, *bounds, *(evidence - bounds)]
    np.testing.assert_allclose(found, [-1.731, -1.780, -3.196, 0.049, 1.465], atol=5e-4)


# ---- importance weights

def test_more_weights_approach_the_evidence_from_below(rng):
    stage = STAGES["normal"](rng)
    bounds = [importance.bound(S, *(stage[name] for name in MODEL)) for S in (1, 2, 3)]
    assert bounds[0] < bounds[1] < bounds[2] < stage["log_evidence"]()


@pytest.mark.parametrize("S, message", [(0, "S must be an integer >= 1, got 0"), (2.0, "S must be an integer"),
                                        (4, "S must be at most 3 for an exact bound, got 4: average")])
def test_bad_numbers_of_weights_are_refused(S, message, rng):
    stage = STAGES["normal"](rng)
    with pytest.raises(ValueError, match=message):
        importance.bound(S, *(stage[name] for name in MODEL))


def test_a_gradient_that_forgets_the_path_is_refused(entropy, rng):
    """The score's part alone, draws held fixed: the rule of the noise sees it."""
    stage = STAGES["standard_noise"](rng)

    def without_path(eps, p, q, lam, x, theta):
        z, copies = q.transport(eps, lam), np.broadcast_to(lam, (len(eps), len(lam)))
        return grad(lambda c: anp.sum(importance.log_mean(log_weight(z, p, q, c[:, None], x, theta))))(copies)

    values = {name: stage[name] for name in (*MODEL, "S", "noise", "slope_of_several")}
    right = prove(entropy, r"slope of several; \approx row", values | dict(row=importance.path_gradient))["row"]
    wrong = prove(entropy, r"slope of several; \approx row", values | dict(row=without_path))["row"]
    assert right.verdict == PASS and wrong.verdict == FAIL and wrong.how.startswith("rule")


def test_the_rule_of_the_noise_knows_the_mean_weight(rng):
    """E[w] = p(x)."""
    stage = STAGES["mixture"](rng)
    z, w = noise(stage["q"], stage["lam"]).rule(1, 64)
    weight = np.exp(log_weight(z, *(stage[name] for name in MODEL)))[:, 0]
    np.testing.assert_allclose(np.log(w @ weight), stage["log_evidence"](), rtol=1e-12)
