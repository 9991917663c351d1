"""Black-box inference: the notebook's numbers, the loop and its ends, the fast path, bad inputs."""
import warnings

import numpy as np
import pytest
from scipy import stats

from refvi import categorical, diagonal_normal, normal
from refvi.base import files, models
from refvi.base.checks import require_bound
from refvi.base.optimize import Ascent, gradient_ascent, robbins_monro
from refvi.gradients.bbvi import regression, rows
from refvi.gradients.bbvi.algorithm import bbvi
from refvi.gradients.reparameterization import regression as paths
from refvi.gradients.reparameterization.algorithm import reparameterized
from refvi.gradients.score_function import weighted_score
from refvi.verify.companion import load
from tests.gradients.problems import random_regression

COMPANION = load(files.page("bbvi"))
NOTEBOOK, MISTAKES = COMPANION.stages["notebook"](), COMPANION.names
X, THETA = NOTEBOOK["x"], NOTEBOOK["theta"]


def generator(entropy):
    return np.random.Generator(np.random.SFC64(entropy))


def readable(x, theta, lam, rng, steps, S, rate, **options):
    return bbvi(lambda z: models.linear_gaussian.log_joint(z, x, theta), diagonal_normal, lam, rng, steps, S, rate,
                **options)


# ---- the published numbers (PML.038 and PML.046), to the digits quoted

@pytest.mark.parametrize("m, s, wrong, right", [((0.957, 0.632), (0.0447, 0.073), -383.44, -5.0926),
                                                ((1.5, 0.6), (0.2, 0.2), -884.92, -84.73)])
def test_the_notebook_s_bound_and_the_true_one(m, s, wrong, right):
    lam, digits = np.concatenate([m, np.log(s)]), len(str(right).split(".")[1])
    assert round(MISTAKES["all_four_mistakes"](X, THETA, lam), 2) == wrong
    assert round(rows.three_terms(X, THETA, lam), digits) == right == round(models.elbo(lam, X, THETA), digits)


def test_the_notebook_s_optimum_evidence_and_divergence():
    best = models.mean_field(X, THETA)
    np.testing.assert_allclose(np.round(best[:2], 5), [0.95716, 0.63223], atol=1e-12)
    np.testing.assert_allclose(np.round(np.exp(best[2:]), 5), [0.04472, 0.07303], atol=1e-12)
    evidence, bound = models.log_evidence(X, THETA), models.elbo(best, X, THETA)
    assert [round(v, 4) for v in (evidence, bound, evidence - bound)] == [-4.5434, -5.0926, 0.5492]
    mean, precision = models.posterior(X, THETA)
    covariance = np.linalg.inv(precision)
    np.testing.assert_allclose(np.sqrt(np.diag(covariance)), [0.07745, 0.12648], atol=5e-6)
    assert covariance[0, 1] / np.sqrt(covariance[0, 0] * covariance[1, 1]) == pytest.approx(-0.8165, abs=5e-5)


def test_each_mistake_has_the_number_the_page_quotes():
    lam = NOTEBOOK["lam"]
    reported = MISTAKES["one_mistake_at_a_time"](X, THETA, lam)
    assert np.round(reported, 2).tolist() == [-8.55, -234.55, -156.3, 0.68]
    page = (files.page("bbvi")).read_text(encoding="utf-8")
    for number in ("-8.55", "-234.55", "-156.30", "+0.68", "-383.44", "-5.0926", "-884.92", "-84.73", "-4.5434"):
        assert f"`{number}" in page, number


# ---- the loop reaches the top, with the schedule of the slide as well

