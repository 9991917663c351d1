"""Labels, images and sums that are not what they seem; tests/test_gate.py has every function that takes data."""
import numpy as np
import pytest

from refvi.bound.coordinate_ascent import gaussian
from refvi.bound.coordinate_ascent.fit import ascend, left_to_gain
from refvi.generative.linear_latent import fit as em, maximum
from refvi.likelihood.mle import classifier, heteroscedastic


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
