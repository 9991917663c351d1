"""The laboratory: planted faults, the page's tables, the slides' numbers, the study, its fast path, bad input."""

import re

import numpy as np
import pytest
from scipy import special, stats

from refvi import beta, categorical, diagonal_normal, noise, normal
from refvi.base import files, models
from refvi.base.core import score
from refvi.gradients.laboratory import fast, measure_valued, moments, study
from refvi.gradients.laboratory.directions import (path_arrows, path_to_posterior, path_with_model, score_arrows,
                                                   share_towards_the_mode, unit)
from refvi.gradients.laboratory.rows import (base_noise, exact_variance, others_gradient, score_gradient,
                                             variance_of_path, variance_of_score)
from refvi.gradients.laboratory.study import crossing, quadratic, sine, variance_study
from refvi.gradients.reparameterization.rows import path_gradient
from refvi.verify.compare import expectation
from refvi.verify.trial import FAIL, PASS
from tests.verify.proof import prove, rule

MU, SIGMA, K = 0.3, 0.7, 1.4
A, LAM, F = MU - K, np.array([MU, np.log(SIGMA)]), quadratic(K)
TRUTH = np.array([2 * A, 2 * SIGMA**2])
BASE, WEAK = noise(normal, np.zeros(2)), measure_valued.weak_noise()
# a mean this many standard errors off is wrong; a measured variance, which is skewed (by at most .15 for gradients of
# sin(1.3 z) on 20,000 replicates), takes two more: about 1e-9 by an Edgeworth expansion
SE = -stats.norm.ppf(1e-7 / 2)
PAGE = (files.page("laboratory")).read_text(encoding="utf-8")


# ---- faults in estimators: their mean


def stage_of(estimate, eps, S):
    return dict(truth=lambda: TRUTH, estimate=lambda eps: estimate(eps, F, normal, LAM), noise=eps, S=S)


def halves(
    mean=lambda f, w: f(w) - f(-w), spread=lambda f, m, u: f(m) - f(m * u), constant=(SIGMA * np.sqrt(2 * np.pi)) ** -1
):
    """A measure-valued estimator written out, to be spoiled."""

    def estimate(eps, f, q, lam):
        w, m, u = np.moveaxis(eps, -1, 0)
        return np.mean(
            np.stack(
                [constant * mean(lambda t: f(MU + SIGMA * t), w), spread(lambda t: f(MU + SIGMA * t), m, u)], axis=-1
            ),
            axis=1,
        )

    return estimate


RIGHT = {
    "score": (score_gradient, BASE, 2),
    "others": (others_gradient, BASE, 2),
    "path": (path_gradient, BASE, 2),
    "measure-valued": (measure_valued.measure_valued, WEAK, 1),
    "by hand": (halves(), WEAK, 1),
    "u mirrored": (halves(spread=lambda f, m, u: f(m) - f(-m * u)), WEAK, 1),
    "a score more": (
        lambda *a: score_gradient(*a) + 0.3 * np.mean(score(normal, normal.transport(a[0], LAM), LAM), axis=1),
        BASE,
        2,
    ),
}
WRONG = {"a half of the wrong sign": (halves(lambda f, w: f(w) + f(-w)), WEAK, 1),
         "the other half of the wrong sign": (halves(spread=lambda f, m, u: f(m) + f(m * u)), WEAK, 1),
         "both turned": (halves(lambda f, w: f(-w) - f(w)), WEAK, 1),
         "constant forgotten": (halves(constant=1.0), WEAK, 1),
         "no root of 2 pi": (halves(constant=1 / SIGMA), WEAK, 1),
         "variance for sd": (halves(constant=(SIGMA**2 * np.sqrt(2 * np.pi)) ** -1), WEAK, 1),
         "one half alone": (halves(lambda f, w: f(w)), WEAK, 1),
         "no uniform": (halves(spread=lambda f, m, u: f(m) - f(0.0 * m)), WEAK, 1),
         "root of the uniform": (halves(spread=lambda f, m, u: f(m) - f(m * np.sqrt(u))), WEAK, 1),
         "one-sided Maxwell": (halves(spread=lambda f, m, u: f(np.abs(m)) - f(m * u)), WEAK, 1),
         "S twice": (lambda *a: score_gradient(*a) / 2, BASE, 2),
         "sum over draws": (lambda *a: 2 * path_gradient(*a), BASE, 2),
         "own draw included": (lambda *a: others_gradient(*a) / 2, BASE, 2)}