def test_gradient_ascent_with_a_robbins_monro_sequence_reaches_the_optimum(rng):
    x, theta = random_regression(rng, N=20)
    best, steepest = models.mean_field(x, theta), np.max(np.linalg.eigvalsh(models.posterior(x, theta)[1]))
    ascent = readable(x, theta, best + [0.3, -0.2, 0.4, 0.5], rng, 800, 32, robbins_monro(0.5 / steepest, delay=150),
                      ascend=gradient_ascent)
    bound = models.elbo(ascent.lam, x, theta)       # 0.0016 nats below on average, 0.012 at most in 60 runs
    assert models.elbo(best, x, theta) - 0.2 < bound <= models.elbo(best, x, theta) < models.log_evidence(x, theta)
    assert np.all(np.abs(ascent.lam - best) < 0.5) and ascent.steps == 800 and ascent.stopped == ""


def test_a_tolerance_ends_the_ascent_near_the_top(rng):
    """PML.015, "until negligible improvement": without one all steps are taken, and so are they for one too small."""
    start, rate = np.array([0.5, 0.5, -2.5, -2.5]), robbins_monro(0.02, delay=100)
    ended, went_on = (readable(X, THETA, start, rng, 2000, 10, rate, tolerance=nats) for nats in (0.5, 1e-6))
    assert ended.stopped == "settled" and ended.steps in range(300, 2000, 100)
    assert models.elbo(models.mean_field(X, THETA), X, THETA) - 0.5 < models.elbo(ended.lam, X, THETA)
    assert went_on.stopped == "" and went_on.steps == 2000
    watched = readable(X, THETA, start, rng, 50, 10, rate, tolerance=0.5, watch=lambda step, lam: "enough")
    assert watched.stopped == "enough" and watched.steps == 1
    with pytest.raises(ValueError, match="tolerance must be .*leave it out"):
        readable(X, THETA, start, rng, 50, 10, rate, tolerance=0.)


@pytest.mark.parametrize("S", [1, 5, 25])
def test_few_draws_are_enough(rng, S):
    """PML.031: whatever S is the fit ends near the optimum.

    With one draw 0.007 nats below it on average; were the logarithm of that normal, 1.5 nats would be five of its sd.
    """
    start = np.array([0.5, 0.5, -2.5, -2.5])
    ascent = regression.fit(X, THETA, start, rng, 20_000, S, robbins_monro(0.02, delay=500))
    top = models.elbo(models.mean_field(X, THETA), X, THETA)
    assert models.elbo(ascent.lam, X, THETA) > top - 1.5 and models.elbo(start, X, THETA) < top - 15


def test_a_discrete_latent_needs_no_gradient_of_the_model(rng):
    table = np.log([0.2, 0.5, 0.3]) + [0.4, -0.7, 0.1]
    ascent = bbvi(lambda z: table[z], categorical, np.zeros(3), rng, 700, 20, robbins_monro(0.1, delay=150))
    np.testing.assert_allclose(np.exp(ascent.lam) / np.exp(ascent.lam).sum(), np.exp(table) / np.exp(table).sum(),
                               atol=0.02)


# ---- the fast path is the readable one

@pytest.mark.parametrize("D, N, S, rotate", [(2, 100, 10, True), (2, 100, 10, False), (3, 7, 4, True), (1, 5, 1, True),
                                             (4, 2, 3, True)])
def test_the_same_noise_gives_the_same_steps(rng, entropy, D, N, S, rotate):
    x, theta = random_regression(rng, N, D)
    lam, rate = np.concatenate([rng.normal(size=D), np.full(D, -1.5)]), robbins_monro(0.03, delay=100)
    traces = [], []
    ends = [fit(x, theta, lam, generator(entropy), 300, S, rate, watch=lambda step, lam: trace.append(lam.copy()),
                **more)
            for fit, trace, more in ((readable, traces[0], {}), (regression.fit, traces[1], dict(rotate=rotate)))]
    np.testing.assert_allclose(traces[0], traces[1], rtol=1e-9, atol=1e-10)
    np.testing.assert_allclose(ends[0].lam, ends[1].lam, rtol=1e-9, atol=1e-10)
    assert ends[0].steps == ends[1].steps == len(traces[0]) == 300


