"""Networks with a prior: the page's numbers, the gradient by hand, predictions from draws, and what is no network."""
import math

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import grad
from scipy import special, stats

from refvi import full_normal_lam
from refvi.app.figures import load_press
from refvi.base import files, models
from refvi.bayes.bayesian_nn import grid, model, rows
from refvi.bayes.bayesian_nn.model import bayesian_network
from refvi.likelihood import heads, networks

Y, X = np.array([-1.5, -1., 0.5, 1., 2.])[:, None], np.array([-0.9, -0.7, 0.4, 0.7, 1.])
TWO = bayesian_network(1, (1,), prior_sd=1., beta=10., biases=False)


PAGE = " ".join(files.page("bayesian_nn").read_text(encoding="utf-8").split())


# ---- the page's numbers

def test_one_weight_and_one_datum():
    theta = models.regression(np.array([[1.5]]), prior_sd=1., noise_sd=0.5)
    x, new = np.array([2.]), np.array([[0.5], [3.]])
    mean, precision = models.posterior(x, theta)
    assert (mean[0], precision[0, 0]) == pytest.approx((1.2, 10))
    mean, variance = rows.noise_plus_spread(new, x, theta)
    assert mean == pytest.approx([0.6, 3.6]) and variance == pytest.approx([0.275, 1.15])
    assert np.round(np.sqrt(variance), 2).tolist() == [0.52, 1.07]
    spread = rows.spread_of_mean(new, x, theta)[1]
    assert round(0.5 + spread**0.5, 2) == 1.45 and round(spread**0.5, 2) == 0.95
    assert [round(rows.spread_given_copies(new, x, theta, k)[1], 3) for k in (10, 100)] == [0.099, 0.010]


def test_a_network_without_a_hidden_layer_is_that_line():
    net = bayesian_network(1, prior_sd=1., beta=4., biases=False)
    assert rows.map_by_ascent(np.zeros(1), [2.], np.array([[1.5]]), net) == pytest.approx([1.2])
    assert rows.mle_by_ascent(np.zeros(1), [2.], np.array([[1.5]]), net) == pytest.approx([4 / 3])
    evidence = grid.on_grid(np.array([2.]), np.array([[1.5]]), net, 200).log_evidence
    theta = models.regression(np.array([[1.5]]), prior_sd=1., noise_sd=0.5)
    assert evidence == pytest.approx(models.log_evidence(np.array([2.]), theta), abs=1e-9)


def test_two_weights():
    mode = rows.map_by_ascent(np.array([0.15, 0.1]), X, Y, TWO)
    assert np.round(mode, 3).tolist() == [0.755, 1.059]
    said = [round(float(grid.evidence_on_grid(X, Y, TWO, n)), 4) for n in (40, 80, 160, 320)]
    assert len({*said[2:]}) == 1 and said[2] == -1.4762
    assert f"the sum says {said[0]}, {said[1]}, {said[2]} for the data above, and with 320 {said[3]} as well" in PAGE
    assert f"$`({mode[0]:.3f}, {mode[1]:.3f})`$ and its negative" in PAGE
    curvature = rows.curvature(lambda w: model.joint_and_slope(w, X, Y, TWO), mode)
    laplace = model.log_joint(mode, X, Y, TWO) + np.log(2 * np.pi) - 0.5 * np.linalg.slogdet(curvature)[1]
    assert round(laplace, 3) == -2.193 and f"Laplace says {laplace:.3f}" in PAGE


def test_what_a_normal_leaves_of_the_evidence():
    """The best normal in five digits; nearby ones leave more, so that the third digit of the gaps is theirs, too."""
    Sigma = np.array([[0.08898, -0.03935], [-0.03935, 0.05173]])
    lam, evidence = full_normal_lam(np.array([0.93270, 1.00798]), Sigma=Sigma), grid.evidence_on_grid(X, Y, TWO, 320)
    assert round(evidence - grid.elbo_of_one_normal(lam, X, Y, TWO).value, 3) == 1.013
    assert round(evidence - grid.elbo_of_two_normals(lam, X, Y, TWO).value, 3) == 0.320
    assert "still leaves 1.013 nats" in PAGE and "half of its mirror image leave 0.320" in PAGE
    for step in 0.02 * np.vstack([np.eye(5), -np.eye(5)]):
        assert grid.elbo_of_one_normal(lam + step, X, Y, TWO).value < grid.elbo_of_one_normal(lam, X, Y, TWO).value


def test_deviations_among_and_off_the_data():
    new = np.array([[1.], [4.]])
    deviation = np.sqrt(grid.moments_over_grid(new, X, Y, TWO, 320)[1])
    assert np.round(deviation, 3).tolist() == [0.348, 0.432] and round(TWO.beta**-0.5, 3) == 0.316
    assert (f"the deviation of an outcome is {deviation[0]:.3f}, at $`y = 4`$ it is {deviation[1]:.3f}, and for either "
            f"mode alone {TWO.beta**-0.5:.3f}") in PAGE


