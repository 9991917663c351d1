"""Faults planted in the linear models are refused, right variants pass, fits end where SciPy's own ascent does."""
from fractions import Fraction

import numpy as np
import pytest
from autograd import hessian
from scipy import optimize, stats

from refvi.app.figures import load_press
from refvi.generative.linear_latent.autoencoder import error, trained
from refvi.generative.linear_latent.em import e_step, em_step, iterated, m_step
from refvi.base.families.gaussian import closed_divergence
from refvi.generative.linear_latent.encoder import best, climbed, elbo, encode, reconstruction
from refvi.generative.linear_latent.fit import fit
from refvi.generative.linear_latent.maximum import closed_form, eigen, flat, from_axes, gradient, unflat
from refvi.generative.linear_latent.model import (Linear, best_lam, covariance, deviations, linear, log_density_of,
                                                  log_evidence, log_likelihood, posterior, scatter, small)
from refvi.generative.linear_latent.network import encoder_network, from_network, to_network
from refvi.likelihood.networks import forward, tanh
from refvi.verify.trial import FAIL, PASS
from tests.verify.proof import prove

AXES = np.linalg.qr(np.array([[1., 1., 1., 1.2], [1., -1., 1.1, -1.], [1., 1.1, -1., -1.], [1., -1., -1., 1.]]))[0]


def some_data(rng, N=11):
    """Eigenvalues 2.6, 1.3, 0.9 and 0.5, along generic axes."""
    raw = rng.uniform(-1, 1, (N, 4))
    white = np.linalg.qr(raw - raw.mean(axis=0))[0] * np.sqrt(N)
    return white * np.sqrt([2.6, 1.3, 0.9, 0.5]) @ AXES.T + [0.4, -0.7, 0.2, 0.9]


def compare(entropy, truth, estimate, **values):
    """The checker's verdict on two values, and that it did compare them."""
    def given():
        return np.array(truth)

    def found():
        return estimate

    result = prove(entropy, "given; = found", dict(given=given, found=found, **values))["found"]
    assert result.gap is not None, result
    return result.verdict


def in_scipy(x, C):
    return np.mean(stats.multivariate_normal.logpdf(x, x.mean(axis=0), C))


# ---- maximum likelihood

def planted(x):
    """theta of PPCA with D = 2, right and wrong."""
    values, U = eigen(x)
    b, kept, noise, angle = x.mean(axis=0), values[:2], values[2:].mean(), 0.6
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    right = Linear(U[:, :2] * np.sqrt(kept - noise), b, np.sqrt(noise))
    inflated = np.sqrt(len(x) / (len(x) - 1))
    return {"right": right,
            "rotated": right._replace(W=right.W @ rotation),
            "reflected": right._replace(W=-right.W),
            "noise over n": right._replace(sd=np.sqrt(values[2:].sum() / 4)),
            "noise over n - 1": right._replace(sd=np.sqrt(values[2:].sum() / 3)),
            "noise not averaged": right._replace(sd=np.sqrt(values[2:].sum())),
            "the largest discarded": right._replace(sd=np.sqrt(values[2])),
            "variance for deviation": right._replace(sd=noise),
            "noise not taken from W": right._replace(W=U[:, :2] * np.sqrt(kept)),
            "eigenvalues for roots": right._replace(W=U[:, :2] * (kept - noise)),
            "rows for columns": right._replace(W=U.T[:, :2] * np.sqrt(kept - noise)),
            "the smallest axes": right._replace(W=U[:, 2:] * np.sqrt(kept - noise)),
            "R not orthogonal": right._replace(W=right.W @ (rotation + 0.2)),
            "covariance over N - 1": right._replace(W=right.W * inflated, sd=right.sd * inflated),
            "b forgotten": right._replace(b=0 * b)}


RIGHT = ("right", "rotated", "reflected")


@pytest.mark.parametrize("name", planted(some_data(np.random.Generator(np.random.SFC64()))))
def test_a_wrong_solution_has_a_slope_and_a_lower_likelihood(entropy, rng, name):
    x = some_data(rng)
    theta, top = planted(x)[name], planted(x)["right"]
    assert (compare(entropy, np.zeros(13), gradient(x, theta), scale=1.) == PASS) == (name in RIGHT)
    assert (compare(entropy, log_likelihood(x, top), log_likelihood(x, theta)) == PASS) == (name in RIGHT)
    assert log_likelihood(x, theta) <= log_likelihood(x, top) + 1e-12


