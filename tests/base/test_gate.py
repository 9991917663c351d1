"""Data that are not what they seem, at every public function that takes some."""
import numpy as np
import pytest

from refvi.base import models
from refvi.bound.coordinate_ascent import gaussian
from refvi.bound.coordinate_ascent.fit import ascend, left_to_gain
from refvi.generative.linear_latent import fit as em, maximum
from refvi.likelihood.mle import classifier, heteroscedastic
from refvi.marginal.marginal_gradient import mixture

ENTROPY = np.random.SeedSequence().entropy


def generator():
    """One stream of draws for every call of a run."""
    return np.random.default_rng(ENTROPY)


THETA = models.regression(np.ones((4, 1)), prior_sd=1., noise_sd=1.)
TAKERS = {      # four data x (4,)
    "posterior": lambda x: models.posterior(x, THETA)[0],
    "evidence": lambda x: models.log_evidence(x, THETA),
    "gaussian": lambda x: gaussian.data_of(x)[1:],
    "mixture": lambda x: mixture.gradient(x, np.zeros(1), np.zeros(1), np.zeros(1)).mu,
    "mixture em": lambda x: mixture.expectation_maximization(x, np.zeros(1), np.zeros(1), np.zeros(1))[1],
    "heteroscedastic": lambda x: heteroscedastic.fit(generator(), x, np.ones((4, 1)), 1, 2).lam,
    "closed form": lambda x: maximum.closed_form(np.ma.column_stack([x, ROWS]) if np.ma.isMaskedArray(x) else
                                                 np.column_stack([np.asarray(x), ROWS]), 1).sd,
}
ROWS = np.array([[0.3, 1.], [0.1, -1.], [1.2, 0.4], [0.2, 0.2]])


@pytest.mark.parametrize("taker", TAKERS)
@pytest.mark.parametrize("x", [[0, 1, 1, 3], np.array([0, 1, 1, 3], np.uint8), np.array([0, 1, 1, 3], np.int32),
                               np.ma.array([0., 1., 1., 3.]), np.array([0., 1., 1., 3.], np.float32)])
def test_whatever_holds_the_numbers_gives_their_answer(taker, x):
    np.testing.assert_allclose(TAKERS[taker](x), TAKERS[taker](np.array([0., 1., 1., 3.])), rtol=1e-6)


@pytest.mark.parametrize("taker", TAKERS)
@pytest.mark.parametrize("x, told", [
    (np.ma.masked_values([1., 2., -999., 3.], -999.), "masked array with 1 of"),
    (np.array(["1", "2", "3", "4"]), "holds text"),
    (np.array(["1,5", "2", "3", "4"]), "holds text .*"),
    (np.array([1., 2., np.nan, 3.]), "is nan; 1 of"),
    (np.array([1., 2., None, 3.], object), "holds Python objects"),
])
def test_what_is_no_number_is_named(taker, x, told):
    with pytest.raises(ValueError, match=told):
        TAKERS[taker](x)


@pytest.mark.parametrize("labels, told", [
    (np.ma.masked_values([0, 1, -9], -9), "x is a masked array with 1 of 3"),
    (np.array([0., 1., 2.]), r"got float64 from 0 to 2: convert them with x.astype\(int\)"),
    (["0", "1", "2"], "x holds text"), (np.array([1, 2, 10]), "integers in 0..9, got int64 from 1 to 10"),
])
def test_labels_that_are_none_are_named(labels, told, rng):
    with pytest.raises(ValueError, match=told):
        classifier.fit(rng, labels, np.zeros((3, 784), np.uint8), 1, 2)


@pytest.mark.parametrize("images", [[[0] * 784] * 3, np.zeros(784, np.uint8), np.zeros((3, 784)),
                                    np.ma.masked_equal(np.zeros((3, 784), np.uint8), 0)])
def test_images_that_are_none_are_named(images, rng):
    with pytest.raises(ValueError, match="images are kept as uint8 and scaled batch by batch, got .* of shape"):
        classifier.fit(rng, np.zeros(3, int), images, 1, 2)


def test_masked_inputs_of_a_network_are_named(rng):
    y = np.ma.masked_values([[0.1], [-9.], [0.2], [0.3]], -9.)
    with pytest.raises(ValueError, match="y is a masked array with 1 of 4"):
        heteroscedastic.fit(rng, np.zeros(4), y, 1, 2)


@pytest.mark.parametrize("ratio", [0.5, 0.99, 0.999])
def test_coordinate_ascent_stops_on_what_is_left_to_gain(ratio):
    """Gains of a geometric series: a small gain is not the last one."""
    fitted = ascend(lambda q: q * ratio, lambda q: -q, 1., tolerance=1e-6, most=30_000)
    assert fitted.stopped == "" and fitted.found < 2e-6


def test_gains_that_do_not_shrink_tell_nothing_and_rounding_is_no_gain():
    assert left_to_gain([0., 1.]) == np.inf and left_to_gain([0., 1., 2.]) == np.inf
    assert left_to_gain([0., 1., 1.5]) == 0.5 and left_to_gain([0., 1., 1.]) == 0


def test_em_takes_lists(rng):
    rows = rng.standard_normal((9, 3))
    assert em.fit(rows.tolist(), 1, steps=5).trace[-1] == em.fit(rows, 1, steps=5).trace[-1]


def test_decimal_commas_and_masked_rows_are_named():
    with pytest.raises(ValueError, match=r"x holds text \(1,5\): write decimals with a point, then convert it"):
        gaussian.data_of(["1,5", "2,5"])
    theta = maximum.Linear(np.ones((2, 1)), np.zeros(2), np.array(1.))
    with pytest.raises(ValueError, match="x is a masked array with 1 of 4"):
        maximum.log_likelihood(np.ma.masked_values([[1., -9.], [2., 3.]], -9.), theta)
