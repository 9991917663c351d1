"""Whom to trust: the page's numbers, draws of weights, a choice that can be refused, and what is no probability."""
import numpy as np
import pytest
from scipy import stats

from refvi.__main__ import main
from refvi.app.fits import trust as report
from refvi.bayes import trust
from refvi.likelihood.likelihoods import logistic
from refvi.likelihood.networks import sigmoid

Y, THETA = np.array([1., -0.5, 2.]), np.array([0.3, 0.8, -0.9])


# ---- the page's numbers

def test_flips():
    few, many = (np.array(trust.mean_and_variance(1, 1, *flips)) for flips in ((4, 6), (49, 69)))
    assert few[0] == pytest.approx(5 / 12) and many[0] == pytest.approx(5 / 12)
    assert np.round(np.sqrt([few[1], many[1]]), 3).tolist() == [0.137, 0.045] and round(few[1], 4) == 0.0187


@pytest.mark.parametrize("mean, sd, flips, above", [(-0.365, 0.607, (4, 6), 0.27), (-0.339, 0.186, (49, 69), 0.03)])
def test_a_shaken_classifier_imitates_a_coin(mean, sd, flips, above):
    """WI.31: the deviation, and the probability of the other side of one half.

    Mean and sd in three digits leave 1.2e-4 of the average open, half a thousandth times the sigmoid's mean slope.
    """
    shaken = trust.average_and_variance(np.ones(1), np.array([mean]), sd / abs(mean))
    np.testing.assert_allclose(shaken, trust.mean_and_variance(1, 1, *flips), atol=1e-4)
    a, b = 1 + np.array(flips)
    assert round(stats.beta.sf(0.5, a, b), 2) == round(stats.norm.sf(0, mean, sd), 2) == above


def test_one_answer_and_many():
    y, theta = np.array([0.5]), np.array([-1.])
    average = trust.average_and_variance(y, theta, 0.804 / 0.5)[0]
    assert round(average, 3) == 0.392 and round(sigmoid(-0.5), 3) == 0.378
    assert trust.logit_law(Y, THETA, 0.)[1] == 0            # one matrix, one probability
    masks = [sigmoid((Y * THETA)[list(kept)].sum() / 0.5) for kept in ((), (0,), (1,), (2,), (0, 1), (0, 2), (1, 2),
                                                                    (0, 1, 2))]
    assert [round(float(pi), 3) for pi in (min(masks), max(masks))] == [0.012, 0.646]
    assert round(trust.over_masks(Y, THETA, 0.5)[0], 3) == 0.252 and round(sigmoid(Y @ THETA), 3) == 0.130


@pytest.mark.parametrize("a, b, told", [(5, 7, (0.583, 0.632)), (50, 70, (0.583, 0.585))])
def test_what_context_is_worth(a, b, told):
    assert (round(trust.right_by_the_mean(a, b), 3), round(trust.right_with_pi_known(a, b), 3)) == told


def test_the_middle_of_all_classes():
    assert round(stats.beta.std(5000, 5000), 3) == 0.005 and trust.right_by_the_mean(5000, 5000) == 0.5


# ---- draws of weights

def test_draws_have_the_curvature_s_covariance(rng):
    """z of a mean and of 1 + chi^2 variances: a deviation of 7 standard errors has a chance below 1e-10."""
    N, S = 60, 20_000
    y = np.column_stack([np.ones(N), rng.standard_normal((N, 2)) @ [[1., 0.5], [0., 0.8]]])
    theta = np.array([0.2, -0.7, 0.5])
    draws = trust.draws_of_weights(rng, theta, y, S)
    covariance = np.linalg.inv(logistic.information(sigmoid(y @ theta), y))
    white = (draws - theta) @ np.linalg.cholesky(np.linalg.inv(covariance))
    assert np.max(np.abs(white.mean(axis=0))) * np.sqrt(S) < 7
    off = white.T @ white / S - np.eye(3)
    assert np.max(np.abs(off) / np.sqrt(1 + np.eye(3))) * np.sqrt(S) < 7.5


