"""Dropout: the page's numbers, masks and their slopes, what is no probability, weights that switch off, the fit."""
import itertools

import numpy as np
import pytest
from scipy import optimize, stats
from scipy.special import digamma

from refvi.__main__ import main
from refvi.app.figures import load_press
from refvi.app.fits import dropout as report
from refvi.base import files
from refvi.base.optimize import Ascent
from refvi.base.progress import Interrupted
from refvi.bayes.dropout import divergence, model, rows, sparse
from refvi.likelihood.mle import classifier
from refvi.likelihood.networks import count, forward, initial, layers, rectified


PAGE = " ".join(files.page("dropout").read_text(encoding="utf-8").split())


# ---- the page's numbers

def test_four_masks():
    y, x, w = np.array([1., 2.]), 1., np.array([0.5, 0.5])
    errors = [(x - y @ (w * mask) / 0.8)**2 for mask in ((1, 1), (1, 0), (0, 1), (0, 0))]
    assert np.round(errors, 4).tolist() == [0.7656, 0.1406, 0.0625, 1.]
    assert np.dot([0.64, 0.16, 0.16, 0.04], errors) == pytest.approx(0.5625)
    assert 0.25 + rows.alpha_of(0.8) * np.sum(w**2 * y**2) == pytest.approx(0.5625)


def test_divergences_and_their_slopes():
    w = np.array([0.3, 1., 2.5])
    assert np.round(divergence.divergence_from_normal(w, 0.5, 1.), 3).tolist() == [1.118, 0.597, 3.618]
    assert np.round(divergence.slope_of_divergence(w, 0.5, 1.)[0], 3).tolist() == [-2.883, 0.5, 3.35]
    of_alpha = divergence.divergence_from_log_uniform(np.array([0.1, 0.5, 1., 4.]))
    assert np.round(of_alpha, 3).tolist() == [-0.33, -1.315, -1.627, -1.934]
    assert np.round(divergence.divergence_from_log_uniform(0.5 / w), 3).tolist() == [-1.782, -1.315, -0.755]
    for told in ("1.118, 0.597 and 3.618 at $`w = 0.3, 1, 2.5`$", "in $`w`$ -2.883, 0.5 and 3.35",
                 "-0.330, -1.315, -1.627 and -1.934 at $`\\alpha = 0.1, 0.5, 1, 4`$",
                 "-1.782, -1.315 and -0.755 at $`w = 0.3, 1, 2.5`$"):
        assert told in PAGE


def test_errors_of_the_two_formulas():
    """On a grid so fine that a step changes them by less than the last digit told."""
    below, everywhere = np.geomspace(0.1, 1, 501), np.geomspace(1e-3, 100, 1001)
    errors = divergence.errors_of_formulas(everywhere)[1]
    assert (round(errors.min(), 4), round(errors.max(), 4)) == (-0.0044, 0.0094)
    assert round(np.max(np.abs(divergence.errors_of_formulas(below)[0])), 4) == 0.0055
    beyond = divergence.errors_of_formulas(np.array([1.5, 2., 3.]))[0]
    assert np.round(beyond, 2).tolist() == [-0.17, -0.91, -5.83]
    assert "by at most 0.0055 for" in PAGE and "by -0.17 at 1.5, -0.91 at 2 and -5.8 at 3" in PAGE
    assert "errs by -0.0044 to 0.0094 for" in PAGE


def test_the_divergence_s_limits():
    at_infinity = 0.5 * (digamma(0.5) - np.log(np.pi) - 1)
    assert divergence.divergence_from_log_uniform(1e12) == pytest.approx(at_infinity, abs=1e-9)
    assert divergence.slope_in_log_alpha(1e-6) == pytest.approx(-0.5, abs=1e-5)      # all of it minus the entropy
    assert divergence.slope_in_log_alpha(1e12) == pytest.approx(0., abs=1e-9)


