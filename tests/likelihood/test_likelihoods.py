"""Likelihoods and heads: the page's numbers, Newton on labels of all kinds, and what is no label or no input."""
import itertools

import numpy as np
import pytest
from scipy import stats

from refvi.__main__ import main
from refvi.app.fits import logistic as report
from refvi.data import uci
from refvi.likelihood.heads import bernoulli, categorical, poisson
from refvi.likelihood.likelihoods import logistic, rows
from refvi.likelihood.mle.heteroscedastic import FLOOR
from refvi.likelihood.networks import sigmoid

SIX = np.array([0.4, -2.1, -0.8, 1.3, 2.2, 3.9])
PARTED = np.array([-2.1, -1.3, -0.4, 0.6, 1.2, 2.4])


# ---- the page's numbers

def test_five_waiting_times():
    x = np.array([2., 3, 4, 5, 11])
    np.testing.assert_array_equal(rows.mean_and_variance(x), [5, 10])
    for variance, told in ((10, -12.851), (12.5, -12.909)):
        assert round(-rows.squared_loss(x, 5., np.sqrt(variance)), 3) == told
    assert round(0.5 * np.log(20 * np.pi) + 0.5, 3) == 2.570


def test_where_it_fails_in_numbers():
    assert [round(rows.collapsed_mixture(SIX, sd), 2) for sd in (1e-3, 1e-6, 1e-12)] == [-9.10, -2.19, 11.63]
    assert round(stats.norm.logpdf(SIX, SIX.mean(), SIX.std()).sum(), 2) == -12.54
    heights = [rows.height_at_the_mean(0.3, sd) for sd in (0.1, 1, 1e-2, 1e-4, FLOOR)]
    assert round(heights[0], 2) == 3.99 and np.round(np.log(heights[1:]), 2).tolist() == [-0.92, 3.69, 8.29, 2.99]
    assert round(rows.best_of_all_parameters(np.zeros(9), 0.3), 3) == 2.565


def test_a_treatment_and_a_threshold():
    y = np.column_stack([np.ones(35), np.repeat([0., 1], [15, 20])])
    x = np.repeat([1., 0, 1, 0], [5, 10, 12, 8])
    fit = logistic.fit(x, y)
    assert np.round(fit.found, 3).tolist() == [-0.693, 1.099] and fit.stopped == ""
    assert round(logistic.standard_errors(fit.found, y)[1], 3) == 0.713
    parted = logistic.fit((PARTED > 0).astype(float), PARTED[:, None])
    assert len(parted.trace) - 1 == 24 and 2 < parted.found[0] / 24 < 2.5
    assert "a plane has 6 of 6 data on their own side; the likelihood grows for ever" in parted.stopped


# ---- heads at the ends of the scale

def test_logits_of_any_size():
    logits = np.array([[800., 0, -800]])
    np.testing.assert_array_equal(categorical.log_prob(np.eye(3), logits), [0, -800, -1600])
    np.testing.assert_array_equal(categorical.mean(logits), [[1, 0, 0]])
    assert rows.logistic_loss(np.array([1., 0]), np.array([-800., 800.])) == 1600
    assert rows.softplus.value(-800.) == 0. and rows.softplus.value(800.) == 800.


def test_a_draw_is_one_outcome(rng):
    draws = categorical.draw(rng, np.zeros((1000, 4)))
    assert set(draws.ravel()) == {0., 1.} and np.all(draws.sum(axis=1) == 1)
    assert poisson.draw(rng, np.zeros((3, 2))).dtype == float


# ---- Newton

def test_every_labelling_of_a_line_is_told_apart():
    """A maximum exists if and only if no threshold, in either direction, has all labels on their sides or on it."""
    y = np.array([-1.7, -0.4, 0.3, 0.3, 1.9])
    for labels in itertools.product([0., 1.], repeat=5):
        x = np.array(labels)
        ones, zeros = y[x == 1], y[x == 0]
        parted = min(len(ones), len(zeros)) == 0 or ones.min() >= zeros.max() or zeros.min() >= ones.max()
        fit = logistic.fit(x, np.column_stack([np.ones(5), y]))
        assert ("separable" in fit.stopped) == parted and bool(fit.stopped) == parted, labels
        assert np.all(np.diff(fit.trace) >= 0)