@pytest.mark.parametrize("rotate", [True, False])
def test_the_same_noise_gives_the_same_gradient(rng, rotate):
    """autograd's score of the readable path, and what the loop computes."""
    x, theta = random_regression(rng, D=3)
    lam, S = np.concatenate([rng.normal(size=3), rng.uniform(-2, -1, 3)]), 10
    B = np.linalg.qr(regression.whitened(x, theta), mode="r") if rotate else regression.whitened(x, theta)
    state = rng.bit_generator.state
    draws = next(regression.noise_of_each_step(rng, 1, S, 3))
    rng.bit_generator.state = state
    eps, b, left_out = rng.standard_normal((1, S, 3)), -40., regression.log_constant(theta) + 1.5 * np.log(2 * np.pi)
    slow = weighted_score(lam[:3] + np.exp(lam[3:]) * eps, lambda z: models.linear_gaussian.log_joint(z, x, theta),
                          diagonal_normal, lam, b + left_out)[0]
    fast, average = regression.hand_written(B, S)(lam.tolist(), *draws, b)
    np.testing.assert_allclose(fast, slow, rtol=1e-10, atol=1e-10 * np.max(np.abs(slow)))
    z = lam[:3] + np.exp(lam[3:]) * eps
    log_weights = models.linear_gaussian.log_joint(z, x, theta) - diagonal_normal.log_prob(z, lam)
    assert average + left_out == pytest.approx(np.mean(log_weights), rel=1e-12)


def test_the_same_end_leaves_the_generator_where_the_readable_path_does(entropy):
    ends = []
    for fit in (readable, regression.fit):
        rng = generator(entropy)
        fit(X, THETA, np.array([0.5, 0.5, -2., -2.]), rng, 37, 5, 0.01)
        ends.append(rng.random())
    assert ends[0] == ends[1]


def test_watching_does_not_change_the_fast_fit(entropy):
    runs = [regression.fit(X, THETA, np.zeros(4), generator(entropy), 30, 5, 0.01, watch)
            for watch in (None, lambda step, lam: lam.fill(7.))]
    assert np.array_equal(runs[0].lam, runs[1].lam)


def test_noise_comes_in_blocks_without_a_seam(entropy, monkeypatch):
    whole = regression.fit(X, THETA, np.zeros(4), generator(entropy), 50, 5, 0.01)
    monkeypatch.setattr(regression, "BLOCK", 70)        # seven steps of ten numbers at once
    np.testing.assert_allclose(regression.fit(X, THETA, np.zeros(4), generator(entropy), 50, 5, 0.01).lam, whole.lam,
                               rtol=1e-12)


# ---- what is not finite ends the ascent, by name

def broken_at(call, value):
    """A log joint of X that turns into value for the third draw from its call-th call on."""
    calls = []

    def log_joint(z):
        calls.append(1)
        result = models.linear_gaussian.log_joint(z, X, THETA)
        return np.where(np.arange(z.shape[1]) == 2, value, result) if len(calls) >= call else result
    return log_joint


START = np.array([0.5, 0.5, -2., -2.])


@pytest.mark.parametrize("value, told", [(np.nan, "nan"), (-np.inf, "-inf"), (np.inf, "inf")])
def test_a_log_joint_that_is_not_finite_is_named(rng, value, told):
    steps = []
    message = rf"^log_joint is {told} for draw 3, z = \[[^\]]+\], at step 312; the last finite parameters are returned$"
    with pytest.warns(RuntimeWarning, match=message):
        ascent = bbvi(broken_at(313, value), diagonal_normal, START, rng, 500, 5, 0.01, watch=lambda step,
                      lam: steps.append(lam.copy()))
    assert ascent.steps == 311 == len(steps) and np.array_equal(ascent.lam, steps[-1]) and "log_joint" in ascent.stopped


def test_a_log_joint_broken_from_the_start_returns_the_start(rng):
    with pytest.warns(RuntimeWarning, match="log_joint is nan for draw 3, z = .* at step 1;"):
        ascent = bbvi(broken_at(1, np.nan), diagonal_normal, START, rng, 500, 5, 0.01)
    assert ascent.steps == 0 and np.array_equal(ascent.lam, START)