def test_how_far_from_zero_a_weight_is():
    assert divergence.standard_errors(1e9) == pytest.approx(1., abs=1e-6)
    assert round(divergence.standard_errors(20.), 2) == 1.04
    alphas = [optimize.brentq(lambda alpha: divergence.standard_errors(alpha) - t, 0.01, 9) for t in (2, 5)]
    assert np.round(alphas, 3).tolist() == [0.643, 0.046] and "At $`t = 2`$ it is 0.64, at $`t = 5`$ 0.046" in PAGE
    assert round(1 - 2 * stats.norm.sf(1), 2) == 0.68 and round(1 - 2 * stats.norm.sf(1.04), 2) == 0.70


def test_the_picture_s_accuracies():
    kept = load_press().stored("dropout_pruned")
    assert kept["name"].item() == "MNIST test" and round(100 * float(kept["random_off"])) == 96
    told = {way: (kept[f"random_{way}"][0], kept[f"random_{way}"][np.argmin(np.abs(kept["share"] - 0.98))])
            for way in ("by_alpha", "by_size", "plain")}
    assert {way: np.round(100 * np.array(pair), 1).tolist() for way, pair in told.items()} == {
        "by_alpha": [97.7, 97.6], "by_size": [97.7, 97.5], "plain": [98.0, 34.0]}
    for said in ("97.6 % of the test images are still right (97.7 before)", "falls from 98.0 to 34.0 there",
                 "the sparse fit keeps 97.5", "Then 96 of 100 weights"):
        assert said in PAGE


def test_dropout_run_for_long_ends_at_the_ridge(rng):
    """RAI.046. The recursion is linear in the weights, so the mean of many runs follows the exact gradient, and ends at
    the ridge solution. 2,000 runs: seven of their standard errors.
    """
    y = np.array([[1.2, -0.7], [0.3, 1.1], [-0.9, 0.5], [0.7, 0.6]])
    x, alpha, noise_sd, rate = np.array([0.8, -0.5, 0.4, 1.1]), 0.4, 0.7, 0.05
    w = np.zeros((2000, 1, 2))
    for _ in range(100):
        eps = 1 + np.sqrt(alpha) * rng.standard_normal((2000, 3, 2))
        w = w + rate * rows.dropout_gradient(eps, w, x, y, noise_sd)[:, None]
    off = np.mean(w, axis=(0, 1)) - rows.ridge_solution(x, y, alpha)
    assert np.all(np.abs(off) < 7 * np.std(w, axis=(0, 1)) / np.sqrt(2000))
    assert np.max(np.abs(rows.ridge_solution(x, y, alpha) - np.linalg.lstsq(y, x, rcond=None)[0])) > 0.1


# ---- masks in a network

def test_units_are_kept_as_often_as_told_and_divided_by_it(rng):
    """Faults: nothing divided, keep and drop swapped. 40,000 units: 7 standard errors are 0.014."""
    a = np.full((200, 200), 1.7, np.float32)
    h = model.dropping(rng, 0.8).value(a)
    assert h.dtype == np.float32 and set(np.unique(h)) == {np.float32(0), np.float32(1.7) * np.float32(1.25)}
    assert abs(np.mean(h > 0) - 0.8) < 0.014
    assert not np.any(model.dropping(rng, 0.8).value(-a))


def copies(rng):
    """As many generators in one state as are asked for."""
    state = rng.bit_generator.state

    def copy():
        again = np.random.Generator(np.random.SFC64())
        again.bit_generator.state = state
        return again

    return copy


def differences(f, theta, h=1e-6):
    return np.array([(f(theta + e) - f(theta - e)) / (2 * h) for e in h * np.eye(theta.size).reshape(-1, *theta.shape)])