@pytest.mark.parametrize("name", RIGHT)
@pytest.mark.parametrize("use_rule", [True, False])
def test_right_estimators_pass(entropy, name, use_rule):
    result = prove(entropy, r"truth; \approx estimate", stage_of(*RIGHT[name]), use_rule=use_rule)["estimate"]
    assert result.verdict == PASS and ("rule" in result.how) == use_rule, result


@pytest.mark.parametrize("name", WRONG)
def test_the_rule_refuses_every_fault(name):
    result = rule(r"truth; \approx estimate", stage_of(*WRONG[name]))["estimate"]
    assert result.verdict == FAIL and result.how.startswith("rule") and result.gap > 0.05, result


# ---- faults in variances

EXACT = {
    "score": np.array([A**4 / SIGMA**2 + 14 * A**2 + 15 * SIGMA**2, 2 * A**4 + 60 * A**2 * SIGMA**2 + 74 * SIGMA**4]),
    "path": np.array([4 * SIGMA**2, 4 * A**2 * SIGMA**2 + 8 * SIGMA**4]),
}
SLIPS = {"variance of the mean for that of one draw": lambda S: S, "divided by S twice": lambda S: 1 / S,
         "S - 1 for S": lambda S: S / (S - 1), "its root": None}


@pytest.mark.parametrize("slip", SLIPS)
def test_a_variance_of_another_number_of_draws_is_refused(slip):
    S, spoil = 3, SLIPS[slip] or (lambda S: 0.0)
    values = dict(by_hand=lambda: EXACT["path"] / S,
                  right=lambda: exact_variance(path_gradient, F, normal, LAM, BASE, 2).value * 2 / S,
                  wrong=lambda: (variance_of_path(F, normal, LAM, S) * spoil(S) if SLIPS[slip]
                                 else np.sqrt(variance_of_path(F, normal, LAM, S))))
    assert rule("by hand; = right", values)["right"].verdict == PASS
    assert rule("by hand; = wrong", values)["wrong"].verdict == FAIL


@pytest.mark.parametrize("order", [8, 16, 24])
def test_gauss_rules_are_exact_for_the_moments_they_promise(order):
    """Rayleigh: 2^(k/2) Gamma(1 + k/2); Maxwell, even k: 2^(k/2+1) Gamma((k+3)/2) / sqrt(pi); uniform: 1 / (k + 1)."""
    k = np.arange(16)
    wide = np.where(k % 2 == 0, 2 ** (k / 2 + 1) * special.gamma((k + 3) / 2) / np.sqrt(np.pi), 0.0)
    for measure, moments_of in ((measure_valued.rayleigh(measure_valued.FINE), 2 ** (k / 2) * special.gamma(1 + k / 2)),
                                (measure_valued.two_sided_maxwell(measure_valued.FINE), wide),
                                (measure_valued.legendre(measure_valued.FINE), 1 / (k + 1))):
        z, w = measure_valued.gauss(*measure, order)
        assert len(z) == order and np.all(w > 0)
        for k, truth in enumerate(moments_of):
            np.testing.assert_allclose(w @ z**k, truth, rtol=1e-9, atol=1e-9 * max(1.0, w @ np.abs(z) ** k))


def test_the_weak_noise_has_the_laws_it_names(rng):
    eps = WEAK.draw(rng, 20_000, 1).reshape(-1, 3)
    for draws, law in ((eps[:, 0], stats.rayleigh), (np.abs(eps[:, 1]), stats.maxwell),
                       (eps[:, 1] * eps[:, 2], stats.norm)):
        assert stats.kstest(draws, law.cdf).pvalue > 1e-7, law.name
    assert abs(np.mean(eps[:, 1] > 0) - 0.5) < 0.02


# ---- the page's tables


def table(head):
    """The cells of the table on the page whose first line begins so."""
    lines = PAGE[PAGE.index(head) :].split("\n\n")[0].splitlines()
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip("|"))] for line in lines[2:]]


