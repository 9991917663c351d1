"""Gaussian processes: the page's numbers, bands, hyperparameters and how sure they are, networks, bad inputs."""
import itertools
import re

import numpy as np
import pytest
from scipy import stats

from refvi.app.figures import load_press
from refvi.base import files
from refvi.bayes import gaussian_process as gp
from refvi.likelihood import networks

Y = np.array([0., 0.5, 1., 1.5, 2., 2.5, 5., 5.5, 6.])[:, None]
X = np.array([-1.5, -0.4, -0.2, 0.4, 0.3, -0.9, 0.4, 0.5, 1.0])
ONE = gp.hyperparameters(length=1., signal_sd=1., noise_sd=0.5)


PAGE = " ".join(files.page("gaussian_process").read_text(encoding="utf-8").split())


def outcome_sd(theta, at):
    found = gp.posterior(theta, X, Y, np.reshape(at, (-1, 1)))
    return np.sqrt(np.diag(found[1:]) + np.exp(2 * theta[2]))


@pytest.fixture(scope="module")
def fitted():
    return gp.fit(X, Y)


# ---- the page's numbers

def test_one_datum_by_hand():
    mean, *covariance = gp.posterior(ONE, np.ones(1), np.zeros((1, 1)), np.array([[0.], [1.], [3.]]))
    variance = np.diag(covariance)
    assert np.round(mean, 3).tolist() == [0.8, 0.485, 0.009] and np.round(variance[:2], 3).tolist() == [0.2, 0.706]
    assert round(variance[2], 4) == 0.9999
    assert f"| 0 | 1 | {mean[0]:.3f} | {variance[0]:.3f} |" in PAGE
    assert f"= 0.607`$ | {mean[1]:.3f} | {variance[1]:.3f} |" in PAGE
    assert f"= 0.011`$ | {mean[2]:.3f} | {variance[2]:.4f} |" in PAGE
    assert round(np.sqrt(variance[1] + 0.25), 3) == 0.978 and round(np.sqrt(variance[1]) + 0.5, 3) == 1.340


def test_nine_data_choose_their_hyperparameters(fitted):
    theta, cost, direction = fitted.found
    assert np.round(np.exp(theta), 2).tolist() == [0.82, 0.77, 0.37] and round(fitted.trace[-1], 3) == -9.174
    steps = np.exp(direction * np.sign(direction[0]))
    assert np.round([steps[0], steps[1], 1 / steps[2]], 2).tolist() == [1.90, 1.93, 1.49] and round(cost, 2) == 0.89
    sd = np.sqrt(np.diag(np.linalg.inv(gp.evidence_slopes(theta, X, Y)[1:])))
    assert round(sd[0], 2) == 0.57 and round(np.exp(sd[0]), 1) == 1.8 and np.all(np.abs(sd - 0.54) < 0.05)
    assert fitted.stopped == "" and np.all(np.diff(fitted.trace) >= 0)
    length, signal_sd, noise_sd = np.exp(theta)
    assert (f"finds a length of {length:.2f}, a deviation of {signal_sd:.2f} and a noise of {noise_sd:.2f}; the "
            f"evidence is $`{fitted.trace[-1]:.3f}`$ nats") in PAGE
    assert (f"grow by factors of {steps[0]:.2f} and {steps[1]:.2f}, and the noise falls by {1 / steps[2]:.2f}) costs "
            f"{cost:.2f} nats") in PAGE
    assert f"{sd[0]:.2f} for the length, a factor of {np.exp(sd[0]):.1f} either way" in PAGE


