"""What a probabilistic model buys: the page's numbers, Gibbs sampling against enumeration, checks that reject, bad
inputs.
"""
import itertools

import numpy as np
import pytest
from scipy import stats

from refvi.__main__ import main
from refvi.app.figures import load_press
from refvi.app.fits import check
from refvi.data import uci
from refvi.generative.linear_latent import maximum
from refvi.likelihood.benefits import predictive, rows


def test_the_readings_of_the_page():
    x = np.array([0.3, 0.8, 1.1, 1.4, 1.9, 2.3, 7.5])
    weights = 4 / (3 + (x - np.median(x))**2)
    np.testing.assert_allclose([np.mean(x), np.median(x), weights @ x / weights.sum(), weights[-1]],
                               [2.186, 1.4, 1.403, 0.099], atol=6e-4)
    assert 0.95 < weights[0] and weights[3] == pytest.approx(4 / 3)
    assert rows.location_by_weights(x, 3.) == pytest.approx(1.404, abs=6e-4)


def test_of_two_tops_the_weights_find_that_of_the_majority():
    """Because they begin at the median; from the mean, 7.1, they would end at 8.9."""
    x, grid = np.array([0., 0.2, 0.4, 0.6, 9, 9.3, 30]), np.linspace(-1, 31, 32_001)
    best = grid[np.argmax(np.sum(stats.t.logpdf(x[:, None], 1, grid), axis=0))]
    assert rows.location_by_weights(x, 1) == pytest.approx(best, abs=1e-3)


def test_the_numbers_of_the_slides_models():
    """WI.18, UA.011: three classes of ten binary variables, three factors of fifty variables."""
    assert rows.latent_class_numbers(10, 3) == 32 and 2**10 - 1 == 1023
    assert rows.factor_numbers(50, 3) == 197 and 50 * 51 // 2 == 1275


def test_fewer_numbers_predict_better_where_they_suffice(rng):
    """30 data of 20 variables with two factors: covariance of all pairs, or one of factors and equal noise; nats per
    new datum. The gain was 11.5 to 48.8 in 80 runs.
    """
    W = rng.normal(size=(20, 2))
    truth = W @ W.T + 0.5 * np.eye(20)
    train, test = (rng.multivariate_normal(np.zeros(20), truth, n) for n in (30, 1000))
    full = stats.multivariate_normal(train.mean(axis=0), np.cov(train.T, bias=True))
    few = maximum.closed_form(train, 2)
    factors = stats.multivariate_normal(few.b, few.W @ few.W.T + few.sd**2 * np.eye(20))
    assert np.mean(factors.logpdf(test)) - np.mean(full.logpdf(test)) > 3


def test_the_outlier_s_picture():
    data = load_press().stored("outlier")
    np.testing.assert_allclose(np.diff(data["mean"]), 0.1 / 7)
    assert data["median"][-1] == data["median"][60] and data["student"][-1] < np.max(data["student"]) - 0.1


# ---- Gibbs sampling

def test_gibbs_sampling_agrees_with_enumeration(rng):
    """Six data, two components: how probable it is that the first datum shares a component with each other one, over
    all 2^6 labels, each with its evidence and the mass of its counts under uniform shares.
    """
    x, prior = np.array([-1.4, -1.1, -0.2, 0.4, 1.2, 1.9]), predictive.Prior()
    exact, total = np.zeros(6), 0.
    for labels in itertools.product((0, 1), repeat=6):
        groups = [x[np.array(labels) == k] for k in (0, 1)]
        mass = np.exp(sum(predictive.log_evidence(group, prior) for group in groups if len(group))
                      + stats.betabinom.logpmf(len(groups[0]), 6, 1, 1)) / stats.binom.pmf(len(groups[0]), 6, 0.5)
        exact, total = exact + mass * (np.array(labels) == labels[0]), total + mass
    draws = predictive.gibbs(rng, x, 2, 6000, prior=prior)
    parts = np.exp(predictive.log_parts(x, draws.shares, draws.mu, draws.sd))
    r = parts / parts.sum(axis=2, keepdims=True)
    together = np.sum(r[:, :1] * r, axis=2)         # labels are independent given the parameters
    error = together.reshape(60, 100, 6).mean(axis=1).std(axis=0) / np.sqrt(60)
    assert np.all(np.abs(together.mean(axis=0) - exact / total)[1:] < 6 * error[1:])
    assert np.all(error < 0.02)