def test_the_closed_form_is_where_scipy_s_ascent_ends(rng):
    x = some_data(rng)
    theta = closed_form(x, 2)
    start = flat(theta) + rng.uniform(-0.3, 0.3, 13) * np.repeat([1, 0, 1], [8, 4, 1])
    found = optimize.minimize(lambda v: -in_scipy(x, covariance(unflat(v, 4, 2))), start, method="BFGS")
    assert -found.fun == pytest.approx(log_likelihood(x, theta), abs=1e-6)


@pytest.mark.parametrize("D", [1, 2, 3])
def test_the_likelihood_is_scipy_s_for_every_d(rng, D):
    x = some_data(rng)
    theta = closed_form(x, D)
    np.testing.assert_allclose(log_likelihood(x, theta), in_scipy(x, covariance(theta)), rtol=1e-10)
    assert np.max(np.abs(gradient(x, theta))) < 1e-10


def test_other_axes_are_a_saddle(rng):
    """The slope is zero there, and a turn towards the axis that was left out goes uphill."""
    x = some_data(rng) @ (AXES * np.sqrt([1., 1., 1., 0.2])) @ AXES.T
    theta = from_axes(x, np.array([0, 2]), np.eye(2))
    assert np.max(np.abs(gradient(x, theta))) < 1e-10
    curvature = hessian(lambda v: log_likelihood(x, unflat(v, 4, 2)))(flat(theta))
    assert np.linalg.eigvalsh(curvature)[-1] > 1e-2


# ---- EM

def steps(x, theta):
    """One step of EM for PPCA, right and wrong."""
    mean, precision = posterior(x, theta)
    S, second = np.linalg.inv(precision), mean.T @ mean / len(x)
    return {"right": e_step(x, theta),
            "covariance forgotten": (mean, second),
            "covariance summed over the data": (mean, len(x) * S + second),
            "precision for covariance": (mean, precision + second),
            "noise forgotten in M": (mean, S / np.mean(theta.sd**2) + second),
            "M without noise": ((x - theta.b) @ np.linalg.pinv(theta.W).T, S + second),
            "outer product of the mean": (mean, S + np.outer(mean.mean(axis=0), mean.mean(axis=0)))}


@pytest.mark.parametrize("each", [False, True])
@pytest.mark.parametrize("name", ["right", "covariance forgotten", "covariance summed over the data",
                                  "precision for covariance", "noise forgotten in M", "M without noise",
                                  "outer product of the mean"])
def test_a_wrong_step_leaves_the_top_and_the_right_one_stays(rng, name, each):
    x = some_data(rng)
    theta = closed_form(x, 2) if not each else fit(x, 1).found
    try:
        off = np.max(np.abs(covariance(m_step(x, steps(x, theta)[name], each)) - covariance(theta)))
    except ValueError as refusal:       # what is left for the noise is negative
        assert name != "right" and "explains" in str(refusal)
        return
    assert off < 1e-9 if name == "right" else off > 1e-2, off


@pytest.mark.parametrize("each", [False, True])
def test_em_never_falls_and_ends_at_the_top(rng, each):
    x = some_data(rng)
    W, sd = rng.uniform(0.2, 0.8, (4, 1 if each else 2)), rng.uniform(0.6, 0.9, 4) if each else 0.8
    theta = Linear(W, x.mean(axis=0), sd)
    values = []
    for _ in range(40):
        values.append(log_likelihood(x, theta))
        theta = em_step(x, theta, each)
    assert np.all(np.diff(values) > -1e-12) and values[-1] - values[0] > 1e-3     # none of 3,000 won under 0.04
    if not each:
        np.testing.assert_allclose(covariance(iterated(x, theta, each, 600)), covariance(closed_form(x, 2)), atol=1e-9)