def test_the_share_that_agrees_best_is_acted_on():
    pi = np.array([[0.9, 0.2, 0.45, 0.02], [0.9, 0.4, 0.95, 0.06]])
    acted, right = trust.act_where_draws_agree(pi, np.array([1, 1, 1, 0]), 0.5)
    assert acted.tolist() == [True, False, False, True] and right == 1
    acted, right = trust.act_where_draws_agree(pi, np.array([1, 1, 1, 0]), 1.)
    assert acted.all() and right == 0.75


@pytest.mark.parametrize("pi, labels, share, told", [
    (np.zeros(3), np.zeros(3), 0.5, "pi"), (np.zeros((2, 3)), np.zeros(2), 0.5, "labels"),
    (np.full((2, 3), np.nan), np.zeros(3), 0.5, "pi"), (np.zeros((0, 3)), np.zeros(3), 0.5, "pi"),
    (np.zeros((2, 3)), np.zeros(3), 0., "share=0.0 of the inputs: expected more than 0, at most 1"),
    (np.zeros((2, 3)), np.zeros(3), 1.2, "share=1.2"),
])
def test_what_is_no_probability(pi, labels, share, told):
    with pytest.raises(ValueError, match=told):
        trust.act_where_draws_agree(pi, labels, share)


# ---- the fit

def test_the_report_on_toy_labels(capsys):
    assert main(["fit", "trust", "--data", "toy"]) == 0
    told = capsys.readouterr().out
    assert "toy labels: 200 to learn from, 200 held out" in told and told.count("acts on") == 4
    assert "exclusive-or, 4,000 data: draws differ by 0.01" in told and "at -2.8 the draws say 0.0" in told


def test_labels_that_no_line_parts(rng):
    y, x = report.exclusive_or(rng)
    assert np.mean((y[:, 1] * y[:, 2] < 0) == x) > 0.95      # 0.988
    y, x = report.one_beyond(rng)
    assert np.all(x[y[:, 1] < -2.5] == 1) and 0.9 < np.mean((y[:, 1] > 0)[y[:, 1] > -2.5] == x[y[:, 1] > -2.5]) < 0.98


def test_what_the_report_says_of_known_draws(monkeypatch, rng):
    """Draws agree the better the earlier an input stands; of four the first two are right, of 4,000 a quarter."""
    def known(rng, x, y, new):
        if len(new) == 1:
            assert new.tolist() == [[1, -2.8]]
        mean = np.array([0.8, 0.7, 0.4, 0.3]) if len(new) == 4 else np.full(len(new), 0.1)
        if len(new) == 4_000:
            mean = np.where(np.arange(4_000) < 1_000, x, 1 - x) * 0.6 + 0.2
        spread = np.arange(1, len(new) + 1) / (100 if len(new) == 4 else 40_000)
        return np.stack([mean - spread, mean + spread])

    monkeypatch.setattr(report.report, "choose", lambda rng, name: ("ones", rng.normal(size=(8, 1)), np.ones(8), None))
    monkeypatch.setattr(report, "probabilities", known)
    told = "\n".join(report.run(rng, "toy"))
    for acted, spread, right in ((100, 0.04, "50.0 +- 25.0"), (75, 0.03, "66.7 +- 27.2"), (50, 0.02, "100.0 +- 0.0")):
        assert f"acts on {acted:3} %, where draws differ by at most {spread:.3f}: {right} % right" in told
    assert "draws differ by 0.050 on average, 25 % right" in told and "the draws say 0.1000 +- 0.0000" in told


def test_where_the_line_is_wrong_the_draws_agree(rng):
    """The mean's logarithm was -8.2 +- 0.5 in 200 runs, and the largest deviation of 100 was 0.0002: both limits lie at
    least seven standard deviations off.
    """
    pi = report.probabilities(rng, *report.one_beyond(rng)[::-1], report.PLACE)
    assert np.mean(pi) < 0.01 and np.std(pi) < 0.005


def test_separable_labels_are_told(monkeypatch, rng):
    y = np.linspace(-1, 1, 40)[:, None]
    monkeypatch.setattr(report.report, "choose", lambda rng, name: ("parted", y, (y[:, 0] > 0).astype(float), None))
    told = list(report.run(rng, "toy"))
    assert told[-1].startswith("parted: no maximum: the labels are separable")