def test_a_log_q_that_is_not_finite_is_named(rng):
    broken = normal._replace(log_prob=lambda z,
                             lam: np.where(np.arange(np.shape(z)[-1]) == 0, np.nan, normal.log_prob(z, lam)))
    with pytest.warns(RuntimeWarning, match="^log q is nan for draw 1, z = .* at step 1;"):
        assert bbvi(lambda z: -z**2, broken, np.zeros(2), rng, 5, 4, 0.1).steps == 0


def test_a_score_that_is_not_finite_is_named(rng):
    """|z - mu|^1/2 in log q has no slope where z = mu; the values are fine."""
    import autograd.numpy as anp
    spike = normal._replace(log_prob=lambda z, lam: normal.log_prob(z, lam) - anp.abs(z - lam[..., 0])**0.5,
                            sample=lambda rng, lam, size: np.full(size, lam[0]))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "divide by zero|invalid value", RuntimeWarning)
        with pytest.warns(RuntimeWarning, match="^the score of q is nan for draw 1, z = .* at step 1;"):
            assert bbvi(lambda z: -z**2 + np.arange(3), spike, np.zeros(2), rng, 5, 3, 0.1).steps == 0


@pytest.mark.parametrize("lam, told", [
    ([1e200, 0., 0., 0.], "log_joint is -inf on average over the draws"),
    ([0., 0., 0., 800.], "sigma leaves the range of floats, its logarithm is 800,"),
    ([0., 0., -800., 0.], "sigma leaves the range of floats, its logarithm is -800,"),
])
def test_the_fast_path_stops_as_well(rng, lam, told):
    with pytest.warns(RuntimeWarning, match=f"^{told} at step 1; the last finite parameters are returned"):
        ascent = regression.fit(X, THETA, np.array(lam), rng, 10, 5, 0.01)
    assert ascent.steps == 0 and np.array_equal(ascent.lam, lam)


@pytest.mark.parametrize("S", [1, 3, 10])
def test_a_descent_is_told(rng, S):
    """An ascent that jumps five units off the top at once: thousands of nats, whatever the draws."""
    def jump(gradient, lam, steps, rate, watch):
        for step in range(steps):
            gradient(lam + (step > 12) * np.array([5., 0., 0., 0.]))
        return Ascent(lam, steps)

    message = "the average log weight fell from .* nats over the first .* draws to .* over the last 3. steps: lower the"
    for climb in (bbvi, reparameterized):
        with pytest.warns(RuntimeWarning, match=message):
            climb(lambda z: models.linear_gaussian.log_joint(z, X, THETA), diagonal_normal,
                  models.mean_field(X, THETA), rng, 300, S, 1., ascend=jump)


@pytest.mark.parametrize("S", [1, 3, 20])
def test_a_descent_of_the_fast_paths_is_told(rng, S):
    for fit in (regression.fit, paths.fit):
        with pytest.warns(RuntimeWarning, match="the ELBO fell from .* to .* nats: lower the rate, or let it fall"):
            fit(X, THETA, models.mean_field(X, THETA), rng, 30, S, 1.)


def test_a_fit_that_climbs_is_not_warned_of(rng):
    assert readable(X, THETA, START, rng, 300, 10, 0.02).stopped == ""      # warnings are errors here


@pytest.mark.parametrize("fit", [readable, regression.fit])
def test_ctrl_c_returns_what_has_been_reached(rng, fit):
    kept = []

    def watch(step, lam):
        kept.append(lam.copy())
        if step == 7:
            raise KeyboardInterrupt
    ascent = fit(X, THETA, START, rng, 100, 5, 0.01, watch=watch)
    assert ascent == Ascent(ascent.lam, 7, "interrupted after step 7 of 100") and np.array_equal(ascent.lam, kept[-1])


# ---- bad inputs