def test_a_fit_of_factor_analysis_finds_the_factors_and_its_slope_is_zero(rng):
    W, sd = rng.uniform(0.7, 1.1, (5, 1)), rng.uniform(0.4, 1., 5)
    raw = rng.uniform(-1, 1, (12, 5))
    x = np.linalg.qr(raw - raw.mean(axis=0))[0] * np.sqrt(12) @ np.linalg.cholesky(W @ W.T + np.diag(sd**2)).T
    fitted = fit(x, 1)
    assert not fitted.stopped and np.all(np.diff(fitted.trace) > -1e-12)
    np.testing.assert_allclose(fitted.found.sd, sd, atol=1e-8)
    np.testing.assert_allclose(np.abs(fitted.found.W), W, atol=1e-8)
    assert np.max(np.abs(gradient(x, fitted.found))) < 1e-9
    assert np.max(np.abs(gradient(x, fitted.found._replace(sd=fitted.found.sd**2)))) > 1e-3


def test_a_fit_with_one_noise_is_the_closed_form_at_once_and_a_short_one_says_so(rng):
    x = some_data(rng)
    one, short = fit(x, 2, each=False), fit(x, 1, steps=2)
    assert not one.stopped and len(one.trace) == 2 and short.stopped and len(short.trace) == 3


# ---- the linear VAE

def terms(x, lam, theta):
    """The bound, right and wrong."""
    mu, log_sd = lam[:, :2], lam[0, 2:]
    fit, kl = np.mean(reconstruction(x, lam, theta)), np.mean(closed_divergence(lam))
    narrow = lam / [1, 1, 2, 2]
    return {"right": fit - kl,
            "log sd for log variance": fit - kl - 0.5 * np.sum(log_sd),
            "one half for all": fit - kl - 0.5,
            "no trace": fit - kl + 0.5 * np.sum(theta.W**2 @ np.exp(2 * log_sd)) / theta.sd**2,
            "KL subtracted twice": fit - 2 * kl,
            "sum for mean": fit - kl + 0.5 * np.mean(np.sum(mu**2, axis=1)) * (1 - len(x)),
            "sd as variance": np.mean(reconstruction(x, narrow, theta) - closed_divergence(narrow)),
            "mean over latents": fit - kl / 2}


WRONG_TERMS = ["log sd for log variance", "one half for all", "no trace", "KL subtracted twice", "sum for mean",
               "sd as variance", "mean over latents"]


@pytest.mark.parametrize("name", ["right", *WRONG_TERMS])
def test_a_wrong_bound_is_refused(entropy, rng, name):
    """The truth is the log evidence at the aligned axes, where the best encoder is the posterior."""
    x = some_data(rng)
    theta = closed_form(x, 2)
    found = compare(entropy, in_scipy(x, covariance(theta)), terms(x, encode(x, best(theta), theta), theta)[name])
    assert found == (PASS if name == "right" else FAIL)


def test_the_rotation_decides_whether_the_bound_is_tight(rng):
    x, top = some_data(rng), log_likelihood(some_data(rng), closed_form(some_data(rng), 2))
    for angle in rng.uniform(0.3, 1.2, 3):
        theta = closed_form(x, 2, np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]))
        M = small(theta)
        lost = 0.5 * (np.log(np.diag(M)).sum() - np.linalg.slogdet(M)[1])
        assert top - elbo(x, best(theta), theta) == pytest.approx(lost, abs=1e-10) and M[0, 1]**2 > 1e-3
        np.testing.assert_allclose(climbed(x, best(theta) + 0.1, theta), best(theta), atol=1e-8)


# ---- the model as networks

@pytest.mark.parametrize("noises", [1, 4])
def test_networks_put_out_the_model_s_own_numbers(rng, noises):
    x, sd = some_data(rng), rng.uniform(0.5, 0.9, noises)
    theta = linear(rng.uniform(-1, 1, (4, 2)), rng.uniform(-1, 1, 4), sd=sd if noises > 1 else sd[0])
    z = rng.uniform(-1, 1, (3, 2))
    np.testing.assert_allclose(forward(to_network(theta), z, (2, 4), tanh)[-1], z @ theta.W.T + theta.b, atol=1e-12)
    np.testing.assert_allclose(forward(encoder_network(theta), x, (4, 4), tanh)[-1], best_lam(x, theta), atol=1e-12)
    again = from_network(to_network(theta), (2, 4), theta.sd)
    for given, found in zip(theta, again):
        np.testing.assert_array_equal(given, found)
    of_scipy = stats.multivariate_normal.logpdf(x, theta.b, covariance(theta))
    np.testing.assert_allclose(log_evidence(x, theta), of_scipy, rtol=1e-10)
    with pytest.raises(ValueError, match=r"layers \(2, 3, 4\): only one of two, \(D, n\), is linear"):
        from_network(np.zeros(25), (2, 3, 4), 1.)