def test_the_page_s_table_of_the_counterexample_is_exact():
    """PML.087's numbers too: 0.006/0.305, 0.200/0.335, 4.50/0.498 (exact 0.499), 49.99/0.500 (exact 50.00)."""
    at, slides = np.zeros(2), {0.5: (0.006, 0.305), 1.0: (0.200, 0.335), 3.0: (4.50, 0.498), 10.0: (49.99, 0.500)}
    for (c, quoted), row in zip(slides.items(), table("| $`f`$ | path | score"), strict=True):
        exact = [variance_of_path(sine(c), normal, at, 1)[0], variance_of_score(sine(c), normal, at, 1)[0],
                 measure_valued.variance_of_halves(sine(c), normal, at, 1)[0]]
        assert row[0] == ("$`\\sin z`$" if c == 1 else f"$`\\sin {c:g} z`$")
        assert [f"{v:.4f}" for v in exact] == row[1:]
        e = np.exp(-2 * c**2)
        np.testing.assert_allclose(
            exact[:2],
            [c**2 / 2 * (1 + e) - c**2 * np.exp(-(c**2)), (1 - (1 - 4 * c**2) * e) / 2 - c**2 * np.exp(-(c**2))],
            rtol=1e-9,
        )
        np.testing.assert_allclose(quoted, exact[:2], atol=1.2e-3 if c < 10 else 0.011, rtol=0)


INTEGRANDS = {"$`\\cos kz`$": study.cosine, "$`e^{-kz^2}`$": study.bump, "$`(z-k)^2`$": quadratic}


@pytest.mark.parametrize("row", table("| $`f`$ | path better"), ids=lambda row: row[0])
def test_the_page_s_table_of_crossings_is_found(row):
    name, lam = row[0], np.array([1.0, 0.0])
    f = INTEGRANDS[name]
    low, high = 1.1 if f is quadratic else 0.1, 4.0  # to the right of the mean; the left is its mirror image

    def path(k):
        return variance_of_path(f(k), normal, lam, 1)[0]

    def others(which, k):
        variance = {1: variance_of_score, 2: measure_valued.variance_of_halves}[which]
        return variance(f(k), normal, lam, 1)[0]

    for column in (1, 2):
        better = np.array([path(k) < others(column, k) for k in np.linspace(low, high, 24)])
        side, *number = row[column].split()
        if side in ("always", "never"):
            assert np.all(better == (side == "always"))
        else:
            assert np.sum(better[1:] != better[:-1]) == 1 and better[0] == (side == "below")
            assert f"{crossing(path, lambda k: others(column, k), low, high):.4f}" == number[0]


# ---- single draws, PML.075, .076, .083, .085

THETA, X = models.regression([[1.0, 0.0], [1.0, 1.0]], prior_sd=1.0, noise_sd=0.1), np.array([1.054, 1.489])
PICTURE = np.array([1.5, 0.6, np.log(0.2), np.log(0.2)])


def log_joint(unit):
    return lambda z: models.linear_gaussian.log_joint(z, X, THETA) + 2 * np.log(unit)


@pytest.mark.parametrize("unit, away", [(1.0, 0.021), (1e3, 0.21), (1e12, 0.80)])
def test_the_share_of_gradients_away_from_the_mode_is_an_accident_of_the_unit(unit, away, rng):
    exact = share_towards_the_mode(log_joint(unit), diagonal_normal, PICTURE)
    assert exact.error < 1e-5 and 1 - exact.value == pytest.approx(away, abs=0.006)
    z = diagonal_normal.sample(rng, PICTURE, (100_000,))
    weight = log_joint(unit)(z) - stats.norm.logpdf(z, PICTURE[:2], 0.2).sum(axis=-1)
    assert abs(np.mean(weight < 0) - exact.value) < SE * np.sqrt(exact.value * (1 - exact.value) / 100_000)
    towards = (
        np.sum(score_arrows(z[:1000], log_joint(unit), diagonal_normal, PICTURE) * (PICTURE[:2] - z[:1000]), axis=-1)
        > 0
    )
    np.testing.assert_array_equal(towards, weight[:1000] < 0)


def test_a_log_weight_that_curves_upwards_is_refused():
    with pytest.raises(ValueError, match="not concave along every ray from the mode: count draws instead"):
        share_towards_the_mode(log_joint(1.0), diagonal_normal, np.append(PICTURE[:2], np.log([0.05, 0.05])))