def test_data_on_the_border_are_counted_there():
    y = np.column_stack([np.ones(5), [-2., -1, 0, 0, 1.5]])
    told = logistic.fit(np.array([0., 0, 0, 1, 1]), y).stopped
    assert "a plane has 3 of 5 data on their own side, the other 2 on the border" in told


def test_units_change_nothing_but_units(rng):
    y, unit = rng.normal(size=(60, 3)), np.array([1e-6, 1., 1e7])
    x = (rng.random(60) < sigmoid(y @ [0.5, -0.4, 0.3])).astype(float)
    plain, scaled = logistic.fit(x, y), logistic.fit(x, y * unit)
    np.testing.assert_allclose(scaled.found * unit, plain.found, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(logistic.standard_errors(scaled.found, y * unit) * unit,
                               logistic.standard_errors(plain.found, y), rtol=1e-6)


def test_estimates_scatter_as_far_as_the_curvature_says(rng):
    """Squared distances from the truth, in standard errors, have the mean 3: a sum of R chi-squares of 3 degrees.

    N = 4000 leaves a bias of the order of 1/N, far below the margin, which is crossed once in ten million.
    """
    theta, R, total = np.array([0.5, -0.8, 0.3]), 100, 0.
    y = np.column_stack([np.ones(4000), rng.standard_normal((4000, 2))])
    for _ in range(R):
        fit = logistic.fit((rng.random(4000) < sigmoid(y @ theta)).astype(float), y)
        off = fit.found - theta
        total += off @ logistic.information(sigmoid(y @ fit.found), y) @ off
    assert stats.chi2.isf(1 - 5e-8, 3 * R) * 0.97 < total < stats.chi2.isf(5e-8, 3 * R) * 1.03


@pytest.mark.parametrize("tenth", ["like all", "of one label", "without an input"])
def test_many_data_are_climbed_on_a_tenth_first(rng, tenth):
    """And from zero where that tenth has no maximum of its own; Newton's full steps from zero end there as well."""
    y = np.column_stack([np.ones(20_001), rng.normal(size=20_001), rng.normal(size=20_001) < 1.5])
    x = (rng.random(20_001) < sigmoid(y @ [0.4, -1.1, 0.7])).astype(float)
    if tenth == "of one label":
        x[::10] = 1
    if tenth == "without an input":
        y[::10, 2] = 0
    theta = np.zeros(3)
    for _ in range(12):
        theta = theta + logistic.newton_step(sigmoid(y @ theta), x, y)
    fit = logistic.fit(x, y)
    assert fit.stopped == "" and fit.trace[-1] == pytest.approx(logistic.log_likelihood(theta, x, y), rel=1e-13)
    # the last step was no longer than this in standard errors, and each is shorter than the one before
    assert np.all(np.abs(fit.found - theta) < np.sqrt(logistic.SMALL) * logistic.standard_errors(theta, y))
    pi = sigmoid(y @ theta)
    np.testing.assert_allclose(logistic.information_of_all(y @ theta, y), logistic.information(pi, y), rtol=1e-12)


def test_a_step_that_goes_down_is_halved():
    """Coins from logit 3, where the whole step lands at -6.6, and the next one further out."""
    heads = np.array([0., 1, 1, 0])
    theta, _, trace, length = logistic.climb(heads, np.ones((4, 1)), np.array([3.]), 50)
    assert length <= logistic.SMALL and abs(theta[0]) < 1e-9 and np.all(np.diff(trace) >= 0)


def test_a_fit_or_an_ascent_that_is_cut_off_says_so(rng):
    y = rng.normal(size=(40, 2))
    x = (rng.random(40) < sigmoid(y[:, 0])).astype(float)
    x[:2], y[:2] = [0, 1], [[3., 1], [2.5, -1]]         # overlapping for certain
    x[2:4], y[2:4] = [1, 0], [[3., 1], [2.5, -1]]
    assert logistic.fit(x, y, most=1).stopped == "not at rest after 1 steps"
    assert logistic.ascend(x, y, most=2).stopped == "not at rest after 2 steps"
    assert logistic.ascend(x, y).stopped == logistic.fit(x, y).stopped == ""


BAD = [(dict(x=[0, 1, 2, 1]), "x holds 2: labels are zeros and ones, take x > threshold"),
       (dict(x=[-1., 1, 1, -1]), "x holds -1: labels are zeros and ones"),
       (dict(x=np.zeros((4, 1))), r"x has shape \(4, 1\), expected \(4,\): one label for each of the N=4 rows of y"),
       (dict(x=[0, 1, np.nan, 1]), r"x\[2\] is nan; 1 of 4 values non-finite"),
       (dict(x=["0", "1", "1", "0"]), "x holds text"),
       (dict(x=np.ma.masked_values([0., 1, 9, 1], 9)), "x is a masked array with 1 of 4"),
       (dict(y=np.ones(4)), r"y has shape \(4,\), expected \(any, 1\)"),
       (dict(y=np.zeros((0, 2)), x=[]), "empty batch: y has no rows"),
       (dict(y=np.ones((4, 2), int)), "got int64 max 1"),
       (dict(y=np.array([[1., 2], [3, 4], [np.inf, 5], [6, 8]])), r"y\[2, 0\] is inf"),
       (dict(y=np.ones((4, 2))), r"y has 2 columns but rank 1: some are combinations of others \(with N=4 data\)"),
       (dict(y=np.column_stack([np.ones(4), np.zeros(4)])), "y has 2 columns but rank 1"),
       (dict(y=np.eye(4, 6)), r"y has 6 columns but rank 4")]


@pytest.mark.parametrize("take", [logistic.fit, logistic.ascend], ids=lambda take: take.__name__)
@pytest.mark.parametrize("change, message", BAD)
def test_bad_input_to_a_logistic_regression(take, change, message):
    given = dict(x=[0, 1, 1, 0], y=np.array([[1., 0.3], [1, 0.1], [1, -2], [1, 1.5]])) | change
    with pytest.raises(ValueError, match=message):
        take(given["x"], given["y"])


def test_lists_and_truth_values_are_labels():
    y = [[1., 0.3], [1, 0.1], [1, -2], [1, 1.5], [1, 0.3]]
    found = [logistic.fit(x, y).found for x in ([1, 1, 0, 0, 0], np.array([1, 1, 0, 0, 0], bool))]
    np.testing.assert_array_equal(*found)
    assert bernoulli.binary


# ---- refvi fit logistic

def test_three_ways_to_one_optimum_on_toy_labels(monkeypatch, capsys):
    monkeypatch.delenv("REFVI_DATA", raising=False)
    assert main(["fit", "logistic"]) == 0
    told = capsys.readouterr().out
    assert "REFVI_DATA is not set: this is a toy set" in told and "truth" in told
    assert float(told.split("SciPy's optimum lies within ")[1].split()[0]) < report.LEVEL
    assert "labels on purpose, input 1 above its median: no maximum: the labels are separable, a plane has" in told


def test_an_optimum_that_is_none_fails_the_fit(monkeypatch, capsys):
    best = report.by_scipy
    monkeypatch.setattr(report, "by_scipy", lambda x, y: best(x, y) + 1e-3)
    assert main(["fit", "logistic", "--data", "toy"]) == 1
    assert "they should agree to 1e-05" in capsys.readouterr().out


@pytest.mark.skipif(not uci.at_hand("energy"), reason="the UCI sets are not at hand")
def test_a_median_that_separates_a_real_set_is_named(rng):
    lines = list(report.run(rng, "energy"))
    assert lines[0] == "input 4 is left out: it is a combination of those before it"
    assert "target above its median 18.95, N = 768, D = 8 weights" in lines[1]
    assert "no maximum: the labels are separable, a plane has 624 of 768 data on their own side" in lines[1]