def test_a_second_top(fitted):
    theta = gp.climb(X, Y, np.log([3., 0.7, 0.6]), np.full(3, -5.), np.full(3, 5.))[-1]
    slope, *bent = gp.evidence_slopes(theta, X, Y)
    assert np.max(np.abs(slope)) < 1e-5 and np.linalg.eigvalsh(bent)[0] > 0.1
    assert np.round(np.exp(theta), 2).tolist() == [2.41, 0.41, 0.64]
    assert round(fitted.trace[-1] - gp.log_evidence(theta, X, Y), 2) == 0.68
    wide, narrow = *outcome_sd(theta, 0.5), *outcome_sd(fitted.found.theta, 0.5)
    assert np.round([wide, narrow], 2).tolist() == [0.69, 0.44]
    length, signal_sd, noise_sd = np.exp(theta)
    assert f"a length of {length:.2f}, a deviation of {signal_sd:.2f} and a noise of {noise_sd:.2f}: less" in PAGE
    assert f"It lies {fitted.trace[-1] - gp.log_evidence(theta, X, Y):.2f} nats below the first" in PAGE
    assert f"is {wide:.2f} wide, that of the first {narrow:.2f}" in PAGE


def test_three_lengths_off_the_band_is_the_prior_s(fitted):
    theta = fitted.found.theta
    prior, three = np.sqrt(np.exp(2 * theta[1]) + np.exp(2 * theta[2])), 3 * np.exp(theta[0])
    at = np.concatenate([np.linspace(-20, -three), np.linspace(6 + three, 26)])
    assert np.all(np.round(outcome_sd(theta, at), 3) == round(prior, 3)) and round(prior, 2) == 0.85
    assert np.all(outcome_sd(theta, Y) < np.sqrt(np.exp(2 * theta[1]) + np.exp(2 * theta[2])))


def test_parameters_and_data():
    sizes = (1, 50, 50, 1)
    parts = [networks.count(sizes[n:n + 2]) for n in range(3)]
    assert parts == [100, 2550, 51] and networks.count(sizes) == 2701 and 2701 - 51 == 2650
    share = {N: 51 / (N - 51 - 1) for N in (53, 103, 1000)}
    assert np.isfinite(share[53]) and share[103] == 1 and round(share[1000], 3) == 0.054


def test_48_weights_make_one_network(rng):
    """Exchanging tanh units or turning their signs changes nothing but roundings, of sums of four numbers below 10."""
    theta, y = rng.uniform(-1, 1, networks.count((1, 3, 1))), np.linspace(-2, 2, 5)[:, None]
    (W, b), (V, c) = networks.layers(theta, (1, 3, 1))
    found = set()
    for order in map(list, itertools.permutations(range(3))):
        for signs in itertools.product((-1, 1), repeat=3):
            turned = np.concatenate([(W[:, order] * signs).ravel(), b[order] * signs, V[order, 0] * signs, c])
            found.add(tuple(turned))
            np.testing.assert_allclose(networks.forward(turned, y, (1, 3, 1), networks.tanh)[-1],
                                       networks.forward(theta, y, (1, 3, 1), networks.tanh)[-1], rtol=0, atol=1e-13)
    assert len(found) == 48


# ---- a process

def test_without_noise_the_curve_goes_through_the_data():
    theta = gp.hyperparameters(length=0.4, signal_sd=0.7, noise_sd=0.)
    mean, *covariance = gp.posterior(theta, X, Y, Y)
    np.testing.assert_allclose(mean, X, atol=1e-10)
    np.testing.assert_allclose(covariance, 0, atol=1e-10)


def test_outcomes_do_not_move_the_band_and_inputs_do():
    new = np.array([[5.8], [6.], [7.], [8.]])           # where the last datum matters
    found, other = (gp.posterior(ONE, x, Y, new) for x in (X, X[::-1] + 1.7))
    np.testing.assert_array_equal(found[1:], other[1:])
    assert np.all(np.diag(gp.posterior(ONE, X[:-1], Y[:-1], new)[1:]) > 1.001 * np.diag(found[1:]))


def test_bands_widen_away_from_the_data_and_in_the_gap():
    """RAI.006, RAI.008: and the noise, all that a point estimate has, is one number."""
    numbers = load_press().stored("gp_band")
    new = np.array(numbers["new"])
    for name in ("process", "network"):
        sd = np.interp([-3, 1.25, 3.75, 9], new, np.array(numbers[name])[1])
        assert sd[0] > sd[2] > sd[1] > numbers["noise_sd"] and sd[3] > sd[2]


# ---- hyperparameters