def test_a_path_s_arrow_says_more_of_where_the_posterior_is(rng):
    """The average cosine of a draw's arrow with the way to the posterior's mean is larger than that of the score."""
    centre = models.posterior(X, THETA)[0]
    z = diagonal_normal.sample(rng, PICTURE, (20_000,))
    way = unit(centre - z)
    path, other = (np.sum(unit(arrows(z, log_joint(1.0), diagonal_normal, PICTURE)) * way, axis=-1)
                   for arrows in (path_arrows, score_arrows))
    assert np.mean(path - other) > SE * np.std(path - other) / np.sqrt(len(z)) + 0.1
    assert path_to_posterior(log_joint(1.0), diagonal_normal, PICTURE, centre) > np.mean(other)


def test_the_path_follows_the_model_far_away_and_not_at_the_optimum():
    far, near = (
        path_with_model(log_joint(1.0), diagonal_normal, lam) for lam in (PICTURE, models.mean_field(X, THETA))
    )
    assert far > 0.9 and near < 0.75


# ---- the study

ALL = {"score": score_gradient, "others": others_gradient, "path": path_gradient,
       "halves": (measure_valued.measure_valued, WEAK)}


def test_the_study_finds_the_exact_variances(rng):
    f, S = sine(1.3), 4
    found = variance_study(ALL, f, normal, LAM, rng, 20_000, S)
    assert list(found) == list(ALL)
    for name, exact in (("score", variance_of_score), ("path", variance_of_path),
                        ("halves", measure_valued.variance_of_halves)):
        value, error = found[name]
        assert np.all(np.abs(value - exact(f, normal, LAM, S)) < (SE + 2) * error) and np.all(error < 0.1 * value), name


def test_its_errors_are_those_of_the_fourth_moment(entropy):
    """The row *from fourth moment*, without its terms of order 1 / R^2, on the study's own draws."""

    def stream():
        return np.random.Generator(np.random.SFC64(entropy))

    found = variance_study({"path": path_gradient}, sine(1.3), normal, LAM, stream(), 500, 1)["path"]
    g = path_gradient(BASE.draw(stream(), 500, 1), sine(1.3), normal, LAM)
    second, fourth = stats.moment(g, [2, 4])
    np.testing.assert_allclose(found.value, np.var(g, axis=0, ddof=1), rtol=1e-12)
    np.testing.assert_allclose(found.error, np.sqrt((fourth - second**2) / 500), rtol=1e-10)


def test_where_tails_are_heavy_a_small_variance_has_a_small_error_too(rng):
    """A study that met no large draw reports too little of both."""
    found = [variance_study({"score": score_gradient}, F, normal, LAM, rng, 200, 1)["score"] for _ in range(100)]
    assert np.corrcoef([f.value[1] for f in found], [f.error[1] for f in found])[0, 1] > 0.5


def test_a_score_s_term_has_tails_far_heavier_than_a_normal_s():
    z, p = BASE.rule(1, 256)
    off = score_gradient(z, quadratic(0.0), normal, np.zeros(2))[:, 1] - 2.0
    assert p @ off == pytest.approx(0, abs=1e-10) and p @ off**4 > 30 * (p @ off**2) ** 2


def test_blocks_change_nothing_but_rounding(entropy, monkeypatch):
    whole, pieces = [], []
    for kept, block in ((whole, 2**30), (pieces, 100)):
        monkeypatch.setattr(study, "BLOCK", block)
        kept += variance_study({"path": path_gradient, "score": score_gradient}, F, normal, LAM,
                               np.random.Generator(np.random.SFC64(entropy)), 1001, 3).values()
    for a, b in zip(whole, pieces):
        np.testing.assert_allclose(a.value, b.value, rtol=1e-11)
        np.testing.assert_allclose(a.error, b.error, rtol=1e-10)


def test_merged_moments_are_scipy_s(rng):
    g = rng.standard_exponential((500, 2)) * [1.0, 3.0] + 5
    n, mean, *sums = moments.merged(moments.merged(None, moments.block_moments(g[:37])), moments.block_moments(g[37:]))
    np.testing.assert_allclose(
        [mean, *(v / n for v in sums)], [g.mean(axis=0), *stats.moment(g, [2, 3, 4])], rtol=1e-10
    )