def test_one_component_s_posterior_is_the_closed_form(rng):
    x = rng.normal(0.7, 1.3, 30)
    draws = predictive.gibbs(rng, x, 1, 4000)
    after = predictive.updated(predictive.Prior(), 30, np.sum(x), np.sum(x**2))
    t = stats.t(2 * after.shape, after.centre, np.sqrt(after.rate / after.shape / after.pseudo))
    assert stats.kstest(draws.mu[:, 0], t.cdf).pvalue > 1e-7
    assert stats.kstest(draws.sd[:, 0]**-2, stats.gamma(after.shape, scale=1 / after.rate).cdf).pvalue > 1e-7


def test_the_predictive_density_is_the_slope_of_its_distribution_function(rng):
    draws = predictive.gibbs(rng, rng.normal(size=20), 2, 50)
    x = np.linspace(-4, 4, 4001)
    log_p, below = predictive.predictive(x, draws)
    np.testing.assert_allclose(np.gradient(below, x)[1:-1], np.exp(log_p)[1:-1], atol=2e-4)


def test_replicates_come_from_their_draws(rng):
    draws = predictive.Draws(np.tile([0.3, 0.7], (4, 1)), np.tile([-25., 25.], (4, 1)), np.tile([0.5, 2.], (4, 1)))
    x = predictive.replicate(rng, draws, 5000)
    assert x.shape == (4, 5000) and abs(np.mean(x > 0) - 0.7) < 6 * np.sqrt(0.21 / 20_000)
    assert abs(np.std(x[x < 0]) - 0.5) < 0.05


def test_kurtosis_is_scipy_s(rng):
    x = rng.gamma(2., size=(3, 50))
    np.testing.assert_allclose(predictive.excess_kurtosis(x), stats.kurtosis(x, axis=1))


# ---- checks

def test_uniformity_is_scipy_s(rng):
    u = rng.random(60)
    ours, scipys = check.uniformity(u), stats.kstest(u, "uniform", method="asymp")
    np.testing.assert_allclose(ours, [scipys.statistic, scipys.pvalue], rtol=1e-7)


def test_a_check_is_of_the_half_that_is_held_out_in_the_target_s_units(entropy):
    target = np.sin(np.arange(41.)) + 0.1 * np.arange(41)
    plain, tenfold = (check.check(np.random.Generator(np.random.SFC64(entropy)), unit * target, 1, sweeps=20)
                      for unit in (1, 10))
    assert len(plain.nats) == len(plain.transforms) == 20
    np.testing.assert_allclose(tenfold.nats, plain.nats - np.log(10), rtol=1e-9)


def test_both_sides_count():
    found = check.Checked(np.arange(10.), 8.5, None, None)
    assert check.share_beyond(found) == pytest.approx(0.2) == check.share_beyond(found._replace(observed=0.5))
    assert check.uniformity(np.full(5, 0.9))[0] == pytest.approx(0.9) == check.uniformity(np.full(5, 0.1))[0]


def test_one_component_is_rejected_and_two_pass_on_two_groups(rng):
    target = np.append(rng.normal(-2, 0.8, 200), rng.normal(2, 1., 200))
    shares = [check.share_beyond(check.check(rng, target, K, 400)) for K in (1, 2)]
    assert shares[0] < 0.01 < 0.02 < shares[1]


@pytest.mark.skipif(not uci.at_hand("energy"), reason="REFVI_DATA has no uci/energy")
def test_the_heating_loads_have_two_components(rng):
    *_, line = check.run(rng, "energy")
    assert line == "UCI energy: components, by their kurtosis: 1 rejected, 2 passes, 3 passes"


