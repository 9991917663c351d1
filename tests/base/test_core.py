"""The words every chapter speaks: noise integrates what it draws, the score is the gradient of the log density, errors
name the array.
"""
import numpy as np
import pytest
from autograd import grad

from refvi import Model, categorical, diagonal_normal, noise, normal
from refvi.base.checks import require_count, require_finite, require_positive, require_shape, spread
from refvi.base.core import gradient_of_each, score


def test_the_rule_of_s_draws_is_the_product_of_s_rules(rng):
    lam = np.array([0.4, -0.3])
    eps, weights = noise(normal, lam).rule(2, 20)
    assert eps.shape == (400, 2) and weights.shape == (400,)
    np.testing.assert_allclose(np.sum(weights), 1, rtol=1e-10)
    np.testing.assert_allclose(weights @ (eps[:, 0] * eps[:, 1]), lam[0]**2, rtol=1e-9)
    np.testing.assert_allclose(weights @ (eps[:, 0]**2), lam[0]**2 + np.exp(2 * lam[1]), rtol=1e-9)


def test_a_rule_too_large_is_left_to_draws():
    assert noise(diagonal_normal, np.zeros(4)).rule(2, 64) is None
    assert noise(diagonal_normal, np.zeros(12)).rule(1, 64) is None         # 64^6 nodes were never built
    assert noise(categorical, np.zeros(3)).rule(5, 64)[0].shape == (243, 5)


def test_draws_have_repetitions_first(rng):
    assert noise(normal, np.zeros(2)).draw(rng, 7, 3).shape == (7, 3)
    assert noise(diagonal_normal, np.zeros(4)).draw(rng, 7, 3).shape == (7, 3, 2)


def test_the_score_is_the_gradient_of_each_log_density(rng):
    lam = rng.normal(size=4)
    z = diagonal_normal.sample(rng, lam, (3, 2))
    one_by_one = [[grad(diagonal_normal.log_prob, 1)(z[r, s], lam) for s in range(2)] for r in range(3)]
    np.testing.assert_allclose(score(diagonal_normal, z, lam), one_by_one, rtol=1e-12)


def test_the_gradient_of_each_against_central_differences(rng):
    lam, h = rng.normal(size=2), 1e-5
    z = rng.normal(size=5)

    def g(z, lam):
        return np.exp(normal.log_prob(z, lam)) * z

    central = np.stack([(g(z, lam + h * e) - g(z, lam - h * e)) / (2 * h) for e in np.eye(2)], axis=-1)
    np.testing.assert_allclose(gradient_of_each(lambda z, lam: normal_density(z, lam) * z, z, lam), central, atol=1e-9)


def normal_density(z, lam):
    import autograd.numpy as anp
    return anp.exp(normal.log_prob(z, lam))


def test_a_joint_density_is_prior_times_likelihood():
    model = Model(lambda z, theta: theta * z, lambda x, z, theta: x - z)
    assert model.log_joint(2., 5., 3.) == 9.


@pytest.mark.parametrize("shape, wanted", [((5, 1), (5,)), ((3,), (5,)), ((5, 2), (None, 3)), ((), (None,))])
def test_a_wrong_shape_prints_both(shape, wanted):
    with pytest.raises(ValueError) as error:
        require_shape("y", np.zeros(shape), wanted, "the targets")
    assert f"y has shape {shape}, expected (" in str(error.value) and "the targets" in str(error.value)


def test_integers_become_floats_and_float32_stays():
    assert require_shape("y", np.arange(3), (3,), "").dtype == np.float64
    assert require_shape("y", np.zeros(3, np.float32), (3,), "").dtype == np.float32


def test_what_is_not_finite_is_counted_and_named():
    x = np.zeros(506)
    x[17] = np.nan
    with pytest.raises(ValueError, match=r"x\[17\] is nan; 1 of 506 values non-finite"):
        require_finite("x", x)


def test_a_standard_deviation_is_positive():
    with pytest.raises(ValueError, match=r"sigma must be > 0, got -1.0 \(parameterize by log_sigma\)"):
        require_positive("sigma", -1.0, "parameterize by log_sigma")


def test_numpy_s_integers_count():
    assert require_count("S", np.int64(3)) == 3


@pytest.mark.parametrize("count", [0, -1, 2.0, True, "3", None])
def test_a_count_is_an_integer_of_at_least_one(count):
    with pytest.raises(ValueError, match="S must be an integer >= 1, got"):
        require_count("S", count)


@pytest.mark.parametrize("value, told", [
    (["a", "b"], r"x holds text \(a\): convert it with np.asarray\(x, float\)"),
    ([1j, 2.], "x holds complex128, expected real numbers"),
    ([None, 1], "x holds Python objects .NoneType among them.: drop what is missing"),
    ([[1., 2.], [3.]], "x has rows of different lengths: give every row one value for each column"),
    (np.ma.masked_values([1., -999.], -999.), "x is a masked array with 1 of 2 values masked: take those"),
    ([2**60, 1], "x holds 1152921504606846976, beyond 2.53: not exact as a float"),
    (np.array([-2**60, 1]), "x holds -1152921504606846976, beyond 2.53"),
])
def test_what_are_no_real_numbers_is_told(value, told):
    with pytest.raises(ValueError, match=told):
        require_shape("x", value, (None,), "the data")


@pytest.mark.parametrize("kind", [bool, np.uint8, np.int64, np.float64])
def test_zeros_and_ones_are_the_same_numbers_whatever_their_type(kind):
    x = require_shape("x", np.array([0, 1, 1]).astype(kind), (3,), "the data")
    assert x.dtype == float and (1 - 2 * x).tolist() == [1., -1., -1.]
    assert require_shape("x", [0, 1, 1], (3,), "the data").dtype == float


def test_a_masked_array_without_a_gap_is_its_numbers():
    x = require_shape("x", np.ma.masked_values([1., 2.], -999.), (2,), "the data")
    assert type(x) is np.ndarray and x.tolist() == [1., 2.]


def test_columns_that_are_constant_up_to_rounding_have_no_spread():
    values = np.column_stack([0.1 * np.ones(7) + 1e-17, 1e9 + np.array([0, 1, 0, 1, 0, 1, 0.]), 1e-30 * np.arange(7.)])
    assert (spread(values) > 0).tolist() == [False, True, True]