def test_a_reader_s_own_estimator_is_measured_beside_the_others(rng):
    def antithetic(eps, f, q, lam):
        return (path_gradient(eps, f, q, lam) + path_gradient(-eps, f, q, lam)) / 2

    found = variance_study({"mine": antithetic, "path": path_gradient}, F, normal, LAM, rng, 2000, 2)
    assert (
        np.all(found["mine"].value < found["path"].value) and found["mine"].value[0] < 1e-20
    )  # the slope of a quadratic is odd


def test_a_family_without_a_transport_is_drawn_from_where_it_stands(rng):
    lam, table = np.array([0.4, -0.2, -0.5]), np.array([2.1, 3.6, 1.1])
    found = variance_study({"score": score_gradient}, lambda z, lam: table[z], categorical, lam, rng, 5000, 2)["score"]
    exact = exact_variance(
        score_gradient, lambda z, lam: table[z], categorical, lam, base_noise(categorical, lam), 2
    ).value
    assert np.all(np.abs(found.value - exact) < (SE + 2) * found.error)


# ---- the fast path


def problem(rng, D, N):
    theta = models.regression(np.column_stack([np.ones(N), rng.normal(size=(N, D - 1))]), prior_sd=1.4, noise_sd=0.6)
    return (theta.y @ rng.normal(size=D) + 0.6 * rng.normal(size=N), theta,
            np.concatenate([rng.normal(size=D), rng.uniform(-1.5, -0.5, D)]))


@pytest.mark.parametrize("rotate", [True, False])
@pytest.mark.parametrize("D", [2, 3])
def test_the_fast_path_returns_what_the_readable_one_does_on_the_same_noise(rng, D, rotate):
    x, theta, lam = problem(rng, D, 30)
    eps = rng.standard_normal((50, 4, D))

    def f(z, lam):
        return models.linear_gaussian.log_joint(z, x, theta) - diagonal_normal.log_prob(z, lam)

    # score_gradient differentiates the -log q in f as well, which takes the score away; the slide's does not
    scores = score(diagonal_normal, diagonal_normal.transport(eps, lam), lam)
    with_its_score = score_gradient(eps, f, diagonal_normal, lam) + np.mean(scores, axis=1)
    by_score, path = fast.estimates(np.ascontiguousarray(np.moveaxis(eps, -1, 0)), fast.in_noise(x, theta, lam, rotate))
    for mine, readable in ((by_score, with_its_score), (path, path_gradient(eps, f, diagonal_normal, lam))):
        np.testing.assert_allclose(mine.T, readable, rtol=1e-8, atol=1e-9 * np.max(np.abs(readable)))


def test_the_fast_study_takes_the_variance_of_its_draws_in_blocks_too(entropy, rng, monkeypatch):
    x, theta, lam = problem(rng, 2, 12)

    def stream():
        return np.random.Generator(np.random.SFC64(entropy))

    g = fast.estimates(stream().standard_normal((2, 600, 5)), fast.in_noise(x, theta, lam))
    whole = fast.regression_study(x, theta, lam, stream(), 600, 5)
    for kind, own in zip(("score", "path"), g):
        np.testing.assert_allclose(whole[kind].value, np.var(own, axis=1, ddof=1), rtol=1e-10)
    monkeypatch.setattr(fast, "BLOCK", 512)
    for rotate in (True, False):
        seen, in_noise = stream(), fast.in_noise(x, theta, lam, rotate)
        size = 512 // (5 * (2 if rotate else len(in_noise.offset)))
        sizes = [min(size, 600 - start) for start in range(0, 600, size)]
        g = [fast.estimates(seen.standard_normal((2, R, 5)), in_noise) for R in sizes]
        found = fast.regression_study(x, theta, lam, stream(), 600, 5, rotate)
        for kind, own in zip(("score", "path"), zip(*g)):
            np.testing.assert_allclose(
                found[kind].value, np.var(np.concatenate(own, axis=1), axis=1, ddof=1), rtol=1e-9
            )


# ---- bad input