def test_the_flattest_direction_costs_what_it_says(fitted):
    """A second difference of the evidence, whose error at steps of 1e-3 lies below 1e-6 of it, rounding below 1e-8."""
    theta, cost, direction = fitted.found
    above, at, below = (gp.log_evidence(theta + step * direction, X, Y) for step in (1e-3, 0., -1e-3))
    assert (2 * at - above - below) / 2e-6 == pytest.approx(cost, rel=1e-4)
    assert np.linalg.norm(direction) == pytest.approx(1)


ALTERNATING = np.array([1., -1.1, 1., -1.1, 1., -1.1, 1., -1.1])


@pytest.mark.parametrize("x, y, edge, value", [
    (np.sin(np.linspace(0, 10, 12)), np.linspace(0, 10, 12), 2, 0.001 * np.std(np.sin(np.linspace(0, 10, 12)))),
    (ALTERNATING, np.arange(8.), 0, 0.1)])
def test_what_runs_to_the_edge_is_named(x, y, edge, value):
    """Data without noise; and data that turn around at every step. The edges are shares of distances and outcomes."""
    ended = gp.fit(x - np.mean(x) * (edge == 2), y[:, None])
    assert ended.stopped == f"at the edge of its range: {gp.NAMES[edge]}"
    assert np.exp(ended.found.theta[edge]) == pytest.approx(value)


def test_a_length_may_exceed_all_distances():
    x = np.array([-1., -0.8, -0.67, -0.43, -0.3, -0.06, 0.07, 0.3, 0.42, 0.66, 0.79, 1.02])
    ended = gp.fit(x, np.linspace(-1, 1, 12)[:, None])
    assert ended.stopped == "" and np.exp(ended.found.theta[0]) > 2


SHORT = [0.9, 1.1, 2., 2.1, 4.2, 6.1, 6.3, 6.7, 6.8, 7.1, 7.8, 9.6, 9.8, 9.9], [
    1., 0.6, -1.3, 0.3, 0.5, 0.2, 0.1, -0.2, -0.5, 0.2, 0.3, 0.9, -0.1, 1.]
LONG = [0.9, 0.9, 1.1, 1.6, 2.4, 3.9, 4.3, 4.3, 4.8, 5.2, 5.8, 5.9, 7.3, 8.], [
    0., -0.9, 0.3, 0.4, -0.7, 0.9, 1., 0.1, -0.1, -0.2, 2.6, 0.4, 0.4, 0.3]


@pytest.mark.parametrize("data", [SHORT, LONG])
def test_of_several_tops_the_highest_is_found(data):
    """One is reached from short lengths, the other from long ones; four more starts find none that is higher."""
    y, x = np.array(data[0])[:, None], np.array(data[1])
    others = [gp.climb(x, y, np.log([length, 0.6, 0.4]), np.full(3, -5.), np.full(3, 5.))[-1]
              for length in (0.2, 0.6, 1.5, 4.)]
    heights = [gp.log_evidence(theta, x, y) for theta in others]
    assert np.ptp(heights) > 0.03 and gp.fit(x, y).trace[-1] > max(heights) - 1e-6


def test_two_inputs_that_nearly_coincide_bound_no_length():
    ended = gp.fit(np.append(X, 0.6), np.vstack([Y, [[6.00001]]]))
    assert ended.stopped == "" and 0.7 < np.exp(ended.found.theta[0]) < 0.9


def test_a_climb_that_has_not_come_to_rest_says_so(monkeypatch):
    monkeypatch.setattr(gp, "climb", lambda x, y, theta, low, high: [theta])
    assert gp.fit(X, Y).stopped == "not at rest after 0 steps"


@pytest.mark.parametrize("along", range(3))
@pytest.mark.parametrize("share, told", [(0.97, ""), (1.03, "not at rest after 0 steps")])
def test_at_rest_is_what_leaves_a_millionth_of_a_nat(fitted, monkeypatch, along, share, told):
    """In each direction of the curvature, 3 % less than that or more below the top; on a way so short slopes bend by
    0.1 %.
    """
    _, *bent = gp.evidence_slopes(fitted.found.theta, X, Y)
    costs, directions = np.linalg.eigh(bent)
    theta = fitted.found.theta + np.sqrt(2 * share * gp.LEFT / costs[along]) * directions[:, along]
    monkeypatch.setattr(gp, "climb", lambda *arguments: [theta])
    assert gp.LEFT == 1e-6 and gp.fit(X, Y).stopped == told