def test_what_a_factor_analyser_s_encoder_reaches_is_below_its_evidence_by_the_family_gap(rng):
    x = some_data(rng)
    theta = fit(x, 1).found._replace(W=rng.uniform(0.3, 0.9, (4, 2)))
    _, precision = posterior(x, theta)
    lost = 0.5 * (np.log(np.diag(precision)).sum() - np.linalg.slogdet(precision)[1])
    assert log_likelihood(x, theta) - elbo(x, best(theta), theta) == pytest.approx(lost, abs=1e-10)


# ---- the autoencoder

def test_training_ends_at_the_discarded_eigenvalues_from_anywhere(rng):
    x = some_data(rng)
    for D in (1, 2, 3):
        W, E = trained(x, rng.uniform(-1, 1, (D, 4)), rounds=400)
        assert error(W, E, x) == pytest.approx(np.array([2.6, 1.3, 0.9, 0.5])[D:].sum(), abs=1e-9)
        np.testing.assert_allclose(W @ E, AXES[:, :D] @ AXES[:, :D].T, atol=1e-7)


def test_the_picture_s_fits_end_on_their_lines():
    data = load_press().stored("linear_anchors")
    assert np.all(data["elbo"] < data["ppca"] + 1e-12)
    assert data["ppca"] - data["elbo"][-1] < 2e-3 < data["ppca"] - data["elbo"][0]
    assert np.all(np.diff(data["em"]) > -1e-12)
    assert data["ppca"] < data["em"][0] < data["factors"]
    assert data["em"][-1] == pytest.approx(data["factors"], abs=1e-8)
    assert np.all(data["squares"] > data["discarded"] - 1e-12)
    assert data["squares"][-1] == pytest.approx(data["discarded"], abs=1e-6)


# ---- bad input

@pytest.mark.parametrize("D", [4, 5])
def test_too_many_latent_coordinates(rng, D):
    words = f"D={D} latent coordinates leave no direction of the n=4 in x to the noise: take D of at most 3"
    with pytest.raises(ValueError, match=words):
        closed_form(some_data(rng), D)


def test_what_is_no_data_is_named(rng):
    x = some_data(rng)
    with pytest.raises(ValueError, match="x has N=1 data: a covariance takes at least 2"):
        fit(x[:1], 1)
    with pytest.raises(ValueError, match=r"x\[2, 1\] is nan; 1 of 44 values non-finite"):
        closed_form(np.where(np.arange(44).reshape(11, 4) == 9, np.nan, x), 1)
    with pytest.raises(ValueError, match=r"x has shape \(11,\), expected \(any, any\)"):
        closed_form(x[:, 0], 1)
    with pytest.raises(ValueError, match="D must be an integer >= 1, got 0"):
        closed_form(x, 0)


def test_data_in_a_plane_leave_nothing_to_the_noise(rng):
    words = "the 2 smallest eigenvalues .* have mean .*the data lie in a plane of D=2 dimensions, take a smaller D"
    with pytest.raises(ValueError, match=words):
        closed_form(rng.uniform(-1, 1, (9, 2)) @ rng.uniform(-1, 1, (2, 4)), 2)


def test_a_model_that_is_none_is_named():
    words = r"sd must be > 0, got -1.0 \(a standard deviation, not a variance or its logarithm\)"
    with pytest.raises(ValueError, match=words):
        linear(np.ones((3, 1)), np.zeros(3), sd=-1.)
    words = r"sd has shape \(2,\), expected \(\) for one noise, or \(3,\) for one in each coordinate of x"
    with pytest.raises(ValueError, match=words):
        linear(np.ones((3, 1)), np.zeros(3), sd=[1., 2.])
    with pytest.raises(ValueError, match=r"b has shape \(1,\), expected \(3,\): the mean of x"):
        linear(np.ones((3, 1)), np.zeros(1), sd=1.)
    assert linear(np.ones((3, 1)), np.zeros(3), sd=2).sd == 2.