@pytest.mark.parametrize("keep", [None, 0.7])
def test_the_gradient_climbs_the_bound_of_the_masks_it_drew(rng, keep):
    """Faults: the prior without keep or with 1 - keep, N / M left out. The relu's edge is passed with probability 1e-4
    at most in an entry, and rarely: the median of the entries' errors is held.
    """
    copy, M, N = copies(rng), 5, 12
    y, x, net = rng.standard_normal((M, 2)), rng.standard_normal((M, 1)), model.network(2)
    theta = np.append(initial(rng, net.sizes), -0.3)

    def bound(theta):
        masked = model.network(2, model.dropping(copy(), keep) if keep else rectified)
        means = forward(theta[:-1], y, masked.sizes, masked.g)[-1]
        fit = np.sum(stats.norm.logpdf(x, means, np.exp(theta[-1])))
        return N / M * fit - (keep or 1) * np.sum(theta[:-1]**2) / (2 * model.PRIOR_SD**2)

    masked = model.network(2, model.dropping(copy(), keep) if keep else rectified)
    found = model.bound_gradient(theta, x, y, N, masked, keep or 1.)
    off = np.abs(found - differences(bound, theta)) / np.max(np.abs(found))
    assert np.median(off) < 1e-7 and np.mean(off < 1e-6) > 0.9
    assert np.all(off[150:] < 1e-6)     # nothing above the units has an edge: weights, a bias, the noise's log


def test_every_pass_and_every_datum_has_masks_of_its_own(rng):
    """Faults: masks off at test, one mask for all passes. 50 units that are all on, no two sums of them alike: two
    draws agree once in 2^50.
    """
    theta = np.append(rng.uniform(0.1, 0.2, count((1, 50, 1))), 0.2)
    means, sd = model.passes(rng, theta, np.ones((3, 1)), 0.5, 4)
    assert means.shape == (4, 3) and len(np.unique(means)) == 12 and sd == np.exp(0.2)
    assert model.as_they_stand(theta, np.ones((3, 1)))[0].shape == (1, 3)


def test_the_predictive_density_is_the_average_of_densities(rng):
    """Faults: log T left out, a mean of logs, a deviation that is not the noise's."""
    x, means = rng.standard_normal(3), rng.standard_normal((4, 3))
    expected = np.log(np.mean(stats.norm.pdf(x, means, 0.6), axis=0))
    np.testing.assert_allclose(model.log_predictive(x, means, 0.6), expected, rtol=1e-12)
    far = model.log_predictive(np.array([200.]), np.zeros((3, 1)), 1.)
    np.testing.assert_allclose(far, stats.norm.logpdf(200.), rtol=1e-12)


def test_one_hidden_layer_averages_to_the_network_as_it_stands(rng):
    theta, y = initial(rng, (2, 4, 1)), rng.standard_normal((3, 2))
    outputs, chances = rows.all_masks(theta, y, 0.7, (2, 4, 1))
    whole = forward(theta, y, (2, 4, 1), rectified)[-1][:, 0]
    np.testing.assert_allclose(chances @ outputs, whole, rtol=1e-12, atol=1e-12)


def spied_fit(monkeypatch, rng, keep, **how):
    """A fit of 40 data, and what each call of its gradient got: (x, N, share of units dropped, keep)."""
    seen, whole = [], model.bound_gradient

    def spied(theta, x, y, N, net, share):
        dropped = net.g.value(np.ones(1000)) != 1
        seen.append((x[:, 0].copy(), N, np.mean(dropped), share))
        assert np.array_equal(y, Y[np.searchsorted(X, x[:, 0])])
        return whole(theta, x, y, N, net, share)

    monkeypatch.setattr(model, "bound_gradient", spied)
    return model.fit(rng, X, Y, keep, **how), seen