def test_nats_beside_a_line():
    sd, y, new = 0.3, np.linspace(-1, 1, 9)[:, None], np.linspace(-1, 1, 21)[:, None]
    t, chances = np.polynomial.hermite_e.hermegauss(12)
    outcomes, chances, x = np.sin(3 * new[:, 0]) + sd * t[:, None], chances / chances.sum(), np.sin(3 * y[:, 0])
    net = bayesian_network(1, (2,), prior_sd=np.array([2., 2., 1.4, 1.4]), beta=sd**-2, biases=False)
    line = rows.nats_of_the_line(outcomes, chances, new, x, models.regression(y, prior_sd=1.4, noise_sd=sd))
    bent = grid.nats_of_the_network(outcomes, chances, new, x, y, net, 160)
    assert (round(line, 3), round(bent, 3)) == (-1.273, -0.387)
    assert f"the line gets {line:.3f} nats for each datum to come, the network {bent:.3f}" in PAGE
    assert round(-0.5 * np.log(2 * np.pi * sd**2) - 0.5, 3) == -0.215


def test_costs_and_copies():
    assert 40**2 == 1600 and round(40**7 / 1e9) == 164
    assert math.floor(networks.count((784, 256, 64, 10)) * math.log10(40)) + 1 == 349_342
    assert f"{2.**50 * math.factorial(50):.1e}" == "3.4e+79" and 2**2 * math.factorial(2) == 8


def test_both_bands_of_the_picture_widen():
    """RAI.008: in the gap and outside, against all places among the data."""
    kept = load_press().stored("two_bands")
    for name in ("random_network", "random_process"):
        variance, new = kept[name][1], kept["new"]
        among = (-1. <= new) & (new <= -0.35) | (0.5 <= new) & (new <= 0.9)
        off = (np.abs(new) > 1.3) | (np.abs(new - 0.1) < 0.15)
        assert np.min(variance[off]) > np.max(variance[among])


# ---- values and gradient, for many weights at a time

NETS = [dict(D=2, hidden=(3, 2), K=2, prior_sd=1.4, beta=2.3), dict(D=2, prior_sd=0.7, beta=0.4),
        dict(D=2, hidden=(2,), prior_sd=1.2, biases=False, g=networks.logistic),
        dict(D=2, hidden=(3,), K=3, prior_sd=1.2, observed=heads.categorical),
        dict(D=2, hidden=(3,), prior_sd=1.2, observed=heads.bernoulli),
        dict(D=2, hidden=(3,), K=2, prior_sd=np.linspace(0.5, 1.5, 17), observed=heads.poisson)]


@pytest.mark.parametrize("kind", NETS)
@pytest.mark.parametrize("batch", [(), (3,), (2, 3)])
def test_gradient_by_hand(kind, batch, rng):
    net = bayesian_network(**kind)
    w, y, x = rng.normal(size=batch + (net.P,)), rng.normal(size=(5, 2)), rng.integers(2, size=(5, net.sizes[-1])) * 1.
    value, slope = model.joint_and_slope(w, x, y, net, N=13)
    assert np.shape(value) == batch and slope.shape == w.shape
    np.testing.assert_allclose(value, model.log_joint(w, x, y, net, 13), rtol=1e-9, atol=1e-9)
    automatic = grad(lambda w: anp.sum(model.log_joint(w, x, y, net, 13)))(w)
    np.testing.assert_allclose(slope, automatic, atol=1e-10 * np.max(np.abs(automatic)))
    likelihood = model.likelihood_and_slope(w, x, y, net)[0]
    np.testing.assert_allclose(value, 13 / 5 * likelihood + model.log_prior(w, net), rtol=1e-9, atol=1e-9)