def test_the_scatter_is_numpy_s_with_n(rng):
    x = some_data(rng)
    np.testing.assert_allclose(scatter(x, x.mean(axis=0)), np.cov(x.T, bias=True), atol=1e-12)


def test_a_rotation_is_one_and_a_coordinate_moves(rng):
    x = rng.standard_normal((30, 4))
    with pytest.raises(ValueError, match="rotation is no orthogonal matrix"):
        closed_form(x, 2, np.ones((2, 2)))
    x[:, 2] = 3.
    words = r"x\[:, 2\] is 3.0 in every datum: its noise would fall to zero .*; leave it out"
    with pytest.raises(ValueError, match=words):
        fit(x, 1)
    assert not fit(x, 1, each=False).stopped


def test_integers_are_fitted_in_double_precision(rng):
    x = rng.integers(0, 256, (40, 4)).astype(np.uint8)
    reached = fit(x, 1, each=False)
    assert reached.found.W.dtype == float and not reached.stopped


# ---- what people bring


@pytest.mark.parametrize("units", [[1e3, 1.0, 1.0], [1e6, 1.0, 1e-6]])
def test_factor_analysis_does_not_feel_units(rng, units):
    x = rng.standard_normal((60, 1)) @ np.array([[1, 0.9, 0.8]]) + rng.standard_normal((60, 3)) * [0.5, 0.5, 1]
    one, other = fit(x, 1, steps=300), fit(x * units, 1, steps=300)
    likelihoods = [found.trace[-1] for found in (one, other)]
    assert likelihoods[1] + np.sum(np.log(units)) == pytest.approx(likelihoods[0], abs=1e-9)
    np.testing.assert_allclose(other.found.sd / units, one.found.sd, rtol=1e-6)
    assert log_likelihood(x * units, other.found) == pytest.approx(likelihoods[1], abs=1e-8)


def test_a_noise_that_falls_to_zero_is_named(rng):
    """Correlations .8, .8 and .5: the first column's share of the factor would be .8 .8 / .5, above one."""
    white = np.linalg.qr(np.column_stack([np.ones(40), rng.standard_normal((40, 3))]))[0][:, 1:] * np.sqrt(40)
    x = white @ np.linalg.cholesky([[1, 0.8, 0.8], [0.8, 1, 0.5], [0.8, 0.5, 1]]).T
    with pytest.warns(RuntimeWarning, match=r"the noise of x\[:, 0\] falls to zero: the likelihood has no maximum"):
        fit(x, 1, steps=2000)


def test_equal_eigenvalues_have_loadings_of_zero():
    x = np.vstack([2 * np.eye(4), -2 * np.eye(4)])
    theta = closed_form(x, 2)
    assert np.all(theta.W == 0) and theta.sd == pytest.approx(1)
    assert log_likelihood(x, theta) == pytest.approx(-2 * (1 + np.log(2 * np.pi)))


@pytest.mark.parametrize("x, told", [(np.ma.masked_values([[1., 2.], [3., -9.]], -9.), "x is a masked array"),
                                     ([["1", "2"], ["3", "4"]], "x holds text"), (np.ones(3), r"x has shape \(3,\)")])
def test_data_that_are_none_are_refused(x, told):
    for call in (closed_form, fit):
        with pytest.raises(ValueError, match=told):
            call(x, 1)


# ---- digits: tiny noises, loadings that are alike, huge scales