@pytest.mark.parametrize("keep", [None, 0.6])
def test_a_fit_meets_every_datum_once_an_epoch_in_another_order(monkeypatch, rng, keep):
    """40 data in minibatches of 12: three of them, and four data wait. Masks only where they are asked for."""
    ended, seen = spied_fit(monkeypatch, rng, keep, epochs=6, M=12)
    assert ended.steps == len(seen) == 18
    epochs = [np.concatenate([x for x, *_ in seen[n:n + 3]]) for n in range(0, 18, 3)]
    assert all(len(np.unique(epoch)) == 36 for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 6
    assert all(N == 40 and share == (keep or 1.) and (dropped > 0) == (keep is not None)
               for _, N, dropped, share in seen)


def test_what_the_page_s_table_was_made_with():
    assert (model.HIDDEN, model.PRIOR_SD, report.KEEP, report.T, report.EPOCHS) == (50, 1., 0.95, 500, 200)


def test_a_fit_begins_with_noise_of_the_target_s_size_and_its_rate_falls_to_a_twentieth(monkeypatch, rng):
    told = []
    monkeypatch.setattr(model, "adam", lambda gradient, lam, steps, rate: told.extend(
        (lam[-1], rate(0), rate(steps / 2), rate(steps))))
    model.fit(rng, X, Y, epochs=5, M=10, rate=0.02)
    assert told == pytest.approx([0., 0.02, 0.0105, 0.001])


# ---- what is refused

@pytest.mark.parametrize("keep", [0., 1., -0.1, 1.2, np.nan])
@pytest.mark.parametrize("call", [rows.alpha_of, lambda keep: model.dropping(None, keep),
                                  lambda keep: model.fit(None, np.zeros(40), np.zeros((40, 2)), keep)])
def test_what_is_no_probability_of_keeping(call, keep):
    with pytest.raises(ValueError, match=f"keep={keep}: expected a probability between 0 and 1.*pass 1 - p"):
        call(keep)


@pytest.mark.parametrize("alpha", [-0.2, 0., np.nan])
def test_what_is_no_variance(alpha):
    """The slide's alpha w, among others, at w = -0.4."""
    w, y = np.array([-0.4, 1.2]), np.eye(2)
    for call in (lambda: rows.mean_and_variance(w, alpha), lambda: rows.ridge_form(w, alpha, w, y, 1.),
                 lambda: rows.product_of_densities(w, w, alpha),
                 lambda: divergence.divergence_from_normal(w, alpha, 1.)):
        with pytest.raises(ValueError, match=f"alpha must be > 0, got {alpha}"):
            call()


def test_a_layer_that_may_lose_all_its_units():
    assert model.require_units(0.5, (3, 7, 1)) == 0.5
    with pytest.raises(ValueError, match="a hidden layer of 3 units loses all of them with probability 0.12, keep"):
        model.require_units(0.5, (9, 20, 3, 1))
    with pytest.raises(ValueError, match="a hidden layer of 50 units loses all of them"):
        model.fit(np.random.default_rng(), np.zeros(40), np.zeros((40, 2)), 0.05)


X, Y = np.linspace(-1, 1, 40), np.linspace(-2, 2, 80).reshape(40, 2)


@pytest.mark.parametrize("x, y, how, told", [
    (X[:, None], Y, {}, "x has shape"), (X[:3], Y, {}, "x has shape"), (X, Y[:, 0], {}, "y has shape"),
    (np.where(X > 0.9, np.nan, X), Y, {}, "x.*nan"), (X, np.where(Y > 1.9, np.inf, Y), {}, "y.*inf"),
    (X, Y, dict(M=41), "a minibatch of M=41 out of N=40"), (X, Y, dict(M=0), "M must be an integer >= 1"),
    (X, Y, dict(epochs=0), "epochs must be an integer >= 1"), (X, Y.astype(np.uint8), {}, "expected float"),
])
def test_data_that_no_network_takes(rng, x, y, how, told):
    with pytest.raises(ValueError, match=told):
        model.fit(rng, x, y, 0.9, **how)


@pytest.mark.parametrize("x, y, told", [(X[:3], Y, "x has shape"), (X, Y[:, 0], "y has shape"),
                                        (np.where(X > 0.9, np.nan, X), Y, "x.*nan")])
def test_data_that_no_regression_takes(x, y, told):
    with pytest.raises(ValueError, match=told):
        sparse.fit(x, y, 1.)


@pytest.mark.parametrize("T", [0, 1.5])
def test_a_number_of_passes_is_a_count(rng, T):
    with pytest.raises(ValueError, match="T must be an integer >= 1"):
        model.passes(rng, np.zeros(count((2, 50, 1)) + 1), Y, 0.9, T)


# ---- weights that switch off

def test_weights_within_a_standard_error_switch_off():
    """Eight orthogonal inputs, whose least-squares weights are known to lie t standard errors from zero."""
    t = np.array([0.2, -0.6, 0.95, 1.2, -1.5, 2., 5., -8.])
    y = 3 * np.array([[(-1)**bin(n & k).count("1") for k in range(8)] for n in range(16)], float)
    beside = np.array([(-1)**bin(n & 8).count("1") for n in range(16)])
    lam = sparse.fit(y @ t * 0.5 / 12 + 0.5 * beside, y, 0.5).lam
    alpha = np.exp(sparse.log_alphas(lam))
    assert (alpha > 20).tolist() == [True] * 3 + [False] * 5
    np.testing.assert_allclose(divergence.standard_errors(alpha[3:]), np.abs(t[3:]), rtol=1e-9)


def test_where_sparse_fits_begin(monkeypatch, rng):
    """A regression at least squares, each weight as uncertain as it would be alone; a classifier at its weights, with
    deviations of exp(-4.5).
    """
    begun = []
    monkeypatch.setattr(sparse, "adam", lambda gradient, start, steps, rate: begun.append(start))
    sparse.fit(X, Y @ [[1., 0.4], [0., 0.7]], 0.3)
    y = Y @ [[1., 0.4], [0., 0.7]]
    np.testing.assert_allclose(begun[0][0], np.linalg.lstsq(y, X, rcond=None)[0])
    np.testing.assert_allclose(np.exp(begun[0][1]), 0.09 / np.sum(y**2, axis=0))
    monkeypatch.setattr(classifier, "fit", lambda *arguments, start, **more: begun.append(start))
    sparse.fit_classifier(rng, None, None, np.array([0.3, -0.2]), 1)
    assert begun[1].tolist() == [[0.3, -0.2], [-9., -9.]]


def test_the_sparse_gradient_of_a_network(rng):
    """That of its own draw, by differences; one datum switches off all hidden units. Fault: the whole divergence for
    every minibatch."""
    sizes, copy = (3, 4, 3), copies(rng)
    w = rng.uniform(0.2, 1, count(sizes)) * rng.choice([-1, 1], count(sizes))
    lam = np.stack([w, rng.uniform(-2, 0, count(sizes))])
    y, x, N = np.vstack([rng.uniform(0.2, 1, (4, 3)), np.zeros(3)]), np.array([0, 2, 1, 1, 0]), 13
    weights = np.concatenate([np.arange(m * n + n) < m * n for m, n in zip(sizes, sizes[1:])])

    def bound(lam):
        logits = sparse.noisy_layers(copy(), lam, y, sizes)[1]
        alpha = np.exp(lam[1, weights]) / lam[0, weights]**2
        shared = len(x) / N * np.sum(divergence.divergence_from_log_uniform(alpha))
        return np.sum(classifier.log_softmax(logits)[np.arange(5), x]) - shared

    lam[0, 12:16] = -0.1        # biases: without inputs all units are off
    found = sparse.bound_gradient(copy(), lam, x, y, N, sizes)
    assert np.all(found[1, ~weights] == 0)
    off = np.abs(found.ravel() - differences(bound, lam)) / np.max(np.abs(found))
    for part in off.reshape(2, -1):
        (W, b), (V, c) = layers(part, sizes)
        assert np.median(W) < 1e-7 and np.median(b) < 1e-7      # a unit at its edge would spoil its own entries
        assert np.max(V) < 1e-6 and np.max(c) < 1e-6


def test_the_lowest_scores_are_taken_out_and_biases_stay():
    theta = np.arange(1., count((2, 2, 1)) + 1)
    assert sparse.pruned(theta, theta, 0.5, (2, 2, 1)).tolist() == [0, 0, 0, 4, 5, 6, 7, 8, 9]
    assert sparse.pruned(theta, -theta, 0.2, (2, 2, 1)).tolist() == [1, 2, 3, 4, 5, 6, 7, 0, 9]
    with pytest.raises(ValueError, match="layer 1 of 2 has lost all its weights"):
        sparse.pruned(theta, theta, 0.7, (2, 2, 1))


# ---- the fit

def test_the_report_on_a_toy_set(monkeypatch, capsys):
    monkeypatch.setattr(report, "EPOCHS", 2)
    monkeypatch.setattr(report, "T", 20)
    assert main(["fit", "dropout", "--data", "toy"]) == 0
    told = capsys.readouterr().out
    assert "toy sine: a hidden layer of 50 units, each kept with probability 0.95" in told and "5 splits" in told
    assert "alpha > 20 switches off" in told and "gain of 20 masks over no dropout" in told


def test_what_stands_beside_an_average_is_its_standard_error(monkeypatch, rng):
    """Fault: a standard deviation. Five splits, all targets one: errors of 1 to 5."""
    seen = itertools.count(1)
    monkeypatch.setattr(report, "standardized", lambda regression, train: (np.ones(400), np.ones((400, 1)), 1.))
    monkeypatch.setattr(report, "switched_off", lambda rng, regression: (np.zeros(1), np.ones(10)))

    def known(rng, x, y, test):
        off = np.full((1, len(test)), 1. + next(seen))
        return {"without dropout": (off, 1.), f"dropout, {report.T} masks": (off, 1.)}, ""

    monkeypatch.setattr(report, "answers", known)
    told = "\n".join(report.run(rng, "toy"))
    assert f"3.000 +- {np.sqrt(2.5 / 5):.3f}" in told and "+0.000 +- 0.000" in told


def test_the_gain_is_that_of_masks_over_none(monkeypatch, rng):
    """Targets one: without dropout off by one, with its masks by a half, so that (1 - 1/4) / 2 nats are gained."""
    monkeypatch.setattr(report, "standardized", lambda regression, train: (np.ones(400), np.ones((400, 1)), 1.))
    monkeypatch.setattr(report, "switched_off", lambda rng, regression: (np.array([True, False]), np.ones(10, bool)))
    monkeypatch.setattr(report, "answers", lambda rng, x, y, test: ({
        "without dropout": (np.zeros((1, len(test))), 1.), "dropout, masks off": (np.ones((1, len(test))), 1.),
        f"dropout, {report.T} masks": (np.full((3, len(test)), 0.5), 1.)}, ""))
    told = list(report.run(rng, "toy"))
    assert told[-1].endswith(f"gain of {report.T} masks over no dropout in nats per datum +0.375 +- 0.000")
    assert "switches off 10 of them, and 1 of its 2" in told[-2]


def test_scores_stand_in_the_target_s_unit(rng):
    """The error of the average, and nats of the average density, of targets in units of ten."""
    x, means = rng.standard_normal(5), rng.standard_normal((3, 5))
    error, nats = report.scores(x, means, 0.7, 10.)
    density = np.mean(stats.norm.pdf(10 * x, 10 * means, 7.), axis=0)
    assert error == pytest.approx(np.sqrt(np.mean((10 * x - 10 * means.mean(axis=0))**2)))
    assert nats == pytest.approx(np.mean(np.log(density)))


def test_data_are_standardized_by_those_to_learn_from():
    inputs, target = np.array([[1., 5.], [3., 5.], [8., 5.], [10., 6.]]), np.array([2., 9., 4., 3.])
    x, y, unit = report.standardized(report.data.Regression("toy", inputs, target), np.arange(3))
    np.testing.assert_allclose(y, (inputs - [4, 5]) / [np.std(inputs[:3, 0]), 1])
    np.testing.assert_allclose(x, (target - 5) / np.std(target[:3]))
    assert unit == np.std(target[:3])


def test_each_way_asks_its_own_network(monkeypatch):
    """The plain fit as it stands, the other as it stands, and the other again with masks of the same keep."""
    fits = []

    def fitted(rng, x, y, keep, epochs):
        fits.append((keep, epochs))
        return Ascent(f"theta of {keep}", 3, "" if keep is None else "why")

    monkeypatch.setattr(model, "fit", fitted)
    monkeypatch.setattr(model, "as_they_stand", lambda theta, test: (theta, test))
    monkeypatch.setattr(model, "passes", lambda rng, theta, test, keep, T: (theta, test, keep, T))
    ways, stopped = report.answers("rng", "x", "y", "test")
    assert fits == [(None, report.EPOCHS), (report.KEEP, report.EPOCHS)] and stopped == "why"
    assert list(ways.values()) == [("theta of None", "test"), (f"theta of {report.KEEP}", "test"),
                                   (f"theta of {report.KEEP}", "test", report.KEEP, report.T)]


def test_which_inputs_are_told_as_switched_off(monkeypatch, rng):
    """The set's own first, then ten columns of noise: where alpha lies above 20, for the noise that least squares
    leaves.
    """
    inputs, seen = rng.standard_normal((200, 2)), []
    alphas = np.array([19., 21.] + [0.1] * 4 + [1e4] * 6)

    def known(x, y, noise_sd):
        seen.append((x, y, noise_sd))
        return Ascent(np.stack([np.full(12, 0.3), np.log(alphas * 0.09)]), 1, "")

    monkeypatch.setattr(sparse, "fit", known)
    regression = report.data.Regression("toy", inputs, inputs @ [1.5, -2.] + 0.5 * rng.standard_normal(200))
    own, surplus = report.switched_off(rng, regression)
    assert own.tolist() == [False, True] and surplus.tolist() == [False] * 4 + [True] * 6
    (x, y, noise_sd), = seen
    left = x - y @ np.linalg.solve(y.T @ y, y.T @ x)
    assert noise_sd == pytest.approx(np.sqrt(left @ left / (200 - 12)))
    np.testing.assert_allclose(y[:, :2], (inputs - inputs.mean(axis=0)) / inputs.std(axis=0))


def test_ctrl_c_ends_the_report(monkeypatch, capsys):
    monkeypatch.setattr(model, "fit", lambda rng, x, y, keep, epochs: Ascent(
        np.zeros(count((1, 50, 1)) + 1), 3, Interrupted("interrupted after step 3 of 9")))
    assert main(["fit", "dropout", "--data", "toy"]) == 130
    assert "interrupted after step 3 of 9" in capsys.readouterr().out


def test_a_bayesian_network_stands_beside_it_once_it_has_run(monkeypatch, rng):
    table = report.data.Regression("UCI yacht", np.ones((400, 1)), np.ones(400))
    monkeypatch.setattr(report.uci, "at_hand", lambda name: True)
    monkeypatch.setattr(report.uci, "load", lambda name: table)
    monkeypatch.setattr(report, "split", lambda rng, name, number, N: (np.arange(N) < 300, np.arange(N) >= 300))
    monkeypatch.setattr(report, "standardized", lambda regression, train: (np.ones(400), np.ones((400, 1)), 1.))
    monkeypatch.setattr(report, "switched_off", lambda rng, regression: (np.zeros(1), np.ones(10)))
    monkeypatch.setattr(report, "answers", lambda rng, x, y, test: ({
        way: (np.zeros((1, len(test))), 1.) for way in ("without dropout", f"dropout, {report.T} masks")}, ""))
    beside = {0: dict(bnn=[0.3, -0.1]), 2: dict(bnn=[0.5, -0.4]), 7: dict(bnn=[9., 9.])}
    monkeypatch.setattr(report.bnn, "kept", lambda name: beside)
    line = next(line for line in report.run(rng) if "Bayesian" in line)
    assert line.split() == "Bayesian network 0.400 +- 0.100 -0.250 +- 0.150 (by HMC, 2 splits)".split()
    monkeypatch.setattr(report.bnn, "kept", lambda name: {})
    assert any("run `refvi fit bnn --data yacht` before" in line for line in report.run(rng))