def test_a_log_joint_of_the_wrong_shape_is_refused(rng):
    for wrong, shape in ((lambda z: np.zeros((1, 5, 1)), r"\(1, 5, 1\)"), (lambda z: 0., r"\(\)"),
                         (lambda z: np.zeros((1, 5, 6)), r"\(1, 5, 6\)")):
        with pytest.raises(ValueError, match=rf"log_joint returned shape {shape} for z of 1 repetition of 5 draws, "
                                             r"expected \(1, 5\): one number for each draw"):
            bbvi(wrong, diagonal_normal, START, rng, 5, 5, 0.01)


@pytest.mark.parametrize("change, message", [
    (dict(x=X[:, None]), r"x has shape \(5, 1\), expected \(5,\): one target for each of the N=5 rows"),
    (dict(x=np.where(np.arange(5) == 3, np.nan, X)), r"x\[3\] is nan; 1 of 5"),
    (dict(lam=np.zeros(3)), r"lam has shape \(3,\), expected \(4,\): D=2 means, then D=2 log standard deviations"),
    (dict(lam=np.array([0., np.inf, 0., 0.])), r"lam\[1\] is inf"),
    (dict(S=0), "S must be an integer >= 1, got 0"),
    (dict(S=2.5), "S must be an integer >= 1, got 2.5"),
    (dict(steps=0), "steps must be an integer >= 1, got 0"),
    (dict(rate=-0.1), "rate must be > 0, got -0.1"),
])
def test_bad_calls_of_the_fast_path_are_refused(rng, change, message):
    with pytest.raises(ValueError, match=message):
        regression.fit(**(dict(x=X, theta=THETA, lam=START, rng=rng, steps=5, S=4, rate=0.1) | change))


def test_integers_are_no_truncated_parameters(rng):
    ascent = regression.fit(X, THETA, np.array([0, 0, -1, -1]), rng, 3, 4, 0.1)
    assert ascent.lam.dtype == float and not np.array_equal(ascent.lam, np.round(ascent.lam))


# ---- a bound above the evidence

def test_a_bound_above_its_evidence_is_refused_with_both_numbers():
    message = r"the ELBO 0.68\d* exceeds the log evidence -4.54\d*: one of the two is computed wrongly"
    with pytest.raises(ArithmeticError, match=message):
        require_bound(MISTAKES["reported"](X, THETA, NOTEBOOK["lam"], h=-1.), models.log_evidence(X, THETA))
    with pytest.raises(ArithmeticError, match="ELBO nan exceeds"):
        require_bound(np.nan, -1.)
    with pytest.raises(ArithmeticError):
        require_bound(-1. + 1e-9, -1.)


def test_rounding_is_no_error():
    assert require_bound(-1. + 2**-52, -1.) == -1. + 2**-52 and require_bound(-np.inf, -1.) == -np.inf


def test_a_posterior_that_factorizes_has_a_bound_equal_to_the_evidence(rng):
    """Orthogonal inputs: nothing lies between the two but rounding, whatever the numbers are."""
    for _ in range(50):
        y = np.linalg.qr(rng.normal(size=(9, 3)))[0] * np.exp(rng.uniform(-3, 3, 3))
        theta = models.regression(y, prior_sd=np.exp(rng.uniform(-2, 2)), noise_sd=np.exp(rng.uniform(-2, 2)))
        x = rng.normal(size=9)
        best, evidence = models.mean_field(x, theta), models.log_evidence(x, theta)
        assert models.elbo(best, x, theta) == pytest.approx(evidence, rel=1e-9, abs=1e-9)


def test_scores_by_hand_are_scipy_s_slopes(rng):
    z, h = rng.normal(size=4), 1e-5
    np.testing.assert_allclose(rows.score_of_sigma(z, 0.3, 0.8),
                               (stats.norm.logpdf(z, 0.3, 0.8 + h)
                                - stats.norm.logpdf(z, 0.3, 0.8 - h)) / (2 * h), atol=1e-7)