@pytest.mark.parametrize("of_x, of_y", [(1e-3, 1e3), (1e4, 1e-6)])
def test_units_of_inputs_and_outcomes_do_not_matter(fitted, of_x, of_y):
    """To what two climbs at rest leave: each 1e-6 nats, which is a step of 1.1e-3 in the flattest direction."""
    scaled = gp.fit(of_x * X, of_y * Y)
    assert scaled.stopped == ""
    np.testing.assert_allclose(scaled.found.theta, fitted.found.theta + np.log([of_y, of_x, of_x]), atol=2.2e-3)


# ---- a network of any width

def test_one_network_s_output(rng):
    """Beside the forward pass of networks, unit by unit; sums of a dozen numbers below 1e3 leave roundings of 1e-12."""
    eps, y = rng.standard_normal((5, 4)), rng.standard_normal((6, 2))
    theta = np.concatenate([(1.3 * eps[:, :2]).T.ravel(), 1.3 * eps[:, 2], 0.7 * eps[:, 3] / np.sqrt(5), [0.]])
    wanted = networks.forward(theta, y, (2, 5, 1), networks.rectified)[-1][:, 0]
    np.testing.assert_allclose(gp.outputs(eps[None, None], y, 1.3, 0.7)[0, 0], wanted, rtol=0, atol=1e-11)


def test_a_unit_s_kurtosis():
    """RAI.011: a normal times a normal's positive part, 18; of ten units and of a thousand the excess is 15 / H."""
    positive = [stats.norm.expect(lambda t: t**k, lb=0) for k in (2, 4)]
    assert 3 * positive[1] / positive[0]**2 == pytest.approx(18)
    assert 15 / 10 == 1.5 and 15 / 1000 == 0.015


def test_a_kernel_of_infinitely_many_units_is_one(rng):
    y = rng.standard_normal((7, 2))
    K = gp.arc_cosine(y, y, 1.3, 0.7)
    np.testing.assert_allclose(K, K.T, rtol=0, atol=1e-12 * np.max(K))
    np.testing.assert_allclose(np.diag(K), (1.3 * 0.7)**2 / 2 * (1 + np.sum(y**2, axis=1)), rtol=1e-7)


def test_a_cosine_that_rounding_takes_above_one_is_one():
    y = np.arange(200.)[:, None] / 7
    size = np.linalg.norm(np.column_stack([y, np.ones(200)]), axis=1)
    assert np.any((1 + y[:, 0]**2) / size**2 > 1)
    np.testing.assert_allclose(np.diag(gp.arc_cosine(y, y, 1.3, 0.7)), (1.3 * 0.7)**2 / 2 * size**2, rtol=1e-7)


# ---- bad inputs

COLUMN = np.arange(3.)[:, None]


@pytest.mark.parametrize("x, y, told", [
    (np.zeros(0), np.zeros((0, 1)), "empty batch: y has no rows"),
    (np.ones(3), np.arange(3.), r"y has shape \(3,\)"),
    (np.ones(2), COLUMN, r"x has shape \(2,\), expected \(3,\): one for each of the N=3 rows of y"),
    (COLUMN, COLUMN, r"x has shape \(3, 1\)"),
    (np.array([1., np.nan, 0.]), COLUMN, r"x\[1\] is nan"),
    (np.ones(3), np.array([[0.], [np.inf], [1.]]), r"y\[1, 0\] is inf"),
    (np.ones(3), np.arange(3)[:, None], "expected float"),
])
def test_what_is_no_data(x, y, told):
    for ask in (lambda: gp.fit(x, y), lambda: gp.log_evidence(ONE, x, y), lambda: gp.evidence_slopes(ONE, x, y),
                lambda: gp.posterior(ONE, x, y, COLUMN)):
        with pytest.raises(ValueError, match=told):
            ask()