@pytest.mark.parametrize(
    "replicates, message",
    [(1, "replicates must be >= 4, got 1: a variance takes two, its standard error 4"), (3, "must be >= 4, got 3"),
     (0, "replicates must be an integer >= 1, got 0"), (10.0, "replicates must be an integer >= 1, got 10.0")],
)
def test_too_few_replicates_are_refused(replicates, message, rng):
    x, theta, lam = problem(rng, 2, 5)
    with pytest.raises(ValueError, match=re.escape(message)):
        variance_study({"path": path_gradient}, F, normal, LAM, rng, replicates, 1)
    with pytest.raises(ValueError, match=re.escape(message)):
        fast.regression_study(x, theta, lam, rng, replicates, 1)


@pytest.mark.parametrize(
    "estimator, shape",
    [(lambda eps, f, q, lam: f(eps, lam), "(10, 3)"),
     (lambda eps, f, q, lam: path_gradient(eps, f, q, lam)[:, 0], "(10,)"),
     (lambda eps, f, q, lam: np.mean(path_gradient(eps, f, q, lam), axis=0), "(2,)")],
)
def test_an_estimator_of_another_shape_is_named_with_both_shapes(estimator, shape, rng):
    with pytest.raises(ValueError,
                       match=re.escape(f"estimator 'mine' returned shape {shape} for 10 repetitions of 3 draws, "
                                       "expected (10, 2): one gradient for each repetition")):
        variance_study({"mine": estimator}, F, normal, LAM, rng, 10, 3)


def test_what_cannot_be_estimated_so_is_refused(rng):
    lam = np.log([2.0, 3.0])
    with pytest.raises(ValueError, match="has no transport"):
        variance_study({"path": path_gradient}, lambda z, lam: z**2, beta._replace(transport=None), lam, rng, 10, 2)
    with pytest.raises(
        ValueError,
        match="the weak derivative of beta_log_prob is not known here, only that of normal and diagonal_normal",
    ):
        measure_valued.measure_valued(WEAK.draw(rng, 5, 2), lambda z, lam: z**2, beta, lam)
    with pytest.raises(
        ValueError,
        match=re.escape("eps has shape (5, 2), expected (R, S, 3) or (R, S, D, 3): take its draws from weak_noise()"),
    ):
        measure_valued.measure_valued(BASE.draw(rng, 5, 2), F, normal, LAM)
    with pytest.raises(
        ValueError, match="S=1 leaves no other draw to take the baseline from: take S of at least 2, or a constant"
    ):
        others_gradient(BASE.draw(rng, 5, 1), F, normal, LAM)
    with pytest.raises(
        ValueError, match="the rule of 12 draws has too many points: take fewer draws, or measure with variance_study"
    ):
        exact_variance(path_gradient, F, normal, LAM, BASE, 12)
    with pytest.raises(ArithmeticError, match="nodes on each axis has not settled: f jumps, or is too fast"):
        variance_of_score(lambda z, lam=None: np.where(z > 0.3, 1.0, 0.0), normal, LAM, 1)
    with pytest.raises(ArithmeticError, match="nodes on each axis has not settled"):
        measure_valued.variance_of_halves(lambda z, lam=None: np.where(z > 0.5, 1.0, 0.0), normal, LAM, 1)
    with pytest.raises(
        ValueError, match="the variances do not change their order between k = 1 and 2: ratio 3 there, 3 here"
    ):
        crossing(lambda k: 3 * k, lambda k: k, 1.0, 2.0)
    with pytest.raises(ValueError, match=re.escape("lam has shape (3,), expected (4,): D=2 means")):
        fast.in_noise(X, THETA, np.zeros(3))


def test_rules_of_two_orders_differ_so_that_their_error_is_no_zero():
    for D in (None, 2):
        fine, coarse = (measure_valued.weak_noise(D).rule(1, order) for order in (64, 48))
        assert len(fine[1]) > len(coarse[1]) and fine[1].sum() == pytest.approx(1, rel=1e-12)
    assert measure_valued.weak_noise(4).rule(1, 64) is None and measure_valued.weak_noise(3).rule(1, 48) is not None
    mean, error = expectation(lambda eps: measure_valued.measure_valued(eps, F, normal, LAM), WEAK, 1)
    np.testing.assert_allclose(mean, TRUTH, rtol=1e-10)