def test_the_report_names_its_data_and_repeats(monkeypatch, capsys):
    monkeypatch.delenv("REFVI_DATA", raising=False)
    monkeypatch.setattr(check.check, "__defaults__", (60,))
    assert main(["fit", "check"]) == 0
    told = capsys.readouterr().out
    assert "REFVI_DATA is not set: this is a toy set" in told and "1 component:" in told and "3 components:" in told
    assert main(["fit", "check", "--entropy", told.split("--entropy ")[1].split(")")[0]]) == 0
    assert capsys.readouterr().out == told


def test_the_picture_rejects_one_component():
    data = load_press().stored("predictive_check")
    assert data["name"] == "UCI energy" and data["random_counts"].sum(axis=1).tolist() == [384, 384]
    (low, _, _), (below, _, above) = data["random_kurtosis"]
    assert data["random_observed"] < low and below < data["random_observed"] < above


def test_a_sequence_may_be_one_symbol(rng):
    start, moves, emissions = rng.dirichlet(np.ones(2)), rng.dirichlet(np.ones(2), 2), rng.dirichlet(np.ones(3), 2)
    told = rows.forward_over_states([2], start, moves, emissions)
    np.testing.assert_allclose(told, np.log(start @ emissions[:, 2]), rtol=1e-12)


# ---- bad inputs

@pytest.mark.parametrize("call, told", [
    (lambda rng: predictive.gibbs(rng, np.array([0.3, np.nan]), 2, 10), r"x\[1\] is nan; 1 of 2 values non-finite"),
    (lambda rng: predictive.gibbs(rng, np.ones((3, 1)), 2, 10), r"x has shape \(3, 1\), expected \(any,\): one number"),
    (lambda rng: predictive.gibbs(rng, [], 2, 10), "x"),
    (lambda rng: predictive.gibbs(rng, ["1", "2"], 2, 10), "x holds text"),
    (lambda rng: predictive.gibbs(rng, np.ma.masked_equal([1., 2.], 2.), 2, 10), "x is a masked array"),
    (lambda rng: predictive.gibbs(rng, np.ones(3), 0, 10), "K must be an integer >= 1, got 0"),
    (lambda rng: predictive.gibbs(rng, np.ones(3), 2, 1.5), "sweeps must be an integer >= 1, got 1.5"),
    (lambda rng: predictive.gibbs(rng, np.ones(3), 2, 10, burn=-1), "burn must be an integer >= 1, got -1"),
    (lambda rng: predictive.gibbs(rng, np.ones(3), 2, 10, prior=predictive.Prior(rate=0.)), "rate must be > 0"),
    (lambda rng: predictive.predictive([np.inf], predictive.Draws(*np.ones((3, 2, 1)))), r"x\[0\] is inf"),
    (lambda rng: rows.bigram_frequencies([(0, 1), (1, 0)], 2), "3 of 9 pairs of neighbours never occur"),
    (lambda rng: rows.bigram_frequencies([(0, 2, 5)], 3), "words are counted from 0"),
    (lambda rng: rows.bigram_frequencies([], 2), "no sentences"),
    (lambda rng: rows.forward_over_states([0, 4], np.ones(2) / 2, np.ones((2, 2)) / 2, np.ones((2, 3)) / 3),
     r"words must be integers in 0..2"),
])
def test_what_is_not_what_it_seems_is_named(call, told, rng):
    with pytest.raises(ValueError, match=told):
        call(rng)


@pytest.mark.skipif(not uci.at_hand("energy"), reason="REFVI_DATA has no uci/energy")
def test_the_two_components_are_two_heights():
    data = uci.load("energy")
    means = [np.mean(data.target[data.inputs[:, 4] == height]) for height in (3.5, 7)]
    np.testing.assert_allclose(means, [13.3, 31.3], atol=0.05)