@pytest.mark.parametrize("x, y, told", [
    (np.ones(1), np.zeros((1, 1)), "N=1 data at one input say nothing of a length: bring other inputs, or"),
    (np.arange(3.), np.ones((3, 2)), "N=3 data at one input"),
    (np.full(3, 2.5), COLUMN, "x is 2.5 for all N=3 data"),
    (np.zeros(3), COLUMN, "x is 0 for all N=3 data"),
])
def test_data_that_choose_nothing(x, y, told):
    with pytest.raises(ValueError, match=told):
        gp.fit(x, y)
    assert np.all(np.isfinite(gp.posterior(ONE, x, y, y)))


@pytest.mark.parametrize("told, ask", [
    (r"new has shape \(3,\)", lambda: gp.posterior(ONE, X, Y, np.zeros(3))),
    (r"new has shape \(3, 2\)", lambda: gp.posterior(ONE, X, Y, np.zeros((3, 2)))),
    (r"at has shape \(3, 1\)", lambda: gp.log_predictive(COLUMN, ONE, X, Y, COLUMN)),
    (r"theta has shape \(2,\), expected \(3,\): logarithms of length, signal_sd, noise_sd",
     lambda: gp.posterior(ONE[:2], X, Y, COLUMN)),
    (r"exp\(theta\)\[1\] is nan", lambda: gp.posterior([0., np.nan, 0.], X, Y, COLUMN)),
    ("length must be > 0, got -1", lambda: gp.hyperparameters(length=-1., signal_sd=1., noise_sd=1.)),
    ("signal_sd must be > 0, got 0", lambda: gp.hyperparameters(length=1., signal_sd=0., noise_sd=1.)),
    ("noise_sd must be > 0, got -0.1", lambda: gp.hyperparameters(length=1., signal_sd=1., noise_sd=-0.1)),
    ("noise_sd must be > 0, got nan", lambda: gp.hyperparameters(length=1., signal_sd=1., noise_sd=np.nan)),
])
def test_what_is_no_place_and_no_hyperparameter(told, ask):
    with pytest.raises(ValueError, match=told):
        ask()


@pytest.mark.parametrize("y, pair", [
    (np.array([[0.3], [1.], [2.2], [1.]]), "(1, 3)"), (np.array([[0.5, 1.], [0.5, 1.]]), "(0, 1)"),
    (np.append(np.linspace(0, 9, 10), 4 + 1e-9)[:, None], "(4, 10)"),
])
def test_an_input_that_comes_twice_without_noise(y, pair):
    """And the noise that is named is enough."""
    x = np.arange(len(y), dtype=float)
    for signal_sd in (0.02, 1., 40.):
        with pytest.raises(ValueError, match="not positive definite") as raised:
            gp.posterior(gp.hyperparameters(length=0.5, signal_sd=signal_sd, noise_sd=0.), x, y, y)
        assert f"data {pair} are most alike: leave out inputs that come twice" in str(raised.value)
        noise_sd = float(re.search(r"noise_sd of at least (\S+)", str(raised.value)).group(1))
        assert noise_sd < 1e-5 * signal_sd
        gp.posterior(gp.hyperparameters(length=0.5, signal_sd=signal_sd, noise_sd=noise_sd), x, y, y)


@pytest.mark.parametrize("apart, taken", [(1.7e-6, False), (6e-6, True)])
def test_how_near_two_of_fifty_inputs_may_be(apart, taken):
    """A pivot is the square of that, and rounding leaves three of its digits above 1.1e-11 for 50 data."""
    y = np.append(10. * np.arange(49), apart)[:, None]
    ask = gp.hyperparameters(length=1., signal_sd=1., noise_sd=0.), np.zeros(50), y
    if taken:
        assert np.isfinite(gp.log_evidence(*ask))
    else:
        with pytest.raises(ValueError, match=r"data \(0, 49\) are most alike"):
            gp.log_evidence(*ask)


def test_too_many_inputs_in_one_length():
    y = np.linspace(0, 1, 60)[:, None]
    with pytest.raises(ValueError, match="take a shorter length"):
        gp.log_evidence(gp.hyperparameters(length=2., signal_sd=1., noise_sd=0.), y[:, 0], y)