def test_a_minibatch_for_every_chain(rng):
    net = bayesian_network(**NETS[0])
    w, y, x = rng.normal(size=(4, net.P)), rng.normal(size=(4, 3, 2)), rng.normal(size=(4, 3, 2))
    value, slope = model.joint_and_slope(w, x, y, net, N=7)
    for chain in range(4):
        alone = model.joint_and_slope(w[chain], x[chain], y[chain], net, N=7)
        np.testing.assert_allclose(value[chain], alone[0], rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(slope[chain], alone[1], atol=1e-10 * np.max(np.abs(alone[1])))


def test_the_network_is_that_of_the_first_chapter(rng):
    net = bayesian_network(2, (3, 2), 2, prior_sd=1.)
    w, y = rng.normal(size=net.P), rng.normal(size=(5, 2))
    theirs = networks.forward(w, y, net.sizes, networks.tanh)
    for ours, other in zip(model.forward(w, y, net), theirs):
        np.testing.assert_allclose(ours, other, atol=1e-12)


def test_every_weight_and_bias_has_its_own_prior(rng):
    net = bayesian_network(2, (3,), 2, prior_sd=np.linspace(0.5, 1.5, 17))
    w = rng.normal(size=(4, 17))
    np.testing.assert_allclose(model.log_prior(w, net), stats.norm.logpdf(w, 0, net.prior_sd).sum(axis=1))


def test_labels_with_weights_of_any_size():
    net = bayesian_network(1, prior_sd=1., observed=heads.bernoulli, biases=False)
    value, slope = model.likelihood_and_slope(np.array([800.]), np.array([1., 0.]), np.array([[1.], [1.]]), net)
    assert value == -800 and slope.tolist() == [-1.]


# ---- predictions from draws

def test_densities_are_averaged_not_their_logarithms(rng):
    net = bayesian_network(2, (3,), prior_sd=1., beta=2.5)
    w, y, x = rng.normal(size=(6, net.P)), rng.normal(size=(4, 2)), rng.normal(size=4)
    each = stats.norm.pdf(x, model.forward(w, y, net)[-1][..., 0], 2.5**-0.5)
    np.testing.assert_allclose(model.log_predictive(w, x, y, net), np.log(each.mean(axis=0)), atol=1e-9)


def test_probabilities_are_averaged_not_their_logits(rng):
    net = bayesian_network(2, (3,), prior_sd=1., observed=heads.bernoulli)
    w, y = rng.normal(size=(6, net.P)), rng.normal(size=(4, 2))
    pi = special.expit(model.forward(w, y, net)[-1][..., 0]).mean(axis=0)
    np.testing.assert_allclose(np.exp(model.log_predictive(w, np.ones(4), y, net)), pi)


def test_noise_is_added_to_the_variance(rng):
    net = bayesian_network(2, (3,), prior_sd=1., beta=2.5)
    w, y = rng.normal(size=(6, net.P)), rng.normal(size=(4, 2))
    means = model.forward(w, y, net)[-1]
    mean, variance = model.predictive_moments(w, y, net)
    np.testing.assert_allclose(mean, means.mean(axis=0))
    np.testing.assert_allclose(variance, 0.4 + means.var(axis=0, ddof=1))


# ---- what is no network, and what are no data

@pytest.mark.parametrize("wrong, told", [
    (dict(D=0), "a layer's size must be an integer >= 1, got 0"), (dict(hidden=(2.,)), "a layer's size"),
    (dict(K=-1), "a layer's size"), (dict(beta=0.), "beta must be > 0, got 0.0 .a precision"),
    (dict(beta=np.nan), "beta must be > 0"), (dict(prior_sd=0.), "prior_sd must be > 0"),
    (dict(prior_sd=np.ones(4)), r"prior_sd has shape \(4,\), expected \(9,\): one number, or one for each of the P=9"),
    (dict(prior_sd=-np.ones(9)), "prior_sd must be > 0"),
])
def test_what_is_no_network(wrong, told):
    with pytest.raises(ValueError, match=told):
        bayesian_network(**dict(D=2, hidden=(2,), prior_sd=1.) | wrong)


@pytest.mark.parametrize("x, y, told", [
    (np.zeros((3, 1)), np.zeros(3), r"y has shape \(3,\)"), (np.zeros(3), np.zeros((3, 1)), "D=2 inputs"),
    (np.zeros(0), np.zeros((0, 2)), "no data"), (np.zeros(3), np.full((3, 2), np.inf), r"y\[0, 0\] is inf"),
    (np.array([0., np.nan, 1.]), np.zeros((3, 2)), r"x\[1, 0\] is nan"),
    (np.zeros(4), np.zeros((3, 2)), r"x has shape \(4,\), expected \(3, 1\)"),
    (np.zeros((1, 3)), np.zeros((3, 2)), r"x has shape \(1, 3\), expected \(3, 1\)"),
    (["a", "b", "c"], np.zeros((3, 2)), "x holds text"),
])
def test_what_are_no_data(x, y, told):
    with pytest.raises(ValueError, match=told):
        model.require_data(x, y, bayesian_network(2, (2,), prior_sd=1.))


def test_data_in_a_row_become_a_column():
    x, y = model.require_data([1, 2, 3], [[1, 2], [3, 4], [5, 6]], bayesian_network(2, (2,), prior_sd=1.))
    assert x.tolist() == [[1.], [2.], [3.]] and y.dtype == x.dtype == float


def test_weights_of_another_network():
    net = bayesian_network(2, (2,), prior_sd=1.)
    with pytest.raises(ValueError, match=r"w has shape \(3, 8\), expected \(..., 9\): the weights of layers 2-2-1"):
        model.log_joint(np.zeros((3, 8)), np.zeros(3), np.zeros((3, 2)), net)
    with pytest.raises(ValueError, match=r"x has shape \(3, 1, 1\)"):
        model.joint_and_slope(np.zeros(9), np.zeros((3, 1, 1)), np.zeros((3, 2)), net)