def exact_evidence(x, theta):
    """log N(x_n; b, C) (N,) by elimination in fractions."""
    W, sd = [[Fraction(float(value)) for value in row] for row in theta.W], map(float, deviations(theta))
    noise = [Fraction(one)**2 for one in sd]
    off = [[Fraction(float(value)) - Fraction(float(b)) for value, b in zip(row, theta.b)] for row in x]
    n = len(W)
    rows = [[sum(a * b for a, b in zip(W[i], W[j])) + noise[i] * (i == j) for j in range(n)] + [row[i] for row in off]
            for i in range(n)]
    log_det = 0.
    for i in range(n):
        log_det += float(np.log(float(rows[i][i])))
        for k in range(n):
            if k != i:
                factor = rows[k][i] / rows[i][i]
                rows[k] = [a - factor * b for a, b in zip(rows[k], rows[i])]
    squares = [float(sum(row[i] * rows[i][n + k] / rows[i][i] for i in range(n))) for k, row in enumerate(off)]
    return -0.5 * (n * np.log(2 * np.pi) + log_det + np.array(squares))


@pytest.mark.parametrize("scale, sd, error", [
    (1., 0.7, 1e-13), (1., 1e-4, 1e-11), (1., 1e-7, 1e-6), (1e9, 1., 1e-4), (1e150, 1e148, 1e-10),
    (1e-150, 1e-151, 1e-10), ([[1e8], [1.], [1e-8], [1.]], np.array([1e7, 0.3, 1e-9, 0.4]), 1e-11),
    ([[1e6, 1.]] * 4, 0.5, 1e-6),
])
def test_evidence_keeps_its_digits_where_the_covariance_has_none(rng, scale, sd, error):
    """A covariance in float64 has lost a noise of 1e-7, and with it milli-nats to whole nats."""
    theta = linear(scale * rng.standard_normal((4, 2)), np.zeros(4), sd=sd)
    x = rng.standard_normal((5, 2)) @ theta.W.T + theta.sd * rng.standard_normal((5, 4))
    exact = exact_evidence(x, theta)
    np.testing.assert_allclose(log_evidence(x, theta), exact, atol=error * np.max(np.abs(exact)))
    assert log_likelihood(x, theta) == pytest.approx(np.mean(exact), abs=error * np.max(np.abs(exact)))


def test_loadings_that_are_nearly_alike(rng):
    first = rng.standard_normal(4)
    theta = linear(np.column_stack([first, first + 1e-9 * rng.standard_normal(4)]), np.zeros(4), sd=0.5)
    x = rng.standard_normal((5, 4))
    np.testing.assert_allclose(log_evidence(x, theta), exact_evidence(x, theta), rtol=1e-12)


def test_where_no_digits_are_left_it_says_so(rng):
    first = rng.standard_normal(4)
    x = rng.standard_normal((5, 4))
    alike = linear(np.column_stack([first, 3 * first]), np.zeros(4), sd=1e-9)
    for call in (log_evidence, log_likelihood, posterior, best_lam, lambda x, theta: em_step(x, theta, True)):
        with pytest.raises(ValueError, match="columns of W in units of the noise are combinations of one another to"):
            call(x, alike)
    with pytest.raises(ValueError, match="too large beside the noise: their squares overflow: rescale x, or raise sd"):
        log_evidence(x, linear(first[:, None], np.zeros(4), sd=1e-160))
    with pytest.raises(ValueError, match=r"the spread of x is 3e\+09 times the noise: a covariance in float64"):
        log_density_of(np.eye(4), linear(np.ones((4, 1)), np.zeros(4), sd=1e-9))


def test_what_z_explains_to_within_rounding_has_no_noise():
    z = np.array([[-1.], [0.5], [2.], [-0.3]])
    theta = linear(np.array([[1.], [2.], [-1.]]), np.zeros(3), sd=1e-9)
    for each, what in ((True, r"x\[:, \d\]"), (False, "x")):
        with pytest.raises(ValueError, match=f"z explains {what} to within rounding: the noise would fall to zero"):
            em_step(z @ theta.W.T, theta, each)


def test_an_autoencoder_s_codes_and_squares_that_overflow(rng):
    x = rng.standard_normal((6, 3))
    for data, E in ((x, np.array([[1., 0., 1.], [2., 0., 2.]])), (np.ones((5, 3)), np.ones((1, 3)))):
        with pytest.raises(ValueError, match="the codes of the data are combinations of one another: take an E"):
            trained(data, E)
    with pytest.raises(ValueError, match=r"x holds values as large as \de\+160, whose squares overflow: rescale it"):
        closed_form(1e160 * x, 1)
